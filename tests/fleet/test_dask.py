"""The engine on Dask, for real: a scheduler and workers on loopback, with TLS and with certificates on both sides.

Dask is in requirements-dask.txt: `.ci/run` installs it beside the other tools, into an environment of its own, and
runs this file there.
"""

import contextlib
import json
import os
import pickle
import pickletools
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from keycheck import process
from keycheck.errors import UsageProblem
from keycheck.fleet import results
from tests.children import wait_until
from tests.exchange import LocalExchange
from tests.running import ROOT

_WHY = "Dask is not installed: pip install --require-hashes -r requirements-dask.txt"
pytest.importorskip("distributed", reason=_WHY)
import trustme  # noqa: E402  as below

from keycheck.fleet.dask import Dask  # noqa: E402  it imports Dask

PATIENCE = 90.0  # seconds; a process of Dask takes two for its imports
LANE_TIMEOUT = 3
# If the scheduler is gone, an account is UNPROVEN with one of these reasons, depending on when that is noticed.
LOST = (
    "it sent no answer in 3 s.",
    "no machine has served it for 3 s.",
    "the connection to its machine was cut (CancelledError).",
    "no scheduler answered at the address of --engine.",
)
# Answers every job with the file that its first argument names, and adds the account to the second.
STUB = """import json, sys
account = json.load(sys.stdin)["account"]
with open(sys.argv[2], "a") as ran:
    ran.write(account + "\\n")
with open(sys.argv[1]) as answer:
    print(json.dumps({"account": account} | json.load(answer)))
"""


DOCS = (ROOT / "docs/fleet.md").read_text("utf-8")


class Cluster:
    """A scheduler, workers and drivers, started with the commands of docs/fleet.md. Their files are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        write_certificates(folder)

    def scheduler(self) -> "subprocess.Popen[bytes]":
        """Starts the scheduler."""
        return self._run("dask scheduler", {"--host 10.0.0.1 --port 8786": f"--host 127.0.0.1 --port {self.port}"})

    def worker(self, lane: str, slots: int, **environment: str) -> "subprocess.Popen[bytes]":
        """Starts the worker of a lane."""
        here = {
            "KEYCHECK_KEYS=/etc/keycheck/keys": shlex.join(f"{name}={value}" for name, value in environment.items()),
            "10.0.0.1:8786": f"127.0.0.1:{self.port}",
            "--host 10.0.0.2 --worker-port 8788": "--host 127.0.0.1",
            "--nthreads 4": f"--nthreads {slots}",
            "egress-tokyo=4": f"egress-{lane}={slots}",
        }
        return self._run("dask worker", here)

    def fleet(self, lanes: Mapping[str, int]) -> "subprocess.Popen[bytes]":
        """Starts `keycheck fleet`. `lanes`: the number of accounts of each lane, which are named after it."""
        lines = [f"[lanes.{lane}]\n" for lane in lanes]
        lines += [
            f'[accounts.{lane}-{one}]\nlane = "{lane}"\n' for lane, count in lanes.items() for one in range(count)
        ]
        (self.folder / "accounts.toml").write_text("".join(lines))
        options = f"--lane-timeout {LANE_TIMEOUT} --out out"
        here = {
            "10.0.0.1:8786\n": f"127.0.0.1:{self.port} {options}\n",
            "\nkeycheck": f"\nexec {sys.executable} -m keycheck",
        }
        return self._run("keycheck fleet accounts.toml", here)

    @property
    def out(self) -> Path:
        """The folder of --out."""
        return self.folder / "out"

    def verdicts(self) -> dict[str, dict[str, Any]]:
        """The lines of verdicts.jsonl so far, by account. Fails if an account has two."""
        lines = list(results.read(self.out / "verdicts.jsonl")) if (self.out / "verdicts.jsonl").exists() else []
        assert [name for name, count in Counter(one["account"] for one in lines).items() if count > 1] == []
        return {line["account"]: line for line in lines}

    def end(self) -> None:
        """Kills all processes that still run."""
        for one in self._running:
            one.kill()
            one.wait()

    def _run(self, command: str, here: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        """Starts the page's block with this command. `here`: texts of the block, and the texts that replace them."""
        (block,) = [one for one in re.findall(r"```sh\n(.*?)```", DOCS, re.DOTALL) if command in one]
        for text, ours in here.items():
            assert text in block
            block = block.replace(text, ours)
        if not block.startswith("export"):
            block = f"exec env {block}"
        inherited = {name: value for name, value in os.environ.items() if name in ("HOME", "TMPDIR")}
        folders = {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(self.folder), "DASK_TEMPORARY_DIRECTORY": "scratch"}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        with (self.folder / "log.txt").open("ab") as log:
            started = subprocess.Popen(  # noqa: S603  our own page
                ["/bin/sh", "-c", block],
                cwd=self.folder,
                env={**inherited, **folders, "PATH": path},
                stdout=log,
                stderr=log,
            )
        self._running.append(started)
        return started


