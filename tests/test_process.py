"""A run as a child process: its results, the data that it gets, and its end when its time is up or its caller ends."""

import asyncio
import contextlib
import json
import logging
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import keycheck
from keycheck import child_process, process
from keycheck.api import Cause, Report
from keycheck.diagnosis.cause import CAUSES
from keycheck.report import verdict_json
from keycheck.settings import child_environment, loading
from tests.children import children, linux, wait_until
from tests.exchange import API_KEY, API_SECRET, Fault, LocalExchange, Scenario
from tests.keys import ED25519
from tests.matrix import mostly_slow
from tests.running import ROOT, SuiteRunner

MS_AND_MOMENTS = ("startedAt", "durationMs", "driftMs")
SILENT = Scenario(faults={"*": Fault.stall()})


@pytest.fixture(autouse=True)
def temporary(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty folder in which child processes make their folders. The caller's environment holds a secret."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another secret of the caller's")
    return temporary


def check(exchange: LocalExchange, **more: Any) -> Report:
    """`keycheck.check` with the settings of an exchange, by their names as parameters."""
    named = {name.removeprefix("BINANCE_").lower(): value for name, value in exchange.settings().items()}
    return keycheck.check(**(named | more))


# -- results --


@pytest.mark.slow
def test_a_verdict_is_that_of_the_suite(exchange: LocalExchange, tmp_path: Path) -> None:
    """A child's verdict.json differs from that of `pytest suite/` only in times, and the page is returned."""
    report = check(exchange)
    usual = SuiteRunner(tmp_path)(settings=exchange.settings()).verdict
    assert report.ok
    assert report.verdict == "OK"
    assert report.causes == ()
    assert [one.id for one in report.checks] == [one["id"] for one in usual["checks"]]
    assert {k: v for k, v in report.data.items() if k not in (*MS_AND_MOMENTS, "checks", "requests")} == {
        k: v for k, v in usual.items() if k not in (*MS_AND_MOMENTS, "checks", "requests")
    }
    assert "</html>" in report.page
    assert "OK" in report.summary


@pytest.mark.slow
def test_a_key_that_is_not_fit_has_its_causes() -> None:
    """Causes are typed, the likeliest first; a report prints no secret, and is frozen."""
    with LocalExchange(Scenario(ip_allowed=False)) as exchange:
        report = check(exchange)
    assert not report.ok
    assert report.verdict == "NOT_OK"
    assert isinstance(report.causes[0], Cause)
    assert report.causes[0].cause == "ip_not_allowed"
    assert API_KEY[:10] not in repr(report)
    assert "checks" not in repr(report)
    with pytest.raises(AttributeError):
        report.ok = True  # type: ignore[misc]


@pytest.mark.slow
def test_findings_are_passed_on_as_they_come(exchange: LocalExchange) -> None:
    """on_check gets each check once, in run order, in the calling thread, as the report has it."""
    heard: list[tuple[keycheck.CheckResult, threading.Thread]] = []
    report = check(exchange, on_check=lambda one: heard.append((one, threading.current_thread())))
    assert tuple(one for one, _ in heard) == report.checks
    assert {thread for _, thread in heard} == {threading.current_thread()}


@pytest.mark.parametrize(
    "fault", mostly_slow([None, Fault.echo()], 1), ids=["the caller's address", "the whole request"]
)
def test_the_results_of_a_run_hold_no_secret(fault: Fault | None) -> None:
    """Findings, page and verdict do not show key, signature and address, even if an answer quotes them."""
    faults = {"/sapi/v1/account/apiRestrictions": fault, "/fapi/v1/accountConfig": fault} if fault else {}
    heard: list[keycheck.CheckResult] = []
    with LocalExchange(Scenario(ip_allowed=bool(fault), faults=faults)) as exchange:
        report = check(exchange, on_check=heard.append)
    assert not report.ok
    seen = repr(heard) + json.dumps(dict(report.data)) + report.page + report.summary + repr(report)
    assert "signed_requests_are_accepted" in repr(heard)
    for text in (API_KEY, API_SECRET):
        assert not any(text[at : at + 10] in seen for at in range(len(text) - 10))
    assert not re.search(r"request ip: \d", seen)
    assert not re.search(r"signature=[0-9a-f]{8}", seen)


@pytest.mark.slow
def test_a_private_key_is_handed_over_as_text(tmp_path: Path) -> None:
    """A private key is given as its text, or as a path relative to the caller's working directory."""
    with LocalExchange(Scenario(public_key=ED25519.public)) as exchange:
        settings = {"api_secret": None, "private_key": ED25519.private}
        report = check(exchange, **settings)
        (tmp_path / "private.pem").write_text(ED25519.private)
        with contextlib.chdir(tmp_path):
            other = check(exchange, api_secret=None, private_key_file="private.pem")
    assert (report.verdict, report.data["key"]["type"]) == ("OK", "ED25519")
    assert other.verdict == "OK"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        *mostly_slow(
            [
                ({"symbol": "!!"}, "BINANCE_SYMBOL is not a contract's name"),
                ({"api_key": "ä" * 64 + "\n1"}, "BINANCE_API_KEY holds a line break"),
                ({"ca_bundle": "no such file"}, "BINANCE_CA_BUNDLE"),
                ({"private_key": "no PEM", "api_secret": None}, "no private key"),
                ({"recv_window": 0}, "BINANCE_RECV_WINDOW must be"),
            ],
            1,
        ),
        ({"timeout": 0}, "timeout must be"),
        ({"timeout": float("nan")}, "timeout must be"),
        ({"api_key": b"bytes"}, "api_key must be text, but is bytes"),
        ({"private_key": "a", "private_key_file": "b"}, "leave one of them out"),
    ],
)
def test_settings_that_cannot_be_used_raise_their_sentence(
    settings: dict[str, Any], sentence: str, exchange: LocalExchange
) -> None:
    """Settings that cannot be used raise ValueError with the run's sentence, without a secret."""
    with pytest.raises(ValueError, match=sentence) as raised:
        check(exchange, **settings)
    assert API_SECRET[:10] not in str(raised.value)
    assert exchange.log == []


