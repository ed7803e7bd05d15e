"""The engine on Dask, for real: a scheduler and workers on loopback, with TLS and with certificates on both sides.

Dask is in requirements-dask.txt: `.ci/run` installs it beside the other tools, into an environment of its own, and
runs this file there.
"""

import contextlib
import json
import os
import pickle
import pickletools
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
import trustme  # noqa: E402  as the next

from keycheck.fleet.dask import Dask  # noqa: E402  it imports Dask

PATIENCE = 90.0  # seconds; a process of Dask's imports for two
LANE_TIMEOUT = 3
# Why an account may be without a verdict if the scheduler is gone: by the moment at which that was noticed.
LOST = (
    "it sent no answer in 3 s.",
    "no machine has served it for 3 s.",
    "the way to its machine was cut (CancelledError).",
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


class Cluster:
    """A scheduler and workers, as docs/fleet.md starts them. All that is in `folder` is theirs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"tls://127.0.0.1:{free.getsockname()[1]}"
        self.certificates = certificates(folder)

    def scheduler(self) -> "subprocess.Popen[bytes]":
        """Starts the scheduler."""
        place = ("--host", "127.0.0.1", "--port", self.address.rpartition(":")[2], "--protocol", "tls")
        return self._start("scheduler", *place, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")

    def worker(self, lane: str, slots: int, **environment: str) -> "subprocess.Popen[bytes]":
        """Starts the worker of a lane."""
        threads = (
            "--no-nanny",
            "--nthreads",
            str(slots),
            "--memory-limit",
            "0",
            "--resources",
            f"egress-{lane}={slots}",
        )
        place = ("--host", "127.0.0.1", "--local-directory", str(self.folder))
        return self._start("worker", self.address, *place, *threads, **environment)

    def fleet(self, accounts: Path) -> "subprocess.Popen[bytes]":
        """Starts `keycheck fleet` with this cluster."""
        options = ("--engine", f"dask:{self.address}", "--lane-timeout", str(LANE_TIMEOUT), "--out", str(self.out))
        return self._popen([sys.executable, "-m", "keycheck", "fleet", str(accounts), *options], {})

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
        """Kills all that still runs."""
        for one in self._running:
            one.kill()
            one.wait()

    def _start(self, what: str, *arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
        tls = ("--tls-ca-file", self.certificates["CA_FILE"], "--tls-cert", self.certificates["CLIENT__CERT"])
        web = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
        dask = Path(sys.executable).with_name("dask")
        return self._popen([str(dask), what, *arguments, *tls, *web], environment)

    def _popen(self, command: list[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        tls = {f"DASK_DISTRIBUTED__COMM__TLS__{name}": value for name, value in self.certificates.items()}
        mine = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")}
        more = {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(self.folder), **tls, **environment}
        with (self.folder / "log.txt").open("ab") as log:
            started = subprocess.Popen(command, cwd=ROOT, env=mine | more, stdout=log, stderr=log)  # noqa: S603  our own
        self._running.append(started)
        return started


def certificates(folder: Path) -> dict[str, str]:
    """The files of a new authority and of one certificate, by the names of Dask's settings."""
    authority = trustme.CA()
    folder.mkdir(exist_ok=True)
    files = {"CA_FILE": folder / "ca.pem", "CLIENT__CERT": folder / "certificate.pem"}
    authority.cert_pem.write_to_path(str(files["CA_FILE"]))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(files["CLIENT__CERT"]))
    return {name: str(file) for name, file in files.items()}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of which nothing has been started."""
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


def write_accounts(path: Path, lanes: Mapping[str, int]) -> None:
    """So many accounts of each lane, named after it."""
    lines = [f"[lanes.{lane}]\nshare = 0.5\n" for lane in lanes]
    lines += [f'[accounts.{lane}-{one}]\nlane = "{lane}"\n' for lane, count in lanes.items() for one in range(count)]
    path.write_text("".join(lines))


def why(verdict: Mapping[str, Any]) -> str:
    """Why an account is UNPROVEN; "" if it is not."""
    return str(verdict["diagnosis"][0]["explanation"]) if verdict["verdict"] == "UNPROVEN" else ""


def test_200_accounts_in_their_lanes_while_a_worker_is_killed_and_a_lane_has_none(
    cluster: Cluster, stub: Mapping[str, str], exchange: LocalExchange, tmp_path: Path
) -> None:
    """Each account is asked once, on its lane. Those of a dead worker, or of no worker, are UNPROVEN and say why."""
    lanes = {"tokyo": 180, "frankfurt": 18, "nowhere": 2}
    write_accounts(tmp_path / "accounts.toml", lanes)
    keys = tmp_path / "keys"
    keys.mkdir()
    for one in range(lanes["frankfurt"]):
        file = keys / f"frankfurt-{one}.env"
        file.write_text("".join(f"{name}={value}\n" for name, value in exchange.settings().items()))
        file.chmod(0o600)
    cluster.scheduler()
    cluster.worker("tokyo", 4, **stub)
    frankfurt = cluster.worker("frankfurt", 2, KEYCHECK_KEYS=str(keys))
    fleet = cluster.fleet(tmp_path / "accounts.toml")
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


def test_the_fleet_ends_if_its_scheduler_dies_or_freezes(
    cluster: Cluster, stub: Mapping[str, str], tmp_path: Path
) -> None:
    """What was under way, and what was still to come, is UNPROVEN."""
    write_accounts(tmp_path / "accounts.toml", {"tokyo": 500})
    scheduler = cluster.scheduler()
    cluster.worker("tokyo", 1, **stub)
    for how in (signal.SIGSTOP, signal.SIGKILL):
        fleet = cluster.fleet(tmp_path / "accounts.toml")
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
    fleet = cluster.fleet(tmp_path / "accounts.toml")
    assert fleet.wait(PATIENCE) == 10
    assert {why(one).partition(": ")[2] for one in cluster.verdicts().values()} == {LOST[-1]}


def test_a_certificate_of_another_authority_is_refused_on_both_sides(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command ends with what to do, and no account is asked."""
    cluster.scheduler()
    others = certificates(tmp_path / "others")
    host, port = cluster.address.removeprefix("tls://").split(":")
    wait_until(lambda: _listens(host, int(port)), PATIENCE)
    for name in others:
        for one in others:
            kept = others[one] if one != name else cluster.certificates[one]
            _configure(monkeypatch, **{one: kept})
        with pytest.raises(UsageProblem, match="no scheduler with a certificate of the same authority"):
            Dask(cluster.address, 5)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("tcp://192.0.2.1:8786", "tcp:// is for a scheduler on this machine alone"),
        ("tls://127.0.0.1", "must be dask:tls://HOST:PORT"),
        ("ws://127.0.0.1:8786", "must be dask:tls://HOST:PORT"),
        ("tls://[:8786", "must be dask:tls://HOST:PORT"),
        ("127.0.0.1:8786", "tls:// needs certificates"),
    ],
)
def test_an_address_without_privacy_is_refused(address: str, problem: str) -> None:
    """Nothing is sent; a bare HOST:PORT means TLS."""
    with pytest.raises(UsageProblem, match=problem):
        Dask(address, 1)


