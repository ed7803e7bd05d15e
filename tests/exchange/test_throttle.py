"""A request waits for the exchange's next minute if this one is nearly used up, and each figure causes one wait."""

import json
from collections.abc import Callable, Iterator

import pytest

from keycheck import clock
from keycheck.credentials.pasted_text import KeyFacts
from keycheck.credentials.signing import HmacSigner
from keycheck.errors import Inconclusive, OutOfTime, RateLimited, Undecided, Unreachable
from keycheck.exchange import api_client
from keycheck.exchange.answers import RawAnswer
from keycheck.exchange.api_client import ApiClient, Identity
from keycheck.exchange.endpoints import ACCOUNT_CONFIG, API_RESTRICTIONS, ORDER_TEST, PING, TIME, Endpoint
from keycheck.exchange.throttle import Throttle
from keycheck.redaction.redactor import Redactor
from keycheck.redaction.secret import Secret
from tests.exchange import Fault, LocalExchange, Scenario
from tests.fake_clock import StandIn
from tests.in_process import session

FULL, ROOMY = 2231, 12  # of 2400
BEGIN = 1_795_176_036.5  # the run begins 36.5 s into a minute
ROOM = BEGIN + 24  # half a second into the next


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A clock that only sleeping moves on, so that no test waits."""
    stand_in = StandIn(BEGIN)
    monkeypatch.setattr(clock, "time", stand_in)
    return stand_in


class Metered:
    """A transport that answers with these used weights, None for no header, and repeats the last one."""

    def __init__(self, now: StandIn, *used: int | None, status: int = 200) -> None:
        self.sent: list[tuple[str, float, str]] = []
        self.status = status
        self._now = now
        self._used = list(used)

    def send(self, endpoint: Endpoint, query: Secret, api_key: Secret | None, seconds: float) -> RawAnswer:  # noqa: ARG002
        """Answers like the exchange, with the next used weight."""
        self.sent.append((endpoint.path, self._now.now, query.reveal()))
        used = self._used.pop(0) if len(self._used) > 1 else self._used[0]
        headers = {} if used is None else {"x-mbx-used-weight-1m": str(used)}
        status, self.status = self.status, 200
        return RawAnswer(status, headers, b'{"canTrade": true, "enableReading": true, "orderId": 1}')

    @property
    def moments(self) -> list[float]:
        """When each request was sent, in seconds since the run began."""
        return [round(moment - BEGIN, 3) for _, moment, _ in self.sent]


class Unhurried:
    """A caller that is never cancelled."""

    def note_call(self, number: int) -> None:
        """Forgets the number."""

    def check_cancelled(self, *, must_wait: bool) -> None:
        """Lets every request pass."""


def client_with(transport: Metered, pause: clock.Pause | None = None, *, keyless: bool = False) -> ApiClient:
    """An API client with that transport and a limit of 2400."""
    identity = Identity(KeyFacts(), Secret("k" * 64), None if keyless else HmacSigner(Secret("s" * 64)))
    return ApiClient(
        transport,
        identity,
        Redactor(),
        clock.NoJournal(),
        Unhurried(),
        throttle=Throttle(pause or clock.Sleep(), 2400),
        recv_window=5000,
    )


# -- requests that wait --


@pytest.mark.parametrize("endpoint", [PING, ACCOUNT_CONFIG, ORDER_TEST], ids=str)
def test_a_request_waits_for_the_next_minute(endpoint: Endpoint, now: StandIn) -> None:
    """A POST waits, too; it is sent once, and a signed one is stamped after the wait."""
    transport = Metered(now, FULL, ROOMY)
    client = client_with(transport)
    client.ask(PING)
    client.ask(endpoint)
    assert transport.moments == [0, 24]
    if endpoint.signed:
        assert f"timestamp={round(ROOM * 1000)}&" in transport.sent[1][2]
    client.ask(endpoint)
    assert transport.moments == [0, 24, 24]


@pytest.mark.parametrize("used", [None, 0, ROOMY, 2136, 2160])
def test_a_run_with_room_does_not_wait(used: int | None, now: StandIn) -> None:
    """A run does not wait at 89 % or 90 %, nor without a figure."""
    transport = Metered(now, used)
    client = client_with(transport)
    for endpoint in (PING, ACCOUNT_CONFIG, ORDER_TEST):
        client.ask(endpoint)
    assert transport.moments == [0, 0, 0]
    assert [call.used_weight for call in client.calls] == [used] * 3


def test_the_counters_of_the_wallet_host_are_separate(now: StandIn) -> None:
    """The wallet host does not wait for the futures host's counter, and its own headers do not change that counter."""
    transport = Metered(now, FULL)
    client = client_with(transport)
    client.ask(API_RESTRICTIONS)
    client.ask(PING)
    client.ask(API_RESTRICTIONS)
    assert transport.moments == [0, 0, 0]
    assert [call.used_weight for call in client.calls] == [None, FULL, None]
    client.ask(PING)
    assert transport.moments[-1] == 24