def test_each_setting_has_its_parameter() -> None:
    """`check` has a parameter for each setting, and besides these only parameters about watching the run."""
    parameters = set(keycheck.check.__annotations__) - {"return", "on_check", "timeout", "cancel", "private_key"}
    named = {"passphrase": "BINANCE_PRIVATE_KEY_PASSPHRASE"}
    assert {named.get(name, f"BINANCE_{name.upper()}") for name in parameters} == set(loading.NAMES)


@pytest.mark.slow
def test_nothing_is_a_setting_but_what_is_given(exchange: LocalExchange, tmp_path: Path) -> None:
    """A run reads neither the caller's environment nor a .env in the working directory."""
    (tmp_path / ".env").write_text("BINANCE_SYMBOL=ETHUSDT\n")
    outside = {"BINANCE_SYMBOL": "ETHUSDT", "PYTEST_ADDOPTS": "-k nothing", "HTTPS_PROXY": "http://127.0.0.1:9"}
    with contextlib.chdir(tmp_path), pytest.MonkeyPatch.context() as patched:
        for name, value in outside.items():
            patched.setenv(name, value)
        report = check(exchange)
    assert (report.verdict, report.data["symbol"]) == ("OK", "BTCUSDT")


@pytest.mark.slow
def test_a_file_of_settings_is_read_by_the_child(exchange: LocalExchange, tmp_path: Path) -> None:
    """A child reads credentials from a file of settings, and takes the other settings from the caller."""
    lines = [f"{name}={value}" for name, value in exchange.settings().items()]
    (tmp_path / "alice.env").write_text("\n".join(lines))
    (tmp_path / "alice.env").chmod(0o600)
    done = process.run({"BINANCE_SYMBOL": "ETHUSDT"}, env_file=tmp_path / "alice.env")
    assert (done.verdict["verdict"], done.verdict["symbol"]) == ("OK", "ETHUSDT")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        (None, range(1)),
        (Fault.rate_limited(37), range(37, 38)),
        (Fault.banned(until_ms=round(1000 * time.time()) + 36_000_000), range(30_000, 36_000)),  # this test may be late
    ],
    ids=["healthy", "429", "418"],
)
def test_limits_have_used_weight_own_weight_and_wait(fault: Fault | None, wait: range) -> None:
    """`limits` has the highest used weight, the weight that the run spent, and how long Binance says to wait."""
    faults = {"/fapi/v1/order/test": fault} if fault else {}
    with LocalExchange(Scenario(used_weight=700, faults=faults)) as exchange:
        done = process.run(exchange.settings())
    assert done.limits.spent == done.verdict["requests"]["futuresWeight"]
    assert done.limits.granted == 2400
    assert 710 <= done.limits.used <= 720
    assert done.limits.wait in wait


