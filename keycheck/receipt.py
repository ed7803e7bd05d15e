"""Receipts: proof that this very key, with this very secret, was just tested and found OK.

A receipt is `v1.EXPIRES.HMAC`: the time when it expires, in seconds since 1970, and an HMAC-SHA-256 in hex over that
time, the API key, the SHA-256 of the secret and of the passphrase, and the environment. It holds neither key nor
secret. Only a program with the receipt key can make one, so a platform that saves a key can verify the receipt, and
need not trust the browser about the test.

A receipt says nothing about the time after the test: permissions may be changed at Binance at any time. It can be used
more than once within its 15 minutes, but only for these values.
"""

import hashlib
import hmac
import re

from keycheck import clock

SECONDS = 15 * 60
_SKEW = 60  # seconds by which the clock of a verifying machine may be behind
_SHORTEST_KEY = 32  # bytes
_FORM = re.compile(r"v1\.([1-9][0-9]{0,11})\.([0-9a-f]{64})")
_AGAIN = "test the key again"


class Refused(Exception):
    """The receipt proves nothing. The error's text is a sentence for people, without any part of receipt or key."""


def make(  # noqa: PLR0913  each is a part of what was tested
    key: bytes, *, api_key: str, api_secret: str, environment: str, passphrase: str = "", now: float | None = None
) -> str:
    """Makes a receipt for values whose verdict was OK, and for no others; it is valid for 15 minutes.

    `key`: the receipt key, at least 32 random bytes. `api_secret`: the secret, or the text of the private key;
    `passphrase`: of the private key, where one was given. `environment`: `production` or `demo`. All texts as the
    test used them: without blanks, quotes and line ends around key, secret and passphrase. `now`: seconds since 1970,
    UTC. Raises ValueError for a key that is too short.
    """
    expires = int(clock.now_ms() / 1000 if now is None else now) + SECONDS
    return f"v1.{expires}.{_hmac(key, api_key, api_secret, passphrase, environment, str(expires))}"


def verify(  # noqa: PLR0913  as above
    receipt: str,
    *,
    key: bytes,
    api_key: str,
    api_secret: str,
    environment: str,
    passphrase: str = "",
    now: float | None = None,
) -> None:
    """Returns if these values were found OK within the last 15 minutes. Raises Refused in every other case.

    The parameters are those of `make`. Values from a client's JSON need no check: any that is not text is refused.
    `environment`: the one in which the key will be used, and not one that the client names. Raises ValueError for a
    receipt key that is too short.
    """
    are_texts = all(isinstance(text, str) for text in (receipt, api_key, api_secret, environment, passphrase))
    found = _FORM.fullmatch(receipt) if are_texts else None
    if found is None:
        raise Refused(f"This is not a receipt of a test: {_AGAIN}.")
    expires = int(found[1])
    if not hmac.compare_digest(found[2], _hmac(key, api_key, api_secret, passphrase, environment, str(expires))):
        raise Refused(f"The receipt is not for this key and secret in this environment: {_AGAIN}.")
    left = expires - (clock.now_ms() / 1000 if now is None else now)
    if not 0 < left <= SECONDS + _SKEW:
        raise Refused(f"The test is older than {SECONDS // 60} minutes: {_AGAIN}.")


def _hmac(key: bytes, api_key: str, api_secret: str, passphrase: str, *rest: str) -> str:
    """The HMAC of the parts. Each follows its length, so that different lists of parts never give the same bytes."""
    if len(key) < _SHORTEST_KEY:
        raise ValueError(f"the receipt key must have at least {_SHORTEST_KEY} bytes, such as those of os.urandom")
    secrets = [hashlib.sha256(_bytes(text)).digest() for text in (api_secret, passphrase)]
    parts = [b"keycheck receipt v1", _bytes(api_key), *secrets, *map(_bytes, rest)]
    text = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hmac.digest(key, text, "sha256").hex()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # JSON may hold a lone surrogate
