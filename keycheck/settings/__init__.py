""".env and the process environment -> Settings.

loading.py        reads and weighs all settings; the only reader of os.environ
dotenv_file.py    the text of .env and of a private key's file
value_parsers.py  the text of one setting -> its value, or one sentence that says what to correct
"""
