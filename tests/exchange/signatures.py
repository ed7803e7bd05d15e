"""Signature checking, one small class for each kind of key that can be registered."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from functools import cache
from typing import Protocol
from urllib.parse import unquote_plus


class SignatureVerifier(Protocol):
    """Checks the signatures of one key."""

    def accepts(self, payload: bytes, signature: str) -> bool:
        """Say whether the (percent-decoded) signature belongs to exactly these bytes."""
        ...


class HmacVerifier:
    """HMAC-SHA256 in hex; upper and lower case are the same signature (docs)."""

    def __init__(self, secret: str) -> None:
        """Keep the secret shared with the key's owner."""
        self._secret = secret.encode()

    def accepts(self, payload: bytes, signature: str) -> bool:
        """Compare with the signature this secret gives the payload."""
        expected = hmac.new(self._secret, payload, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.lower().encode())


class PublicKeyVerifier:
    """Ed25519, or RSASSA-PKCS1-v1_5 with SHA-256. Accepts only the canonical base64 of a signature, with its case."""

    def __init__(self, pem: str) -> None:
        """Take the public key that the owner registered."""
        self._verify = _verifying(pem)

    def accepts(self, payload: bytes, signature: str) -> bool:
        """Say whether the private half of this key signed the payload."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  HMAC does without cryptography

        try:
            raw = base64.b64decode(signature, validate=True)
            self._verify(raw, payload)
        except (binascii.Error, ValueError, InvalidSignature):
            return False
        return base64.b64encode(raw).decode() == signature


def _verifying(pem: str) -> Callable[[bytes, bytes], None]:
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415  as above
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa  # noqa: PLC0415  as above

    key = serialization.load_pem_public_key(pem.encode())
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key.verify
    if isinstance(key, rsa.RSAPublicKey):
        return lambda signature, payload: key.verify(signature, payload, padding.PKCS1v15(), hashes.SHA256())
    raise TypeError("Binance registers Ed25519 and RSA keys")


@cache
def verifier_of(secret: str, public_key: str | None) -> SignatureVerifier:
    """The verifier of a key's signatures: with the registered public key if there is one, else with the secret."""
    return HmacVerifier(secret) if public_key is None else PublicKeyVerifier(public_key)


def split_signature(query: bytes, body: bytes) -> tuple[bytes, str] | None:
    """Separate the signed bytes (query, then body, nothing between) from the signature.

    The signature has to be the very last parameter: of the body if there is one, else of the query.
    None when it is not. A "+" that was not percent-encoded is a blank, as in any form.
    """
    carrier = body or query
    head, found, signature = carrier.rpartition(b"signature=")
    if not found or b"&" in signature or (head and not head.endswith(b"&")):
        return None
    return (query if body else b"") + head.removesuffix(b"&"), unquote_plus(signature.decode("utf-8", "replace"))
