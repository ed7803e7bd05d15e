"""One run as a child process: settings in, findings line by line, verdict.json and the page out.

pytest is global to its process, and a run holds a secret, so a program that wants a verdict starts another process for
each. What the two say to each other stands in `keycheck/child.py`.

The secret goes through the child's stdin, which is a pipe on every system: never an argument, a variable, or a file.
The child has a few named variables, no descriptor but its three streams, a session and a private folder of its own. It
is ended with all that it has started when its time is up, when `cancel` is set, and when the caller dies.
Windows has no sessions: there, a git that the child has just started outlives it by its own three seconds.
"""

import contextlib
import dataclasses
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
from keycheck.exchange.rate_limit import Limits
from keycheck.redaction.secret import Secret
from keycheck.settings import child_environment

SECONDS = 75.0  # for a whole run; a run against a dead exchange ends by itself within 60
CUT_SHORT = "run_not_finished"  # the cause of a verdict that no run came to, as diagnosis/cause.py names it
_LONGEST_FILE = 2**22  # bytes; a page has some 60,000
_LOOK = 0.05  # seconds between two looks at `cancel`, and at a child that says nothing
_VERDICTS: dict[int | None, str] = {0: "OK", 1: "NOT_OK", 10: "UNPROVEN"}
_DIRTY = 11
# Of an entry of verdict.json's `checks`, as report/verdict_json.py writes it.
_FIELDS = {"id", "step", "severity", "outcome", "title", "why", "detail", "fix", "blockedBy", "durationMs"}
_CHILD = Path(__file__).with_name("child.py")
_RUN_AGAIN = "run it again; if it stays, `keycheck` on the command line shows why"

Check = Mapping[str, Any]


class Event(Protocol):
    """Such as threading.Event: set by anybody, from any thread."""

    def is_set(self) -> bool: ...


@dataclass(frozen=True)
class Finished:
    """What a run came to. `verdict`: verdict.json; `page`: report.html, and `summary`: summary.md, both "" of a run
    that was cut short. `limits`: what the run learned about the request weight of its address.
    """

    verdict: Mapping[str, Any]
    page: str = field(default="", repr=False)
    summary: str = field(default="", repr=False)
    limits: Limits = field(default_factory=Limits)


