"""The only reader of the time, and the only one who lets it pass.

What it reads is journalled, so that a cassette's drift replays to the digit.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Journal(Protocol):
    """Remembers readings of a run: live it forgets them, recording it keeps them, in replay it is all there is."""

    def keep(self, key: str, fresh: list[float], *, vital: bool = True) -> list[float]:
        """`fresh`, kept under `key`; in replay what was kept so. Where that is missing: NotRecorded if vital."""
        ...

    def remember(self, key: str, ask: Callable[[], list[str]]) -> list[str]:
        """The same for what the machine answers in a few words; in replay nobody asks it."""
        ...


class NoJournal:
    """The journal of a live run: keeps nothing."""

    def keep(self, key: str, fresh: list[float], *, vital: bool = True) -> list[float]:  # noqa: ARG002  the interface
        return fresh

    def remember(self, key: str, ask: Callable[[], list[str]]) -> list[str]:  # noqa: ARG002  the interface
        return ask()


@dataclass(frozen=True)
class Span:
    """When something began on the wall clock (ms since 1970, UTC) and how long it took (ms, monotonic)."""

    began: float
    took: float


class Stopwatch:
    """Takes one span. The wall clock is read once, the length on the monotonic clock, which nobody sets."""

    def __init__(self) -> None:
        self._wall = time.time() * 1000
        self._start = time.perf_counter()

    def stop(self) -> Span:
        return Span(round(self._wall, 3), round((time.perf_counter() - self._start) * 1000, 3))

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._start


class Pause(Protocol):
    """Lets time pass. `waited`: seconds so far, in all."""

    waited: float

    def wait(self, seconds: float, tell: Callable[[int], None]) -> None:
        """Returns so many seconds later; `tell` hears once a second how many are left, and in the end 0."""
        ...


class Sleep:
    """As a live run waits. Ctrl-C ends it at once."""

    def __init__(self) -> None:
        self.waited = 0.0

    def wait(self, seconds: float, tell: Callable[[int], None]) -> None:
        """In steps of a second or less."""
        watch = Stopwatch()
        try:
            while (left := seconds - watch.seconds) > 0:
                tell(math.ceil(left))
                time.sleep(min(left, 1.0))
        finally:
            self.waited += watch.seconds
            tell(0)


class NoSleep:
    """As a replay waits: what its answers were waiting for has long passed."""

    waited = 0.0

    def wait(self, seconds: float, tell: Callable[[int], None]) -> None:
        """Returns at once, and tells nothing."""


def now_ms() -> float:
    """The local wall clock in ms since 1970, UTC."""
    return time.time() * 1000


def iso(ms: float) -> str:
    """ISO 8601 in UTC to the second: `2026-11-20T08:13:00Z`."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
