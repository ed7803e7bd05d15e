"""Opens the files that settings and options name, with a limit on their size and on the time to wait for them.

A name may lead to a pipe without a writer, to a device without an end, or to a file of gigabytes. Files and pipes are
read, so that `--env-file <(pass show binance)` works; all else is refused. Only this module opens such names.
It also writes to streams that may take no more data.
"""

import contextlib
import os
import select
import stat
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import TextIO

from keycheck.clock import Stopwatch

NOWHERE = os.devnull
SECONDS = 5.0  # to wait for a pipe's writer
WRITER_SECONDS = 60.0  # to read a whole pipe from its writer, which may ask a person for a passphrase first
_KINDS = ((stat.S_ISDIR, "a directory"), (stat.S_ISSOCK, "a socket"), (stat.S_ISFIFO, "a pipe"))
_PAUSE = 0.02  # seconds until a pipe without a writer is read again
# Opening does not wait for a pipe's other end, and no device becomes this process's terminal; Windows keeps line ends.
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


class Unreadable(OSError):
    """A file cannot be used. `strerror` says why, in words that follow its name, such as "is a directory"."""

    def __init__(self, problem: str) -> None:
        super().__init__(0, problem)

    def __str__(self) -> str:
        return str(self.strerror)


class Missing(Unreadable):
    """No file has this name."""


def expanded(name: str) -> Path:
    """The path that `name` stands for, with its `~` and `$NAME` expanded as pytest's plugins do it."""
    return Path(os.path.expandvars(name)).expanduser()


class Foreign(Unreadable):
    """The file belongs to another user."""


def read(path: Path, limit: int, *, pipes: bool = True, owners: Container[int] | None = None) -> bytes:
    """All of a file of at most `limit` bytes, or of a pipe that ends in time. Raises Unreadable.

    `owners`: the users (uid) one of whom must own it; None if any user may.
    """
    try:
        descriptor = _open(path, os.O_RDONLY, pipes=pipes)
        try:
            if owners is not None and os.fstat(descriptor).st_uid not in owners:
                raise Foreign("belongs to another user")
            return _read(descriptor, limit)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise _unreadable(error, "cannot be read ({})") from None


@contextlib.contextmanager
def for_another_reader(path: Path, limit: int) -> Iterator[Path]:
    """A path for another reader, such as OpenSSL, that would wait for a pipe: the file itself, or a new, filled pipe.

    `limit`: as for `read`, and 2**16 bytes at most, because a new pipe takes no more. Raises Unreadable.
    """
    if path.is_file():
        yield path
        return
    contents = read(path, limit)
    reading, writing = os.pipe()
    try:
        with open(writing, "wb") as pipe:  # noqa: PTH123  a descriptor
            pipe.write(contents)
        yield Path(f"/dev/fd/{reading}")
    finally:
        os.close(reading)


def lines(path: Path, longest: int, flags: int = 0) -> Iterator[bytes]:
    """The lines of a file, each with its line end, if it has one. Raises Unreadable, also for a pipe.

    `longest`: the bytes that a line may have; the file may have any number of lines. `flags`: more flags to open it
    with, such as `foreign_links.NO_LINK`.
    """
    try:
        with open(_open(path, os.O_RDONLY | flags, pipes=False), "rb") as file:
            while line := file.readline(longest + 1):
                if len(line) > longest:
                    raise Unreadable(f"has a line longer than {longest >> 20} MiB")
                yield line
    except (OSError, ValueError) as error:
        raise _unreadable(error, "cannot be read ({})") from None


def first_line(path: Path) -> bytes:
    """The first line of a file, by which a program can recognize its own files; b"" if the file is empty.

    Raises Unreadable, also for a pipe, and for a line of more than a MiB.
    """
    return next(lines(path, 2**20), b"")


def append(path: Path, text: str) -> None:
    """Appends `text` to a file, or makes the file. Raises Unreadable, also for a pipe."""
    try:
        descriptor = _open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, pipes=False)
        with open(descriptor, "a", encoding="utf-8", newline="\n") as file:  # noqa: PTH123  it is open already
            file.write(text)
    except (OSError, ValueError) as error:
        raise _unreadable(error) from None


