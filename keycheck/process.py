"""Runs the suite once in a child process, and returns its verdict.json and page.

pytest keeps state for its whole process, and a run holds a secret. So a program that wants a verdict starts a process
for each run. `child_process.py` starts it; `child.py` is the program in it, and describes the lines that are sent.

The secret goes through the child's stdin, a pipe: never in an argument, an environment variable or a file. The child
process gets a few named environment variables and no open file but its three streams. It has a private folder, and a
session of its own, so that its process group holds all programs that it starts. The whole group is killed when the
time is up, when `cancel` is set, and when the caller dies. Windows has no sessions: there, a `git` that the child has
just started may outlive it by three seconds, its own time limit.
"""

import contextlib
import dataclasses
import json
import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from keycheck import child_process, clock
from keycheck.child_process import Child
from keycheck.exchange.rate_limit import Limits
from keycheck.redaction.secret import Secret

SECONDS = 75.0  # for a whole run; a run against a dead exchange ends by itself within 60
CUT_SHORT = "run_not_finished"  # the cause, as diagnosis/cause.py names it, if a run did not reach its verdict
_LONGEST_FILE = 2**22  # bytes; a page has some 60,000
_VERDICTS: dict[int | None, str] = {0: "OK", 1: "NOT_OK", 10: "UNPROVEN"}
_DIRTY = 11
# The fields of an entry in verdict.json's `checks`, as report/verdict_json.py writes them.
_FIELDS = {"id", "step", "severity", "outcome", "title", "why", "detail", "fix", "blockedBy", "durationMs"}
_RUN_AGAIN = "run it again; if it fails again, `keycheck` on the command line shows why"

Check = Mapping[str, Any]


class Event(Protocol):
    """A request to end the run, such as a threading.Event. Any thread may set it."""

    def is_set(self) -> bool: ...


class UnusableSettings(ValueError):
    """The run refused its settings. The text is its own sentence, without a secret."""


@dataclass(frozen=True)
class Finished:
    """The results of a run: verdict.json as a dict, and the texts of report.html and summary.md.

    Both texts are "" if the run was cut short. `limits`: what the run learned about its address's request weight.
    `public`: the text of its public answers, for the parameter `shared` of a later run; "" if there are none.
    """

    verdict: Mapping[str, Any]
    page: str = field(default="", repr=False)
    summary: str = field(default="", repr=False)
    limits: Limits = field(default_factory=Limits)
    public: str = field(default="", repr=False)


def run(  # noqa: PLR0913  four describe the run, three watch it, and one is its process
    settings: Mapping[str, str] | Secret,
    arguments: Sequence[str] = (),
    *,
    env_file: Path | None = None,
    shared: str = "",
    on_check: Callable[[Check], None] | None = None,
    timeout: float = SECONDS,
    cancel: Event | None = None,
    prepared: "Prepared | None" = None,
) -> Finished:
    """Runs the suite once in a child process and waits for its end. Several threads may call it at once.

    `settings`: the settings and credentials, by their BINANCE_ names; the text of a private key is under
    `child_environment.PRIVATE_KEY`. Pass them as JSON in a Secret if a service may collect tracebacks with their
    variables: a Secret shows nothing. No variable of the caller's environment is a setting.
    `env_file`: a file with more settings, which the child process reads.
    `shared`: the public answers of another run of this address, at most 60 s old, to use in place of requests.
    `arguments`: options of `keycheck`, such as `--replay NAME`.
    `on_check`: is called in the calling thread with each entry of verdict.json's `checks`, as soon as the child has
    sent it.
    `timeout`: in seconds. `prepared`: it may hold a child process that was started in advance.

    A run that is cut off, or that breaks, is UNPROVEN. Raises ValueError with the run's own message if the settings
    cannot be used, and any exception that `on_check` raises.
    """
    seconds = _seconds(timeout)
    if cancel is not None and not callable(getattr(cancel, "is_set", None)):
        raise ValueError("cancel must be an event, such as threading.Event: it has no is_set()")
    file = ["--env-file", str(env_file.absolute()) if env_file else os.devnull]
    handed = settings if isinstance(settings, Secret) else Secret(json.dumps(dict(settings)))
    job = {"arguments": [*file, *arguments], "shared": shared}
    one = _Run(seconds, cancel)
    try:
        child = prepared.take() if prepared else child_process.start()
    except OSError as error:
        return one.not_started(str(error.strerror))
    try:
        return one.of(child, job, handed, on_check)
    finally:
        shutil.rmtree(child.folder, ignore_errors=True)
        if prepared:
            prepared.prepare()


