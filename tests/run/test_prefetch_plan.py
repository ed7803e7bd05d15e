"""Prefetching: independent requests are sent concurrently, each question once, and all of them can be cancelled."""

import ast
import contextlib
import inspect
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from keycheck import clock
from keycheck.credentials.pasted_text import KeyFacts
from keycheck.credentials.signing import HmacSigner
from keycheck.errors import Cancelled, Inconclusive, NotSent, OutOfTime, RateLimited
from keycheck.exchange import api_client, endpoints
from keycheck.exchange import session as binance_module
from keycheck.exchange.answers import RawAnswer
from keycheck.exchange.api_client import ApiClient, Identity
from keycheck.exchange.endpoints import (
    ACCOUNT_CONFIG,
    API_RESTRICTIONS,
    AT_ONCE,
    EXCHANGE_INFO,
    LISTEN_KEY,
    ORDER_TEST,
    PING,
    PREMIUM_INDEX,
    TIME,
    TRADING_STATUS,
    Endpoint,
    Host,
)
from keycheck.exchange.session import DEPENDENCIES, Binance
from keycheck.exchange.throttle import Throttle
from keycheck.network.stream import Stream
from keycheck.network.transport import HttpTransport
from keycheck.redaction.redactor import Redactor
from keycheck.redaction.secret import Secret
from keycheck.run import explain, prefetch_plan
from keycheck.run.catalogue import attributes_of
from keycheck.run.open_session import Options, open_session
from keycheck.run.prefetcher import Prefetcher
from keycheck.verdict.findings import Check, Finding, Outcome, blocker
from tests.exchange import Fault, LocalExchange, Scenario, StreamFault
from tests.exchange.test_memo import PATIENCE, SOON, in_thread, wait_for, wait_until
from tests.exchange.test_session import LATER, LIMITED, ask_everything, scripted
from tests.exchange.test_session import session as scripted_session
from tests.exchange.test_throttle import Unhurried
from tests.in_process import CATALOGUE, check_function, host_facts, outcome_of, session
from tests.matrix import mostly_slow
from tests.record_cassettes import shipped
from tests.running import ROOT

HERE = Fault.altered(lambda answer: answer)


def test_each_question_of_several_threads_is_asked_once(exchange: LocalExchange) -> None:
    """Six threads that ask every question of a real session send each request once."""
    with session(exchange) as binance:
        for one in [in_thread(lambda: ask_everything(binance)) for _ in range(6)]:
            one.result(PATIENCE)
    asked = Counter(one.path for one in exchange.log)
    once_each = (PING, TIME, TIME, TIME, API_RESTRICTIONS, ACCOUNT_CONFIG, EXCHANGE_INFO, *LATER)
    assert asked == Counter(endpoint.path for endpoint in once_each)


# -- the plan agrees with the session and the checks --

LANES = prefetch_plan.lanes_of(scripted_session(scripted()))
LEAVES = {ask.name for lane in LANES for ask in lane}
PUBLIC = {"clock_sample", "drift", "ping", "exchange_info", "mark_price"}
CLAIMS = {check: check_function(check.id) for check in CATALOGUE.checks}
METHODS = {
    node.name: node
    for cls in ast.parse(inspect.getsource(binance_module)).body
    if isinstance(cls, ast.ClassDef)
    for node in cls.body
    if isinstance(node, ast.FunctionDef)
}


def in_the_source(name: str) -> tuple[set[str], set[str]]:
    """The questions that a session's method asks and the endpoints that it names, itself or through plain methods."""
    method = METHODS[name]
    body = ast.Module(method.body, [])
    named = {node.id for node in ast.walk(body) if isinstance(node, ast.Name)}
    named &= {one for one, value in vars(endpoints).items() if isinstance(value, Endpoint)}
    called = set(attributes_of(body, "self")) & set(METHODS)
    asked = called & set(DEPENDENCIES.rests_on)
    for plain in called - asked:
        more_asked, more_named = in_the_source(plain)
        asked, named = asked | more_asked, named | more_named
    return asked, named


@pytest.mark.parametrize("question", DEPENDENCIES.rests_on)
def test_a_question_declares_what_its_source_asks(question: str) -> None:
    """The decorator of a question names the questions that it asks and the request that it sends, and no others."""
    asked, named = in_the_source(question)
    sent = DEPENDENCIES.sends[question]
    assert named - {"USER_STREAM"} == {name for name, one in vars(endpoints).items() if sent and one is sent}
    assert asked - {"clock_sample"} == set(DEPENDENCIES.rests_on[question]) - {"clock_sample"}
    assert ("clock_sample" in DEPENDENCIES.rests_on[question]) is (question == "drift" or bool(sent and sent.signed))


