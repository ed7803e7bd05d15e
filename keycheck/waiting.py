"""Keeps a run from going over the exchange's limit: where this minute's weight is nearly used up, it waits."""

from collections.abc import Callable

from keycheck import budget, clock

# Told once a second of a wait: used weight, its limit, and the seconds that are left, in the end 0.
Countdown = Callable[[int, int, int], None]


class Waiting:
    """One run's waits for the exchange's next minute.

    `limit`: weight per minute, the documented one until exchangeInfo has told it. `offset`: local clock minus the
    exchange's in ms, 0 until it was measured.
    """

    def __init__(self, pause: clock.Pause, limit: int, countdown: Countdown = lambda *_: None) -> None:
        self.limit = limit
        self.offset = 0.0
        self._pause = pause
        self._countdown = countdown
        self._told: tuple[int, float] | None = None

    @property
    def seconds(self) -> float:
        """What was waited in this run so far."""
        return self._pause.waited

    def hear(self, used: int | None, at: float) -> None:
        """Takes note of the used weight that an answer told, if it did, at this moment of the local clock."""
        if used is not None:
            self._told = used, at

    def for_room(self) -> bool:
        """Waits where the last used weight that was told calls for it; says whether it did."""
        if self._told is None or not budget.is_nearly_used_up(self._told[0], self.limit):
            return False
        (used, at), limit, self._told = self._told, self.limit, None
        now = clock.now_ms() - self.offset
        seconds = budget.seconds_to_wait(used, limit, told_at=at - self.offset, now=now, waited=self.seconds)
        if seconds > 0:
            self._pause.wait(seconds, lambda left: self._countdown(used, limit, left))
        return seconds > 0
