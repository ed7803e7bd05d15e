"""The rules of waiting: reading the headers, the used weight that is too much, and the length of a wait."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keycheck.exchange.endpoints import ENVIRONMENTS, WEIGHT_LIMITS
from keycheck.exchange.rate_limit import (
    LONGEST,
    MARGIN,
    MINUTE,
    are_of_one_minute,
    is_nearly_used_up,
    seconds_to_wait,
    used_weight,
)

NOON = 1_795_176_000_000.0  # a full minute

moments = st.floats(NOON, NOON + 3_600_000)
weights = st.integers(0, 10**7)
limits = st.integers(1, 10**5)
waits = st.floats(0, 70)

# -- the headers --


@pytest.mark.parametrize(
    "name",
    [
        "X-MBX-USED-WEIGHT-1M",
        "x-mbx-used-weight-1m",
        "X-Mbx-Used-Weight-1m",
        "x_mbx_used_weight_1m",
        "X-MBX-USED-WEIGHT",
        "x-mbx-used-weight",
        "X_MBX_USED_WEIGHT",
    ],
)
def test_a_used_weight_is_read_however_its_name_is_spelt(name: str) -> None:
    """Capitals, underscores for hyphens, and a missing "-1m" in the name do not matter."""
    assert used_weight({"content-type": "application/json", name: "2231"}) == 2231


@pytest.mark.parametrize(("value", "weight"), [("0", 0), (" 12 ", 12), ("007", 7), ("9" * 7, 9_999_999)])
def test_a_plain_number_is_a_value(value: str, weight: int) -> None:
    """A number of up to seven digits is read, with blanks or zeros before it. No limit is that high."""
    assert used_weight({"x-mbx-used-weight-1m": value}) == weight


def test_the_minutes_own_figure_wins() -> None:
    """The header of one minute outranks the one without a length, in any order."""
    headers = {"x-mbx-used-weight": "7", "x-mbx-used-weight-1m": "8"}
    assert used_weight(headers) == used_weight(dict(reversed(headers.items()))) == 8


@pytest.mark.parametrize(
    "value", ["", " ", "-1", "+1", "1.5", "1e3", "0x10", "many", "\u0661\u0662", "12, 13", "1_0", "9" * 8, "None"]
)
def test_a_value_that_is_not_a_plain_number_is_ignored(value: str) -> None:
    """A value that is not a plain number is ignored as a whole."""
    assert used_weight({"x-mbx-used-weight-1m": value}) is None


@pytest.mark.parametrize(
    "name", ["x-sapi-used-ip-weight-1m", "x-mbx-used-weight-1h", "x-mbx-used-weight-10s", "x-mbx-order-count-1m"]
)
def test_other_meters_are_not_read(name: str) -> None:
    """Headers of other hosts, of other lengths and of orders are not read."""
    assert used_weight({name: "2231"}) is None


# -- the limit and the length of a wait --


@pytest.mark.parametrize(
    ("used", "limit", "too_much"),
    [(2160, 2400, False), (2161, 2400, True), (5400, 6000, False), (5401, 6000, True), (0, 1, False), (1, 1, True)],
)
def test_ninety_percent_are_not_too_much(used: int, limit: int, too_much: bool) -> None:
    """Exactly 90 percent are not too much, and one more is."""
    assert is_nearly_used_up(used, limit) is too_much


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (NOON, NOON, True),
        (NOON, NOON + 59_999.9, True),
        (NOON, NOON + 60_000, False),
        (NOON, NOON - 0.1, False),
        (NOON + 30_000, NOON + 3_630_000, False),  # half past, an hour later
    ],
)
def test_a_minute_is_the_exchanges_full_one(one: float, other: float, same: bool) -> None:
    """A minute is a full one of the exchange's clock, and not the sixty seconds around a moment."""
    assert are_of_one_minute(one, other) is are_of_one_minute(other, one) is same


@given(weights, limits, moments, moments, waits)
@example(2231, 2400, NOON, NOON, 0.0)  # 60.5 s would be right
@example(2231, 2400, NOON + 59_999, NOON - 3_000_000, 0.0)  # the clock was set back meanwhile
def test_a_wait_is_never_negative_and_a_run_never_waits_over_sixty_seconds(
    used: int, limit: int, told_at: float, now: float, waited: float
) -> None:
    """This holds for any clock, any limit and any used weight."""
    seconds = seconds_to_wait(used, limit, told_at=told_at, now=now, waited=waited)
    assert seconds >= 0
    assert seconds == 0 or waited + seconds <= LONGEST == 60


@given(limits, moments, st.floats(0, 1), waits)
def test_there_is_no_wait_at_ninety_percent_or_below(limit: int, now: float, share: float, waited: float) -> None:
    """At 90 percent or below there is no wait, at any time of the minute."""
    used = math.floor(limit * 9 / 10 * share)
    assert seconds_to_wait(used, limit, told_at=now, now=now, waited=waited) == 0


@pytest.mark.parametrize(
    ("now", "waited", "seconds"),
    [
        (NOON, 0, 60),
        (NOON + 50_499, 0, 11),
        (NOON + 50_500, 0, 10),
        (NOON + 50_501, 0, 10),
        (NOON + 60_499, 0, 1),
        (NOON + 60_500, 0, 0),
        (NOON + 40_500, 45, 15),
        (NOON + 40_500, 45.5, 14),
        (NOON + 40_500, 60, 0),
        (NOON + 40_500, 61, 0),
    ],
)
def test_a_wait_ends_half_a_second_into_the_next_minute(now: float, waited: float, seconds: int) -> None:
    """A wait has whole seconds, and is at most sixty together with the earlier waits of the run."""
    assert seconds_to_wait(2231, 2400, told_at=NOON, now=now, waited=waited) == seconds


@given(moments, st.floats(0, 130_000))
def test_a_wait_ends_in_the_next_minute_and_not_long_after_it_began(told_at: float, later: float) -> None:
    """A figure of one minute delays a request to the next minute; if that has begun, it is sent at once."""
    now = told_at + later
    seconds = seconds_to_wait(2231, 2400, told_at=told_at, now=now, waited=0)
    next_minute = (told_at // MINUTE + 1) * MINUTE
    assert now + seconds * 1000 >= min(next_minute + MARGIN, now + 60_000)
    assert seconds == 0 or now + seconds * 1000 < next_minute + MARGIN + 1000


def test_every_environment_has_a_limit() -> None:
    """Every environment has a known limit for the requests before exchangeInfo."""
    assert WEIGHT_LIMITS.keys() == ENVIRONMENTS.keys()
    assert WEIGHT_LIMITS == {"production": 2400, "demo": 6000}
