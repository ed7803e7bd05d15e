"""The runs, by turns and one by one, and what comes out of them as figures with their limits."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from statistics import median

from benchmarks.figures import Figure
from benchmarks.runs import Runs
from tests.exchange import Fault, LocalExchange, Scenario

LATENCY_MS = 100


@dataclass(frozen=True)
class Times:
    """Seconds of each round, in the order of the rounds."""

    trivial: list[float] = field(default_factory=list)
    replay: list[float] = field(default_factory=list)
    live: list[float] = field(default_factory=list)  # with LATENCY_MS on each answer

    def figures(self) -> Iterator[Figure]:
        """What the medians are held against."""
        trivial, replay, live = median(self.trivial), median(self.replay), median(self.live)
        yield Figure("time of the replay / of one trivial test", replay / trivial, 2.0, places=2)
        yield Figure(f"live run with {LATENCY_MS} ms on each answer - replay", live - replay, 1.5, "s", 2)


def times(runs: Runs, rounds: int, exchange: LocalExchange) -> Times:
    """Times the three by turns, so that a busy moment of the machine falls on all of them."""
    found, usual = Times(), exchange.scenario
    exchange.scenario = replace(usual, latency_ms=LATENCY_MS)
    for _ in range(rounds):
        found.trivial.append(runs.trivial())
        found.replay.append(runs.replay())
        found.live.append(runs.live(exchange))
    exchange.scenario = usual
    return found


def memory(runs: Runs, exchange: LocalExchange) -> Iterator[Figure]:
    """Peak resident memory; a live run reads the rules of all contracts, a cassette holds three."""
    yield Figure("peak memory of the replay", runs.replay_peak(), 90, "MB")
    yield Figure("peak memory of a live run, 900 contracts", runs.live_peak(exchange), None, "MB")


def traffic(runs: Runs) -> Iterator[Figure]:
    """What a live run asks of a healthy exchange. The exchange counts; weights are as verdict.json tells them."""
    with LocalExchange() as exchange:
        runs.live(exchange)
        requests, connections = len(exchange.log), sum(exchange.connections.values())
    yield Figure("requests of a live run", requests, 16)
    yield Figure("connections of a live run", connections, 2)
    yield Figure("futures weight of a live run", runs.verdict()["requests"]["futuresWeight"], 30)


def stall(runs: Runs) -> Iterator[Figure]:
    """How long the suite takes to its verdict where connections open and no answer ever comes."""
    with LocalExchange(Scenario(faults={"*": Fault.stall()})) as exchange:
        yield Figure("run against an exchange that never answers", runs.live_in_vain(exchange), 60, "s", 1)