def write_certificates(folder: Path) -> None:
    """A new authority, and the certificates of the page."""
    authority = trustme.CA()
    folder.mkdir()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    for name in ("scheduler", "tokyo", "driver"):
        made = authority.issue_cert(f"{name}.invalid")
        made.cert_chain_pems[0].write_to_path(str(folder / f"{name}.pem"))
        made.private_key_pem.write_to_path(str(folder / f"{name}.key"))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster, with no process started yet."""
    made = Cluster(tmp_path / "cluster")
    try:
        yield made
    finally:
        made.end()


@pytest.fixture
def stub(tmp_path: Path) -> Mapping[str, str]:
    """The environment of a worker whose jobs end at once, OK, and are listed in ran.txt."""
    (tmp_path / "stub.py").write_text(STUB)
    recorded = dict(process.run({}, ["--replay", "healthy"]).verdict)
    (tmp_path / "answer.json").write_text(
        json.dumps({"verdict": recorded | {"mode": "live"}, "page": "", "weight": 15})
    )
    files = [str(tmp_path / name) for name in ("stub.py", "answer.json", "ran.txt")]
    return {"KEYCHECK_JOB": shlex.join([sys.executable, "-I", "-S", *files])}


def why(verdict: Mapping[str, Any]) -> str:
    """Why an account is UNPROVEN; "" if it is not."""
    return str(verdict["diagnosis"][0]["explanation"]) if verdict["verdict"] == "UNPROVEN" else ""


def test_200_accounts_in_their_lanes_while_a_worker_is_killed_and_a_lane_has_none(
    cluster: Cluster, stub: Mapping[str, str], exchange: LocalExchange, tmp_path: Path
) -> None:
    """Each account is tested once, on its lane. Those whose worker died or is missing are UNPROVEN and say why."""
    lanes = {"tokyo": 180, "frankfurt": 18, "nowhere": 2}
    keys = tmp_path / "keys"
    keys.mkdir()
    for one in range(lanes["frankfurt"]):
        file = keys / f"frankfurt-{one}.env"
        file.write_text("".join(f"{name}={value}\n" for name, value in exchange.settings().items()))
        file.chmod(0o600)
    cluster.scheduler()
    cluster.worker("tokyo", 4, **stub)
    frankfurt = cluster.worker("frankfurt", 2, KEYCHECK_KEYS=str(keys))
    fleet = cluster.fleet(lanes)
    wait_until(lambda: sum(name.startswith("frankfurt") for name in cluster.verdicts()) >= 2, PATIENCE)
    frankfurt.kill()
    assert fleet.wait(PATIENCE) == 10

    found = cluster.verdicts()
    assert Counter(one["lane"] for one in found.values()) == lanes
    assert all(name.startswith(one["lane"]) for name, one in found.items())
    ran = (tmp_path / "ran.txt").read_text().split()
    assert sorted(ran) == sorted(name for name, one in found.items() if one["lane"] == "tokyo")
    reasons = Counter((one["lane"], one["verdict"], why(one).partition(": ")[2]) for one in found.values())
    deserted = f"no machine has served it for {LANE_TIMEOUT} s."
    assert reasons.pop(("tokyo", "OK", "")) == 180
    assert reasons.pop(("nowhere", "UNPROVEN", deserted)) == 2
    assert reasons.pop(("frankfurt", "OK", "")) >= 2
    assert reasons.pop(("frankfurt", "UNPROVEN", "the worker that had its job died (KilledWorker).")) <= 2
    assert reasons.pop(("frankfurt", "UNPROVEN", deserted)) >= 1
    assert all(reason.startswith("it sent no answer in ") for _, _, reason in reasons)  # submitted as the worker died
    assert sum(reasons.values()) <= 2
    assert (cluster.out / "accounts/frankfurt-0/report.html").exists()
    assert not exchange.real_orders


def test_the_fleet_ends_if_its_scheduler_dies_or_freezes(cluster: Cluster, stub: Mapping[str, str]) -> None:
    """If the scheduler dies or freezes, accounts under way and accounts still waiting are UNPROVEN."""
    scheduler = cluster.scheduler()
    cluster.worker("tokyo", 1, **stub)
    for how in (signal.SIGSTOP, signal.SIGKILL):
        fleet = cluster.fleet({"tokyo": 500})
        wait_until(lambda: "OK" in {one["verdict"] for one in cluster.verdicts().values()}, PATIENCE)
        began = time.monotonic()
        scheduler.send_signal(how)
        assert fleet.wait(PATIENCE) == 10
        assert time.monotonic() - began < 6 * LANE_TIMEOUT
        found = cluster.verdicts()
        assert len(found) == 500
        assert {one["verdict"] for one in found.values()} == {"OK", "UNPROVEN"}
        reasons = {why(one).partition(": ")[2] for one in found.values() if one["verdict"] == "UNPROVEN"}
        assert {reason[:20] for reason in reasons} <= {told[:20] for told in LOST}
        scheduler.send_signal(signal.SIGCONT)
        (cluster.out / "verdicts.jsonl").unlink()
    fleet = cluster.fleet({"tokyo": 500})
    assert fleet.wait(PATIENCE) == 10
    assert {why(one).partition(": ")[2] for one in cluster.verdicts().values()} == {LOST[-1]}


def test_a_certificate_of_another_authority_is_refused_on_both_sides(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a certificate of another authority, the command ends with what to do, and no account is tested."""
    cluster.scheduler()
    others = tmp_path / "others"
    write_certificates(others)
    wait_until(lambda: _listens(cluster.port), PATIENCE)
    for authority, driver in ((cluster.folder, others), (others, cluster.folder)):
        _configure(monkeypatch, authority, driver)
        with pytest.raises(UsageProblem, match="not a scheduler with a certificate of the same authority"):
            Dask(f"tls://127.0.0.1:{cluster.port}", 5)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("tcp://192.0.2.1:8786", "tcp:// is only for a scheduler on this machine"),
        ("tls://127.0.0.1", "must be dask:tls://HOST:PORT"),
        ("ws://127.0.0.1:8786", "must be dask:tls://HOST:PORT"),
        ("tls://[:8786", "must be dask:tls://HOST:PORT"),
        ("127.0.0.1:8786", "tls:// needs certificates"),
    ],
)
def test_an_address_without_privacy_is_refused(address: str, problem: str) -> None:
    """An address that would go without TLS to another machine is refused; a bare HOST:PORT means TLS."""
    with pytest.raises(UsageProblem, match=problem):
        Dask(address, 1)


