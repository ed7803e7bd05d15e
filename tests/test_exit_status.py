"""A run's process ends without freeing its memory, but only if nothing else was left to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT

PLUGIN = """\
import atexit, threading, time

class Freed:
    def __del__(self, write=print):
        write("freed")

kept = Freed()
atexit.register(print, "at exit")

def pytest_configure(config):
    if {raises}:
        config.add_cleanup(lambda: 1 / 0)

def pytest_unconfigure():
    if {waits}:
        threading.Thread(target=lambda: (time.sleep(0.2), print("thread ended"))).start()
"""
SCRIPT = "import sys, pytest; status = pytest.main(sys.argv[1:]); print('script goes on:', int(status))"
PYTEST, KEYCHECK = ("-m", "pytest", "suite/"), ("-m", "keycheck")


def ended(
    folder: Path, *program: str, replay: str = "healthy", raises: bool = False, waits: bool = False
) -> tuple[int, str]:
    """The exit status and stdout of a replay by a program, with a plugin that prints what happens at the end."""
    (folder / "ends.py").write_text(PLUGIN.format(raises=raises, waits=waits), encoding="utf-8")
    options = ("--replay", replay, "--report-dir", str(folder / "reports"), "-p", "ends", "-p", "no:cacheprovider")
    done = subprocess.run(  # noqa: S603  our own command
        [sys.executable, *program, *options, "-p", "pytest_timeout"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


INSTALLED = ("-c", "import sys; from keycheck.__main__ import program; sys.exit(program())")  # as pip's scripts do


@pytest.mark.parametrize(
    "program",
    [PYTEST, *(pytest.param(one, marks=pytest.mark.slow) for one in (KEYCHECK, INSTALLED))],
    ids=["pytest", "keycheck", "installed"],
)
def test_a_run_ends_at_once(program: tuple[str, ...], tmp_path: Path) -> None:
    """pytest's own program and the command end with the verdict's status; atexit runs, and no object is freed."""
    status, output = ended(tmp_path, *program, replay="withdrawals-enabled")
    assert status == 1
    assert output.endswith("at exit\n")
    assert "freed" not in output


@pytest.mark.slow
def test_a_script_that_calls_pytest_goes_on(tmp_path: Path) -> None:
    """A script that calls pytest.main goes on after the run."""
    status, output = ended(tmp_path, "-c", SCRIPT, "suite/")
    assert (status, "script goes on: 0" in output) == (0, True)
    assert "freed" in output


@pytest.mark.slow
@pytest.mark.parametrize("program", [PYTEST, KEYCHECK], ids=lambda program: program[1])
def test_a_profiler_writes_its_profile(program: tuple[str, ...], tmp_path: Path) -> None:
    """A profiler that runs the program can write its profile at the end."""
    status, output = ended(tmp_path, "-m", "cProfile", *program)
    assert (status, "function calls" in output) == (0, True)


@pytest.mark.slow
def test_a_thread_is_waited_for(tmp_path: Path) -> None:
    """A thread that another plugin has left behind runs to its end."""
    assert ended(tmp_path, *PYTEST, waits=True)[1].count("thread ended") == 1


@pytest.mark.slow
def test_files_that_are_open_are_written_and_removed(tmp_path: Path) -> None:
    """If another plugin leaves files open, their text is written at the end, and temporary ones are removed."""
    (tmp_path / "opens.py").write_text(
        "import pathlib, tempfile\n"
        "here = pathlib.Path(__file__).parent\n"
        "kept = (here / 'kept').open('w')\n"
        "kept.write('data')\n"
        "key = tempfile.NamedTemporaryFile(dir=here, suffix='.pem')\n",
        encoding="utf-8",
    )
    assert ended(tmp_path, *PYTEST, "-p", "opens")[0] == 0
    assert (tmp_path / "kept").read_text() == "data"
    assert not list(tmp_path.glob("*.pem"))


@pytest.mark.slow
def test_a_clean_up_that_fails_is_not_a_failed_check(tmp_path: Path) -> None:
    """If another plugin's clean-up raises, the exit status is 3."""
    assert ended(tmp_path, *PYTEST, raises=True)[0] == 3
