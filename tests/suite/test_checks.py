"""Each check, healthy and sick, against the local exchange: the table at the top tests the suite itself."""

import json
import re
import time
from dataclasses import dataclass, field, replace

import pytest

from keycheck.host_checks import UNSYNCED, HostChecks
from keycheck.verdict.findings import Check, Outcome
from tests.exchange import Fault, LocalExchange, Scenario, StreamFault
from tests.in_process import CATALOGUE, FakeHost, outcome_of, session
from tests.matrix import mostly_slow
from tests.running import ROOT

PASS, FAIL, WARN, UNPROVEN = Outcome.PASS, Outcome.FAIL, Outcome.WARN, Outcome.UNPROVEN


@dataclass(frozen=True)
class Sick:
    """A scenario in which a claim does not hold, and the outcome that its check must have."""

    scenario: Scenario
    outcome: Outcome
    settings: dict[str, str] = field(default_factory=dict)
    host: HostChecks | None = None


def faulty(path: str, *faults: Fault) -> Scenario:
    """An exchange that is healthy except for a fault on one path."""
    return Scenario(faults={path: faults})


HEALTHY = Scenario()
DAY = 86_400_000  # ms
NOW = time.time() * 1000
SICK = {
    "credentials_are_present": Sick(HEALTHY, FAIL, {"BINANCE_API_SECRET": ""}),
    "credentials_are_well_formed": Sick(HEALTHY, WARN, {"BINANCE_API_KEY": '"tooshort"'}),
    "credentials_file_is_private": Sick(HEALTHY, WARN, host=FakeHost(lies_open=(".env is tracked by git",))),
    "futures_api_answers": Sick(faulty("/fapi/v1/ping", Fault.restricted_location()), FAIL),
    "rate_limit_headroom_is_left": Sick(Scenario(used_weight=2000), WARN),
    "clock_agrees_with_exchange": Sick(Scenario(clock_offset_ms=7000), FAIL),
    "clock_is_inside_signing_window": Sick(Scenario(clock_offset_ms=-1500), WARN),
    "clock_is_synchronised": Sick(HEALTHY, WARN, host=FakeHost(clock_is=(UNSYNCED,))),
    "signed_requests_are_accepted": Sick(Scenario(api_secret="another" * 10), FAIL),
    "futures_trading_is_enabled": Sick(Scenario(permissions={"enableFutures": False}), FAIL),
    "withdrawals_are_disabled": Sick(Scenario(permissions={"enableWithdrawals": True}), FAIL),
    "key_is_restricted_to_known_ips": Sick(Scenario(permissions={"ipRestrict": False}), WARN),
    "transfers_are_disabled": Sick(Scenario(permissions={"permitsUniversalTransfer": True}), WARN),
    "key_has_no_spare_permissions": Sick(Scenario(permissions={"enableSomethingNew": True}), WARN),
    "key_is_not_due_for_rotation": Sick(Scenario(permissions={"createTime": round(NOW - 366 * DAY)}), WARN),
    "trading_permission_is_not_expiring": Sick(
        Scenario(permissions={"tradingAuthorityExpirationTime": round(NOW + 13.5 * DAY)}), WARN
    ),
    "account_may_trade": Sick(Scenario(account={"canTrade": False}), FAIL),
    "position_mode_is_known": Sick(
        Scenario(account={"dualSidePosition": None}, faults={"/fapi/v1/positionSide/dual": Fault.overloaded_503()}),
        UNPROVEN,
    ),
    "account_is_set_up_as_expected": Sick(HEALTHY, WARN, {"BINANCE_EXPECT": "hedge"}),
    "no_quantitative_rule_is_violated": Sick(
        Scenario(indicators={"BTCUSDT": [{"indicator": "UFR", "isLocked": True, "plannedRecoverTime": round(NOW)}]}),
        WARN,
    ),
    "user_stream_can_be_opened": Sick(Scenario(ip_allowed=False), WARN),
    "user_stream_is_alive": Sick(Scenario(stream=StreamFault.error()), WARN),
    "symbol_is_trading": Sick(Scenario(symbol_overrides={"BTCUSDT": {"status": "SETTLING"}}), WARN),
    "order_limits_are_published": Sick(
        Scenario(symbol_overrides={"BTCUSDT": {"filters": {"MIN_NOTIONAL": None}}}), WARN
    ),
    "order_gate_checks_orders": Sick(Scenario(read_only=True), FAIL),
    "smallest_order_is_accepted": Sick(Scenario(order_refusal=-4192), FAIL),
}


