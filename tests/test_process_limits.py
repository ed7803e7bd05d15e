"""A run under limits on memory and open files: it has room enough, or is refused in a sentence. It never hangs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keycheck.process_limits import LEAST_FILES, LEAST_MEMORY
from tests.exchange import LocalExchange
from tests.running import ROOT
from tests.test_withdrawal import REPLAY, command, is_old, put_old_reports

ENOUGH, TOO_LITTLE = LEAST_MEMORY * 2**10 + 20_000, LEAST_MEMORY * 2**10 - 1  # KiB
LACK = f"this process may use only {LEAST_MEMORY - 1} MiB of memory, and a run needs {LEAST_MEMORY}"
# Starts threads that wait at the same time, so that each has a heap of its own, or all have the same.
THREADS = """
import re, threading
from keycheck.process_limits import shortage

def addresses():
    return int(re.search(r"VmSize:\\s*(\\d+)", open("/proc/self/status").read())[1])

def work():
    held = [bytes(400) for _ in range(10_000)] + [bytes(1000) for _ in range(1_000)]
    together.wait()

assert shortage() == ""
threading.stack_size(2**18)
together = threading.Barrier(5)
before = addresses()
threads = [threading.Thread(target=work) for _ in range(4)]
for one in threads:
    one.start()
together.wait()
print((addresses() - before) // 1024)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not enforce such limits")


def limited(kibibytes: int, command: list[str], *, of: str = "-v", **environment: str) -> tuple[int, str]:
    """The exit status and output of a command whose process may use so much memory."""
    done = subprocess.run(  # noqa: S603  our own command
        ["/bin/sh", "-c", f'ulimit {of} "$0" && exec "$@"', str(kibibytes), *command],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_threads_share_one_heap_under_a_limit() -> None:
    """Without that, glibc reserved 64 MiB for each thread, and seven threads left no room: a run in four hung."""
    limit = ENOUGH * 4
    status, said = limited(limit, [sys.executable, "-c", THREADS])
    assert (status, int(said) < 64) == (0, True), said


@pytest.mark.parametrize("of", ["-v", "-d"])
def test_a_run_with_too_little_memory_is_refused(tmp_path: Path, of: str) -> None:
    """The refusal names the limit and the remedy, and the last run's reports are removed."""
    put_old_reports(tmp_path)
    status, said = limited(TOO_LITTLE, command(tmp_path, *REPLAY), of=of)
    assert (status, LACK in said, f"ulimit -v {LEAST_MEMORY * 2**10}" in said) == (4, True, True), said
    assert "Traceback" not in said
    assert not is_old(tmp_path)


@pytest.mark.parametrize("files", [16, LEAST_FILES - 1, LEAST_FILES])
def test_a_run_with_too_few_files_is_refused(tmp_path: Path, files: int) -> None:
    """Without this, modules that are imported at the end would be missing, and the run would end in a traceback."""
    put_old_reports(tmp_path)
    status, said = limited(files, command(tmp_path, *REPLAY), of="-n")
    enough = files == LEAST_FILES
    told = f"this process may open only {files} files at a time, and a run needs {LEAST_FILES}" in said
    assert (status, told, "Traceback" in said) == (0 if enough else 4, not enough, False), said
    assert not is_old(tmp_path)


def test_a_run_that_can_barely_start_is_refused(tmp_path: Path) -> None:
    """The refusal comes before the libraries that a run needs, for which there would be no memory."""
    put_old_reports(tmp_path)
    status, said = limited(60_000, command(tmp_path, *REPLAY))
    assert (status, "and a run needs" in said) == (4, True), said
    assert not is_old(tmp_path)


@pytest.mark.parametrize("subcommand", [["fleet", "no-such-folder"], ["serve", "--port", "0"]])
def test_a_fleet_and_an_endpoint_are_refused_before_they_start(subcommand: list[str]) -> None:
    """Both start threads of their own."""
    status, said = limited(TOO_LITTLE, [sys.executable, "-m", "keycheck", *subcommand])
    assert (status, said) == (4, f"ERROR: {LACK}: raise the limit (ulimit -v 262144), and run again\n")


def test_the_python_function_names_the_limit(exchange: LocalExchange) -> None:
    """The child process inherits the limit, and refuses the job."""
    given = {name.removeprefix("BINANCE_").lower(): value for name, value in exchange.settings().items()}
    code = f"import keycheck\ntry:\n    keycheck.check(**{given})\nexcept ValueError as error:\n    print(error)"
    status, said = limited(TOO_LITTLE, [sys.executable, "-c", code])
    assert (status, LACK in said, exchange.log) == (0, True, []), said


@pytest.mark.slow
def test_live_runs_with_just_enough_memory_are_ok(exchange: LocalExchange, tmp_path: Path) -> None:
    """Before, a run in four hung under this limit, with a core at full load and deaf to signals."""
    for number in range(6):
        run = command(tmp_path / str(number), "suite/")
        status, said = limited(ENOUGH, run, **exchange.settings())
        assert status == 0, said
