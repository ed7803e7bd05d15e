"""The session asks each question once, stamps with the exchange's time, and stops when the run is to end."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest

from keycheck import clock
from keycheck.credentials.pasted_text import KeyFacts
from keycheck.credentials.signing import HmacSigner
from keycheck.errors import (
    BlockedEnRoute,
    ExchangeTrouble,
    Inconclusive,
    NotApplicable,
    NotBinance,
    OutOfTime,
    RateLimited,
    Refused,
    RestrictedLocation,
    Undecided,
    Unreachable,
)
from keycheck.exchange import api_client as session_module
from keycheck.exchange.answers import RawAnswer
from keycheck.exchange.api_client import Identity
from keycheck.exchange.endpoints import (
    ACCOUNT_CONFIG,
    API_RESTRICTIONS,
    EXCHANGE_INFO,
    ORDER_TEST,
    PING,
    POSITION_SIDE,
    PREMIUM_INDEX,
    SYMBOL_CONFIG,
    TIME,
    Endpoint,
    Host,
)
from keycheck.exchange.facts import PositionMode
from keycheck.exchange.session import Binance
from keycheck.exchange.throttle import Throttle
from keycheck.network.transport import HttpTransport
from keycheck.redaction.redactor import Redactor
from keycheck.redaction.secret import Secret
from keycheck.run.gather_evidence import evidence_of
from tests.exchange import API_KEY, API_SECRET, SCENARIOS, Fault, LocalExchange, Scenario, pages

JSON = {"content-type": "application/json"}
BUSY = RawAnswer(503, JSON, b'{"code": -1008, "msg": "Busy."}')
LATER = (PREMIUM_INDEX, ORDER_TEST, ORDER_TEST)
TRADES = {"canTrade": True, "dualSidePosition": False}
PERMITTED = {"enableFutures": True, "enableWithdrawals": False, "ipRestrict": True}
LIMITED = RawAnswer(429, JSON, b'{"code": -1003, "msg": "Too many requests."}')
COUNTRY = RawAnswer(403, {"content-type": "text/html"}, pages.COUNTRY.encode())


class Scripted:
    """A transport without a network: answers by path, in order, and repeats the last one."""

    def __init__(self) -> None:
        self.plan: dict[str, list[Any]] = {}
        self.sent: list[tuple[str, str]] = []
        self.keys: list[bool] = []

    def on(self, endpoint: Endpoint, *replies: Any) -> "Scripted":
        """Sets the answers of an endpoint: RawAnswers, JSON bodies, or exceptions to raise."""
        self.plan[endpoint.path] = list(replies)
        return self

    def send(self, endpoint: Endpoint, query: Secret, api_key: Secret | None, seconds: float) -> RawAnswer:
        """Returns or raises the next reply of the plan."""
        assert seconds > 0
        self.sent.append((endpoint.path, query.reveal()))
        self.keys.append(api_key is not None)
        replies = self.plan.get(endpoint.path, [RawAnswer(404, {}, b"")])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if callable(reply):
            reply = reply()
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, RawAnswer) else RawAnswer(200, JSON, json.dumps(reply).encode())

    def paths(self) -> list[str]:
        """The paths that were requested."""
        return [path for path, _ in self.sent]


def session(
    transport: Any,
    *,
    wallet: bool = True,
    keyless: bool = False,
    symbol: str = "BTCUSDT",
    expected: tuple[str, ...] = (),
) -> Binance:
    """A session with the local exchange's key."""
    identity = (
        Identity(KeyFacts()) if keyless else Identity(KeyFacts(), Secret(API_KEY), HmacSigner(Secret(API_SECRET)))
    )
    return Binance(
        transport,
        identity,
        symbol=symbol,
        recv_window=5000,
        has_wallet=wallet,
        journal=clock.NoJournal(),
        redactor=Redactor([API_KEY, API_SECRET]),
        listener=None,
        expected=expected,
        throttle=Throttle(clock.NoSleep(), 2400),
    )


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    """A healthy exchange, on which no order is ever placed."""
    with LocalExchange() as healthy:
        yield healthy
        assert healthy.real_orders == []


@pytest.fixture
def live(exchange: LocalExchange) -> Iterator[Binance]:
    """A session with the local exchange."""
    http = HttpTransport({Host.FUTURES: exchange.futures_url, Host.WALLET: exchange.wallet_url})
    yield session(http)
    http.close()


def at_noon() -> dict[str, int]:
    """The exchange's clock, equal to the local one."""
    return {"serverTime": round(clock.now_ms())}


def four_seconds_later() -> dict[str, int]:
    """The exchange's clock if the local clock was set back by four seconds."""
    return {"serverTime": at_noon()["serverTime"] + 4000}