# Settings that a check needs to apply at all.
SET_UP = {"account_is_set_up_as_expected": {"BINANCE_EXPECT": "one-way,single-asset,cross"}}


def test_no_check_is_missing_from_the_table() -> None:
    """The table has every check of suite/, and nothing else."""
    assert set(SICK) == {check.id for check in CATALOGUE.checks}


@pytest.mark.parametrize("check_id", SICK)
def test_check_passes_on_a_healthy_exchange(check_id: str, exchange: LocalExchange) -> None:
    """On a healthy exchange with a good key every check passes."""
    with session(exchange, **SET_UP.get(check_id, {})) as binance:  # type: ignore[arg-type]
        outcome, noted = outcome_of(check_id, binance)
    assert outcome is PASS, noted
    assert noted["observed"]
    assert not exchange.real_orders


@pytest.mark.parametrize("check_id", SICK)
def test_check_sees_its_claim_broken(check_id: str) -> None:
    """If its claim does not hold, a check says so and notes its observation."""
    sick = SICK[check_id]
    with LocalExchange(sick.scenario) as exchange, session(exchange, None, **sick.settings) as binance:
        outcome, noted = outcome_of(check_id, binance, sick.host)
    assert outcome is sick.outcome, noted
    assert noted.get("observed") or noted.get("error")
    assert not exchange.real_orders


# The outcome for a code on a test order: it is about the key, about the order, or about nothing.
ORDER_CODES = {
    FAIL: (
        -2015,
        -2014,
        -2008,
        -1022,
        -2017,
        -4056,
        -4057,
        -4087,
        -4088,
        -4109,
        -4192,
        -4189,
        -2023,
        -4400,
        -4402,
        -4411,
    ),
    UNPROVEN: (-1021, -5028, -1111, -1013, -1102, -1121, -1130, -1000, -1001, -1007, -1008, -1016, -1109, -99999),
}
ORDER_PATH = "/fapi/v1/order/test"


@pytest.mark.parametrize(
    ("expected", "code"), mostly_slow([(o, code) for o, codes in ORDER_CODES.items() for code in codes], 8)
)
@pytest.mark.parametrize("check_id", ["order_gate_checks_orders", "smallest_order_is_accepted"])
def test_order_code_decides_and_not_the_status(check_id: str, expected: Outcome, code: int) -> None:
    """HTTP 400 alone proves nothing: the code of a refused test order decides."""
    refused = Fault.status(400, body=f'{{"code":{code},"msg":"refused"}}', content_type="application/json")
    # The dust order is sent first; for the second check it is refused as expected.
    healthy = 1 if check_id == "smallest_order_is_accepted" else 0
    checked = Fault.refused(-4164)
    faults = (*[replace(checked, times=1)] * healthy, refused)
    with LocalExchange(faulty(ORDER_PATH, *faults)) as exchange, session(exchange) as binance:
        outcome, noted = outcome_of(check_id, binance)
    assert outcome is expected, noted


@pytest.mark.parametrize("code", [-2018, -2019, -2027, -2028])
def test_lack_of_funds_is_not_a_fault_of_the_key(code: int) -> None:
    """A valid order that is refused only for margin, balance or room counts as accepted."""
    with LocalExchange(Scenario(order_refusal=code)) as exchange, session(exchange) as binance:
        outcome, noted = outcome_of("smallest_order_is_accepted", binance)
    assert outcome is PASS
    assert noted["testOrderOk"] is True
    assert str(code) in noted["observed"]


@pytest.mark.parametrize("code", [-4164, -4003, -4004, -4005, -4014, -4023, -4061, -4131, -2019])
def test_an_order_rule_shows_that_the_gate_is_at_work(code: int) -> None:
    """A refusal by any order rule shows that Binance checked the dust order."""
    with LocalExchange(faulty(ORDER_PATH, Fault.refused(code))) as exchange, session(exchange) as binance:
        assert outcome_of("order_gate_checks_orders", binance)[0] is PASS