def test_certificates_that_cannot_be_read_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the settings, not the files."""
    _configure(monkeypatch, CA_FILE="/no/such/file", CLIENT__CERT="/no/such/file")
    with pytest.raises(UsageProblem, match=r"No such file or directory.*DASK_DISTRIBUTED__COMM__TLS__CA_FILE") as error:
        Dask("tls://127.0.0.1:8786", 1)
    assert "/no/such" not in str(error.value)


def test_a_job_is_pickled_as_the_name_of_an_installed_function() -> None:
    """No code travels, and no object but text."""
    names = [argument for code, argument, _ in pickletools.genops(pickle.dumps(Dask.job)) if "UNICODE" in code.name]
    assert names == ["keycheck.fleet.job_command", "run"]


def _configure(monkeypatch: pytest.MonkeyPatch, **files: str) -> None:
    """Sets Dask's own settings, which it has read from the environment already."""
    import dask  # noqa: PLC0415  see above

    short = {"CA_FILE": "ca-file", "CLIENT__CERT": "client"}
    for name, file in files.items():
        value: Any = {"cert": file, "key": None} if name == "CLIENT__CERT" else file
        monkeypatch.setitem(dask.config.config["distributed"]["comm"]["tls"], short[name], value)


def _listens(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), 1):
        return True
    return False
