"""Runs everything in turn, and computes the figures with their limits."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from http.client import HTTPConnection
from statistics import median
from typing import TypeVar
from urllib.parse import urlsplit

from benchmarks.endpoint import SLOTS, Answer
from benchmarks.figures import Figure
from benchmarks.rivals import Contest, Rival
from benchmarks.runs import Runs
from tests.exchange import Fault, LocalExchange, Scenario

NONE_MS, NEAR_MS, FAR_MS = 0, 100, 250  # latency of each answer; the rivals have NEAR_MS
TRIVIAL, REPLAY, COMMAND, CALLED = "one trivial test", "replay", "replay by the command", "keycheck.check"
POSTED, FIRST = "POST /binance", "its first line"
MANY, AT_ONCE = 100, 8  # runs of one program, and its threads
CLIENTS, REQUESTS = 16, 1000  # of one endpoint: at once, and in all

Times = Mapping[str, list[float]]  # seconds of each round, by what was run
Measured = TypeVar("Measured")


def live(latency_ms: int) -> str:
    """The name of a live run's times."""
    return f"live at {latency_ms} ms"


def against(latency_ms: int, run: Callable[[LocalExchange], Measured]) -> Measured:
    """Calls `run` with a new healthy exchange, with this latency.

    An exchange's counter of used weight only grows: with one exchange for all rounds, the suite would have to wait for
    the next minute.
    """
    with LocalExchange(Scenario(latency_ms=latency_ms)) as exchange:
        return run(exchange)


def warm_up(runs: Runs, contest: Contest) -> str:
    """Runs everything once, so that bytecode exists. Returns the cassette that is replayed."""
    for rival in contest.entrants:
        against(NONE_MS, partial(contest.run, rival))
    return against(NONE_MS, runs.warm_up)


def times(runs: Runs, contest: Contest, rounds: int) -> Times:
    """Times everything in turn, so that a busy moment of the machine affects all alike."""
    turns: dict[str, Callable[[], float]] = {TRIVIAL: runs.trivial, REPLAY: runs.replay, COMMAND: runs.command}
    for latency_ms in (NONE_MS, NEAR_MS, FAR_MS):
        turns[live(latency_ms)] = partial(against, latency_ms, runs.live)
    turns[CALLED] = partial(against, NEAR_MS, lambda exchange: float(runs.called(exchange)["seconds"]))
    answers: list[Answer] = []

    def posted(exchange: LocalExchange) -> float:
        answers.append(runs.posted(exchange))
        return answers[-1].seconds

    turns[POSTED] = partial(against, NEAR_MS, posted)
    for rival in contest.entrants:
        turns[rival.name] = partial(against, NEAR_MS, partial(contest.run, rival))
    found: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, run in turns.items():
            found[name].append(run())
    return found | {FIRST: [answer.first for answer in answers]}


def quickest(found: Times, entrants: Sequence[Rival]) -> str | None:
    """The rival with the smallest median; None if none ran."""
    return min((rival.name for rival in entrants), key=lambda name: median(found[name]), default=None)


def ratios(found: Times, rival: str | None) -> Iterator[Figure]:
    """Compares the medians with their limits; `rival` is the quickest library."""
    middle = {name: median(seconds) for name, seconds in found.items()}
    share = middle[live(NEAR_MS)] / middle[rival] if rival else None
    yield Figure(f"live run / quickest rival, {NEAR_MS} ms on each answer", share, 0.78, places=2)
    # Compares the two runs of each round, which ran under the same load.
    longer = median(far - near for far, near in zip(found[live(FAR_MS)], found[live(NEAR_MS)], strict=True))
    trips = longer / (FAR_MS - NEAR_MS) * 1000
    yield Figure("round trips on the critical path of a live run", trips, 4.3, places=1)
    yield Figure(f"keycheck.check / live run, {NEAR_MS} ms", middle[CALLED] / middle[live(NEAR_MS)], 1.15, places=2)
    yield Figure(f"{POSTED} / live run, {NEAR_MS} ms", middle[POSTED] / middle[live(NEAR_MS)], 1.1, places=2)
    yield Figure("first line of the answer to POST /binance", middle[FIRST], 0.5, "s", 2)
    yield Figure("replay by the command keycheck / replay", middle[COMMAND] / middle[REPLAY], places=2)
    yield Figure("replay / one trivial test", middle[REPLAY] / middle[TRIVIAL], 1.7, places=2)
    yield Figure(f"live run / one trivial test, {NONE_MS} ms", middle[live(NONE_MS)] / middle[TRIVIAL], places=2)


