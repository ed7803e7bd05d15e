"""The clock: the only module that reads the time or sleeps.

A journal keeps the readings, so that a replay finds exactly the drift of the recorded run.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Journal(Protocol):
    """Keeps the readings of a run: a recording stores them, a replay returns the stored ones, a live run keeps none."""

    def keep(self, key: str, fresh: list[float], *, vital: bool = True) -> list[float]:
        """Keeps `fresh` under `key`, and returns it. A replay returns the recorded readings instead.

        If they were not recorded, it raises NotRecorded, or returns `fresh` if they are not `vital`.
        """
        ...

    def remember(self, key: str, ask: Callable[[], list[str]]) -> list[str]:
        """Calls `ask`, keeps its words under `key`, and returns them. A replay returns the recorded words instead."""
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
    """Measures one span: its beginning on the wall clock, its length on the monotonic clock."""

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
    """A way to wait. `waited`: how many seconds it has waited so far, in total."""

    waited: float

    def wait(self, seconds: float, tell: Callable[[int], None]) -> None:
        """Waits `seconds`. Calls `tell` once a second with the seconds that are left, and finally with 0."""
        ...


class Sleep:
    """The pause of a live run: sleeps. Ctrl-C ends it at once."""

    def __init__(self) -> None:
        self.waited = 0.0

    def wait(self, seconds: float, tell: Callable[[int], None]) -> None:
        """Sleeps in steps of at most a second."""
        watch = Stopwatch()
        try:
            while (left := seconds - watch.seconds) > 0:
                tell(math.ceil(left))
                time.sleep(min(left, 1.0))
        finally:
            self.waited += watch.seconds
            tell(0)


class NoSleep:
    """The pause of a replay: does not wait, since the recorded run has waited already."""

    waited = 0.0

    def wait(self, seconds: float, tell: Callable[[int], None]) -> None:
        """Returns at once."""


def now_ms() -> float:
    """The local wall clock in ms since 1970, UTC."""
    return time.time() * 1000


def uptime() -> float:
    """Seconds on a monotonic clock, the same in all processes of this machine; a restart sets it back."""
    return time.monotonic()


def iso(ms: float) -> str:
    """ISO 8601 in UTC to the second: `2026-11-20T08:13:00Z`."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
