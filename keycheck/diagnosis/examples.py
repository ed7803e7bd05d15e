"""Example evidence for each cause. `--explain CAUSE` shows the diagnosis that follows from it. Pure.

Each example holds as little evidence as its cause needs. The texts are those of a real diagnosis, not a second copy.
"""

from keycheck.credentials.pasted_text import KEY, SECRET, KeyFacts, Sources
from keycheck.diagnosis.cause import RUN_NOT_FINISHED, Diagnosis
from keycheck.diagnosis.rules import diagnose
from keycheck.errors import Refused
from keycheck.exchange.drift import Drift
from keycheck.exchange.endpoints import ACCOUNT_CONFIG, API_RESTRICTIONS, ORDER_TEST, PING, Endpoint
from keycheck.exchange.evidence import NOT_LISTED, Call, Evidence
from keycheck.verdict.findings import Check, Finding, Outcome, Severity

_CHECK = Check("ID", 1, Severity.CRITICAL, "its claim.", fix="pytest suite/ --explain ID says it.")


def _call(endpoint: Endpoint, code: int | None = None, trouble: str = "", status: int | None = None) -> Call:
    answered = status or (200 if code is None and not trouble else 400 if code else None)
    about = (endpoint.method, endpoint.path, endpoint.host, endpoint.weight)
    return Call(*about, answered, code, "", duration_ms=0, trouble=trouble)


def _by_both(code: int) -> tuple[Call, ...]:
    return _call(API_RESTRICTIONS, code), _call(ACCOUNT_CONFIG, code)


def _by_futures(code: int) -> tuple[Call, ...]:
    return _call(API_RESTRICTIONS), _call(ACCOUNT_CONFIG, code)


def _by_order(code: int) -> tuple[Call, ...]:
    return _call(API_RESTRICTIONS), _call(ACCOUNT_CONFIG), _call(ORDER_TEST, code)


def _on_the_way(trouble: str, status: int | None = None, code: int | None = None) -> Evidence:
    return Evidence(calls=(_call(PING, code, trouble, status),))


def _found(outcome: Outcome, trouble: str = "") -> tuple[Finding, ...]:
    return (Finding(_CHECK, outcome, trouble=trouble),)


EXAMPLES = {
    "no_credentials": Evidence(key=KeyFacts(missing=(KEY, SECRET))),
    "malformed_key": Evidence(calls=_by_both(-2014)),
    "mixed_sources": Evidence(calls=_by_both(-1022), key=KeyFacts(sources=Sources("environment", "file"))),
    "swapped_credentials": Evidence(calls=_by_both(-2008), key=KeyFacts(type="HMAC")),
    "wrong_secret": Evidence(calls=_by_both(-1022)),
    "unknown_key": Evidence(calls=_by_both(-2008)),
    "ip_not_allowed": Evidence(calls=_by_both(-1011)),
    "wrong_environment": Evidence(calls=_by_both(-2008)),
    "futures_not_enabled": Evidence(permissions={"enableFutures": False}),
    "read_only_key": Evidence(calls=_by_order(-2015)),
    "key_type_not_taken": Evidence(calls=_by_futures(-4056)),
    "futures_account_not_opened": Evidence(calls=_by_futures(-2015), account_info={"isFutureEnabled": False}),
    "portfolio_margin_account": Evidence(
        calls=_by_futures(-2015), account_info={"isPortfolioMarginRetailEnabled": True}
    ),
    "key_older_than_futures_account": Evidence(calls=_by_futures(-2015), account_info={"isFutureEnabled": True}),
    "keys_locked": Evidence(calls=_by_both(-2017)),
    "clock_ahead": Evidence(drift=Drift(3000, 10)),
    "clock_behind": Evidence(drift=Drift(-3000, 10)),
    "withdrawals_enabled": Evidence(permissions={"enableWithdrawals": True}),
    "trading_barred": Evidence(can_trade=False),
    "agreement_not_signed": Evidence(calls=_by_order(-4411)),
    "unknown_contract": Evidence(symbol="NAME", symbol_status=NOT_LISTED),
    "contract_not_tradable": Evidence(symbol="NAME", symbol_status="SETTLING"),
    "restricted_location": _on_the_way("restricted_location"),
    "blocked_by_firewall": _on_the_way("turned_away"),
    "rate_limited": _on_the_way("rate_limited", 429, -1003),
    "ip_banned": _on_the_way("rate_limited", 418, -1003),
    "exchange_trouble": _on_the_way("exchange_trouble"),
    "network_unreachable": _on_the_way("timeout"),
    "tls_failure": _on_the_way("tls"),
    "not_binance": _on_the_way("not_binance"),
    "answers_contradict": Evidence(calls=_by_futures(-2014)),
    "request_rejected": Evidence(
        calls=(_call(ACCOUNT_CONFIG, -1102),), findings=_found(Outcome.UNPROVEN, Refused.kind), checks=(_CHECK,)
    ),
    "claim_does_not_hold": Evidence(findings=_found(Outcome.FAIL), checks=(_CHECK,)),
    "left_undecided": Evidence(findings=_found(Outcome.UNPROVEN), checks=(_CHECK,)),
    "checks_not_run": Evidence(checks=(_CHECK,)),
}


def example_of(cause: str) -> Diagnosis:
    """The diagnosis that the rule of this cause makes from the least evidence."""
    if cause == RUN_NOT_FINISHED.cause:
        return RUN_NOT_FINISHED
    return next(one for one in diagnose(EXAMPLES[cause]) if one.cause == cause)
