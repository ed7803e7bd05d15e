"""The weight that others use of an address is the highest figure of any answer, without the run's own weight."""

from dataclasses import replace

import pytest

from keycheck.exchange.endpoints import ACCOUNT_CONFIG, API_RESTRICTIONS, PING, TIME, Endpoint
from keycheck.exchange.evidence import Call
from keycheck.exchange.rate_limit import Limits
from keycheck.exchange.weight import Weight, limits_of, weight_of_others


def call(endpoint: Endpoint, used: int | None, began: int, took: int = 10) -> Call:
    """An answer with this used weight."""
    about = (endpoint.method, endpoint.path, endpoint.host, endpoint.weight)
    return Call(*about, 200, None, "", took, began_ms=began, used_weight=used)


@pytest.mark.parametrize(("used", "under"), [(0, True), (1199, True), (1200, False), (1201, False)])
def test_a_weight_is_under_a_share_of_its_limit(used: int, under: bool) -> None:
    """Exactly half is not under half."""
    weight = Weight(used, 2400)
    assert weight.is_under(50) is under
    assert str(weight) == f"{used} of 2400 of the address's request weight in this minute"


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ((call(TIME, 1, 0),), Weight(0, 2400, signed=False)),
        ((call(TIME, 101, 0), call(PING, 102, 10)), Weight(100, 2400, signed=False)),
        ((call(TIME, 1, 0), call(ACCOUNT_CONFIG, 3376, 10)), Weight(3370, 2400)),
        ((call(TIME, 1, 0), call(ACCOUNT_CONFIG, 7, 10)), Weight(1, 2400)),
        # The run's own requests are subtracted, even one that was on its way when the answer came.
        ((call(TIME, 1, 0), call(ACCOUNT_CONFIG, 8, 10, 50), call(PING, 2, 11)), Weight(1, 2400)),
        # A new minute begins, and the counter starts again.
        ((call(TIME, 901, 0), call(ACCOUNT_CONFIG, 5, 10)), Weight(900, 2400)),
        ((call(TIME, 5, 0), call(PING, None, 10)), Weight(4, 2400, signed=False)),
        # The wallet host has counters of its own, so its requests are not subtracted.
        ((call(TIME, 5, 0), call(API_RESTRICTIONS, None, 1), call(PING, 8, 20)), Weight(6, 2400, signed=False)),
    ],
)
def test_the_highest_figure_counts_without_what_the_run_spent(calls: tuple[Call, ...], expected: Weight) -> None:
    """The counters of signed and unsigned requests differ, and a minute may end."""
    assert weight_of_others(calls, 2400) == expected


@pytest.mark.parametrize(("calls", "limit"), [((), 2400), ((call(TIME, None, 0),), 2400), ((call(TIME, 1, 0),), None)])
def test_without_a_figure_or_a_limit_there_is_no_result(calls: tuple[Call, ...], limit: int | None) -> None:
    """Without a figure, or without a limit, the result is None."""
    assert weight_of_others(calls, limit) is None


LIMITED = replace(call(TIME, None, 0), status=429, trouble="rate_limited")
BANNED = replace(LIMITED, status=418)


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ((), Limits()),
        ((call(TIME, 900, 0), call(ACCOUNT_CONFIG, 5, 10)), Limits(spent=6, used=900)),
        ((replace(call(TIME, None, 0), trouble="not_sent"), call(API_RESTRICTIONS, None, 1)), Limits()),
        ((replace(LIMITED, retry_after=37),), Limits(spent=1, wait=37)),
        ((replace(BANNED, retry_after=5, banned_until=1_000_090_500),), Limits(spent=1, wait=91)),
        # Without a time, or with one that has passed: a whole minute, and the shortest ban.
        ((LIMITED,), Limits(spent=1, wait=60)),
        ((replace(LIMITED, retry_after=0),), Limits(spent=1, wait=60)),
        ((BANNED,), Limits(spent=1, wait=120)),
        ((replace(BANNED, banned_until=999_000_000),), Limits(spent=1, wait=120)),
        # Orders are counted for each account, so their limit does not concern the address.
        ((replace(LIMITED, code=-1015, trouble="orders_limited", retry_after=7),), Limits(spent=1)),
        # A limit of the wallet host counts, too.
        ((replace(call(API_RESTRICTIONS, None, 0), status=418, trouble="rate_limited"),), Limits(wait=120)),
    ],
)
def test_a_run_learns_its_limits(calls: tuple[Call, ...], expected: Limits) -> None:
    """Spent weight is the futures host's; after a limit of either host, the run waits until the time that it names."""
    assert limits_of(calls, None, now=1_000_000_000) == expected
