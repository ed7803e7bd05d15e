"""Pasted text -> API key, secret or private key, and what signs with it.

pasted_text.py  cleans what was pasted, with a remark on everything that had to be cleaned off (pure)
pem.py          what can be said of a PEM without opening it (pure)
private_key.py  opens Ed25519 and RSA keys; the only user of cryptography
signing.py      makes the signature of a request (pure)
"""
