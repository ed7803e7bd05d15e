"""Takes secrets, addresses and names out of text. Pure.

redactor.py       knows the secrets of a run, and hides them
decoded_forms.py  the texts that an escaped or encoded text stands for
secret.py         a value that does not print itself
"""
