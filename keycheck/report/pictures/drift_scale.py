"""A picture of the drift on a scale, with Keycheck's limit and Binance's. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from keycheck.errors import Undecided
from keycheck.exchange.drift import AHEAD_LIMIT, DRIFT_LIMIT, Drift
from keycheck.report.pictures.shapes import Bar, Line, Picture, Words, leaning, percent, signed

_WIDEST = 10_000  # ms to either side; a drift beyond that is drawn at the edge, with a label that says so
_MARGIN = 0.1
_LANES = {"Keycheck's limit": 44, "Binance's signing window": 92}
_THICKNESS = 12
_HEIGHT = 126
_POSITIONS = {True: "Within", False: "Outside", None: "Perhaps outside"}


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float

    def at(self, ms: float) -> float:
        return percent(ms - self.low, self.high - self.low)


def drift_scale(drift: Drift, recv_window: int) -> Picture:
    """The picture: one lane for each limit, and a line for the drift and its uncertainty across both."""
    axis = _axis(drift.offset, recv_window)
    lanes = [(-DRIFT_LIMIT, DRIFT_LIMIT), (-recv_window, AHEAD_LIMIT)]
    bars, words = [], []
    for (low, high), (name, y) in zip(lanes, _LANES.items(), strict=True):
        bars += [Bar("track", 0, 100, y, _THICKNESS), Bar("allowed", *_span(axis, low, high), y, _THICKNESS)]
        words.append(Words(name, 0, y - 6))
        words += [leaning(signed(end), axis.at(end), y + _THICKNESS + 13) for end in (low, high)]
    around = _span(axis, drift.offset - drift.uncertainty, drift.offset + drift.uncertainty)
    bars.append(Bar("doubt", *around, 20, _HEIGHT - 20 - 22))
    x = min(max(axis.at(drift.offset), 0.5), 99.5)
    marker = leaning(_label(drift, axis), x, 14, "value")
    lines = Line("halo", x, 20, 108), Line("marker", x, 20, 108)
    tone = _tone(drift, recv_window)
    return Picture(description(drift, recv_window), tone, _HEIGHT, tuple(bars), lines, (*words, marker))


def description(drift: Drift, recv_window: int) -> str:
    """The scale in sentences, for screen readers."""
    seen = str(drift)
    return (
        f"{seen[0].upper()}{seen[1:]}. {_POSITIONS[_agrees(drift)]} Keycheck's limit of {DRIFT_LIMIT} ms either way. "
        f"{_POSITIONS[_accepted(drift, recv_window)]} what Binance accepts: up to {recv_window} ms behind, under "
        f"{AHEAD_LIMIT} ms ahead."
    )


def _axis(offset: float, recv_window: int) -> _Axis:
    low = min(-DRIFT_LIMIT, -min(recv_window, _WIDEST), max(offset, -_WIDEST))
    high = max(DRIFT_LIMIT, min(offset, _WIDEST))
    margin = _MARGIN * (high - low)
    return _Axis(low - margin, high + margin)


def _span(axis: _Axis, low: float, high: float) -> tuple[float, float]:
    left = axis.at(low)
    return left, round(axis.at(high) - left, 2)


def _label(drift: Drift, axis: _Axis) -> str:
    beyond = "" if axis.low <= drift.offset <= axis.high else ", off this scale"
    long = abs(drift.ms) > _WIDEST
    shown = f"{signed(drift.ms / 1000)} s" if long else f"{signed(drift.ms)} ms ± {drift.uncertainty:.0f}"
    return f"{shown}{beyond}"


def _or_none(ask: Callable[[], bool]) -> bool | None:
    try:
        return ask()
    except Undecided:
        return None


def _agrees(drift: Drift) -> bool | None:
    return _or_none(drift.agrees)


def _accepted(drift: Drift, recv_window: int) -> bool | None:
    return _or_none(lambda: drift.inside_signing_window(recv_window))


def _tone(drift: Drift, recv_window: int) -> str:
    agrees = _agrees(drift)
    if agrees is None:
        return "unproven"
    return "fail" if not agrees else "pass" if _accepted(drift, recv_window) else "warn"
