"""The second layer: whatever pytest, a plugin or careless code is about to print or to store is cleaned on its way.

The first layer puts no secret where it can be printed; measurement shows that neither is enough alone. This one knows
the secrets of the run and stands where text leaves: reports, log records, internal errors, and the streams.
"""

import logging
import sys
from collections.abc import Callable, Generator
from typing import Any, TextIO

import pytest
from _pytest.terminal import TerminalReporter

from keycheck.redaction import Redactor

Clean = Callable[[str], str]


class Guard:
    """Hooks that clean; registered last, so that its wrappers are outermost and see what the others made."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._make_record = logging.getLogRecordFactory()

    # -- reports: what JUnit, pytest-html, the terminal and other plugins are handed --

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
        self._cleaned(report)  # pytest-html hangs its extras onto a report after it was made

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any) -> None:
        cleaned(excrepr, self._redactor.clean_shared)

    def _cleaned(self, report: Any) -> Any:
        for name in ("longrepr", "sections", "user_properties", "wasxfail", "extras"):
            if hasattr(report, name):
                setattr(report, name, cleaned(getattr(report, name), self._redactor.clean_shared))
        return report

    # -- logs, whoever handles them --

    def pytest_configure(self) -> None:
        logging.setLogRecordFactory(self._clean_record)

    def _clean_record(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self._make_record(*args, **kwargs)
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  a record whose arguments do not fit its text is told as such by logging itself
            message = f"{record.msg} (arguments left out)"
        record.msg, record.args = self._redactor.clean(message), ()
        if record.exc_info:
            record.exc_text = self._redactor.clean(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        if record.stack_info:
            record.stack_info = self._redactor.clean(record.stack_info)
        return record

    # -- streams: the terminal, and with -s whatever is printed --

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if isinstance(reporter, TerminalReporter):
            reporter._tw._file = CleanStream(reporter._tw._file, self._redactor.clean)
        sys.stdout = CleanStream(sys.stdout, self._redactor.clean)
        sys.stderr = CleanStream(sys.stderr, self._redactor.clean)

    def pytest_unconfigure(self) -> None:
        logging.setLogRecordFactory(self._make_record)
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if isinstance(stream, CleanStream):
                setattr(sys, name, stream.inner)


class CleanStream:
    """A text stream that cleans what is written to it; everything else is the stream's own."""

    def __init__(self, inner: Any, clean: Clean) -> None:
        self.inner: TextIO = inner
        self._clean = clean

    def write(self, text: str) -> int:
        self.inner.write(self._clean(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def cleaned(value: Any, clean: Clean) -> Any:
    """`value` with every text in it cleaned; pytest's own representations in place, so that they keep their colours."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list | tuple):
        return type(value)(cleaned(part, clean) for part in value)
    if isinstance(value, dict):
        return {key: cleaned(part, clean) for key, part in value.items()}
    if type(value).__module__ == "_pytest._code.code":
        for name, part in vars(value).items():
            setattr(value, name, cleaned(part, clean))
        return value
    # Numbers and None hold nothing; what else there is (somebody's own representation) is only safe as text.
    return value if value is None or isinstance(value, int | float) else clean(str(value))
