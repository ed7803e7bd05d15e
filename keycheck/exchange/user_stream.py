"""The account's user data stream: its address, its listen key, and the messages that came on it. Pure.

A listen key is a secret: whoever has it reads the account's orders and balances for an hour. Binance's host opens a
stream for any listen key, even an invented one, and answers pings on it (observed 2026-06 to 2026-09): an open stream
and a pong show that this machine reaches the host over WebSocket. They show nothing about the key.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keycheck.errors import NotListed
from keycheck.exchange import refusal_text
from keycheck.exchange.answers import listen_key_in, strict
from keycheck.exchange.endpoints import DEMO_USER_STREAM, USER_STREAM, Endpoint
from keycheck.exchange.facts import Refusal, missing
from keycheck.redaction.redactor import printable
from keycheck.redaction.secret import Secret

# A read request, sent only with -vv. It is not known yet whether its answer differs between a valid and an invalid
# listen key.
LIST_SUBSCRIPTIONS = '{"method": "LIST_SUBSCRIPTIONS", "id": 1}'
_EVENTS = "ORDER_TRADE_UPDATE/ACCOUNT_UPDATE"  # documented names, separated as in the documentation's example
_LISTEN_KEY = re.compile(r"[A-Za-z0-9_-]{16,256}")  # the futures API gives 64 letters and digits
_LIKE_A_KEY = re.compile(r"[A-Za-z0-9]{24,}|\d{6,}")  # or like an account number
_LONGEST_ANSWER = 240
_LONGEST_MASKED = 4000  # characters of an answer, before anything in it is masked
_SENT_KEY = "[hidden](ours)"  # stands for the listen key that the stream was opened with


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

    `probe`: the scrubbed answer to LIST_SUBSCRIPTIONS; "" if it was not sent.
    """

    alive: bool
    observed: str
    probe: str = ""

    def __str__(self) -> str:
        return f"{self.observed}; {self.probe}" if self.probe else self.observed


ALIVE = UserStream(True, "the stream's host was reached, and answered a ping")


def is_listen_key(text: object) -> bool:
    """Whether a text has the form of a listen key, so that it is safe to write it into an address."""
    return isinstance(text, str) and _LISTEN_KEY.fullmatch(text) is not None


def listen_key(body: Mapping[str, Any]) -> Secret:
    """The listen key in an answer's body. Raises NotBinance if it holds none."""
    text = body.get("listenKey")
    if not is_listen_key(text):
        raise missing("listen key", "the futures API")
    return Secret(str(text))


def target(endpoint: Endpoint, listen_key: Secret) -> Secret:
    """Path and query of a stream's address. Raises NotListed for any other endpoint, and for a malformed listen key."""
    key = listen_key.reveal()
    if is_listen_key(key) and endpoint == USER_STREAM:
        return Secret(f"{endpoint.path}?listenKey={key}&events={_EVENTS}")
    if is_listen_key(key) and endpoint == DEMO_USER_STREAM:
        return Secret(f"{endpoint.path}/{key}")
    raise NotListed("this stream is not on the list of addresses that this suite may open")


def trouble_in(message: bytes) -> UserStream | None:
    """The observation of a failed stream, if the message is an error object or `listenKeyExpired`; otherwise None.

    It repeats no text of the message, which may hold a listen key.
    """
    content = _content(message)
    if content.get("e") == "listenKeyExpired":
        return UserStream(False, "the stream opened, and then said that a listen key has expired, in place of a pong")
    error = content.get("error")
    if not isinstance(error, dict):
        return None
    code = error.get("code")
    shown = f"code {code}" if type(code) is int and abs(code) < 10**6 else "no code"
    return UserStream(False, f"the stream opened, and then sent an error ({shown}) in place of a pong")


def secrets_in(message: bytes) -> list[str]:
    """The listen key in a message such as `listenKeyExpired`; it need not be the one that was sent."""
    return listen_key_in(_content(message))


def subscriptions_in(message: bytes, listen_key: Secret) -> str | None:
    """The answer to LIST_SUBSCRIPTIONS, scrubbed and shortened; None for other messages, such as account events."""
    answer = strict(message)
    if not isinstance(answer, dict) or answer.get("id") != 1 or not answer.keys() & {"result", "error"}:
        return None
    kept = {name: answer[name] for name in ("result", "error") if name in answer}
    text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))[:_LONGEST_MASKED]
    text = text.replace(listen_key.reveal(), _SENT_KEY)
    return printable(refusal_text.fit_to_show(None, _LIKE_A_KEY.sub("[hidden]", text)), _LONGEST_ANSWER)


def _content(message: bytes) -> dict[str, Any]:
    """A message's JSON object, without the envelope of a combined stream; {} if it is not an object."""
    content = strict(message)
    if isinstance(content, dict) and isinstance(content.get("data"), dict):
        content = content["data"]
    return content if isinstance(content, dict) else {}


def closed(code: int) -> UserStream:
    """The observation that the host closed the stream before the pong."""
    return UserStream(False, f"the stream opened, and was closed with code {code} before it answered a ping")
