"""`python -m benchmarks --fleet`: measures a fleet of many accounts, on one lane and against a local exchange."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO

from benchmarks import process
from benchmarks.figures import Figure
from benchmarks.process import DidNotRun
from keycheck.purse import RUN
from keycheck.settings import loading
from tests.exchange import LocalExchange, Scenario
from tests.fleet.stubs import OK

ROOT = Path(__file__).parents[1]
ACCOUNTS = 300  # the default, and the most
LATENCY_MS = 100
SHARE, GRANTED = 0.5, 2400  # of the weight that Binance grants an address a minute
SHARED = 10  # the most weight that a run with the lane's shared answers may cost
DRIVEN = (100, 1_000, 10_000)  # accounts of a driver whose runs are stubs
PATIENCE = 1800.0  # seconds for one fleet
_LANE = "local"
_AT_WORK = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}  # as docs/fleet.md starts a worker


@dataclass(frozen=True)
class Cost:
    """The cost of a fleet: wall-clock seconds, CPU seconds of all its processes, weight by the exchange's own count.

    `of_a_run`: the median of the runs' own counts of weight. Some runs of each minute get no shared answers.
    """

    accounts: int
    seconds: float
    cpu: float
    weight: int
    of_a_run: float

    @property
    def a_minute(self) -> float:
        return 60 * self.accounts / self.seconds


class Fleets:
    """Runs `keycheck fleet`, with `python`. `folder` is empty and ours; `log` takes what it prints."""

    def __init__(self, folder: Path, log: IO[str], python: str) -> None:
        self._folder, self._log, self._python = folder, log, python

    def local(self, accounts: int, *options: str) -> Cost:
        """A fleet on the engine of this machine."""
        return self._measure(accounts, lambda keys, own: self._fleet(keys, own, "--keys", str(keys), *options))

    def dask(self, accounts: int, *options: str) -> Cost:
        """The same on Dask: a scheduler and one worker with as many slots, on loopback without TLS."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        address, slots = f"tcp://127.0.0.1:{port}", loading.processors() + 1
        place = ("--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")
        worker = ("--no-nanny", "--memory-limit", "0", "--nthreads", str(slots))

        def run(keys: Path, own: dict[str, str]) -> float:
            lane = ("--resources", f"egress-{_LANE}={slots}", "--local-directory", str(keys))
            with (
                self._dask(own, "scheduler", *place, "--port", str(port)) as scheduler,
                self._dask(
                    {**own, **_AT_WORK, "KEYCHECK_KEYS": str(keys)}, "worker", address, *place, *worker, *lane
                ) as at_work,
            ):
                try:
                    cpu = self._fleet(keys, own, "--engine", f"dask:{address}", *options)
                finally:
                    for one in (at_work, scheduler):
                        one.terminate()
                    of_dask = [_cpu_until_its_end(one) for one in (at_work, scheduler)]
            return cpu + sum(of_dask)

        return self._measure(accounts, run)

    def peak(self, accounts: int) -> float | None:
        """Peak resident memory, in MB, of a driver whose runs are stubs; None if the kernel does not report it."""
        kept = self._folder / "peak"
        ran = [self._python, "-m", "benchmarks.driver", str(kept), str(accounts)]
        folder = self._fresh()
        (folder / "verdict.json").write_text(json.dumps(OK))
        process.expect(process.run(ran, folder, {"PYTHONPATH": str(ROOT)}, self._log, PATIENCE), ran, (0,))
        kb = kept.read_text()
        return int(kb) * 1024 / 1e6 if kb else None

    def _measure(self, accounts: int, run: Callable[[Path, dict[str, str]], float]) -> Cost:
        folder = self._fresh()
        with LocalExchange(Scenario(latency_ms=LATENCY_MS, minute=60)) as exchange:
            _write_keys(folder, accounts, exchange.settings())
            own = {"XDG_RUNTIME_DIR": str(folder), "PYTHONPATH": str(ROOT)}
            began = time.perf_counter()
            cpu = run(folder, own)
            seconds = time.perf_counter() - began
            weight = exchange.heaviest(2 * PATIENCE)
        verdicts = (json.loads(line) for line in (folder / "out/verdicts.jsonl").open())
        return Cost(accounts, seconds, cpu, weight, median(one["requests"]["futuresWeight"] for one in verdicts))

    def _fleet(self, keys: Path, own: dict[str, str], *options: str) -> float:
        """Runs the fleet of all accounts, and returns its CPU seconds. Raises DidNotRun unless all are OK."""
        accounts = ("keycheck", "fleet", str(keys), "--share", str(SHARE), "--out", str(keys / "out"))
        ran = [self._python, "-m", *accounts, *options]
        started = self._start(ran, keys, own)
        killer = threading.Timer(PATIENCE, started.kill)
        killer.start()
        cpu = _cpu_until_its_end(started)
        killer.cancel()
        self._log.seek(0)
        process.expect(process.Ended(0, started.returncode, self._log.read()), ran, (0,))
        return cpu

    def _dask(self, own: dict[str, str], *arguments: str) -> "subprocess.Popen[bytes]":
        program = Path(self._python).with_name("dask")
        if not program.exists():
            raise DidNotRun("this interpreter has no Dask: install requirements-dask.txt, or leave --dask out")
        return self._start([str(program), *arguments], self._folder, own)

    def _start(self, ran: list[str], folder: Path, own: dict[str, str]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603  a list, no shell; all parts are ours
            ran, cwd=folder, env=process.environment(os.environ, own), stdout=self._log, stderr=self._log
        )

    def _fresh(self) -> Path:
        folder = self._folder / "fleet"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder


def figures(fleets: Fleets, accounts: int, with_dask: bool) -> Iterator[Figure]:
    """Measures a fleet of `accounts` accounts on one lane. `with_dask`: on both engines."""
    bound = SHARE * GRANTED
    alone = fleets.local(accounts, "--no-sharing")
    shared = fleets.local(accounts)
    for how, cost, weight in ((" without sharing", alone, RUN), ("", shared, SHARED)):
        yield Figure(f"accounts a minute{how}, {accounts} on one lane", cost.a_minute, places=1)
        yield Figure(
            f"the same / the most that {bound:g} of weight a minute allow{how}",
            cost.a_minute * weight / bound,
            places=2,
        )
        yield Figure(f"CPU seconds an account{how}", cost.cpu / accounts, unit="s", places=2)
        yield Figure(f"weight of a run{how}", cost.of_a_run, weight)
        yield Figure(f"weight an account{how}", cost.weight / accounts, places=1)
    for many in DRIVEN:
        if many <= accounts * 100:
            yield Figure(f"the driver's peak memory, {many} stubbed accounts", fleets.peak(many), 80, "MB")
    if with_dask:
        over_dask = fleets.dask(accounts)
        yield Figure("CPU seconds an account, Dask / local", over_dask.cpu / shared.cpu, 1.1, places=2)
        yield Figure("seconds an account, Dask / local", over_dask.seconds / shared.seconds, 1.1, places=2)


def _write_keys(folder: Path, accounts: int, settings: Mapping[str, str]) -> None:
    text = "".join(f"{name}={value}\n" for name, value in settings.items())
    for number in range(accounts):
        file = folder / f"account-{number}.env"
        file.write_text(text)
        file.chmod(0o600)


def _cpu_until_its_end(running: "subprocess.Popen[bytes]") -> float:
    """Waits for a process, and returns the CPU seconds that it and its child processes used."""
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime
