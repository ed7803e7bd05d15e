"""Query, and secret or private key -> signed query. Pure.

Binance's rule (USD-M futures, "SIGNED Endpoint security"): the signature covers the exact bytes that are sent, query
string then body, and `signature` is the last parameter. All parameters are in the query here, as in Binance's own
connector, so that the signed bytes are the sent bytes.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Protocol
from urllib.parse import quote, urlencode

from keycheck.credentials.pasted_text import Credentials, KeyType
from keycheck.redaction.secret import Secret

Params = Iterable[tuple[str, str]]


class Signer(Protocol):
    """Signs payloads with one kind of key: HMAC in this module, RSA and Ed25519 in private_key.py."""

    def sign(self, payload: bytes) -> str:
        """The signature of `payload` as text, not yet percent-encoded."""
        ...


class KeySigner(Signer, Protocol):
    """A signer that knows its key's type."""

    type: KeyType


class HmacSigner:
    """HMAC-SHA256 in lower-case hex, for keys that Binance calls "System generated"."""

    __slots__ = ("_secret", "type")

    def __init__(self, secret: Secret) -> None:
        self.type: KeyType = "HMAC"
        self._secret = secret

    def sign(self, payload: bytes) -> str:
        return hmac.new(self._secret.reveal().encode(), payload, hashlib.sha256).hexdigest()


def signer_of(held: Credentials) -> KeySigner | None:
    """The signer for these credentials; None without a secret. Raises UsageProblem if the private key is unusable."""
    if held.private_key is not None:
        from keycheck.credentials import private_key  # noqa: PLC0415  only such a key needs cryptography

        return private_key.signer(held.private_key)
    return HmacSigner(held.api_secret) if held.api_secret else None


def encode(params: Params) -> str:
    """The percent-encoded query, in the given order; UTF-8, blanks as %20."""
    return urlencode(list(params), quote_via=quote, safe="")


def signed_query(params: Params, signer: Signer) -> str:
    """The query to send: `params` encoded, then `&signature=` with the signature of exactly those bytes."""
    query = encode(params)
    return f"{query}&signature={quote(signer.sign(query.encode('ascii')), safe='')}"
