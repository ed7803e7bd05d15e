"""Says on the terminal that the run waits for the exchange's next minute, while pytest captures all else."""

import contextlib

import pytest
from _pytest.capture import CaptureManager
from _pytest.terminal import TerminalReporter

from keycheck.report import terminal


class Countdown:
    """Shows each second what is left of a wait. Afterwards the interrupted line of progress is written again.

    A terminal counts down in one line, which then goes away; a log is told once, at the beginning.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._broken_into: str | None = None

    def __call__(self, used: int, limit: int, left: int) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if not isinstance(reporter, TerminalReporter):
            return
        with self._uncaptured():
            if self._broken_into is None:
                self._begin(reporter, terminal.waiting(used, limit, left))
            if reporter.isatty():
                reporter.rewrite(f"{left} s left" if left else "", erase=True, flush=True)
            if not left:
                self._end(reporter)

    def _uncaptured(self) -> contextlib.AbstractContextManager[None]:
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        if isinstance(capture, CaptureManager):
            return capture.global_and_fixture_disabled()
        return contextlib.nullcontext()

    def _begin(self, reporter: TerminalReporter, text: str) -> None:
        self._broken_into = reporter._tw._current_line
        reporter.write("\n" * bool(self._broken_into) + text + "\n", flush=True)

    def _end(self, reporter: TerminalReporter) -> None:
        line, self._broken_into = self._broken_into or "", None
        reporter.write(("\r" if reporter.isatty() else "") + line, flush=True)
        reporter._tw._current_line = line  # pytest computes the room that is left from it
