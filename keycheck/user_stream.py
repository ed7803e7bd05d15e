"""The account's user data stream: what was given to open it, and what it did then. Pure.

A listen key is a secret: whoever has it reads the account's orders and balances for an hour.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keycheck.answers import strict
from keycheck.facts import Refusal, missing
from keycheck.secrets import Secret

_LISTEN_KEY = re.compile(r"[A-Za-z0-9_-]{16,256}")  # of the futures API: 64 letters and digits


@dataclass(frozen=True)
class StreamKey:
    """What `POST /fapi/v1/listenKey` gave: a listen key, or the refusal that came in its place."""

    listen_key: Secret | None
    refusal: Refusal | None = None

    def __str__(self) -> str:
        if self.listen_key is None:
            return f"the futures API gives this key no stream: {self.refusal}"
        return "the futures API gave a listen key"


@dataclass(frozen=True)
class UserStream:
    """Whether the stream opened and answered a ping, and if not, what it did in its place."""

    alive: bool
    observed: str

    def __str__(self) -> str:
        return self.observed


ALIVE = UserStream(True, "the stream took the listen key and answered a ping")


def is_listen_key(text: object) -> bool:
    """Whether it has the form of one, so that it is a name in an address and nothing more."""
    return isinstance(text, str) and _LISTEN_KEY.fullmatch(text) is not None


def listen_key(body: Mapping[str, Any]) -> Secret:
    """The listen key of an answer. Raises NotBinance where there is none."""
    text = body.get("listenKey")
    if not is_listen_key(text):
        raise missing("listen key", "the futures API")
    return Secret(str(text))


def error_in(message: bytes) -> UserStream | None:
    """What a message of the stream says, if it is an error: bare, or in the wrapping of a combined stream.

    Its text is not repeated: it may hold the listen key.
    """
    said = strict(message)
    said = said["data"] if isinstance(said, dict) and isinstance(said.get("data"), dict) else said
    if not isinstance(said, dict) or said.get("e") != "error":
        return None
    code = said.get("code")
    shown = f"code {code}" if type(code) is int and abs(code) < 10**6 else "no code"
    return UserStream(False, f"the stream opened, and then answered with an error ({shown}) in place of a pong")


def closed(code: int) -> UserStream:
    """The other side's close frame came before the pong."""
    return UserStream(False, f"the stream opened, and was closed with code {code} before it answered a ping")
