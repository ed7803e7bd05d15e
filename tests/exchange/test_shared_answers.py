"""Shared answers: when a run uses those of another run in place of requests, and when it sends the requests itself."""

import contextlib
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any

import pytest

from keycheck import clock
from keycheck.errors import Inconclusive, Refused, Unreachable
from keycheck.exchange import shared_answers
from keycheck.exchange.answers import RawAnswer
from keycheck.exchange.endpoints import ACCOUNT_CONFIG, EXCHANGE_INFO, ORDER_TEST, PING, PREMIUM_INDEX, TIME
from keycheck.exchange.session import Binance
from tests.exchange.test_session import JSON, TRADES, Scripted, scripted, session

SETTINGS = (("production", "https://fapi.binance.com", "BTCUSDT", "", ""), "BTCUSDT", 5000)
SHARED = (TIME, TIME, TIME, EXCHANGE_INFO, PREMIUM_INDEX)
TOO_SMALL = RawAnswer(400, JSON, b'{"code": -4164, "msg": "Order\'s notional must be no smaller than 50."}')
TOO_PRECISE = RawAnswer(400, JSON, b'{"code": -1111, "msg": "Precision is over the maximum."}')
STALE_STAMP = RawAnswer(
    400, JSON, b'{"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}'
)


def pong(off_by: float = 0) -> RawAnswer:
    """The answer to a ping. `off_by`: how many ms its Date header is behind the local clock."""
    date = formatdate((clock.now_ms() - off_by) / 1000, usegmt=True)
    return RawAnswer(200, {**JSON, "date": date}, b"{}")


def exchange() -> Scripted:
    """An exchange that answers every request, with a Date header in the answer to a ping."""
    return scripted().on(PING, pong)


def joined(transport: Scripted, text: str = "") -> Binance:
    """A session that shares, with the shared answers `text`."""
    one = session(transport)
    one.sharing.join(text, *SETTINGS)
    return one


def ask(one: Binance) -> None:
    """Asks the session all public questions except the ping."""
    one.drift()
    one.symbol_rules()
    one.mark_price()


def public(transport: Scripted | None = None) -> str:
    """The shared answers of a session that has sent all public requests itself."""
    one = joined(transport or exchange())
    ask(one)
    return one.sharing.text()


def counted(transport: Scripted) -> Counter[str]:
    """How often each path was requested."""
    return Counter(transport.paths())


def test_shared_answers_take_the_place_of_requests() -> None:
    """A session with shared answers has the first session's clock, rules and price, and sends only its own ping."""
    first, second = joined(exchange()), joined(behind := exchange(), public())
    ask(first)
    ask(second)
    assert behind.paths() == [PING.path]
    assert (second.symbol_rules(), second.mark_price()) == (first.symbol_rules(), first.mark_price())
    assert second.weight_limit == 2400
    assert [call.source for call in second.calls] == ["", *["shared by the lane, 0 s old"] * 5]
    assert sum(call.weight for call in second.calls) == second.limits.spent == PING.weight
    assert second.sharing.text() == ""  # it hands on no answers but its own


def test_only_the_needed_part_of_exchange_info_is_handed_on() -> None:
    """Of exchangeInfo, only contract and limits are handed on; a session that does not share hands on nothing."""
    many = [{"symbol": f"X{number}USDT", "status": "TRADING", "filters": []} for number in range(900)]
    whole = json.loads(public())["exchangeInfo"]
    entry = whole["symbols"][0] | {"baseAsset": "BTC"}
    text = public(exchange().on(EXCHANGE_INFO, whole | {"symbols": [*many, entry], "assets": []}))
    assert json.loads(text)["exchangeInfo"] == whole
    apart = session(exchange())
    ask(apart)
    assert apart.sharing.text() == ""


def changed(*path: Any, to: Any) -> Callable[[str], str]:
    """A function that changes one value in a text of shared answers."""

    def change(text: str) -> str:
        found = place = json.loads(text)
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to(place[path[-1]]) if callable(to) else to
        return json.dumps(found)

    return change