@pytest.mark.parametrize("check", CATALOGUE.checks, ids=lambda check: check.id)
def test_the_clock_is_read_for_checks_that_lead_to_it(check: Check) -> None:
    """The clock is read only if a selected check needs it."""
    made = prefetch_plan.Plan(scripted_session(scripted()), host_facts(), {check: CLAIMS[check]})
    assert made.needs_the_clock is (TIME in explain.requests_of(check))


@pytest.mark.parametrize("check", CATALOGUE.checks, ids=lambda check: check.id)
def test_only_questions_of_the_selected_checks_are_prefetched(check: Check) -> None:
    """With `-k`, only the selected checks' requests are prefetched: three clock samples for drift, one for a stamp."""
    binance = scripted_session(scripted(), expected=("cross",))
    lanes = prefetch_plan.Plan(binance, host_facts(), {check: CLAIMS[check]}).lanes
    reached = DEPENDENCIES.reached_from(check.asks)
    asked = [ask.question for lane in lanes for ask in lane]
    assert {name for name, _ in asked if name != "clock_sample"} == (reached & LEAVES) - {"clock_sample"}
    assert [arguments for name, arguments in asked if name == "clock_sample"] == [(2,), (3,)] * ("drift" in reached)
    assert all(lanes)


def test_only_questions_of_checks_are_prefetched() -> None:
    """No question is prefetched twice, each is one that a check asks, and all that send a request are prefetched.

    A test order is prefetched as the answer about it; the position mode is asked only if the account's answer lacks it.
    """
    asked = DEPENDENCIES.reached_from(question for check in CATALOGUE.checks for question in check.asks)
    assert asked >= LEAVES
    assert max(Counter(ask.question for lane in LANES for ask in lane).values()) == 1
    assert {name for name in asked if DEPENDENCIES.sends[name]} - LEAVES == {"_test_order", "position_mode"}
    assert {"dust_answer", "smallest_answer", "drift", "user_stream"} <= LEAVES


@contextlib.contextmanager
def replayed(name: str) -> Iterator[tuple[Binance, bool]]:
    """The session of a shipped cassette, and whether its first request was answered."""
    options = Options(ROOT / ".env", False, ROOT / "reports", ROOT / "cassettes", replay=name)
    with contextlib.ExitStack() as resources:
        opened = open_session(options, Redactor(), lambda *_: None, "", resources).session
        try:
            opened.clock_sample(1)
        except Inconclusive:
            yield opened, False
        else:
            yield opened, True


def test_without_a_key_only_public_questions_are_prefetched() -> None:
    """The checks that need no key run, and their answers come in advance; the price is only for the orders."""
    with replayed("no-credentials") as (binance, _):
        lanes = prefetch_plan.Plan(binance, host_facts(), CLAIMS).lanes
    assert {ask.name for lane in lanes for ask in lane} == PUBLIC - {"mark_price"}


def found_by_the_checks(binance: Binance) -> dict[str, Finding]:
    """The findings of a run of the suite in this session."""
    found: dict[str, Finding] = {}
    for check in CATALOGUE.checks:
        outcome = Outcome.BLOCKED if blocker(check, found) else outcome_of(check.id, binance)[0]
        found[check.id] = Finding(check, outcome)
    return found


@pytest.mark.parametrize("name", [row.name for row in shipped()])
def test_exactly_the_questions_of_unblocked_checks_may_be_prefetched(name: str) -> None:
    """For every cassette, exactly the questions of the unblocked checks may be prefetched."""
    with replayed(name) as (binance, was_answered):
        found = found_by_the_checks(binance)
        assert (found["futures_api_answers"].outcome is Outcome.PASS) is was_answered
        if was_answered:
            made = prefetch_plan.Plan(binance, host_facts(), CLAIMS)
            clear = [one.check for one in found.values() if one.outcome is not Outcome.BLOCKED]
            led_to = DEPENDENCIES.reached_from(question for check in clear for question in check.asks)
            if binance.key.not_given:  # without a key a check cannot send requests that carry it
                led_to = frozenset(one for one in led_to if not prefetch_plan._carry_the_key(frozenset([one])))
            unsigned = set() if binance.key.not_given else {"stream_key"}
            assert {one for one in LEAVES if made.may_ask(one)} == (led_to & LEAVES) | PUBLIC | unsigned


