"""A refusal's text is shown as far as it identifies nobody."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keycheck.cassettes import scrubbing
from keycheck.errors import Inconclusive
from keycheck.exchange import answers, error_codes, refusal_text
from keycheck.exchange.answers import RawAnswer
from keycheck.exchange.endpoints import ORDER_TEST
from keycheck.exchange.facts import Refusal
from keycheck.exchange.refusal_text import HIDDEN_MAIL, HIDDEN_NUMBER, fit_to_show
from keycheck.redaction.redactor import HIDDEN, HIDDEN_IP, HIDDEN_IPV6
from tests.examples import examples
from tests.exchange import Fault, LocalExchange, Scenario
from tests.exchange.refusals import TEXTS
from tests.matrix import mostly_slow
from tests.running import SuiteRunner

# Code, text of Binance (seen or possible), and the text that is shown.
KNOWN = [
    (-2015, "Invalid API-key, IP, or permissions for action", "Invalid API-key, IP, or permissions for action"),
    (-2015, "Invalid API-key, IP, or permissions for action.", "Invalid API-key, IP, or permissions for action."),
    (
        -2015,
        "Invalid API-key, IP, or permissions for action, request ip: 203.0.113.7",
        "Invalid API-key, IP, or permissions for action, request ip: 203.0.113.7",
    ),
    (
        -2015,
        "Account 123456789 of jo@x.invalid: no. request ip: 2001:db8::1.",
        "Invalid API-key, IP, or permissions for action, request ip: 2001:db8::1",
    ),
    (-2015, "no, request ip: 12345678", "Invalid API-key, IP, or permissions for action."),
    (-2019, "Margin is insufficient: you have 9182736455.46372819 USDT", "Margin is insufficient."),
    (-2019, "margin  is insufficient", "margin is insufficient"),
    (-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.", None),
    (
        -1102,
        "Mandatory parameter '123456789' was not sent.",
        "Mandatory parameter '…' was not sent, was empty/null, or malformed.",
    ),
    (-4164, "Order's notional must be no smaller than 100 (unless you choose reduce only).", None),
    (-4164, "Order's notional must be no smaller than 5.0 (unless you choose reduce only)", None),
    (-1021, "Timestamp for this request was 1000ms ahead of the server's time.", None),
    (
        -1021,
        "User 4711: 3000ms ahead of the server's time",
        "Timestamp for this request was 1000ms ahead of the server's time.",
    ),
    (
        -1003,
        "Way too many requests; IP(203.0.113.7) banned until 1615183669840. Please use the websocket for live updates "
        "to avoid bans.",
        "Way too many requests; IP banned until 1615183669840. Please use the websocket for live updates to avoid "
        "bans.",
    ),
    (
        -1003,
        "Too many requests; current limit of IP(203.0.113.7) is 2400 requests per minute. Please use the websocket for "
        "live updates to avoid polling the API.",
        "Too many requests; current limit of IP is 2400 requests per minute. Please use the websocket for live updates "
        "to avoid polling the API.",
    ),
    (-5000, "Path /home/jo, Method GET is invalid", "Path …, Method … is invalid"),
    (-2010, "Symbol not whitelisted for API key.", None),
    (-2010, "Symbol is not whitelisted for the API key of jo", "Symbol not whitelisted for API key."),
    (-2010, "This symbol is not permitted for this account.", "NEW_ORDER_REJECTED"),  # too little alike
    (-2010, "Account has insufficient balance for requested action.", "NEW_ORDER_REJECTED"),
]
UNKNOWN = [
    ("Account 123456 is new", f"Account {HIDDEN_NUMBER} is new"),
    ("balance 1,234,567.89 or 9182736455.46372819", f"balance {HIDDEN_NUMBER} or {HIDDEN_NUMBER}"),
    ("write to jo.doe+x@mail.invalid.", f"write to {HIDDEN_MAIL}"),
    ("from 203.0.113.7 or 2001:db8::1", f"from {HIDDEN_IP} or {HIDDEN_IPV6}"),
    ("no, request ip: 203.0.113.7, bye", "no, request ip: 203.0.113.7, bye"),
    ("id 6f1c0f3e-9c52-4ac2-8c55-0a5d8c2b7e11", f"id {HIDDEN}"),
    ("see code -239999, IP banned until 1699999999999.", "see code -239999, IP banned until 1699999999999."),
    ("limit is 2400 per 1 MINUTE, -2015, PERCENT_PRICE", "limit is 2400 per 1 MINUTE, -2015, PERCENT_PRICE"),
    ("at 2026-11-20 08:13:00", "at 2026-11-20 08:13:00"),
    ("MANDATORY_PARAM_EMPTY_OR_MALFORMED", "MANDATORY_PARAM_EMPTY_OR_MALFORMED"),
    ("balance -123456.78 USDT", f"balance -{HIDDEN_NUMBER} USDT"),
    ("balance 52.17 USDT is below 60", f"balance {HIDDEN_NUMBER} USDT is below 60"),
    ("Wallet balance: 1,234.5 USDT", f"Wallet balance: {HIDDEN_NUMBER} USDT"),
    ("account format: 1234567890, what=12345678901", f"account format: {HIDDEN_NUMBER}, what={HIDDEN_NUMBER}"),
    ("acct 1234 5678 9012 3456", f"acct {HIDDEN_NUMBER}"),
    ("balance 1\u2019234\u2019567 or 1\u202f234\xa0567", f"balance {HIDDEN_NUMBER} or {HIDDEN_NUMBER}"),
    ("uid 12\u200b345\xad678, code -2019\xa0345", f"uid {HIDDEN_NUMBER}, code -{HIDDEN_NUMBER}"),
    ("uid 12_345_678 or \uff11\uff12\uff13\uff14\uff15\uff16", f"uid {HIDDEN_NUMBER} or {HIDDEN_NUMBER}"),
    ("jo%40mail.invalid, jo\uff20mail.invalid", f"{HIDDEN_MAIL}, {HIDDEN_MAIL}"),
    ("from ip-203-0-113-7", f"from ip-{HIDDEN_IP}"),
    ("", ""),
]


@pytest.mark.parametrize(("code", "text", "shown"), KNOWN)
def test_a_known_code_has_its_documented_words(code: int, text: str, shown: str | None) -> None:
    """A known code is shown with its documented words.

    Names and small figures in them are kept, and other parts become a gap. The address that Binance saw is kept.
    """
    assert fit_to_show(code, text) == (text if shown is None else shown)


@pytest.mark.parametrize(("text", "shown"), UNKNOWN)
def test_an_unknown_text_is_shown_without_personal_data(text: str, shown: str) -> None:
    """Long numbers, fractions, addresses, e-mail addresses and long words are hidden, and codes and times are not."""
    assert fit_to_show(-9999, text) == shown
    assert fit_to_show(None, text) == shown


@pytest.mark.parametrize("code", [code for code in TEXTS if error_codes.kind_of(code) is not error_codes.Kind.UNKNOWN])
def test_known_texts_of_binance_are_shown_unchanged(code: int) -> None:
    """Documented texts and those seen live are shown unchanged."""
    assert fit_to_show(code, TEXTS[code]) == TEXTS[code]


PARTS = (
    *("account 123456789", "jo@x.invalid", "203.0.113.7", "request ip: ", "banned until ", "1699999999999", "-2015"),
    *(
        "2001:db8::1",
        "…",
        "%s",
        ", ",
        ". ",
        "'x'",
        "IP(",
        ")",
        "@",
        "Margin is insufficient.",
        "a" * 45,
        "9" * 25,
        "٣" * 7,
    ),
)
said = st.lists(st.sampled_from(PARTS) | st.text(max_size=5), max_size=9).map("".join)


@settings(max_examples=examples(200))
@given(st.sampled_from([None, -9999, *refusal_text._DOCUMENTED]), said)
@example(-9999, "request ip: request ip: 1.2.3.4")
@example(None, "2001:db8::1" + 40 * "a")
def test_a_shown_text_is_shown_unchanged_again(code: int | None, text: str) -> None:
    """A cassette holds the text that was shown, and a replay shows the same."""
    once = fit_to_show(code, text)
    assert fit_to_show(code, once) == once
    assert "123456789" not in once
    assert "jo@x" not in once


PRIVATE = "Account 123456789 (jo@x.invalid) has 9182736455.46372819 USDT on 198.51.100.9"


@pytest.mark.parametrize("code", [-2019, -4192, -1000, -9999])
def test_neither_finding_nor_cassette_shows_more_of_the_text(code: int) -> None:
    """Neither a finding nor a cassette shows private data that Binance's text of a refusal holds."""
    body = json.dumps({"code": code, "msg": PRIVATE}).encode()
    for status in (400, 503):
        try:
            shown = answers.read(RawAnswer(status, {"content-type": "application/json"}, body), ORDER_TEST, str)
        except Inconclusive as trouble:
            shown = str(trouble)  # type: ignore[assignment]
        text = shown.message if isinstance(shown, Refusal) else str(shown)
        kept = scrubbing.scrub_body(ORDER_TEST.path, status, body, "BTCUSDT", str).decode()
        for where in (text, kept):
            assert not any(part in where for part in ("123456", "jo@", "918273", "463728", "198.51")), where
    said_so = scrubbing.scrub_body(ORDER_TEST.path, 200, b'{"code":"123456789","msg":123456789}', "BTCUSDT", str)
    assert b"123456" not in said_so


@pytest.mark.parametrize("code", mostly_slow([-2019, -9999], 1))
def test_an_account_that_binance_names_is_nowhere(code: int, suite: SuiteRunner) -> None:
    """No report and no cassette shows private data of a refusal, and a replay has the same outcomes."""
    junit, cassette = suite.folder / "junit.xml", suite.folder / "recorded.yaml"
    fault = Fault.status(400, json.dumps({"code": code, "msg": PRIVATE}), content_type="application/json")
    with LocalExchange(Scenario(faults={"/fapi/v1/order/test": fault})) as exchange:
        done = suite("-vv", f"--junitxml={junit}", "--record", str(cassette), settings=exchange.settings())
    everything = (
        done.output + done.page + json.dumps(done.verdict) + junit.read_text("utf-8") + cassette.read_text("utf-8")
    )
    assert not any(part in everything for part in ("123456789", "jo@x", "918273", "463728", "198.51.100"))
    again = suite("--replay", str(cassette))
    stream = {"user_stream_is_alive": "not_applicable"}  # a replay opens no stream
    assert again.outcomes == done.outcomes | stream
    assert [one["cause"] for one in again.verdict["diagnosis"]] == [one["cause"] for one in done.verdict["diagnosis"]]
