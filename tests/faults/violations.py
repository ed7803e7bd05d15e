"""Runs that break an invariant, made from a healthy run: some for each invariant, by its name."""

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from tests.exchange import API_KEY, API_SECRET
from tests.faults import table
from tests.faults.bench import Ran
from tests.faults.paths import PING

SPOILED = table.Case(PING, "spoiled", None)
FLAKY = table.Case(PING, "flaky", None, readable=True, overcome=True)


def _told(ran: Ran, **changes: Any) -> Ran:
    return replace(ran, done=replace(ran.done, **changes))


def _noted(ran: Ran, **changes: Any) -> Ran:
    return _told(ran, verdict={**ran.done.verdict, **changes})


def found(ran: Ran, check_id: str, outcome: str) -> Ran:
    """The run, if this check had ended with that outcome."""
    checks = [{**one, "outcome": outcome} if one["id"] == check_id else one for one in ran.done.verdict["checks"]]
    return _noted(ran, checks=checks)


def _all_found(ran: Ran, outcome: str) -> Ran:
    return _noted(ran, checks=[{**one, "outcome": outcome} for one in ran.done.verdict["checks"]])


def _said(ran: Ran, text: str) -> Ran:
    return _told(ran, output=ran.done.output + text)


def _shown(ran: Ran, text: str) -> Ran:
    return _told(ran, page=ran.done.page.replace("</main>", f"<p>{text}</p></main>"))


def _signature(ran: Ran) -> str:
    return next(one.params["signature"] for one in ran.received if "signature" in one.params)


def _order_sent_again(ran: Ran) -> Ran:
    order = next(one for one in ran.received if one.path.endswith("/order/test"))
    return replace(ran, base=ran, received=(*ran.received, order))


def _limited(ran: Ran) -> Ran:
    return replace(ran, received=(replace(ran.received[0], status=429), *ran.received[1:]))


Violation = Callable[[Ran], Ran]
VIOLATIONS: dict[str, list[Violation]] = {
    "ends_in_time": [lambda ran: replace(ran, seconds=61)],
    "status_is_the_verdicts": [
        lambda ran: _told(ran, exit_status=1),
        lambda ran: _told(ran, exit_status=3),
        lambda ran: _noted(ran, verdict="UNPROVEN"),
        lambda ran: _told(ran, verdict={}),
    ],
    "json_keeps_to_its_schema": [
        lambda ran: _noted(ran, extra=1),
        lambda ran: _noted(ran, ok=False),
        lambda ran: _noted(ran, driftMs=float("nan")),
        lambda ran: _told(ran, verdict={}),
    ],
    "page_is_whole": [
        lambda ran: _told(ran, page=""),
        lambda ran: _noted(ran, verdict="NOT_OK"),
        lambda ran: _told(ran, page=ran.done.page.replace("</main>", "")),
        lambda ran: _shown(ran, "<b>bold"),
    ],
    "junit_is_xml": [lambda ran: replace(ran, junit=ran.junit[:-20]), lambda ran: replace(ran, junit="")],
    "nothing_of_python_shows": [
        lambda ran: _said(ran, "Traceback (most recent call last):"),
        lambda ran: _said(ran, "RuntimeWarning: it was never awaited"),
        lambda ran: _shown(ran, "requests.exceptions.ConnectionError: no"),
        lambda ran: _shown(ran, "the check itself broke (KeyError)"),
        lambda ran: found(ran, "account_may_trade", "ValueError"),
        lambda ran: replace(ran, junit=ran.junit + "&lt;object at 0x7f30a1b2c3d4&gt;"),
    ],
    "no_secret_shows": [
        lambda ran: _said(ran, API_KEY[10:25]),
        lambda ran: _said(ran, _signature(ran)[::-1]),
        lambda ran: _shown(ran, quote("".join(f"%{ord(c):02x}" for c in _signature(ran)))),
        lambda ran: _noted(ran, symbol=API_SECRET[:20]),
        lambda ran: replace(ran, junit=base64.b64encode(API_SECRET.encode()).decode()),
    ],
    "doubt_is_not_a_pass": [
        lambda ran: found(ran, "withdrawals_are_disabled", "unproven"),
        lambda ran: found(ran, "order_gate_checks_orders", "blocked"),
        lambda ran: _all_found(ran, "not_applicable"),
        lambda ran: _noted(ran, checks=[]),
    ],
    "verdict_is_what_was_seen": [
        lambda ran: replace(ran, case=SPOILED),
        lambda ran: _noted(ran, verdict="UNPROVEN"),
        lambda ran: _noted(replace(ran, case=FLAKY), verdict="NOT_OK"),
    ],
    "only_proof_convicts": [
        lambda ran: found(replace(ran, base=ran), "withdrawals_are_disabled", "fail"),
        lambda ran: found(replace(ran, base=ran), "clock_agrees_with_exchange", "fail"),
        lambda ran: found(replace(ran, base=ran, case=SPOILED), "futures_api_answers", "fail"),
    ],
    "nothing_is_placed": [lambda ran: replace(ran, real_orders=1)],
    "requests_are_few": [
        lambda ran: replace(ran, base=ran, received=ran.received * 2 + ran.received[:1]),
        _order_sent_again,
    ],
    "silent_after_a_limit": [_limited],
    "overcome_is_told": [
        lambda ran: replace(ran, case=FLAKY),
        lambda ran: _said(replace(ran, case=FLAKY), "answered only when asked again"),
    ],
}
