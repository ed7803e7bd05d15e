"""Signature checking, one small protocol so that RSA and Ed25519 keys can join HMAC ones."""

from __future__ import annotations

import hashlib
import hmac
from typing import Protocol
from urllib.parse import unquote


class SignatureVerifier(Protocol):
    """Knows one key's verifying half."""

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


def split_signature(query: bytes, body: bytes) -> tuple[bytes, str] | None:
    """Part the signed bytes (query, then body, nothing between) from the signature.

    The signature has to be the very last parameter: of the body if there is one, else of the query.
    None when it is not.
    """
    carrier = body or query
    head, found, signature = carrier.rpartition(b"signature=")
    if not found or b"&" in signature or (head and not head.endswith(b"&")):
        return None
    return (query if body else b"") + head.removesuffix(b"&"), unquote(signature.decode("utf-8", "replace"))
