"""Evidence leads to causes: which evidence each cause needs, how sure it is, and which causes are never named."""

import itertools
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keycheck.credentials.pasted_text import (
    KEY,
    KEY_FILE,
    PASTED_KEY,
    SAME,
    SECRET,
    FileState,
    KeyFacts,
    Sources,
)
from keycheck.diagnosis.cause import CAUSES, Confidence, Diagnosis
from keycheck.diagnosis.restrictions import BARS
from keycheck.diagnosis.rules import account_info_decides, diagnose, listen_key_decides
from keycheck.exchange.drift import Drift
from keycheck.exchange.endpoints import (
    ACCOUNT_CONFIG,
    ACCOUNT_INFO,
    API_RESTRICTIONS,
    LISTED,
    LISTEN_KEY,
    ORDER_TEST,
    PING,
    TRADING_STATUS,
    Endpoint,
)
from keycheck.exchange.error_codes import Kind, kind_of
from keycheck.exchange.evidence import NOT_LISTED, Call, Evidence, System
from keycheck.run import catalogue
from keycheck.verdict.findings import Check, Finding, Outcome, Severity
from keycheck.verdict.weighing import Verdict, weigh
from tests.running import ROOT
from tests.stories import COMBINED, STORIES

NAMES = [name for causes in CAUSES.values() for name in causes]
FINE = {"enableFutures": True, "enableWithdrawals": False, "ipRestrict": True}
OF_THE_RUN = ("claim_does_not_hold", "left_undecided", "checks_not_run", "run_not_finished")
CONFIDENCES = list(Confidence)
DEMO = {"environment": "demo"}
QUOTES = f"{KEY} had quotes around it"
QUOTED = KeyFacts(remarks=(QUOTES,))
CUT = f"{SECRET} has 60 characters where Binance's have 64"
LONGEST_ADDRESS = "2001:0db8:0000:0000:0000:ffff:203.113.203.113"


def call(endpoint: Endpoint, status: int | None = 200, code: int | None = None, text: str = "", **more: object) -> Call:
    """A request and its result."""
    about = (endpoint.method, endpoint.path, endpoint.host, endpoint.weight)
    return Call(*about, status, code, text, 5, **more)  # type: ignore[arg-type]


def refusal(endpoint: Endpoint, code: int, text: str = "") -> Call:
    """A request that was refused with an error code."""
    return call(endpoint, 401 if code in (-2014, -2015) else 400, code, text)


def trouble(kind: str, status: int | None = None, endpoint: Endpoint = PING, **more: object) -> Call:
    """A request that got no usable answer."""
    return call(endpoint, status, trouble=kind, **more)  # type: ignore[arg-type]


def found(*calls: Call, **seen: object) -> list[tuple[str, str]]:
    """Causes with their confidence, in order."""
    return [(one.cause, one.confidence.value) for one in diagnose(Evidence(calls=calls, **seen))]  # type: ignore[arg-type]


def both(code: int, text: str = "") -> tuple[Call, Call]:
    """The same refusal by both hosts."""
    return refusal(API_RESTRICTIONS, code), refusal(ACCOUNT_CONFIG, code, text)


ACCEPTED = (call(API_RESTRICTIONS), call(ACCOUNT_CONFIG), call(ORDER_TEST))
SEEN_FROM = "Invalid API-key, IP, or permissions for action, request ip: 203.0.113.7"
FUTURES_REFUSE = (call(API_RESTRICTIONS), refusal(ACCOUNT_CONFIG, -2015))


def test_every_cause_has_a_story_and_every_story_a_known_cause() -> None:
    """Each cause has a story, except those of the run itself, for which there are tests below and in test_run.py."""
    assert {story.cause for story in STORIES.values()} - {None} == set(NAMES) - set(OF_THE_RUN)
    assert {story.cause for story in COMBINED.values()} - {None} <= set(NAMES)
    assert len(COMBINED) >= 12


def test_a_healthy_key_has_no_cause() -> None:
    """A healthy key has no cause, even if a request had to be sent twice."""
    assert found(*ACCEPTED, permissions=FINE, can_trade=True, drift=Drift(20, 10)) == []
    assert found(trouble("exchange_trouble", 502), call(PING), *ACCEPTED, permissions=FINE) == []


@pytest.mark.parametrize(
    ("calls", "seen", "expected"),
    [
        ((), {"key": KeyFacts(missing=(KEY,))}, ["no_credentials certain"]),
        (both(-2014), {}, ["malformed_key certain"]),
        (both(-1022), {}, ["wrong_secret likely"]),
        ((*both(-1022), call(LISTEN_KEY)), {}, ["wrong_secret certain"]),
        ((*both(-1022), refusal(LISTEN_KEY, -2015)), {}, ["unknown_key likely", "wrong_secret possible"]),
        ((*both(-1022), refusal(LISTEN_KEY, -4109)), {}, ["wrong_secret likely"]),
        ((*both(-1022), trouble("timeout", endpoint=LISTEN_KEY)), {}, ["wrong_secret likely"]),
        (both(-2008), {}, ["unknown_key likely", "wrong_environment possible"]),
        (both(-2015), {}, ["unknown_key possible", "ip_not_allowed possible", "wrong_environment possible"]),
        (both(-4056), {}, ["malformed_key likely"]),
        (both(-4057), {}, ["malformed_key likely"]),
        (both(-1021), {"key": QUOTED}, ["clock_behind likely"]),
        (both(-1002), {}, ["unknown_key possible", "ip_not_allowed possible", "wrong_environment possible"]),
        (both(-1099), {}, ["unknown_key possible", "ip_not_allowed possible", "wrong_environment possible"]),
        (both(-1011), {}, ["ip_not_allowed likely", "unknown_key possible", "wrong_environment possible"]),
        (both(-2015), DEMO, ["wrong_environment likely", "unknown_key possible", "ip_not_allowed possible"]),
        (both(-2008), DEMO, ["wrong_environment likely", "unknown_key possible"]),
        (both(-1011), DEMO, ["ip_not_allowed likely", "unknown_key possible", "wrong_environment possible"]),
        ((refusal(API_RESTRICTIONS, -1022), refusal(ACCOUNT_CONFIG, -2015)), {}, ["wrong_secret likely"]),
        (
            (call(API_RESTRICTIONS), refusal(ACCOUNT_CONFIG, -2008)),
            {"permissions": {"enableFutures": False}},
            ["futures_not_enabled certain"],
        ),
        (
            (*ACCEPTED[:2], refusal(ORDER_TEST, -1022)),
            {"permissions": {"enableFutures": False}},
            ["futures_not_enabled certain"],
        ),
        (both(-2017), {}, ["keys_locked certain"]),
        ((*ACCEPTED[:2], refusal(ORDER_TEST, -2017)), {"permissions": FINE}, ["keys_locked certain"]),
        ((call(API_RESTRICTIONS), refusal(ACCOUNT_CONFIG, -2017)), {"permissions": FINE}, ["keys_locked certain"]),
        ((refusal(API_RESTRICTIONS, -2017), call(ACCOUNT_CONFIG)), {"key": QUOTED}, ["keys_locked certain"]),
        ((*ACCEPTED[:2], refusal(ORDER_TEST, -1135)), {}, ["trading_barred certain"]),
        (ACCEPTED[:1], {"permissions": {"enableFutures": False}}, ["futures_not_enabled certain"]),
        (ACCEPTED, {"permissions": {"enableWithdrawals": True}}, ["withdrawals_enabled certain"]),
        (ACCEPTED[:2], {"can_trade": False}, ["trading_barred certain"]),
        (ACCEPTED[:2], {"drift": Drift(3000, 10)}, ["clock_ahead certain"]),
        (ACCEPTED[:2], {"drift": Drift(-3000, 10)}, ["clock_behind certain"]),
        (ACCEPTED[:2], {"drift": Drift(1500, 10)}, ["clock_ahead likely"]),
        (ACCEPTED[:2], {"drift": Drift(-1500, 10), "recv_window": 500}, ["clock_behind likely"]),
        (ACCEPTED[:2], {"drift": Drift(2100, 500)}, ["clock_ahead likely"]),  # outside any signing window
        (ACCEPTED[:2], {"drift": Drift(-2100, 500)}, []),
        (both(-1021, "... 1000ms ahead of the server's time."), {}, ["clock_ahead likely", "clock_behind likely"]),
        (both(-1021), {"drift": Drift(0, 10)}, ["clock_behind possible"]),
        ((*ACCEPTED[:2], refusal(ORDER_TEST, -2015)), {"permissions": FINE}, ["read_only_key likely"]),
        ((*ACCEPTED[1:2], refusal(ORDER_TEST, -2015)), {}, ["read_only_key likely"]),
        ((*ACCEPTED[:2], refusal(ORDER_TEST, -4192)), {}, ["trading_barred certain"]),
        ((*ACCEPTED[:2], refusal(ORDER_TEST, -4411)), {}, ["agreement_not_signed certain"]),
        ((*ACCEPTED[:2], refusal(ORDER_TEST, -2019)), {}, []),
        ((call(API_RESTRICTIONS), call(ACCOUNT_CONFIG, 200, -4109)), {}, []),  # a 200 refuses nothing
        ((call(API_RESTRICTIONS), call(ACCOUNT_CONFIG, 200, -2015)), {"permissions": FINE}, []),
        # A failed request of an informational check is not a cause, but a limit is: it ended the run.
        ((*ACCEPTED, trouble("exchange_trouble", 502, LISTEN_KEY)), {}, []),
        ((*ACCEPTED, trouble("rate_limited", 429, LISTEN_KEY, code=-1003)), {}, ["rate_limited certain"]),
        ((*ACCEPTED, trouble("rate_limited", 429, TRADING_STATUS, code=-1003)), {}, ["rate_limited certain"]),
        ((trouble("restricted_location", 451),), {}, ["restricted_location certain"]),
        ((trouble("restricted_location", 403),), {}, ["restricted_location certain"]),
        ((trouble("turned_away", 403),), {}, ["blocked_by_firewall likely"]),
        ((trouble("turned_away", 202),), {}, ["blocked_by_firewall likely"]),
        ((trouble("rate_limited", 429, code=-1003),), {}, ["rate_limited certain"]),
        ((trouble("orders_limited", 400, ORDER_TEST, code=-1015),), {}, ["rate_limited certain"]),
        ((trouble("rate_limited", 418, code=-1003),), {}, ["ip_banned certain"]),
        ((trouble("exchange_trouble", 502),), {}, ["exchange_trouble likely"]),
        ((trouble("exchange_trouble", 503, code=-1008),), {}, ["exchange_trouble certain"]),
        ((trouble("dns"),), {}, ["network_unreachable certain"]),
        ((trouble("no_route"),), {}, ["network_unreachable certain"]),
        ((trouble("proxy"),), {}, ["network_unreachable certain"]),
        ((trouble("refused"),), {}, ["network_unreachable likely"]),
        ((trouble("timeout"),), {}, ["network_unreachable likely"]),
        ((trouble("reset"),), {}, ["network_unreachable likely"]),
        ((trouble("other"),), {}, ["network_unreachable likely"]),
        ((trouble("tls"),), {}, ["tls_failure certain"]),
        ((trouble("not_binance", 200),), {}, ["not_binance certain"]),
        ((call(PING), trouble("not_binance", 200, ACCOUNT_CONFIG)), {}, ["not_binance likely"]),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, list) else "",
)
def test_evidence_leads_to_its_causes(calls: tuple[Call, ...], seen: dict[str, object], expected: list[str]) -> None:
    """A piece of evidence leads to these causes with this confidence, the likeliest first."""
    assert [" ".join(one) for one in found(*calls, **seen)] == expected


