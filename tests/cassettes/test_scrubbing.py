"""Scrubbing keeps only listed fields, and a second pass changes nothing."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keycheck.cassettes import scrubbing
from keycheck.errors import Inconclusive, NotBinance
from keycheck.exchange import answers
from keycheck.exchange.answers import RawAnswer
from keycheck.exchange.endpoints import (
    ACCOUNT_CONFIG,
    ACCOUNT_INFO,
    API_RESTRICTIONS,
    EXCHANGE_INFO,
    LISTED,
    LISTEN_KEY,
    ORDER_TEST,
    PING,
    POSITION_SIDE,
    PREMIUM_INDEX,
    SYMBOL_CONFIG,
    TIME,
    TRADING_STATUS,
    Endpoint,
)
from keycheck.exchange.facts import Refusal
from keycheck.exchange.permissions import KeyPermissions
from keycheck.redaction.redactor import HIDDEN, HIDDEN_IP, Redactor
from tests.examples import examples
from tests.exchange import pages

SYMBOL = "BTCUSDT"
KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
clean = Redactor([KEY]).clean_shared

ENDPOINTS = sorted(LISTED, key=str)
LISTED_NAMES = {
    *("serverTime", "symbol", "markPrice", "canTrade", "dualSidePosition", "ipRestrict", "createTime"),
    *("tradingAuthorityExpirationTime", "code", "msg", "rateLimits", "symbols", "rateLimitType", "interval"),
    *("intervalNum", "limit", "status", "contractType", "filters"),
    *("error", "success", "unlisted", "0"),  # each as a constant, if it decides what an answer is
}
UNLISTED_NAMES = ("enableFutures", "enablePortfolio", "permitsUniversalTransfer", "balance", "uid", "orderId", "239999")
names = st.sampled_from([*sorted(LISTED_NAMES), *UNLISTED_NAMES])
texts = st.text(max_size=30) | st.sampled_from(
    ["signature=abc", "listenKey=abcdef", '"listenKey": "abc"', "203.0.113.7", KEY, "x" * 400, "BTCUSDT", "ETHUSDT"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
documents = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4))
bodies = st.dictionaries(names, documents, max_size=6).map(json.dumps).map(str.encode)
endpoints = st.sampled_from(ENDPOINTS)


def scrub(endpoint: Endpoint, status: int, body: bytes) -> bytes:
    """Scrubs a body once."""
    return scrubbing.scrub_body(endpoint.path, status, body, SYMBOL, clean)


def names_in(document: Any) -> set[str]:
    """Every name in a document, except those below `filters`: a filter is kept whole."""
    if isinstance(document, list):
        return set().union(*map(names_in, document))
    if isinstance(document, dict):
        below = (value for name, value in document.items() if name != "filters")
        return set(document).union(*map(names_in, below))
    return set()


@given(endpoints, st.sampled_from([200, 400, 401, 503]), bodies | st.binary(max_size=40))
@example(PING, 400, b'{"msg": "listenKey=abcdef"}')
@example(ORDER_TEST, 200, b'{"orderId": 7, "error": ""}')
@example(PING, 400, b'{"msg": "' + b"x" * 285 + b' signature=abcdefg"}')
def test_scrubbing_twice_is_scrubbing_once(endpoint: Endpoint, status: int, body: bytes) -> None:
    """Scrubbing when recorded and again when loaded changes nothing more."""
    once = scrub(endpoint, status, body)
    assert scrub(endpoint, status, once) == once


@given(endpoints, st.sampled_from([200, 400]), bodies)
def test_no_unlisted_name_is_kept(endpoint: Endpoint, status: int, body: bytes) -> None:
    """Balances, ids and unknown fields are dropped, at every depth."""
    scrubbed = scrub(endpoint, status, body)
    kept = json.loads(scrubbed) if answers.strict(scrubbed) is not None else {}
    beyond = names_in(kept) - LISTED_NAMES
    if endpoint is API_RESTRICTIONS and status == 200:
        assert all(name.startswith(("enable", "permits", "withdraw")) for name in beyond)
        assert all(isinstance(kept[name], bool) for name in beyond)
    else:
        assert not beyond


def outcome(endpoint: Endpoint, status: int, body: bytes) -> object:
    """The result of reading an answer: the type of the exception, the code of the refusal, or dict."""
    try:
        found = answers.read(RawAnswer(status, {}, body), endpoint, str)
    except Inconclusive as error:
        return type(error)
    return found.code if isinstance(found, Refusal) else dict


@settings(max_examples=examples(300))
@given(endpoints, st.sampled_from([200, 200, 400, 503]), bodies)
@example(ORDER_TEST, 200, b'{"status": "up"}')
@example(SYMBOL_CONFIG, 200, b'"a text"')
@example(TIME, 403, b'{"code": -1000, "msg": "configured to block access from your country"}')
@example(ORDER_TEST, 200, b'{"orderId": "7", "status": ""}')
@example(ORDER_TEST, 200, b'{"orderId": null}')
@example(ORDER_TEST, 200, b'{"orderId": 7, "msg": "success"}')
@example(ORDER_TEST, 200, b'{"orderId": 7, "error": ""}')
@example(API_RESTRICTIONS, 200, b'{"enableFutures": true, "success": false}')
@example(API_RESTRICTIONS, 200, b'{"enableFutures": true, "Success": false}')
@example(ORDER_TEST, 200, b'{"orderId": 7, "status": "REJECTED"}')
@example(API_RESTRICTIONS, 200, b'{"enableFutures": true, "success": true, "code": 200}')
@example(PING, 200, b'{"239999": "The system is under maintenance."}')
@example(ORDER_TEST, 200, b'{"239999": "The system is under maintenance."}')
@example(PING, 400, b'{"239999": "The system is under maintenance."}')
@example(ORDER_TEST, 200, b'{"code": "-2015"}')
def test_a_scrubbed_answer_is_what_it_was(endpoint: Endpoint, status: int, body: bytes) -> None:
    """A law: an answer and its scrubbed form have the same result, live and in a replay."""
    assert outcome(endpoint, status, scrub(endpoint, status, body)) == outcome(endpoint, status, body)


@given(endpoints, st.sampled_from([200, 400]), bodies)
def test_no_secret_and_no_address_is_kept(endpoint: Endpoint, status: int, body: bytes) -> None:
    """Neither a secret nor an address is kept, not even in a listed field."""
    kept = scrub(endpoint, status, body).decode()
    assert KEY not in kept
    assert "203.0.113.7" not in kept


@pytest.mark.parametrize("prefix", ["withdraw_", "enableWithdraw"])
@pytest.mark.parametrize("value", [True, False, "true"])
def test_a_way_to_withdraw_whose_name_holds_a_secret_is_kept(prefix: str, value: object) -> None:
    """The permission is kept under another name, so that no replay says that the key cannot withdraw."""
    word = "NothingButLettersAreInThisSecret"
    body = {"enableFutures": True, "enableWithdrawals": False, prefix + word: value}
    hides = Redactor([word]).clean
    kept = json.loads(scrubbing.scrub_body(API_RESTRICTIONS.path, 200, json.dumps(body).encode(), SYMBOL, hides))
    assert word not in str(kept)
    live, again = (_withdrawals(KeyPermissions(one)) for one in (body, kept))
    assert bool(live) == bool(again)
    assert (live is None) == (again is None)


def _withdrawals(key: KeyPermissions) -> tuple[str, ...] | None:
    try:
        return key.withdrawals
    except NotBinance:
        return None


PLAIN = {
    PING: {},
    TIME: {"serverTime": 1790000000000},
    PREMIUM_INDEX: {"symbol": SYMBOL, "markPrice": "41000.10000000"},
    ACCOUNT_CONFIG: {"canTrade": True, "dualSidePosition": False},
    ORDER_TEST: {},
    POSITION_SIDE: {"dualSidePosition": True},
    ACCOUNT_INFO: {"isFutureEnabled": True, "isPortfolioMarginRetailEnabled": False},
    API_RESTRICTIONS: {
        "ipRestrict": True,
        "createTime": 1790000000000,
        "tradingAuthorityExpirationTime": 1795000000000,
        "enableFutures": True,
        "enableNews": False,
        "permitsUniversalTransfer": True,
    },
    LISTEN_KEY: {},
    TRADING_STATUS: {
        "indicators": {
            SYMBOL: [{"indicator": "UFR", "isLocked": True, "plannedRecoverTime": 1795163640000}, {}],
            "ACCOUNT": [],
        }
    },
    EXCHANGE_INFO: {
        "serverTime": 1790000000000,
        "rateLimits": [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400}],
        "symbols": [
            {
                "symbol": SYMBOL,
                "status": "TRADING",
                "contractType": "PERPETUAL",
                "filters": [
                    {"filterType": "LOT_SIZE", "stepSize": "0.00100", "minQty": "0.001", "maxQty": "1000"},
                    {"filterType": "PRICE_FILTER", "minPrice": "0.10", "maxPrice": "9000", "tickSize": "0.10"},
                    {"filterType": "MIN_NOTIONAL", "notional": "50"},
                    {"filterType": "MAX_NUM_ORDERS", "limit": 200},
                ],
            }
        ],
    },
}


@pytest.mark.parametrize(("endpoint", "kept"), PLAIN.items(), ids=map(str, PLAIN))
def test_fields_that_checks_read_are_kept(endpoint: Endpoint, kept: dict[str, Any]) -> None:
    """Fields that checks read are kept, and all others are dropped."""
    private = {"feeTier": 3, "uid": 12345, "orderId": 1, "balance": "9000.00", "enableText": "yes", "permitsAll": 1}
    assert json.loads(scrub(endpoint, 200, json.dumps(kept | private).encode())) == kept


@pytest.mark.parametrize("status", [403, 404])
def test_the_page_for_a_closed_country_keeps_its_sentence(status: int) -> None:
    """Scrubbing keeps one sentence of the page for a closed country, by which a replay recognises the page."""
    kept = scrub(PING, status, pages.COUNTRY.encode())
    assert (b"block access from your country" in kept) is (status == 403)
    assert b"InventedRequestId" not in kept
    assert scrub(PING, status, kept) == kept


def test_a_listen_key_is_replaced_by_a_constant() -> None:
    """A listen key is replaced by a constant word, as in older cassettes; an invalid listen key is dropped."""
    given = json.dumps({"listenKey": "pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1"})
    assert json.loads(scrub(LISTEN_KEY, 200, given.encode())) == {"listenKey": "a-listen-key-was-given"}
    for none in ('{"listenKey": ""}', '{"listenKey": 1}', '{"listenKey": null}', '{"listenKey": "a b"}'):
        assert json.loads(scrub(LISTEN_KEY, 200, none.encode())) == {}


def test_no_figure_of_an_indicator_is_kept() -> None:
    """No figure of an indicator is kept; an entry of another type becomes None, which a replay cannot read either."""
    locked = {"indicator": "UFR", "isLocked": False}
    figures = {"value": 0.05, "triggerValue": 0.995}
    body = {"indicators": {"A": [locked | figures, 7], "B": 7, "C": {"isLocked": True}}, "updateTime": 1}
    kept = {"indicators": {"A": [locked, None], "B": None, "C": None}}
    assert json.loads(scrub(TRADING_STATUS, 200, json.dumps(body).encode())) == kept
    assert json.loads(scrub(TRADING_STATUS, 200, b'{"indicators": [1], "code": -1, "msg": "x"}')) == {
        "code": -1,
        "msg": "x",
    }


@pytest.mark.parametrize(
    ("endpoint", "lists"),
    [
        (EXCHANGE_INFO, {"rateLimits": [{"limit": number} for number in range(21)]}),
        (TRADING_STATUS, {"indicators": {str(number): [] for number in range(21)}}),
    ],
    ids=str,
)
def test_twenty_entries_of_a_long_list_are_kept(endpoint: Endpoint, lists: dict[str, Any]) -> None:
    """The first twenty entries are kept; an exchange has three limits, and one contract is requested."""
    kept = json.loads(scrub(endpoint, 200, json.dumps(lists).encode()))
    (name,) = lists
    assert list(kept[name]) == list(lists[name])[:20]


@pytest.mark.parametrize("what", ["rateLimits", "symbols"])
def test_a_value_that_is_not_a_list_of_objects_is_dropped(what: str) -> None:
    """A value that is not a list of objects is dropped, and so is an entry that is not an object."""
    assert json.loads(scrub(EXCHANGE_INFO, 200, json.dumps({what: {"a": 1}}).encode())) == {}
    assert json.loads(scrub(EXCHANGE_INFO, 200, json.dumps({what: [1, "x", None]}).encode())) == {what: []}


def test_a_cassette_is_compact_and_readable() -> None:
    """A cassette has letters of any script as they are, and no blanks between JSON's tokens."""
    assert scrub(PING, 400, b'{ "code": -1, "msg": "\\u5e01 \\ud800b" }') == '{"code":-1,"msg":"币  b"}'.encode()


