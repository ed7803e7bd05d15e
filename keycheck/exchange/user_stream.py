"""The account's user data stream: its address, the answer to the request for a listen key, and its messages. Pure.

A listen key is a secret: whoever has it reads the account's orders and balances for an hour. Binance's host opens a
stream for any listen key, a made-up one too, and answers pings on it (observed 2026-06 to 2026-09): an open stream and
a pong show that the host is reached from here and speaks WebSocket, and nothing of the key.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keycheck.errors import NotListed
from keycheck.exchange import refusal_text
from keycheck.exchange.answers import strict
from keycheck.exchange.endpoints import DEMO_USER_STREAM, USER_STREAM, Endpoint
from keycheck.exchange.facts import Refusal, missing
from keycheck.redaction.redactor import printable
from keycheck.redaction.secret import Secret

# A read, sent only under -vv. Nobody has tried yet whether its answer distinguishes a good listen key from a bad one.
LIST_SUBSCRIPTIONS = '{"method": "LIST_SUBSCRIPTIONS", "id": 1}'
_EVENTS = "ORDER_TRADE_UPDATE/ACCOUNT_UPDATE"  # documented names, separated as in the documentation's example
_LISTEN_KEY = re.compile(r"[A-Za-z0-9_-]{16,256}")  # the futures API's has 64 letters and digits
_LONGEST_LISTEN_KEY = 256
_LIKE_A_KEY = re.compile(r"[A-Za-z0-9]{24,}|\d{6,}")  # or like an account's number
_LONGEST_ANSWER = 240
_OURS = "[hidden](ours)"  # stands for the listen key that the stream was opened with


@dataclass(frozen=True)
class StreamKey:
    """The result of `POST /fapi/v1/listenKey`: a listen key, or a refusal."""

    listen_key: Secret | None
    refusal: Refusal | None = None

    def __str__(self) -> str:
        if self.listen_key is None:
            return f"the futures API gives this key no stream: {self.refusal}"
        return "the futures API gave a listen key"


@dataclass(frozen=True)
class UserStream:
    """Whether the stream opened and answered a ping; if not, a description of what happened instead.

    `probe`: the answer to LIST_SUBSCRIPTIONS, scrubbed; "" if it was not sent.
    """

    alive: bool
    observed: str
    probe: str = ""

    def __str__(self) -> str:
        return f"{self.observed}; {self.probe}" if self.probe else self.observed


ALIVE = UserStream(True, "the stream's host was reached, and answered a ping")


def is_listen_key(text: object) -> bool:
    """Whether a text has the form of a listen key, so that it may be put into an address."""
    return isinstance(text, str) and _LISTEN_KEY.fullmatch(text) is not None


def listen_key(body: Mapping[str, Any]) -> Secret:
    """The listen key of an answer. Raises NotBinance if it has none."""
    text = body.get("listenKey")
    if not is_listen_key(text):
        raise missing("listen key", "the futures API")
    return Secret(str(text))


def target(endpoint: Endpoint, listen_key: Secret) -> Secret:
    """Path and query of a stream's address. Raises NotListed for any endpoint but the two of the stream."""
    key = listen_key.reveal()
    if is_listen_key(key) and endpoint == USER_STREAM:
        return Secret(f"{endpoint.path}?listenKey={key}&events={_EVENTS}")
    if is_listen_key(key) and endpoint == DEMO_USER_STREAM:
        return Secret(f"{endpoint.path}/{key}")
    raise NotListed("this stream is not on the list of addresses that this suite may open")


def trouble_in(message: bytes) -> UserStream | None:
    """The observation that a message makes of a sick stream: an error object, or `listenKeyExpired`; else None.

    No text of the message is repeated: it may hold a listen key.
    """
    said = _content(message)
    if said.get("e") == "listenKeyExpired":
        return UserStream(False, "the stream opened, and then said that a listen key has expired, in place of a pong")
    error = said.get("error")
    if not isinstance(error, dict):
        return None
    code = error.get("code")
    shown = f"code {code}" if type(code) is int and abs(code) < 10**6 else "no code"
    return UserStream(False, f"the stream opened, and then sent an error ({shown}) in place of a pong")


def secrets_in(message: bytes) -> list[str]:
    """The listen key that a message carries, as `listenKeyExpired` does; it need not be the one that was sent."""
    said = _content(message).get("listenKey")
    return [said[:_LONGEST_LISTEN_KEY]] if isinstance(said, str) else []


def subscriptions_in(message: bytes, listen_key: Secret) -> str | None:
    """The answer to LIST_SUBSCRIPTIONS, scrubbed and cut; None for any other message, such as an account's event."""
    said = strict(message)
    if not isinstance(said, dict) or said.get("id") != 1 or not said.keys() & {"result", "error"}:
        return None
    kept = {name: said[name] for name in ("result", "error") if name in said}
    text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
    text = text.replace(listen_key.reveal(), _OURS)
    return printable(refusal_text.fit_to_show(None, _LIKE_A_KEY.sub("[hidden]", text)), _LONGEST_ANSWER)


def _content(message: bytes) -> dict[str, Any]:
    """A message's object, without the wrapper of a combined stream; empty if it is none."""
    said = strict(message)
    said = said["data"] if isinstance(said, dict) and isinstance(said.get("data"), dict) else said
    return said if isinstance(said, dict) else {}


def closed(code: int) -> UserStream:
    """The observation of a close frame before the pong."""
    return UserStream(False, f"the stream opened, and was closed with code {code} before it answered a ping")
