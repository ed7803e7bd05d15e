"""The line on the terminal that shows how far a fleet is: accounts done, verdicts so far, lanes, time left."""

import math
import shutil
from typing import TextIO

from keycheck import bounded_files, clock
from keycheck.exchange.endpoints import WEIGHT_LIMITS
from keycheck.fleet.driver import Driver, Queue
from keycheck.purse import MINUTE, RUN
from keycheck.redaction.redactor import printable
from keycheck.verdict.weighing import Verdict

_OFTEN, _RARELY = 0.2, 30.0  # seconds between two lines on a terminal, and in a log
_BAR = 20  # characters
_LANES = 3  # lanes that are shown


class Progress:
    """Shows how far a fleet is: on a terminal, one line that is overwritten; in a log, a line every 30 seconds."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._is_terminal = stream is not None and stream.isatty()
        self._began = clock.uptime()
        self._next = self._began + (0 if self._is_terminal else _RARELY)
        self._said_stopping = False

    def __call__(self, driver: Driver) -> None:
        """Shows the driver's state, unless it has just done so."""
        now = clock.uptime()
        if now < self._next and driver.is_stopping == self._said_stopping:
            return
        self._said_stopping = driver.is_stopping
        self._next = now + (_OFTEN if self._is_terminal else _RARELY)
        line = line_of(driver, now - self._began, now)
        if self._is_terminal:
            columns = shutil.get_terminal_size().columns - 1
            bounded_files.tell(self._stream, f"\r{line[:columns]:<{columns}}")
        else:
            bounded_files.tell(self._stream, f"{line}\n")

    def end(self) -> None:
        """Clears the line of a terminal."""
        if self._is_terminal:
            bounded_files.tell(self._stream, f"\r{'':<{shutil.get_terminal_size().columns - 1}}\r")


def line_of(driver: Driver, elapsed: float, now: float) -> str:
    """The line that shows a driver's state. `elapsed`: seconds since its start; `now`: by `clock.uptime`."""
    lanes = driver.queues.values()
    done = sum(driver.counts.values())
    total = done + sum(map(_left, lanes))
    bar = ("#" * (_BAR * done // max(total, 1))).ljust(_BAR, ".")
    verdicts = "  ".join(f"{one.value} {driver.counts[one.value]}" for one in Verdict)
    if driver.is_stopping:
        under_way = sum(len(one.under_way) for one in lanes)
        told = f"stopping: waiting for {under_way} run{'s' * (under_way != 1)}; press Ctrl-C again to wait for none"
    else:
        seconds = max((seconds_left(one, elapsed, now) for one in lanes), default=0)
        told = f"{_words(seconds)} left" if seconds > 0 else ""
    longest = sorted(lanes, key=_left, reverse=True)[:_LANES]
    return f"[{bar}] {done} of {total}  {verdicts}  {told}  {', '.join(_lane(one, now) for one in longest)}"


def seconds_left(one: Queue, elapsed: float, now: float) -> float:
    """The seconds until a lane is done: the longest of three estimates, by its weight, its pace so far and its stop."""
    left = _left(one)
    if not left:
        return 0.0
    a_minute = one.lane.share * WEIGHT_LIMITS["production"]
    each = one.spent / one.done if one.spent else RUN
    by_weight = (left * each + one.spent) / a_minute * MINUTE - MINUTE - elapsed  # the first minute has no wait
    by_pace = left * elapsed / one.done if one.done else 0.0
    return max(by_weight, by_pace, one.stopped_until - now)


def _left(one: Queue) -> int:
    return len(one.waiting) + len(one.under_way)


def _lane(one: Queue, now: float) -> str:
    wait = math.ceil(one.stopped_until - now)
    why = f" (stopped for {wait} s: {printable(one.why.partition(' Try again')[0], 120)})" if wait > 0 else ""
    return f"{one.lane.name} {one.done} of {one.done + _left(one)}{why}"


def _words(seconds: float) -> str:
    return f"{math.ceil(seconds)} s" if seconds < 120 else f"{math.ceil(seconds / 60)} min"
