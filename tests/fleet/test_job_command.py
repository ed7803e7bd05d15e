"""KEYCHECK_JOB names a command, which may belong to another user, that runs a job."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from keycheck.fleet import answer, job, job_command
from keycheck.fleet.accounts import Account, Lane
from tests.exchange import LocalExchange

JOB = job.text_of(Account("alice"), Lane("tokyo", 0.5), sharing=True)
LISTENING = [sys.executable, "-m", "keycheck.fleet.job_command"]


@pytest.mark.slow
def test_the_command_runs_the_job_with_keys_that_its_caller_cannot_find(
    exchange: LocalExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the command knows the folder of keys; its caller gets the verdict and the page."""
    (tmp_path / "alice.env").write_text("".join(f"{name}={value}\n" for name, value in exchange.settings().items()))
    (tmp_path / "alice.env").chmod(0o600)
    own = ["env", f"KEYCHECK_KEYS={tmp_path}", f"XDG_STATE_HOME={tmp_path}"]
    monkeypatch.setenv("KEYCHECK_JOB", shlex.join([*own, *LISTENING]))
    found = answer.read(job_command.run(JOB), "alice")
    assert isinstance(found, answer.Result)
    assert (found.verdict["verdict"], found.weight) == ("OK", 15)
    assert found.page


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["/no/such/command"], "could not be run (FileNotFoundError)"),
        (["false"], "failed with exit status 1"),
        ([*LISTENING, "'"], "failed with exit status 1"),
    ],
)
def test_a_command_that_fails_is_a_lost_job(command: list[str], why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the command fails, the error says why, and repeats nothing of the job."""
    monkeypatch.setenv("KEYCHECK_JOB", shlex.join(command))
    with pytest.raises(ValueError, match="KEYCHECK_JOB") as error:
        job_command.run(json.dumps({"account": "alice"}))
    assert str(error.value).endswith(why)


def test_without_a_command_the_job_runs_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without KEYCHECK_JOB, the worker itself calls job.run_job."""
    monkeypatch.delenv("KEYCHECK_JOB", raising=False)
    monkeypatch.setattr(job, "run_job", lambda text: f"ran {text}")
    assert job_command.run("this") == "ran this"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_worker_that_reads_the_keys_itself_dumps_no_core() -> None:
    """A Dask worker that reads the keys itself dumps no core, which would hold the credentials of its accounts."""
    code = (
        "import contextlib, resource; from keycheck.fleet import job_command\n"
        "with contextlib.suppress(ValueError): job_command.run('no job')\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    )
    unlimited = ["sh", "-c", 'ulimit -S -c "$(ulimit -H -c)"; exec "$@"', "sh"]
    done = subprocess.run([*unlimited, sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  ours
    assert int(done.stdout) in (0, 1)