@pytest.mark.parametrize(
    ("calls", "seen", "named"),
    [
        (both(-2015), {}, "demo.binance.com > API Management > Edit restrictions"),
        ((trouble("dns"),), {}, "getent hosts demo-fapi.binance.com"),
        ((trouble("timeout"),), {}, "port 443 of demo-fapi.binance.com;"),
        ((trouble("not_binance", 200),), {}, "https://demo-fapi.binance.com/fapi/v1/ping"),
        ((), {"can_trade": False}, "log in at demo.binance.com, open Derivatives"),
        ((trouble("exchange_trouble", 400, code=-1109),), {}, "log in at demo.binance.com, see"),
    ],
)
def test_a_demo_runs_fixes_name_the_demo_hosts_and_menus(
    calls: tuple[Call, ...], seen: dict[str, object], named: str
) -> None:
    """In a demo run, the fixes name the demo hosts and menus; in a production run, no fix names a demo host."""
    on_demo, on_production = (
        " ".join(one.fix for one in diagnose(Evidence(calls=calls, environment=environment, **seen)))  # type: ignore[arg-type]
        for environment in ("demo", "production")
    )
    assert named in on_demo
    assert not re.search(r"Profile >|(?<!-)\b(f?api)\.binance\.com", on_demo)
    assert "demo-fapi" not in on_production
    assert "demo.binance.com" not in on_production


def test_a_read_only_key_with_enable_futures_ticked_needs_a_new_key() -> None:
    """If enableFutures is true already, the fix for a read-only key does not begin with ticking it."""
    calls = (*ACCEPTED[:2], refusal(ORDER_TEST, -2015))
    (ticked,) = diagnose(Evidence(calls=calls, permissions=FINE))
    (unseen,) = diagnose(Evidence(calls=calls[1:]))
    assert ticked.fix.startswith("make a new key")
    assert "> tick Enable Futures" in unseen.fix


HMAC_PAIR = KeyFacts(type="HMAC")
IN_THEIR_ORDER = ["unknown_key possible", "ip_not_allowed possible", "wrong_environment possible"]


@pytest.mark.parametrize(
    ("calls", "key", "expected"),
    [
        (both(-2015), HMAC_PAIR, ["swapped_credentials possible", *IN_THEIR_ORDER]),
        (both(-2008), HMAC_PAIR, ["swapped_credentials likely", "unknown_key likely", "wrong_environment possible"]),
        (
            both(-2015, SEEN_FROM),
            HMAC_PAIR,
            [
                "ip_not_allowed likely",
                *("swapped_credentials possible", "unknown_key possible", "wrong_environment possible"),
            ],
        ),
        (both(-2015), KeyFacts(type="ED25519"), IN_THEIR_ORDER),
        (both(-2015), replace(HMAC_PAIR, remarks=(CUT,)), ["malformed_key likely", *IN_THEIR_ORDER]),
        (both(-1011), HMAC_PAIR, ["ip_not_allowed likely", "unknown_key possible", "wrong_environment possible"]),
        (FUTURES_REFUSE[:1] + both(-1022)[1:], HMAC_PAIR, ["answers_contradict likely"]),
    ],
)
def test_key_and_secret_may_be_swapped_where_neither_host_knows_the_key(
    calls: tuple[Call, ...], key: KeyFacts, expected: list[str]
) -> None:
    """The swap comes first among equally certain causes, because it is the quickest to check."""
    assert [" ".join(one) for one in found(*calls, key=key)] == expected


@pytest.mark.parametrize("text", ["", SEEN_FROM])
def test_a_misspelt_environment_is_the_first_cause_of_a_refusal(text: str) -> None:
    """With a misspelt BINANCE_ENVIRONMENT, which usually says demo, the wrong environment is the first cause."""
    misspelt = "BINANCE_ENVIROMENT in .env is not a setting and was not read: did you mean BINANCE_ENVIRONMENT?"
    key = replace(HMAC_PAIR, sources=Sources("file", "file", "dotenv", (misspelt,)))
    first = diagnose(Evidence(calls=both(-2015, text), key=key))[0]
    assert (first.cause, first.confidence) == ("wrong_environment", Confidence.LIKELY)
    assert first.explanation.endswith(f"knows only its own keys. {misspelt}")


@pytest.mark.parametrize(
    ("sources", "unset"),
    [
        (Sources("environment", "file"), "unset BINANCE_API_KEY "),
        (Sources("file", "environment"), "unset BINANCE_API_SECRET "),
        (Sources("program", "file"), "it gave BINANCE_API_KEY;"),
    ],
)
def test_a_pair_from_two_sources_is_named_before_a_wrong_secret(sources: Sources, unset: str) -> None:
    """The sources are named, and the variable to unset; a pair from one source is not a cause."""
    refused = (*both(-1022), call(LISTEN_KEY))
    first, second = diagnose(Evidence(calls=refused, key=KeyFacts(type="HMAC", sources=sources)))
    assert [first.cause, second.cause] == ["mixed_sources", "wrong_secret"]
    assert first.confidence is second.confidence is Confidence.CERTAIN
    assert unset in first.fix
    assert ("mixed_sources", "possible") in found(*both(-2015), key=KeyFacts(sources=sources))
    assert found(*refused, key=KeyFacts(sources=Sources("file", "file"))) == [("wrong_secret", "certain")]
    assert found(*ACCEPTED, permissions=FINE, key=KeyFacts(sources=sources)) == []


