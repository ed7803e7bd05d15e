"""Drift is reported with its uncertainty, and doubt is never an answer."""

import math
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keycheck.errors import Undecided
from keycheck.exchange.drift import AHEAD_LIMIT, DRIFT_LIMIT, SLACK, Drift, Sample, drift_of
from tests.examples import examples

SERVER = 1_790_000_000_000
offsets = st.floats(-100_000, 100_000)
uncertainties = st.floats(0, 20_000)
limits = st.floats(1, 60_000)


def decided(ask: Callable[[], bool]) -> bool | None:
    """True, False, or None for Undecided; a returned None could be mistaken for a no."""
    try:
        said = ask()
    except Undecided:
        return None
    assert isinstance(said, bool)
    return said


def answer(drift: Drift, limit: float = DRIFT_LIMIT) -> bool | None:
    """Whether the drift is under the limit; None in doubt."""
    return decided(lambda: drift.agrees(limit))


def window(drift: Drift, recv_window: int) -> bool | None:
    """Whether Binance accepts a stamp of a clock with that drift; None in doubt."""
    return decided(lambda: drift.inside_signing_window(recv_window))


@given(offsets, st.floats(0, 20_000), st.floats(0, 20_000))
@example(0, 2500, 0)
def test_a_stamp_is_never_too_far_ahead(ahead: float, there: float, back: float) -> None:
    """However unequal the two ways of the sample were, a stamp is never ahead, and at most a round trip late."""
    sample = Sample(SERVER + ahead, there + back, round(SERVER + there))
    stamp = sample.sent - sample.stamp_offset  # made at the moment in which the exchange's clock shows SERVER
    assert -(there + back) - 1 <= stamp - SERVER <= AHEAD_LIMIT / 2 + 1


@given(offsets, uncertainties, limits)
@example(2000, 0, 2000)
@example(-1500, 500, 2000)
@example(1999.9999, 0, 2000)
def test_agreement_is_certain_or_undecided(offset: float, uncertainty: float, limit: float) -> None:
    """Agreement is True only if the whole interval is inside, and False only if all of it is outside."""
    said = answer(Drift(offset, uncertainty), limit)
    assert said is not True or abs(offset) + uncertainty < limit
    assert said is not False or abs(offset) - uncertainty >= limit
    assert said is not None or abs(offset) - uncertainty < limit <= abs(offset) + uncertainty


@given(offsets, uncertainties, limits, st.floats(0, 1))
def test_agreement_is_monotone(offset: float, uncertainty: float, limit: float, share: float) -> None:
    """A smaller drift, a smaller uncertainty or a wider limit never turns a yes into another answer."""
    if answer(Drift(offset, uncertainty), limit):
        assert answer(Drift(offset * share, uncertainty), limit)
        assert answer(Drift(offset, uncertainty * share), limit)
        assert answer(Drift(offset, uncertainty), limit / share if share else math.inf)
    if answer(Drift(offset, uncertainty), limit) is False:
        assert answer(Drift(offset, uncertainty * share), limit) is False
        assert answer(Drift(offset, uncertainty), limit * share) is False


@given(offsets, uncertainties)
def test_ahead_and_behind_are_weighed_alike(offset: float, uncertainty: float) -> None:
    """The limit of 2000 ms is the same in both directions."""
    assert answer(Drift(offset, uncertainty)) is answer(Drift(-offset, uncertainty))


@given(offsets, uncertainties, st.integers(1, 60_000), st.floats(-1, 1))
def test_the_signing_window_is_binances_rule(offset: float, uncertainty: float, recv: int, where: float) -> None:
    """Binance's own rule gives the same answer for any true drift within the interval."""
    true = min(max(offset + where * uncertainty, offset - uncertainty), offset + uncertainty)
    accepted = true < AHEAD_LIMIT and -true <= recv
    said = window(Drift(offset, uncertainty), recv)
    assert said in (None, accepted)


@pytest.mark.parametrize(
    ("offset", "uncertainty", "recv", "inside"),
    [
        (0, 0, 5000, True),
        (999, 0, 5000, True),
        (1000, 0, 5000, False),
        (-5000, 0, 5000, True),
        (-5001, 0, 5000, False),
        (-5001, 0, 60000, True),
        (990, 20, 5000, None),
        (-4990, 20, 5000, None),
        (1500, 400, 5000, False),
        (0, 3000, 5000, None),
    ],
)
def test_the_signing_window_ends_where_binance_says(
    offset: float, uncertainty: float, recv: int, inside: bool | None
) -> None:
    """The signing window is less than 1000 ms ahead and at most recvWindow behind."""
    assert window(Drift(offset, uncertainty), recv) is inside