@pytest.mark.parametrize("code", [-4164, -4061, -4023])
def test_a_rule_that_refuses_our_smallest_order_says_nothing_about_the_key(code: int) -> None:
    """If an order rule refuses the smallest order, the fault is the suite's or the market's."""
    with LocalExchange(faulty(ORDER_PATH, Fault.refused(code))) as exchange, session(exchange) as binance:
        assert outcome_of("smallest_order_is_accepted", binance)[0] is UNPROVEN


def test_dust_order_that_is_accepted_passes() -> None:
    """If one step is worth more than the minimum, the dust order is a valid one, and is accepted."""
    with LocalExchange(Scenario(mark_prices={"BTCUSDT": "95000.00"})) as exchange, session(exchange) as binance:
        assert outcome_of("order_gate_checks_orders", binance)[0] is PASS
        assert [r.params["quantity"] for r in exchange.requests_to(ORDER_PATH)] == ["0.001"]


def test_orders_carry_the_side_that_the_position_mode_calls_for() -> None:
    """Orders are BOTH in one-way mode and LONG in hedge mode; the other side would be refused with -4061."""
    for dual, side in ((False, "BOTH"), (True, "LONG")):
        with (
            LocalExchange(Scenario(account={"dualSidePosition": dual})) as exchange,
            session(exchange) as binance,
        ):
            assert outcome_of("smallest_order_is_accepted", binance)[0] is PASS
            assert {r.params["positionSide"] for r in exchange.requests_to(ORDER_PATH)} == {side}


def test_position_mode_falls_back_to_its_own_endpoint() -> None:
    """positionSide/dual is requested only if accountConfig lacks the mode."""
    path = "/fapi/v1/positionSide/dual"
    with LocalExchange() as exchange, session(exchange) as binance:
        assert outcome_of("position_mode_is_known", binance)[1]["positionMode"] == "ONE_WAY"
        assert not exchange.requests_to(path)
    with LocalExchange(Scenario(account={"dualSidePosition": None})) as exchange, session(exchange) as binance:
        assert outcome_of("position_mode_is_known", binance)[0] is PASS
        assert len(exchange.requests_to(path)) == 1


SETUP = "account_is_set_up_as_expected"
SYMBOL_CONFIG = "/fapi/v1/symbolConfig"


@pytest.mark.parametrize("word", ["one-way", "hedge", "single-asset", "multi-assets", "isolated", "cross"])
@pytest.mark.parametrize("other", [False, True])
@pytest.mark.parametrize("as_object", [False, True])
def test_the_account_is_compared_with_what_the_bot_needs(word: str, other: bool, as_object: bool) -> None:
    """Each of three aspects is compared, either way; a request for the margin type is sent only if it is expected."""
    scenario = Scenario(
        account={"dualSidePosition": other, "multiAssetsMargin": other},
        margin_types={"BTCUSDT": "CROSSED" if other else "ISOLATED"},
        symbol_config_is_a_list=not as_object,
    )
    fits = (word in ("hedge", "multi-assets", "cross")) is other
    with LocalExchange(scenario) as exchange, session(exchange, BINANCE_EXPECT=word) as binance:
        outcome, noted = outcome_of(SETUP, binance)
        asked = exchange.requests_to(SYMBOL_CONFIG)
    assert outcome is (PASS if fits else WARN)
    assert word in noted["observed"]
    assert fits or "USD-M Futures >" in noted["observed"]
    assert [one.params["symbol"] for one in asked] == (["BTCUSDT"] if word in ("isolated", "cross") else [])


def test_an_empty_binance_expect_sends_nothing(exchange: LocalExchange) -> None:
    """With an empty BINANCE_EXPECT the check does not apply, and sends nothing."""
    with session(exchange) as binance:
        assert outcome_of(SETUP, binance)[0] is Outcome.NOT_APPLICABLE
    assert not exchange.log


@pytest.mark.parametrize(
    ("word", "scenario"),
    [
        ("multi-assets", Scenario(account={"multiAssetsMargin": None})),
        ("one-way", faulty("/fapi/v1/accountConfig", Fault.maintenance())),
        ("cross", faulty(SYMBOL_CONFIG, Fault.body(b"[]"))),
        ("cross", faulty(SYMBOL_CONFIG, Fault.body(b"{}"))),
        ("cross", faulty(SYMBOL_CONFIG, Fault.refused(-1121))),
        ("cross", faulty(SYMBOL_CONFIG, Fault.refused(-2015))),
        ("cross", faulty(SYMBOL_CONFIG, Fault.refused(-1109))),
    ],
)
def test_a_missing_account_setting_is_unproven(word: str, scenario: Scenario) -> None:
    """If the account's answer lacks the setting, the check is unproven."""
    with LocalExchange(scenario) as exchange, session(exchange, BINANCE_EXPECT=word) as binance:
        assert outcome_of(SETUP, binance)[0] is UNPROVEN