# -- the API client --


class Held:
    """A transport whose answers come when the test hands them out, in any order of the paths."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.sending = threading.Semaphore(0)
        self.replies: dict[str, queue.SimpleQueue[RawAnswer | Exception]] = {}

    def send(self, endpoint: Endpoint, query: Secret, api_key: Secret | None, seconds: float) -> RawAnswer:  # noqa: ARG002  the interface of a transport
        """Waits for the test's reply."""
        replies = self.replies.setdefault(endpoint.path, queue.SimpleQueue())
        self.sent.append(endpoint.path)
        self.sending.release()
        reply = replies.get(timeout=PATIENCE)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def reply(self, endpoint: Endpoint, reply: RawAnswer | Exception | None = None) -> None:
        """Sets the next answer of an endpoint; by default the exchange's time."""
        stamp = b'{"serverTime": 1790000000000}'
        self.replies.setdefault(endpoint.path, queue.SimpleQueue()).put(reply or RawAnswer(200, {}, stamp))


@pytest.fixture
def held() -> Held:
    """An exchange that answers when the test says so."""
    return Held()


@pytest.fixture
def client(held: Held) -> ApiClient:
    """An API client of that exchange, whose first request was answered."""
    identity = Identity(KeyFacts(), Secret("k" * 64), HmacSigner(Secret("s" * 64)))
    opened = ApiClient(
        held,
        identity,
        Redactor(),
        clock.NoJournal(),
        Unhurried(),
        throttle=Throttle(clock.NoSleep(), 2400),
        recv_window=5000,
    )
    held.reply(TIME)
    opened.ask(TIME)
    wait_for(held.sending)
    held.sent.clear()
    return opened


def test_only_so_many_are_in_flight_to_each_host(held: Held, client: ApiClient) -> None:
    """Beyond the limit of a host, a request waits until another is answered; the hosts do not wait for each other."""
    for _ in range(AT_ONCE[Host.FUTURES] + 2):
        in_thread(lambda: client.ask(PING))
        in_thread(lambda: client.ask(API_RESTRICTIONS))
    for answered in range(3):
        wait_for(held.sending, sum(AT_ONCE.values()) if not answered else 2)
        most = {PING.path: AT_ONCE[Host.FUTURES] + answered, API_RESTRICTIONS.path: AT_ONCE[Host.WALLET] + answered}
        assert Counter(held.sent) == most
        assert not held.sending.acquire(timeout=0.02)
        held.reply(PING)
        held.reply(API_RESTRICTIONS)
    for endpoint in (PING, API_RESTRICTIONS) * (AT_ONCE[Host.FUTURES] + 2):
        held.reply(endpoint)


@pytest.mark.parametrize("status", [429, 418])
def test_a_request_that_waits_for_a_slot_is_not_sent_after_a_limit(held: Held, client: ApiClient, status: int) -> None:
    """After a limit, requests that wait for a free slot are not sent; those on their way are still answered."""
    ended = [in_thread(lambda: client.ask(PING)) for _ in range(AT_ONCE[Host.FUTURES])]
    wait_for(held.sending, len(ended))
    late = [in_thread(partial(client.ask, one)) for one in (EXCHANGE_INFO, PREMIUM_INDEX, ACCOUNT_CONFIG)]
    held.reply(PING, RawAnswer(status, {}, b""))
    for one in late:
        assert isinstance(one.exception(PATIENCE), RateLimited)
    with pytest.raises(RateLimited, match="not sent"):
        client.ask(API_RESTRICTIONS)
    for _ in ended[1:]:
        held.reply(PING)
    assert sorted(type(one.exception(PATIENCE)) is RateLimited for one in ended) == [*[False] * (len(ended) - 1), True]
    assert held.sent == [PING.path] * len(ended)


def test_a_cancelled_request_counts_as_sent(held: Held, client: ApiClient) -> None:
    """A cancelled request is counted as sent without an answer, and its caller gets Cancelled."""
    held.reply(PING, Cancelled())
    with pytest.raises(Cancelled):
        client.ask(PING)
    assert [(call.path, call.status) for call in client.calls] == [(TIME.path, 200), (PING.path, None)]
    assert client.calls[1].message == "the run was ended before an answer came"


