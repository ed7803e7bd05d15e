"""Pasted text -> the API key, and the secret or private key that signs requests.

pasted_text.py     cleans a pasted text, with a remark on each thing that it removes (pure)
pem.py             the labels and parts of a PEM text, without decoding the key (pure)
key_derivation.py  how much work an encrypted key makes of its passphrase (pure)
private_key.py     decodes Ed25519 and RSA keys; the only user of cryptography
signing.py         makes the signature of a request (pure)
"""