@pytest.mark.parametrize("before", range(1930, 2010, 10))
def test_a_secret_at_the_end_of_a_long_text_is_hidden_before_the_text_is_cut(before: int) -> None:
    """A secret is hidden before the text is cut, because half a secret would not be recognised."""
    kept = json.loads(scrub(PING, 400, json.dumps({"msg": "x" * before + KEY}).encode()))["msg"]
    assert len(kept) <= 2000
    assert not any(KEY[i : i + 10] in kept for i in range(55))


def test_a_refusal_keeps_code_and_cleaned_text() -> None:
    """The address that Binance saw is masked."""
    said = "Invalid API-key, IP, or permissions for action"
    body = json.dumps({"code": -2015, "msg": f"{said}, request ip: 203.0.113.7", "uid": 1}).encode()
    kept = {"code": -2015, "msg": f"{said}, request ip: {HIDDEN_IP}"}
    assert json.loads(scrub(ACCOUNT_CONFIG, 401, body)) == kept
    assert json.loads(scrub(PING, 400, f'{{"code": -1, "msg": "{KEY}"}}'.encode()))["msg"] == HIDDEN


@pytest.mark.parametrize("body", [b"", b"<html>203.0.113.7</html>", b"\xff\xfe", b"{", b"[" * 100_000])
def test_a_body_that_is_not_json_is_dropped(body: bytes) -> None:
    """A body that is not JSON is replaced by a remark that says so."""
    kept = scrub(PING, 200, body)
    assert b"not JSON" in kept
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(kept)