def run(  # noqa: PLR0913  three that make the run, and three that watch it
    settings: Mapping[str, str] | Secret,
    arguments: Sequence[str] = (),
    *,
    env_file: Path | None = None,
    on_check: Callable[[Check], None] | None = None,
    timeout: float = SECONDS,
    cancel: Event | None = None,
) -> Finished:
    """Runs the suite once and waits for it. Safe to call from several threads at once.

    `settings`: by their BINANCE_ names, credentials among them; the text of a private key is `PRIVATE_KEY` of
    child_environment. As JSON in a Secret they stand in no variable of a traceback, which services that collect errors
    send along. Nothing of the caller's environment is a setting. `env_file`: more settings, read by the child.
    `arguments`: options of `keycheck`, such as `--replay NAME`. `on_check` hears each entry of verdict.json's `checks`
    as it comes, in the calling thread. `timeout`: seconds. A run that is cut off, or that breaks, is UNPROVEN.

    Raises ValueError, in the run's own sentence, for settings that cannot be used; and what `on_check` raises.
    """
    seconds = _seconds(timeout)
    if cancel is not None and not callable(getattr(cancel, "is_set", None)):
        raise ValueError("cancel must be an event, such as threading.Event: it has no is_set()")
    file = ["--env-file", str(env_file.absolute()) if env_file else os.devnull]
    handed = settings if isinstance(settings, Secret) else Secret(json.dumps(dict(settings)))
    job = {"arguments": [*file, *arguments], "path": _folders_of_packages()}
    one = _Run(seconds, cancel)
    if getattr(sys, "frozen", False) or not sys.executable:  # it would start this very program anew
        return one.not_started("there is no Python interpreter to start: this program is frozen, or embeds its own")
    try:
        # The child makes it: where this process dies before that, there is nothing to remove, and afterwards the child
        # does so.
        folder = Path(tempfile.gettempdir(), f"keycheck-{os.urandom(8).hex()}").absolute()
    except OSError as error:
        return one.not_started(str(error.strerror))
    try:
        return one.of(job, handed, folder, on_check)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Run:
    """One child, from its start to its end."""

    def __init__(self, timeout: float, cancel: Event | None) -> None:
        self._timeout = timeout
        self._cancel = cancel
        self._watch = clock.Stopwatch()
        self._checks: list[Check] = []
        self._limits = Limits()
        self._problem: str | None = None
        self._status: int | None = None
        self._is_strange = False  # it said what no run says
        self._cut = ""  # why it was ended, in a sentence
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def of(
        self, job: dict[str, Any], settings: Secret, folder: Path, on_check: Callable[[Check], None] | None
    ) -> Finished:
        try:
            child = _start(folder)
        except OSError as error:
            return self.not_started(str(error.strerror))
        watcher = threading.Thread(target=self._end_in_time, args=(child,), daemon=True, name="keycheck-deadline")
        try:
            try:
                watcher.start()
            except RuntimeError as error:  # as of a process that has no room for one
                return self.not_started(str(error))
            with contextlib.suppress(OSError):  # the child died; its output says the rest
                _hand_over(child, job, settings)
            self._listen(child, on_check)
            _has_ended(child)
        finally:
            self._end(child, watcher)
        return self._finished(folder / "reports")

    def not_started(self, reason: str) -> Finished:
        """What there is to say where the system has no room for one more process, or for its folder."""
        return self._cut_short(f"The run could not be started ({reason}).", "make room for it, and run it again", None)

    def _listen(self, child: "subprocess.Popen[bytes]", on_check: Callable[[Check], None] | None) -> None:
        """Each line must be one of a run, and nothing may come behind the exit status."""
        for line in _lines(child):
            match _json(line):
                case {"check": dict(entry)} if self._status is None and set(entry) == _FIELDS:
                    self._checks.append(entry)
                    if on_check is not None:
                        on_check(entry)
                case {"limits": dict(told)} if self._status is None and _are_limits(told):
                    self._limits = Limits(**told)
                case {"problem": str(problem)} if self._status is None:
                    self._problem = problem
                case {"exit": status} if self._status is None and type(status) is int:
                    self._status = status
                case _:
                    self._is_strange = True

    def _end_in_time(self, child: "subprocess.Popen[bytes]") -> None:
        try:
            self._cut = self._why_to_end()
        except Exception as error:  # noqa: BLE001  whatever `cancel` raises, no run goes on without its deadline
            self._cut = f"The program that had started the run could not be asked about it ({type(error).__name__})."
        if self._cut:
            self._kill(child)

    def _why_to_end(self) -> str:
        """Waits until there is a reason to end the run; "" where it has ended."""
        while (left := self._timeout - self._watch.seconds) > 0:
            if self._ended.wait(left if self._cancel is None else min(left, _LOOK)):
                return ""
            if self._cancel is not None and self._cancel.is_set():
                return "The run was cancelled by the program that had started it."
        return f"The run was not over after {self._timeout:g} s and was ended."

    def _end(self, child: "subprocess.Popen[bytes]", watcher: threading.Thread) -> None:
        """Whatever is left of it goes, and its number is given back only then: nobody else can have it yet."""
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
        # Neither the exit status, nor the file, nor what was heard is taken at its word alone: they must agree.
        found = verdict or {}
        agrees = (found.get("verdict"), found.get("checks")) == (_VERDICTS.get(self._status), self._checks)
        if verdict is None or not agrees or found.get("ok") is not (self._status == 0) or self._is_strange:
            how = "its process died" if self._status is None else f"exit status {self._status}"
            return self._cut_short(f"The run ended before its verdict ({how}).", _RUN_AGAIN, verdict)
        return Finished(verdict, _text(reports / "report.html"), _text(reports / "summary.md"), self._limits)

    def _cut_short(self, why: str, fix: str, left: dict[str, Any] | None) -> Finished:
        """UNPROVEN, with what was found until then. `left`: verdict.json as the run left it."""
        verdict = left if left and left.get("verdict") == "UNPROVEN" and left.get("ok") is False else _blank()
        cause = {"cause": CUT_SHORT, "confidence": "certain", "explanation": why, "evidence": [], "fix": fix}
        duration = {"durationMs": round(self._watch.seconds * 1000)}
        return Finished(verdict | duration | {"checks": self._checks, "diagnosis": [cause]}, limits=self._limits)


