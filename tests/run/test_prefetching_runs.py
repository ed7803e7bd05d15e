"""Whole runs: which requests are sent, which of them at the same time, and how they all end."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from keycheck.exchange.endpoints import (
    ACCOUNT_CONFIG,
    API_RESTRICTIONS,
    AT_ONCE,
    EXCHANGE_INFO,
    LISTEN_KEY,
    ORDER_TEST,
    PING,
    PREMIUM_INDEX,
    SYMBOL_CONFIG,
    TIME,
    TRADING_STATUS,
    Endpoint,
    Host,
)
from keycheck.network.transport import REQUEST_SECONDS
from tests.exchange import Fault, LocalExchange, Received, Scenario
from tests.exit_probe import PLUGIN, Left, left_in
from tests.forked import ForkedRunner
from tests.matrix import mostly_slow
from tests.running import ROOT, Finished, SuiteRunner

AT_ONCE_IN_ALL = sum(AT_ONCE.values())
# Seconds. A run that waits for a stalled request takes longer than this; on an idle machine, others take a tenth of it.
AT_ONCE_ENDS = REQUEST_SECONDS - 1
HERE = Fault.altered(lambda answer: answer)


@dataclass(frozen=True)
class Ran:
    """A run, the exchange's log of it, and its threads at its very end."""

    done: Finished
    log: list[Received]
    connections: dict[str, int]
    left: Left

    @property
    def sent(self) -> Counter[str]:
        """How often each path was requested."""
        return Counter(one.path for one in self.log)


def ran(suite: SuiteRunner, scenario: Scenario, *arguments: str, **settings: str) -> Ran:
    """A live run against `scenario`, after its end."""
    with LocalExchange(scenario) as exchange:
        done = suite(*arguments, *PLUGIN, settings=exchange.settings() | settings)
        assert not exchange.real_orders
        return Ran(done, exchange.log, exchange.connections, left_in(suite.report_dir))


def paths(*endpoints: Endpoint) -> Counter[str]:
    """How often each path occurs among these endpoints, to compare with `sent`."""
    return Counter(endpoint.path for endpoint in endpoints)


# -- concurrent requests --


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A healthy run, with an exchange that takes some time for each answer."""
    return ran(ForkedRunner(tmp_path_factory.mktemp("together")), Scenario(latency_ms=1500))


def answered_before(log: list[Received], place: int) -> Counter[str]:
    """Paths of the requests that had been answered when this one arrived."""
    return Counter(one.path for one in log[:place]) - Counter(log[place].in_flight)


def places(log: list[Received], endpoints: Iterable[Endpoint]) -> list[int]:
    """The positions of these endpoints in the log."""
    wanted = {endpoint.path for endpoint in endpoints}
    return [place for place, one in enumerate(log) if one.path in wanted]


@pytest.mark.slow
def test_the_first_request_is_sent_alone(together: Ran) -> None:
    """The second request is sent after the first was answered."""
    assert (together.log[0].path, together.log[0].beside, together.log[1].beside) == (TIME.path, 0, 0)
    assert together.done.verdict["verdict"] == "OK"


COLLECTS_SLOWLY = """\
import time, pytest

def pytest_collection_modifyitems(config):
    session, end = config.pluginmanager.get_plugin("keycheck-suite").run.session, time.monotonic() + {seconds}
    while not session.calls and time.monotonic() < end:
        time.sleep(0.01)
    pytest.exit("collected")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("selection", "seconds", "sent"),
    [((), 30.0, paths(TIME)), (("-k", "clock"), 0.5, paths()), (("suite/test_3_clock.py",), 0.5, paths())],
    ids=["whole", "-k", "a file"],
)
def test_a_whole_run_sends_its_first_request_while_pytest_collects(
    selection: tuple[str, ...], seconds: float, sent: Counter[str], process: SuiteRunner
) -> None:
    """A run of all checks sends its first request while pytest collects; a run of only some checks does not."""
    (process.folder / "slowly.py").write_text(COLLECTS_SLOWLY.format(seconds=seconds), encoding="utf-8")
    with LocalExchange(Scenario()) as exchange:
        done = process(*selection, "-p", "slowly", settings=exchange.settings() | {"PYTHONPATH": str(process.folder)})
        assert "collected" in done.output
        assert Counter(one.path for one in exchange.log) == sent


