"""Text and byte streams that clean all that is written to them, and the standard streams' replacement by such ones."""

import sys
from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import Any, BinaryIO, TextIO

from keycheck import bounded_files
from keycheck.redaction.redactor import RUN

Clean = Callable[[str], str]
_LONGEST_LINE = 500  # characters of an unfinished line that are cleaned again with each further text


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
