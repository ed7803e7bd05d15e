"""Reads from a run's answers how much of the address's request weight is used, and how much of it by others. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from keycheck.errors import RateLimited
from keycheck.exchange.endpoints import LISTED, Host
from keycheck.exchange.evidence import Call
from keycheck.exchange.rate_limit import Limits

# Seconds to wait after these statuses, if Binance names no time: the rest of a minute, and its shortest ban.
_UNNAMED = {429: 60, 418: 120}
_SIGNED = frozenset(str(endpoint) for endpoint in LISTED if endpoint.signed)


@dataclass(frozen=True)
class Weight:
    """An address's request weight within one minute, and its limit. `signed`: whether a signed answer reported it."""

    used: int
    limit: int
    signed: bool = True

    def __str__(self) -> str:
        return f"{self.used} of {self.limit} of the address's request weight in this minute"

    def is_under(self, percent: int) -> bool:
        """Whether less than this share of the limit is used."""
        return self.used * 100 < self.limit * percent


def weight_of_others(calls: Sequence[Call], limit: int | None) -> Weight | None:
    """The highest used weight in any answer, minus this run's own weight by then; None if no answer reported it.

    An answer may not count concurrent requests yet, so the result may be slightly too low. The run's first request is
    sent alone, and its figure is exact.
    """
    counted = [call for call in calls if call.used_weight is not None]
    if not counted or limit is None:
        return None
    used = max((call.used_weight or 0) - _own_weight(calls, call) for call in counted)
    return Weight(max(used, 0), limit, any(call.name in _SIGNED for call in counted))


def _own_weight(calls: Sequence[Call], one: Call) -> int:
    """The weight that this run had used when the answer to `one` came."""
    ended = one.began_ms + one.duration_ms
    return sum(call.weight for call in calls if call.host is Host.FUTURES and (call is one or call.began_ms < ended))


def limits_of(calls: Sequence[Call], granted: int | None, now: float) -> Limits:
    """What a run has learned about its address. `granted`: the limit, if it read it; `now`: by the exchange's clock."""
    return Limits(
        spent=sum(call.weight for call in calls if call.host is Host.FUTURES and call.sent),
        used=max((call.used_weight or 0 for call in calls), default=0),
        granted=granted,
        wait=max((_wait(call, now) for call in calls if call.trouble == RateLimited.kind), default=0),
    )


def _wait(call: Call, now: float) -> int:
    until = 0 if call.banned_until is None else math.ceil((call.banned_until - now) / 1000)
    return max(until, call.retry_after or 0) or _UNNAMED.get(call.status or 429, 60)