@pytest.mark.slow
def test_the_listen_key_is_requested_beside_the_signed_reads(together: Ran) -> None:
    """The request for a listen key is unsigned, and is sent beside the signed reads to save a round trip."""
    (place,) = places(together.log, [LISTEN_KEY])
    assert not answered_before(together.log, place) & paths(ORDER_TEST, PING)


@pytest.mark.slow
def test_five_are_in_flight_and_never_six(together: Ran) -> None:
    """Five requests are in flight at most, one of them to the wallet's host."""
    assert max(one.beside for one in together.log) == AT_ONCE_IN_ALL - 1
    assert together.connections["wallet"] == AT_ONCE[Host.WALLET]
    assert together.connections["futures"] <= AT_ONCE[Host.FUTURES]


@pytest.mark.slow
def test_orders_wait_for_the_answers_that_they_need(together: Ran) -> None:
    """Orders wait for both signed reads, rules and price; the second order waits for the first."""
    reads = paths(API_RESTRICTIONS, ACCOUNT_CONFIG)
    for place in places(together.log, (ORDER_TEST, TRADING_STATUS)):
        assert answered_before(together.log, place) >= reads
    dust, smallest = places(together.log, [ORDER_TEST])
    assert answered_before(together.log, dust) >= reads + paths(EXCHANGE_INFO, PREMIUM_INDEX)
    assert answered_before(together.log, smallest)[ORDER_TEST.path] == 1


def test_no_thread_outlives_a_run(suite: SuiteRunner) -> None:
    """At a run's end only the main thread is left."""
    assert ran(suite, Scenario()).left.threads == ["MainThread"]


@pytest.mark.slow
def test_a_recording_sends_one_request_at_a_time(suite: SuiteRunner, tmp_path: Path) -> None:
    """A recording sends one request after the other, on one connection to each host, and has the same answers."""
    recording = ran(suite, Scenario(latency_ms=5), "--record", str(tmp_path / "mine.yaml"))
    assert {one.beside for one in recording.log} == {0}
    assert recording.connections == {"futures": 1, "wallet": 1}
    assert recording.done.verdict["verdict"] == "OK"
    assert recording.left.threads == ["MainThread"]


# -- one request, if the exchange cannot be reached --

NO_WAY = {
    "ban": (Fault.banned(1_900_000_000_000), "unproven"),
    "limit": (Fault.rate_limited(), "unproven"),
    "firewall": (Fault.waf_403(), "unproven"),
    "restricted": (Fault.restricted_location(), "fail"),
    "country": (Fault.country_403(), "fail"),
    "portal": (Fault.body(b"<html>log in</html>", "text/html"), "unproven"),
    "redirect": (Fault.redirect("https://x.invalid/"), "unproven"),
    "cut": (Fault.reset(), "unproven"),
}
UNBLOCKED = ("credentials_", "futures_api_answers", "clock_is_synchronised")


@pytest.mark.parametrize("how", mostly_slow(["live", "recorded"], 1))
@pytest.mark.parametrize("name", mostly_slow(NO_WAY, 2))
def test_an_unreachable_exchange_gets_one_request(name: str, how: str, suite: SuiteRunner, tmp_path: Path) -> None:
    """After one failed request everything else is blocked; only a cut connection is tried once more."""
    fault, outcome = NO_WAY[name]
    arguments = ("--record", str(tmp_path / "mine.yaml")) if how == "recorded" else ()
    run = ran(suite, Scenario(faults={"*": fault}), *arguments)
    assert len(run.log) == (2 if name == "cut" else 1) == run.done.verdict["requests"]["count"]
    assert run.done.outcomes["futures_api_answers"] == outcome
    others = {one: found for one, found in run.done.outcomes.items() if not one.startswith(UNBLOCKED)}
    assert set(others.values()) == {"blocked"}
    assert len(others) == 21
    assert run.left.threads == ["MainThread"]


