"""A run as a child process ends when its time is up, when it is cancelled, and when its caller ends."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import keycheck
from keycheck import process
from keycheck.diagnosis.cause import CAUSES
from tests.children import children, linux, wait_until
from tests.exchange import Fault, LocalExchange, Scenario
from tests.process.checking import SILENT, check, started
from tests.running import ROOT


@pytest.mark.slow
def test_a_run_that_is_not_over_in_time_is_unproven(temporary: Path) -> None:
    """After a time-out the report is valid, has the findings so far and the reason, and no file is left."""
    schema = json.loads((ROOT / "keycheck/report/verdict.schema.json").read_text("utf-8"))
    jsonschema = pytest.importorskip("jsonschema")
    scenario = Scenario(
        faults={"/fapi/v1/accountConfig": Fault.stall(), "/sapi/v1/account/apiRestrictions": Fault.stall()}
    )
    with LocalExchange(scenario) as exchange:
        began = time.monotonic()
        report = check(exchange, timeout=3)
        assert time.monotonic() - began < 9
    assert (report.ok, report.verdict) == (False, "UNPROVEN")
    assert report.causes[0].cause == process.CUT_SHORT
    assert "3 s" in report.causes[0].explanation
    assert "futures_api_answers" in {one.id for one in report.checks}
    jsonschema.validate(report.data, schema)
    assert list(temporary.iterdir()) == []
    assert children(temporary) == []


def test_the_cause_of_a_run_that_is_cut_short_is_a_listed_one() -> None:
    """docs/checks.md and `--explain` know the cause of a run that was cut short."""
    assert process.CUT_SHORT in {name for causes in CAUSES.values() for name in causes}


def test_a_run_can_be_cancelled(temporary: Path) -> None:
    """A run can be cancelled from another thread; it does not wait for the stalled answer."""
    cancel = threading.Event()
    with LocalExchange(SILENT) as exchange, ThreadPoolExecutor() as pool:
        waiting = pool.submit(check, exchange, cancel=cancel)
        wait_until(lambda: exchange.log)
        began = time.monotonic()
        cancel.set()
        report = waiting.result(9)
        assert time.monotonic() - began < 5
    assert report.verdict == "UNPROVEN"
    assert "cancelled" in report.causes[0].explanation
    assert list(temporary.iterdir()) == []


@linux
def test_a_child_that_is_killed_is_unproven(temporary: Path) -> None:
    """If the child is killed, the report is UNPROVEN, and no exception is raised."""
    with LocalExchange(SILENT) as exchange, ThreadPoolExecutor() as pool:
        waiting = pool.submit(check, exchange)
        wait_until(lambda: exchange.log)
        for number in children(temporary):
            os.kill(number, signal.SIGKILL)
        report = waiting.result(5)
    assert report.verdict == "UNPROVEN"
    assert "died" in report.causes[0].explanation
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_an_exception_of_on_check_ends_the_run(exchange: LocalExchange, temporary: Path) -> None:
    """An exception of on_check reaches the caller unchanged, and the child is ended."""

    def tired(_: keycheck.CheckResult) -> None:
        raise InterruptedError("enough")

    with pytest.raises(InterruptedError, match="enough"):
        check(exchange, on_check=tired)
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_a_file_and_an_exit_status_that_disagree_are_unproven(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict is OK only if both the file and the exit status say so."""
    monkeypatch.setattr(process, "_VERDICTS", {0: "NOT_OK", 1: "OK", 10: "UNPROVEN"})
    report = check(exchange)
    assert (report.ok, report.verdict) == (False, "UNPROVEN")


