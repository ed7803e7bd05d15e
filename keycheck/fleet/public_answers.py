"""Shares public answers between the runs of this machine (exchange/shared_answers.py)."""

import contextlib
import json
import threading

from keycheck import clock
from keycheck.exchange.shared_answers import LONGEST, MOST_SECONDS

_HANDED_OUT = 0.75 * MOST_SECONDS  # they must still be fresh after a run's start and its ping


class PublicAnswers:
    """The newest public answers, by their source (`Settings.source`). Several threads may use it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, ...], tuple[float, str]] = {}

    def fresh(self, source: tuple[str, ...]) -> str:
        """The text of the answers, for a run that starts now; "" if there are none, or they are too old."""
        with self._lock:
            at, text = self._kept.get(source, (0.0, ""))
            return text if 0 <= clock.uptime() - at <= _HANDED_OUT else ""

    def keep(self, source: tuple[str, ...], public: str) -> None:
        """Keeps a run's public answers (`process.Finished.public`), if they are the newest; ignores any other text."""
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError), self._lock:
            at = float(json.loads(public)["at"]) if len(public) <= LONGEST else 0.0
            now = clock.uptime()
            self._kept = {name: one for name, one in self._kept.items() if now - one[0] <= _HANDED_OUT}
            if self._kept.get(source, (0.0, ""))[0] <= at <= now:
                self._kept[source] = at, public
