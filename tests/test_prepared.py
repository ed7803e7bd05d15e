"""A child process that is started ahead of its run: what it waits with, what it runs like, and how it ends."""

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
    """One that has its first child. Afterwards it leaves no process and no folder."""
    one = process.Prepared()
    one.prepare()
    try:
        yield one
    finally:
        one.close()
    wait_until(lambda: not children(temporary) and not list(temporary.iterdir()), 5)


@linux
def test_each_run_takes_the_child_that_waits_and_leaves_a_new_one(
    prepared: process.Prepared,
    exchange: LocalExchange,
    temporary: Path,
) -> None:
    """Its verdict is that of any run. A second run at the same time would start a child of its own."""
    (waiting,) = children(temporary)
    finished = process.run(exchange.settings(), prepared=prepared)
    assert finished.verdict["verdict"] == "OK"
    (next_one,) = children(temporary)
    assert next_one != waiting
    prepared.prepare()
    assert children(temporary) == [next_one]


@linux
def test_a_child_that_waits_does_not_tell_its_folder(prepared: process.Prepared, temporary: Path) -> None:
    """Every user sees a command: another one could make the folder first, with reports of his own in it."""
    (waiting,) = children(temporary)
    assert "keycheck-" not in Path(f"/proc/{waiting}/cmdline").read_text("latin-1")
    assert process.run({}, ["--replay", "healthy"], prepared=prepared).verdict["verdict"] == "OK"


@linux
def test_a_child_that_waits_is_taken_on_windows_too(
    prepared: process.Prepared, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows has neither os.waitid nor its flags."""
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
    """A run does not fail because the system has killed the process that waited for it."""
    (waiting,) = children(temporary)
    os.kill(waiting, signal.SIGKILL)
    wait_until(lambda: not children(temporary))
    finished = process.run({}, ["--replay", "healthy"], prepared=prepared)
    assert finished.verdict["verdict"] == "OK"


@pytest.mark.slow
def test_after_its_close_none_is_started_ahead(prepared: process.Prepared, temporary: Path) -> None:
    """A run that ends after the close, as at the end of a server, leaves no child behind."""
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


@linux
def test_a_child_that_waits_ends_with_its_caller(temporary: Path) -> None:
    """Even if the caller has no moment to close anything."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CALLER]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as caller:  # noqa: S603
        assert caller.stdout
        caller.stdout.readline()
        wait_until(lambda: children(temporary))
        caller.kill()
    wait_until(lambda: not children(temporary) and not list(temporary.iterdir()), 5)
