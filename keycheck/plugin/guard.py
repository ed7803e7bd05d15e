"""Removes secrets from all text that pytest, a plugin or careless code prints or stores: the second layer.

The first layer is `Secret`, which keeps secrets out of all values that can be printed. Measurements show that neither
layer is enough alone. This one knows the run's secrets, and cleans all texts of reports, log records, internal errors
and streams.
"""

import logging
import sys
from collections.abc import Callable, Generator, Iterable
from itertools import takewhile
from typing import Any, BinaryIO, TextIO

import pytest
from _pytest.capture import CaptureFixture
from _pytest.terminal import TerminalReporter

from keycheck import bounded_files
from keycheck.errors import UsageProblem
from keycheck.plugin.outcomes import as_text
from keycheck.redaction.redactor import RUN, Redactor
from keycheck.withdrawal import NO_DEBUG

Clean = Callable[[str], str]
_LONGEST_LINE = 500  # characters of an unfinished line that are cleaned again with each further text


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


def disarm_leaking_options(config: pytest.Config) -> None:
    """Disarms pytest's options that would publish a run uncleaned, until `refuse_leaking_options` refuses them.

    `--debug` writes every hook's arguments to a file, even before this plugin is loaded: the file is emptied.
    `--pastebin` publishes the terminal's text, which may show the address that Binance saw.
    """
    if config.option.debug:
        file = getattr(config.trace.root._writer, "__self__", None)
        config.trace.root.setwriter(None)
        if file is not None:
            file.seek(0)
            file.truncate()
    if getattr(config.option, "pastebin", None):
        config.pluginmanager.unregister(name="pastebin")


def refuse_leaking_options(config: pytest.Config) -> None:
    """Raises UsageProblem if --debug or --pastebin is given."""
    if config.option.debug:
        raise UsageProblem(NO_DEBUG)
    if getattr(config.option, "pastebin", None):
        raise UsageProblem(
            "--pastebin does not go with suite/: it would publish what this terminal shows. Leave it out"
        )


def replace_streams(replacement: Callable[[Any], Any], capture: Any = None, clean: Clean | None = None) -> None:
    """Replaces each standard stream by `replacement(stream)`, including the originals that `capture` keeps.

    `clean` is applied to captured text when it is read; without `clean`, such text is no longer cleaned.
    """
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        setattr(sys, name, replacement(getattr(sys, name)))
    capturing = getattr(capture, "_global_capturing", None)
    for one in _captures(capturing):
        kept: Any = getattr(one, "syscapture", one)
        if hasattr(kept, "_old"):
            kept._old = replacement(kept._old)
            if hasattr(kept.tmpfile, "_other"):  # --capture=tee-sys also writes to this one at once
                kept.tmpfile._other = kept._old
    clean_captured_text(capturing, clean)


def clean_captured_text(capturing: Any, clean: Clean | None) -> None:
    """Makes `capturing` return only clean text, for reports and for the original streams when it ends.

    A wrapped stream is not enough: text written directly to a captured descriptor passes through no stream of Python.
    """
    for one in _captures(capturing):
        vars(one).pop("snap", None)
        if clean is not None:
            one.snap = _cleaning(one.snap, clean)


def _cleaning(snap: Callable[[], Any], clean: Clean) -> Callable[[], Any]:
    def cleaned_snap() -> Any:
        caught = snap()
        return clean_bytes(caught, clean) if isinstance(caught, bytes) else clean(caught)

    return cleaned_snap


def _captures(capturing: Any) -> list[Any]:
    both = (getattr(capturing, "out", None), getattr(capturing, "err", None))
    return [one for one in both if hasattr(one, "tmpfile")]


def clean_bytes(data: bytes, clean: Clean) -> bytes:
    """Cleans `data`; returns `data` itself if there is nothing to clean."""
    text = data.decode("utf-8", "surrogateescape")
    cleaned_text = clean(text)
    return data if cleaned_text == text else cleaned_text.encode("utf-8", "surrogateescape")


def bare(stream: Any) -> Any:
    """The stream inside a CleanStream; any other stream as it is."""
    return stream.inner if isinstance(stream, CleanStream) else stream


class CleanStream:
    """A text stream that cleans all text written to it. Everything else is passed to the inner stream.

    If the inner stream takes no more, because its reader has gone (`| head`) or the disk is full, the rest is dropped:
    the verdict is in verdict.json and in the exit status, too.
    """

    def __init__(self, inner: Any, clean: Clean) -> None:
        self.inner: TextIO = inner
        self.holds = True
        self._clean = clean
        self._line = _Line(clean)
        self._held = ""

    def write(self, text: str) -> int:
        written = self._held + text
        cleaned = self._line.following(written)
        # The end of an unfinished line is held back, because a secret may be written in pieces.
        unfinished = len(written) - written.rfind("\n") - 1
        held = min(unfinished, RUN - 1) if self.holds and cleaned == written else 0
        self._held = written[len(written) - held :]
        self._show(written[: len(written) - held], cleaned[: len(cleaned) - held])
        return len(text)

    def _show(self, written: str, cleaned: str) -> None:
        self._line.add(written)
        _if_taken(self.inner, lambda: self.inner.write(cleaned))

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        held, self._held = self._held, ""
        self._show(held, self._line.following(held))
        _if_taken(self.inner, self.inner.flush)

    def detach(self) -> "CleanBuffer":
        """The binary buffer, as of any text stream: code often puts a new text stream over it."""
        self.flush()
        return CleanBuffer(self.inner.detach(), self._line)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self.inner, name)
        return CleanBuffer(inner, self._line) if name == "buffer" else inner


class CleanBuffer:
    """The binary buffer of a CleanStream. It cleans bytes as well, and holds nothing back."""

    def __init__(self, inner: Any, line: "_Line") -> None:
        self.inner: BinaryIO = inner
        self._line = line

    def write(self, data: bytes) -> int:
        cleaned = clean_bytes(bytes(data), self._line.following)
        self._line.add(bytes(data).decode("utf-8", "surrogateescape"))
        _if_taken(self.inner, lambda: self.inner.write(cleaned))
        return len(data)

    def writelines(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self.write(line)

    def detach(self) -> "CleanBuffer":
        """The raw stream below a buffer."""
        return CleanBuffer(self.inner.detach(), self._line)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self.inner, name)
        return CleanBuffer(inner, self._line) if name == "raw" else inner


def _if_taken(stream: Any, write: Callable[[], object]) -> None:
    """Calls `write`. If the system refuses, the null device replaces the stream's descriptor from then on.

    Otherwise the interpreter would fail again at its end, when it flushes the stream.
    """
    try:
        write()
    except OSError:
        bounded_files.lead_nowhere(stream.fileno())


class _Line:
    """The unfinished line of a stream as it was written: a secret may begin in it, and end in the next text."""

    def __init__(self, clean: Clean) -> None:
        self._clean = clean
        self._written = ""
        self._cleaned = ""

    def following(self, text: str) -> str:
        """The part of `text` to show: cleaned together with the line before it, and without the rest of a secret."""
        whole = self._clean(self._written + text)
        same = takewhile(lambda both: both[0] == both[1], zip(self._cleaned, whole, strict=False))
        return whole[len(list(same)) :]

    def add(self, text: str) -> None:
        """Notes that this text was written."""
        self._written = (self._written + text).rpartition("\n")[2][-_LONGEST_LINE:]
        self._cleaned = self._clean(self._written)


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