@pytest.mark.parametrize("body", [b'{"code":-1,"msg":"\\ud800"}', b'{"code":-1,"msg":"a\\udfffb"}'])
def test_half_a_character_does_not_break_a_recording(body: bytes) -> None:
    """JSON can spell half a character, which UTF-8 cannot write."""
    assert json.loads(scrub(PING, 400, body))["code"] == -1


@pytest.mark.parametrize("body", [b'{"canTrade": true, "canTrade": false}', b'{"canTrade": NaN}', b"[]", b"null", b"x"])
def test_a_broken_answer_stays_broken(body: bytes) -> None:
    """A body that the live run could not read cannot be read in a replay either."""
    for raw in (body, scrub(ACCOUNT_CONFIG, 200, body)):
        with pytest.raises(NotBinance):
            answers.read(RawAnswer(200, {}, raw), ACCOUNT_CONFIG, str)


def contract(name: str, **more: Any) -> dict[str, Any]:
    """An entry of exchangeInfo."""
    return {"symbol": name, "status": "TRADING", "contractType": "PERPETUAL", "filters": [], **more}


@pytest.mark.parametrize(
    ("listed", "kept"),
    [
        (("A", "B", SYMBOL, "C", "D"), ["B", SYMBOL, "C"]),
        ((SYMBOL, "A", "B"), [SYMBOL, "A"]),
        (("A", "B", SYMBOL), ["B", SYMBOL]),
        (("A", "B", "C", "D"), ["A", "B", "C"]),
        ((SYMBOL,), [SYMBOL]),
        (("A", SYMBOL, "B", "C", SYMBOL, SYMBOL), ["A", SYMBOL, "B", SYMBOL]),  # a repeated symbol stays repeated
        ((SYMBOL, SYMBOL, "A"), [SYMBOL, SYMBOL]),
        (("ETHBTC", "BTCUSDC", "BTCUSD", "X"), ["BTCUSDC", "BTCUSD"]),
        ((), []),
    ],
)
def test_one_contract_and_its_neighbours_are_kept(listed: tuple[str, ...], kept: list[str]) -> None:
    """One contract is kept with its neighbours, so that a replay still has to find the right one."""
    body = json.dumps({"symbols": [contract(name, onboardDate=1) for name in listed], "assets": [1]}).encode()
    found = json.loads(scrub(EXCHANGE_INFO, 200, body))
    assert [entry["symbol"] for entry in found["symbols"]] == kept
    assert names_in(found) <= LISTED_NAMES


