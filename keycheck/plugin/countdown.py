"""Shows on the terminal how long the run waits for the rate limit's next minute, although pytest captures output."""

import contextlib

import pytest
from _pytest.capture import CaptureManager
from _pytest.terminal import TerminalReporter

from keycheck.report import terminal


class Countdown:
    """Shows each second how much longer a wait takes. Then it restores the line of progress that it interrupted.

    On a terminal, it counts down in one line, and clears it at the end. In a log, it writes one line per wait.
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
        reporter._tw._current_line = line  # pytest computes from it how much room the line has left