def test_calls_are_in_the_order_in_which_they_were_sent(held: Held, client: ApiClient) -> None:
    """Calls are listed in the order in which they were sent, even if they are answered in another order."""
    first = in_thread(lambda: client.ask(EXCHANGE_INFO))
    wait_for(held.sending)
    second = in_thread(lambda: client.ask(PING))
    wait_for(held.sending)
    for endpoint, asked in ((PING, second), (EXCHANGE_INFO, first)):
        held.reply(endpoint)
        asked.result(PATIENCE)
    assert [call.path for call in client.calls] == [TIME.path, EXCHANGE_INFO.path, PING.path]


# -- cancelling --


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    """Asserts after the test that no thread of it is left."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(SOON)
        assert not thread.is_alive()


@pytest.mark.usefixtures("no_thread_is_left")
@pytest.mark.parametrize("fault", [Fault.stall(), Fault.drip(), Fault.drip_headers()], ids=["stall", "drip", "headers"])
def test_cancel_ends_all_requests_at_once(exchange: LocalExchange, fault: Fault) -> None:
    """`cancel` ends all requests to both hosts at once; later requests are answered."""
    exchange.scenario = Scenario(faults={"*": fault})
    urls = {Host.FUTURES: exchange.futures_url, Host.WALLET: exchange.wallet_url}
    with contextlib.closing(HttpTransport(urls)) as http:
        endpoints = (PING, TIME, EXCHANGE_INFO, API_RESTRICTIONS)
        sent = [in_thread(partial(http.send, one, Secret(""), None, PATIENCE)) for one in endpoints]
        wait_until(lambda: len(exchange.log) == len(sent))
        http.cancel()
        for one in sent:
            assert isinstance(one.exception(SOON), Cancelled)
        exchange.scenario = Scenario()
        assert http.send(PING, Secret(""), None, PATIENCE).status == 200


@pytest.mark.usefixtures("no_thread_is_left")
@pytest.mark.parametrize("fault", [StreamFault.stalled(), StreamFault.silent()], ids=["handshake", "pong"])
def test_cancel_ends_the_wait_for_the_stream_at_once(fault: StreamFault) -> None:
    """`cancel` ends the wait for the handshake and the wait for the pong."""
    with LocalExchange(Scenario(stream=fault)) as exchange:
        stream = Stream(exchange.stream_url, Redactor())
        heard = in_thread(lambda: stream.listen(Secret("k" * 64), PATIENCE))
        wait_until(lambda: bool(exchange.streams))
        stream.cancel()
        assert isinstance(heard.exception(SOON), Cancelled)


@pytest.mark.usefixtures("no_thread_is_left")
def test_the_stream_is_not_opened_once_the_status_of_a_limit_has_been_read(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Once the status of a limit has been read, the stream is not opened, even if the session does not know it yet."""
    for name, value in exchange.settings().items():
        monkeypatch.setenv(name, value)
    options = Options(tmp_path / ".env", False, tmp_path, tmp_path)
    with contextlib.ExitStack() as resources:
        live: Any = open_session(options, Redactor(), lambda *_: None, "", resources).session
        exchange.scenario = Scenario(faults={PING.path: Fault.rate_limited()})
        live._client._transport.send(PING, Secret(""), None, PATIENCE)
        with pytest.raises(NotSent):
            live._listener.listen(Secret("k" * 64), PATIENCE)
    assert exchange.streams == []


# -- prefetching before the checks --


@contextlib.contextmanager
def prefetching(binance: Binance) -> Iterator[Prefetcher]:
    """Prefetches the questions of all checks, until the block ends."""
    transport: Any = binance._client._transport
    ahead = Prefetcher(binance, getattr(transport, "cancel", lambda: None))
    ahead.start(prefetch_plan.Plan(binance, host_facts(), CLAIMS))
    try:
        yield ahead
    finally:
        ahead.stop()


