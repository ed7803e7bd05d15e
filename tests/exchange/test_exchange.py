"""The local exchange obeys Binance's rules: which requests it refuses or accepts, and its faults on demand."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from tests.exchange import (
    API_KEY,
    API_SECRET,
    SCENARIOS,
    Fault,
    LocalExchange,
    Scenario,
    faults,
    market,
    orders,
    symbols,
)
from tests.exchange.gatekeeper import Security, SignedRequest, inspect
from tests.exchange.parameters import form_refusal, merged
from tests.exchange.refusals import Refusal, refusal
from tests.exchange.signatures import HmacVerifier, split_signature
from tests.exchange.test_exchange_streams import close_code

NOW = 1_790_000_000_000
SHORT = 0.25  # seconds a client waits for something that will not come
TIME = "/fapi/v1/time"
CONFIG = "/fapi/v1/accountConfig"
DUAL = "/fapi/v1/positionSide/dual"
ORDER_TEST = "/fapi/v1/order/test"
RESTRICTIONS = "/sapi/v1/account/apiRestrictions"
MARKET_ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}
LIMIT_ORDER = {**MARKET_ORDER, "type": "LIMIT", "price": "41000.10", "timeInForce": "GTC"}


# ---------------------------------------------------------------------- helpers


@dataclass(frozen=True)
class Reply:
    """The reply that a client received."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as parsed JSON."""
        return json.loads(self.body)

    @property
    def verdict(self) -> tuple[int, int | None]:
        """HTTP status and Binance's code."""
        return self.status, self.json.get("code")


def sign(payload: str, secret: str = API_SECRET) -> str:
    """Append the HMAC signature to a query."""
    return f"{payload}&signature={hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()}"


