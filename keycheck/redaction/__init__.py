"""Takes secrets, addresses and names out of text. Pure.

redactor.py       knows the secrets of a run, and hides them
decoded_forms.py  decodes escaped and encoded texts, so that secrets in them are found
secret.py         a value that does not print itself
"""