def test_a_private_key_in_the_line_of_the_secret_is_named_by_that_line() -> None:
    """The fix names the setting that holds the private key, BINANCE_API_SECRET, and not the one for its file."""
    key = KeyFacts(type="ED25519", remarks=(PASTED_KEY,), sources=Sources("file", "environment"))
    first, *_ = diagnose(Evidence(key=key, calls=(*both(-1022), call(LISTEN_KEY))))
    assert (first.cause, KEY_FILE in first.explanation + first.fix) == ("mixed_sources", False)
    assert f"unset {SECRET} " in first.fix


@pytest.mark.parametrize(
    ("file", "fix"),
    [
        ("dotenv", "open .env and fill in BINANCE_API_SECRET=..."),
        ("other", "open the settings file and fill in BINANCE_API_SECRET=..."),
        ("example", "cp -n .env.example .env && chmod 600 .env; then open .env and fill in BINANCE_API_SECRET=..."),
        ("absent", "make a file .env that only you can read, and write into it BINANCE_API_SECRET=..."),
        ("program", "have the program that started this run hand over BINANCE_API_SECRET=..."),
        (None, "cp -n .env.example .env && chmod 600 .env; then open .env and fill in BINANCE_API_SECRET=..."),
    ],
)
def test_no_fix_destroys_a_settings_file(file: FileState | None, fix: str) -> None:
    """The fix opens an existing .env, and never overwrites it; only its owner can read a new .env."""
    (told,) = diagnose(Evidence(key=KeyFacts(missing=(SECRET,), sources=Sources(file=file))))
    assert told.fix.startswith(fix)
    sources = Sources(file=file, remarks=("BINANCE_SECRET_KEY in .env was not read: did you mean BINANCE_API_SECRET?",))
    (told,) = diagnose(Evidence(key=KeyFacts(missing=(SECRET,), sources=sources)))
    assert told.fix.startswith("correct that name; or else ")
    assert fix in told.fix
    assert told.explanation.endswith(f"so nothing can be signed. {sources.remarks[0]}")


def test_a_new_settings_file_is_made_with_the_systems_own_command() -> None:
    """On Windows, which has neither cp -n nor chmod, the fix has a PowerShell command that keeps an existing .env."""
    (told,) = diagnose(Evidence(key=KeyFacts(missing=(SECRET,)), system="windows"))
    assert told.fix.startswith("if (!(Test-Path .env)) { copy .env.example .env }; then open .env and fill in")


@pytest.mark.parametrize(
    ("calls", "known"),
    [
        ((), False),
        ((call(PING), trouble("timeout", endpoint=ACCOUNT_CONFIG)), False),
        (both(-2015, SEEN_FROM), False),
        (both(-2014), False),
        (both(-1022), True),
        (both(-2017), True),
        ((*both(-2015), call(LISTEN_KEY)), True),
        (FUTURES_REFUSE, True),
    ],
)
def test_a_key_is_known_once_an_answer_shows_it(calls: tuple[Call, ...], known: bool) -> None:
    """A key is known once an answer shows that Binance knows it; until then, the text may be a secret instead."""
    assert Evidence(calls=calls).key_is_known is known


@pytest.mark.parametrize(
    ("environment", "code", "expected"),
    [
        ("production", -2015, ["ip_not_allowed likely", "unknown_key possible", "wrong_environment possible"]),
        ("demo", -2015, ["wrong_environment likely", "unknown_key possible", "ip_not_allowed possible"]),
        ("demo", -1011, ["ip_not_allowed likely", "unknown_key possible", "wrong_environment possible"]),
    ],
)
def test_an_address_in_the_text_proves_no_list(environment: str, code: int, expected: list[str]) -> None:
    """Demo keys on the wrong network get the same text, so an address makes ip_not_allowed likely, not certain."""
    assert [" ".join(one) for one in found(*both(code, SEEN_FROM), environment=environment)] == expected


@pytest.mark.parametrize(
    ("code", "text", "listed", "expected"),
    [
        (-2015, SEEN_FROM, True, "possible"),
        (-2015, SEEN_FROM, False, None),
        (-2015, SEEN_FROM, None, None),
        (-2015, "", True, None),
        (-1011, "", True, "likely"),
        (-1011, "", False, None),
    ],
)
def test_a_key_without_an_address_list_is_not_refused_for_its_address(
    code: int, text: str, listed: bool | None, expected: str | None
) -> None:
    """A key without an address list can get the same text, for a missing permission, so the flag decides."""
    permissions = {name: value for name, value in {**FINE, "ipRestrict": listed}.items() if value is not None}
    causes = dict(found(call(API_RESTRICTIONS), refusal(ACCOUNT_CONFIG, code, text), permissions=permissions))
    assert causes.get("ip_not_allowed") == expected
    assert causes


@pytest.mark.parametrize(
    ("text", "listed", "expected"),
    [
        (SEEN_FROM, True, ["ip_not_allowed possible", "read_only_key possible"]),
        (SEEN_FROM, False, ["read_only_key likely"]),
        ("", True, ["read_only_key likely"]),
    ],
)
def test_an_order_may_come_from_another_address_than_the_reads(text: str, listed: bool, expected: list[str]) -> None:
    """Orders are held against the address list, too: a machine with two addresses may have only one of them on it."""
    calls = (*ACCEPTED[:2], refusal(ORDER_TEST, -2015, text))
    assert [" ".join(one) for one in found(*calls, permissions=FINE | {"ipRestrict": listed})] == expected


def test_a_request_that_was_accepted_is_explained_by_several_addresses() -> None:
    """If the key's list refuses one request of several, the explanation speaks of several addresses."""
    order = (*ACCEPTED[:2], refusal(ORDER_TEST, -2015, SEEN_FROM))
    account = (call(API_RESTRICTIONS), refusal(ACCOUNT_CONFIG, -2015, SEEN_FROM))
    for calls in (order, account):
        first = diagnose(Evidence(calls=calls, permissions=FINE))[0]
        assert "may reach Binance from several addresses" in first.explanation
        assert "Binance saw the address 203.0.113.7." in first.explanation
        assert "add the address that Binance saw: 203.0.113.7" in first.fix


def test_a_certain_reason_of_the_account_leaves_none_for_the_address() -> None:
    """If account/info names a reason, no other cause is listed."""
    refused = (call(API_RESTRICTIONS), refusal(ACCOUNT_CONFIG, -2015, SEEN_FROM))
    told = found(*refused, permissions=FINE, account_info={"isFutureEnabled": False})
    assert told == [("futures_account_not_opened", "certain")]


HMAC, ED25519 = KeyFacts(type="HMAC", last_four="abcd"), KeyFacts(type="ED25519", last_four="abcd")


@pytest.mark.parametrize("code", [-2015, -2014, -2008, -1022, -1002, -1011, -1099, -4056])
def test_a_refusal_only_by_the_wallet_is_a_contradiction(code: int) -> None:
    """The futures API accepted the same key, so the two answers contradict, and the wallet's facts are unproven."""
    (one,) = diagnose(Evidence(calls=(refusal(API_RESTRICTIONS, code), call(ACCOUNT_CONFIG), call(ORDER_TEST))))
    assert (one.cause, one.confidence) == ("answers_contradict", Confidence.LIKELY)
    assert f"code {code}" in one.explanation
    assert one.evidence == (f"{ACCOUNT_CONFIG}: HTTP 200", str(refusal(API_RESTRICTIONS, code)))
    assert "No check could see" in one.fix


@pytest.mark.parametrize(
    ("key", "code", "expected"),
    [
        (HMAC, -1022, "answers_contradict"),
        (HMAC, -2014, "answers_contradict"),
        (HMAC, -2008, "answers_contradict"),
        (HMAC, -4056, "key_type_not_taken"),
        (ED25519, -1022, "key_type_not_taken"),
        (ED25519, -2014, "key_type_not_taken"),
        (ED25519, -4057, "key_type_not_taken"),
        (ED25519, -2008, "answers_contradict"),
    ],
)
def test_a_futures_api_that_refuses_a_proven_signature_needs_no_new_key_of_the_same_kind(
    key: KeyFacts, code: int, expected: str
) -> None:
    """The wallet API accepted key and signature, so the fix does not ask for a new key of the same kind."""
    calls_ = (call(API_RESTRICTIONS), refusal(ACCOUNT_CONFIG, code))
    assert found(*calls_, permissions=FINE, key=key) == [(expected, "likely")]
    assert not account_info_decides(Evidence(calls=calls_, permissions=FINE, key=key))


