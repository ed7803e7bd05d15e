"""What the driver needs of an engine, which brings jobs to the machines of their lanes."""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol

from keycheck.fleet.accounts import Lane


class Engine(Protocol):
    """One Executor for each lane. `job`: what the driver submits with a job's text: `job.run_job`.

    A Future fails with an exception whose text is a sentence for people if the job, its machine or the way there is
    lost. Nothing is asked again.
    """

    job: Callable[[str], str]

    def executor(self, lane: Lane) -> Executor:
        """Runs the jobs of a lane."""
        ...

    def slots(self, lane: Lane) -> int:
        """How many jobs may be under way on a lane at once, now; 0 if no machine serves it. Must return at once."""
        ...

    def close(self) -> None:
        """Ends the executors, without waiting for jobs that have not begun."""
        ...
