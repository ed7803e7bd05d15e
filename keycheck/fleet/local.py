"""The engine of this machine: threads, each of which waits for the child process of a run."""

import functools
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from keycheck.errors import UsageProblem
from keycheck.fleet import job
from keycheck.fleet.accounts import Fleet, Lane
from keycheck.settings import loading

_MOST_SLOTS = 12  # runs at once; an address has request weight for less than four runs a second


class Local:
    """Runs the jobs from this machine's address. `keys`: its folder of NAME.env files.

    Raises UsageProblem if the accounts have several lanes: each lane is an address, and this machine has one; and if an
    account's name or lane holds a part of its secrets.
    """

    def __init__(self, fleet: Fleet, keys: Path) -> None:
        if len(fleet.lanes) > 1:
            raise UsageProblem(
                f"these accounts have several lanes ({', '.join(sorted(fleet.lanes))[:200]}), but --engine local asks "
                "only from this machine's address: name one lane's accounts with --only, or use --engine dask:ADDRESS"
            )
        if account := job.named_by_a_secret(fleet.accounts, keys):
            raise UsageProblem(
                f"account {account.name[:4]}...: {job.NAMED_AFTER_KEY}, and all files of the fleet would show both: "
                "rename it"
            )
        self._cancel = threading.Event()
        self.job = functools.partial(job.run_job, keys=keys, cancel=self._cancel)
        # One run more than processors, because a run also waits for Binance.
        self._slots = min(loading.processors() + 1, _MOST_SLOTS)
        self._pool = ThreadPoolExecutor(self._slots, "keycheck-fleet")

    def executor(self, lane: Lane) -> Executor:  # noqa: ARG002  as engine.Engine has it
        return self._pool

    def slots(self, lane: Lane) -> int:  # noqa: ARG002  as above
        return self._slots

    def close(self) -> None:
        self._cancel.set()
        self._pool.shutdown(cancel_futures=True)