@pytest.mark.parametrize("symbol", ["ETHUSDT", "BTCUSDT_261225", "币安人生USDT"])
def test_any_listed_contract_can_be_examined(symbol: str, exchange: LocalExchange) -> None:
    """Any contract among the 900 can be tested, delivery contracts and Chinese names included."""
    with session(exchange, BINANCE_SYMBOL=symbol) as binance:
        assert outcome_of("symbol_is_trading", binance)[0] is PASS
        assert outcome_of("smallest_order_is_accepted", binance)[0] is PASS


def test_unknown_contract_is_named_as_such(exchange: LocalExchange) -> None:
    """An unlisted contract is a warning, and its orders are unproven, never a fault of the key."""
    with session(exchange, BINANCE_SYMBOL="NOSUCHUSDT") as binance:
        assert outcome_of("symbol_is_trading", binance)[0] is WARN
        assert outcome_of("smallest_order_is_accepted", binance)[0] is UNPROVEN


@pytest.mark.parametrize("code", [-2014, -2015, -2008, -1022])
def test_authentication_codes_convict_the_key(code: int) -> None:
    """A signed request that both hosts refuse with such a code is a failed claim."""
    refused = Fault.refused(code)
    scenario = Scenario(faults={"/sapi/v1/account/apiRestrictions": refused, "/fapi/v1/accountConfig": refused})
    with LocalExchange(scenario) as exchange, session(exchange) as binance:
        outcome, noted = outcome_of("signed_requests_are_accepted", binance)
    assert outcome is FAIL
    assert str(code) in noted["observed"]


@pytest.mark.parametrize("code", [-1021, -1000, -1102])
def test_clock_trouble_and_format_codes_are_unproven(code: int) -> None:
    """These codes are about the moment or about the suite, so the check is unproven."""
    refused = Fault.refused(code)
    scenario = Scenario(faults={"/sapi/v1/account/apiRestrictions": refused, "/fapi/v1/accountConfig": refused})
    with LocalExchange(scenario) as exchange, session(exchange) as binance:
        assert outcome_of("signed_requests_are_accepted", binance)[0] is UNPROVEN


@pytest.mark.parametrize(("outcome", "scenario"), [(FAIL, Scenario(futures_refuses=True)), (PASS, Scenario())])
def test_one_host_that_accepts_proves_the_signature(outcome: Outcome, scenario: Scenario) -> None:
    """A portfolio margin account's key is accepted by the wallet API, so the signature is proven."""
    with LocalExchange(scenario) as exchange, session(exchange) as binance:
        assert outcome_of("signed_requests_are_accepted", binance)[0] is PASS
        assert outcome_of("account_may_trade", binance)[0] is outcome


def test_without_the_wallet_api_the_account_is_still_checked() -> None:
    """Without the wallet API, the futures API proves the signature, and permissions are unproven."""
    with (
        LocalExchange(faulty("/sapi/v1/account/apiRestrictions", Fault.bad_gateway())) as exchange,
        session(exchange) as binance,
    ):
        assert outcome_of("signed_requests_are_accepted", binance)[0] is PASS
        assert outcome_of("withdrawals_are_disabled", binance)[0] is UNPROVEN
        assert outcome_of("account_may_trade", binance)[0] is PASS


@pytest.mark.parametrize("value", ["true", 1, None, "missing"])
def test_a_flag_that_is_not_a_boolean_is_never_guessed(value: object) -> None:
    """ "true" in quotes, 1, null and nothing at all are not answers."""
    shown = None if value == "missing" else value
    body = {"ipRestrict": True, "enableReading": True, "enableFutures": True}
    fields = body if value == "missing" else body | {"enableWithdrawals": shown}
    fault = Fault.body(json.dumps(fields).encode(), content_type="application/json")
    with (
        LocalExchange(faulty("/sapi/v1/account/apiRestrictions", fault)) as exchange,
        session(exchange) as binance,
    ):
        assert outcome_of("withdrawals_are_disabled", binance)[0] is UNPROVEN


