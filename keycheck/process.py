"""One run as a child process: settings in, findings line by line, verdict.json and the page out.

pytest is global to its process, and a run holds a secret, so a program that wants a verdict starts another process for
each. `keycheck/child.py` describes the lines that the two exchange.

The secret goes through the child's stdin, which is a pipe on every system: never an argument, a variable, or a file.
The child has a few named variables, no descriptor but its three streams, a session and a private folder of its own. It
is ended with all that it has started when its time is up, when `cancel` is set, and when the caller dies.
Windows has no sessions: there, a git that the child has just started outlives it by its own three seconds.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from keycheck import clock
from keycheck.settings import child_environment

SECONDS = 75.0  # for a whole run; a run against a dead exchange takes 60 at most
CUT_SHORT = "run_not_finished"  # the cause of a run that was cut short, one of diagnosis/cause.py
_LONGEST_FILE = 2**22  # bytes; a page has some 60,000
_LOOK = 0.05  # seconds between two looks at `cancel`, and at a silent child
_VERDICTS = {0: "OK", 1: "NOT_OK", 10: "UNPROVEN"}
_DIRTY = 11
_CHILD = Path(__file__).with_name("child.py")
_RUN_AGAIN = "run it again; if it stays, `keycheck` on the command line shows why"

Check = Mapping[str, Any]


class Event(Protocol):
    """An event such as threading.Event, which any thread may set."""

    def is_set(self) -> bool: ...


@dataclass(frozen=True)
class Finished:
    """The result of a run. `verdict`: verdict.json; `page`: report.html, and `summary`: summary.md, both "" of a run
    that was cut short.
    """

    verdict: Mapping[str, Any]
    page: str = field(default="", repr=False)
    summary: str = field(default="", repr=False)


def run(  # noqa: PLR0913  three that make the run, and three that watch it
    settings: Mapping[str, str],
    arguments: Sequence[str] = (),
    *,
    env_file: Path | None = None,
    on_check: Callable[[Check], None] | None = None,
    timeout: float = SECONDS,
    cancel: Event | None = None,
) -> Finished:
    """Runs the suite once and waits for it. Safe to call from several threads at once.

    `settings`: by their BINANCE_ names, credentials among them; the text of a private key is `PRIVATE_KEY` of
    child_environment. Nothing of the caller's environment is a setting. `env_file`: more settings, read by the child.
    `arguments`: options of `keycheck`, such as `--replay NAME`. `on_check` gets each entry of verdict.json's `checks`
    as it comes, in the calling thread. `timeout`: seconds. A run that is cut off, or that breaks, is UNPROVEN.

    Raises ValueError, in the run's own sentence, for settings that cannot be used; and what `on_check` raises.
    """
    if not 0 < timeout <= threading.TIMEOUT_MAX:
        raise ValueError("timeout must be a number of seconds above 0")
    file = ["--env-file", str(env_file.absolute()) if env_file else os.devnull]
    job = {"settings": dict(settings), "arguments": [*file, *arguments], "path": _folders_of_packages()}
    one = _Run(timeout, cancel)
    if getattr(sys, "frozen", False) or not sys.executable:  # the interpreter would be this very program
        return one.not_started("there is no Python interpreter to start: this program is frozen, or embeds its own")
    try:
        # The child makes the folder: if this process dies before that, there is nothing to remove, and later the child
        # removes it.
        folder = Path(tempfile.gettempdir(), f"keycheck-{os.urandom(8).hex()}")
    except OSError as error:
        return one.not_started(str(error.strerror))
    try:
        return one.of(job, folder, on_check)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Run:
    """One child process, from start to end."""

    def __init__(self, timeout: float, cancel: Event | None) -> None:
        self._timeout = timeout
        self._cancel = cancel
        self._watch = clock.Stopwatch()
        self._checks: list[Check] = []
        self._problem: str | None = None
        self._status: int | None = None
        self._cut = ""  # why the child was ended, in a sentence
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def of(self, job: dict[str, Any], folder: Path, on_check: Callable[[Check], None] | None) -> Finished:
        try:
            child = _start(folder)
        except OSError as error:
            return self.not_started(str(error.strerror))
        watcher = threading.Thread(target=self._end_in_time, args=(child,), daemon=True, name="keycheck-deadline")
        try:
            watcher.start()
            with contextlib.suppress(OSError):  # the child died; its output says the rest
                _hand_over(child, job)
            self._listen(child, on_check)
            _has_ended(child)
        finally:
            self._end(child, watcher)
        return self._finished(folder / "reports")

    def not_started(self, reason: str) -> Finished:
        """The UNPROVEN result of a run whose process or folder could not be made."""
        return self._cut_short(f"The run could not be started ({reason}).", "make room for it, and run it again", None)

    def _listen(self, child: "subprocess.Popen[bytes]", on_check: Callable[[Check], None] | None) -> None:
        for line in _lines(child):
            try:
                said = json.loads(line)
            except ValueError:  # the last line of a child that was killed while it wrote
                continue
            if "check" in said:
                self._checks.append(said["check"])
                if on_check is not None:
                    on_check(said["check"])
            self._problem = said.get("problem", self._problem)
            self._status = said.get("exit", self._status)

    def _end_in_time(self, child: "subprocess.Popen[bytes]") -> None:
        while (left := self._timeout - self._watch.seconds) > 0:
            if self._ended.wait(left if self._cancel is None else min(left, _LOOK)):
                return
            if self._cancel is not None and self._cancel.is_set():
                self._cut = "The run was cancelled by the program that had started it."
                break
        else:
            self._cut = f"The run was not over after {self._timeout:g} s and was ended."
        self._kill(child)

    def _end(self, child: "subprocess.Popen[bytes]", watcher: threading.Thread) -> None:
        """Kills the process group, and reaps the child only then: until then no other process can get its number."""
        self._ended.set()
        self._kill(child)
        with contextlib.suppress(OSError), self._lock, child:  # closes its streams, and reaps it
            pass
        if watcher.ident is not None:
            watcher.join()

    def _kill(self, child: "subprocess.Popen[bytes]") -> None:
        with self._lock, contextlib.suppress(OSError):  # nothing is left of it
            if child.returncode is None:
                child.kill() if sys.platform == "win32" else os.killpg(child.pid, signal.SIGKILL)

    def _finished(self, reports: Path) -> Finished:
        if self._problem is not None:
            raise ValueError(self._problem)
        verdict = _json(_text(reports / "verdict.json"))
        if self._cut:
            return self._cut_short(self._cut, f"{_RUN_AGAIN}, or give it more time", verdict)
        if self._status == _DIRTY:
            why = "A file of the run held a secret when it was scanned, and was deleted."
            return self._cut_short(why, "report this, without the key, as SECURITY.md says", verdict)
        # The exit status and the file must agree; neither is believed alone.
        said = _VERDICTS.get(self._status, "") if self._status is not None else ""
        if verdict is None or (verdict.get("verdict"), verdict.get("ok")) != (said, self._status == 0):
            how = "its process died" if self._status is None else f"exit status {self._status}"
            return self._cut_short(f"The run ended before its verdict ({how}).", _RUN_AGAIN, verdict)
        return Finished(verdict, _text(reports / "report.html"), _text(reports / "summary.md"))

    def _cut_short(self, why: str, fix: str, left: dict[str, Any] | None) -> Finished:
        """An UNPROVEN result with the findings so far. `left`: verdict.json as the run left it."""
        verdict = left if left and left.get("verdict") == "UNPROVEN" and left.get("ok") is False else _blank()
        cause = {"cause": CUT_SHORT, "confidence": "certain", "explanation": why, "evidence": [], "fix": fix}
        duration = {"durationMs": round(self._watch.seconds * 1000)}
        return Finished(verdict | duration | {"checks": self._checks, "diagnosis": [cause]})


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    """Starts the child. -I: it ignores Python's variables, and imports only from folders of installed packages."""
    return subprocess.Popen(  # noqa: S603  our own file, by its path
        [sys.executable, "-I", str(_CHILD), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder.parent,
        env=child_environment.for_a_run(),
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _hand_over(child: "subprocess.Popen[bytes]", job: dict[str, Any]) -> None:
    assert child.stdin
    child.stdin.write(json.dumps(job).encode() + b"\n")
    child.stdin.flush()


def _folders_of_packages() -> list[str]:
    """The folders of the caller's search path that hold installed packages; not the folder of its script."""
    return [folder for folder in sys.path if Path(folder).is_absolute() and any(Path(folder).glob("*.dist-info"))]


def _lines(child: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    """The lines of the child's stdout, until the child has ended.

    Its stdout may stay open then: a process that the caller forks meanwhile, without another program, may have the
    other end as well.
    """
    assert child.stdout
    if sys.platform == "win32":  # Windows has no fork, and polls no pipe
        yield from child.stdout
        return
    descriptor = child.stdout.fileno()
    poll = select.poll()  # takes any number; the caller may have thousands of files open
    poll.register(descriptor, select.POLLIN)
    held = b""
    while poll.poll(1000 * _LOOK) or not _has_ended(child, os.WNOHANG) or poll.poll(0):
        if not poll.poll(0):
            continue
        chunk = os.read(descriptor, 2**16)
        if not chunk:
            return
        *lines, held = (held + chunk).split(b"\n")
        yield from lines


def _has_ended(child: "subprocess.Popen[bytes]", how: int = 0) -> bool:
    """Waits for the end (with WNOHANG: does not wait), and does not reap: the number is needed to kill the group."""
    if not hasattr(os, "waitid"):  # Windows, and Python 3.11 and 3.12 on macOS: its number is free from here on
        return (child.poll() if how else child.wait()) is not None
    try:
        return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | how) is not None
    except ChildProcessError:  # the caller ignores SIGCHLD
        return True


def _blank() -> dict[str, Any]:
    """verdict.json of a run without findings."""
    from keycheck import __version__  # noqa: PLC0415  rarely asked for
    from keycheck.report import model, verdict_json  # noqa: PLC0415
    from keycheck.verdict.weighing import Verdict  # noqa: PLC0415

    return verdict_json.as_dict(model.RunReport(Verdict.UNPROVEN, __version__, clock.iso(clock.now_ms())))


def _json(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _text(path: Path) -> str:
    """The text of a report; "" if there is none."""
    try:
        return path.read_text("utf-8", "replace") if path.stat().st_size <= _LONGEST_FILE else ""
    except OSError:
        return ""
