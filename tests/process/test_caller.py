"""A program that starts a run is left as it was, whatever its habits are."""

import contextlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from keycheck import child_process, process
from keycheck.report import verdict_json
from tests.children import children, linux, wait_until
from tests.exchange import LocalExchange
from tests.process.checking import SILENT, check, started
from tests.running import ROOT


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
        with started(IGNORES, exchange) as caller:
            wait_until(lambda: exchange.log)
            (number,) = children(temporary)
            (ignored,) = re.findall(r"(?m)^SigIgn:\s+(\w+)$", Path(f"/proc/{number}/status").read_text())
            caller.kill()
        assert not int(ignored, 16) >> (signal.SIGCHLD - 1) & 1
        wait_until(lambda: not children(temporary), 8)