@pytest.mark.parametrize(
    ("scenario", "expected", "used"),
    [
        (Scenario(signed_weight=2000), WARN, 2001),  # signed answers have a counter of their own
        (Scenario(used_weight=2000), WARN, 2000),
        (Scenario(used_weight=1900), PASS, 1900),
        (Scenario(used_weight=0), PASS, 0),
        (Scenario(used_weight=0, latency_ms=40, jitter_ms=(5, 0, 10)), PASS, 0),
    ],
)
def test_the_highest_weight_of_any_answer_counts(scenario: Scenario, expected: Outcome, used: int) -> None:
    """The highest used weight counts, signed answers included, without the run's own weight; the note names both."""
    with LocalExchange(scenario) as exchange, session(exchange) as binance:
        outcome, noted = outcome_of("rate_limit_headroom_is_left", binance)
        assert binance.signed_reads().accepted
        assert len(exchange.requests_to("/fapi/v1/accountConfig")) == 1
    assert outcome is expected
    assert f"{used} of 2400 " in noted["observed"]
    assert "the highest figure" in noted["observed"]
    assert "signed" in noted["observed"]


@pytest.mark.parametrize("settings", [{"BINANCE_API_SECRET": ""}, {"BINANCE_API_KEY": "short"}], ids=repr)
def test_without_a_signed_answer_the_others_tell_the_weight(settings: dict[str, str]) -> None:
    """The check notes that it has the weight of only unsigned answers."""
    with LocalExchange(Scenario(used_weight=2000)) as exchange, session(exchange, None, **settings) as binance:
        outcome, noted = outcome_of("rate_limit_headroom_is_left", binance)
    assert outcome is WARN
    assert "2000 of 2400 " in noted["observed"]
    assert ("only unsigned ones" in noted["observed"]) is (settings != {"BINANCE_API_KEY": "short"})


@pytest.mark.parametrize("name", ["enableAlphaWithdrawals", "alphaWithdraw", "alpha withdraw"])
def test_a_way_to_withdraw_by_any_name_convicts(name: str) -> None:
    """A permission with "withdraw" in its name fails the check, and verdict.json says that the key can withdraw."""
    with LocalExchange(Scenario(permissions={name: True})) as exchange, session(exchange) as binance:
        outcome, noted = outcome_of("withdrawals_are_disabled", binance)
    assert outcome is FAIL
    assert (noted["withdrawEnabled"], noted["withdrawSafe"]) == (True, False)
    assert "ithdraw" in noted["observed"]


@pytest.mark.parametrize(
    ("days", "told", "expected"),
    [
        (-1392.5, "ended 1392 days ago", WARN),
        (-1.04, "ended 1 day ago", WARN),
        (-0.5, "ended within the last day", WARN),
        (0.5, "ends within a day", WARN),
        (1.5, "ends in 1 day ", WARN),
        (14.5, "ends in 14 days", WARN),
        (89.5, "ends in 89 days", PASS),
        (None, "has no known end", PASS),
    ],
)
def test_the_end_of_a_permission_is_described_in_words(days: float | None, told: str, expected: Outcome) -> None:
    """An expired permission is described as past; the text names Spot & Margin, its only documented subject."""
    ends = {} if days is None else {"tradingAuthorityExpirationTime": round(time.time() * 1000 + days * DAY)}
    with LocalExchange(Scenario(permissions=ends)) as exchange, session(exchange) as binance:
        outcome, noted = outcome_of("trading_permission_is_not_expiring", binance)
    assert outcome is expected
    assert told in noted["observed"]
    assert "Spot & Margin" in noted["observed"]


def test_demo_has_no_wallet_permissions_to_look_at(exchange: LocalExchange) -> None:
    """On the demo network the three checks of permissions are not applicable."""
    with session(exchange, BINANCE_ENVIRONMENT="demo", BINANCE_WALLET_URL="") as binance:
        assert outcome_of("signed_requests_are_accepted", binance)[0] is PASS
        for check_id in ("futures_trading_is_enabled", "withdrawals_are_disabled", "key_is_restricted_to_known_ips"):
            assert outcome_of(check_id, binance)[0] is Outcome.NOT_APPLICABLE


