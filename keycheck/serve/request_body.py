"""The body of a request -> the settings of a run, or a problem that names the bad member, but never its value.

The functions that handle the text return a problem instead of raising it: an exception would carry their frames along.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import Message, Receive

from keycheck import bounded_files
from keycheck.credentials import pasted_text, pem
from keycheck.errors import UsageProblem
from keycheck.redaction.secret import Secret
from keycheck.serve.problem import Problem
from keycheck.settings import loading
from keycheck.settings.child_environment import PRIVATE_KEY

LIMIT = 8 * 1024  # bytes
SECONDS = 10.0  # for the whole body
MEMBERS = {
    "apiKey": "BINANCE_API_KEY",
    "apiSecret": "BINANCE_API_SECRET",
    "privateKey": PRIVATE_KEY,
    "passphrase": "BINANCE_PRIVATE_KEY_PASSPHRASE",
    "symbol": "BINANCE_SYMBOL",
    "environment": "BINANCE_ENVIRONMENT",
    "expect": "BINANCE_EXPECT",
}
RECEIPT = "receipt"
SECRETS = {*list(MEMBERS.values())[:4], "BINANCE_PRIVATE_KEY_FILE"}
_MEMBER_OF = {"BINANCE_PRIVATE_KEY_FILE": "privateKey"} | {name: member for member, name in MEMBERS.items()}
# An unknown name is repeated if it is a setting's, or too short for a part of a secret.
_NAMED = re.compile(rf"[A-Za-z_]{{1,9}}|{'|'.join(loading.NAMES)}|recvWindow|(futures|wallet|stream)Url|userStream")
_FITS_A_REQUEST = {  # a run's words about files -> words for a client, who has no such files
    "the file that privateKey names": "privateKey",
    "give the file that openssl wrote": "send all of the text that openssl wrote",
    "put the whole of it into a file, and name that in privateKey": "send the whole of it as privateKey",
}
# How a run cleans these values: a pasted key may have blanks or quotes around it.
_AS_USED: dict[str, Callable[[str], str]] = {
    "BINANCE_API_KEY": pasted_text.bare,
    "BINANCE_API_SECRET": pasted_text.bare,
    "BINANCE_PRIVATE_KEY_PASSPHRASE": lambda text: text.strip("\r\n"),
}
_HALF = re.compile("[\ud800-\udfff]")  # a lone surrogate, which JSON may hold


@dataclass(frozen=True)
class Request:
    """A valid request. `settings`: the server's and the request's, for `process.run`. `receipt`: of a request to save.

    `more_weight`: the request weight that these settings add to that of a usual run.
    """

    settings: Secret
    environment: str
    receipt: str = ""
    more_weight: int = 0

    def signed(self) -> dict[str, Any]:
        """The arguments of `receipt.verify` for the values of this request. Keep them in no variable."""
        return self._signed(json.loads(self.settings.reveal()))

    def tested(self) -> dict[str, Any]:
        """The arguments of `receipt.make`: the values as Binance saw them, without blanks and quotes around them."""
        given = json.loads(self.settings.reveal())
        return self._signed(given | {name: clean(given[name]) for name, clean in _AS_USED.items() if name in given})

    def _signed(self, given: dict[str, str]) -> dict[str, Any]:
        private_key = given.get(PRIVATE_KEY, "")
        # A text that was tested as a secret must not be saved as a private key.
        secret = given.get("BINANCE_API_SECRET") or (private_key if pem.looks_like(private_key) else "")
        passphrase = given.get("BINANCE_PRIVATE_KEY_PASSPHRASE", "")
        key = given["BINANCE_API_KEY"]
        return {"api_key": key, "api_secret": secret, "passphrase": passphrase, "environment": self.environment}


class Body:
    """Bytes that do not print themselves."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.is_whole = False

    def add(self, message: Message) -> bool:
        """Adds the bytes of an ASGI message; returns whether to receive another one."""
        self._bytes += message.get("body", b"")
        self.is_whole = message["type"] == "http.request" and not message.get("more_body")
        return bool(message.get("more_body")) and not self.is_too_long

    @property
    def is_too_long(self) -> bool:
        return len(self._bytes) > LIMIT

    def take(self) -> bytes:
        return bytes(self._bytes)


