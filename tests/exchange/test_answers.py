"""An answer's bytes become JSON, a refusal with a code, or an error that says why not."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keycheck.errors import (
    BlockedEnRoute,
    ExchangeTrouble,
    Inconclusive,
    NotBinance,
    OrdersLimited,
    RateLimited,
    RestrictedLocation,
)
from keycheck.exchange import answers
from keycheck.exchange.answers import RawAnswer
from keycheck.exchange.endpoints import (
    ACCOUNT_CONFIG,
    API_RESTRICTIONS,
    LISTED,
    LISTEN_KEY,
    ORDER_TEST,
    PING,
    TIME,
    Endpoint,
)
from keycheck.exchange.error_codes import Kind
from keycheck.exchange.facts import Refusal
from keycheck.exchange.refusal_text import fit_to_show
from tests.examples import examples
from tests.exchange import pages

JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html; charset=utf-8"}


def read(status: int, body: bytes | str, headers: dict[str, str] = JSON, endpoint: Endpoint = PING) -> object:
    """The result of an answer."""
    return answers.read(RawAnswer(status, headers, body.encode() if isinstance(body, str) else body), endpoint, str)


def coded(code: object, message: object = "No.") -> str:
    """The body of an error answer."""
    return json.dumps({"code": code, "msg": message})


def trouble(status: int, body: bytes | str, headers: dict[str, str] = JSON) -> Inconclusive:
    """The error that says why there is no answer."""
    with pytest.raises(Inconclusive) as caught:
        read(status, body, headers)
    assert ". " in str(caught.value)  # the sentence has a remedy
    return caught.value


@pytest.mark.parametrize(
    "headers",
    [JSON, {}, {"content-type": "application/json;charset=UTF-8"}, {"content-type": "APPLICATION/JSON"}],
)
def test_a_json_object_is_an_answer(headers: dict[str, str]) -> None:
    """A JSON object with 200 is an answer, with a content type of JSON or with none."""
    assert read(200, '{"canTrade": true, "news": [1]}', headers) == {"canTrade": True, "news": [1]}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "1",
        '"x"',
        "<html>",
        "{",
        '{"a": 1} x',
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1, "b": 1}}',
        b'{"a": "\xff"}',
        b"\xef\xbb\xbf{}",
        "[" * 100_000,
        '{"a": ' + "9" * 5000 + "}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_200_that_is_not_a_json_object_is_not_binances(body: bytes | str) -> None:
    """With 200, strict JSON is required: no NaN, no repeated key, and not cut off."""
    assert isinstance(trouble(200, body), NotBinance)


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "text/xml", "application/xml", "image/png"])
def test_a_200_of_another_type_is_not_binances(kind: str) -> None:
    """A captive portal answers 200, too; the error names the content type."""
    error = trouble(200, "{}", {"content-type": f"{kind}; charset=utf-8"})
    assert isinstance(error, NotBinance)
    assert kind in str(error)
    assert "charset" not in str(error)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, -2015, Kind.AUTHENTICATION),
        (400, -1022, Kind.AUTHENTICATION),
        (400, -2008, Kind.AUTHENTICATION),
        (403, -2015, Kind.AUTHENTICATION),
        (400, -1021, Kind.CLOCK),
        (400, -4164, Kind.ORDER_RULE),
        (400, -2019, Kind.FUNDS),
        (400, -4192, Kind.BARRED),
        (400, -1111, Kind.FORMAT),
        (404, -5000, Kind.UNKNOWN),
        (400, -9999, Kind.UNKNOWN),
        (400, 0, Kind.UNKNOWN),
    ],
)
def test_a_coded_4xx_is_a_refusal(status: int, code: int, kind: Kind) -> None:
    """A refusal's kind depends on its code and not on its status."""
    assert read(status, coded(code)) == Refusal(status, code, fit_to_show(code, "No."), kind)
    assert read(status, coded(code), HTML) == Refusal(
        status, code, fit_to_show(code, "No."), kind
    )  # with these statuses, any content type will do