CONTRACT = ("exchangeInfo", "symbols", 0)
TAMPERED: dict[str, Callable[[str], str]] = {
    "no JSON": lambda text: text[:-1],
    "a list": lambda text: f"[{text}]",
    "a name twice": lambda text: text.replace('"at"', '"at": 1, "at"'),
    "too long": lambda text: text + " " * shared_answers.LONGEST,
    "a lone surrogate": lambda text: text + "\ud800",
    "one member more": lambda text: text[:-1] + ', "more": 1}',
    "of other hosts": changed("source", 1, to="https://example.com"),
    "61 s old": changed("at", to=lambda at: at - 61),
    "wholly of the future": lambda text: changed("at", to=lambda at: at + 5)(
        changed("clock", to=lambda samples: [[sent + 5000, took, server + 5000] for sent, took, server in samples])(
            text
        )
    ),
    "no number": changed("at", to="0"),
    "no finite number": lambda text: re.sub(r'"at": [\d.]+', '"at": NaN', text),
    "a flag": changed("at", to=True),
    "from before the wall clock was set": changed("ahead", to=lambda ahead: ahead + 30),
    "two samples": changed("clock", to=lambda samples: samples[1:]),
    "a sample of another day": changed("clock", 0, to=[1.0, 1.0, 1]),
    "samples that contradict each other": changed("clock", 0, 2, to=lambda server: server + 1500),
    "a clock that is text": changed("clock", 0, 2, to=str),
    "a clock that is a fraction": changed("clock", 0, 2, to=lambda server: server + 0.5),
    "a round trip before its request": changed("clock", 0, 1, to=-1.0),
    "a clock that is 2 s off": changed("clock", to=lambda samples: [[*one[:2], one[2] + 2100] for one in samples]),
    "a stamp outside the window": changed("clock", to=lambda samples: [[*one[:2], one[2] - 1100] for one in samples]),
    "no limit of weight": changed("exchangeInfo", "rateLimits", to=[]),
    "no contract": changed("exchangeInfo", "symbols", to=[]),
    "another contract": changed(*CONTRACT, "symbol", to="ETHUSDT"),
    "the contract twice": changed("exchangeInfo", "symbols", to=lambda symbols: symbols * 2),
    "a contract that is closed": changed(*CONTRACT, "status", to="CLOSE"),
    "no filters": changed(*CONTRACT, "filters", to=None),
    "no lot size": changed(*CONTRACT, "filters", 0, "filterType", to="MARKET_LOT_SIZE"),
    "a market lot that is not a figure": changed(
        *CONTRACT, "filters", to=lambda filters: [*filters, {"filterType": "MARKET_LOT_SIZE", "minQty": "few"}]
    ),
    "no smallest value": changed(*CONTRACT, "filters", to=lambda filters: filters[:1]),
    "no step size": changed(*CONTRACT, "filters", 0, "stepSize", to=None),
    "filters that disagree": changed(
        *CONTRACT, "filters", to=lambda filters: [*filters, filters[1] | {"notional": "1"}]
    ),
    "no price": changed("premiumIndex", "markPrice", to="0"),
    "a price that is not text": changed("premiumIndex", "markPrice", to=1.5),
    "another contract's price": changed("premiumIndex", "symbol", to="ETHUSDT"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_text_with_any_fault_is_not_used(name: str) -> None:
    """If a text is malformed, too old, of other hosts, or would fail a check, the run sends all requests itself."""
    text = public()
    assert shared_answers.read(text, *SETTINGS)
    one = joined(asked := exchange(), TAMPERED[name](text))
    ask(one)
    assert counted(asked) == Counter(endpoint.path for endpoint in SHARED)
    assert shared_answers.read(one.sharing.text(), *SETTINGS)


@pytest.mark.parametrize(
    "sick",
    [
        lambda: exchange().on(EXCHANGE_INFO, {"symbols": []}),
        lambda: exchange().on(PREMIUM_INDEX, {"symbol": "BTCUSDT", "markPrice": "0"}),
        lambda: exchange().on(TIME, lambda: {"serverTime": round(clock.now_ms()) - 3000}),
        lambda: exchange().on(TIME, Unreachable("cut", "reset"), lambda: {"serverTime": round(clock.now_ms())}),
    ],
    ids=["rules", "price", "clock", "trouble"],
)
def test_a_run_that_met_anything_bad_hands_nothing_on(sick: Callable[[], Scripted]) -> None:
    """A run shares nothing if one of its public answers is bad, or if a request failed."""
    one = joined(sick())
    for question in (one.drift, one.symbol_rules, one.mark_price):
        with contextlib.suppress(Inconclusive):
            question()
    assert one.sharing.text() == ""


@pytest.mark.parametrize(("drift", "off_by"), [(0, -4000), (0, 4000), (-950, 700), (-1500, -2000)])
def test_the_date_of_the_runs_own_ping_must_agree(drift: int, off_by: int) -> None:
    """If the ping's Date contradicts the shared clock, or does not prove a drift under 2 s, nothing shared is used."""
    text = public(exchange().on(TIME, lambda: {"serverTime": round(clock.now_ms()) - drift}))
    assert text
    one = joined(asked := exchange().on(PING, lambda: pong(off_by)), text)
    ask(one)
    assert counted(asked) == Counter(endpoint.path for endpoint in (PING, *SHARED))


def test_a_ping_without_a_date_proves_nothing() -> None:
    """If the answer to the ping has no Date header, the run uses no shared answer."""
    one = joined(asked := scripted(), public())
    ask(one)
    assert counted(asked) == Counter(endpoint.path for endpoint in (PING, *SHARED))


def test_the_ping_is_the_first_request_and_alone() -> None:
    """If the ping fails, nothing else is sent, and no shared answer is used."""
    one = joined(asked := exchange().on(PING, Unreachable("no route", "no_route")), public())
    for question in (one.drift, one.mark_price, one.account, one.ping):
        with pytest.raises(Unreachable, match="no route"):
            question()
    assert set(asked.paths()) == {PING.path}
    assert [call.source for call in one.calls] == [""] * len(one.calls)


def test_an_answer_is_not_used_after_60_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that has waited until the shared answers are too old sends the request itself."""
    one = joined(asked := exchange(), public())
    one.mark_price()
    uptime, now_ms = clock.uptime, clock.now_ms
    monkeypatch.setattr("keycheck.clock.uptime", lambda: uptime() + 61)
    monkeypatch.setattr("keycheck.clock.now_ms", lambda: now_ms() + 61_000)
    one.symbol_rules()
    assert asked.paths() == [PING.path, EXCHANGE_INFO.path]


def test_an_answer_is_not_used_after_the_clock_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the wall clock has jumped against the monotonic clock, no shared answer is used."""
    one = joined(asked := exchange(), public())
    now_ms = clock.now_ms
    monkeypatch.setattr("keycheck.clock.now_ms", lambda: now_ms() + 500)
    one.mark_price()
    assert asked.paths() == [PING.path, PREMIUM_INDEX.path]


def test_a_refused_time_stamp_is_reason_to_read_the_clock() -> None:
    """After a refused time stamp, the run measures the drift itself, and sends the request again with a new stamp."""
    one = joined(asked := exchange().on(ACCOUNT_CONFIG, STALE_STAMP, TRADES), public())
    shared = one.drift()
    assert one.account().can_trade
    assert one.drift() is not shared
    assert counted(asked) == Counter({PING.path: 1, ACCOUNT_CONFIG.path: 2, TIME.path: 4})
    assert one.sharing.text() == ""


@pytest.mark.parametrize("refusal", [TOO_SMALL, TOO_PRECISE], ids=["order rule", "form"])
def test_a_refused_test_order_is_reason_to_ask_for_rules_and_price(refusal: RawAnswer) -> None:
    """After a refused test order, the run asks for rules and price itself, and builds the order from them."""
    plenty = {"symbol": "BTCUSDT", "markPrice": "20000"}
    one = joined(asked := exchange().on(PREMIUM_INDEX, plenty).on(ORDER_TEST, refusal, {}), public())
    assert one.smallest_order().accepted
    assert "quantity=0.002&" in asked.sent[-4][1]
    assert "quantity=0.003&" in asked.sent[-1][1]
    assert asked.paths()[-4:] == [endpoint.path for endpoint in (ORDER_TEST, EXCHANGE_INFO, PREMIUM_INDEX, ORDER_TEST)]


def test_the_same_order_is_not_sent_again() -> None:
    """If the run's own rules and price are the same, the refusal stands, and proves nothing about the key."""
    one = joined(asked := exchange().on(ORDER_TEST, TOO_SMALL), public())
    with pytest.raises(Refused, match="says nothing about the key"):
        one.smallest_order()
    assert counted(asked)[ORDER_TEST.path] == 1
    assert counted(asked)[EXCHANGE_INFO.path] == counted(asked)[PREMIUM_INDEX.path] == 1


def test_two_orders_at_once_are_both_sent_again() -> None:
    """Two threads may have made their orders from the same shared rules; the second finds them forgotten."""
    one = joined(exchange(), public())
    ask(one)
    both = threading.Barrier(2, timeout=10)
    sent: Counter[str] = Counter()

    def order(name: str) -> str:
        sent[name] += 1
        if sent[name] == 1:
            both.wait()
        if sent[name] == 1 or name == "later":
            raise Refused("by a rule")
        return "accepted"

    with ThreadPoolExecutor(2) as pool:
        orders = [pool.submit(one.sharing.ordered, lambda name=name: order(name)) for name in ("dust", "smallest")]
        assert [done.result(10) for done in orders] == ["accepted", "accepted"]
    sent["later"] = 1
    with pytest.raises(Refused):  # nothing shared is left to doubt
        one.sharing.ordered(lambda: order("later"))