@pytest.mark.usefixtures("no_thread_is_left")
def test_the_end_of_the_runs_time_settles_every_question(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of the run's time each question has its answer, or an error that says why not."""
    monkeypatch.setattr(api_client, "RUN_SECONDS", 0.5)
    exchange.scenario = Scenario(faults={TIME.path: HERE, "*": Fault.stall()})
    began = time.monotonic()
    with session(exchange, BINANCE_USER_STREAM="off") as binance, prefetching(binance):
        for ask in (binance.ping, binance.signed_reads, binance.symbol_rules, binance.mark_price):
            with pytest.raises(Inconclusive):
                in_thread(ask).result(PATIENCE)
        with pytest.raises(OutOfTime):
            binance.locks()
    assert time.monotonic() - began < SOON


@pytest.mark.usefixtures("no_thread_is_left")
def test_the_checks_ask_after_the_prefetcher_was_stopped(exchange: LocalExchange) -> None:
    """After the prefetcher was stopped, the checks ask their questions themselves, and are answered."""
    exchange.scenario = Scenario(faults={TIME.path: HERE, "*": Fault.stall()})
    with session(exchange) as binance, prefetching(binance) as ahead:
        wait_until(lambda: len(exchange.log) == 1 + sum(AT_ONCE.values()))
        sent = len(exchange.log)
        began = time.monotonic()
        ahead.stop()
        assert time.monotonic() - began < SOON
        assert len(exchange.log) == sent == len(binance.calls)
        exchange.scenario = Scenario()
        assert in_thread(binance.signed_reads).result(PATIENCE).accepted
        assert in_thread(binance.ping).result(PATIENCE).answered


def test_a_check_gets_its_answer_if_a_prefetching_thread_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a prefetching thread breaks, as when no thread can be started, a check still gets its answer."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    broken = iter([RuntimeError("can't start new thread"), {"serverTime": 1_790_000_000_000}])
    transport = scripted().on(TIME, lambda: next(broken))
    binance = scripted_session(transport)
    with prefetching(binance):
        assert in_thread(binance.ping).result(SOON).answered


@pytest.mark.usefixtures("no_thread_is_left")
def test_checks_wait_for_no_prefetcher_whose_start_was_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """If Ctrl-C interrupts the start after the questions are reserved, a check asks its question itself, at once."""
    binance = scripted_session(scripted())
    ahead = Prefetcher(binance, lambda: None)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ahead._pool, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ahead.start(prefetch_plan.Plan(binance, host_facts(), CLAIMS))
    assert in_thread(binance.ping).result(SOON).answered
    ahead.stop()


def test_a_stalled_answer_delays_only_questions_that_need_it(exchange: LocalExchange) -> None:
    """Questions that do not need the stalled answer are answered."""
    exchange.scenario = Scenario(faults={PREMIUM_INDEX.path: Fault.stall()})
    with session(exchange, BINANCE_USER_STREAM="off") as binance, prefetching(binance):
        assert in_thread(binance.ping).result(SOON).answered
        assert in_thread(binance.drift).result(SOON)


def test_a_limit_in_one_lane_ends_them_all() -> None:
    """After a limit in one lane, the other lanes send nothing more."""
    transport = scripted().on(ACCOUNT_CONFIG, LIMITED)
    binance = scripted_session(transport)
    with prefetching(binance):
        for ask in (binance.account, binance.locks, binance.dust_order):
            with pytest.raises(RateLimited):
                in_thread(ask).result(PATIENCE)
    assert not {ORDER_TEST.path, TRADING_STATUS.path, LISTEN_KEY.path} & set(transport.paths())


TROUBLED = (TIME, PING, EXCHANGE_INFO, PREMIUM_INDEX, API_RESTRICTIONS, ACCOUNT_CONFIG, TRADING_STATUS, LISTEN_KEY)
TROUBLES = {"refused": Fault.refused(-2015), "overloaded": Fault.overloaded_503()}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("troubled", mostly_slow([*TROUBLED, ORDER_TEST], 3), ids=str)
def test_checks_find_the_same_with_and_without_prefetching(troubled: Endpoint, trouble: str) -> None:
    """With and without prefetching, checks find the same; only a price and a listen key may be requested needlessly."""
    found, sent = [], []
    for ahead in (False, True):
        scenario = Scenario(faults={troubled.path: TROUBLES[trouble]})
        with LocalExchange(scenario) as exchange, session(exchange) as binance:
            with contextlib.suppress(Inconclusive):
                binance.clock_sample(1)
            with prefetching(binance) if ahead else contextlib.nullcontext():
                found.append({one.check.id: one.outcome for one in found_by_the_checks(binance).values()})
            sent.append(Counter(one.path for one in exchange.log))
    assert found[0] == found[1]
    in_vain = Counter([PREMIUM_INDEX.path, LISTEN_KEY.path])
    assert troubled is PING or sent[0] <= sent[1] <= sent[0] + in_vain
