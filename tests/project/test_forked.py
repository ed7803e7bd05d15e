"""A forked run is like one in a process of its own, with the exceptions that its module lists."""

import json
import multiprocessing
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.exchange import API_KEY, LocalExchange
from tests.forked import ForkedRunner
from tests.running import ROOT, Finished, SuiteRunner
from tests.suite_runs import copy_of_the_suite

TELLS = """
import json, os, sys, threading
facts = {
    "environ": dict(os.environ), "cwd": os.getcwd(), "argv": sys.argv[1:], "path": sys.path,
    "threads": [thread.name for thread in threading.enumerate()],
    "ours": sorted(name for name in sys.modules if name.split(".")[0] in ("tests", "suite", "__mp_main__")),
    "keycheck": sys.modules["keycheck"].__file__, "prog": os.path.basename(sys.argv[0]),
    "terminals": [os.isatty(1), sys.stdout.isatty(), sys.stderr.isatty()], "stdin": sys.stdin.read(),
}
os.write(1, ("FACTS" + json.dumps(facts) + "\\n").encode())
os.write(2, b"said to descriptor 2\\n")
"""
# Names that differ between two runs, and those that git or a shell sets for its own children.
PASSING = ("_", "SHLVL", "OLDPWD")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the repository whose suite prints facts about the run."""
    root = copy_of_the_suite(tmp_path)
    (root / "suite" / "conftest.py").write_text(TELLS, encoding="utf-8")
    return root


def facts_of(done: Finished) -> dict[str, Any]:
    """The facts that the run has printed about itself."""
    (line,) = (line for line in done.output.splitlines() if line.startswith("FACTS"))
    facts: dict[str, Any] = json.loads(line.removeprefix("FACTS"))
    facts["environ"] = {name: value for name, value in facts["environ"].items() if name not in PASSING}
    return facts


@pytest.mark.slow
def test_a_forked_run_finds_what_a_process_finds(
    copied: Path, tmp_path: Path, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forked run has the same environment, folder, arguments, path, modules and streams as a process of its own."""
    monkeypatch.setenv("SET_AFTER_THE_SERVER", "yes")
    monkeypatch.setenv("BINANCE_SYMBOL", "ETHUSDT")
    assert threading.active_count() > 1
    runs = [made(tmp_path, copied)("-s", settings=exchange.settings()) for made in (SuiteRunner, ForkedRunner)]
    own, forked_one = map(facts_of, runs)
    assert own["environ"].pop("PYTHONUNBUFFERED", "") == forked_one["environ"].pop("PYTHONUNBUFFERED", "")
    assert forked_one == own
    assert forked_one["threads"] == ["MainThread"]
    assert forked_one["ours"] == []
    assert Path(forked_one["keycheck"]).is_relative_to(copied)
    assert forked_one["environ"]["SET_AFTER_THE_SERVER"] == "yes"
    assert "BINANCE_SYMBOL" not in forked_one["environ"]
    assert all("said to descriptor 2" in done.output for done in runs)


@pytest.mark.slow
def test_a_forked_run_ends_as_a_process_ends(tmp_path: Path, exchange: LocalExchange) -> None:
    """A forked run ends with the same status, outcomes, terminal and page, except for times, and without a warning."""
    runs = [made(tmp_path)("-q", settings=exchange.settings()) for made in (SuiteRunner, ForkedRunner)]
    assert runs[0].exit_status == runs[1].exit_status
    assert runs[0].outcomes == runs[1].outcomes
    said = [[line for line in done.output.splitlines() if not re.search(r" in [0-9.]+s\b", line)] for done in runs]
    assert said[0] == said[1]
    assert len(runs[0].page) == pytest.approx(len(runs[1].page), rel=0.05)
    assert "warning" not in runs[1].output.lower()


@pytest.mark.slow
def test_several_run_at_once(tmp_path: Path, exchange: LocalExchange) -> None:
    """Four runs in threads each have their own result, with and without a key."""
    done: dict[int, Finished] = {}

    def run(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        done[number] = ForkedRunner(folder)(settings=exchange.settings(no_credentials=number % 2 == 1))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: one.exit_status for number, one in done.items()} == {0: 0, 1: 1, 2: 0, 3: 1}
    ends = [one.verdict["key"]["lastFour"] for _, one in sorted(done.items())]
    assert ends == [API_KEY[-4:], None] * 2


@pytest.mark.slow
def test_a_run_that_does_not_end_is_ended(copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that does not end is killed with subprocess.TimeoutExpired, and no process is left."""
    (copied / "suite" / "conftest.py").write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
    monkeypatch.setattr(forked, "LONGEST", 1.5)
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        ForkedRunner(tmp_path, copied)()
    assert time.monotonic() - began < 10
    assert not [child for child in multiprocessing.active_children() if child.is_alive()]


def test_the_error_of_a_killed_run_has_its_last_output(copied: Path, tmp_path: Path) -> None:
    """The error about a killed run has its last output."""
    (copied / "suite" / "conftest.py").write_text(
        "import os\nos.write(1, b'last words')\nos.kill(os.getpid(), 9)\n", encoding="utf-8"
    )
    with pytest.raises(RuntimeError, match="without an exit status\nlast words"):
        ForkedRunner(tmp_path, copied)("-s")


def test_a_usage_problem_has_its_status(tmp_path: Path) -> None:
    """A usage problem ends with status 4 and without a page."""
    done = ForkedRunner(tmp_path, ROOT)("--replay", "no-such")
    assert (done.exit_status, done.page) == (4, "")
