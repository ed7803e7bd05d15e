"""Runs one check in this process against a local exchange: the same function, without pytest around it."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from keycheck import catalogue, clock, settings
from keycheck.binance import Binance
from keycheck.channel import Identity
from keycheck.credentials import facts_of
from keycheck.endpoints import WEIGHT_LIMITS, Host
from keycheck.errors import CannotLook, NotApplicable
from keycheck.findings import Outcome, missed
from keycheck.network.transport import HttpTransport
from keycheck.redaction import Redactor
from keycheck.signing import HmacSigner
from keycheck.waiting import Waiting
from tests.exchange import LocalExchange
from tests.running import ROOT

CATALOGUE = catalogue.read(ROOT / "suite")


class ForgetfulJournal:
    """Keeps nothing, as a live run does."""

    def keep(self, key: str, fresh: list[float], *, vital: bool = True) -> list[float]:  # noqa: ARG002  the interface
        return fresh


@contextmanager
def session(exchange: LocalExchange, waiting: Waiting | None = None, **extra: str) -> Iterator[Binance]:
    """A live session with the exchange's own settings; `extra` replaces or adds some. It does not wait by itself."""
    read = settings.load(Path("no such file"), environ=exchange.settings() | extra)
    key, secret = read.credentials.api_key, read.credentials.api_secret
    urls = {Host.FUTURES: read.futures_url} | ({Host.WALLET: read.wallet_url} if read.wallet_url else {})
    with closing(HttpTransport(urls, read.proxy, read.ca_bundle)) as transport:
        yield Binance(
            transport,
            Identity(facts_of(read.credentials), key, HmacSigner(secret) if secret else None),
            symbol=read.symbol,
            recv_window=read.recv_window,
            has_wallet=read.wallet_url is not None,
            journal=ForgetfulJournal(),
            redactor=Redactor(),
            waiting=waiting or Waiting(clock.NoSleep(), WEIGHT_LIMITS[read.environment]),
        )


def check_function(check_id: str) -> Callable[..., None]:
    """The check of suite/ with this id."""
    step = CATALOGUE[check_id].step
    (file,) = (ROOT / "suite").glob(f"test_{step}_*.py")
    function: Callable[..., None] = getattr(importlib.import_module(f"suite.{file.stem}"), f"test_{check_id}")
    return function


def outcome_of(check_id: str, binance: Binance) -> tuple[Outcome, dict[str, Any]]:
    """What the plugin would make of this check, and what the check noted down."""
    noted: dict[str, Any] = {}

    def observe(sentence: str = "", /, **values: Any) -> None:
        noted.update({"observed": sentence} if sentence else {}, **values)

    try:
        check_function(check_id)(binance, observe)
    except AssertionError:
        return missed(CATALOGUE[check_id].severity), noted
    except NotApplicable:
        return Outcome.NOT_APPLICABLE, noted
    except CannotLook as error:
        return Outcome.UNPROVEN, noted | {"error": str(error)}
    return Outcome.PASS, noted