@pytest.mark.parametrize("message", [None, 1, ["x"], {}])
def test_a_message_that_is_not_text_is_ignored(message: object) -> None:
    """A message that is not text is ignored: only the code matters."""
    assert read(400, coded(-2015, message)) == Refusal(400, -2015, "", Kind.AUTHENTICATION)


def test_a_message_is_cleaned_and_harmless() -> None:
    """A message is cleaned of secrets and control characters."""
    raw = RawAnswer(400, JSON, coded(-1022, "\x1b[31mcanary\n" + "x" * 400).encode())
    refusal = answers.read(raw, PING, lambda text: text.replace("canary", "[hidden]"))
    assert isinstance(refusal, Refusal)
    assert "canary" not in refusal.message
    assert refusal.message.isprintable()
    assert len(refusal.message) <= 300


@pytest.mark.parametrize(
    "code", ["-2015", -2015.0, None, True, [-2015], -(10**12), 10**400], ids=lambda code: repr(code)[:20]
)
def test_a_code_that_is_not_a_whole_number_does_not_count(code: object) -> None:
    """Binance gives no 400 with such a code, so the answer is not Binance's."""
    assert isinstance(trouble(400, coded(code)), NotBinance)


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind"),
    [
        (451, json.dumps({"code": 0, "msg": pages.RESTRICTED}), JSON, RestrictedLocation),
        (451, "", {}, RestrictedLocation),
        (451, coded(-2015), JSON, RestrictedLocation),
        (403, pages.COUNTRY, HTML, RestrictedLocation),
        (403, pages.COUNTRY.replace(" ", "\r\n ").upper(), HTML, RestrictedLocation),
        (404, pages.COUNTRY, HTML, NotBinance),
        (403, pages.WAF, HTML, BlockedEnRoute),
        (403, "", {}, BlockedEnRoute),
        (202, "", HTML, BlockedEnRoute),
        (405, "", HTML | {"x-amzn-waf-action": "captcha"}, BlockedEnRoute),
        (405, "", HTML, NotBinance),
        (500, coded(-1000), JSON, ExchangeTrouble),
        (502, pages.BAD_GATEWAY, HTML, ExchangeTrouble),
        (503, coded(-1008), JSON, ExchangeTrouble),
        (503, json.dumps({"msg": pages.UNKNOWN_OUTCOME}), JSON, ExchangeTrouble),
        (504, "", {}, ExchangeTrouble),
        (408, coded(-1007), JSON, ExchangeTrouble),
        (400, coded(-1001), JSON, ExchangeTrouble),
        (599, "", {}, ExchangeTrouble),
        (301, "", HTML, NotBinance),
        (302, coded(-2015), JSON, NotBinance),
        (304, "", {}, NotBinance),
        (204, "", {}, NotBinance),
        (201, "{}", JSON, NotBinance),
        (206, "{}", JSON, NotBinance),
        (101, "", {}, NotBinance),
        (400, "Bad Request", HTML, NotBinance),
        (401, "{}", JSON, NotBinance),
        (404, pages.NOT_FOUND, HTML, NotBinance),
        (407, "", HTML, NotBinance),
        (429, coded(-1003), JSON, RateLimited),
        (429, "", HTML, RateLimited),
        (418, "", {}, RateLimited),
        (400, coded(-1003), JSON, RateLimited),
        (400, coded(-1015), JSON, OrdersLimited),
        (429, coded(-1015), JSON, OrdersLimited),
        (418, coded(-1015), JSON, RateLimited),
        (429, coded(-1015, "IP banned until 1790000000000."), JSON, RateLimited),
    ],
)
def test_every_other_answer_has_its_own_exception(
    status: int, body: str, headers: dict[str, str], kind: type[Inconclusive]
) -> None:
    """A firewall, a restriction, an outage, a redirect and a limit each have an exception, and none is a refusal."""
    assert type(trouble(status, body, headers)) is kind


# -- a 200 without an answer --