def memory(runs: Runs, rounds: int) -> Iterator[Figure]:
    """Peak resident memory, medians; a live run reads the rules of all contracts, a cassette holds three."""
    size, symbols = against(NONE_MS, exchange_info)
    name = f"peak memory of a live run, exchangeInfo of {size / 1e6:.2f} MB with {symbols} symbols"
    yield Figure(name, _middle(rounds, partial(against, NONE_MS, runs.live_peak)), 75, "MB")
    yield Figure("peak memory of the replay", _middle(rounds, runs.replay_peak), 90, "MB")


def callers(runs: Runs) -> Iterator[Figure]:
    """The memory that a program gains by calling `keycheck.check`, and the objects that many runs leave in it."""
    grown = against(NONE_MS, runs.called)["grown"]
    yield Figure("memory that a caller grows by", grown["kB"] * 1024 / 1e6 or None, 5, "MB", 1)
    left = against(NONE_MS, partial(runs.called, runs=MANY, threads=AT_ONCE))["grown"]
    yield Figure(
        f"the same by {MANY} runs in {AT_ONCE} threads", left.pop("kB") * 1024 / 1e6 or None, unit="MB", places=1
    )
    yield Figure(f"{', '.join(left)} that they leave behind", sum(map(abs, left.values())), 0)


def endpoint(runs: Runs) -> Iterator[Figure]:
    """The answers that many clients of one endpoint get, and the memory and processes that remain afterwards."""
    with LocalExchange(Scenario(latency_ms=NEAR_MS)) as exchange, runs.serving(exchange) as served:
        served.post()
        answers = served.at_once(CLIENTS)
        refused = [answer.seconds for answer in answers if answer.status == 429]
        name = f"wrong answers to {CLIENTS} clients at once, {SLOTS} slots"
        yield Figure(name, sum(not answer.is_right for answer in answers), 0)
        # Requests that come at the same moment wait for each other. The fifth of five comes later, so it does not wait.
        with ThreadPoolExecutor(SLOTS) as pool:
            taken = [pool.submit(served.post) for _ in range(SLOTS)]
            time.sleep(0.3)
            fifth = served.post()
            assert all(one.result().is_right for one in taken)
        yield Figure(
            "429 of a client beyond the slots", fifth.seconds * 1000 if fifth.status == 429 else None, 50, "ms"
        )
        yield Figure(f"the slowest 429 of the {CLIENTS}", max(refused) * 1000 if refused else None, unit="ms")
        served.bad(REQUESTS - CLIENTS - SLOTS - 2)
        yield Figure(f"the server's peak memory after {REQUESTS} requests", served.peak(), 50, "MB")
        yield Figure("child processes that they leave, besides the one that waits", served.children() - 1, 0)


def exchange_info(exchange: LocalExchange) -> tuple[int, int]:
    """Bytes before compression, and symbols, of the rules that the exchange serves."""
    with closing(HTTPConnection(urlsplit(exchange.futures_url).netloc, timeout=10)) as connection:
        connection.request("GET", "/fapi/v1/exchangeInfo")
        body = connection.getresponse().read()
    return len(body), len(json.loads(body)["symbols"])


def traffic(runs: Runs) -> Iterator[Figure]:
    """The requests and connections of a live run, as a healthy exchange counts them, and its weight by verdict.json."""

    def counted(exchange: LocalExchange) -> tuple[int, int]:
        runs.live(exchange)
        return len(exchange.log), sum(exchange.connections.values())

    requests, connections = against(NEAR_MS, counted)
    yield Figure("futures weight of a live run", runs.verdict()["requests"]["futuresWeight"], 30)
    yield Figure("requests of a live run", requests, 16)
    yield Figure("HTTP connections of a live run", connections, 5)


def stall(runs: Runs) -> Iterator[Figure]:
    """The time to the verdict if connections open, but no answer ever comes."""
    with LocalExchange(Scenario(faults={"*": Fault.stall()})) as exchange:
        yield Figure("run against an exchange that never answers", runs.live_in_vain(exchange), 60, "s", 1)


def _middle(rounds: int, measure: Callable[[], float | None]) -> float | None:
    """The median of the measured values."""
    found = [one for one in (measure() for _ in range(rounds)) if one is not None]
    return median(found) if found else None