def test_certificates_that_cannot_be_read_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unreadable certificates are refused in a sentence that names the settings, not the files."""
    _configure(monkeypatch, Path("/no/such"), Path("/no/such"))
    with pytest.raises(UsageProblem, match=r"No such file or directory.*DASK_DISTRIBUTED__COMM__TLS__CA_FILE") as error:
        Dask("tls://127.0.0.1:8786", 1)
    assert "/no/such" not in str(error.value)


def test_a_job_is_pickled_as_the_name_of_an_installed_function() -> None:
    """A job is pickled without code, and without any object except text."""
    names = [argument for code, argument, _ in pickletools.genops(pickle.dumps(Dask.job)) if "UNICODE" in code.name]
    assert names == ["keycheck.fleet.job_command", "run"]


def _configure(monkeypatch: pytest.MonkeyPatch, authority: Path, driver: Path) -> None:
    """Sets Dask's own settings to the files in these folders: Dask has read the environment already."""
    import dask  # noqa: PLC0415  see above

    tls = dask.config.config["distributed"]["comm"]["tls"]
    monkeypatch.setitem(tls, "ca-file", str(authority / "ca.pem"))
    monkeypatch.setitem(tls, "client", {"cert": str(driver / "driver.pem"), "key": str(driver / "driver.key")})


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