def scripted() -> Scripted:
    """An exchange that answers every question of the suite."""
    lots = {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"}
    filters = [lots, {"filterType": "MIN_NOTIONAL", "notional": "50"}]
    limit = {"rateLimitType": "REQUEST_WEIGHT", "limit": 2400}
    contract = {"symbol": "BTCUSDT", "status": "TRADING", "filters": filters}
    return (
        Scripted()
        .on(PING, {})
        .on(TIME, at_noon)
        .on(EXCHANGE_INFO, {"rateLimits": [limit], "symbols": [contract]})
        .on(PREMIUM_INDEX, {"symbol": "BTCUSDT", "markPrice": "41000.1"})
        .on(ACCOUNT_CONFIG, TRADES)
        .on(API_RESTRICTIONS, PERMITTED)
        .on(ORDER_TEST, {})
    )


def ask_everything(asked: Binance) -> None:
    """Asks every question of the suite twice."""
    for _ in range(2):
        asked.ping()
        asked.drift()
        asked.signed_reads()
        asked.key_permissions()
        asked.account()
        asked.position_mode()
        asked.symbol_rules()
        asked.mark_price()
        asked.dust_order()
        asked.smallest_order()


# -- the whole conversation --


def test_a_healthy_key_gets_every_answer(live: Binance, exchange: LocalExchange) -> None:
    """Each question costs one request, and each host one connection; the weight of all is small."""
    ask_everything(live)
    assert live.signed_reads().accepted
    assert live.account().can_trade
    assert live.dust_order().was_checked
    assert live.smallest_order().accepted
    paths = [one.path for one in exchange.log]
    assert sorted(paths) == sorted(
        e.path for e in (PING, TIME, TIME, TIME, API_RESTRICTIONS, ACCOUNT_CONFIG, EXCHANGE_INFO, *LATER)
    )
    assert exchange.connections == {"futures": 1, "wallet": 1}
    assert sum(call.weight for call in live.calls if call.host is Host.FUTURES) == 13
    assert sum(call.weight for call in live.calls if call.host is Host.WALLET) == 1


def test_the_calls_are_the_evidence(live: Binance, exchange: LocalExchange) -> None:
    """`calls` lists the requests in the order in which they were sent, with status and code."""
    ask_everything(live)
    assert [(call.method, call.path, call.status, call.code) for call in live.calls] == [
        (one.method, one.path, one.status, one.code) for one in exchange.log
    ]
    assert all(call.duration_ms >= 0 for call in live.calls)
    assert repr(live) == "<Binance session, 10 requests so far>"


def test_a_finding_can_name_the_requests_it_rests_on(live: Binance) -> None:
    """A question's requests are its own and those of a shared earlier answer, each once."""
    live.ping()
    assert live.memo.take_used_calls() == (1,)
    live.account()
    assert live.memo.take_used_calls() == (2, 3)  # the clock is read before anything is signed
    live.account()
    live.ping()
    assert live.memo.take_used_calls() == (1, 2, 3)
    assert live.memo.take_used_calls() == ()


def test_gathering_evidence_sends_nothing(live: Binance) -> None:
    """Evidence holds the results so far, None for the others, and causes no request."""
    blank = evidence_of(live)
    assert (blank.permissions, blank.account_info, blank.can_trade, blank.drift) == (None, None, None, None)
    assert not live.calls
    live.key_permissions()
    live.account()
    live.account_info()
    live.drift()
    full = evidence_of(live)
    assert full.permissions is not None
    assert full.permissions["enableFutures"] is True
    assert "createTime" not in full.permissions
    assert full.account_info is not None
    assert full.account_info["isFutureEnabled"] is True
    assert full.can_trade is True
    assert full.drift == live.drift()
    assert [call.status for call in full.calls] == [200] * 6


@pytest.mark.parametrize("name", ["clock-behind", "clock-ahead"])
def test_a_wrong_clock_is_one_finding_and_not_ten(live: Binance, exchange: LocalExchange, name: str) -> None:
    """Stamps are corrected by the measured offset, so that a wrong clock fails one check and not ten."""
    exchange.scenario = SCENARIOS[name]
    drift = live.drift()
    assert abs(drift.offset + exchange.scenario.clock_offset_ms) <= drift.uncertainty + 5
    ask_everything(live)
    assert live.smallest_order().accepted


def test_the_stamp_is_the_exchanges_time() -> None:
    """A stamp is the local clock minus the offset in whole ms; recvWindow comes before it, the signature last."""
    transport = scripted().on(TIME, lambda: {"serverTime": round(clock.now_ms()) + 7000})
    session(transport).signed_reads()
    query = dict(transport.sent)[ACCOUNT_CONFIG.path]
    assert [name for name, _ in parse_qsl(query)] == ["recvWindow", "timestamp", "signature"]
    assert abs(int(dict(parse_qsl(query))["timestamp"]) - clock.now_ms() - 7000) < 500
    assert dict(parse_qsl(query))["recvWindow"] == "5000"


def test_a_public_request_carries_no_key() -> None:
    """A public request carries neither key nor stamp."""
    transport = scripted()
    ask_everything(session(transport))
    signed = {e.path for e in (ACCOUNT_CONFIG, API_RESTRICTIONS, ORDER_TEST)}
    for (path, query), key in zip(transport.sent, transport.keys, strict=True):
        assert key is (path in signed)
        assert ("signature=" in query) is (path in signed)


def test_each_signature_is_learned_by_the_redactor() -> None:
    """The redactor knows a signature before its request is sent."""
    redactor, transport = Redactor(), scripted()
    asked = session(transport)
    asked._client._redactor = redactor
    asked.signed_reads()
    assert all(redactor.knows(query.rpartition("=")[2]) for path, query in transport.sent if "signature=" in query)


# -- each question once --


def test_a_failure_is_remembered_too() -> None:
    """A failed question fails again with the same error, without a second request."""
    transport = scripted().on(EXCHANGE_INFO, NotBinance("no"))
    asked = session(transport)
    for _ in range(3):
        with pytest.raises(NotBinance):
            asked.symbol_rules()
        with pytest.raises(NotBinance):
            asked.dust_order()
    assert transport.paths().count(EXCHANGE_INFO.path) == 1


def test_a_clock_that_cannot_be_read_stops_signed_questions() -> None:
    """Without the exchange's time, a refusal would say nothing about the key."""
    transport = scripted().on(TIME, {"serverTime": "soon"})
    asked = session(transport)
    for ask in (asked.drift, asked.signed_reads, asked.account, asked.key_permissions):
        with pytest.raises(NotBinance, match="serverTime"):
            ask()
    assert set(transport.paths()) == {TIME.path}
    assert len(transport.sent) == 1


@pytest.mark.parametrize("stamp", [None, "1790000000000", 1.79e12, True, 1_790_000_000, 1_790_000_000_000_000, -1])
def test_a_stamp_that_is_not_milliseconds_is_not_a_clock(stamp: object) -> None:
    """Seconds and microseconds are not mistaken for a drift of decades."""
    with pytest.raises(NotBinance):
        session(scripted().on(TIME, {"serverTime": stamp})).drift()


# -- retries --


@pytest.mark.parametrize(
    "hiccup", [Unreachable("cut", "reset"), Unreachable("no", "refused"), BUSY, RawAnswer(502, {}, b"<html>")]
)
def test_a_get_is_tried_once_more(hiccup: Any) -> None:
    """A GET is sent again after a cut connection or an error of the exchange, and both attempts are counted."""
    transport = scripted().on(EXCHANGE_INFO, hiccup, {"symbols": [{"symbol": "BTCUSDT", "status": "TRADING"}]})
    asked = session(transport)
    assert asked.symbol_rules()
    assert transport.paths() == [EXCHANGE_INFO.path] * 2
    assert len(asked.calls) == 2


@pytest.mark.parametrize("hiccup", [Unreachable("cut", "reset"), BUSY])
def test_no_get_is_tried_a_third_time(hiccup: Any) -> None:
    """A request is sent twice at most, which is enough to tell a hiccup from an outage."""
    transport = scripted().on(PREMIUM_INDEX, hiccup)
    with pytest.raises((Unreachable, ExchangeTrouble)):
        session(transport).mark_price()
    assert transport.paths() == [PREMIUM_INDEX.path] * 2


@pytest.mark.parametrize(
    "reason",
    [
        *(Unreachable("no", kind) for kind in ("timeout", "tls", "dns")),
        *(RawAnswer(status, {}, b"") for status in (403, 202, 451, 302, 404, 401)),
        RawAnswer(200, {}, b"<html>"),
        LIMITED,
    ],
)
def test_an_error_that_would_come_again_is_not_retried(reason: Any) -> None:
    """A time-out has cost its time already; a firewall, a redirect and a limit would answer the same again."""
    transport = scripted().on(PREMIUM_INDEX, reason)
    with pytest.raises(Inconclusive):
        session(transport).mark_price()
    assert transport.paths() == [PREMIUM_INDEX.path]


@pytest.mark.parametrize("reason", [Unreachable("cut", "reset"), BUSY, LIMITED])
def test_an_order_is_never_sent_twice(reason: Any) -> None:
    """A test order is not sent again either."""
    transport = scripted().on(ORDER_TEST, reason)
    with pytest.raises(Inconclusive):
        session(transport).dust_order()
    assert transport.paths().count(ORDER_TEST.path) == 1


def test_a_retry_is_stamped_anew() -> None:
    """A second attempt has a stamp of its own."""
    later = iter([Unreachable("cut", "reset"), {"canTrade": True}])
    transport = scripted().on(ACCOUNT_CONFIG, lambda: next(later))
    asked = session(transport)
    asked.drift()
    moments = iter([1_790_000_000_000.0, 1_790_000_003_000.0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now_ms", lambda: next(moments))
        assert asked.account().can_trade
    first, second = (dict(parse_qsl(query)) for path, query in transport.sent if path == ACCOUNT_CONFIG.path)
    assert int(second["timestamp"]) - int(first["timestamp"]) == 3000
    assert first["signature"] != second["signature"]


def test_a_failed_attempt_does_not_count_in_a_clock_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of a failed attempt does not count in the round trip of the sample, where it would look like drift."""
    watches = iter(clock.Span(1_790_000_000_000.0 + n, 1000.0 if n == 0 else 10.0) for n in range(9))

    class Watch(clock.Stopwatch):
        def stop(self) -> clock.Span:
            return next(watches)

    monkeypatch.setattr(clock, "Stopwatch", Watch)
    transport = scripted().on(TIME, Unreachable("cut", "reset"), {"serverTime": 1_790_000_000_006})
    asked = session(transport)
    drift = asked.drift()
    assert transport.paths() == [TIME.path] * 4
    assert drift.uncertainty == 5.0
    assert drift.offset == 0.0  # began 1 ms late, 5 ms to the middle
    assert [call.duration_ms for call in asked.calls] == [1000, 10, 10, 10]


def test_three_samples_are_journalled_and_the_journal_decides() -> None:
    """A replay takes its clock samples from its journal."""

    class Old(clock.NoJournal):
        def keep(self, key: str, fresh: list[float], *, vital: bool = True) -> list[float]:  # noqa: ARG002  the interface
            super().keep(key, fresh)
            return [1_790_000_000_000.0, {"clock/1": 90.0, "clock/2": 20.0, "clock/3": 50.0}[key]]

    asked = session(scripted().on(TIME, {"serverTime": 1_789_999_993_010}))
    asked._journal = Old()
    assert (asked.drift().offset, asked.drift().uncertainty) == (7000.0, 10.0)


# -- stopping --


def test_a_limit_that_another_request_met_leaves_the_first_answer_standing() -> None:
    """The API has answered the first request, which is enough for the ping's check: the limit forbids a ping."""
    asked = session(scripted().on(PREMIUM_INDEX, LIMITED))
    asked.clock_sample(1)
    with pytest.raises(RateLimited):
        asked.mark_price()
    asked.memo.take_used_calls()
    assert asked.ping().answered
    assert asked.memo.take_used_calls() == (1,)
    assert len(asked.calls) == 2


@pytest.mark.parametrize("limit", [LIMITED, RawAnswer(418, {}, b""), RawAnswer(400, JSON, b'{"code": -1015}')])
def test_a_rate_limit_stops_everything(limit: RawAnswer) -> None:
    """After 429 and 418 nothing more is sent: the next answer may be a ban."""
    transport = scripted().on(PREMIUM_INDEX, limit)
    asked = session(transport)
    with pytest.raises(RateLimited):
        asked.mark_price()
    for ask in (asked.signed_reads, asked.symbol_rules, asked.dust_order, asked.key_permissions):
        with pytest.raises(RateLimited, match="earlier in this run"):
            ask()
    with pytest.raises(RateLimited, match="limits"):  # the first request met a limit, and was the last
        asked.ping()
    assert len(transport.sent) == 1


def test_a_run_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the run's time nothing more is sent."""
    monkeypatch.setattr(session_module, "RUN_SECONDS", 0)
    transport = scripted()
    asked = session(transport)
    for ask in (asked.ping, asked.drift, asked.signed_reads):
        with pytest.raises(OutOfTime):
            ask()
    assert transport.sent == []
    assert asked.calls == []


# -- the result of each answer --


@pytest.mark.parametrize(
    ("reason", "answered"),
    [
        (RawAnswer(451, {}, b""), False),
        (COUNTRY, False),
        ({}, True),
        ({"news": 1}, True),
    ],
)
def test_reaching_the_exchange_is_the_question_of_the_ping(reason: Any, answered: bool) -> None:
    """A ping finds out that Binance does not serve this machine's place: an observation, not an error."""
    assert session(scripted().on(PING, reason)).ping().answered is answered


ON_THE_WAY = [
    *(RawAnswer(status, {}, b"") for status in (202, 302, 401, 403, 404, 407, 500, 502, 503)),
    RawAnswer(202, {"x-amzn-waf-action": "challenge"}, b""),
    RawAnswer(200, {"content-type": "text/html"}, b"<html>"),
    RawAnswer(200, {"content-encoding": "br"}, b"\x8b\x00\x80{}\x03"),
    RawAnswer(200, {}, b'{"239999": "The system is under maintenance, please try again later."}'),
    LIMITED,
]


@pytest.mark.parametrize("reason", ON_THE_WAY, ids=lambda reason: f"{reason.status} {reason.headers}")
@pytest.mark.parametrize("asked_first", [PING, TIME], ids=str)
def test_answers_of_others_make_the_ping_inconclusive(reason: RawAnswer, asked_first: Endpoint) -> None:
    """A firewall, a portal, an outage or a limit makes the ping inconclusive, as the first request or after another."""
    asked = session(scripted().on(asked_first, reason))
    with contextlib.suppress(Inconclusive):
        asked.clock_sample(1)
    with pytest.raises(Inconclusive):
        asked.ping()


@pytest.mark.parametrize("reason", [RawAnswer(451, {}, b""), COUNTRY], ids=["451", "403"])
def test_any_request_can_show_that_a_location_is_not_served(reason: RawAnswer) -> None:
    """Any request can find out that this machine's place is not served; it then counts as refused."""
    first = session(scripted().on(TIME, reason))
    with pytest.raises(RestrictedLocation):
        first.clock_sample(1)
    assert not first.ping().answered
    for endpoint in (API_RESTRICTIONS, ACCOUNT_CONFIG):
        reads = session(scripted().on(endpoint, reason)).signed_reads()
        assert (reads.accepted, reads.refused) == (False, True)
        assert f"closed to the place this machine is in (HTTP {reason.status})" in str(reads)
    order = session(scripted().on(ORDER_TEST, reason)).dust_order()
    assert not order.was_checked
    for endpoint in (EXCHANGE_INFO, PREMIUM_INDEX):
        asked = session(scripted().on(endpoint, reason))
        for answer in (asked.dust_order(), asked.smallest_order()):
            assert (answer.accepted, answer.was_checked, answer.speaks_of_the_key) == (False, False, True)
    account = session(scripted().on(ACCOUNT_CONFIG, reason)).account()
    assert account.can_trade is None
    assert "this key" not in str(account)


def test_no_answer_to_the_ping_is_no_observation() -> None:
    """Without an answer to the ping nothing was observed, so the check is inconclusive."""
    with pytest.raises(Unreachable):
        session(scripted().on(PING, Unreachable("no name", "dns"))).ping()


@pytest.mark.parametrize("reason", [BUSY, LIMITED])
def test_a_busy_exchange_was_reached(reason: RawAnswer) -> None:
    """An answer that reports an overload or a limit is inconclusive."""
    with pytest.raises((ExchangeTrouble, RateLimited)):
        session(scripted().on(PING, reason)).ping()


def refusing(code: int, status: int = 400) -> RawAnswer:
    """A refusal with an error code."""
    return RawAnswer(status, JSON, json.dumps({"code": code, "msg": "No."}).encode())


@pytest.mark.parametrize(
    ("wallet", "futures", "accepted"),
    [
        (PERMITTED, TRADES, True),
        (PERMITTED, refusing(-2015, 401), True),
        (RawAnswer(403, {}, b""), TRADES, True),
        (refusing(-2015, 401), refusing(-2015, 401), False),
        (Unreachable("no", "timeout"), refusing(-1022), False),
        (refusing(-2014, 401), Unreachable("no", "timeout"), False),
    ],
)
def test_one_host_is_enough_to_know_the_key(wallet: Any, futures: Any, accepted: bool) -> None:
    """One host's answer is enough to know the key, if the other does not answer."""
    transport = scripted().on(API_RESTRICTIONS, wallet).on(ACCOUNT_CONFIG, futures)
    assert session(transport).signed_reads().accepted is accepted


@pytest.mark.parametrize(
    ("wallet", "futures", "kind"),
    [
        ({}, {}, NotBinance),
        (PERMITTED | {"success": False}, TRADES | {"code": "-2015"}, NotBinance),
        ({"239999": "Maintenance."}, refusing(-1021), ExchangeTrouble),
        (RawAnswer(403, {}, b""), BUSY, BlockedEnRoute),
        (BUSY, refusing(-1021), ExchangeTrouble),
        (refusing(-1021), refusing(-1021), Refused),
        (refusing(-9999), RawAnswer(403, {}, b""), BlockedEnRoute),
    ],
)
def test_a_clock_a_firewall_or_an_outage_is_inconclusive_about_the_key(
    wallet: Any, futures: Any, kind: type[Inconclusive]
) -> None:
    """A wrong clock, a firewall or an error of the exchange is inconclusive about the key."""
    transport = scripted().on(API_RESTRICTIONS, wallet).on(ACCOUNT_CONFIG, futures)
    with pytest.raises(kind):
        session(transport).signed_reads()


def stamp_of(query: str) -> int:
    """The time stamp of a signed query."""
    return int(dict(parse_qsl(query))["timestamp"])


ONCE_MORE = (ACCOUNT_CONFIG, API_RESTRICTIONS, ORDER_TEST)


@pytest.mark.parametrize("endpoint", ONCE_MORE, ids=str)
def test_a_request_is_sent_again_after_invalid_account(endpoint: Endpoint) -> None:
    """-1109 comes and goes, so the same request is sent once more, even a test order."""
    answer = {"orderId": 0} if endpoint is ORDER_TEST else TRADES | PERMITTED
    transport = scripted().on(endpoint, refusing(-1109), answer)
    asked = session(transport)
    assert asked.signed_reads().accepted
    assert asked.key_permissions().futures
    assert asked.account().can_trade
    assert asked.dust_order().was_checked
    assert transport.paths().count(endpoint.path) == 2


@pytest.mark.parametrize("endpoint", ONCE_MORE, ids=str)
def test_an_account_that_stays_invalid_is_trouble_of_the_exchange(endpoint: Endpoint) -> None:
    """A second -1109 is an error of the exchange, as during maintenance, and not a finding about the account."""
    transport = scripted().on(endpoint, refusing(-1109))
    asked = session(transport)
    ask = {ACCOUNT_CONFIG: asked.account, API_RESTRICTIONS: asked.key_permissions, ORDER_TEST: asked.dust_order}
    with pytest.raises(ExchangeTrouble) as caught:
        ask[endpoint]()
    assert caught.value.code == -1109
    assert transport.paths().count(endpoint.path) == 2


@pytest.mark.parametrize("code", [-1021, -5028])
@pytest.mark.parametrize("endpoint", ONCE_MORE, ids=str)
def test_a_refused_stamp_is_made_once_more_with_a_fresh_look_at_the_clock(endpoint: Endpoint, code: int) -> None:
    """One slow answer, or a clock that was just set, does not make the clock wrong: the stamp is renewed once."""
    answer = {"orderId": 0} if endpoint is ORDER_TEST else TRADES | PERMITTED
    transport = scripted().on(endpoint, refusing(code), answer).on(TIME, at_noon, at_noon, at_noon, four_seconds_later)
    asked = session(transport)
    asked.drift()
    assert asked.signed_reads().accepted
    assert asked.account().can_trade
    assert asked.dust_order().was_checked
    paths = transport.paths()
    assert (paths.count(endpoint.path), paths.count(TIME.path)) == (2, 4)
    assert paths[paths.index(endpoint.path) + 1 :][:2] == [TIME.path, endpoint.path]
    first, second = (stamp_of(query) for path, query in transport.sent if path == endpoint.path)
    assert 3000 < second - first < 5000
    # Requests sent after it carry the fresh stamp from the beginning.
    last = stamp_of(transport.sent[-1][1])
    assert asked.smallest_order().was_checked
    assert stamp_of(transport.sent[-1][1]) - last < 1000
    assert transport.paths().count(TIME.path) == 4


def test_a_stamp_that_is_refused_again_decides_nothing() -> None:
    """A request is stamped at most twice, and the clock is read again only once in a run."""
    transport = scripted().on(ACCOUNT_CONFIG, refusing(-1021)).on(API_RESTRICTIONS, refusing(-1021))
    with pytest.raises(Refused):
        session(transport).signed_reads()
    paths = transport.paths()
    assert [paths.count(one.path) for one in (ACCOUNT_CONFIG, API_RESTRICTIONS, TIME)] == [1, 2, 2]


def test_the_refusal_is_the_error_if_the_clock_cannot_be_read_again() -> None:
    """If the clock cannot be read again, the error is the refusal and not the failed reading."""
    transport = scripted().on(ACCOUNT_CONFIG, refusing(-1021)).on(TIME, at_noon, Unreachable("no", "timeout"))
    with pytest.raises(Refused, match="-1021"):
        session(transport).account()


def test_a_test_order_is_not_sent_again_after_other_refusals() -> None:
    """A POST is not repeated after an error that leaves its outcome open."""
    for code in (-1000, -1007, -1008, -1016):
        transport = scripted().on(ORDER_TEST, refusing(code))
        with pytest.raises(ExchangeTrouble):
            session(transport).dust_order()
        assert transport.paths().count(ORDER_TEST.path) == 1


def test_demo_knows_no_permissions() -> None:
    """Demo has no wallet API, so the suite does not request permissions there."""
    transport = scripted()
    asked = session(transport, wallet=False)
    with pytest.raises(NotApplicable):
        asked.key_permissions()
    assert asked.signed_reads().accepted
    assert API_RESTRICTIONS.path not in transport.paths()


def test_without_a_key_nothing_signed_is_sent() -> None:
    """Without a key only public requests are sent."""
    transport = scripted()
    asked = session(transport, keyless=True)
    with pytest.raises(Undecided, match="needs a key"):
        asked.signed_reads()
    assert asked.ping().answered
    assert asked.symbol_rules()
    assert set(transport.paths()) == {PING.path, EXCHANGE_INFO.path}


@pytest.mark.parametrize("code", [-2015, -4109])
def test_a_refused_account_is_an_answer(code: int) -> None:
    """A refused accountConfig is a result about the key or its account."""
    account = session(scripted().on(ACCOUNT_CONFIG, refusing(code))).account()
    assert account.can_trade is None
    assert str(code) in str(account)


@pytest.mark.parametrize("code", [-1021, -1102, -9999])
def test_a_refusal_that_is_not_about_the_account_is_inconclusive(code: int) -> None:
    """A refusal of accountConfig that is not about the account, such as for a wrong clock, is inconclusive."""
    with pytest.raises(Refused):
        session(scripted().on(ACCOUNT_CONFIG, refusing(code))).account()


def test_position_side_is_requested_only_if_it_is_needed() -> None:
    """positionSide/dual has weight 30, so it is requested only if accountConfig, of weight 5, lacks the mode."""
    transport = scripted().on(ACCOUNT_CONFIG, {"canTrade": True}).on(POSITION_SIDE, {"dualSidePosition": True})
    assert session(transport).position_mode() is PositionMode.HEDGE
    assert POSITION_SIDE.path in transport.paths()
    transport = scripted()
    assert session(transport).position_mode() is PositionMode.ONE_WAY
    assert POSITION_SIDE.path not in transport.paths()


@pytest.mark.parametrize("price", [None, 41000.1, "0", "0.00000000", "-1", "NaN"], ids=repr)
def test_an_unusable_price_builds_no_order(price: object) -> None:
    """A price of zero or of another type builds no order, and nothing is divided by zero."""
    with pytest.raises(NotBinance, match="markPrice"):
        session(scripted().on(PREMIUM_INDEX, {"symbol": "BTCUSDT", "markPrice": price})).dust_order()


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ({"symbol": "ETHUSDT", "markPrice": "2280.35"}, "another contract or for none"),
        ({"symbol": "btcusdt", "markPrice": "2280.35"}, "another contract or for none"),
        ({"markPrice": "2280.35"}, "another contract or for none"),
        (RawAnswer(200, JSON, b'[{"symbol": "BTCUSDT", "markPrice": "41000.1"}]'), "a list"),
    ],
)
def test_the_price_of_another_contract_builds_no_order(reply: Any, why: str) -> None:
    """The price of another contract builds no order, nor does the list of all prices."""
    transport = scripted().on(PREMIUM_INDEX, reply)
    with pytest.raises(NotBinance, match=why):
        session(transport).dust_order()
    assert ORDER_TEST.path not in transport.paths()


def test_the_two_orders_are_what_they_should_be(exchange: LocalExchange, live: Binance) -> None:
    """Both are MARKET orders to buy, one below and one above the minimum, with the account's position side."""
    exchange.scenario = replace(SCENARIOS["hedge-mode"], mark_prices={"BTCUSDT": "41000.10"})
    assert live.dust_order().was_checked
    assert not live.dust_order().accepted  # refused with -4164, as it should be
    assert live.smallest_order().accepted
    dust, smallest = (one.params for one in exchange.requests_to(ORDER_TEST.path))
    for order in (dust, smallest):
        assert (order["symbol"], order["side"], order["type"]) == ("BTCUSDT", "BUY", "MARKET")
        assert order["positionSide"] == "LONG"
        assert "reduceOnly" not in order  # exempt from the minimum, so it would prove nothing
    assert Decimal(dust["quantity"]) * Decimal("41000.10") < 50 <= Decimal(smallest["quantity"]) * Decimal("38950")


def test_a_contract_that_is_not_listed_is_not_ordered() -> None:
    """An unlisted contract is not ordered, and no other is ordered instead."""
    transport = scripted()
    asked = session(transport, symbol="NOPEUSDT")
    assert asked.symbol_rules() is None
    with pytest.raises(Undecided, match="NOPEUSDT"):
        asked.dust_order()
    assert ORDER_TEST.path not in transport.paths()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        *(({"code": code}, NotBinance) for code in ("-2015", -2015.0, True)),
        ({"success": False}, NotBinance),
        ({"orderId": 1, "error": "no"}, NotBinance),
        ({"status": "up"}, NotBinance),
        ({"239999": "The system is under maintenance."}, ExchangeTrouble),
        (RawAnswer(400, JSON, b'{"code": "-4164"}'), NotBinance),
        (RawAnswer(400, JSON, b'{"239999": "Maintenance."}'), ExchangeTrouble),
    ],
)
def test_an_order_that_was_not_accepted_in_so_many_words_is_not_weighed(reply: Any, kind: type[Inconclusive]) -> None:
    """An unclear answer to a test order is inconclusive."""
    asked = session(scripted().on(ORDER_TEST, reply))
    for ask in (asked.dust_order, asked.smallest_order):
        with pytest.raises(kind):
            ask()