# The answers to an accepted test order: the documentation's, and a real one of 2026-10.
Body = dict[str, object]
ORDERS: list[Body] = [{}, {"orderId": 0, "symbol": ""}, {"orderId": 22542179, "clientOrderId": "x", "news": None}]
ORDERS += [{"orderId": -1}, {"orderId": "22542179"}, {"orderId": 0, "status": "NEW"}, {"orderId": 0, "status": ""}]
# Error members in a 200. Binance gives none of these.
CODES: list[object] = ["-2015", -2015, -2015.0, True, None, 0, [], {}, 10**400, "200", 200.0]
NO_SUCCESS: list[object] = [False, None, 0, 1, "true", "false"]
NO: list[object] = ["no", None, False, {}, {"code": -2015}]
ERRORS: list[Body] = [
    *({"code": code} for code in CODES),
    *({"success": success} for success in NO_SUCCESS),
    *({"error": error} for error in NO),
]
ERRORS += [{name: -2015} for name in ("Code", "CODE", "Error", "Success")]
FACTS = {"canTrade": True, "dualSidePosition": False, "enableFutures": True, "enableWithdrawals": False}
SIGNED = sorted((one for one in LISTED if one.signed or one.keyed), key=str)
NOTICE = {"239999": "The system is under maintenance, please try again later."}


@pytest.mark.parametrize("body", ORDERS, ids=repr)
def test_an_accepted_test_order_is_empty_or_has_an_order_id(body: Body) -> None:
    """An accepted test order is empty or has an orderId, with any other members."""
    assert read(200, json.dumps(body), endpoint=ORDER_TEST) == body


NO_IDS: list[object] = [None, True, False, 1.0, "", " ", "7 ", "-7", "new", "\u0667", [1], {}]


@pytest.mark.parametrize(
    "body", [{"status": "up"}, {"msg": "success"}, *({"orderId": order_id} for order_id in NO_IDS)], ids=repr
)
def test_an_object_without_an_order_id_accepts_no_order(body: Body) -> None:
    """An orderId is a whole number, or its digits as text; a stranger's 200 has none."""
    with pytest.raises(NotBinance, match=r"POST /fapi/v1/order/test .* order"):
        read(200, json.dumps(body), endpoint=ORDER_TEST)


@pytest.mark.parametrize("error", [*ERRORS, {"code": 200}, {"success": True}], ids=lambda error: repr(error)[:30])
@pytest.mark.parametrize("order", ORDERS, ids=repr)
def test_an_order_with_a_word_of_an_error_is_not_accepted(order: Body, error: Body) -> None:
    """An accepted order has no error member, not even one that reports success."""
    with pytest.raises(NotBinance):
        read(200, json.dumps(order | error), endpoint=ORDER_TEST)


@pytest.mark.parametrize("status", ["REJECTED", "EXPIRED", "EXPIRED_IN_MATCH", "CANCELED", "rejected"])
def test_an_order_with_the_status_of_a_refused_one_is_not_accepted(status: str) -> None:
    """An order that was rejected has an orderId as well; its status shows the rejection."""
    with pytest.raises(NotBinance):
        read(200, json.dumps({"orderId": 7, "status": status}), endpoint=ORDER_TEST)


@settings(max_examples=examples(200))
@given(
    st.sampled_from(["code", "error", "success"]),
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    st.dictionaries(st.text(max_size=10), st.none() | st.integers() | st.text(max_size=10), max_size=5),
)
@example("code", -1016, {})
def test_a_200_with_an_error_member_is_not_an_accepted_order(name: str, value: object, beside: Body) -> None:
    """A 200 with `code`, `error` or `success` does not accept an order, whatever else it holds."""
    with pytest.raises((NotBinance, ExchangeTrouble)):
        read(200, json.dumps({"orderId": 0, **beside, name: value}), endpoint=ORDER_TEST)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: repr(error)[:30])
def test_no_200_carries_an_error(error: Body) -> None:
    """An answer with 200 and an error member is not Binance's, even if it holds all the facts of a check."""
    for endpoint in (PING, TIME, *SIGNED):
        with pytest.raises(NotBinance):
            read(200, json.dumps({**FACTS, "orderId": 0, **error}), endpoint=endpoint)


