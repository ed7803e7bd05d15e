"""The interface of an engine, which brings jobs to the machines of their lanes."""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol

from keycheck.fleet.accounts import Lane


class Engine(Protocol):
    """Runs jobs, with an Executor for each lane. A Future fails if the job, its machine or the connection is lost.

    Its account is then UNPROVEN, and is not tested again: the lost machine may have begun the run.
    """

    @property
    def job(self) -> Callable[[str], str]:
        """The function that the driver submits with a job's text: `job.run_job`, or a function that calls it."""
        ...

    def executor(self, lane: Lane) -> Executor:
        """The executor that runs the jobs of this lane."""
        ...

    def slots(self, lane: Lane) -> int:
        """How many jobs this lane can run at once, as of now; 0 if no machine serves it. Must not block."""
        ...

    def close(self) -> None:
        """Ends the executors, and all jobs that are still under way. It is called when the driver has ended."""
        ...
