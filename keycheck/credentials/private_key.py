"""PEM and passphrase -> signer. The only user of `cryptography`, which is imported only for such a key.

No exception of `cryptography` leaves this module, because its text might quote the key.
"""

import base64
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from keycheck.credentials import key_derivation, pem
from keycheck.credentials.pasted_text import PASSPHRASE, KeyType, PrivateKey
from keycheck.errors import UsageProblem
from keycheck.redaction.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

SMALLEST_RSA = 2048  # bits; Binance's documentation names 2048 and 4096
# Bits. OpenSSL checks whether an RSA key's factors are primes, which takes minutes for a key of 16384 bits; while it
# does, Python hears neither Ctrl-C nor a time limit.
LARGEST_RSA = 8192
_LONGEST_BODY = (
    7000  # characters of base64; an RSA key of 8192 bits has some 6300. Huge DSA and DH keys take minutes, too
)
_MAKE = "make one with openssl genpkey -algorithm ed25519, and register its public half as a new API key"
_INSTALL = "private keys need the package cryptography, which is not installed: pip install -r requirements.txt"


class PrivateKeySigner:
    """A signer with Ed25519, or RSASSA-PKCS1-v1_5 with SHA-256, in base64. It keeps no text of the key."""

    __slots__ = ("_sign", "type")

    def __init__(self, key_type: KeyType, sign: Callable[[bytes], bytes]) -> None:
        self.type = key_type
        self._sign = sign

    def sign(self, payload: bytes) -> str:
        return base64.b64encode(self._sign(payload)).decode("ascii")


def signer(given: PrivateKey) -> PrivateKeySigner:
    """The signer for a private key. Raises UsageProblem if it is not a private key of a type that Binance takes."""
    text = given.pem.reveal()
    block = pem.private_block(text)
    if block is None:
        raise UsageProblem(f"{given.place} {_why_no_private_key(text)}")
    if "OPENSSH PRIVATE KEY" in pem.labels(block):
        raise UsageProblem(f"{given.place} holds a key in OpenSSH's own format, which Binance does not take: {_MAKE}")
    if len(pem.body(block)) > _LONGEST_BODY:
        raise UsageProblem(f"{given.place} holds a private key larger than any that Binance takes: {_MAKE}")
    if pem.is_encrypted(block) and given.passphrase is None:
        raise UsageProblem(f"{given.place} holds an encrypted private key: give its passphrase as {PASSPHRASE}")
    if pem.is_encrypted_pkcs8(block) and not key_derivation.is_bounded(pem.body(block)):
        raise UsageProblem(
            f"{given.place} holds an encrypted private key that is damaged, or whose passphrase takes minutes to try: "
            "encrypt the key again with openssl pkcs8 -topk8"
        )
    try:
        key = _decoded(block, given.passphrase if pem.is_encrypted(block) else None)
    except ImportError:
        raise UsageProblem(_INSTALL) from None
    if key is None:
        raise UsageProblem(_why_not_decoded(given, block))
    return _signer_with(key, given.place)


def _why_no_private_key(text: str) -> str:
    found = pem.labels(text)
    if any(label.endswith("PUBLIC KEY") for label in found):
        return "holds a public key, which is the half that Binance keeps: give the private key that was made with it"
    if "CERTIFICATE" in found:
        return f"holds a certificate and no private key: {_MAKE}"
    if pem.looks_like(text) and not found:
        return (
            "holds only a part of a PEM: give all of it, from -----BEGIN to the last -----END line (in .env on one "
            "line, with \\n for each line end)"
        )
    return "holds no private key in PEM form (-----BEGIN PRIVATE KEY-----): give the file that openssl wrote"


def _decoded(block: str, passphrase: Secret | None) -> "PrivateKeyTypes | None":
    """The key, whose numbers are not checked; None if it cannot be decoded."""
    from cryptography.exceptions import InternalError, UnsupportedAlgorithm  # noqa: PLC0415  a run with an HMAC key does not need it
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  as above

    password = None if passphrase is None else passphrase.reveal().encode("utf-8", "surrogateescape")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about old ciphers would appear in the report
            return serialization.load_pem_private_key(
                block.encode("utf-8", "replace"), password, unsafe_skip_rsa_key_validation=True
            )
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):  # the last for a large DH key
        return None


def _why_not_decoded(given: PrivateKey, block: str) -> str:
    if pem.is_encrypted(block):
        return (
            f"{given.place} cannot be opened with {PASSPHRASE}: correct the passphrase; if it is right, the key is "
            "damaged"
        )
    return _damaged(given.place)


def _damaged(place: str) -> str:
    return f"{place} holds a private key that is damaged, or of a type that Binance does not take: {_MAKE}"


def _signer_with(key: "PrivateKeyTypes", place: str) -> PrivateKeySigner:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415  as above

    if isinstance(key, ed25519.Ed25519PrivateKey):
        return PrivateKeySigner("ED25519", key.sign)
    if isinstance(key, rsa.RSAPrivateKey):
        return _rsa_signer_with(key, place)
    kind = "an EC key" if isinstance(key, ec.EllipticCurvePrivateKey) else "a key of another type"
    raise UsageProblem(f"{place} holds {kind}, but Binance takes only Ed25519 and RSA: {_MAKE}")


def _rsa_signer_with(key: "RSAPrivateKey", place: str) -> PrivateKeySigner:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  as above
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415  as above

    if not SMALLEST_RSA <= key.key_size <= LARGEST_RSA:
        raise UsageProblem(f"{place} holds an RSA key of {key.key_size} bits, but Binance takes 2048 to 4096: {_MAKE}")
    checked = _checked(key)
    if checked is None:
        raise UsageProblem(_damaged(place))
    return PrivateKeySigner("RSA", lambda payload: checked.sign(payload, padding.PKCS1v15(), hashes.SHA256()))


def _checked(key: "RSAPrivateKey") -> "RSAPrivateKey | None":
    """The key with its numbers checked; None if they are wrong, or would take minutes to check."""
    numbers = key.private_numbers()
    if max(numbers.p, numbers.q).bit_length() > LARGEST_RSA // 2:
        return None
    try:
        return numbers.private_key()
    except ValueError:
        return None
