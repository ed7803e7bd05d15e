"""Helpers for checks that leak secrets on purpose. Their runs have the folder of this file on sys.path."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

LONGEST_WALK = 4000  # objects


class Belongings(NamedTuple):
    """The key, the secret, and a URL with a fresh signature."""

    key: str
    secret: str
    url: str


class Late:
    """A plugin that writes to a stream twice: when the checks have ended, and when pytest ends."""

    def __init__(self, stream: Any, text: str) -> None:
        self._stream, self._text = stream, text

    def pytest_sessionfinish(self) -> None:
        self._stream.write(self._text)

    def pytest_unconfigure(self) -> None:
        self._stream.write(self._text)


def happened() -> None:
    """Leaves a mark, which shows that the leaking code was reached."""
    with Path(os.environ["LEAK_MARK"]).open("a", encoding="ascii") as file:
        file.write("\n")


def take(binance: Any) -> Belongings:
    """Takes the secrets out of the session, as a debugger could."""
    from keycheck.exchange.endpoints import ACCOUNT_CONFIG  # noqa: PLC0415  conftest files import this module before coverage

    client = binance._client
    query = client._query(ACCOUNT_CONFIG, [], 0.0).reveal()
    with Path(os.environ["LEAK_MARK"]).open("a", encoding="ascii") as file:
        file.write(query.rpartition("signature=")[2] + "\n")
    key, signer = client._identity.api_key, client._identity.signer
    return Belongings(key.reveal(), _secret_of(signer), f"{os.environ['BINANCE_FUTURES_URL']}/x?{query}")


def forget_answers(binance: Any) -> None:
    """Makes the session forget what it has been answered, so that it will ask again."""
    binance.memo.forget(*(name for name, _ in binance.memo._entries))


def forget_rules(binance: Any) -> None:
    """Makes the session forget the exchange's megabyte of rules, which would use up a walk through all objects."""
    binance.memo.forget("exchange_info")
    for asked in binance.sharing._own.values():
        asked.clear()


def _secret_of(signer: Any) -> str:
    """Binance's secret, or the private key's text from the settings, since its signer does not hold it."""
    if hasattr(signer, "_secret"):
        secret: str = signer._secret.reveal()
        return secret
    file = os.environ.get("BINANCE_PRIVATE_KEY_FILE")
    return Path(file).read_text(encoding="utf-8") if file else os.environ["BINANCE_API_SECRET"]


def reachable(root: Any, limit: int = LONGEST_WALK) -> Iterator[Any]:
    """At most `limit` objects that attributes and containers lead to, without closures."""
    waiting, seen = [root], set[int]()
    while waiting and len(seen) < limit:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, FunctionType | ModuleType | type | str | bytes | int | float | None):
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            waiting += one
        waiting += getattr(one, "__dict__", {}).values()
        names = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())]
        waiting += [getattr(one, name, None) for name in names if isinstance(name, str)]