@pytest.mark.parametrize(
    "selection",
    [("-m", "informational"), pytest.param(("-k", "withdrawals_are_disabled"), marks=pytest.mark.slow)],
    ids=" ".join,
)
def test_no_request_follows_if_the_first_one_is_blocked(selection: tuple[str, ...], suite: SuiteRunner) -> None:
    """If the first request is blocked, no other is sent, even if the check of the connection was not selected."""
    run = ran(suite, Scenario(faults={"*": Fault.waf_403()}), *selection)
    assert run.sent == paths(TIME)
    assert "pass" not in {found for one, found in run.done.outcomes.items() if not one.startswith(UNBLOCKED)}


# -- only what the selected checks need --

KEYLESS = {"BINANCE_API_KEY": "", "BINANCE_API_SECRET": ""}
PUBLIC = paths(TIME, TIME, TIME, PING, EXCHANGE_INFO)
ORDERS = paths(PREMIUM_INDEX, ORDER_TEST, ORDER_TEST)
READS = paths(API_RESTRICTIONS, ACCOUNT_CONFIG)
SENT: dict[str, tuple[Counter[str], tuple[str, ...], dict[str, str]]] = {
    "the ping": (paths(PING), ("-k", "futures_api_answers"), {}),
    "withdrawals": (paths(TIME, API_RESTRICTIONS), ("-k", "withdrawals_are_disabled"), {}),
    "the clock": (paths(TIME, TIME, TIME), ("-k", "clock_agrees"), {}),
    "the critical checks": (PUBLIC + READS + ORDERS, ("-m", "critical"), {}),
    "the set-up": (Counter(), ("--setup-only",), {}),
    "no stream": (PUBLIC + READS + ORDERS + paths(TRADING_STATUS), (), {"BINANCE_USER_STREAM": "off"}),
    "a margin type is expected": (
        PUBLIC + READS + ORDERS + paths(TRADING_STATUS, LISTEN_KEY, SYMBOL_CONFIG),
        (),
        {"BINANCE_EXPECT": "one-way,cross"},
    ),
    "modes are expected": (
        PUBLIC + READS + ORDERS + paths(TRADING_STATUS, LISTEN_KEY),
        (),
        {"BINANCE_EXPECT": "hedge,single-asset"},
    ),
    "no credentials": (PUBLIC, (), KEYLESS),
    "no credentials, and what needs them": (Counter(), ("-k", "credentials_are_present or signed_requests"), KEYLESS),
    "no wallet": (
        PUBLIC + paths(ACCOUNT_CONFIG, TRADING_STATUS, LISTEN_KEY) + ORDERS,
        (),
        {"BINANCE_ENVIRONMENT": "demo", "BINANCE_WALLET_URL": ""},
    ),
}


@pytest.mark.parametrize("name", mostly_slow(SENT, 2))
def test_only_what_the_selected_checks_need_is_sent(name: str, suite: SuiteRunner) -> None:
    """A run sends, and counts, only the requests that the selected checks need."""
    sent, arguments, settings = SENT[name]
    run = ran(suite, Scenario(), *arguments, **settings)
    assert run.sent == sent
    assert run.done.verdict.get("requests", {"count": 0})["count"] == sent.total()
    if settings is KEYLESS:
        assert not any("x-mbx-apikey" in one.headers or "signature" in one.params for one in run.log)


@pytest.mark.slow
def test_no_order_is_sent_for_a_contract_that_is_not_trading(suite: SuiteRunner) -> None:
    """No order is sent for a contract that is not trading, even if the account may trade."""
    run = ran(suite, Scenario(symbol_overrides={"BTCUSDT": {"status": "SETTLING"}}))
    assert run.sent - paths(PREMIUM_INDEX) == PUBLIC + READS + paths(TRADING_STATUS, LISTEN_KEY)


# -- a busy exchange --


@pytest.mark.slow
@pytest.mark.parametrize("clean", [1, 2, 3])
def test_one_undisturbed_clock_sample_is_enough(clean: int, suite: SuiteRunner) -> None:
    """One undisturbed sample of three is enough for the drift; a disturbed first one is good enough for stamps."""
    jitter = tuple(0 if number == clean else 350 for number in (1, 2, 3))
    busy = Scenario(clock_offset_ms=-700, latency_ms=30, jitter_ms=jitter)
    run = ran(suite, busy, BINANCE_RECV_WINDOW="2500")
    assert run.done.verdict["verdict"] == "OK"
    told = re.search(r"give or take (\d+) ms", run.done.check("clock_agrees_with_exchange")["detail"])
    assert told
    assert int(told[1]) < (350 + 30) / 2  # a round trip of less than that was the clean one's
    assert abs(run.done.verdict["driftMs"] - 700) <= max(int(told[1]) + 1, 25)
    signed = [one for one in run.log if "timestamp" in one.params]
    assert len(signed) == 5
    assert not [one for one in signed if one.code == -1021]
    assert max(one.beside for one in run.log) > 1


