"""The futures quantitative rules: Binance locks accounts that place many orders and trade little. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keycheck.exchange.answers import utc
from keycheck.exchange.facts import missing
from keycheck.redaction.redactor import printable

_MAX_SYMBOLS = 20  # as many as a cassette keeps; the suite asks for one
_SOURCE = "the futures API (apiTradingStatus)"


@dataclass(frozen=True)
class Lock:
    """A locked indicator. `name`: Binance's short name; `until`: ms since 1970, None if the answer has no time."""

    name: str
    symbol: str
    until: int | None

    def __str__(self) -> str:
        end = f" until {utc(self.until)}" if self.until is not None else ", and Binance does not say until when"
        return f"{self.name} of {self.symbol} is locked{end}"


def locks_of(body: Mapping[str, Any]) -> tuple[Lock, ...]:
    """The locked indicators of an apiTradingStatus answer. Raises NotBinance if an indicator cannot be read."""
    by_symbol = body.get("indicators")
    if not isinstance(by_symbol, dict):
        raise missing("indicators", _SOURCE)
    found = []
    for symbol, indicators in list(by_symbol.items())[:_MAX_SYMBOLS]:
        if not isinstance(indicators, list):
            raise missing("list of indicators", _SOURCE)
        found += [_lock(symbol, one) for one in indicators if _is_locked(one)]
    return tuple(found)


def _is_locked(indicator: object) -> bool:
    locked = indicator.get("isLocked") if isinstance(indicator, dict) else None
    if not isinstance(locked, bool):
        raise missing("isLocked", _SOURCE)
    return locked


def _lock(symbol: str, indicator: Mapping[str, Any]) -> Lock:
    until = indicator.get("plannedRecoverTime")
    known = type(until) is int and 10**12 < until < 10**13
    name = indicator.get("indicator")
    name = printable(name, 20) if isinstance(name, str) else "an indicator"
    return Lock(name, printable(symbol, 40), until if known else None)