def test_figures_of_exchange_info_are_kept_as_written() -> None:
    """Filters and limits are kept to the last zero."""
    filters = [{"filterType": "LOT_SIZE", "stepSize": "0.00100", "minQty": "0.001", "news": {"a": 1}}]
    limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400, "x": 1}]
    body = json.dumps({"rateLimits": limits, "symbols": [contract(SYMBOL, filters=filters)]}).encode()
    found = json.loads(scrub(EXCHANGE_INFO, 200, body))
    assert found["rateLimits"] == [{k: v for k, v in limits[0].items() if k != "x"}]
    assert found["symbols"][0]["filters"][0]["stepSize"] == "0.00100"
    assert "a" not in json.dumps(found["symbols"][0]["filters"][0].get("news"))


def test_long_texts_are_cut() -> None:
    """A text is cut at 2000 characters, more than a report shows."""
    assert len(json.loads(scrub(PING, 400, json.dumps({"msg": "x " * 9999}).encode()))["msg"]) == 2000


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": 1, "a": 2}', "{", "\xff", "", "null"])
def test_invalid_json_stays_invalid(text: str) -> None:
    """Invalid JSON stays invalid: a replay must not accept an answer that the live run refused."""
    for body in (text.encode("latin-1"), b" " + text.encode("latin-1")):
        once = scrub(API_RESTRICTIONS, 200, body)
        assert answers.strict(once) is None


def test_an_error_code_is_kept_whatever_the_status() -> None:
    """An error code with status 200 is kept, so that a replay sees it, too."""
    kept = json.loads(scrub(ORDER_TEST, 200, b'{"code": -2014, "msg": "API-key format invalid.", "orderId": 7}'))
    assert kept == {"code": -2014, "msg": "API-key format invalid."}


PARAMETERS = ("symbol", "side", "positionSide", "type", "quantity", "recvWindow", "timestamp", "signature")
queries = st.lists(
    st.tuples(st.sampled_from([*PARAMETERS, "apiKey"]), st.text(max_size=8)),
    max_size=6,
).map(urlencode)


@given(st.sampled_from(["https://fapi.binance.com", "http://u:p@127.0.0.1:8080"]), endpoints, queries)
@example("https://fapi.binance.com", ORDER_TEST, urlencode([(name, "1") for name in (*PARAMETERS, "apiKey")]))
def test_an_address_keeps_no_host_stamp_or_signature(origin: str, endpoint: Endpoint, query: str) -> None:
    """An address keeps its path and the listed parameters, in order; a second pass changes nothing."""
    scrubbed = scrubbing.scrub_uri(f"{origin}{endpoint.path}?{query}")
    parts = urlsplit(scrubbed)
    assert parts.netloc in ("futures.invalid", "wallet.invalid")
    assert (parts.netloc == "wallet.invalid") is endpoint.path.startswith("/sapi/")
    assert parts.path == endpoint.path
    before = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "apiKey"]
    blank = ("timestamp", "signature")
    assert parse_qsl(parts.query, keep_blank_values=True) == [(n, "0" if n in blank else v) for n, v in before]
    assert scrubbing.scrub_uri(scrubbed) == scrubbed