def test_a_child_that_cannot_be_started_is_unproven(exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the child cannot be started, the report is UNPROVEN and gives the system's reason."""
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    report = check(exchange)
    assert report.verdict == "UNPROVEN"
    assert "could not be started" in report.causes[0].explanation


@pytest.mark.parametrize("option", ["--env-file", "--report-dir", "--compare", "--prom"])
def test_an_option_without_a_value_is_refused(option: str) -> None:
    """An empty value, as from an unset variable, is refused: the run would test the key in .env, not the one meant."""
    with pytest.raises(process.UnusableSettings, match=f"{option} is empty"):
        process.run({}, ["--replay", "healthy", f"{option}="])


def test_where_no_temporary_folder_is_the_fix_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a folder for temporary files, as in a container that is read-only, no report names a folder."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere/alice/bot"])
    explanation = process.run({}).verdict["diagnosis"][0]["explanation"]
    assert "set TMPDIR" in explanation
    assert "alice" not in explanation


@pytest.mark.slow
def test_a_run_that_cannot_write_its_reports_is_unproven(exchange: LocalExchange, tmp_path: Path) -> None:
    """If the disk of temporary files has filled up since a server's start, no setting of a request is at fault."""
    (tmp_path / "no folder").touch()  # stands for the full disk
    done = process.run(exchange.settings(), [f"--report-dir={tmp_path / 'no folder'}"])
    (cause,) = done.verdict["diagnosis"]
    assert cause["cause"] == process.CUT_SHORT
    assert "(File exists)" in cause["explanation"]
    assert "make room" in cause["fix"]
    assert "--report-dir" not in str(cause)
    assert not exchange.log


@pytest.mark.slow
def test_a_caller_may_ignore_sigchld(exchange: LocalExchange) -> None:
    """With SIGCHLD ignored, the exit status cannot be read, and the verdict is the same."""
    usual = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        report = check(exchange)
    finally:
        signal.signal(signal.SIGCHLD, usual)
    assert report.verdict == "OK"


@pytest.mark.slow
def test_a_run_ends_as_usual_without_waitid(exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without os.waitid, which macOS has had since Python 3.13, a run ends as usual, and can be cut short."""
    monkeypatch.delattr(os, "waitid", raising=False)
    assert check(exchange).verdict == "OK"
    with LocalExchange(SILENT) as silent:
        assert check(silent, timeout=1).verdict == "UNPROVEN"


CALLER = """
import sys
import keycheck
keycheck.check(timeout=60, user_stream=False, **dict(line.split("=", 1) for line in sys.argv[1:]))
"""


@pytest.mark.slow
@linux
@pytest.mark.parametrize("moment", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, None])
def test_a_child_ends_with_its_caller(moment: float | None, temporary: Path) -> None:
    """If the caller is killed at any moment, no process and no folder is left."""
    with LocalExchange(SILENT) as exchange:
        with started(CALLER, exchange) as caller:
            if moment is None:
                wait_until(lambda: exchange.log)
            else:
                wait_until(lambda: children(temporary))
                time.sleep(moment * random.uniform(0.8, 1.2))  # noqa: S311  any will do
            caller.kill()
        wait_until(lambda: not children(temporary) and not list(temporary.iterdir()), 8)


FORKS = """
import os, signal, sys, threading, time
import keycheck
named = dict(line.split("=", 1) for line in sys.argv[1:])
threading.Thread(target=lambda: keycheck.check(timeout=60, **named), daemon=True).start()
time.sleep(0.5)
if os.fork() == 0:
    time.sleep(8)
    os._exit(0)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@linux
def test_a_fork_of_the_caller_keeps_no_child_alive(temporary: Path) -> None:
    """A fork of the caller holds a copy of the pipe whose end means that the caller has died; the child ends anyway."""
    with LocalExchange(SILENT) as exchange:
        with started(FORKS, exchange):
            pass  # it kills itself
        wait_until(lambda: not children(temporary) and not list(temporary.iterdir()), 8)


@pytest.mark.slow
@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_child_ends_if_its_caller_is_ended(number: signal.Signals, temporary: Path) -> None:
    """A child ends if its caller is ended by Ctrl-C, a supervisor or a terminal; the caller ends as usual."""
    with LocalExchange(SILENT) as exchange:
        with started(CALLER, exchange, stderr=subprocess.DEVNULL) as caller:
            wait_until(lambda: exchange.log)
            caller.send_signal(number)
            assert caller.wait(5) == -number
        wait_until(lambda: not children(temporary) and not list(temporary.iterdir()), 8)


@pytest.mark.slow
@linux
def test_programs_of_the_child_process_are_killed_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that hangs, started by the child, is killed with it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "timedatectl").write_text(
        f"#!/bin/sh\ncd {tmp_path / 'temporary'}\n/bin/mkdir here; cd here\nexec /bin/sleep 50\n"
    )
    (programs / "timedatectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs) + os.pathsep + os.environ["PATH"])
    cancel = threading.Event()
    with LocalExchange() as exchange, ThreadPoolExecutor() as pool:
        waiting = pool.submit(check, exchange, cancel=cancel)
        here = tmp_path / "temporary/here"
        wait_until(here.exists)
        cancel.set()
        assert waiting.result(5).verdict == "UNPROVEN"
    running = [p for p in Path("/proc").iterdir() if p.name.isdigit() and _cwd(p) == here]
    assert running == []


def _cwd(entry: Path) -> Path | None:
    try:
        return (entry / "cwd").readlink()
    except OSError:
        return None


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [Decimal("0.5"), Fraction(1, 2), "0.5"])
def test_any_number_is_a_time_limit(seconds: Any) -> None:
    """A time limit may be a Decimal, a Fraction or text, which do not mix with floats."""
    with LocalExchange(SILENT) as exchange:
        began = time.monotonic()
        report = check(exchange, timeout=seconds)
        assert time.monotonic() - began < 5
    assert "0.5 s" in report.causes[0].explanation


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"timeout": None}, "timeout must be"),
        ({"timeout": "soon"}, "timeout must be"),
        ({"timeout": 10**400}, "timeout must be"),
        ({"cancel": True}, "cancel must be"),
        ({"on_check": 5}, "on_check must be"),
    ],
)
def test_wrong_parameters_for_watching_are_refused_before_the_start(
    settings: dict[str, Any], sentence: str, exchange: LocalExchange
) -> None:
    """A wrong parameter for watching raises ValueError with one sentence, and nothing is sent."""
    with pytest.raises(ValueError, match=sentence):
        check(exchange, **settings)
    assert exchange.log == []