@pytest.mark.parametrize("endpoint", [ACCOUNT_CONFIG, API_RESTRICTIONS], ids=str)
@pytest.mark.parametrize("more", [{"code": 200, "msg": "success"}, {"success": True}, {"news": [1]}], ids=repr)
def test_a_200_may_report_success_beside_the_facts(endpoint: Endpoint, more: Body) -> None:
    """Binance's own 200s may hold `"code": 200`."""
    assert read(200, json.dumps(FACTS | more), endpoint=endpoint) == FACTS | more


@pytest.mark.parametrize("endpoint", [ACCOUNT_CONFIG, API_RESTRICTIONS], ids=str)
@pytest.mark.parametrize("body", [{}, {"status": "up"}, {"canTrade": "true", "enableFutures": 1}], ids=repr)
def test_a_signed_answer_without_any_of_its_facts_is_not_binances(endpoint: Endpoint, body: Body) -> None:
    """`{}` in answer to a signed request must not prove that key and signature are good."""
    with pytest.raises(NotBinance):
        read(200, json.dumps(body), endpoint=endpoint)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 408, 451, 500, 503])
@pytest.mark.parametrize("headers", [JSON, HTML, {}], ids=repr)
def test_a_maintenance_notice_is_trouble_of_the_exchange(status: int, headers: dict[str, str]) -> None:
    """A notice of maintenance has neither code nor msg, and an undocumented status (notice of 2026-06-10)."""
    for endpoint in (PING, TIME, *SIGNED):
        with pytest.raises(ExchangeTrouble, match=r"trouble.* Run again") as caught:
            read(status, json.dumps(NOTICE), headers, endpoint)
        assert caught.value.code is None


MAINTENANCE = ((-1016, "This service is no longer available."), (-1016, "Service is under maintenance."))


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 500, 503])
@pytest.mark.parametrize(("code", "text"), [*MAINTENANCE, (-1109, "Invalid account."), (-1109, "Invalid account")])
def test_maintenance_with_a_code_is_trouble_of_the_exchange(status: int, code: int, text: str) -> None:
    """Two of the four answers during maintenance have a code, and an undocumented status (notice of 2026-06-10)."""
    for endpoint in (PING, TIME, *SIGNED):
        with pytest.raises(ExchangeTrouble, match=r"trouble.* Run again") as caught:
            read(status, coded(code, text), JSON, endpoint)
        assert caught.value.code == code


@pytest.mark.parametrize("status", [418, 429])
def test_418_and_429_are_limits_with_any_body(status: int) -> None:
    """A body of any kind with 418 or 429 is a limit, after which nothing more is sent."""
    assert isinstance(trouble(status, json.dumps(NOTICE)), RateLimited)


@pytest.mark.parametrize(
    "body", [{"239999": 1}, {"239999": ""}, {**NOTICE, "a": 1}, {"-": "x"}, {"٢٣": "x"}, {"9" * 40: "x"}], ids=repr
)
def test_a_body_that_only_looks_like_a_notice_is_not_binances(body: Body) -> None:
    """A notice has one member, named by a number, with a text; anything else is not Binance's."""
    assert isinstance(trouble(400, json.dumps(body)), NotBinance)


@pytest.mark.parametrize(
    ("headers", "message", "advice"),
    [
        ({"retry-after": "17"}, "Too many requests.", "wait 17 s"),
        ({"retry-after": "17"}, "IP(1.2.3.4) banned until 1790000000000.", "banned until 2026-09-21 14:13:20 UTC"),
        ({}, "IP banned until 1790000000000. Please use", "banned until 2026-09-21 14:13:20 UTC"),
        ({}, "banned until 99999999999999", "banned until 5138"),
        ({}, "Too many requests.", "wait some minutes"),
        ({"retry-after": "soon"}, "", "wait some minutes"),
        ({"retry-after": "٣"}, "", "wait some minutes"),
        ({"retry-after": "9" * 99}, "", "wait some minutes"),
        ({"retry-after": "-1"}, "", "wait some minutes"),
    ],
)
def test_a_rate_limit_says_how_long(headers: dict[str, str], message: str, advice: str) -> None:
    """The waiting time comes from the message, else from Retry-After; without either, the advice is some minutes."""
    for status in (418, 429):
        assert advice in str(trouble(status, coded(-1003, message), headers))


