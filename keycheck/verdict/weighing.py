"""Findings -> verdict. Pure; the order of the findings does not matter. Doubt is never a pass."""

from collections.abc import Iterable
from enum import Enum

from keycheck.verdict.findings import Check, Finding, Outcome, Severity

# The critical checks that the project ships, whose failures the diagnosis explains. If one of them is missing, no
# verdict is OK: a suite/ with fewer claims must not be easier to pass.
INDISPENSABLE = frozenset(
    {
        "credentials_are_present",
        "futures_api_answers",
        "clock_agrees_with_exchange",
        "signed_requests_are_accepted",
        "futures_trading_is_enabled",
        "withdrawals_are_disabled",
        "account_may_trade",
        "order_gate_checks_orders",
        "smallest_order_is_accepted",
    }
)


class Verdict(Enum):
    """The answer to "is this key fit to trade futures from this machine?"."""

    OK = "OK"
    NOT_OK = "NOT_OK"
    UNPROVEN = "UNPROVEN"

    @property
    def exit_status(self) -> int:
        """0, 1 or 10; pytest keeps 2 to 5 for itself."""
        return {Verdict.OK: 0, Verdict.NOT_OK: 1, Verdict.UNPROVEN: 10}[self]


_GOOD_OUTCOMES = {Outcome.PASS, Outcome.NOT_APPLICABLE}


def weigh(checks: Iterable[Check], findings: Iterable[Finding], *, complete: bool = True) -> Verdict:
    """The verdict on `checks`, including those that were not run.

    NOT_OK: a critical check failed. OK: every critical check has passed or does not apply, and at least one passed.
    UNPROVEN: everything else, for example if a critical check was blocked, deselected or never reached.
    `complete`: whether `checks` are all checks of suite/; if not, the verdict is never OK.
    """
    outcomes: dict[str, set[Outcome]] = {}
    for finding in findings:
        outcomes.setdefault(finding.check.id, set()).add(finding.outcome)
    critical = [outcomes.get(check.id, set()) for check in checks if check.severity is Severity.CRITICAL]
    if any(Outcome.FAIL in seen for seen in critical):
        return Verdict.NOT_OK
    held = {Outcome.PASS} in critical and all(seen and seen <= _GOOD_OUTCOMES for seen in critical)
    return Verdict.OK if held and complete else Verdict.UNPROVEN
