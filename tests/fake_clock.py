"""A fake for the module `time` in keycheck/clock.py, whose time passes only by sleeping."""


class StandIn:
    """All clocks at once, in seconds. After `patience` sleeps, the next one raises KeyboardInterrupt."""

    def __init__(self, now: float = 1_795_176_036.5, patience: int = 1000) -> None:
        self.now = now  # 36.5 s into a minute
        self.slept: list[float] = []
        self._patience = patience

    def time(self) -> float:
        """The wall clock in seconds."""
        return self.now

    def perf_counter(self) -> float:
        """The monotonic clock in seconds."""
        return self.now

    def monotonic(self) -> float:
        """The machine's monotonic clock, in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Moves the clock forward, and returns at once."""
        if len(self.slept) == self._patience:
            raise KeyboardInterrupt
        self.slept.append(seconds)
        self.now += seconds