def test_a_retry_waits_for_the_weight_of_the_first_answer(now: StandIn) -> None:
    """An error answer has a used weight as well, and the second attempt waits for it."""
    transport = Metered(now, FULL, ROOMY, status=503)
    client_with(transport).ask(TIME)
    assert transport.moments == [0, 24]


def test_a_request_that_cannot_be_sent_does_not_wait(now: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that cannot be sent does not wait: without a key, after a 429, at the end of the run's time."""
    client = client_with(Metered(now, FULL), keyless=True)
    client.ask(PING)
    with pytest.raises(Undecided):
        client.ask(ACCOUNT_CONFIG)
    limited = client_with(Metered(now, 2400, status=429))
    for _ in range(2):
        with pytest.raises(RateLimited):
            limited.ask(PING)
    monkeypatch.setattr(api_client, "RUN_SECONDS", 0)
    with pytest.raises(OutOfTime):
        client.ask(PING)
    assert now.slept == []


# -- length of the wait --


def test_a_figure_is_waited_for_once(now: StandIn) -> None:
    """A figure causes only one wait: in the next minute, only the figure of a new answer counts."""
    transport = Metered(now, FULL, None)
    client = client_with(transport)
    for _ in range(3):
        client.ask(PING)
    assert transport.moments == [0, 24, 24]


def test_a_figure_of_a_minute_that_is_over_is_no_reason_to_wait(now: StandIn) -> None:
    """A figure of an earlier minute causes no wait."""
    transport = Metered(now, FULL)
    client = client_with(transport)
    client.ask(PING)
    now.now += 30
    client.ask(PING)
    assert transport.moments == [0, 30]


def test_an_answer_without_the_header_keeps_the_last_figure(now: StandIn) -> None:
    """After an answer without the header, the last figure still holds."""
    transport = Metered(now, FULL, ROOMY)
    client = client_with(transport)
    client.ask(PING)
    client.ask(API_RESTRICTIONS)
    client.ask(PING)
    assert transport.moments == [0, 0, 24]


def test_a_run_waits_sixty_seconds_in_all_and_then_goes_on(now: StandIn) -> None:
    """A run waits sixty seconds in all, even if the exchange reports a full minute more often."""
    transport = Metered(now, FULL)
    client = client_with(transport)
    for _ in range(5):
        client.ask(PING)
    assert transport.moments[:2] == [0, 24]
    assert 59 <= transport.moments[2] == transport.moments[4] <= 60
    assert 59 <= client._throttle.seconds < 60.001


def test_a_wait_is_not_counted_against_the_runs_time(now: StandIn) -> None:
    """Waiting does not use up the run's time: 60 s of waiting leave it whole, and 45 s of anything else use it up."""
    now.now -= 36  # a wait of 60 s
    transport = Metered(now, FULL, ROOMY)
    client = client_with(transport)
    client.ask(PING)
    now.now += 0.1
    client.ask(PING)
    assert client._throttle.seconds == pytest.approx(60, abs=1e-5)
    now.now += 44.8
    client.ask(PING)
    now.now += 0.2
    with pytest.raises(OutOfTime):
        client.ask(PING)
    assert [call.began_ms for call in client.calls] == [0, 60_100, 104_900]


def test_a_replay_sends_the_same_and_does_not_wait(now: StandIn) -> None:
    """A replay does not wait."""
    transport = Metered(now, FULL)
    client = client_with(transport, clock.NoSleep())
    for _ in range(9):
        client.ask(PING)
    assert transport.moments == [0] * 9
    assert (now.slept, client._throttle.seconds) == ([], 0)


def test_ctrl_c_ends_a_wait_and_nothing_is_sent(now: StandIn) -> None:
    """Ctrl-C ends a wait at any second, and the request is not sent."""
    now._patience = 5
    transport = Metered(now, FULL)
    client = client_with(transport)
    client.ask(PING)
    with pytest.raises(KeyboardInterrupt):
        client.ask(PING)
    assert len(now.slept) == 5
    assert len(transport.sent) == 1


# -- limit, clock and counter --


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    """A local exchange on real sockets, with a running clock."""
    with LocalExchange() as running:
        yield running


def test_the_limit_is_the_documented_one_until_exchangeinfo_is_read(exchange: LocalExchange) -> None:
    """The limit is the documented one until exchangeInfo was read: 2300 are too much of 2400, but not of 6000."""
    told: list[tuple[int, int, int]] = []
    waiting = Throttle(clock.Sleep(), 6000, lambda *what: told.append(what))
    exchange.scenario = Scenario(used_weight=2300)
    with session(exchange, waiting) as live:
        live.ping()
        assert (live.exchange_info()["rateLimits"][0]["limit"], told, waiting.limit) == (2400, [], 2400)
        live.mark_price()
    assert [told[0], told[-1]] == [(2302, 2400, 24), (2302, 2400, 0)]
    assert live.waited == pytest.approx(24, abs=1e-5)


def test_the_minute_is_the_exchanges_once_the_drift_is_known(exchange: LocalExchange, now: StandIn) -> None:
    """The wait ends with the exchange's minute, 20 s after the local one. Both clocks stand still during the test."""
    waiting = Throttle(clock.Sleep(), 2400)
    stands = Fault.body(json.dumps({"serverTime": round((now.now - 20) * 1000)}).encode())
    exchange.scenario = Scenario(faults={TIME.path: stands})
    with session(exchange, waiting) as live:
        assert live.drift().offset == pytest.approx(20_000)
        exchange.scenario = Scenario(used_weight=2300)
        live.ping()
        live.mark_price()
    assert live.waited == pytest.approx(44)  # from 16.5 s into the exchange's minute to half a second into its next


@pytest.mark.parametrize("header", ["X-MBX-USED-WEIGHT-1M", "x-mbx-used-weight-1m", "X-Mbx-Used-Weight", None])
def test_the_header_is_read_off_every_answer(header: str | None, exchange: LocalExchange) -> None:
    """The header is read in any spelling; without it the used weight is None."""
    exchange.scenario = Scenario(used_weight=100, weight_header=header)
    with session(exchange) as live:
        live.ping()
        live.exchange_info()
    assert [call.used_weight for call in live.calls] == ([101, 102] if header else [None, None])


def test_a_limit_that_is_met_during_a_wait_ends_it_all(now: StandIn) -> None:
    """If another thread's request meets a limit during a wait, nothing is sent after the wait."""

    class Limiting(clock.Sleep):
        def wait(self, seconds: float, tell: Callable[[int], None]) -> None:
            super().wait(seconds, tell)
            client._stopped = RateLimited("limited")

    transport = Metered(now, FULL)
    client = client_with(transport, Limiting())
    client.ask(PING)
    with pytest.raises(RateLimited, match="not sent"):
        client.ask(PING)
    assert transport.moments == [0]


def test_without_an_answer_there_is_no_used_weight(now: StandIn) -> None:
    """Without an answer there is no used weight, and so no wait."""

    class Dead(Metered):
        def send(self, *_: object) -> RawAnswer:
            raise Unreachable("no", "timeout")

    client = client_with(Dead(now, FULL))
    for _ in range(2):
        with pytest.raises(Inconclusive):
            client.ask(PING)
    assert [call.used_weight for call in client.calls] == [None]  # the first request, and so the only one
    assert now.slept == []
