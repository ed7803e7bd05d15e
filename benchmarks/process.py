"""One command, timed to its end: without polling, and killed after a limit."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# Variables that the caller's shell must not pass on: settings, proxies, pytest's options,
# and bytecode options. Proxies are named in lower case, too.
_LEFT_OUT = (
    *("BINANCE_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
    *("PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME"),
)
_TAIL = 1500  # characters of output that a failure quotes


class DidNotRun(Exception):
    """A command failed, so there is nothing to measure; the text says which one, and how it ended."""


@dataclass(frozen=True)
class Ended:
    """The end of a command. `seconds`: from before it was started to after it was reaped, wall clock."""

    seconds: float
    status: int
    output: str


def environment(inherited: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """`inherited` without the variables that would change a measurement, and with `settings`."""
    return {name: value for name, value in inherited.items() if not name.upper().startswith(_LEFT_OUT)} | dict(settings)


def run(command: Sequence[str], folder: Path, settings: Mapping[str, str], log: IO[str], limit: float) -> Ended:
    """Runs `command` in `folder`, in the caller's environment with `settings`, until it ends. Its output goes to `log`.

    Raises DidNotRun after `limit` seconds. `subprocess.run(timeout=)` polls at growing intervals, which would round the
    measured time up. This waits in one system call, and a timer kills a command that takes too long.
    """
    log.seek(0)
    log.truncate()
    env = environment(os.environ, settings)
    start = time.perf_counter()
    child = subprocess.Popen(  # noqa: S603  a list, no shell; all parts are ours
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
    )
    killer = threading.Timer(limit, child.kill)
    killer.start()
    try:
        status = child.wait()
        seconds = time.perf_counter() - start
    finally:
        killer.cancel()
        child.kill()  # after a Ctrl-C; does nothing to a process that has ended
    if seconds >= limit:
        raise DidNotRun(f"{shown(command)} was stopped after {limit:.0f} s")
    log.seek(0)
    return Ended(seconds, status, log.read())


def expect(ended: Ended, command: Sequence[str], statuses: Sequence[int]) -> Ended:
    """Returns `ended` if its status is one of `statuses`. Raises DidNotRun with the end of its output otherwise."""
    if ended.status not in statuses:
        raise DidNotRun(f"{shown(command)} ended with status {ended.status}:\n{ended.output[-_TAIL:]}")
    return ended


def shown(command: Sequence[str]) -> str:
    """A command for messages: without the interpreter's path, and with the last part of any other path."""
    return " ".join(["python", *(part if part.endswith("/") else part.rpartition("/")[2] for part in command[1:])])
