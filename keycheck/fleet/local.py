"""The engine of this machine: threads, each of which waits for the child process of a run."""

import functools
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from keycheck.fleet import job
from keycheck.fleet.accounts import Lane
from keycheck.settings import loading


class Local:
    """Runs the jobs of all lanes from this machine's address. `keys`: its folder of NAME.env files."""

    def __init__(self, keys: Path) -> None:
        self.job = functools.partial(job.run_job, keys=keys)
        self._slots = loading.processors() + 1  # a run waits for Binance half of its time
        self._pool = ThreadPoolExecutor(self._slots, "keycheck-lane")

    def executor(self, lane: Lane) -> Executor:  # noqa: ARG002  as engine.Engine has it
        return self._pool

    def slots(self, lane: Lane) -> int:  # noqa: ARG002  as above
        return self._slots

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