# API Management > Edit restrictions, October 2026; the last one is no longer shown there.
MENU = (
    *("Enable Reading", "Enable Spot & Margin & Stock Trading", "Enable Margin Loan, Repay & Transfer"),
    *("Enable Futures", "Permits Universal Transfer", "Enable Withdrawals", "Enable Alpha Withdrawals"),
    *("Enable Prediction Trading", "Enable Symbol Whitelist", "Enable European Options", "Enable Internal Transfer"),
)


def test_remedies_name_boxes_that_there_are() -> None:
    """Fixes name boxes as Binance's page does, and say "if it is shown" of a box that may be missing."""
    texts = [check.fix for check in CATALOGUE.checks]
    texts += [" ".join(path.read_text("utf-8").split()) for path in (ROOT / "keycheck" / "diagnosis").glob("*.py")]
    box = r"(?:Enable|Permits) [A-Z][a-z]+(?:,? (?:& )?[A-Z][a-z]+)*"
    named = {found for text in texts for found in re.findall(box, re.sub(r"['\"] f?['\"]", "", text))}
    assert "Enable Alpha Withdrawals" in named
    assert named <= set(MENU)
    for text in texts:
        assert "Enable Internal Transfer" not in text or "Enable Internal Transfer if it is shown" in text


def test_several_addresses_are_separated_by_blanks() -> None:
    """The fix says how the page takes several addresses: separated by blanks."""
    assert "separated by blanks" in CATALOGUE["key_is_restricted_to_known_ips"].fix


@pytest.mark.parametrize("check", CATALOGUE.checks, ids=lambda check: check.id)
def test_docstring_has_claim_reason_and_remedy(check: Check) -> None:
    """Every check has the three paragraphs that reports print."""
    assert check.title.endswith(".")
    assert check.why
    assert check.fix


def test_needs_name_earlier_checks() -> None:
    """A check needs only earlier checks: a need that names no check, or a later one, would never block it."""
    ids = [check.id for check in CATALOGUE.checks]
    for place, check in enumerate(CATALOGUE.checks):
        assert set(check.needs + check.pointless_if_failed) <= set(ids[:place]), check.id


# -- answers that once looked good and were not --


@pytest.mark.parametrize("check_id", ["order_gate_checks_orders", "smallest_order_is_accepted"])
def test_error_code_under_http_200_is_not_an_acceptance(check_id: str) -> None:
    """Binance never sends an error code with 200, so such an answer does not accept an order."""
    said = Fault.status(200, body='{"code":-2015,"msg":"x"}')
    with LocalExchange(faulty(ORDER_PATH, said)) as exchange, session(exchange) as binance:
        assert outcome_of(check_id, binance)[0] is UNPROVEN


@pytest.mark.parametrize("stale", [1, 2])
def test_clock_that_contradicts_itself_proves_nothing(stale: int) -> None:
    """A cached stamp comes quickest; believing it would fail a good clock, or pass a bad one."""
    stamp = int(time.time() * 1000) - 60_000
    old = Fault.status(200, body=json.dumps({"serverTime": stamp}), times=stale)
    with LocalExchange(faulty("/fapi/v1/time", old)) as exchange, session(exchange) as binance:
        outcome, noted = outcome_of("clock_agrees_with_exchange", binance)
    assert outcome is UNPROVEN
    assert "contradicts itself" in noted["error"]


def test_interim_answer_is_not_taken_for_the_next_one() -> None:
    """After 103 Early Hints the real answer to the same request is read."""
    hints = Fault.status(103, times=1)
    with LocalExchange(faulty("/fapi/v1/ping", hints)) as exchange, session(exchange) as binance:
        assert outcome_of("futures_api_answers", binance)[0] is PASS
        assert outcome_of("clock_agrees_with_exchange", binance)[0] is PASS


def test_same_order_is_not_sent_twice() -> None:
    """If one step is worth the minimum already, both checks share one order and its answer."""
    with LocalExchange(Scenario(mark_prices={"BTCUSDT": "95000.00"})) as exchange, session(exchange) as binance:
        dust = outcome_of("order_gate_checks_orders", binance)[1]["observed"]
        outcome_of("smallest_order_is_accepted", binance)
        assert len(exchange.requests_to(ORDER_PATH)) == 1
    assert dust.startswith("one step, which already reaches the minimum")