def ask(
    url: str, target: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Reply:
    """Send a target exactly as written, with one fresh connection."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=2)
    try:
        connection.request(method, target, body, dict(headers or {}))
        answer = connection.getresponse()
        lower = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, lower, answer.read())
    finally:
        connection.close()


def ask_signed(exchange: LocalExchange, path: str, method: str = "GET", **params: str) -> Reply:
    """Ask with the settings' credentials and this machine's clock."""
    query = sign(urlencode({**params, "timestamp": str(time.time_ns() // 1_000_000)}))
    url = exchange.wallet_url if path.startswith("/sapi") else exchange.futures_url
    return ask(url, f"{path}?{query}", method, headers={"X-MBX-APIKEY": API_KEY})


def gate(  # noqa: PLR0913 - every fact of a request can be varied
    scenario: Scenario | None = None,
    payload: str = f"timestamp={NOW}",
    *,
    host: str = "futures",
    security: Security = Security.USER_DATA,
    key: str | None = API_KEY,
    query: str | None = None,
    body: str = "",
) -> Refusal | None:
    """Let the gate judge one request. `payload` is signed first; `query` is judged as it is."""
    raw = sign(payload) if query is None else query
    headers = {} if key is None else {"x-mbx-apikey": key}
    return inspect(SignedRequest(host, security, raw.encode(), body.encode(), headers), scenario or Scenario(), NOW)


def code(no: Refusal | None) -> int | None:
    """Reduce a refusal to its code."""
    return None if no is None else no.code


def judge(order: Mapping[str, str | None], scenario: Scenario | None = None, **changes: str | None) -> int | None:
    """Judge an order with some parameters changed (None: left out)."""
    params = {name: value for name, value in {**order, **changes}.items() if value is not None}
    return code(orders.judge(params, scenario or Scenario()))


def first_bytes(url: str, path: str = TIME, seconds: float = SHORT, enough: int = 1 << 20) -> tuple[bytes, str]:
    """Read raw bytes until the far side ends it ("end", "reset") or time is up or enough is read ("open")."""
    parts = urlsplit(url)
    read = b""
    deadline = time.monotonic() + seconds
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=seconds) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        while len(read) < enough and time.monotonic() < deadline:
            try:
                piece = sock.recv(65536)
            except TimeoutError:
                break
            except ConnectionResetError:
                return read, "reset"
            if not piece:
                return read, "end"
            read += piece
    return read, "open"


def serving(fault: Fault | tuple[Fault, ...], path: str = TIME) -> LocalExchange:
    """Make an exchange with one faulty path."""
    return LocalExchange(Scenario(faults={path: fault}))


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    """Give a healthy exchange."""
    with LocalExchange() as healthy:
        yield healthy
        assert healthy.real_orders == []


# ---------------------------------------------------------------------- the gate


def test_a_well_signed_request_passes_the_gate() -> None:
    """A known key, a fresh timestamp and a right signature are enough."""
    assert gate() is None
    assert gate(host="wallet") is None
    assert gate(security=Security.TRADE) is None


@pytest.mark.parametrize(
    "key",
    [None, "", "short", API_KEY + " ", f'"{API_KEY}"', API_KEY[:-1], API_KEY[:-1] + "ü"],
    ids=["none", "empty", "short", "a blank", "quotes", "cut", "a stray letter"],  # ids are kept in pytest's cache
)
def test_a_badly_formed_key_is_refused_before_all_else(key: str | None) -> None:
    """A key that is not 64 letters and digits gives 401 -2014, whatever else is wrong."""
    no = gate(key=key, query="nothing=right")
    assert no == Refusal(401, -2014, "API-key format invalid.")


@pytest.mark.parametrize(("host", "end"), [("futures", "action"), ("wallet", "action.")])
def test_an_unknown_key_is_refused_in_the_words_of_each_host(host: str, end: str) -> None:
    """Only the wallet host ends the text of -2015 with a period."""
    no = gate(SCENARIOS["unknown-key"], host=host)
    assert no == Refusal(401, -2015, f"Invalid API-key, IP, or permissions for {end}")


def test_a_refused_address_is_named_by_the_futures_host_only() -> None:
    """The futures host's text of -2015 names the address that it saw; the wallet host's text does not."""
    futures, wallet = (gate(SCENARIOS["ip-refused"], host=host) for host in ("futures", "wallet"))
    assert futures is not None
    assert wallet is not None
    assert futures.text.endswith(", request ip: 203.0.113.7")
    assert "203" not in wallet.text


@pytest.mark.parametrize(
    ("scenario", "reads", "trades", "wallet"),
    [
        (Scenario(), None, None, None),
        (Scenario(permissions={"enableFutures": None}), None, None, None),
        (Scenario(permissions={"enableFutures": False}), -2015, -2015, None),
        (Scenario(permissions={"enableReading": False}), None, None, -2015),
        (Scenario(futures_refuses=True), -2015, -2015, None),
        (Scenario(read_only=True), None, -2015, None),
        (Scenario(read_only=True, permissions={"enableFutures": False}), None, -2015, None),
    ],
)
def test_permissions_open_and_close_hosts(
    scenario: Scenario, reads: int | None, trades: int | None, wallet: int | None
) -> None:
    """Reading, trading and the wallet host each need a permission of their own."""
    assert code(gate(scenario)) == reads
    assert code(gate(scenario, security=Security.TRADE)) == trades
    assert code(gate(scenario, host="wallet")) == wallet


@pytest.mark.parametrize("stamp", ["", "x", "-1", "1.5", "1e12", "9" * 20, "٣" * 13])
def test_a_malformed_timestamp_is_a_missing_one(stamp: str) -> None:
    """A timestamp that is not a whole number gives -1102 and its name."""
    no = gate(payload=urlencode({"timestamp": stamp}))
    assert no == refusal(-1102, "timestamp")
    assert "'timestamp'" in no.text
    assert code(gate(payload="a=1")) == -1102


@pytest.mark.parametrize(
    ("offset", "window", "expected"),
    [
        (999, None, None),
        (1000, None, "ahead"),
        (-5000, None, None),
        (-5001, None, "outside"),
        (-5001, 6000, None),
        (-60000, 60000, None),
        (-101, 100, "outside"),
        (-1, 0, "outside"),
        (NOW // 1000 - NOW, None, "outside"),  # seconds instead of milliseconds
        (NOW * 1000 - NOW, None, "ahead"),  # microseconds
    ],
)
def test_the_clock_rule_is_the_servers(offset: int, window: int | None, expected: str | None) -> None:
    """A timestamp may lead by less than 1000 ms and lag by at most recvWindow, 5000 ms by default."""
    no = gate(payload=f"timestamp={NOW + offset}" + ("" if window is None else f"&recvWindow={window}"))
    assert code(no) == (None if expected is None else -1021)
    assert no is None or expected is None or expected in no.text


def test_the_window_has_a_largest_value() -> None:
    """A recvWindow over 60000 ms gives -1131, a malformed one -1102."""
    assert code(gate(payload=f"recvWindow=60000&timestamp={NOW}")) is None
    assert gate(payload=f"recvWindow=60001&timestamp={NOW}") == refusal(-1131)
    assert gate(payload=f"recvWindow=5s&timestamp={NOW}") == refusal(-1102, "recvWindow")


def test_a_signature_covers_the_exact_bytes() -> None:
    """Another order, another encoding or another secret is another payload: -1022."""
    good = sign(f"a=1&b=%7e&timestamp={NOW}")
    assert gate(query=good) is None
    assert gate(query=good.replace("%7e", "%7E")) == refusal(-1022)
    assert gate(query=good.replace("a=1&b=%7e", "b=%7e&a=1")) == refusal(-1022)
    assert gate(SCENARIOS["wrong-secret"]) == refusal(-1022)


def test_a_signature_comes_last_and_in_hex_of_either_case() -> None:
    """A missing signature is a missing parameter; a misplaced or cut one is a wrong one."""
    good = sign(f"timestamp={NOW}")
    head, _, hexadecimal = good.rpartition("=")
    assert gate(query=f"{head}={hexadecimal.upper()}") is None
    assert gate(query=f"timestamp={NOW}") == refusal(-1102, "signature")
    assert gate(query=good[:-1]) == refusal(-1022)
    assert gate(query=good + "&a=1") == refusal(-1022)
    assert gate(query=f"signature={hexadecimal}&timestamp={NOW}") == refusal(-1022)
    assert gate(query=f"timestamp={NOW}&xsignature={hexadecimal}&signature=ü") == refusal(-1022)


def test_a_signature_spans_query_and_body_without_a_joint() -> None:
    """The payload is the query, then the body, with nothing between."""
    query, body = "symbol=BTCUSDT", f"timestamp={NOW}"
    signature = sign(query + body).rpartition("=")[2]
    assert gate(query=query, body=f"{body}&signature={signature}") is None
    assert gate(query=f"{query}&signature={signature}", body=body) == refusal(-1022)
    whole = sign(f"timestamp={NOW}")
    assert gate(query="", body=whole) is None
    assert gate(query=f"timestamp={NOW}", body=whole.rpartition("&")[2]) is None


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("a=&timestamp=", -1105),
        ("a&timestamp=", -1105),
        ("a=1%202&timestamp=", -1102),
        ("a=1+2&timestamp=", -1102),
        ("a=1%0A&timestamp=", -1102),
        ("a=1&a=1&timestamp=", -1101),
    ],
)
def test_blank_and_doubled_values_are_refused_though_signed(payload: str, expected: int) -> None:
    """A right signature does not excuse an empty value, white space or a name sent twice."""
    assert code(gate(payload=payload + str(NOW))) == expected


def test_the_query_wins_over_the_body() -> None:
    """A name in both places is taken from the query, and is not a duplicate."""
    assert merged(b"a=1", b"a=2&b=3") == {"a": "1", "b": "3"}
    assert form_refusal(b"a=1", b"a=2") is None


SPOT_SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # noqa: S105 - printed in the docs
FUTURES_SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"  # noqa: S105 - printed in the docs
TAIL = "&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
VECTORS = {
    "spot": (SPOT_SECRET, "symbol=LTCBTC" + TAIL, "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
    "spot, percent-encoded": (
        SPOT_SECRET,
        "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96" + TAIL,
        "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
    ),
    "spot, query and body": (
        SPOT_SECRET,
        "symbol=LTCBTC" + TAIL.replace("GTC&quantity", "GTCquantity"),
        "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
    ),
    "timestamp only": (
        SPOT_SECRET,
        "timestamp=1578963600000",
        "d84e6641b1e328e7b418fff030caed655c266299c9355e36ce801ed14631eed4",
    ),
    "futures": (
        FUTURES_SECRET,
        "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000"
        "&timestamp=1591702613943",
        "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
    ),
    "RFC 4231, case 2": (
        "Jefe",
        "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
}


@pytest.mark.parametrize(("secret", "payload", "signature"), VECTORS.values(), ids=VECTORS.keys())
def test_published_signatures_are_accepted(secret: str, payload: str, signature: str) -> None:
    """The verifier agrees with every HMAC vector that is published and right."""
    verifier = HmacVerifier(secret)
    assert verifier.accepts(payload.encode(), signature)
    assert verifier.accepts(payload.encode(), signature.upper())
    assert not verifier.accepts(payload.encode() + b" ", signature)
    assert split_signature(f"{payload}&signature={signature}".encode(), b"") == (payload.encode(), signature)


def test_another_kind_of_key_needs_only_another_verifier() -> None:
    """A verifier gets the signed bytes and the percent-decoded signature, as base64 signatures need."""

    class Base64Verifier:
        def accepts(self, payload: bytes, signature: str) -> bool:
            return (payload, signature) == (f"timestamp={NOW}".encode(), "a+/=")

    query = f"timestamp={NOW}&signature=a%2B%2F%3D".encode()
    request = SignedRequest("futures", Security.USER_DATA, query, headers={"x-mbx-apikey": API_KEY})
    assert inspect(request, Scenario(), NOW, Base64Verifier()) is None


# ---------------------------------------------------------------------- orders


def test_good_orders_are_accepted() -> None:
    """A market and a limit order above the minimum pass, in either position mode."""
    hedged = Scenario(account={"dualSidePosition": True})
    assert judge(MARKET_ORDER) is None
    assert judge(MARKET_ORDER, positionSide="BOTH", newOrderRespType="RESULT", newClientOrderId="a-1") is None
    assert judge(LIMIT_ORDER) is None
    assert judge(MARKET_ORDER, hedged, positionSide="LONG") is None
    assert judge(MARKET_ORDER, symbol="币安人生USDT", quantity="100") is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"symbol": None}, -1102),
        ({"side": None}, -1102),
        ({"type": None}, -1102),
        ({"quantity": None}, -1102),
        ({"quantity": "1e-3"}, -1102),
        ({"quantity": "NaN"}, -1102),
        ({"unheardOf": "1"}, -1104),
        ({"symbol": "BTCUSD"}, -1121),
        ({"symbol": "btcusdt"}, -1121),
        ({"type": "MARKT"}, -1116),
        ({"side": "LONG"}, -1117),
        ({"symbol": "GONEUSDT"}, -4140),
        ({"symbol": "SOONUSDT"}, -4140),
        ({"symbol": "ENDEDUSDT"}, -4141),
        ({"price": "41000"}, -1106),
        ({"timeInForce": "GTC"}, -1106),
        ({"reduceOnly": "yes"}, -1102),
        ({"newOrderRespType": "FULL"}, -1136),
        ({"newClientOrderId": "x" * 37}, -4015),
        ({"quantity": "0.0021"}, -1111),
        ({"quantity": "0.0020"}, -1111),
        ({"quantity": "0"}, -4003),
        ({"quantity": "-0.002"}, -4003),
        ({"quantity": "121"}, -4005),
        ({"quantity": "15", "symbol": "COARSEUSDT"}, -4023),
        ({"quantity": "5", "symbol": "COARSEUSDT"}, -4004),
        ({"positionSide": "LONG"}, -4061),
        ({"positionSide": "SIDEWAYS"}, -4060),
        ({"type": "STOP_MARKET", "stopPrice": "40000"}, -4120),
        ({"quantity": "0.001"}, -4164),
        ({"quantity": "0.001", "reduceOnly": "false"}, -4164),
        ({"quantity": "0.001", "reduceOnly": "true"}, None),
    ],
)
def test_a_market_order_is_refused_for_its_first_fault(changes: dict[str, str | None], expected: int | None) -> None:
    """Each rule of form, filter and notional has its own code."""
    assert judge({**MARKET_ORDER, **changes}) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"price": None}, -1102),
        ({"timeInForce": None}, -1102),
        ({"timeInForce": "GTT"}, -1115),
        ({"price": "41000.123"}, -1111),
        ({"price": "0"}, -4001),
        ({"price": "500.10"}, None),  # far under the mark: a buy may
        ({"price": "0.10"}, -4013),
        ({"price": "5000000"}, -4002),
        ({"price": "41000.15"}, -4014),
        ({"price": "43400"}, -4016),
        ({"price": "39000", "side": "SELL"}, -4024),
        ({"quantity": "121"}, None),  # over MARKET_LOT_SIZE, which binds market orders only
        ({"quantity": "1001"}, -4005),
    ],
)
def test_a_limit_order_obeys_price_rules_too(changes: dict[str, str | None], expected: int | None) -> None:
    """Price precision, range, tick and band have codes of their own."""
    assert judge({**LIMIT_ORDER, "quantity": "0.200", **changes}) == expected


def test_a_hedged_account_wants_a_position_side() -> None:
    """In hedge mode BOTH is refused with -4061, and reduceOnly with -1106."""
    hedged = SCENARIOS["hedge-mode"]
    assert judge(MARKET_ORDER, hedged) == -4061
    assert judge(MARKET_ORDER, hedged, positionSide="BOTH") == -4061
    assert judge(MARKET_ORDER, hedged, positionSide="SHORT", reduceOnly="true") == -1106


def test_an_order_is_refused_for_its_parameters_before_the_account() -> None:
    """An order of an account that may not trade is refused for its parameters first, and only then for the account."""
    for scenario, expected in [
        (SCENARIOS["trading-barred"], -4088),
        (SCENARIOS["unfunded"], -2019),
        (SCENARIOS["cooling-off"], -4192),
    ]:
        assert judge(MARKET_ORDER, scenario) == expected
        assert judge(MARKET_ORDER, scenario, quantity="0.001") == -4164
        assert judge(MARKET_ORDER, scenario, quantity="0.0001") == -1111
        assert judge(MARKET_ORDER, scenario, quantity=None) == -1102


def test_a_tradfi_perpetual_takes_orders_once_its_agreement_is_signed() -> None:
    """-4411 once an order has the right form (seen since 2026-03); other contracts need no agreement."""
    order = {**MARKET_ORDER, "symbol": "XAUUSDT", "quantity": "0.010"}
    assert judge(order) == -4411
    assert judge(order, quantity="0.001") == -4164
    assert judge(order, quantity="0.0001") == -1111
    assert judge(order, Scenario(agreement_signed=True)) is None


def test_filters_follow_the_scenario() -> None:
    """Orders are judged by the symbol as the scenario has it, mark price included."""
    coarse = Scenario(symbol_overrides={"BTCUSDT": {"filters": {"LOT_SIZE": {"stepSize": "0.010"}}}})
    assert judge(MARKET_ORDER, coarse) == -4023
    assert judge(MARKET_ORDER, coarse, quantity="0.010") is None
    unbound = Scenario(symbol_overrides={"BTCUSDT": {"filters": {"MIN_NOTIONAL": None}}})
    assert judge(MARKET_ORDER, unbound, quantity="0.001") is None
    settling = Scenario(symbol_overrides={"BTCUSDT": {"status": "SETTLING"}})
    assert judge(MARKET_ORDER, settling) == -4140
    delisted = Scenario(symbol_overrides={"BTCUSDT": None})
    assert judge(MARKET_ORDER, delisted) == -1121
    dear = Scenario(mark_prices={"BTCUSDT": "95000.00"})
    assert judge(MARKET_ORDER, dear, quantity="0.001") is None
    assert judge(MARKET_ORDER, Scenario(mark_prices={"BTCUSDT": "n/a"}), quantity="0.001") is None


# ---------------------------------------------------------------------- the market


def test_exchange_info_hides_its_symbol_in_a_crowd(exchange: LocalExchange) -> None:
    """900 different symbols, about a megabyte, and BTCUSDT neither first nor before its look-alikes."""
    reply = ask(exchange.futures_url, "/fapi/v1/exchangeInfo")
    names = [symbol["symbol"] for symbol in reply.json["symbols"]]
    assert len(names) == len(set(names)) == 900
    assert 1_000_000 < len(reply.body) < 1_300_000
    assert 0 < names.index("BTCUSDT_261225") < names.index("BTCUSDT")
    assert {"BTCUSDC", "币安人生USDT"} <= set(names)
    assert {"TRADING", "SETTLING", "PENDING_TRADING"} <= {symbol["status"] for symbol in reply.json["symbols"]}
    assert {"", "PERPETUAL", "CURRENT_QUARTER"} <= {symbol["contractType"] for symbol in reply.json["symbols"]}
    assert reply.json["rateLimits"][0]["limit"] == 2400
    assert 3_600_000 < time.time() * 1000 - reply.json["serverTime"] < 48 * 3_600_000


def test_exchange_info_is_compressed_on_request(exchange: LocalExchange) -> None:
    """gzip is used if Accept-Encoding allows it, and unpacks to the same document."""
    plain = ask(exchange.futures_url, "/fapi/v1/exchangeInfo")
    packed = ask(exchange.futures_url, "/fapi/v1/exchangeInfo", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body


def test_overrides_show_in_exchange_info() -> None:
    """exchangeInfo publishes a scenario's changes to a symbol."""
    changes: dict[str, Any] = {
        "BTCUSDT": {
            "status": "SETTLING",
            "pair": None,
            "filters": {"MIN_NOTIONAL": None, "LOT_SIZE": {"stepSize": "0.010"}},
        },
        "ETHUSDT": None,
        "NEWUSDT": {"quantityPrecision": 0},
        "XRPUSDT": {"filters": []},
    }
    with LocalExchange(Scenario(symbol_overrides=changes)) as exchange:
        listed = {one["symbol"]: one for one in ask(exchange.futures_url, "/fapi/v1/exchangeInfo").json["symbols"]}
    rules = {one["filterType"]: one for one in listed["BTCUSDT"]["filters"]}
    assert listed["BTCUSDT"]["status"] == "SETTLING"
    assert "pair" not in listed["BTCUSDT"]
    assert "MIN_NOTIONAL" not in rules
    assert (rules["LOT_SIZE"]["stepSize"], rules["LOT_SIZE"]["minQty"]) == ("0.010", "0.001")
    assert "ETHUSDT" not in listed
    assert listed["NEWUSDT"]["quantityPrecision"] == 0
    assert listed["XRPUSDT"]["filters"] == []


def test_one_step_of_btcusdt_is_dust() -> None:
    """At the usual mark price one step of BTCUSDT is worth less than MIN_NOTIONAL, and two steps are worth more."""
    listed = market.market({}).find("BTCUSDT")
    assert listed is not None
    rules = {one["filterType"]: one for one in listed["filters"]}
    step, least = Decimal(rules["LOT_SIZE"]["stepSize"]), Decimal(rules["MIN_NOTIONAL"]["notional"])
    assert step * Decimal(market.mark_price("BTCUSDT", {})) < least <= 2 * step * Decimal("41250")


def test_every_trading_symbol_keeps_its_own_rules() -> None:
    """All symbols have precisions that agree with their steps and ticks, so none is untradable by mistake."""
    for symbol in symbols.everyone():
        listed = symbols.document(symbol)
        assert symbols.decimals(symbol.step) <= listed["quantityPrecision"]
        assert symbols.decimals(symbol.tick) <= listed["pricePrecision"]


def test_premium_index_gives_marks(exchange: LocalExchange) -> None:
    """premiumIndex gives one symbol or all of them, with decimals as strings; an unknown symbol is -1121."""
    one = ask(exchange.futures_url, "/fapi/v1/premiumIndex?symbol=BTCUSDT").json
    assert one["markPrice"] == "41250.00000000"
    assert abs(one["time"] - time.time() * 1000) < 2000
    chinese = ask(exchange.futures_url, "/fapi/v1/premiumIndex?" + urlencode({"symbol": "币安人生USDT"}))
    assert chinese.json["symbol"] == "币安人生USDT"
    assert len(ask(exchange.futures_url, "/fapi/v1/premiumIndex").json) == 900
    assert ask(exchange.futures_url, "/fapi/v1/premiumIndex?symbol=NOPE").verdict == (400, -1121)
    exchange.scenario = replace(exchange.scenario, mark_prices={"BTCUSDT": "95000.00"})
    assert ask(exchange.futures_url, "/fapi/v1/premiumIndex?symbol=BTCUSDT").json["markPrice"] == "95000.00"


# ---------------------------------------------------------------------- the hosts


def test_a_healthy_exchange_answers_everything(exchange: LocalExchange) -> None:
    """All endpoints say what their documentation promises."""
    assert ask(exchange.futures_url, "/fapi/v1/ping").body == b"{}"
    assert abs(ask(exchange.futures_url, TIME).json["serverTime"] - time.time() * 1000) < 2000
    assert ask_signed(exchange, CONFIG).json["canTrade"] is True
    assert ask_signed(exchange, DUAL).json == {"dualSidePosition": False}
    assert ask_signed(exchange, RESTRICTIONS).json["ipRestrict"] is True
    assert ask_signed(exchange, "/sapi/v1/account/info").json["isFutureEnabled"] is True
    accepted = ask_signed(exchange, ORDER_TEST, "POST", **MARKET_ORDER)
    assert accepted.status == 200
    assert (accepted.json["orderId"], accepted.json["symbol"]) == (0, "")


def test_an_order_in_the_body_is_read_as_well(exchange: LocalExchange) -> None:
    """A form body carries parameters; a JSON body is signed but not read."""
    form = sign(urlencode({**MARKET_ORDER, "timestamp": time.time_ns() // 1_000_000})).encode()
    headers = {"X-MBX-APIKEY": API_KEY, "Content-Type": "application/x-www-form-urlencoded"}
    assert ask(exchange.futures_url, ORDER_TEST, "POST", form, headers).status == 200
    assert exchange.log[-1].body == form
    assert exchange.log[-1].params["symbol"] == "BTCUSDT"
    reply = ask(exchange.futures_url, ORDER_TEST, "POST", form, {**headers, "Content-Type": "application/json"})
    assert "BTCUSDT" not in exchange.log[-1].params.values()
    assert reply.json["msg"] == refusal(-1102, "timestamp").text


def test_a_refusal_is_written_as_binance_writes_it() -> None:
    """A refusal is compact JSON with code and msg, and has the status of the table."""
    with LocalExchange(SCENARIOS["wrong-secret"]) as exchange:
        reply = ask_signed(exchange, CONFIG)
        assert exchange.log[0].code == -1022
    assert reply.status == 400
    assert reply.body == b'{"code":-1022,"msg":"Signature for this request is not valid."}'
    assert reply.headers["content-type"] == "application/json"


def test_a_real_order_trips_the_wire() -> None:
    """A real order is answered and kept in `real_orders`, even if it is refused."""
    with LocalExchange() as exchange:
        assert ask_signed(exchange, "/fapi/v1/order", "POST", **MARKET_ORDER).status == 200
        assert ask(exchange.futures_url, "/fapi/v1/order", "POST").verdict == (401, -2014)
        assert [order.params.get("symbol") for order in exchange.real_orders] == ["BTCUSDT", None]


@pytest.mark.parametrize("path", [ORDER_TEST, "/fapi/v1/listenKey"])
def test_the_address_list_holds_for_test_orders_and_listen_keys(path: str) -> None:
    """A refused address gets -2015 with the caller's address at the end, as seen on production (2026-10-05)."""
    with LocalExchange(SCENARIOS["ip-refused"]) as exchange:
        refused = ask_signed(exchange, path, "POST", **MARKET_ORDER)
    assert refused.verdict == (401, -2015)
    assert refused.json["msg"].endswith(", request ip: 203.0.113.7")


def test_unknown_paths_and_wrong_methods_are_not_found(exchange: LocalExchange) -> None:
    """An unknown path, or one of the other host, gets an HTML page with 404; a wrong method gets a coded 404."""
    for url, path in [
        (exchange.futures_url, "/fapi/v1/balance"),
        (exchange.futures_url, RESTRICTIONS),
        (exchange.wallet_url, TIME),
        (exchange.wallet_url, "/"),
    ]:
        reply = ask(url, path)
        assert (reply.status, reply.headers["content-type"]) == (404, "text/html")
    wrong = ask(exchange.futures_url, ORDER_TEST)
    assert wrong.verdict == (404, -5000)
    assert wrong.json["msg"] == f"Path {ORDER_TEST}, Method GET is invalid"


def test_a_symbols_configuration_is_a_list_or_an_object(exchange: LocalExchange) -> None:
    """symbolConfig gives the named contract or all of them, with the scenario's margin type."""
    path = "/fapi/v1/symbolConfig"
    exchange.scenario = Scenario(margin_types={"ETHUSDT": "ISOLATED"})
    (one,) = ask_signed(exchange, path, symbol="ETHUSDT").json
    assert (one["symbol"], one["marginType"]) == ("ETHUSDT", "ISOLATED")
    listed = ask_signed(exchange, path)
    assert {each["marginType"] for each in listed.json if each["symbol"] != "ETHUSDT"} == {"CROSSED"}
    assert ask_signed(exchange, path, symbol="NOPEUSDT").verdict == (400, -1121)
    assert ask(exchange.futures_url, path).verdict == (401, -2014)
    exchange.scenario = Scenario(symbol_config_is_a_list=False)
    assert ask_signed(exchange, path, symbol="BTCUSDT").json["marginType"] == "CROSSED"


def test_weights_are_counted_and_reported(exchange: LocalExchange) -> None:
    """The futures host's counter grows by the documented weights; the wallet host counts each path separately."""
    header = "x-mbx-used-weight-1m"
    exchange.scenario = replace(exchange.scenario, used_weight=100)
    assert ask(exchange.futures_url, TIME).headers[header] == "101"
    assert ask_signed(exchange, CONFIG).headers[header] == "106"
    assert ask_signed(exchange, DUAL).headers[header] == "136"
    assert ask(exchange.futures_url, "/fapi/v1/balance").headers[header] == "136"
    order = ask_signed(exchange, ORDER_TEST, "POST", **MARKET_ORDER)
    assert order.headers[header] == "137"
    assert order.headers["x-mbx-order-count-10s"] == order.headers["x-mbx-order-count-1m"] == "1"
    first, _, third = (ask_signed(exchange, path) for path in (RESTRICTIONS, "/sapi/v1/account/info", RESTRICTIONS))
    assert [one.headers["x-sapi-used-ip-weight-1m"] for one in (first, third)] == ["1", "2"]
    assert header not in third.headers


def test_signed_requests_have_a_counter_of_their_own() -> None:
    """Signed requests have a weight counter of their own, as on the test network: 2 unsigned, hundreds signed."""
    with LocalExchange(Scenario(used_weight=1, signed_weight=400)) as exchange:
        told = [ask(exchange.futures_url, TIME), ask_signed(exchange, CONFIG), ask(exchange.futures_url, TIME)]
    assert [one.headers["x-mbx-used-weight-1m"] for one in told] == ["2", "407", "8"]


def test_the_spelling_of_header_names_alternates() -> None:
    """Header names alternate between the documented spelling and lower case, as over HTTP/2; the server is nginx."""
    with LocalExchange() as exchange:
        heads = [first_bytes(exchange.futures_url)[0].partition(b"\r\n\r\n")[0] for _ in range(2)]
    as_documented, lower = heads
    assert b"X-MBX-USED-WEIGHT-1M: 2\r\n" in as_documented
    assert b"Server: nginx\r\n" in as_documented
    assert b"x-mbx-used-weight-1m: 3\r\n" in lower
    assert b"server: nginx\r\n" in lower


def test_a_limit_names_the_caller(exchange: LocalExchange) -> None:
    """The text of a limit names the caller's address, as the live text does."""
    exchange.scenario = Scenario(faults={TIME: Fault.rate_limited()})
    assert "current limit of IP(203.0.113.7) is 2400 requests per minute" in ask(exchange.futures_url, TIME).json["msg"]


def test_the_weight_header_can_be_spelt_otherwise_or_missing() -> None:
    """The scenario decides how the header is spelt, and whether there is one."""
    with LocalExchange(Scenario(weight_header="x-mbx-used-weight-1m")) as exchange:
        raw, _ = first_bytes(exchange.futures_url)
        assert b"x-mbx-used-weight-1m: 2\r\n" in raw
        exchange.scenario = Scenario(weight_header=None)
        assert "x-mbx-used-weight-1m" not in ask(exchange.futures_url, TIME).headers


def test_answers_carry_what_has_to_be_scrubbed(exchange: LocalExchange) -> None:
    """Cookies and edge headers come with every answer, as they do from the real hosts."""
    for reply in (ask(exchange.futures_url, TIME), ask_signed(exchange, RESTRICTIONS)):
        assert "invented-cookie-value" in reply.headers["set-cookie"]
        assert {"server", "date", "via", "x-cache", "x-response-time"} <= set(reply.headers)


def test_the_clock_can_be_off() -> None:
    """Server time, Date and the timestamp rule all follow the exchange's own clock."""
    with LocalExchange(SCENARIOS["clock-behind"]) as exchange:
        ahead = ask(exchange.futures_url, TIME).json["serverTime"] - time.time() * 1000
        assert 6_000 < ahead < 8_000
        assert ask_signed(exchange, CONFIG).verdict == (400, -1021)
        exchange.scenario = SCENARIOS["clock-ahead"]
        assert "ahead" in ask_signed(exchange, CONFIG).json["msg"]


def test_account_and_permission_overrides_show() -> None:
    """Overrides change fields, None removes them."""
    scenario = Scenario(
        account={"canTrade": None, "dualSidePosition": True},
        permissions={"enableWithdrawals": True, "enableMargin": None},
        account_info={"isPortfolioMarginRetailEnabled": True},
    )
    with LocalExchange(scenario) as exchange:
        config = ask_signed(exchange, CONFIG).json
        assert "canTrade" not in config
        assert config["dualSidePosition"] is True
        assert ask_signed(exchange, DUAL).json["dualSidePosition"] is True
        restrictions = ask_signed(exchange, RESTRICTIONS).json
        assert restrictions["enableWithdrawals"] is True
        assert "enableMargin" not in restrictions
        assert ask_signed(exchange, "/sapi/v1/account/info").json["isPortfolioMarginRetailEnabled"] is True


def test_latency_is_added_to_each_answer() -> None:
    """An answer takes at least the latency, and the exchange reads its clock half-way."""
    with LocalExchange(Scenario(latency_ms=100)) as exchange:
        begun = time.time() * 1000
        served = ask(exchange.futures_url, TIME).json["serverTime"] - begun
        assert time.time() * 1000 - begun >= 98
        assert served >= 48


def test_jitter_is_added_once_the_clock_was_read() -> None:
    """Jitter delays the first, second, ... answer of each path in turn, and does not change its timestamp."""
    with LocalExchange(Scenario(jitter_ms=(100, 0))) as exchange:
        for path, late in ((TIME, True), (TIME, False), (TIME, True), (CONFIG, True)):
            begun = time.time() * 1000
            answer = ask(exchange.futures_url, path).json
            assert (time.time() * 1000 - begun >= 98) is late
            assert answer.get("serverTime", begun) - begun < 98


def test_a_log_entry_names_the_other_unanswered_requests() -> None:
    """A log entry names the other requests, at either host, that were unanswered and not abandoned by their clients."""
    with serving((Fault.status(200, times=1), Fault.stall())) as exchange:
        ask(exchange.futures_url, TIME)
        parts = urlsplit(exchange.futures_url)
        with socket.create_connection((parts.hostname or "", parts.port or 0)) as sock:
            sock.sendall(f"GET {TIME} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            while len(exchange.log) < 2:
                time.sleep(0.001)
            ask(exchange.wallet_url, RESTRICTIONS)
        while exchange.log[-1].beside:
            ask(exchange.wallet_url, RESTRICTIONS)
    assert [one.in_flight for one in exchange.log[:3]] == [(), (), (TIME,)]
    assert exchange.log[2].beside == 1


def test_the_log_has_requests_and_answers_as_sent(exchange: LocalExchange) -> None:
    """The log keeps target and headers as they were sent, decoded parameters, and the answer's status and code."""
    ask(exchange.futures_url, TIME + "?a=%7eb&c=d+e")
    ask_signed(exchange, CONFIG, recvWindow="60001")
    first, second = exchange.log
    assert (first.host, first.method, first.path, first.raw_query) == ("futures", "GET", TIME, "a=%7eb&c=d+e")
    assert first.params == {"a": "~b", "c": "d e"}
    assert (first.status, first.code) == (200, None)
    assert (second.status, second.code) == (400, -1131)
    assert second.headers["x-mbx-apikey"] == API_KEY
    assert exchange.requests_to(CONFIG) == [second]


def test_connections_are_counted_by_host(exchange: LocalExchange) -> None:
    """A kept-alive connection counts once, however many requests it carries."""
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(3):
            assert session.get(exchange.futures_url + TIME, timeout=2).status_code == 200
    assert exchange.connections == {"futures": 1, "wallet": 0}


def test_settings_are_what_the_user_configures(exchange: LocalExchange) -> None:
    """Three hosts on loopback and well-formed credentials, or none."""
    settings = exchange.settings()
    hosts = {"BINANCE_FUTURES_URL", "BINANCE_WALLET_URL", "BINANCE_STREAM_URL"}
    assert set(settings) == {"BINANCE_API_KEY", "BINANCE_API_SECRET", *hosts}
    assert settings["BINANCE_STREAM_URL"].startswith("ws://127.0.0.1:")
    assert settings["BINANCE_FUTURES_URL"].startswith("http://127.0.0.1:")
    assert settings["BINANCE_FUTURES_URL"] != settings["BINANCE_WALLET_URL"]
    assert set(exchange.settings(no_credentials=True)) == hosts
    for credential in (API_KEY, API_SECRET):
        assert len(credential) == 64
        assert credential.isascii()
        assert credential.isalnum()


# ---------------------------------------------------------------------- faults

SPOKEN: dict[str, tuple[Fault, int, bytes, str]] = {
    "status": (Fault.status(500, "oops", {"X-A": "b"}, "text/plain"), 500, b"oops", "text/plain"),
    "body": (Fault.body(b"\xff\x00{", "text/x", 203), 203, b"\xff\x00{", "text/x"),
    "redirect": (Fault.redirect("http://127.0.0.1:1/", 307), 307, b"", "text/html"),
    "429": (Fault.rate_limited(), 429, b'"code":-1003', "application/json"),
    "418": (Fault.banned(1_800_000_000_000), 418, b"IP(203.0.113.7) banned until 1800000000000", "application/json"),
    "403": (Fault.waf_403(), 403, b"<H1>403 ERROR</H1>", "text/html"),
    "202": (Fault.challenge_202(), 202, b"", "text/html"),
    "451": (Fault.restricted_location(), 451, b'{\n  "code": 0,', "application/json"),
    "503 overloaded": (Fault.overloaded_503(), 503, b'"code":-1008', "application/json"),
    "503 unknown": (Fault.unknown_503(), 503, b"Unknown error", "application/json"),
    "503 internal error": (Fault.internal_503(), 503, b'"code":-1001', "application/json"),
    "maintenance": (Fault.maintenance(), 200, b'{"239999": "The system is under', "application/json"),
    "503 unavailable": (Fault.unavailable_503(), 503, b'{"msg": "Service Unavailable."}', "application/json"),
    "504": (Fault.gateway_timeout(), 504, b"<h1>504 Gateway Time-out</h1>", "text/html"),
    "404": (Fault.not_found(), 404, b"<h1>404</h1>", "text/html"),
    "408": (Fault.backend_timeout(), 408, b'"code":-1007', "application/json"),
    "502": (Fault.bad_gateway(), 502, b"nginx</center>\r\n", "text/html"),
    "refused": (Fault.refused(-4109), 400, b'"code":-4109', "application/json"),
    "refused, 401": (Fault.refused(-2014), 401, b'"code":-2014', "application/json"),
    "refused, unlisted": (Fault.refused(-9999), 400, b'"code":-9999', "application/json"),
    "echo": (Fault.echo(), 200, b"a=b", "application/json"),
}


@pytest.mark.parametrize(("fault", "status", "part", "content_type"), SPOKEN.values(), ids=SPOKEN.keys())
def test_a_spoken_fault_replaces_the_answer(fault: Fault, status: int, part: bytes, content_type: str) -> None:
    """Status, body and content type are those of the fault, in the log as well."""
    with serving(fault) as exchange:
        reply = ask(exchange.futures_url, TIME + "?a=b")
        assert exchange.log[0].status == status
    assert (reply.status, reply.headers["content-type"]) == (status, content_type)
    assert part in reply.body


def test_only_the_exchange_reports_weights() -> None:
    """A gateway's page has no weight header, a coded refusal has one."""
    with serving((Fault.waf_403(times=1), Fault.rate_limited(7))) as exchange:
        page, coded = ask(exchange.futures_url, TIME), ask(exchange.futures_url, TIME)
    assert page.headers["server"] == "CloudFront"
    assert "x-mbx-used-weight-1m" not in page.headers
    assert "x-mbx-used-weight-1m" in coded.headers
    assert coded.headers["retry-after"] == "7"


def test_an_echo_reads_the_key_back() -> None:
    """The echo holds the request's own headers, so a client that prints it leaks its key."""
    with serving(Fault.echo(400), CONFIG) as exchange:
        reply = ask_signed(exchange, CONFIG)
    assert reply.status == 400
    assert API_KEY in reply.json["headers"].values()
    assert "signature=" in reply.json["target"]


def test_a_reset_comes_before_any_byte() -> None:
    """The client sees its connection reset, and the request is in the log without a status."""
    with serving(Fault.reset()) as exchange:
        assert first_bytes(exchange.futures_url) == (b"", "reset")
        assert [(one.path, one.status) for one in exchange.log] == [(TIME, None)]


def test_a_closed_host_resets_one_connection_and_refuses_others() -> None:
    """A closed host resets one connection and then refuses others, on any path of that host; the other host answers."""
    with serving(Fault.closed_door()) as exchange:
        assert ask(exchange.futures_url, CONFIG).status == 401
        assert first_bytes(exchange.futures_url) == (b"", "reset")
        for path in (TIME, CONFIG):
            with pytest.raises(ConnectionRefusedError):
                ask(exchange.futures_url, path)
        assert ask(exchange.wallet_url, RESTRICTIONS).status == 401
        assert [(one.path, one.status) for one in exchange.requests_to(TIME)] == [(TIME, None)]


def test_a_reset_can_come_after_the_header() -> None:
    """The header of the healthy answer arrives, and its body does not."""
    with serving(Fault.reset_after_headers()) as exchange:
        read, end = first_bytes(exchange.futures_url)
    assert read.startswith(b"HTTP/1.1 200")
    assert read.endswith(b"\r\n\r\n")
    assert end == "reset"


def test_a_stalled_connection_stays_open_and_silent() -> None:
    """The connection stays open and silent."""
    with serving(Fault.stall()) as exchange:
        assert first_bytes(exchange.futures_url) == (b"", "open")
        assert exchange.log[0].status is None


def test_a_drip_sends_the_body_byte_by_byte() -> None:
    """Each byte comes before a read time-out; the whole answer takes far longer."""
    with serving((Fault.drip(0.05, times=1), Fault.drip(0.001))) as exchange:
        read, end = first_bytes(exchange.futures_url)
        assert end == "open"
        assert 0 < len(read.partition(b"\r\n\r\n")[2]) < len('{"serverTime":1790000000000}')
        read, end = first_bytes(exchange.futures_url, seconds=2)
        assert end == "end"
        assert "serverTime" in json.loads(read.partition(b"\r\n\r\n")[2])


def test_a_header_can_drip_for_ever() -> None:
    """The status line comes at once, the header never ends."""
    with serving(Fault.drip_headers(0.01)) as exchange:
        read, end = first_bytes(exchange.futures_url)
    assert read.startswith(b"HTTP/1.1 200 OK\r\nX-Endless: xxx")
    assert b"\r\n\r\n" not in read
    assert end == "open"


def test_an_endless_body_keeps_coming() -> None:
    """The body goes on for as long as the client reads, up to a limit that protects this machine."""
    with serving((Fault.endless(times=1), Fault.endless(megabytes=1))) as exchange:
        read, end = first_bytes(exchange.futures_url, seconds=2)
        assert len(read) >= 1 << 20
        assert end == "open"
        assert len(ask(exchange.futures_url, TIME).body) == 1 << 20


def test_a_bomb_is_small_until_unpacked() -> None:
    """Kilobytes of gzip decompress to megabytes of valid JSON."""
    with serving(Fault.gzip_bomb(megabytes=4)) as exchange:
        reply = ask(exchange.futures_url, TIME)
    assert reply.headers["content-encoding"] == "gzip"
    assert len(reply.body) < 100_000
    unpacked = gzip.decompress(reply.body)
    assert len(unpacked) > 4 << 20
    assert json.loads(unpacked) == {}


def test_a_truncated_body_is_shorter_than_promised() -> None:
    """The connection is closed in the regular way, but before Content-Length is reached."""
    with serving(Fault.truncated()) as exchange:
        read, end = first_bytes(exchange.futures_url)
        with pytest.raises(http.client.IncompleteRead):
            ask(exchange.futures_url, TIME)
    assert end == "end"
    assert 0 < len(read.partition(b"\r\n\r\n")[2]) < len('{"serverTime":1790000000000}')


def test_an_answer_can_be_altered() -> None:
    """An altered answer changes the answer that was due: a healthy one, unpacked, or a refusal."""
    upper = Fault.altered(lambda due: replace(due, status=due.status + 1, body=due.body.upper()))
    with serving(upper, "*") as exchange:
        time_told = ask(exchange.futures_url, TIME)
        info = ask(exchange.futures_url, "/fapi/v1/exchangeInfo", headers={"Accept-Encoding": "gzip"})
        refused = ask(exchange.futures_url, CONFIG)
    assert (time_told.status, list(time_told.json)) == (201, ["SERVERTIME"])
    assert "content-encoding" not in info.headers
    assert info.body.startswith(b'{"TIMEZONE":')
    assert (refused.status, refused.json["CODE"]) == (402, -2014)


def test_an_answer_may_be_labelled_gzip_without_being_compressed() -> None:
    """The answer is labelled gzip, but is not compressed."""
    with serving(Fault.not_gzip()) as exchange:
        reply = ask(exchange.futures_url, TIME)
    assert reply.headers["content-encoding"] == "gzip"
    assert "serverTime" in reply.json


@pytest.mark.parametrize("status", [100, 102, 103])
def test_an_interim_answer_comes_before_the_real_one(status: int) -> None:
    """The interim answer and the real one are both sent, in this order."""
    with serving(Fault.interim(status)) as exchange:
        read, end = first_bytes(exchange.futures_url, seconds=2)
        assert exchange.log[0].status == 200
    assert read.startswith(f"HTTP/1.1 {status} Interim\r\n\r\nHTTP/1.1 200 OK\r\n".encode())
    assert b"serverTime" in read
    assert end == "end"


@pytest.mark.parametrize("data", [b"", b"\x15\x03\x01", b"HTTP/1.1 102 Processing\r\n\r\n"])
def test_anything_can_stand_in_place_of_http(data: bytes) -> None:
    """A raw fault writes exactly these bytes, and closes the connection."""
    with serving(Fault.raw(data)) as exchange:
        assert first_bytes(exchange.futures_url) == (data, "end")
        assert exchange.log[0].status is None


def test_faults_pass_in_turn() -> None:
    """Each fault of a tuple hits as often as it says; then the healthy answer is back."""
    plan = (Fault.status(500, times=2), Fault.status(502, times=1))
    with serving(plan) as exchange:
        assert [ask(exchange.futures_url, TIME).status for _ in range(5)] == [500, 500, 502, 200, 200]
        exchange.scenario = replace(exchange.scenario, latency_ms=1)
        assert ask(exchange.futures_url, TIME).status == 200, "another latency does not start faults over"
        exchange.scenario = Scenario(faults={TIME: Fault.status(500)})
        assert ask(exchange.futures_url, TIME).status == 500


def test_the_most_particular_fault_wins() -> None:
    """A fault of a method and path hits before one of a path, and that before one of `*`; each as often as it says."""
    plan = {
        "*": Fault.status(503),
        TIME: Fault.status(502, times=1),
        f"POST {ORDER_TEST}": Fault.status(501),
    }
    with LocalExchange(Scenario(faults=plan)) as exchange:
        assert [ask(exchange.futures_url, TIME).status for _ in range(2)] == [502, 503]
        assert ask(exchange.futures_url, ORDER_TEST, "POST").status == 501
        assert ask(exchange.futures_url, ORDER_TEST).status == 503
        assert ask(exchange.wallet_url, RESTRICTIONS).status == 503
    assert faults.due({}, {}, "GET", TIME) is None


# ---------------------------------------------------------------------- life


@pytest.mark.parametrize(
    "fault",
    [Fault.stall(), Fault.drip(5), Fault.drip_headers(5), Fault.endless(), Fault.reset(), Fault.raw(b""), None],
    ids=["stall", "drip", "drip_headers", "endless", "reset", "raw", "healthy"],
)
def test_the_exchange_stops_at_once_with_open_connections(fault: Fault | None) -> None:
    """Open connections do not delay the exchange's end, and no thread is left."""
    before = threading.active_count()
    exchange = serving(fault or ())
    with exchange:
        parts = urlsplit(exchange.futures_url)
        hanging = [socket.create_connection((parts.hostname or "", parts.port or 0)) for _ in range(3)]
        for sock in hanging[:2]:
            sock.sendall(f"GET {TIME} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        deadline = time.monotonic() + 10
        while len(exchange.log) < 2 and time.monotonic() < deadline:
            time.sleep(0.005)
        assert len(exchange.log) == 2
        begun = time.monotonic()
    assert time.monotonic() - begun < 4
    assert threading.active_count() == before
    for sock in hanging:
        sock.close()


def test_an_error_inside_the_exchange_does_not_pass_unseen(caplog: pytest.LogCaptureFixture) -> None:
    """A scenario that the exchange cannot serve is answered with 500, and raises at the end of the with block."""

    def serve() -> None:
        with LocalExchange(Scenario(account={"canTrade": {1, 2}})) as exchange:
            assert ask_signed(exchange, CONFIG).status == 500

    with pytest.raises(TypeError, match="not JSON serializable"):
        serve()
    assert caplog.records


def test_garbage_is_answered_and_survived(exchange: LocalExchange) -> None:
    """A request that is not HTTP gets a 400, and the next client is served."""
    parts = urlsplit(exchange.futures_url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=2) as sock:
        sock.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert b" 400 " in sock.recv(100)
    assert ask(exchange.futures_url, TIME).status == 200


# ---------------------------------------------------------------------- scenarios and the command

EXPECTED: dict[str, Callable[[LocalExchange], bool]] = {
    "healthy": lambda one: ask_signed(one, ORDER_TEST, "POST", **MARKET_ORDER).status == 200,
    "hedge-mode": lambda one: ask_signed(one, CONFIG).json["dualSidePosition"] is True,
    "withdrawals-enabled": lambda one: ask_signed(one, RESTRICTIONS).json["enableWithdrawals"] is True,
    "futures-disabled": lambda one: ask_signed(one, CONFIG).verdict == (401, -2015),
    "futures-refuses": lambda one: ask_signed(one, CONFIG).verdict == (401, -2015),
    "portfolio-margin": lambda one: ask_signed(one, "/sapi/v1/account/info").json["isPortfolioMarginRetailEnabled"],
    "ip-refused": lambda one: ask_signed(one, RESTRICTIONS).verdict == (401, -2015),
    "no-ip-restriction": lambda one: ask_signed(one, RESTRICTIONS).json["ipRestrict"] is False,
    "wrong-secret": lambda one: ask_signed(one, RESTRICTIONS).verdict == (400, -1022),
    "unknown-key": lambda one: ask_signed(one, CONFIG).verdict == (401, -2015),
    "read-only": lambda one: ask_signed(one, ORDER_TEST, "POST", **MARKET_ORDER).verdict == (401, -2015),
    "clock-behind": lambda one: ask_signed(one, CONFIG).verdict == (400, -1021),
    "clock-ahead": lambda one: ask_signed(one, CONFIG).verdict == (400, -1021),
    "trading-barred": lambda one: ask_signed(one, ORDER_TEST, "POST", **MARKET_ORDER).verdict == (400, -4088),
    "unfunded": lambda one: ask_signed(one, ORDER_TEST, "POST", **MARKET_ORDER).verdict == (400, -2019),
    "unfunded-accepted": lambda one: (
        ask_signed(one, ORDER_TEST, "POST", **MARKET_ORDER).status == 200
        and ask_signed(one, "/fapi/v1/order", "POST", **MARKET_ORDER).verdict == (400, -2019)
    ),
    "cooling-off": lambda one: ask_signed(one, ORDER_TEST, "POST", **MARKET_ORDER).verdict == (400, -4192),
    "stream-closed": lambda one: close_code(one) == 1008,
}


def test_every_scenario_has_its_expectation() -> None:
    """Each scenario has a row that shows its effect, and a description."""
    assert set(EXPECTED) == set(SCENARIOS)
    assert all(scenario.description.endswith(".") for scenario in SCENARIOS.values())


@pytest.mark.parametrize("name", EXPECTED)
def test_a_scenario_shows_what_it_is_named_for(name: str) -> None:
    """One request shows the difference between a scenario and the healthy one."""
    with LocalExchange(SCENARIOS[name]) as exchange:
        assert EXPECTED[name](exchange)


@pytest.mark.slow
@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_interrupted(ended_by: signal.Signals, tmp_path: Path) -> None:
    """`python -m tests.exchange` writes the settings to a new file, overwrites none, and serves until Ctrl-C or
    SIGTERM. Then it removes the file.
    """
    env_file = tmp_path / "local.env"
    command = [sys.executable, "-m", "tests.exchange", "--scenario", "hedge-mode", "--env-file", str(env_file)]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603
        try:
            assert process.stdout is not None
            told = process.stdout.readline() + process.stdout.readline() + process.stdout.readline()
            settings = dict(line.split("=", 1) for line in env_file.read_text(encoding="utf-8").splitlines())
            assert "hedge-mode" in told
            assert "Ctrl-C" in told
            assert settings["BINANCE_API_KEY"] == API_KEY
            assert ask(settings["BINANCE_FUTURES_URL"], TIME).status == 200
            again = subprocess.run(command, cwd=root, capture_output=True, timeout=5, check=False, env=environment)  # noqa: S603
            assert again.returncode == 2
            process.send_signal(ended_by)
            assert process.wait(timeout=3) == 0
            assert not env_file.exists()
        finally:
            process.kill()