class Prepared:
    """Keeps one child process ready, for a program whose next run should begin at once: `run(..., prepared=...)`.

    The process waits with all modules imported, and without any settings or credentials. Each serves one run, and the
    next is started when that run has ended. Several threads may use it at once; a run that finds none ready starts its
    own. `close` ends the one that waits.
    """

    def __init__(self) -> None:
        self._ready: list[Child] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def prepare(self) -> None:
        """Starts the next child process, unless one waits already. If the system refuses, the next run reports it."""
        with self._lock, contextlib.suppress(OSError):
            if not self._ready and not self._is_closed:
                self._ready.append(child_process.start())

    def take(self) -> Child:
        """Returns the child process that waits, or a new one. Raises OSError."""
        with self._lock:
            child = self._ready.pop() if self._ready else None
        if child is None:
            return child_process.start()
        if not child.has_ended():
            return child
        _discard(child)
        return child_process.start()

    def close(self) -> None:
        """Ends the child process that waits; from now on, none is started in advance."""
        with self._lock:
            self._is_closed = True
            left, self._ready = self._ready, []
        for child in left:
            _discard(child)


def _discard(child: Child) -> None:
    """Ends a child process that has had no job. It ends by itself when its stdin is closed; this is quicker."""
    child.kill()
    child.reap()


def not_begun(why: str, fix: str) -> Finished:
    """The result if no run could begin: UNPROVEN, without a check. `why`: a sentence; `fix`: what to do."""
    return _Run(SECONDS, None)._cut_short(why, fix, None)


