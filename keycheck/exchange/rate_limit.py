"""The rate limit: how much of this minute's request weight is used, and how long to wait for the next. Pure.

Binance counts the weight of each IP address, from zero in each full minute of its own clock. Times are ms since 1970 on
that clock; waits are whole seconds.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

MINUTE = 60_000  # ms
MARGIN = 500  # ms to wait in the new minute, since the exchange's clock is known only roughly
LONGEST = 60  # seconds: the most that one run waits in total
# The second is the older name, from before Binance counted other intervals.
_HEADERS = ("x-mbx-used-weight-1m", "x-mbx-used-weight")


@dataclass(frozen=True)
class Limits:
    """What a run learned about its address's limit. Weights are those of the futures host.

    `spent`: what the run itself has spent; `used`: the highest used weight that an answer reported; `granted`: the
    limit in a minute, None if the run did not read it; `wait`: seconds for which Binance wants nothing sent after a 429
    or 418, 0 without one.
    """

    spent: int = 0
    used: int = 0
    granted: int | None = None
    wait: int = 0


def used_weight(headers: Mapping[str, str]) -> int | None:
    """The used weight in an answer's headers, in any spelling of their names; None if they have none."""
    normalized = {name.lower().replace("_", "-"): value.strip() for name, value in headers.items()}
    value = next((normalized[name] for name in _HEADERS if name in normalized), "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 8 else None


def are_of_one_minute(one: float, other: float) -> bool:
    """Whether two times are in the same minute of the exchange's clock."""
    return one // MINUTE == other // MINUTE


def is_nearly_used_up(used: int, limit: int) -> bool:
    """Whether more than 90 % of the limit is used."""
    return used * 10 > limit * 9


def seconds_to_wait(used: int, limit: int, *, told_at: float, now: float, waited: float) -> int:
    """How long to wait before the next request: until the minute of `used` ends, if `used` is nearly all of `limit`.

    `told_at`: when Binance reported `used`. `waited`: seconds that this run has waited before.
    """
    if not is_nearly_used_up(used, limit):
        return 0
    until = (told_at // MINUTE + 1) * MINUTE + MARGIN
    return max(0, min(math.ceil((until - now) / 1000), math.floor(LONGEST - waited)))