@pytest.mark.parametrize("error", [RuntimeError, asyncio.CancelledError])
def test_a_cancel_that_breaks_ends_the_run(error: type[BaseException]) -> None:
    """If is_set raises, the run is cut short at once, and does not go on without its deadline."""

    class Broken:
        def is_set(self) -> bool:
            raise error("of the caller's")

    with LocalExchange(SILENT) as exchange:
        began = time.monotonic()
        report = check(exchange, cancel=Broken())
        assert time.monotonic() - began < 5
    assert error.__name__ in report.causes[0].explanation


def test_without_a_thread_for_the_deadline_there_is_no_run(
    exchange: LocalExchange, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the system refuses one more thread, the report is UNPROVEN, as after a refused process."""
    usual = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name == "keycheck-deadline":
            raise RuntimeError("can't start new thread")
        usual(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    report = check(exchange)
    assert report.verdict == "UNPROVEN"
    assert "can't start new thread" in report.causes[0].explanation
    assert children(temporary) == []


def test_a_child_that_cannot_fork_ends_with_its_caller() -> None:
    """Even without memory for one more process, the child, which holds the credentials, ends with its caller."""
    code = (
        "import os, pathlib, threading\n"
        "from keycheck import child\n"
        "def fork(): raise OSError(12, 'Cannot allocate memory')\n"
        "os.fork = fork\n"
        "job = 0, os.getppid(), pathlib.Path('/nonexistent')\n"
        "threading.Thread(target=child._end_with_caller, args=job).start()\n"
        "threading.Event().wait()\n"
    )
    command = [sys.executable, "-c", code]  # its stdin has ended, as if the caller had
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True, timeout=10, check=False)  # noqa: S603
    assert done.returncode == -signal.SIGKILL
