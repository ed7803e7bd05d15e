"""Ends a run with the status of UNPROVEN if a check takes too long and pytest-timeout uses its method "thread".

This method, the only one on Windows, cannot stop a check without the rest of the run: pytest-timeout would end the
whole process with 1, which means a failed check.
"""

import contextlib
import sys
import threading
from typing import Any

import pytest
from _pytest.capture import CaptureManager

from keycheck import exit_status
from keycheck.plugin.ending import Ending, say
from keycheck.plugin.written_files import Written
from keycheck.redaction.redactor import printable
from keycheck.verdict.weighing import Verdict


class TimeLimit:
    """A plugin that sets the timer of a test instead of pytest-timeout."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> bool | None:
        """Starts the timer of a test; None leaves that to pytest-timeout. `settings`: those of pytest-timeout."""
        if settings.method == "signal" and threading.current_thread() is threading.main_thread():
            return None
        timer = threading.Timer(settings.timeout, _end_the_process, (item, settings))

        def cancel() -> None:
            timer.cancel()
            timer.join()

        item.cancel_timeout = cancel  # type: ignore[attr-defined]  # pytest-timeout calls it
        timer.start()
        return True


def refuse_unusable_settings(config: pytest.Config) -> None:
    """Raises UsageError for a time limit that pytest-timeout would refuse with a traceback.

    The limit may come from its option, from PYTEST_TIMEOUT or from pytest's settings. Call it before pytest-timeout is
    configured.
    """
    pytest_timeout = sys.modules.get("pytest_timeout")
    if pytest_timeout is None or not config.pluginmanager.is_registered(pytest_timeout):
        return
    try:
        pytest_timeout.get_env_settings(config)
        float(config.getini("session_timeout") or 0)
    except ValueError as error:
        message = f"pytest-timeout cannot use its settings ({printable(str(error), 80)}): correct it, or leave it out"
        raise pytest.UsageError(message) from None


def _end_the_process(item: pytest.Item, settings: Any) -> None:
    """Ends the process with the exit status of UNPROVEN. verdict.json has said UNPROVEN since the run's start."""
    from pytest_timeout import is_debugging  # type: ignore[import-untyped]  # noqa: PLC0415  loaded by now

    if is_debugging() and not settings.disable_debugger_detection:
        return
    capture = item.config.pluginmanager.get_plugin("capturemanager")
    with capture.global_and_fixture_disabled() if isinstance(capture, CaptureManager) else contextlib.nullcontext():
        missing = ", without the files of --junitxml and --html" if Written.shared(item.config) else ""
        limit = f"{settings.timeout:g} s"
        say(item.config, f"\n{item.name} was not over after {limit}, and the run ended there{missing}: run again")
        for act in Ending.of(item.config).last_acts:
            with contextlib.suppress(Exception):
                act()
        exit_status.end_now(Verdict.UNPROVEN.exit_status)
