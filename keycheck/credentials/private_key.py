"""PEM and passphrase -> signer. The only user of `cryptography`, imported only for such a key.

What `cryptography` raises never travels on: nobody has promised that its texts quote nothing.
"""

import base64
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from keycheck.credentials import pem
from keycheck.credentials.pasted_text import PASSPHRASE, KeyType, PrivateKey
from keycheck.errors import UsageProblem
from keycheck.redaction.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

SMALLEST_RSA = 2048  # bits; Binance's documentation names 2048 and 4096
_MAKE = "make one with openssl genpkey -algorithm ed25519, and register its public half as a new API key"
_INSTALL = "private keys need the package cryptography, which is not installed: pip install -r requirements.txt"


class PrivateKeySigner:
    """Ed25519, or RSASSA-PKCS1-v1_5 with SHA-256, in base64. No text of the key is kept: it is an object of C's."""

    __slots__ = ("_sign", "type")

    def __init__(self, key_type: KeyType, sign: Callable[[bytes], bytes]) -> None:
        self.type = key_type
        self._sign = sign

    def sign(self, payload: bytes) -> str:
        return base64.b64encode(self._sign(payload)).decode("ascii")


def signer(given: PrivateKey) -> PrivateKeySigner:
    """Opens the key. Raises UsageProblem, in one sentence, for a text that is no private key for Binance."""
    text = given.pem.reveal()
    block = pem.private_block(text)
    if block is None:
        raise UsageProblem(f"{given.place} {_what_it_is_instead(text)}")
    if "OPENSSH PRIVATE KEY" in pem.labels(block):
        raise UsageProblem(f"{given.place} holds a key in OpenSSH's own format, which Binance does not take: {_MAKE}")
    if pem.is_encrypted(block) and given.passphrase is None:
        raise UsageProblem(f"{given.place} holds an encrypted private key: give its passphrase as {PASSPHRASE}")
    try:
        key = _opened(block, given.passphrase if pem.is_encrypted(block) else None)
    except ImportError:
        raise UsageProblem(_INSTALL) from None
    if key is None:
        raise UsageProblem(_why_it_stays_shut(given, block))
    return _signer_with(key, given.place)


def _what_it_is_instead(text: str) -> str:
    found = pem.labels(text)
    if any(label.endswith("PUBLIC KEY") for label in found):
        return "holds a public key, which is the half that Binance keeps: give the private key that was made with it"
    if "CERTIFICATE" in found:
        return f"holds a certificate and no private key: {_MAKE}"
    if pem.looks_like(text) and not found:
        return (
            "holds a part of a PEM alone: give all of it, from -----BEGIN to the last -----END line (in .env on one "
            "line, with \\n for each line end)"
        )
    return "holds no private key in PEM form (-----BEGIN PRIVATE KEY-----): give the file that openssl wrote"


def _opened(block: str, passphrase: Secret | None) -> "PrivateKeyTypes | None":
    """The key; None if it cannot be opened."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  an HMAC run does without
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  as above

    password = None if passphrase is None else passphrase.reveal().encode("utf-8", "surrogateescape")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about old ciphers: they would appear in the middle of the report
            return serialization.load_pem_private_key(block.encode("utf-8", "replace"), password)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _why_it_stays_shut(given: PrivateKey, block: str) -> str:
    if pem.is_encrypted(block):
        return (
            f"{given.place} cannot be opened with {PASSPHRASE}: correct the passphrase, and if it is right, the key is "
            "damaged"
        )
    return f"{given.place} holds a private key that is damaged, or of a type that Binance does not take: {_MAKE}"


def _signer_with(key: "PrivateKeyTypes", place: str) -> PrivateKeySigner:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  as above
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa  # noqa: PLC0415  as above

    if isinstance(key, ed25519.Ed25519PrivateKey):
        return PrivateKeySigner("ED25519", key.sign)
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= SMALLEST_RSA:
        return PrivateKeySigner("RSA", lambda payload: key.sign(payload, padding.PKCS1v15(), hashes.SHA256()))
    if isinstance(key, rsa.RSAPrivateKey):
        raise UsageProblem(
            f"{place} holds an RSA key of {key.key_size} bits, and Binance takes none below {SMALLEST_RSA}: {_MAKE}"
        )
    kind = "an EC key" if isinstance(key, ec.EllipticCurvePrivateKey) else "a key of a type that is neither"
    raise UsageProblem(f"{place} holds {kind}, and Binance takes Ed25519 and RSA: {_MAKE}")
