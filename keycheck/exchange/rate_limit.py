"""The used request weight of this minute, and the wait for the next minute. Pure.

Binance counts by address, and starts over with each full minute of its own clock. Moments are ms since 1970 on that
clock, waits are whole seconds.
"""

import math
from collections.abc import Mapping

MINUTE = 60_000  # ms
MARGIN = 500  # ms into the new minute, as its beginning is known no better than the exchange's clock
LONGEST = 60  # seconds that one run waits in all
# The second is from before Binance had meters of other lengths.
_NAMES = ("x-mbx-used-weight-1m", "x-mbx-used-weight")


def used_weight(headers: Mapping[str, str]) -> int | None:
    """The used weight in an answer's headers, in any spelling of their names; None without one."""
    spelt = {name.lower().replace("_", "-"): value.strip() for name, value in headers.items()}
    value = next((spelt[name] for name in _NAMES if name in spelt), "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 8 else None


def are_of_one_minute(one: float, other: float) -> bool:
    """Whether two moments are in the same minute of the exchange's clock."""
    return one // MINUTE == other // MINUTE


def is_nearly_used_up(used: int, limit: int) -> bool:
    """Whether more than 90 % of the limit is used."""
    return used * 10 > limit * 9


def seconds_to_wait(used: int, limit: int, *, told_at: float, now: float, waited: float) -> int:
    """Seconds to wait before the next request: to the end of the minute of the figure `used`, if that is too much.

    `waited`: what this run has waited before.
    """
    if not is_nearly_used_up(used, limit):
        return 0
    until = (told_at // MINUTE + 1) * MINUTE + MARGIN
    return max(0, min(math.ceil((until - now) / 1000), math.floor(LONGEST - waited)))