@pytest.mark.slow
def test_a_run_that_is_cut_short_has_limits() -> None:
    """After a run that was cut short, `limits` counts the requests of its checks until then."""
    with LocalExchange(Scenario(used_weight=700, faults={"/fapi/v1/order/test": Fault.stall()})) as exchange:
        done = process.run(exchange.settings(), timeout=4)
    assert done.verdict["diagnosis"][0]["cause"] == process.CUT_SHORT
    assert done.limits.used >= 700


# -- ending a run --


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


# -- the secret --


@pytest.fixture
def running(temporary: Path) -> Iterator[Path]:
    """The /proc folder of a child that has read its credentials and waits for an answer."""
    cancel = threading.Event()
    with LocalExchange(SILENT) as exchange, ThreadPoolExecutor() as pool:
        waiting = pool.submit(check, exchange, cancel=cancel)
        try:
            wait_until(lambda: exchange.log)
            (number,) = children(temporary)
            yield Path("/proc", str(number))
        finally:
            cancel.set()
            waiting.result(10)


@linux
def test_a_secret_is_in_no_argument_variable_or_file(running: Path, temporary: Path) -> None:
    """Neither key nor secret is in the running child's arguments, environment or files, not even in part."""
    seen = (running / "cmdline").read_bytes() + (running / "environ").read_bytes()
    seen += b"".join(path.read_bytes() for path in temporary.rglob("*") if path.is_file())
    assert b"keycheck" in seen
    for text in (API_KEY, API_SECRET):
        assert not any(text[at : at + 8].encode() in seen for at in range(len(text) - 8))


@pytest.mark.slow
@linux
def test_a_child_is_given_only_named_variables(running: Path) -> None:
    """A child's environment holds none of the caller's own secrets, and nothing that would steer Python or pytest."""
    names = {entry.partition(b"=")[0].decode() for entry in (running / "environ").read_bytes().split(b"\0") if entry}
    assert "AWS_SECRET_ACCESS_KEY" in os.environ
    assert names == set(child_environment.for_a_run())
    assert not [name for name in names if name.startswith(("AWS", "PYTHON", "PYTEST", "BINANCE"))]


@pytest.mark.slow
@linux
def test_a_child_has_a_session_and_no_descriptor_of_the_callers(running: Path) -> None:
    """A child has descriptors of its streams, its sockets to the exchange and its own files, and none of a listening
    socket of the caller. It dumps no core, and only the user may enter its folder.
    """
    number = int(running.name)
    assert os.getsid(number) == number
    limits = (running / "limits").read_text()
    (core,) = [line.split() for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core[4:6] == ["1", "1"]
    leads_to = [str(entry.readlink()) for entry in (running / "fd").iterdir()]
    mine = {str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.exists()}
    shared = [name for name in leads_to if name in mine and name.startswith(("socket:", "pipe:"))]
    assert len(shared) <= 2  # the other ends of its stdin and its stdout have the same names
    assert (running / "cwd").resolve().stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
def test_no_module_of_the_working_directory_is_imported(exchange: LocalExchange, tmp_path: Path) -> None:
    """No module of the working directory or of the calling script's folder is imported: it would have the secret."""
    for name in ("requests", "pytest", "pluggy", "json", "sitecustomize", "usercustomize", "conftest", "keycheck"):
        (tmp_path / f"{name}.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'taken')!r})\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p conftest\n")
    with contextlib.chdir(tmp_path), pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(tmp_path))
        patched.syspath_prepend(str(tmp_path))
        assert check(exchange).verdict == "OK"
    assert not (tmp_path / "taken").exists()


# -- the caller --


