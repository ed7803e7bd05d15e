"""Starts a child process for a run, writes its job to its stdin, and reads the lines of its stdout.

`child.py` is the program in it. `process.py` gives it its job and its deadline, and judges its result.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keycheck.redaction.secret import Secret
from keycheck.settings import child_environment

_PROGRAM = Path(__file__).with_name("child.py")
LOOK = 0.05  # seconds between two checks of whether a silent child has ended


@dataclass(frozen=True)
class Child:
    """A child process, and the private folder that it will make once it has its job."""

    process: "subprocess.Popen[bytes]"
    folder: Path

    def write(self, line: Secret) -> None:
        """Writes a line of JSON to the child's stdin. Raises BrokenPipeError if the child has died.

        No variable holds the text: a write may block and be interrupted, and a traceback may show variables.
        """
        assert self.process.stdin
        at = 0
        with _no_signal_of_a_broken_pipe():
            while at <= len(line.reveal()):  # json.dumps writes ASCII: one byte a character; and the line end
                at += os.write(self.process.stdin.fileno(), f"{line.reveal()}\n".encode()[at:])

    def lines(self) -> Iterator[bytes]:
        """Yields the lines of the child's stdout, until the child has ended.

        It cannot wait for the end of stdout: if another thread of the caller forked while the child was being started,
        that process has inherited the write end of the pipe, and keeps it open.
        """
        assert self.process.stdout
        if sys.platform == "win32":  # Windows has no fork, and no poll for pipes
            yield from self.process.stdout
            return
        descriptor = self.process.stdout.fileno()
        poll = select.poll()  # not select(), whose limit is 1024 descriptors: the caller may have more files open
        poll.register(descriptor, select.POLLIN)
        held = b""
        while poll.poll(1000 * LOOK) or not self.has_ended() or poll.poll(0):
            if not poll.poll(0):
                continue
            chunk = os.read(descriptor, 2**16)
            if not chunk:
                return
            *lines, held = (held + chunk).split(b"\n")
            yield from lines

    def has_ended(self, *, wait: bool = False) -> bool:
        """Whether the child has ended. `wait`: first waits for its end.

        It does not reap the child, so that its PID stays reserved: `kill` ends the process group by this number.
        """
        if not hasattr(os, "waitid"):  # Windows, and Python 3.11 and 3.12 on macOS: there, poll and wait free the PID
            return (self.process.wait() if wait else self.process.poll()) is not None
        how = os.WEXITED | os.WNOWAIT | (0 if wait else os.WNOHANG)
        try:
            return os.waitid(os.P_PID, self.process.pid, how) is not None
        except ChildProcessError:  # the caller ignores SIGCHLD, so the system has reaped the child
            return True

    def kill(self) -> None:
        """Kills the child and all programs that it has started, unless it is reaped."""
        with contextlib.suppress(OSError):  # no process of the group is left
            if self.process.returncode is None:
                self.process.kill() if sys.platform == "win32" else os.killpg(self.process.pid, signal.SIGKILL)

    def reap(self) -> None:
        """Closes the child's streams, and waits for its end.

        Until then the system gives its PID to no other process, so `kill` cannot hit a stranger.
        """
        with contextlib.suppress(OSError), self.process:
            pass


def start() -> Child:
    """Starts a child process. -I: it ignores PYTHON* variables and imports from folders of packages only.

    The child makes its folder once it has its job, and removes it if this process dies. Until then nobody else learns
    the folder's name: other users could make it first, with reports of their own. Raises OSError.
    """
    if getattr(sys, "frozen", False) or not sys.executable:  # sys.executable is not Python
        raise OSError(0, "there is no Python interpreter to start: this program is frozen, or embeds its own")
    try:
        parent = tempfile.gettempdir()
    except FileNotFoundError:  # its text names the working directory
        raise OSError(0, "no folder for temporary files can be used: set TMPDIR") from None
    folder = Path(parent, f"keycheck-{os.urandom(8).hex()}").absolute()
    process = subprocess.Popen(  # noqa: S603  our own file, by its path
        [sys.executable, "-I", str(_PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,  # unbuffered, so that closing stdin writes nothing
        cwd=folder.parent,
        env=child_environment.for_a_run(),
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    child = Child(process, folder)
    with contextlib.suppress(OSError):  # the child has died; its run will say so
        child.write(Secret(json.dumps({"path": _folders_of_packages()})))
    return child


@contextlib.contextmanager
def _no_signal_of_a_broken_pipe() -> Iterator[None]:
    """Holds SIGPIPE back from the calling thread. By default it would kill the caller; the write's error is enough."""
    if sys.platform == "win32":
        yield
        return
    was_pending = signal.SIGPIPE in signal.sigpending()
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
    try:
        yield
    finally:
        if not was_pending and signal.SIGPIPE in signal.sigpending():
            signal.sigwait({signal.SIGPIPE})
        signal.pthread_sigmask(signal.SIG_SETMASK, usual)


def _folders_of_packages() -> list[str]:
    """The folders of sys.path that hold installed packages, so not the folder of a script."""
    texts = [folder for folder in sys.path if isinstance(folder, str)]  # Python ignores other types, too
    return [folder for folder in texts if Path(folder).is_absolute() and _holds_packages(Path(folder))]


def _holds_packages(folder: Path) -> bool:
    try:
        return any(folder.glob("*.dist-info"))
    except OSError:  # such as a folder of another user: Python's import passes over it, too
        return False