@pytest.mark.parametrize("code", [-1021, -1022, -1111, -9999, -2019, -4164, -4192, -2015])
def test_an_order_is_judged_by_its_code(code: int) -> None:
    """The code decides the meaning: clock, format and unknown codes are inconclusive."""
    ask = session(scripted().on(ORDER_TEST, refusing(code))).dust_order
    if code in (-1021, -1111, -9999):
        with pytest.raises(Refused, match=f"code {code}"):
            ask()
    else:
        assert ask().was_checked is (code in (-2019, -4164))


def test_an_order_rule_that_the_smallest_order_breaks_is_our_fault() -> None:
    """The suite built the smallest order, so a broken order rule is not a finding about the key."""
    with pytest.raises(Refused, match="says nothing about the key"):
        session(scripted().on(ORDER_TEST, refusing(-4164))).smallest_order()


def test_an_order_that_is_rejected_without_a_reason_may_be_refused_for_the_keys_list() -> None:
    """-2010 is not always about the order: the key may have a list of contracts, and this one may not be on it."""
    with pytest.raises(Refused, match="not on the key's own list"):
        session(scripted().on(ORDER_TEST, refusing(-2010))).smallest_order()


@pytest.mark.parametrize("hedge", [True, False])
def test_a_difference_is_told_though_another_setting_cannot_be_read(hedge: bool) -> None:
    """A setting that differs from BINANCE_EXPECT is enough to know; without one, an unread setting leaves it open."""
    account = TRADES | {"dualSidePosition": hedge}
    asked = session(scripted().on(ACCOUNT_CONFIG, account).on(SYMBOL_CONFIG, BUSY), expected=("one-way", "isolated"))
    if hedge:
        assert "position mode is hedge, but BINANCE_EXPECT names one-way" in str(asked.account_setup())
    else:
        with pytest.raises(ExchangeTrouble):
            asked.account_setup()


