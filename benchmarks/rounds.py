"""The runs that are measured, each in a process of its own, against a local exchange on loopback."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import IO, Any

from benchmarks import process
from benchmarks.figures import Figure
from benchmarks.process import DidNotRun, Ended
from tests.exchange import Fault, LocalExchange, Scenario

ROOT = Path(__file__).parents[1]
HEALTHY = ROOT / "cassettes" / "healthy.yaml"
LATENCY_MS = 100
PATIENCE = 120.0  # seconds until a run is stopped: twice what the slowest may take
OK, UNPROVEN = 0, 10


@dataclass(frozen=True)
class Times:
    """Seconds of each round, in the order of the rounds."""

    trivial: list[float]
    replay: list[float]
    live: list[float]  # with LATENCY_MS on each answer

    def figures(self) -> list[Figure]:
        """What the medians are held against."""
        trivial, replay, live = median(self.trivial), median(self.replay), median(self.live)
        return [
            Figure("replay of the suite / one trivial test, time", replay / trivial, 2.0, places=2),
            Figure(f"live run with {LATENCY_MS} ms on each answer - replay", live - replay, 1.5, "s", 2),
        ]


class Bench:
    """Runs pytest for measurement. `folder` is empty and ours; `log` takes what the runs print."""

    def __init__(self, folder: Path, log: IO[str], python: str = sys.executable) -> None:
        self._folder, self._log, self._python = folder, log, python
        self._reports = folder / "reports"
        self._trivial = folder / "trivial"
        self._trivial.mkdir()
        (self._trivial / "pytest.ini").write_text("[pytest]\n")
        (self._trivial / "test_trivial.py").write_text("def test_trivial():\n    assert True\n")
        self._cassette = HEALTHY

    def prepare(self, exchange: LocalExchange) -> str:
        """Records a cassette where the repository has none, and runs everything once. Returns what it replays."""
        if not HEALTHY.exists():
            self._cassette = self._folder / "healthy.yaml"
            self.live(exchange, "--record", str(self._cassette))
        for run in (self.trivial, self.replay):
            run()
        self.live(exchange)
        return "cassettes/healthy.yaml" if self._cassette == HEALTHY else "a cassette recorded for this run"

    def trivial(self) -> float:
        """Seconds of pytest on one test that does nothing, in a folder of its own."""
        return self._pytest(self._trivial, {}, "test_trivial.py").seconds

    def replay(self) -> float:
        """Seconds of the suite, offline."""
        return self._suite({}, "--replay", str(self._cassette)).seconds

    def live(self, exchange: LocalExchange, *more: str) -> float:
        """Seconds of the suite against an exchange."""
        return self._suite(exchange.settings(), "--env-file", os.devnull, *more).seconds

    def rounds(self, count: int, exchange: LocalExchange) -> Times:
        """Runs the three by turns, so that a busy moment of the machine falls on all of them."""
        healthy, times = exchange.scenario, Times([], [], [])
        exchange.scenario = replace(healthy, latency_ms=LATENCY_MS)
        for _ in range(count):
            times.trivial.append(self.trivial())
            times.replay.append(self.replay())
            times.live.append(self.live(exchange))
        exchange.scenario = healthy
        return times

    def memory(self, exchange: LocalExchange) -> list[Figure]:
        """Peak resident memory in MB (10^6 bytes) of a replay, and of a live run that reads the rules of all contracts."""
        replay = self._peak({}, "--replay", str(self._cassette))
        live = self._peak(exchange.settings(), "--env-file", os.devnull)
        return [
            Figure("peak memory of the replay", replay, 90, "MB"),
            Figure("peak memory of a live run (900 contracts)", live, None, "MB"),
        ]

    def traffic(self) -> list[Figure]:
        """What a live run asks of a healthy exchange, as the exchange counts it; its weight is the suite's account."""
        with LocalExchange() as exchange:
            self.live(exchange)
            requests, connections = len(exchange.log), sum(exchange.connections.values())
        return [
            Figure("requests of a live run", requests, 12),
            Figure("connections of a live run", connections, 2),
            Figure("futures weight of a live run", self._verdict()["requests"]["futuresWeight"], 20),
        ]

    def stall(self) -> list[Figure]:
        """How long the suite takes to say that it could not look, where nothing is ever answered."""
        with LocalExchange(Scenario(faults={"*": Fault.stall()})) as exchange:
            ended = self._suite(exchange.settings(), "--env-file", os.devnull, status=UNPROVEN)
        if not self._verdict()["checks"]:  # what a run leaves at its beginning has none
            raise DidNotRun("the run against a stalled exchange ended without its verdict.json")
        return [Figure("run against an exchange that never answers", ended.seconds, 60, "s", 1)]

    def _verdict(self) -> Any:
        return json.loads((self._reports / "verdict.json").read_text(encoding="utf-8"))

    def _suite(self, settings: Mapping[str, str], *arguments: str, status: int = OK) -> Ended:
        return self._pytest(ROOT, settings, *self._about(*arguments), status=status)

    def _about(self, *arguments: str) -> tuple[str, ...]:
        return "suite/", "--report-dir", str(self._reports), *arguments

    def _pytest(self, place: Path, settings: Mapping[str, str], *arguments: str, status: int = OK) -> Ended:
        return self._run(place, settings, ["pytest", *arguments], status)

    def _peak(self, settings: Mapping[str, str], *arguments: str) -> float | None:
        kept = self._folder / "peak"
        self._run(ROOT, settings, ["benchmarks.peak", str(kept), *self._about(*arguments)], OK)
        kb = kept.read_text()
        return int(kb) * 1024 / 1e6 if kb else None

    def _run(self, place: Path, settings: Mapping[str, str], module: list[str], status: int) -> Ended:
        command = [self._python, "-m", *module]
        env = process.environment(os.environ, settings)
        return process.expect(process.run(command, place, env, self._log, PATIENCE), command, status)