def _are_limits(told: dict[str, Any]) -> bool:
    named = {one.name for one in dataclasses.fields(Limits)}
    numbers = [value for name, value in told.items() if (name, value) != ("granted", None)]
    return set(told) == named and all(type(number) is int and number >= 0 for number in numbers)


def _seconds(timeout: Any) -> float:
    try:
        seconds = float(timeout)
    except (TypeError, ValueError, OverflowError):
        seconds = 0.0
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise ValueError("timeout must be a number of seconds above 0")
    return seconds


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    """-I: no variable of Python's and no folder but those of installed packages says what is imported."""
    return subprocess.Popen(  # noqa: S603  our own file, by its path
        [sys.executable, "-I", str(_CHILD), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,  # nothing is left to be written when it is closed
        cwd=folder.parent,
        env=child_environment.for_a_run(),
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _hand_over(child: "subprocess.Popen[bytes]", job: dict[str, Any], settings: Secret) -> None:
    assert child.stdin
    data = json.dumps(job | {"settings": json.loads(settings.reveal())}).encode() + b"\n"
    with _no_signal_of_a_broken_pipe():
        while data:
            data = data[os.write(child.stdin.fileno(), data) :]


@contextlib.contextmanager
def _no_signal_of_a_broken_pipe() -> Iterator[None]:
    """Of a caller that has SIGPIPE's default action, the signal would be the end; an error is enough."""
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
    """Those of the caller's search path that hold installed packages; not the folder of a script."""
    texts = [folder for folder in sys.path if isinstance(folder, str)]  # Python passes over all else, too
    return [folder for folder in texts if Path(folder).is_absolute() and any(Path(folder).glob("*.dist-info"))]


def _lines(child: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    """What it says, until it has ended.

    The end of its stdout need not come: a process that the caller forks meanwhile, without another program, may have
    the other end as well.
    """
    assert child.stdout
    if sys.platform == "win32":  # has no fork, and polls no pipe
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
    """Waits for it (or with WNOHANG does not), and leaves its number taken: what it leaves is ended by that number."""
    if not hasattr(os, "waitid"):  # Windows, and Python 3.11 and 3.12 on macOS: its number is free from here on
        return (child.poll() if how else child.wait()) is not None
    try:
        return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | how) is not None
    except ChildProcessError:  # the caller has its children reaped for it
        return True


def _blank() -> dict[str, Any]:
    """verdict.json of a run that has seen nothing."""
    from keycheck import __version__  # noqa: PLC0415  rarely asked for
    from keycheck.report import model, verdict_json  # noqa: PLC0415
    from keycheck.verdict.weighing import Verdict  # noqa: PLC0415

    return verdict_json.as_dict(model.RunReport(Verdict.UNPROVEN, __version__, clock.iso(clock.now_ms())))


def _json(text: str | bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(path: Path) -> str:
    """Of a report; "" where there is none."""
    try:
        return path.read_text("utf-8", "replace") if path.stat().st_size <= _LONGEST_FILE else ""
    except OSError:
        return ""