@pytest.mark.slow
def test_the_caller_is_left_as_it_was(exchange: LocalExchange, capfd: pytest.CaptureFixture[str]) -> None:
    """Streams, logging, signal handlers, environment, working directory, threads and modules are unchanged."""

    def state() -> tuple[Any, ...]:
        handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM)]
        loggers = (logging.root.level, tuple(logging.root.handlers), logging.getLogRecordFactory())
        streams = (sys.stdin, sys.stdout, sys.stderr, sys.excepthook)
        return handlers, loggers, streams, dict(os.environ), Path.cwd(), socket.socket, set(threading.enumerate())

    check(exchange)  # imports have opened their descriptors by now
    before = state()
    assert check(exchange).ok
    assert state() == before
    assert capfd.readouterr() == ("", "")


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
        named = [f"{k.removeprefix('BINANCE_').lower()}={v}" for k, v in exchange.settings().items()]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        with subprocess.Popen([sys.executable, "-c", CALLER, *named], env=environment) as caller:  # noqa: S603
            if moment is None:
                wait_until(lambda: exchange.log)
            else:
                wait_until(lambda: children(temporary))
                time.sleep(moment * random.uniform(0.8, 1.2))  # noqa: S311  any will do
            caller.kill()
        wait_until(lambda: not children(temporary) and not list(temporary.iterdir()), 8)


@pytest.mark.slow
@linux
def test_a_second_copy_of_its_stdout_holds_nothing_up(exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that the caller forks may hold the child's stdout open; the run ends all the same."""
    usual, made, kept = os.pipe, list[tuple[int, int]](), list[int]()

    def pipe() -> tuple[int, int]:
        made.append(usual())
        if len(made) == 2:  # the pipes of stdin and stdout, and one of subprocess itself
            kept.append(os.dup(made[1][1]))
        return made[-1]

    monkeypatch.setattr(os, "pipe", pipe)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(check, exchange)
        assert waiting.result(20).verdict == "OK"
    os.close(kept[0])


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
        named = [f"{k.removeprefix('BINANCE_').lower()}={v}" for k, v in exchange.settings().items()]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", FORKS, *named], env=environment, check=False)  # noqa: S603  ours
        wait_until(lambda: not children(temporary) and not list(temporary.iterdir()), 8)


@pytest.mark.slow
@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_child_ends_if_its_caller_is_ended(number: signal.Signals, temporary: Path) -> None:
    """A child ends if its caller is ended by Ctrl-C, a supervisor or a terminal; the caller ends as usual."""
    with LocalExchange(SILENT) as exchange:
        named = [f"{k.removeprefix('BINANCE_').lower()}={v}" for k, v in exchange.settings().items()]
        with subprocess.Popen(  # noqa: S603  ours
            [sys.executable, "-c", CALLER, *named],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.DEVNULL,
        ) as caller:
            wait_until(lambda: exchange.log)
            caller.send_signal(number)
            assert caller.wait(5) == -number
        wait_until(lambda: not children(temporary) and not list(temporary.iterdir()), 8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("api_key", "\ud800" * 64),
        ("api_secret", "\ud800" * 64),
        ("api_secret", "x" * 200_000),  # more than a pipe holds
        ("private_key", "\0" * 64),
        ("passphrase", "a\nb" * 30),
        ("symbol", "\u202e" * 30),
        ("proxy", "{" * 64),
        ("ca_bundle", "\0"),
    ],
)
def test_any_text_for_a_credential_leads_to_an_answer(name: str, text: str, exchange: LocalExchange) -> None:
    """Any text for a credential leads to a verdict, or to a ValueError that does not repeat it."""
    told = ""
    try:
        report = check(exchange, **{name: text, "timeout": 20})
    except ValueError as refused:
        told = str(refused)
    else:
        assert not [cause for cause in report.causes if cause.cause == process.CUT_SHORT]
        assert report.ok == (name == "passphrase")  # an HMAC key needs none
    assert text[:10] not in told


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
@linux
def test_many_at_once_leave_nothing(temporary: Path) -> None:
    """Many runs that end, are cut short or are refused leave no process, thread, file or descriptor."""
    with LocalExchange() as exchange:
        check(exchange)
        before = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
        with ThreadPoolExecutor(4) as pool:
            well = [pool.submit(check, exchange) for _ in range(4)]
            short = [pool.submit(check, exchange, timeout=0.2) for _ in range(4)]
            wrong = [pool.submit(check, exchange, symbol="!!") for _ in range(2)]
        assert {one.result().verdict for one in well} == {"OK"}
        assert {one.result().verdict for one in short} == {"UNPROVEN"}
        assert all(isinstance(one.exception(), ValueError) for one in wrong)
        assert (len(list(Path("/proc/self/fd").iterdir())), threading.active_count()) == before
    assert list(temporary.iterdir()) == []
    assert children(temporary) == []