def hold_for_writing(path: Path) -> Callable[[], None]:
    """Opens a file or a pipe for another writer, and makes its folder. Returns a function that closes it.

    Until then, the reader of a pipe does not see its end. Raises OSError, also for a pipe that nobody reads;
    RecursionError if folders are nested more deeply than Python can follow.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | _FLAGS, 0o666)
    return lambda: os.close(descriptor)


def _unreadable(error: OSError | ValueError, text: str = "{}") -> Unreadable:
    if isinstance(error, Unreadable):
        return error
    if isinstance(error, FileNotFoundError):
        return Missing("is not there")
    if isinstance(error, OSError):
        return Unreadable(text.format(error.strerror))
    return Unreadable("has a name that no file can have")


def _open(path: Path, flags: int, *, pipes: bool) -> int:
    """Opens a file. Checks its kind before, because opening a device may have an effect, and again afterwards."""
    try:
        _refuse(path.stat(), pipes=pipes)
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
    descriptor = os.open(path, flags | _FLAGS, 0o666)
    try:
        _refuse(os.fstat(descriptor), pipes=pipes)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _refuse(found: os.stat_result, *, pipes: bool) -> None:
    """Raises Unreadable unless it is a file, an allowed pipe, or the null device, which counts as an empty file."""
    mode = found.st_mode
    if stat.S_ISREG(mode) or (pipes and stat.S_ISFIFO(mode)):
        return
    if pipes and stat.S_ISCHR(mode) and found.st_rdev == Path(os.devnull).stat().st_rdev:
        return
    raise Unreadable(f"is {next((kind for is_one, kind in _KINDS if is_one(mode)), 'a device')}, not a file")


def _read(descriptor: int, limit: int) -> bytes:
    watch, patience = Stopwatch(), SECONDS
    is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    held = bytearray()
    while len(held) <= limit:
        if (left := patience - watch.seconds) <= 0:
            raise Unreadable(f"was not written to its end within {patience:g} s")
        chunk = _chunk(descriptor, limit + 1 - len(held), left, is_pipe=is_pipe)
        held += chunk or b""
        patience = SECONDS if chunk == b"" else WRITER_SECONDS
        if chunk == b"":
            if held or not is_pipe:
                return bytes(held)
            select.select([], [], [], _PAUSE)  # no writer has opened it yet
    raise Unreadable(f"is longer than {limit >> 20} MiB" if limit >> 20 else f"is longer than {limit >> 10} KiB")


def _chunk(descriptor: int, most: int, seconds: float, *, is_pipe: bool) -> bytes | None:
    """The bytes that can be read now: empty at the end, None if a writer may still send some."""
    # A pipe that was opened as /dev/fd/N may be in blocking mode all the same: reading it would wait without a limit.
    if is_pipe and os.get_blocking(descriptor) and not select.select([descriptor], [], [], seconds)[0]:
        return None
    try:
        return os.read(descriptor, most)
    except BlockingIOError:
        select.select([descriptor], [], [], seconds)
        return None


def write_whole(descriptor: int, data: bytes) -> None:
    """Writes all of the data to an open file. Raises OSError."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:  # another program has made this pipe or terminal non-blocking, and its reader is slow
            select.select([], [descriptor], [])


def lead_nowhere(descriptor: int) -> None:
    """Replaces an open file that takes no more data with the null device."""
    nothing = os.open(NOWHERE, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)


def tell(stream: TextIO | None, text: str) -> None:
    """Writes to the terminal or the log, if the stream is open.

    If the stream takes no more, because the disk is full or its reader has gone, the null device replaces it. No
    verdict depends on these texts, and otherwise the interpreter would fail at its end, when it flushes the stream.
    Characters that the stream cannot encode are written as escapes, as Python's stderr does it.
    """
    if stream is None:
        return
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            stream.write(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding))
        stream.flush()
    except OSError:
        with contextlib.suppress(OSError):  # a stream without a descriptor, which has nothing to flush
            lead_nowhere(stream.fileno())