@pytest.mark.parametrize(
    ("sample", "offset"),
    [
        (Sample(SERVER, 0, SERVER), 0),
        (Sample(SERVER, 100, SERVER + 50), 0),
        (Sample(SERVER + 3000, 100, SERVER + 50), 3000),
        (Sample(SERVER - 7000, 20, SERVER + 10), -7000),
    ],
)
def test_an_offset_is_positive_where_the_local_clock_is_ahead(sample: Sample, offset: float) -> None:
    """The offset is positive if the local clock is ahead of the middle of the round trip."""
    assert sample.offset == offset
    assert drift_of([sample]) == Drift(offset, sample.round_trip / 2)


@settings(max_examples=examples(50))
@given(st.floats(-10_000, 10_000), st.lists(st.tuples(st.floats(0, 3000), st.floats(0, 1)), min_size=1, max_size=5))
def test_the_true_drift_lies_within_the_uncertainty(true: float, looks: list[tuple[float, float]]) -> None:
    """The true drift is within half a round trip, however unequal the two ways are."""
    samples = [Sample(SERVER + true - trip * share, trip, SERVER) for trip, share in looks]
    drift = drift_of(samples)
    assert drift.uncertainty == min(trip for trip, _ in looks) / 2
    assert abs(drift.offset - true) <= drift.uncertainty + 0.01  # floats of 1.8e12 have a grain


@pytest.mark.parametrize(("round_trip", "late"), [(0, 0), (999, 0), (1000, 500), (3000, 1500)])
def test_a_slow_clock_sample_never_puts_a_stamp_ahead(round_trip: int, late: int) -> None:
    """A sample that took a second could put stamps too far ahead; they are made as if the answer took no time."""
    sample = Sample(SERVER, round_trip, SERVER)
    assert sample.stamp_offset - sample.offset == late


def samples(*looks: tuple[float, float]) -> list[Sample]:
    """Samples by offset and round trip."""
    return [Sample(SERVER + offset - trip / 2, trip, SERVER) for offset, trip in looks]


@pytest.mark.parametrize(
    ("looks", "gap"),
    [
        ([(0, 100), (1000, 100)], 900),
        ([(0, 0), (SLACK, 0)], None),
        ([(0, 0), (SLACK + 1, 0)], SLACK + 1),
        ([(0, 100), (100 + SLACK, 100)], None),
        ([(0, 100), (-101 - SLACK, 100)], SLACK + 1),
        ([(0, 100), (1000, 3000)], None),  # a slow sample leaves room for both
        ([(0, 100), (1000, 3000), (2600, 3000)], 1050),
    ],
)
@pytest.mark.parametrize("turn", [1, -1])
def test_contradictory_clock_samples_are_undecided(
    looks: list[tuple[float, float]], gap: int | None, turn: int
) -> None:
    """If no offset fits all samples, one stamp is a cached one: the drift is undecided, and the message has the gap."""
    if gap is None:
        assert drift_of(samples(*looks[::turn])).uncertainty == min(trip for _, trip in looks) / 2
    else:
        with pytest.raises(Undecided, match=rf"read {len(looks)} times and contradicts itself by {gap} ms"):
            drift_of(samples(*looks[::turn]))


@pytest.mark.parametrize(
    ("drift", "ms", "text"),
    [
        (Drift(12.4, 3), 12, "the local clock is 12 ms ahead of the exchange's, give or take 3 ms"),
        (Drift(-12.6, 3), -13, "the local clock is 13 ms behind the exchange's, give or take 3 ms"),
        (Drift(0.2, 3), 0, "the local clock is level with the exchange's, give or take 3 ms"),
        (Drift(-0.2, 3), 0, "the local clock is level with the exchange's, give or take 3 ms"),
    ],
)
def test_drift_is_shown_in_whole_milliseconds(drift: Drift, ms: int, text: str) -> None:
    """Drift is shown in whole milliseconds, with its direction in words and its sign in the figure."""
    assert drift.ms == ms
    assert str(drift) == text


def test_doubt_names_figure_and_remedy() -> None:
    """Undecided says how far off the clock is, which question is open, and the remedy."""
    with pytest.raises(Undecided, match=r"1900 ms ahead.*2000 ms.*quieter network"):
        Drift(1900, 300).agrees()
    with pytest.raises(Undecided, match=r"900 ms ahead.*whether Binance accepts a stamp.*quieter network"):
        Drift(900, 300).inside_signing_window(5000)