def test_importing_the_package_is_cheap() -> None:
    """Importing the package is quick, because every run's first plugin does it; `check` is imported when used."""
    code = (
        "import sys, keycheck; print([n for n in sys.modules if n.startswith('keycheck')], 'subprocess' in sys.modules)"
    )
    found = f"import sys; sys.path.append({str(ROOT)!r}); {code}"
    done = subprocess.run([sys.executable, "-Ic", found], capture_output=True, text=True, check=True)  # noqa: S603  ours
    assert done.stdout == "['keycheck'] False\n"


def test_a_finding_is_passed_on_as_in_verdict_json() -> None:
    """`of_check` cleans each text for people, and changes nothing else."""
    from tests.sample_reports import REPORTS  # noqa: PLC0415

    report = next(iter(REPORTS.values()))
    entries = verdict_json.as_dict(report, str.upper)["checks"]
    assert [verdict_json.of_check(one, str.upper) for one in report.findings] == entries


# -- a child that says strange things, and a caller with habits of its own --

FAKE = """
import json, os, pathlib, sys
sys.stdin.readline()
folder = pathlib.Path(json.loads(sys.stdin.readline())["folder"])
(folder / "reports").mkdir(parents=True)
(folder / "reports/verdict.json").write_text({verdict!r})
os.write(1, {lines!r})
"""
EMPTY_OK = '{"verdict": "OK", "ok": true, "checks": [], "diagnosis": []}'


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        (b'5\n{"exit": 0}\n', EMPTY_OK),
        (b'null\n{"exit": 0}\n', EMPTY_OK),
        (b'"check"\n{"exit": 0}\n', EMPTY_OK),
        (b'half of a {"exit": 0}\n{"exit": 0}\n', EMPTY_OK),
        (b"[" * 100_000 + b'\n{"exit": 0}\n', EMPTY_OK),
        (b'{"check": 5}\n{"exit": 0}\n', EMPTY_OK),
        (b'{"check": {"id": "one that verdict.json lacks"}}\n{"exit": 0}\n', EMPTY_OK),
        (b'{"problem": 5}\n{"exit": 0}\n', EMPTY_OK),
        (b'{"limits": {}}\n{"exit": 0}\n', EMPTY_OK),
        (b'{"limits": {"spent": 1, "used": -1, "granted": null, "wait": true}}\n{"exit": 0}\n', EMPTY_OK),
        (b'{"exit": []}\n', EMPTY_OK),
        (b'{"exit": false}\n', EMPTY_OK),
        (b'{"exit": 0.0}\n', EMPTY_OK),
        (b'{"exit": 10}\n{"exit": 0}\n', EMPTY_OK),
        (b'{"exit": 0}\n', '{"verdict": "OK", "ok": true}'),
        (b'{"exit": 0}\n', '{"verdict": "OK", "ok": 1, "checks": [], "diagnosis": []}'),
        (b'{"exit": 0}\n', "[" * 100_000),
        (b'{"exit": 10}\n', '{"verdict": "UNPROVEN", "ok": false, "checks": 5}'),
    ],
)
def test_a_child_that_contradicts_itself_is_unproven(
    lines: bytes, verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child with lines that no run writes, two exit statuses, or a verdict without findings is UNPROVEN."""
    (tmp_path / "child.py").write_text(FAKE.format(verdict=verdict, lines=lines))
    monkeypatch.setattr(child_process, "_PROGRAM", tmp_path / "child.py")
    report = keycheck.check(api_key=API_KEY, api_secret=API_SECRET, timeout=20)
    assert (report.ok, report.verdict) == (False, "UNPROVEN")
    assert report.causes[0].cause == process.CUT_SHORT


def test_a_child_whose_lines_and_file_agree_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child with one exit status, and a verdict and findings that agree with it, is believed."""
    (tmp_path / "child.py").write_text(FAKE.format(verdict=EMPTY_OK, lines=b'{"exit": 0}\n'))
    monkeypatch.setattr(child_process, "_PROGRAM", tmp_path / "child.py")
    assert keycheck.check(api_key=API_KEY, api_secret=API_SECRET, timeout=20).ok


@pytest.mark.slow
def test_a_run_that_has_ended_is_not_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ended in time is OK, even if its caller notices that late, because it was stopped or is slow."""
    entry = dict.fromkeys(process._FIELDS, "")
    verdict = json.dumps(json.loads(EMPTY_OK) | {"checks": [entry]})
    lines = f'{json.dumps({"check": entry})}\n{{"exit": 0}}\n'.encode()
    (tmp_path / "child.py").write_text(FAKE.format(verdict=verdict, lines=lines))
    monkeypatch.setattr(child_process, "_PROGRAM", tmp_path / "child.py")
    report = keycheck.check(api_key=API_KEY, api_secret=API_SECRET, timeout=2, on_check=lambda _: time.sleep(3))
    assert report.ok


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


@pytest.mark.slow
@pytest.mark.parametrize("entry", [Path(pytest.__file__).parents[1], b"/tmp", None])
def test_strange_entries_of_the_search_path_are_passed_over(
    entry: object, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Path in sys.path, which Python's import ignores, does not break a run."""
    monkeypatch.setattr(sys, "path", [*sys.path, entry])
    assert check(exchange).verdict == "OK"


def test_a_folder_that_cannot_be_read_holds_no_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of sys.path that the system will not list is left out, as Python's import does; the others stay."""
    (tmp_path / "some_package-1.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path / ("n" * 300)), str(tmp_path)])  # too long a name, even for root
    assert child_process._folders_of_packages() == [str(tmp_path)]


@pytest.mark.slow
def test_a_relative_temporary_folder_is_the_callers(
    exchange: LocalExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tempfile.tempdir may be relative; the child starts in another folder than the caller's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", "temporary")
    assert check(exchange).verdict == "OK"


@pytest.mark.slow
def test_a_relative_path_needs_a_working_directory(exchange: LocalExchange, tmp_path: Path) -> None:
    """A relative path in a working directory that was removed is a ValueError that names the setting."""
    (tmp_path / "gone").mkdir()
    with contextlib.chdir(tmp_path):
        os.chdir("gone")
        (tmp_path / "gone").rmdir()
        with pytest.raises(ValueError, match="ca_bundle is relative"):
            check(exchange, ca_bundle="bundle.pem")
        assert check(exchange).verdict == "OK"


PIPED = """
import signal
from pathlib import Path
import keycheck
from keycheck import child_process
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
child_process._PROGRAM = Path("/no/such/child.py")
print(keycheck.check(api_key="k", api_secret="x" * 3_000_000, timeout=20).verdict)
assert not signal.sigpending()
assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])
"""


@linux
def test_a_caller_with_the_default_sigpipe_survives_a_dead_child() -> None:
    """With SIGPIPE's default action, a child that ends before it has read its job does not kill the caller."""
    done = subprocess.run(  # noqa: S603  ours
        [sys.executable, "-c", PIPED], env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"UNPROVEN\n"), done.stderr


IGNORES = """
import signal, sys
import keycheck
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
keycheck.check(timeout=60, user_stream=False, **dict(line.split("=", 1) for line in sys.argv[1:]))
"""


@pytest.mark.slow
@linux
def test_a_child_reads_the_exit_status_of_its_own_programs(temporary: Path) -> None:
    """If the caller ignores SIGCHLD, a run still sees the exit statuses of its programs, such as git."""
    with LocalExchange(SILENT) as exchange:
        named = [f"{k.removeprefix('BINANCE_').lower()}={v}" for k, v in exchange.settings().items()]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        with subprocess.Popen([sys.executable, "-c", IGNORES, *named], env=environment) as caller:  # noqa: S603  ours
            wait_until(lambda: exchange.log)
            (number,) = children(temporary)
            (ignored,) = re.findall(r"(?m)^SigIgn:\s+(\w+)$", Path(f"/proc/{number}/status").read_text())
            caller.kill()
        assert not int(ignored, 16) >> (signal.SIGCHLD - 1) & 1
        wait_until(lambda: not children(temporary), 8)


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


# -- docs/examples/many_accounts.py --


def example(folder: Path, *files: str, streams: str = "") -> "subprocess.CompletedProcess[str]":
    """Runs the example on these files of a folder. `streams`: what a shell does with its streams, such as `>&-`."""
    command = [sys.executable, str(ROOT / "docs/examples/many_accounts.py"), *files]
    command = ["/bin/sh", "-c", f'exec "$@" {streams}', "sh", *command]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603


@pytest.mark.slow
def test_many_accounts_are_each_tested(exchange: LocalExchange, tmp_path: Path) -> None:
    """In the example, two files of one name are two accounts; a bad file is not a NOT_OK, and stops no other."""
    lines = "\n".join(f"{name}={value}" for name, value in exchange.settings().items())
    for folder, more in {"a": "", "b": "\nBINANCE_SYMBOL=!!\nOTHER=1\nBINANCE_PRIVATE_KEY_PASSPHRASE=p"}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "bot.env").write_text(lines + more)
    done = example(tmp_path, "a/bot.env", "b/bot.env")
    assert done.returncode == 10
    assert "Traceback" not in done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["a/bot.env", "OK"],
        ["b/bot.env", "BINANCE_SYMBOL"],
    ]
    assert example(tmp_path, "a/bot.env").returncode == 0
    assert example(tmp_path).returncode == 10


@pytest.mark.slow
def test_a_name_may_have_letters_that_stdout_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example's own exit status stays: Python would end with 1, which stands for NOT_OK."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    (tmp_path / "\u0444.env").write_text("BINANCE_API_KEY=x\nBINANCE_SYMBOL=!!")
    done = example(tmp_path, "\u0444.env")
    assert (done.returncode, done.stdout.split()[:2]) == (10, ["\\u0444.env", "BINANCE_SYMBOL"])


@pytest.mark.slow
def test_a_closed_stdout_is_not_a_verdict(tmp_path: Path) -> None:
    """With stdout closed, the example still ends with its own exit status."""
    (tmp_path / "a.env").write_text("BINANCE_API_KEY=x\nBINANCE_SYMBOL=!!")
    assert example(tmp_path, "a.env", streams=">&-").returncode == 10


# -- what is left behind --


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        {"symbol": "!!"},
        {"api_key": b"bytes"},
        {"timeout": 0},
        {"on_check": 5},
        {"private_key": "-----BEGIN", "private_key_file": "b"},
        {"on_check": lambda one: one.no_such_field},
        {"symbol": API_SECRET[:20]},
        {"environment": API_SECRET},
        {"expect": API_SECRET},
        {"ca_bundle": f"/{API_SECRET}"},
    ],
)
def test_no_variable_of_a_traceback_holds_a_secret(more: dict[str, Any], exchange: LocalExchange) -> None:
    """No variable in our frames of a traceback holds a secret, since error collectors send all variables."""
    with pytest.raises((ValueError, AttributeError)) as raised:
        check(exchange, **({"passphrase": API_SECRET[::-1]} | more))
    assert not shown_by_variables(raised.value)


def shown_by_variables(error: BaseException | None) -> list[str]:
    """The credentials in the variables of keycheck's own frames, in an error and in the errors that caused it."""
    seen = ""
    while error is not None:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        seen += repr([frame.locals for frame in told.stack if "/keycheck/" in frame.filename])
        error = error.__cause__ or error.__context__
    return [text for text in (API_KEY, API_SECRET, API_SECRET[::-1]) if text[:10] in seen]


def test_an_interrupt_while_credentials_are_handed_over_shows_none(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If Ctrl-C interrupts the write of the credentials to the child, no variable in the traceback shows them."""
    write = os.write

    def interrupted(descriptor: int, data: bytes) -> int:
        if b"BINANCE_API_SECRET" in bytes(data):
            raise KeyboardInterrupt
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", interrupted)
    with pytest.raises(KeyboardInterrupt) as raised:
        check(exchange)
    assert not shown_by_variables(raised.value)