@pytest.mark.parametrize("code", [-1022, -2014, -2008, -4056, -1011])
def test_an_order_that_is_refused_as_if_unsigned_contradicts_the_reads(code: int) -> None:
    """The reads were signed with the same key and secret; a missing permission to trade would have another code."""
    causes = found(*ACCEPTED[:2], refusal(ORDER_TEST, code), permissions=FINE | {"ipRestrict": False})
    assert causes == [("answers_contradict", "likely")]


@pytest.mark.parametrize("code", [-1022, -2008, -2014, -2015, -1011])
@pytest.mark.parametrize("takes", [API_RESTRICTIONS, ACCOUNT_CONFIG], ids=str)
def test_one_api_that_takes_the_key_clears_key_secret_and_address(takes: Endpoint, code: int) -> None:
    """An API that accepts a key rules out every cause that lies in the key, the secret or the address."""
    refused = [refusal(one, code) for one in (API_RESTRICTIONS, ACCOUNT_CONFIG, ORDER_TEST) if one is not takes]
    cleared = {"malformed_key", "wrong_secret", "unknown_key", "ip_not_allowed", "wrong_environment"}
    assert not cleared & dict(found(call(takes), *refused, key=QUOTED)).keys()


WALLET_OK, FUTURES_OK = f"{API_RESTRICTIONS}: HTTP 200", f"{ACCOUNT_CONFIG}: HTTP 200"
WALLET_REFUSES, FUTURES_REFUSES = f"{API_RESTRICTIONS}: HTTP 401, code -2015", f"{ACCOUNT_CONFIG}: HTTP 401, code -2015"
ORDER_REFUSED = f"{ORDER_TEST}: HTTP 401, code -2015"
NO_ORDER = (*ACCEPTED[:2], refusal(ORDER_TEST, -2015))