# -- evidence --


def test_the_weight_limit_is_known_if_exchangeinfo_was_read() -> None:
    """The weight limit comes from exchangeInfo if a check has requested that; it is not requested for the limit."""
    transport = scripted()
    asked = session(transport)
    assert asked.weight_limit is None
    assert transport.sent == []
    asked.symbol_rules()
    assert asked.weight_limit == 2400


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        ({}, 200, None),
        (refusing(-1121), 400, -1121),
        (BUSY, 503, -1008),
        (LIMITED, 429, -1003),
        (RawAnswer(451, JSON, b'{"code": 0, "msg": "Restricted."}'), 451, 0),
        (RawAnswer(502, {}, b"<html>"), 502, None),
        (Unreachable("cut", "timeout"), None, None),
    ],
)
def test_a_call_keeps_status_and_code_that_came(reply: Any, status: int | None, code: int | None) -> None:
    """A call has a code only if the answer had one."""
    asked = session(scripted().on(PING, reply))
    with contextlib.suppress(Inconclusive):
        asked.ping()
    assert (asked.calls[-1].status, asked.calls[-1].code) == (status, code)


def test_a_key_in_an_error_page_is_not_repeated(live: Binance, exchange: LocalExchange) -> None:
    """If an error page repeats key and signature, neither evidence nor errors do."""
    healthy = Scenario()
    exchange.scenario = replace(healthy, faults={ACCOUNT_CONFIG.path: Fault.echo(400)})
    live.signed_reads()
    with pytest.raises(Inconclusive) as caught:
        live.account()
    shown = str(caught.value) + repr(live.calls)
    signatures = [one.params["signature"] for one in exchange.log if "signature" in one.params]
    assert signatures
    assert not any(secret[i : i + 10] in shown for secret in (API_KEY, *signatures) for i in range(55))


def test_a_message_of_binance_is_cleaned() -> None:
    """A message's key is hidden; the caller's address stays until the report is shared."""
    told = json.dumps({"code": -2015, "msg": f"Invalid API-key {API_KEY}, request ip: 203.0.113.7"}).encode()
    transport = scripted().on(ACCOUNT_CONFIG, RawAnswer(401, JSON, told)).on(API_RESTRICTIONS, refusing(-2015))
    asked = session(transport)
    shown = str(asked.signed_reads()) + repr(asked.calls)
    assert "-2015" in shown
    assert "203.0.113.7" in shown
    assert API_KEY[:10] not in shown