@pytest.mark.parametrize(("headers", "advice"), [({"retry-after": "7"}, "wait 7 s"), ({}, "wait a minute")])
def test_a_limit_of_orders_is_the_accounts(headers: dict[str, str], advice: str) -> None:
    """Too many orders (-1015) are a limit of the account on all machines, not of the address."""
    said = str(trouble(429, coded(-1015), headers))
    assert "the orders of this account" in said
    assert advice in said
    assert "address" not in said


@pytest.mark.parametrize("endpoint", [ACCOUNT_CONFIG, API_RESTRICTIONS])
def test_trouble_names_the_host(endpoint: Endpoint) -> None:
    """The error names the futures API or the wallet API, since each may fail alone."""
    with pytest.raises(ExchangeTrouble, match=f"the {endpoint.host.value} API"):
        read(503, "", HTML, endpoint)


@given(
    st.integers(100, 599),
    st.one_of(
        st.binary(max_size=60),
        st.fixed_dictionaries(
            {}, optional={"code": st.integers() | st.text() | st.none(), "msg": st.text() | st.integers()}
        ).map(lambda body: json.dumps(body).encode()),
    ),
    st.dictionaries(st.sampled_from(["content-type", "retry-after"]), st.text(max_size=20)),
)
def test_no_answer_breaks_the_reader(status: int, body: bytes, headers: dict[str, str]) -> None:
    """Any answer is read as an object, a refusal with a code, or a named exception."""
    found: object = None
    reason: Inconclusive | None = None
    try:
        found = read(status, body, headers)
    except Inconclusive as error:
        reason = error
    if reason is not None:
        assert str(reason).isprintable()
    else:
        assert isinstance(found, dict) is (status == 200)
        assert status == 200 or (isinstance(found, Refusal) and found.code is not None)


MOMENTS = ("2026-11-22T21:17:50", "2026-11-22", "21:17:50.123456", "22-Nov-2026 21:17:50", "Sun, 22 Nov 2026 21:17:50")


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (200, '{"listenKey": "' + "k" * 64 + '"}', ["k" * 64]),
        (200, '{"listenKey": "' + "k" * 300 + '"}', ["k" * 256]),
        (200, '{"listenKey": 1, "other": "' + "k" * 64 + '"}', []),
        (400, coded(-1125, "The key " + "k" * 64 + " does not exist, nor does short."), ["k" * 64]),
        (400, '{"listenKey": "short", "msg": "' + "k" * 24 + '"}', ["short", "k" * 24]),
        (502, "<html>" + "k" * 64, ["k" * 64]),
        (502, f"<html>{'k' * 24}-2026-11-22-x", ["k" * 24 + "-", "-x"]),
        *((200, f'{{"listenKey": "{moment}"}}', []) for moment in MOMENTS),
        (200, f'{{"listenKey": "abc {MOMENTS[0]}+00:00xyz"}}', ["abc ", "+00:00xyz"]),
    ],
    ids=["answer", "long", "other field", "refusal", "both", "no JSON", "date in no JSON", *MOMENTS, "date inside"],
)
def test_listen_keys_are_found_in_every_answer(status: int, body: str, found: list[str]) -> None:
    """They are the listenKey and, in an error, each text that may be one; answers of other endpoints hold none.

    A date is no secret: the last scan would find it in the run's own files, and delete them.
    """
    raw = RawAnswer(status, JSON, body.encode())
    assert answers.secrets_in(raw, LISTEN_KEY) == found
    assert answers.secrets_in(raw, ACCOUNT_CONFIG) == []
