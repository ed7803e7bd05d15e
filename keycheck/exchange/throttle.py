"""Waits for the next minute if this minute's weight is nearly used up, so that a run stays within the limit."""

from collections.abc import Callable

from keycheck import clock
from keycheck.exchange import rate_limit

# Called once a second during a wait with the used weight, its limit and the seconds that are left, at last 0.
Countdown = Callable[[int, int, int], None]


class Throttle:
    """One run's waits for the exchange's next minute.

    `limit`: weight per minute; the documented limit until exchangeInfo has been read. `offset`: local clock minus the
    exchange's in ms; 0 until it has been measured.
    """

    def __init__(self, pause: clock.Pause, limit: int, countdown: Countdown = lambda *_: None) -> None:
        self.limit = limit
        self.offset = 0.0
        self._pause = pause
        self._countdown = countdown
        self._highest: tuple[int, float] | None = None

    @property
    def seconds(self) -> float:
        """Seconds that this run has waited so far."""
        return self._pause.waited

    def update(self, used: int | None, at: float) -> None:
        """Notes an answer's used weight; None if it has none. `at`: when the answer came, in ms by the local clock."""
        if used is not None:
            # Answers may overtake each other; within a minute the higher figure is the later one.
            before, then = self._highest or (0, at)
            same = rate_limit.are_of_one_minute(then - self.offset, at - self.offset)
            self._highest = max(used, before) if same else used, at

    @property
    def is_due(self) -> bool:
        """Whether the used weight in the last answer calls for a wait."""
        return self._highest is not None and rate_limit.is_nearly_used_up(self._highest[0], self.limit)

    def wait_for_room(self) -> None:
        """Waits for the next minute if a wait is due."""
        if self._highest is None or not self.is_due:
            return
        (used, at), limit = self._highest, self.limit
        now = clock.now_ms() - self.offset
        seconds = rate_limit.seconds_to_wait(used, limit, told_at=at - self.offset, now=now, waited=self.seconds)
        if seconds > 0:
            self._pause.wait(seconds, lambda left: self._countdown(used, limit, left))
        self._highest = None  # cleared only now, since no other thread may send during a wait
