"""Runs a job by a command of another user: the worker's own user cannot read the keys, but the command's user can.

    KEYCHECK_JOB="sudo -u keycheck /usr/local/bin/keycheck-job"        in the worker's environment
    python -I -m keycheck.fleet.job_command                            the program that this command runs

The job's text goes to the command's stdin, and the answer comes from its stdout. Nothing else passes between them.
"""

import shlex
import subprocess
import sys

from keycheck.fleet import answer, job
from keycheck.process_limits import dump_no_core
from keycheck.settings import child_environment, loading

_SECONDS = 120.0  # a run, and its wait for the purse, take at most 90


def run(text: str) -> str:
    """Runs a job by the command in KEYCHECK_JOB, or in this process if there is no such command.

    Raises ValueError if the command fails, and for a text that is not a job.
    """
    command = loading.job_command()
    if not command:
        dump_no_core()  # this process reads the settings file
        return job.run_job(text)
    try:
        done = subprocess.run(  # noqa: S603  the command of this machine's own administrator
            shlex.split(command),
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            env=child_environment.for_a_run(),
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise ValueError(f"its machine's KEYCHECK_JOB could not be run ({type(error).__name__})") from None
    if done.returncode:
        raise ValueError(f"its machine's KEYCHECK_JOB failed with exit status {done.returncode}")
    return done.stdout.decode("utf-8", "replace")


def main() -> int:
    """Reads a job from stdin, and writes its answer to stdout. Returns 1 for a text that is not a job."""
    dump_no_core()  # this process, too, reads the settings file
    try:
        sys.stdout.write(job.run_job(sys.stdin.read(answer.LONGEST)))
    except ValueError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