# -- the end --

STALLED = {
    "the first": (Scenario(faults={"*": Fault.stall()}), 1),
    "all but the first": (Scenario(faults={TIME.path: HERE, "*": Fault.stall()}), 1 + AT_ONCE_IN_ALL),
}


@pytest.mark.slow
@pytest.mark.parametrize("stalled", STALLED)
def test_ctrl_c_ends_all_that_is_in_flight_at_once(stalled: str, process: SuiteRunner) -> None:
    """Ctrl-C ends a run with status 2, an UNPROVEN verdict that counts the requests, and no thread or process left."""
    command = [sys.executable, "-m", "pytest", "suite/", *PLUGIN, "-o", f"cache_dir={process.folder}"]
    command += ["--report-dir", str(process.report_dir), "--env-file", os.devnull]
    scenario, sent = STALLED[stalled]
    with LocalExchange(scenario) as exchange:
        environment = exchange.settings() | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as running:  # noqa: S603
            assert running.stdout
            printed = b""
            while b"test_2_connectivity" not in printed:  # its first check waits for the stalled answers
                printed += os.read(running.stdout.fileno(), 4096) or pytest.fail(str(printed))
            while len(exchange.log) < sent and running.poll() is None:
                time.sleep(0.005)
            running.send_signal(signal.SIGINT)
            assert running.wait(AT_ONCE_ENDS) == 2
        assert len(exchange.log) == sent
    found = json.loads((process.report_dir / "verdict.json").read_text(encoding="utf-8"))
    assert (found["verdict"], found["requests"]["count"]) == ("UNPROVEN", sent)
    assert left_in(process.report_dir).threads == ["MainThread"]


@pytest.mark.slow
@pytest.mark.parametrize("stalled", [LISTEN_KEY, ORDER_TEST], ids=str)
def test_x_ends_what_is_in_flight_at_once(stalled: Endpoint, suite: SuiteRunner) -> None:
    """With -x a request in flight is cancelled and counted, and has no part in the diagnosis."""
    slowly = Fault.drip(0.003)  # on a busy machine, the check could fail before the other request is sent
    faults = {stalled.path: Fault.stall(), API_RESTRICTIONS.path: slowly}
    began = time.monotonic()
    run = ran(suite, Scenario(permissions={"enableWithdrawals": True}, faults=faults), "-x")
    assert time.monotonic() - began < AT_ONCE_ENDS
    assert run.done.with_outcome("fail") == list(run.done.outcomes)[-1:] == ["withdrawals_are_disabled"]
    assert [one["cause"] for one in run.done.verdict["diagnosis"]] == ["withdrawals_enabled"]
    assert run.done.verdict["requests"]["count"] >= len(run.log)
    assert run.sent[stalled.path] == 1
    assert run.left.threads == ["MainThread"]


@pytest.mark.slow
def test_a_time_out_ends_one_check_and_the_next_are_answered(suite: SuiteRunner) -> None:
    """The time-out ends only the checks that wait for the stalled answer; all others get their answers."""
    run = ran(suite, Scenario(faults={EXCHANGE_INFO.path: Fault.stall()}), "--timeout=4")
    assert (run.done.verdict["verdict"], run.done.exit_status) == ("UNPROVEN", 10)
    assert run.done.with_outcome("unproven") == ["rate_limit_headroom_is_left", "symbol_is_trading"]
    blocked = {"order_limits_are_published", "order_gate_checks_orders", "smallest_order_is_accepted"}
    assert set(run.done.with_outcome("blocked")) == blocked
    assert run.sent[EXCHANGE_INFO.path] == 2
    assert run.left.threads == ["MainThread"]
