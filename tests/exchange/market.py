"""Market data as the futures host serves it: one big exchangeInfo, kept ready, and mark prices.

exchangeInfo takes no parameter and always lists everything. Its serverTime is hours old, because the real host serves a
cached copy, too. A body is built and compressed once per set of overrides.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Mapping
from functools import cache, cached_property, lru_cache
from typing import Any

from tests.exchange import symbols
from tests.exchange.scenario import overlay

STALE_MS = 5 * 3_600_000 + 421_337  # how far exchangeInfo's serverTime lags behind
EIGHT_HOURS_MS = 8 * 3_600_000
RATE_LIMITS = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
    {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
]

Overrides = Mapping[str, Mapping[str, Any] | None]


@cache
def _plain() -> dict[str, tuple[dict[str, Any], str]]:
    documents = (symbols.document(symbol) for symbol in symbols.everyone())
    return {one["symbol"]: (one, _compact(one)) for one in documents}


@cache
def _marks() -> dict[str, str]:
    return {symbol.name: symbol.mark for symbol in symbols.everyone()}


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _changed(symbol: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    fields = dict(override)
    filter_changes = fields.pop("filters", {})
    document = overlay(symbol, fields)
    if isinstance(filter_changes, Mapping):
        kept = (one for one in document["filters"] if filter_changes.get(one["filterType"], {}) is not None)
        document["filters"] = [overlay(one, filter_changes.get(one["filterType"], {})) for one in kept]
    else:
        document["filters"] = filter_changes
    return document


class Market:
    """All symbols under one set of overrides."""

    def __init__(self, overrides: Overrides) -> None:
        """Apply overrides: None delists, an unlisted name joins as a copy of BTCUSDT, filters change by type."""
        self._changes = {
            name: None if change is None else _changed(self._start(name), change) for name, change in overrides.items()
        }

    @staticmethod
    def _start(name: str) -> dict[str, Any]:
        known = _plain()
        return known[name][0] if name in known else {**known["BTCUSDT"][0], "symbol": name}

    def find(self, name: str) -> dict[str, Any] | None:
        """Look a symbol up by its exact name."""
        if name in self._changes:
            return self._changes[name]
        return _plain()[name][0] if name in _plain() else None

    def names(self) -> list[str]:
        """List all symbols by name."""
        return [name for name in {**_plain(), **self._changes} if self.find(name)]

    @cached_property
    def body(self) -> bytes:
        """exchangeInfo as JSON, about 1.1 MB."""
        head = {
            "timezone": "UTC",
            "serverTime": time.time_ns() // 1_000_000 - STALE_MS,
            "futuresType": "U_MARGINED",
            "rateLimits": RATE_LIMITS,
            "exchangeFilters": [],
            "assets": [
                {"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"} for asset in ("USDT", "USDC")
            ],
        }
        texts = {name: text for name, (_, text) in _plain().items()}
        texts |= {name: "" if change is None else _compact(change) for name, change in self._changes.items()}
        listed = ",".join(text for text in texts.values() if text)
        return f'{_compact(head)[:-1]},"symbols":[{listed}]}}'.encode()

    @cached_property
    def packed(self) -> bytes:
        """The body of exchangeInfo, as gzip."""
        return gzip.compress(self.body, compresslevel=1)


@lru_cache(maxsize=32)
def _market(overrides: str) -> Market:
    return Market(json.loads(overrides))


def market(overrides: Overrides) -> Market:
    """Fetch the market of a scenario, built once for equal overrides."""
    return _market(json.dumps({name: change and dict(change) for name, change in overrides.items()}, sort_keys=True))


def mark_price(name: str, prices: Mapping[str, str]) -> str:
    """Give a symbol's mark price in quote currency, the scenario's if it has one."""
    return prices.get(name, _marks().get(name, "1.00000000"))


def premium_index(name: str, prices: Mapping[str, str], now_ms: int) -> dict[str, Any]:
    """Write one premiumIndex entry; prices are decimal strings, times epoch milliseconds."""
    mark = mark_price(name, prices)
    return {
        "symbol": name,
        "markPrice": mark,
        "indexPrice": mark,
        "estimatedSettlePrice": mark,
        "lastFundingRate": "0.00010000",
        "interestRate": "0.00010000",
        "nextFundingTime": (now_ms // EIGHT_HOURS_MS + 1) * EIGHT_HOURS_MS,
        "time": now_ms,
    }