@pytest.mark.parametrize(
    ("cause", "calls", "seen", "evidence"),
    [
        (
            "no_credentials",
            (),
            {"key": KeyFacts(missing=(SECRET,), remarks=(QUOTES,))},
            (f"{SECRET} is empty or absent", QUOTES),
        ),
        (
            "malformed_key",
            both(-2014),
            {"key": QUOTED},
            (QUOTES, f"{API_RESTRICTIONS}: HTTP 401, code -2014", f"{ACCOUNT_CONFIG}: HTTP 401, code -2014"),
        ),
        ("malformed_key", both(-2015), {"key": QUOTED}, (QUOTES, WALLET_REFUSES, FUTURES_REFUSES)),
        (
            "malformed_key",
            (refusal(API_RESTRICTIONS, -4056), refusal(ACCOUNT_CONFIG, -2015)),
            {},
            (f"{API_RESTRICTIONS}: HTTP 400, code -4056",),
        ),
        (
            "wrong_secret",
            (refusal(API_RESTRICTIONS, -2015), refusal(ACCOUNT_CONFIG, -1022)),
            {},
            (f"{ACCOUNT_CONFIG}: HTTP 400, code -1022",),
        ),
        ("unknown_key", both(-2015), {}, (WALLET_REFUSES, FUTURES_REFUSES)),
        ("ip_not_allowed", both(-2015), {}, (WALLET_REFUSES, FUTURES_REFUSES)),
        ("wrong_environment", both(-2015), {}, ("BINANCE_ENVIRONMENT is production", WALLET_REFUSES, FUTURES_REFUSES)),
        ("wrong_environment", both(-2015), DEMO, ("BINANCE_ENVIRONMENT is demo", WALLET_REFUSES, FUTURES_REFUSES)),
        (
            "futures_not_enabled",
            (*FUTURES_REFUSE, refusal(ORDER_TEST, -2015)),
            {"permissions": {"enableFutures": False}},
            ("enableFutures is false", FUTURES_REFUSES, ORDER_REFUSED),
        ),
        ("futures_not_enabled", ACCEPTED, {"permissions": {"enableFutures": False}}, ("enableFutures is false",)),
        ("futures_not_enabled", FUTURES_REFUSE[1:], {}, ("enableFutures is unknown", FUTURES_REFUSES)),
        (
            "futures_account_not_opened",
            FUTURES_REFUSE,
            {"permissions": FINE, "account_info": {"isFutureEnabled": False}},
            ("isFutureEnabled is false", "enableFutures is true", FUTURES_REFUSES),
        ),
        (
            "futures_account_not_opened",
            FUTURES_REFUSE,
            {},
            ("isFutureEnabled is unknown", "enableFutures is unknown", FUTURES_REFUSES),
        ),
        (
            "portfolio_margin_account",
            FUTURES_REFUSE,
            {
                "permissions": FINE | {"enablePortfolioMarginTrading": True},
                "account_info": {"isFutureEnabled": True, "isPortfolioMarginRetailEnabled": True},
            },
            (
                "isPortfolioMarginRetailEnabled is true",
                "enablePortfolioMarginTrading is true",
                FUTURES_REFUSES,
            ),
        ),
        ("portfolio_margin_account", FUTURES_REFUSE, {"permissions": FINE}, (FUTURES_REFUSES,)),
        (
            "key_older_than_futures_account",
            FUTURES_REFUSE,
            {"permissions": FINE},
            ("enableFutures is true", FUTURES_REFUSES),
        ),
        ("read_only_key", NO_ORDER, {"permissions": FINE}, ("enableFutures is true", FUTURES_OK, ORDER_REFUSED)),
        ("read_only_key", NO_ORDER, {}, ("enableFutures is unknown", FUTURES_OK, ORDER_REFUSED)),
        ("withdrawals_enabled", ACCEPTED, {"permissions": {"enableWithdrawals": True}}, ("enableWithdrawals is true",)),
        (
            "withdrawals_enabled",
            ACCEPTED,
            {"permissions": {"enableWithdrawals": False, "enableAlphaWithdrawals": True, "alphaWITHDRAW": True}},
            ("enableAlphaWithdrawals is true", "alphaWITHDRAW is true"),
        ),
        (
            "trading_barred",
            (*ACCEPTED[:2], refusal(ORDER_TEST, -4192)),
            {"can_trade": False},
            ("canTrade is false", f"{ORDER_TEST}: HTTP 400, code -4192"),
        ),
        ("trading_barred", ACCEPTED[:2], {"can_trade": False}, ("canTrade is false",)),
        (
            "agreement_not_signed",
            (*ACCEPTED[:2], refusal(ORDER_TEST, -4411)),
            {"permissions": FINE},
            (f"{ORDER_TEST}: HTTP 400, code -4411",),
        ),
        ("clock_ahead", (), {"drift": Drift(3000.4, 10.2)}, ("drift is +3000 ms, give or take 10 ms",)),
        ("clock_behind", (), {"drift": Drift(-3000.4, 10.2)}, ("drift is -3000 ms, give or take 10 ms",)),
        (
            "clock_behind",
            (refusal(ACCOUNT_CONFIG, -1021),),
            {"recv_window": 4000},
            (f"{ACCOUNT_CONFIG}: HTTP 400, code -1021", "recvWindow is 4000 ms"),
        ),
        ("restricted_location", (trouble("restricted_location", 451),), {}, (f"{PING}: HTTP 451",)),
        (
            "blocked_by_firewall",
            (trouble("turned_away", 403), trouble("restricted_location", 451, ORDER_TEST)),
            {},
            (f"{PING}: HTTP 403",),
        ),
        ("rate_limited", (trouble("rate_limited", 429, code=-1003),), {}, (f"{PING}: HTTP 429, code -1003",)),
        ("exchange_trouble", (trouble("exchange_trouble", 502),), {}, (f"{PING}: HTTP 502",)),
        (
            "network_unreachable",
            (trouble("reset"), trouble("timeout", None, ACCOUNT_CONFIG), trouble("reset", None, ORDER_TEST)),
            {},
            (f"{ACCOUNT_CONFIG}: no answer",),
        ),
        ("tls_failure", (trouble("tls"),), {}, (f"{PING}: no answer",)),
        ("not_binance", (trouble("not_binance", 200),), {}, (f"{PING}: HTTP 200",)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_cause_names_only_the_evidence_for_it(
    cause: str, calls: tuple[Call, ...], seen: dict[str, Any], evidence: tuple[str, ...]
) -> None:
    """A cause's evidence is the settings and flags first, then the answers that support it, and no others."""
    told = {one.cause: one.evidence for one in diagnose(Evidence(calls=calls, **seen))}
    assert told[cause] == evidence


PEM = KeyFacts(type="ED25519", last_four="Eh8A")


@pytest.mark.parametrize(
    ("calls", "seen", "explained", "fix"),
    [
        ((), {"key": KeyFacts(missing=(KEY,))}, f"{KEY}: not given", f"fill in {KEY}=..., as Profile >"),
        (
            (),
            {"key": KeyFacts(missing=(KEY, SECRET))},
            f"{KEY}, and {SECRET} or",
            f"{KEY}=... and {SECRET}=... (or, for",
        ),
        (both(-2014), {}, "says that this is not an API key", "BINANCE_API_SECRET=... with no quotes"),
        (both(-2014), {"key": PEM}, "says that this is not an API key", "BINANCE_PRIVATE_KEY_FILE names"),
        (both(-2014), {"key": KeyFacts(remarks=(SAME,))}, "are the same text", "with no quotes"),
        (both(-4056), {}, "for its type", "with no quotes"),
        (both(-4056), {"key": QUOTED}, f"not as Binance shows it: {QUOTES}.", "with no quotes"),
        (both(-4056), {"key": KeyFacts(remarks=(QUOTES, CUT))}, f"not as Binance shows it: {CUT}.", "with no quotes"),
        (both(-1022), {}, f"{SECRET} is not the secret of {KEY}", "must come from the same line"),
        (both(-1022), {"key": PEM}, "this private key does not belong", "openssl pkey -in FILE"),
        (both(-2008), {}, "Binance does not know this key", "copy it again"),
        (both(-1011), {}, "among them.", "add this machine's public address. Then save. Behind"),
        (
            both(-2015, "request ip: 203.0.113.7."),
            {},
            "saw the address 203.0.113.7.",
            "that Binance saw: 203.0.113.7. Then save. Behind",
        ),
        (both(-2015, f"request ip: {LONGEST_ADDRESS}"), {}, f"saw the address {LONGEST_ADDRESS}.", LONGEST_ADDRESS),
        (both(-2015), DEMO, "The run asked the test network, but the key may belong to production", "take the line"),
        (
            both(-2008),
            DEMO,
            "The run asked the test network, but the key may belong to production",
            "or make a key for the test network.",
        ),
        (ACCEPTED[:2], {"can_trade": False}, "The key is good, and the account", "canTrade is false."),
        ((), {"can_trade": False}, "may not trade, but not why (canTrade).", "canTrade is false."),
        ((), {"can_trade": False}, "The account behind it is kept from trading: Binance says", "canTrade is false."),
        (both(-2017), {}, "has locked the API keys of this account", "ask Binance support"),
        ((*ACCEPTED[:2], refusal(ORDER_TEST, -1135)), {}, "the account's status", "ask Binance support"),
        (
            (refusal(API_RESTRICTIONS, -2008), call(ACCOUNT_CONFIG)),
            {},
            "The futures API accepts the key, but the wallet API refuses it (code -2008)",
            "take BINANCE_FUTURES_URL",
        ),
        (
            (call(API_RESTRICTIONS), refusal(ACCOUNT_CONFIG, -1022)),
            {"permissions": FINE},
            "The wallet API accepts the key, but the futures API refuses it (code -1022)",
            "take BINANCE_FUTURES_URL",
        ),
        (
            (*ACCEPTED[:2], refusal(ORDER_TEST, -1022)),
            {"permissions": FINE},
            "Reads are accepted, but the test order is refused (code -1022)",
            "take BINANCE_FUTURES_URL",
        ),
        (
            (call(API_RESTRICTIONS), refusal(ACCOUNT_CONFIG, -1022)),
            {"permissions": FINE, "key": ED25519},
            "the futures API may not take Ed25519 keys",
            "System generated",
        ),
        ((refusal(ACCOUNT_CONFIG, -1021, "1000ms ahead"),), {}, "a stamp as from the future", "RECV_WINDOW=10000"),
        ((refusal(ACCOUNT_CONFIG, -1021),), {}, "a stamp as too old", "BINANCE_RECV_WINDOW=10000"),
        (
            ACCEPTED[:2],
            {"drift": Drift(3000, 10)},
            "The local clock is 3000 ms ahead of the exchange's",
            "/fapi/v1/time",
        ),
        (ACCEPTED[:2], {"drift": Drift(1500, 10)}, "more than Binance accepts in a stamp", "GET /fapi/v1/time"),
        ((trouble("restricted_location", 403),), {}, "public address lies (HTTP 403)", "from a country where"),
        ((trouble("turned_away", 403),), {}, "place (HTTP 403): Binance's own", "wait ten minutes, run again"),
        ((trouble("turned_away"),), {}, "in Binance's place: Binance's own", "wait ten minutes, run again"),
        ((trouble("rate_limited", 429, code=-1003),), {}, "too many requests from this address in", "wait a minute"),
        (
            (trouble("orders_limited", 429, ORDER_TEST, code=-1015),),
            {},
            "too many orders from this account in this minute. Orders from all machines count together.",
            "stop every program that trades with this account, on all machines, wait a minute, then run again.",
        ),
        (
            (trouble("rate_limited", 429, code=-1003, retry_after=7),),
            {},
            "in this minute, and asks to wait 7 s.",
            "wait 7 s, then run again",
        ),
        (
            (trouble("rate_limited", 429, code=-1003, banned_until=1_795_163_640_000),),
            {"began": "2026-11-20T08:32:59Z"},
            "has banned this machine's public address until 2026-11-20 08:34:00 UTC, 2 minutes after",
            "wait until then",
        ),
        ((trouble("dns"),), {"system": "windows"}, "its name could not be resolved", "nslookup fapi"),
        ((trouble("dns"),), {"system": "macos"}, "its name could not be resolved", "dscacheutil -q"),
        ((trouble("dns"),), {}, "its name could not be resolved", "getent hosts"),
        (
            (trouble("reset"), trouble("reset", None, API_RESTRICTIONS)),
            {},
            "the futures API and the wallet API: the connection was cut off",
            "try without VPN or proxy",
        ),
        (both(-2015, "request ip: ::1"), {}, "saw the address ::1. That is an IPv6 address", "over IPv4"),
        ((trouble("out_of_time"),), {}, "the network is too slow", "try from another network"),
        ((trouble("other"),), {}, "the request could not be sent", "port 443"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_the_first_cause_says_what_happened_and_what_to_do(
    calls: tuple[Call, ...], seen: dict[str, Any], explained: str, fix: str
) -> None:
    """Explanation and fix name what was observed: the setting, the address, the command."""
    first = diagnose(Evidence(calls=calls, **seen))[0]
    assert explained in first.explanation
    assert fix in first.fix


def test_codes_that_bar_an_account_and_their_words_are_one_list() -> None:
    """Each code that bars an account has an explanation, and each explanation has a code."""
    assert set(BARS) == {code for code in range(-10_000, 10_000) if kind_of(code) is Kind.BARRED}


def test_the_first_of_two_limits_is_the_cause() -> None:
    """The first limit ended the run, so it is the cause; the second request was on its way by then."""
    second = trouble("rate_limited", 418, ACCOUNT_CONFIG, code=-1003)
    assert found(trouble("rate_limited", 429, code=-1003), second) == [("rate_limited", "certain")]


@pytest.mark.parametrize(
    ("info", "permissions", "expected"),
    [
        (
            None,
            FINE,
            ["futures_account_not_opened", "portfolio_margin_account", "key_older_than_futures_account"],
        ),
        ({"isFutureEnabled": False}, FINE, ["futures_account_not_opened"]),
        ({"isFutureEnabled": True, "isPortfolioMarginRetailEnabled": True}, FINE, ["portfolio_margin_account"]),
        (
            {"isFutureEnabled": True, "isPortfolioMarginRetailEnabled": False},
            {**FINE, "enablePortfolioMarginTrading": True},
            ["portfolio_margin_account", "key_older_than_futures_account"],
        ),
        ({"isFutureEnabled": True, "isPortfolioMarginRetailEnabled": False}, FINE, ["key_older_than_futures_account"]),
        (
            {"isFutureEnabled": True, "isPortfolioMarginRetailEnabled": False},
            {},
            ["key_older_than_futures_account", "futures_not_enabled"],
        ),
        ({"isFutureEnabled": "no"}, {"enableFutures": False}, ["futures_not_enabled"]),
    ],
)
def test_account_info_explains_a_key_that_only_the_futures_api_refuses(
    info: dict[str, object] | None, permissions: dict[str, bool], expected: list[str]
) -> None:
    """account/info distinguishes three causes that look alike in every other answer."""
    causes = [cause for cause, _ in found(*FUTURES_REFUSE, permissions=permissions, account_info=info)]
    assert causes == expected


def test_account_info_is_requested_only_if_it_decides() -> None:
    """account/info is not requested for a healthy key, a missing permission, a key that both hosts refuse, or twice."""
    undecided = Evidence(calls=FUTURES_REFUSE, permissions=FINE)
    assert account_info_decides(undecided)
    assert not account_info_decides(replace(undecided, account_info={}))
    assert not account_info_decides(replace(undecided, permissions={"enableFutures": False}))
    for calls in (
        ACCEPTED,
        both(-2015),
        (refusal(ACCOUNT_CONFIG, -2015),),
        (*ACCEPTED[:2], refusal(ORDER_TEST, -2015)),
    ):
        assert not account_info_decides(Evidence(calls=calls, permissions=FINE))


def test_a_listen_key_is_requested_for_the_diagnosis_only_if_it_decides() -> None:
    """Only after -1022, one unsigned request is sent, which tells a wrong secret from an unknown key."""
    refused = both(-1022)
    assert listen_key_decides(Evidence(calls=refused))
    assert not listen_key_decides(Evidence(calls=(*refused, call(LISTEN_KEY))))
    assert not listen_key_decides(Evidence(calls=(*refused, refusal(LISTEN_KEY, -2015))))
    for calls in (ACCEPTED, both(-2015), both(-2014), ()):
        assert not listen_key_decides(Evidence(calls=calls))


def test_an_error_of_account_info_is_not_a_cause() -> None:
    """An error of account/info is not a cause, since no check needs that request."""
    assert "exchange_trouble" not in dict(found(*FUTURES_REFUSE, trouble("exchange_trouble", 502, ACCOUNT_INFO)))


@pytest.mark.parametrize(("text", "family"), [("203.0.113.7", ""), ("[IP hidden]", ""), ("2001:db8::7", "IPv6")])
def test_an_address_in_the_text_makes_the_address_likely(text: str, family: str) -> None:
    """An address in the text makes ip_not_allowed likely, and the fix names it; IPv6 gets advice of its own."""
    first = diagnose(
        Evidence(calls=both(-2015, f"Invalid API-key, IP, or permissions for action, request ip: {text}"))
    )[0]
    assert (first.cause, first.confidence) == ("ip_not_allowed", Confidence.LIKELY)
    assert ("hidden in the recording" if "hidden" in text else text) in first.fix
    assert ("IPv6" in first.explanation) == bool(family)


def test_a_hidden_ipv6_address_still_counts_as_one() -> None:
    """A hidden IPv6 address still leads to the IPv6 advice, so that a replay says the same as the live run."""
    first = diagnose(Evidence(calls=both(-2015, "request ip: [IPv6 hidden]")))[0]
    assert "over IPv4" in first.fix


@pytest.mark.parametrize(
    ("remarks", "code", "expected"),
    [
        ((SAME,), -1022, ("malformed_key", "certain")),
        ((f"{SECRET} has 60 characters where Binance's have 64",), -1022, ("malformed_key", "likely")),
        ((f"{KEY} holds characters other than letters and digits",), -2015, ("malformed_key", "likely")),
        ((f"{KEY} had quotes around it",), -1022, ("wrong_secret", "likely")),
        ((f"{KEY} had quotes around it",), -2014, ("malformed_key", "certain")),
    ],
)
def test_remarks_on_removed_characters_are_not_a_cause(
    remarks: tuple[str, ...], code: int, expected: tuple[str, str]
) -> None:
    """Removed quotes are not a cause, since Binance never got them; half a secret is one."""
    assert found(*both(code), key=KeyFacts(remarks=remarks))[0] == expected


def test_odd_settings_of_a_key_that_works_are_not_a_cause() -> None:
    """Odd settings of an accepted key are a warning of their own check, not a cause."""
    assert found(*ACCEPTED, key=KeyFacts(remarks=(SAME,))) == []


@pytest.mark.parametrize("code", [code for code in range(-5100, -1000) if kind_of(code) is Kind.BARRED])
def test_every_code_that_bars_an_account_has_plain_words(code: int) -> None:
    """The explanation says what the code means, and the fix what the owner can do."""
    (one,) = diagnose(Evidence(calls=(*ACCEPTED[:2], refusal(ORDER_TEST, code)), permissions=FINE))
    assert one.cause == "trading_barred"
    assert BARS[code].meaning in one.explanation
    assert f"code {code}" in one.explanation


@pytest.mark.parametrize(("code", "cause"), [(-1135, "trading_barred"), (-2017, "keys_locked")])
def test_a_bar_only_of_the_wallet_is_not_certain_where_orders_are_taken(code: int, cause: str) -> None:
    """If the futures API accepts an order, a bar or a lock that only the wallet API reports is a possible cause."""
    (one,) = diagnose(Evidence(calls=(refusal(API_RESTRICTIONS, code), *ACCEPTED[1:], call(ORDER_TEST))))
    assert (one.cause, one.confidence) == (cause, Confidence.POSSIBLE)
    assert str(call(ORDER_TEST)) in one.evidence


def test_the_end_of_a_ban_is_given_in_utc_and_in_minutes() -> None:
    """A ban's end is given in UTC and in minutes from the run, or from the recording."""
    call_ = trouble("rate_limited", 418, code=-1003, banned_until=1_795_163_640_000)
    (one,) = diagnose(Evidence(calls=(call_,), began="2026-11-20T08:13:00Z"))
    assert "until 2026-11-20 08:34:00 UTC, 21 minutes after this run began" in one.explanation
    (soon,) = diagnose(Evidence(calls=(call_,), began="2026-11-20T08:33:30Z"))
    assert "UTC, 1 minute after this run began." in soon.explanation
    (late,) = diagnose(Evidence(calls=(call_,), began="2027-01-01T00:00:00Z"))
    assert "minutes" not in late.explanation
    (odd,) = diagnose(Evidence(calls=(call_,), began="yesterday"))
    assert "minutes" not in odd.explanation


def test_a_limit_tells_how_long_to_wait() -> None:
    """The explanation gives the waiting time of the exchange's Retry-After."""
    (one,) = diagnose(Evidence(calls=(trouble("rate_limited", 429, retry_after=30),)))
    assert "wait 30 s" in one.explanation


@pytest.mark.parametrize(
    ("system", "name", "command"),
    [("linux", "Linux", "timedatectl"), ("windows", "Windows", "w32tm"), ("macos", "macOS", "sntp")],
)
def test_the_clock_is_set_by_the_command_of_its_system(system: System, name: str, command: str) -> None:
    """The fix has one command if the system is known, and otherwise the commands of all three systems."""
    one = diagnose(Evidence(calls=ACCEPTED[:2], drift=Drift(9000, 5), system=system))[0]
    assert [tool for tool in ("timedatectl", "w32tm", "sntp") if tool in one.fix] == [command]
    unknown = diagnose(Evidence(calls=ACCEPTED[:2], drift=Drift(9000, 5)))[0]
    assert any(one.startswith(f" {name}: ") and command in one for one in re.split("[.;]", unknown.fix))


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("dns", "name"),
        ("proxy", "BINANCE_PROXY"),
        ("no_route", "no network route"),
        ("refused", "refused"),
        ("timeout", "in time"),
    ],
)
def test_the_kind_of_network_failure_decides_the_explanation(kind: str, word: str) -> None:
    """The kind of network failure decides the explanation and the fix."""
    (one,) = diagnose(Evidence(calls=(trouble(kind),)))
    assert word in one.explanation + one.fix


def test_a_finding_that_met_a_strange_answer_is_enough() -> None:
    """A finding about a strange answer is enough for not_binance; one of an informational check is not."""
    check = Check("withdrawals_are_disabled", 4, Severity.CRITICAL, "Claim.")
    finding = Finding(check, Outcome.UNPROVEN, "it lacks enableWithdrawals", trouble="not_binance")
    others = (
        replace(finding, trouble="undecided"),
        replace(finding, outcome=Outcome.PASS, trouble=""),
        replace(finding, check=replace(check, severity=Severity.INFORMATIONAL)),
    )
    (one,) = diagnose(Evidence(calls=ACCEPTED, findings=(*others, finding)))
    assert (one.cause, one.evidence) == ("not_binance", ("withdrawals_are_disabled: it lacks enableWithdrawals",))
    assert found(*ACCEPTED, findings=others) == []


def test_several_addresses_can_be_listed() -> None:
    """The fix says how several addresses are entered: in one field, separated by blanks."""
    first = diagnose(Evidence(calls=both(-1011)))[0]
    assert first.cause == "ip_not_allowed"
    assert "several addresses, separated by blanks" in first.fix


def test_an_account_that_stays_invalid_is_trouble_and_on_demo_perhaps_gone() -> None:
    """-1109 can mean maintenance, so the cause is only likely; on the test network, the account may also be deleted."""
    calls = [trouble("exchange_trouble", 400, ACCOUNT_CONFIG, code=-1109)] * 2
    (one,) = diagnose(Evidence(calls=calls))
    assert (one.cause, one.confidence) == ("exchange_trouble", Confidence.LIKELY)
    assert "demo" not in one.explanation + one.fix
    (one,) = diagnose(Evidence(calls=calls, environment="demo"))
    assert (one.cause, one.confidence) == ("exchange_trouble", Confidence.LIKELY)
    assert "demo account may be gone" in one.explanation
    assert "demo.binance.com" in one.fix
    (one,) = diagnose(Evidence(calls=[trouble("exchange_trouble", 503, code=-1016)], environment="demo"))
    assert (one.confidence, "gone" in one.explanation) == (Confidence.CERTAIN, False)


# -- causes that no other rule names --

CHECKS = catalogue.read(ROOT / "suite").checks
BY_ID = {one.id: one for one in CHECKS}


def findings(calls_: int = 0, **outcomes: tuple[Outcome, str]) -> list[Finding]:
    """Findings of all checks: all passed, except for these, which have their outcome and their detail or blocker."""
    listed = [Finding(one, Outcome.PASS) for one in CHECKS]
    for at, one in enumerate(listed):
        if one.check.id in outcomes:
            outcome, word = outcomes[one.check.id]
            by = word if outcome is Outcome.BLOCKED else None
            kind = word if outcome is Outcome.UNPROVEN else ""
            listed[at] = Finding(one.check, outcome, "seen so", by, trouble=kind, call_numbers=(calls_,))
    return listed


SETTLING = {"symbol": "BTCUSDT", "symbol_status": "SETTLING"}
UNLISTED = {"symbol": "BTCUSTD", "symbol_status": NOT_LISTED}
GATE = dict.fromkeys(("order_gate_checks_orders",), (Outcome.BLOCKED, "symbol_is_trading"))


@pytest.mark.parametrize(
    ("calls", "seen", "outcomes", "expected"),
    [
        (ACCEPTED, SETTLING, {"symbol_is_trading": (Outcome.WARN, ""), **GATE}, "contract_not_tradable certain"),
        (ACCEPTED, UNLISTED, {"symbol_is_trading": (Outcome.WARN, ""), **GATE}, "unknown_contract certain"),
        (ACCEPTED, {}, {"symbol_is_trading": (Outcome.UNPROVEN, "not_binance"), **GATE}, "not_binance likely"),
        (
            (call(API_RESTRICTIONS), refusal(ACCOUNT_CONFIG, -5000)),
            {},
            {"account_may_trade": (Outcome.UNPROVEN, "refusal")},
            "request_rejected likely",
        ),
        (
            (call(ACCOUNT_CONFIG), refusal(ORDER_TEST, -4131)),
            {},
            {"smallest_order_is_accepted": (Outcome.UNPROVEN, "refusal")},
            "request_rejected likely",
        ),
        (
            (call(ACCOUNT_CONFIG), refusal(ORDER_TEST, -4164)),
            {},
            {"smallest_order_is_accepted": (Outcome.UNPROVEN, "undecided")},
            "left_undecided certain",
        ),
        (ACCEPTED, {}, {"clock_agrees_with_exchange": (Outcome.UNPROVEN, "undecided")}, "left_undecided certain"),
        (ACCEPTED, {}, {"account_may_trade": (Outcome.UNPROVEN, "")}, "left_undecided certain"),
        (ACCEPTED, {}, {"account_may_trade": (Outcome.FAIL, "")}, "claim_does_not_hold certain"),
        (ACCEPTED, {}, {"user_stream_is_alive": (Outcome.UNPROVEN, "refusal")}, None),
        (ACCEPTED, {"complete": False}, {}, "checks_not_run certain"),
    ],
)
def test_each_open_critical_claim_leads_to_a_cause(
    calls: tuple[Call, ...], seen: dict[str, Any], outcomes: dict[str, tuple[Outcome, str]], expected: str | None
) -> None:
    """Each critical claim that does not hold or is open leads to a cause; informational ones do not."""
    evidence = Evidence(calls=calls, findings=findings(2, **outcomes), checks=CHECKS, **seen)
    named = [f"{one.cause} {one.confidence.value}" for one in diagnose(evidence)]
    assert named == ([expected] if expected else [])


def test_the_fallbacks_say_what_was_seen_and_what_to_do() -> None:
    """Without a known cause, the diagnosis quotes the check whose claim failed and its fix."""
    failed = findings(account_may_trade=(Outcome.FAIL, ""))
    (one,) = diagnose(Evidence(findings=failed, checks=CHECKS))
    assert BY_ID["account_may_trade"].title.rstrip(".") in one.explanation
    assert one.evidence == ("account_may_trade: seen so",)
    assert one.fix == BY_ID["account_may_trade"].fix
    blocked = findings(
        symbol_is_trading=(Outcome.WARN, ""), order_gate_checks_orders=(Outcome.BLOCKED, "symbol_is_trading")
    )
    (one,) = diagnose(Evidence(findings=blocked, checks=CHECKS, symbol="BTCUSTD", symbol_status=NOT_LISTED))
    assert one.evidence == ("symbol_is_trading: seen so",)
    assert "BINANCE_SYMBOL=" in one.fix
    (one,) = diagnose(Evidence(checks=CHECKS[:1]))
    assert one.evidence == ("not run: credentials_are_present",)
    assert one.explanation.startswith("1 of 1 checks were not run, 1 of them critical: ")
    assert "-k" in one.explanation
    (one,) = diagnose(Evidence(findings=findings(), checks=CHECKS, complete=False))
    assert one.evidence == ("not all checks of suite/ could be read",)
    assert one.explanation.startswith("Not all checks are there: ")
    (one,) = diagnose(Evidence(findings=findings(account_may_trade=(Outcome.UNPROVEN, "")), checks=CHECKS))
    assert one.evidence == ("account_may_trade: seen so",)


def test_an_open_claim_is_a_cause_beside_checks_that_were_not_run() -> None:
    """Checks that were left out do not explain another check's open claim, which is a cause of its own."""
    open_ = Finding(CHECKS[0], Outcome.UNPROVEN, "seen so")
    causes = [one.cause for one in diagnose(Evidence(findings=[open_], checks=CHECKS))]
    assert sorted(causes) == ["checks_not_run", "left_undecided"]


def test_a_rejected_request_is_the_only_evidence_of_its_cause() -> None:
    """The evidence of `request_rejected` is the refused request, without those that were accepted."""
    calls = (call(API_RESTRICTIONS), refusal(ACCOUNT_CONFIG, -5000))
    seen = findings(account_may_trade=(Outcome.UNPROVEN, "refusal"))
    (one,) = diagnose(Evidence(calls=calls, findings=seen, checks=CHECKS))
    assert [text.partition(":")[0] for text in one.evidence] == [str(ACCOUNT_CONFIG)]


def test_an_order_may_be_rejected_for_the_keys_list_of_contracts() -> None:
    """An order may be rejected (-2010) for a contract that is not on the key's list; the fix says where it is."""
    calls = (call(ACCOUNT_CONFIG), refusal(ORDER_TEST, -2010))
    seen = findings(smallest_order_is_accepted=(Outcome.UNPROVEN, "refusal"))
    (one,) = diagnose(Evidence(calls=calls, findings=seen, checks=CHECKS, symbol="ETHUSDT"))
    assert one.cause == "request_rejected"
    assert "nothing about the key" not in one.explanation
    assert "Edit restrictions: where Enable Symbol Whitelist is ticked, see that ETHUSDT is on its list" in one.fix


def test_a_check_of_the_users_own_is_a_cause_beside_others() -> None:
    """No rule knows a user's own check, so the diagnosis has its fix even if a shipped check has failed, too."""
    own = [Check(name, 5, Severity.CRITICAL, "Mine.", "", f"mend {name}.") for name in ("one", "two")]
    failed = [Finding(check, Outcome.FAIL, "seen") for check in (BY_ID["withdrawals_are_disabled"], *own)]
    permissions = FINE | {"enableWithdrawals": True}
    told = diagnose(Evidence(calls=ACCEPTED, findings=failed, checks=CHECKS, permissions=permissions))
    assert [one.cause for one in told] == ["withdrawals_enabled", "claim_does_not_hold"]
    assert told[1].evidence == ("one: seen", "two: seen")
    assert told[1].fix == "one: mend one. two: mend two."


def test_checks_that_were_not_run_are_not_a_cause_beside_a_failed_claim() -> None:
    """A failed critical check is enough to explain the verdict; checks that -x left out need no cause."""
    failed = [Finding(BY_ID["withdrawals_are_disabled"], Outcome.FAIL)]
    told = found(*ACCEPTED, findings=failed, checks=CHECKS, permissions={"enableWithdrawals": True})
    assert told == [("withdrawals_enabled", "certain")]


# -- laws --

KINDS = (
    "",
    "dns",
    "reset",
    "tls",
    "not_binance",
    "turned_away",
    "restricted_location",
    "rate_limited",
    "orders_limited",
    "exchange_trouble",
    "undecided",
    "new",
)
CODES = (None, 0, 200, -1003, -1008, -1021, -1022, -2008, -2014, -2015, -2017, -2019, -4164, -4192, -4056, -99999)
calls = st.builds(
    call,
    st.sampled_from(sorted(LISTED, key=str)),
    st.sampled_from([None, 200, 302, 400, 401, 403, 418, 429, 451, 502]),
    st.sampled_from(CODES),
    st.sampled_from(["", "request ip: 203.0.113.7", "ahead"]),
    trouble=st.sampled_from(KINDS),
    banned_until=st.sampled_from([None, 1_795_163_640_000]),
)
flags = st.none() | st.dictionaries(st.sampled_from([*FINE, "enablePortfolioMarginTrading"]), st.booleans())
infos = st.none() | st.dictionaries(
    st.sampled_from(["isFutureEnabled", "isPortfolioMarginRetailEnabled"]), st.booleans() | st.none() | st.text()
)
# The possible outcomes of a check; None: it was not run.
STATES: list[Finding | None] = [
    *(None, Finding(CHECKS[0], Outcome.PASS), Finding(CHECKS[0], Outcome.PASS)),
    *(Finding(CHECKS[0], one, "seen so") for one in (Outcome.FAIL, Outcome.WARN, Outcome.NOT_APPLICABLE)),
    *(Finding(CHECKS[0], Outcome.UNPROVEN, trouble=kind) for kind in (*KINDS, "refusal")),
    *(Finding(CHECKS[0], Outcome.BLOCKED, blocked_by=by) for by in ("symbol_is_trading", "account_may_trade", None)),
]
WEIGHTY = [one for one in CHECKS if one.severity is Severity.CRITICAL or one.id == "symbol_is_trading"]


def _came_to(states: list[Finding | None]) -> list[Finding]:
    return [replace(state, check=one) for one, state in zip(WEIGHTY, states, strict=True) if state]


some_findings = st.lists(st.sampled_from(STATES), min_size=len(WEIGHTY), max_size=len(WEIGHTY)).map(_came_to)
evidences = st.builds(
    Evidence,
    findings=some_findings,
    checks=st.sampled_from([CHECKS, tuple(WEIGHTY), CHECKS[:1], CHECKS[1:3]]),
    complete=st.booleans(),
    symbol=st.just("BTCUSDT"),
    symbol_status=st.sampled_from([None, "TRADING", "SETTLING", NOT_LISTED]),
    calls=st.lists(calls, max_size=8),
    permissions=flags,
    account_info=infos,
    can_trade=st.none() | st.booleans(),
    drift=st.none() | st.builds(Drift, st.floats(-1e5, 1e5), st.floats(0, 1e4)),
    environment=st.sampled_from(["production", "demo"]),
    key=st.builds(KeyFacts, remarks=st.sampled_from([(), (SAME,), (f"{KEY} had blanks around it",)])),
    began=st.sampled_from(["", "2026-11-20T08:13:00Z"]),
)


@given(evidences)
def test_any_evidence_gives_an_ordered_list_of_known_causes(evidence: Evidence) -> None:
    """Any evidence gives distinct known causes, by falling confidence; explanation, evidence and fix are sentences."""
    listed = diagnose(evidence)
    assert [CONFIDENCES.index(one.confidence) for one in listed] == sorted(
        CONFIDENCES.index(one.confidence) for one in listed
    )
    assert len({one.cause for one in listed}) == len(listed)
    for one in listed:
        assert one.cause in NAMES
        assert one.evidence
        assert all(text.endswith((".", "?")) and "None" not in text for text in (one.explanation, one.fix))


def _is_healthy(evidence: Evidence) -> Evidence:
    return replace(
        evidence, calls=ACCEPTED, permissions=FINE, account_info=None, can_trade=True, drift=None, symbol_status=None
    )


@given(evidences | evidences.map(_is_healthy))
def test_a_verdict_that_is_not_ok_has_a_cause(evidence: Evidence) -> None:
    """Every verdict other than OK has a cause, with any findings and with any answers."""
    verdict = weigh(evidence.checks, evidence.findings, complete=evidence.complete)
    assert verdict is Verdict.OK or diagnose(evidence)


@given(evidences)
def test_unknown_key_address_and_environment_are_never_certain(evidence: Evidence) -> None:
    """One error code covers these causes, so none of them is ever certain."""
    ambiguous = ("unknown_key", "ip_not_allowed", "wrong_environment", "wrong_secret", "read_only_key")
    assert not [one for one in diagnose(evidence) if one.cause in ambiguous and one.confidence is Confidence.CERTAIN]


@given(evidences)
def test_the_order_of_calls_to_different_questions_does_not_matter(evidence: Evidence) -> None:
    """Only the last answer of each endpoint counts, in any order of the endpoints."""
    last = list({one.name: one for one in evidence.calls}.values())

    def causes(calls_: list[Call]) -> list[tuple[str, Confidence]]:
        return [(one.cause, one.confidence) for one in diagnose(replace(evidence, calls=calls_))]

    assert causes(last) == causes(list(evidence.calls))
    # The first of two limits is the cause; a real run meets only one.
    if sum(one.trouble in ("rate_limited", "orders_limited") for one in last) < 2:
        assert all(causes(list(order)) == causes(last) for order in itertools.islice(itertools.permutations(last), 6))


def test_a_diagnosis_is_a_value() -> None:
    """A diagnosis and the tuple of all are immutable, so masking makes new ones."""
    one = Diagnosis("tls_failure", Confidence.CERTAIN, "Explanation.", ("seen",), "Fix.")
    assert one == replace(one)
    assert hash(one)
    assert hash(diagnose(Evidence(calls=both(-2015)))) == hash(diagnose(Evidence(calls=both(-2015))))


# -- causes that were once too certain --

LIMIT = trouble("rate_limited", 429, code=-1003, retry_after=3600)


@pytest.mark.parametrize(
    ("calls", "seen", "expected"),
    [
        ((trouble("rate_limited", 429),), {}, "rate_limited likely"),  # a page of a proxy that counts as well
        ((*ACCEPTED[:2], trouble("exchange_trouble", 503, TRADING_STATUS, code=-1008)), {}, None),  # only advice
        ((call(ACCOUNT_CONFIG), trouble("not_binance", 404, API_RESTRICTIONS)), {}, "not_binance likely"),
        ((refusal(API_RESTRICTIONS, -2008), refusal(ACCOUNT_CONFIG, -4109)), {}, "unknown_key likely"),
        ((call(API_RESTRICTIONS), refusal(ACCOUNT_CONFIG, -2014)), {"permissions": FINE}, "answers_contradict likely"),
        (both(-1021), {"drift": Drift(3_600_000, 1)}, "clock_ahead likely"),  # refused, although corrected by it
    ],
)
def test_a_cause_is_certain_only_without_another_explanation(
    calls: tuple[Call, ...], seen: dict[str, object], expected: str | None
) -> None:
    """A cause is certain only if nothing else explains the evidence."""
    listed = [" ".join(one) for one in found(*calls, **seen)]
    assert listed[:1] == ([expected] if expected else [])
    assert not [one for one in listed if one.endswith(" certain")]


def test_an_explanation_names_only_the_hosts_that_failed_its_way() -> None:
    """If connections failed in two ways, the explanation names only the hosts that failed in the way it explains."""
    (one,) = diagnose(Evidence(calls=(trouble("dns", None, API_RESTRICTIONS), trouble("reset", None, ACCOUNT_CONFIG))))
    assert "the wallet API: its name" in one.explanation
    assert "futures" not in one.explanation


def test_the_fix_of_a_limit_says_how_long_to_wait() -> None:
    """The fix says to wait for Retry-After, or a minute without one, or ten minutes after a ban."""
    assert "wait 3600 s" in diagnose(Evidence(calls=(LIMIT,)))[0].fix
    assert "wait a minute" in diagnose(Evidence(calls=(replace(LIMIT, retry_after=None),)))[0].fix
    assert "wait ten minutes" in diagnose(Evidence(calls=(trouble("rate_limited", 418, code=-1003),)))[0].fix
