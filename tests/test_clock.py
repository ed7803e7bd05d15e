"""A span has its beginning from the wall clock, and its length from the monotonic clock."""

import time

import pytest

from keycheck import clock
from keycheck.clock import NoSleep, Sleep, Span, Stopwatch
from tests.fake_clock import StandIn


def test_a_span_does_not_follow_a_clock_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """The length of a span is monotonic, so that a step of the wall clock is not taken for a round trip."""
    wall, monotonic = iter([1000.0, 9999.0]), iter([50.0, 50.25])
    monkeypatch.setattr(time, "time", lambda: next(wall))
    monkeypatch.setattr(time, "perf_counter", lambda: next(monotonic))
    assert Stopwatch().stop() == Span(began=1_000_000.0, took=250.0)


def test_a_stopwatch_may_be_read_repeatedly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopwatch may be read repeatedly."""
    monotonic = iter([50.0, 50.5, 52.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(monotonic))
    watch = Stopwatch()
    assert (watch.seconds, watch.seconds) == (0.5, 2.0)


def test_now_is_in_milliseconds() -> None:
    """The wall clock is in milliseconds: Binance would refuse seconds with -1021."""
    assert abs(clock.now_ms() - time.time() * 1000) < 5000


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "1970-01-01T00:00:00Z"), (1_795_162_380_000, "2026-11-20T08:13:00Z"), (999.9, "1970-01-01T00:00:00Z")],
)
def test_moments_are_written_in_utc(ms: float, text: str) -> None:
    """A moment is written in UTC to the second, in any time zone of the machine."""
    assert clock.iso(ms) == text


# -- waiting --


def test_a_sleep_calls_back_each_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sleep calls back each second, so that a countdown goes on and Ctrl-C works; the last step may be shorter."""
    time_itself, told = StandIn(), list[int]()
    monkeypatch.setattr(clock, "time", time_itself)
    sleep = Sleep()
    sleep.wait(2.5, told.append)
    assert told == [3, 2, 1, 0]
    assert time_itself.slept == pytest.approx([1.0, 1.0, 0.5], abs=1e-5)
    sleep.wait(1, told.append)
    assert sleep.waited == pytest.approx(3.5, abs=1e-5)


def test_ctrl_c_ends_a_sleep_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends a sleep: the time until then is counted, and the callback gets a final 0."""
    time_itself, told = StandIn(patience=3), list[int]()
    monkeypatch.setattr(clock, "time", time_itself)
    sleep = Sleep()
    with pytest.raises(KeyboardInterrupt):
        sleep.wait(60, told.append)
    assert told == [60, 59, 58, 57, 0]
    assert sleep.waited == pytest.approx(3, abs=1e-5)


def test_a_replay_does_not_sleep() -> None:
    """A replay neither sleeps nor calls back."""
    told, watch, pause = list[int](), Stopwatch(), NoSleep()
    pause.wait(60, told.append)
    assert (told, pause.waited) == ([], 0.0)
    assert watch.seconds < 1