async def receive_all(receive: Receive) -> Body:
    """Receives the whole body, within the limits of size and time. Raises Problem."""
    body = Body()
    try:
        async with asyncio.timeout(SECONDS):
            while body.add(await receive()):
                pass
    except TimeoutError:
        raise Problem(408, f"The body was not whole after {SECONDS:g} s: send it at once.") from None
    if body.is_too_long:
        raise Problem(413, f"The body is longer than {LIMIT} bytes: send the key, its secret and little else.")
    if not body.is_whole:
        raise Problem(400, "The body ended too early.")
    return body


def read(body: Body, of_server: Mapping[str, str], *, to_save: bool = False) -> Request:
    """The request in a body. `of_server`: the server's own settings. `to_save`: it has a receipt, too.

    Raises Problem.
    """
    found = _read(body.take(), of_server, to_save)
    if isinstance(found, Problem):
        raise found
    return found


def problem_of(sentence: str) -> Problem:
    """A run's own sentence about its settings, with the names of the members in it."""
    named = re.findall(r"BINANCE_[A-Z_]+", sentence)
    member = next((_MEMBER_OF[name] for name in named if name in _MEMBER_OF), None)
    text = re.sub(r"BINANCE_[A-Z_]+", lambda found: _MEMBER_OF.get(found[0], found[0]), sentence)
    for words, fitting in _FITS_A_REQUEST.items():
        text = text.replace(words, fitting)
    return Problem(400, f"{text}.", member)


def _read(data: bytes, of_server: Mapping[str, str], to_save: bool) -> Request | Problem:
    """Reads a request. It returns a Problem instead of raising it, because its variables hold the secret."""
    pairs = _pairs(data)
    if isinstance(pairs, Problem):
        return pairs
    problem = _problem_of_members(pairs, [*MEMBERS, RECEIPT] if to_save else list(MEMBERS))
    if problem:
        return problem
    given = dict(pairs)
    receipt = given.pop(RECEIPT, "")
    settings = dict(of_server) | {MEMBERS[member]: value for member, value in given.items()}
    try:  # before a run is started; the run itself checks the credentials
        public = {name: value for name, value in settings.items() if name not in (*SECRETS, "BINANCE_CA_BUNDLE")}
        loaded = loading.load(Path(bounded_files.NOWHERE), environ=public)
    except UsageProblem as problem_of_settings:
        return problem_of(str(problem_of_settings))
    return Request(Secret(json.dumps(settings)), loaded.environment, receipt, loaded.more_weight)


def _pairs(data: bytes) -> list[tuple[str, Any]] | Problem:
    """The members of the object in a JSON text, in order; a problem if the text is not one object."""
    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, _Pairs):
        return Problem(400, 'The body is not one JSON object: send {"apiKey": "...", "apiSecret": "..."} as UTF-8.')
    return found


class _Pairs(list[tuple[str, Any]]):
    """An object of a JSON text, with its members in order, repeated ones too."""


def _problem_of_members(  # noqa: PLR0911  one for each problem
    pairs: list[tuple[str, Any]], allowed: list[str]
) -> Problem | None:
    names = [name for name, _ in pairs]
    for at, (name, value) in enumerate(pairs, start=1):
        if name not in allowed:
            shown = name if _NAMED.fullmatch(name) else None
            return Problem(400, f"{shown or f'Member {at}'} is unknown: send only {', '.join(allowed)}.", shown)
        if names.count(name) > 1:
            return Problem(400, f"{name} is there twice: leave one of them out.", name)
        if not isinstance(value, str) or not value.strip() or _HALF.search(value):
            return Problem(400, f"{name} must be text, and not empty: put it in quotation marks.", name)
    if "apiKey" not in names:
        return Problem(400, "apiKey is missing: send the API key.", "apiKey")
    if ("apiSecret" in names) == ("privateKey" in names):
        is_there = "is given together with privateKey" if "apiSecret" in names else "is missing"
        return Problem(400, f"apiSecret {is_there}: send the secret, or privateKey instead.", "apiSecret")
    if "passphrase" in names and "privateKey" not in names:
        remedy = "leave it out, or send the private key as privateKey instead of apiSecret"
        return Problem(400, f"passphrase is given without privateKey: {remedy}.", "passphrase")
    if RECEIPT in allowed and RECEIPT not in names:
        return Problem(400, "receipt is missing: test the key, and send what the endpoint answered.", RECEIPT)
    return None
