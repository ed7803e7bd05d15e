"""The shapes of a picture. Pure."""

from dataclasses import dataclass
from typing import Literal

Anchor = Literal["start", "middle", "end"]
_NEAR_THE_EDGE = 14  # per cent; words nearer to the edge lean inwards, so that they are not cut off


def percent(part: float, whole: float) -> float:
    """`part` of `whole` in per cent, from 0 to 100; 0 if the whole is 0."""
    return round(min(max(100 * part / whole, 0.0), 100.0), 2) if whole > 0 else 0.0


@dataclass(frozen=True)
class Bar:
    """A rectangle. `kind`: how it is filled; `x` and `width`: per cent; `y` and `height`: pixels."""

    kind: str
    x: float
    width: float
    y: int
    height: int


@dataclass(frozen=True)
class Line:
    """An upright line, of this `kind`, at `x` per cent, from `y` down to `to`."""

    kind: str
    x: float
    y: int
    to: int


@dataclass(frozen=True)
class Words:
    """A text whose baseline is at `y`; `anchor`: which part of it is at `x` per cent."""

    text: str
    x: float
    y: int
    anchor: Anchor = "start"
    kind: str = "quiet"


@dataclass(frozen=True)
class Picture:
    """Shapes in drawing order. `tone`: the outcome whose colour it has; `description`: the picture in words."""

    description: str
    tone: str
    height: int
    bars: tuple[Bar, ...] = ()
    lines: tuple[Line, ...] = ()
    words: tuple[Words, ...] = ()


def leaning(text: str, x: float, y: int, kind: str = "quiet") -> Words:
    """Words centred at `x`, or beside it near an edge."""
    anchor: Anchor = "start" if x < _NEAR_THE_EDGE else "end" if x > 100 - _NEAR_THE_EDGE else "middle"
    return Words(text, x, y, anchor, kind)


def signed(number: float) -> str:
    """A whole number with its sign; a minus is as wide as a plus."""
    whole = round(number)
    return f"{'+' if whole > 0 else '−' if whole < 0 else ''}{abs(whole)}"