def test_few_headers_are_kept() -> None:
    """Cookies, trace ids and dates are dropped."""
    headers = {
        "Content-Type": ["application/json"],
        "X-MBX-USED-WEIGHT-1M": ["12"],
        "x_mbx_used_weight": ["13"],
        "Retry-After": ["3"],
        "x-amzn-waf-action": ["captcha"],
        "Set-Cookie": ["session=1"],
        "x-mbx-uuid": ["1"],
        "Date": ["Fri, 20 Nov 2026 08:13:00 GMT"],
        "x-sapi-used-ip-weight-1m": ["203.0.113.7"],
    }
    kept = scrubbing.scrub_headers(headers, clean)
    assert kept == {
        "content-type": ["application/json"],
        "x-mbx-used-weight-1m": ["12"],
        "x-mbx-used-weight": ["13"],
        "retry-after": ["3"],
        "x-amzn-waf-action": ["captcha"],
        "x-sapi-used-ip-weight-1m": ["-"],
    }
    assert scrubbing.scrub_headers(kept, clean) == kept


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("retry-after", "joe.doe@example.org", "-"),
        ("retry-after", "912345678901", "-"),
        ("x-mbx-used-weight-1m", "account 912345678901", "-"),
        ("x-amzn-waf-action", "912345678901 was refused", "-"),
        ("content-type", "application/json; account=912345678901", "application/json"),
        ("content-type", "Text/HTML;charset=utf-8", "text/html"),
        ("content-type", "Text/HTML; charset=json", "application/json"),  # a live run reads it as JSON
        ("content-type", "application/joe.doe@example.org+json", "application/json"),
        ("content-type", "joe.doe@example.org", "-"),
    ],
)
def test_a_header_keeps_only_known_forms_of_value(name: str, value: str, kept: str) -> None:
    """A header keeps a number, a word or a known type; any other text, which a proxy may have written, becomes `-`."""
    assert scrubbing.scrub_headers({name: [value]}, clean) == {name: [kept]}
