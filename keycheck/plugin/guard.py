"""Removes secrets from all text that pytest, a plugin or careless code prints or stores: the second layer.

The first layer is `Secret`, which keeps secrets out of all values that can be printed. Measurements show that neither
layer is enough alone. This one knows the run's secrets, and cleans all texts of reports, log records, internal errors
and streams.
"""

import logging
from collections.abc import Generator
from typing import Any

import pytest
from _pytest.capture import CaptureFixture
from _pytest.terminal import TerminalReporter

from keycheck.plugin.clean_streams import Clean, CleanStream, bare, clean_captured_text, replace_streams
from keycheck.plugin.outcomes import as_text
from keycheck.redaction.redactor import Redactor


class Guard:
    """A plugin whose hooks clean texts. It is registered last, so that its wrappers get the results of all others."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._original = logging.Handler.handle, logging.Handler.format

    # -- reports: JUnit, pytest-html, the terminal and other plugins receive them --

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        report = yield
        return self._cleaned(report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Generator[None, Any, Any]:
        report = yield
        return self._cleaned(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._cleaned(report)  # pytest-html adds its extras to a finished report

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any) -> None:
        cleaned(excrepr, self._redactor.clean_shared)

    def _cleaned(self, report: Any) -> Any:
        for name in ("longrepr", "sections", "user_properties", "wasxfail", "extras"):
            if hasattr(report, name):
                setattr(report, name, cleaned(getattr(report, name), self._redactor.clean_shared))
        return report

    # -- logs: the records that each handler receives, and the texts that it formats --

    def pytest_configure(self) -> None:
        """Patches logging.Handler, so that every handler cleans each record and its formatted text.

        Nothing less is enough: a record factory sees no record of logging.makeLogRecord and no change by a filter, and
        a wrapped stream sees no text that a handler writes to a file of its own.
        """
        original_handle, original_format = self._original = logging.Handler.handle, logging.Handler.format
        clean_record, clean = self._clean_record, self._redactor.clean

        def handle(handler: logging.Handler, record: logging.LogRecord) -> bool:
            clean_record(record)
            return original_handle(handler, record)

        def format_cleanly(handler: logging.Handler, record: logging.LogRecord) -> str:
            clean_record(record)
            return clean(original_format(handler, record))

        self._set(handle, format_cleanly)

    @staticmethod
    def _set(handle: Any, form: Any) -> None:
        logging.Handler.handle, logging.Handler.format = handle, form  # type: ignore[method-assign]

    def _clean_record(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  the arguments do not fit the text; logging reports that itself
            message = f"{as_text(record.msg)} (arguments left out)"
        record.msg, record.args = self._redactor.clean(message), ()
        if record.exc_info:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        if record.exc_text:
            record.exc_text = self._redactor.clean(record.exc_text)
        if record.stack_info:
            record.stack_info = self._redactor.clean(record.stack_info)

    # -- streams: the terminal, and all prints while pytest captures nothing --

    def wrap_streams(self, capture: Any = None) -> None:
        """Wraps stdout and stderr, including the originals, which pytest's capture manager keeps and will restore.

        They stay wrapped after pytest's end, because the interpreter may still print tracebacks.
        """
        replace_streams(self._wrapped, capture, self._redactor.clean)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if isinstance(reporter, TerminalReporter):
            reporter._tw._file = self._wrapped(reporter._tw._file)
            reporter._tw._file.holds = False  # shows progress at once: pytest prints no text in pieces
        self.wrap_streams(session.config.pluginmanager.get_plugin("capturemanager"))

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self) -> Generator[None, Any, Any]:
        fixture = yield
        if isinstance(fixture, CaptureFixture):  # such as capfd
            self._clean_captured_text(fixture)
        return fixture

    def _clean_captured_text(self, fixture: CaptureFixture[Any]) -> None:
        start = fixture._start  # each phase of a test calls it, and gets its own capture

        def clean_start() -> None:
            start()
            clean_captured_text(fixture._capture, self._redactor.clean)

        clean_start()
        fixture._start = clean_start  # type: ignore[method-assign]

    def _wrapped(self, stream: Any) -> Any:
        # An earlier guard may have wrapped the stream, before the settings were read, when it knew fewer secrets.
        return None if stream is None else CleanStream(bare(stream), self._redactor.clean)

    def pytest_unconfigure(self) -> None:
        self._set(*self._original)


def cleaned(value: Any, clean: Clean) -> Any:
    """`value` with every text in it cleaned. pytest's representations are changed in place, to keep their colours."""
    if isinstance(value, str):
        return clean(str.__str__(value))
    if isinstance(value, list | tuple):
        return (list if isinstance(value, list) else tuple)(cleaned(part, clean) for part in value)
    if isinstance(value, dict):
        return {
            name if name == "format_type" else cleaned(name, clean): cleaned(part, clean)  # pytest-html's own name
            for name, part in value.items()
        }
    if type(value).__module__ == "_pytest._code.code":
        for name, part in vars(value).items():
            setattr(value, name, cleaned(part, clean))
        return value
    # Ordinary numbers and None hold no secret; an object of another class is only safe as text.
    if value is None or type(value) in (bool, float) or (type(value) is int and abs(value) < 2**63):
        return value
    return clean(as_text(value))
