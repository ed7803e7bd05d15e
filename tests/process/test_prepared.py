"""A child process that is started ahead of its run: it waits without a folder, runs like any other, and always ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keycheck import process
from tests.children import children, linux, wait_until
from tests.exchange import LocalExchange
from tests.running import ROOT


@pytest.fixture
def prepared(temporary: Path) -> Iterator[process.Prepared]:
    """A Prepared that has started its first child. After the test, it may leave no process and no folder."""
    one = process.Prepared()
    one.prepare()
    try:
        yield one
    finally:
        one.close()
    wait_until(lambda: not children(temporary) and not list(temporary.iterdir()), 8)


@pytest.mark.slow
@linux
def test_each_run_takes_the_child_that_waits_and_leaves_a_new_one(
    prepared: process.Prepared,
    exchange: LocalExchange,
    temporary: Path,
) -> None:
    """A run uses the waiting child, and its verdict is as usual; after it, a new child waits."""
    (waiting,) = children(temporary)
    finished = process.run(exchange.settings(), prepared=prepared)
    assert finished.verdict["verdict"] == "OK"
    (next_one,) = children(temporary)
    assert next_one != waiting
    prepared.prepare()
    assert children(temporary) == [next_one]


@linux
@pytest.mark.usefixtures("prepared")
def test_a_child_that_waits_does_not_tell_its_folder(temporary: Path) -> None:
    """A waiting child's command does not name its folder: another user could make that folder first, with reports."""
    (waiting,) = children(temporary)
    assert "keycheck-" not in Path(f"/proc/{waiting}/cmdline").read_text("latin-1")


@linux
def test_a_child_that_waits_is_taken_on_windows_too(
    prepared: process.Prepared, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A waiting child is used on Windows, too, which has neither os.waitid nor its flags."""
    for name in ("waitid", "WNOHANG", "WNOWAIT", "WEXITED", "P_PID"):
        monkeypatch.delattr(os, name)
    (waiting,) = children(temporary)
    child = prepared.take()
    assert child.process.pid == waiting
    process._discard(child)


@pytest.mark.slow
@linux
def test_a_child_that_died_while_it_waited_is_replaced(
    prepared: process.Prepared,
    temporary: Path,
) -> None:
    """If the system has killed the waiting child, the run starts another, and does not fail."""
    (waiting,) = children(temporary)
    os.kill(waiting, signal.SIGKILL)
    wait_until(lambda: not children(temporary))
    finished = process.run({}, ["--replay", "healthy"], prepared=prepared)
    assert finished.verdict["verdict"] == "OK"


@pytest.mark.slow
def test_after_close_no_child_is_started_ahead(prepared: process.Prepared, temporary: Path) -> None:
    """A run that ends after `close`, as at the end of a server, leaves no waiting child."""
    prepared.close()
    assert process.run({}, ["--replay", "healthy"], prepared=prepared).verdict["verdict"] == "OK"
    assert children(temporary) == []


CALLER = """
import sys, time
from keycheck import process
prepared = process.Prepared()
prepared.prepare()
print(flush=True)
time.sleep(60)
"""


@pytest.mark.slow
@linux
def test_a_child_that_waits_ends_with_its_caller(temporary: Path) -> None:
    """A waiting child ends when its caller ends, even if the caller is killed."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CALLER]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as caller:  # noqa: S603
        assert caller.stdout
        caller.stdout.readline()
        wait_until(lambda: children(temporary))
        caller.kill()
    wait_until(lambda: not children(temporary) and not list(temporary.iterdir()), 8)
