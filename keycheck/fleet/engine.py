"""What the driver needs of an engine, which brings jobs to the machines of their lanes."""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol

from keycheck.fleet.accounts import Lane


class Engine(Protocol):
    """One Executor for each lane. A Future fails if the job, its machine or the way there is lost.

    Then its account is UNPROVEN: a machine that was lost may have begun the run, so nothing is asked again.
    """

    @property
    def job(self) -> Callable[[str], str]:
        """What the driver submits, with a job's text: `job.run_job`, or that with the arguments of this machine."""
        ...

    def executor(self, lane: Lane) -> Executor:
        """Runs the jobs of a lane."""
        ...

    def slots(self, lane: Lane) -> int:
        """How many jobs may be under way on a lane at once, now; 0 if no machine serves it. Must return at once."""
        ...

    def close(self) -> None:
        """Ends the executors, and what is still under way. The driver has ended."""
        ...
