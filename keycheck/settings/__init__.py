""".env and the process environment -> Settings.

loading.py            reads and validates all settings; never writes to os.environ
dotenv_file.py        reads the text of .env and of a private key's file
sources.py            where key and secret came from, and names that are not settings
saving.py             a tested key -> a settings file that is read as it was tested
value_parsers.py      the text of one setting -> its value, or one sentence that says what to correct
child_environment.py  the environment variables that other programs get
"""