class _Run:
    """One run in a child process: sends the job, reads the lines of the answer, and ends the process."""

    def __init__(self, timeout: float, cancel: Event | None) -> None:
        self._timeout = timeout
        self._cancel = cancel
        self._watch = clock.Stopwatch()
        self._checks: list[Check] = []
        self._limits = Limits()
        self._public = ""
        self._problem: str | None = None
        self._unwritable = ""
        self._status: int | None = None
        self._is_strange = False  # the child sent a line that no run sends
        self._cut = ""  # why the child was killed, in a sentence; "" if it was not
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def of(
        self, child: Child, job: dict[str, Any], settings: Secret, on_check: Callable[[Check], None] | None
    ) -> Finished:
        watcher = threading.Thread(target=self._end_in_time, args=(child,), daemon=True, name="keycheck-deadline")
        try:
            try:
                watcher.start()
            except RuntimeError as error:  # the system refuses one more thread
                return self.not_started(str(error))
            with contextlib.suppress(OSError):  # the child has died; then it sends no exit status
                more = {"folder": str(child.folder)}
                child.write(Secret(json.dumps(job | more | {"settings": json.loads(settings.reveal())})))
            self._listen(child, on_check)
            child.has_ended(wait=True)
        finally:
            self._end(child, watcher)
        return self._finished(child.folder / "reports")

    def not_started(self, reason: str) -> Finished:
        """The result if the system refuses one more process, thread or folder."""
        return self._cut_short(f"The run could not be started ({reason}).", "make room for it, and run it again", None)

    def _listen(self, child: Child, on_check: Callable[[Check], None] | None) -> None:
        """Reads the child's stdout: lines with a check or a problem, and last a line with the exit status."""
        for line in child.lines():
            match _json(line):
                case {"check": dict(entry)} if self._status is None and set(entry) == _FIELDS:
                    self._checks.append(entry)
                    if on_check is not None:
                        on_check(entry)
                case {"limits": dict(told)} if self._status is None and _are_limits(told):
                    self._limits = Limits(**told)
                case {"public": str(public)} if self._status is None:
                    self._public = public
                case {"problem": str(problem)} if self._status is None:
                    self._problem = problem
                case {"unwritable": str(why)} if self._status is None:
                    self._unwritable = why
                case {"exit": status} if self._status is None and type(status) is int:
                    self._status = status
                case _:
                    self._is_strange = True

    def _end_in_time(self, child: Child) -> None:
        try:
            self._cut = self._why_to_end()
        except BaseException as error:  # noqa: BLE001  if `cancel` raises, the run must not go on without its deadline
            self._cut = f"The program that started the run failed when asked whether to go on ({type(error).__name__})."
        if self._cut and child.has_ended():
            self._cut = ""  # the run ended in time, but this process was stopped for a while, and notices it late
        if self._cut:
            self._kill(child)

    def _why_to_end(self) -> str:
        """Waits until the run must be ended, and returns the reason; "" if the run has ended by itself."""
        while (left := self._timeout - self._watch.seconds) > 0:
            if self._ended.wait(left if self._cancel is None else min(left, child_process.LOOK)):
                return ""
            if self._cancel is not None and self._cancel.is_set():
                return "The run was cancelled by the program that had started it."
        return f"The run was not over after {self._timeout:g} s and was ended."

    def _end(self, child: Child, watcher: threading.Thread) -> None:
        """Kills the child, also if it has ended by itself: programs that it has started may be left."""
        self._ended.set()
        self._kill(child)
        with self._lock:
            child.reap()
        if watcher.ident is not None:
            watcher.join()

    def _kill(self, child: Child) -> None:
        with self._lock:
            child.kill()

    def _finished(self, reports: Path) -> Finished:
        if self._problem is not None:
            raise UnusableSettings(self._problem)
        if self._unwritable:  # the child's own folder, so no setting is at fault
            why = f"The run could not begin: {self._unwritable.partition(': ')[0]}."
            return self._cut_short(why, "make room for temporary files, or set TMPDIR to another folder", None)
        verdict = _json(_text(reports / "verdict.json"))
        if self._cut:
            return self._cut_short(self._cut, f"{_RUN_AGAIN}, or give it more time", verdict)
        if self._status == _DIRTY:
            why = "A file of the run held a secret when it was scanned, and was deleted."
            return self._cut_short(why, "report this, without the key, as SECURITY.md says", verdict)
        # The exit status, verdict.json and the lines from stdout must agree: none of them is trusted by itself.
        found = verdict or {}
        agrees = (found.get("verdict"), found.get("checks")) == (_VERDICTS.get(self._status), self._checks)
        if verdict is None or not agrees or found.get("ok") is not (self._status == 0) or self._is_strange:
            how = "its process died" if self._status is None else f"exit status {self._status}"
            return self._cut_short(f"The run ended before its verdict ({how}).", _RUN_AGAIN, verdict)
        return Finished(
            verdict, _text(reports / "report.html"), _text(reports / "summary.md"), self._limits, self._public
        )

    def _cut_short(self, why: str, fix: str, left: dict[str, Any] | None) -> Finished:
        """The result of a cut run: UNPROVEN, with the checks so far. `left`: its verdict.json, if it wrote one."""
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


def _blank() -> dict[str, Any]:
    """The content of verdict.json for a run without a single check."""
    from keycheck import __version__  # noqa: PLC0415  rarely needed
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
    """The text of a report file; "" if the file is missing or too long."""
    try:
        return path.read_text("utf-8", "replace") if path.stat().st_size <= _LONGEST_FILE else ""
    except OSError:
        return ""
