"""Translates pytest's results into findings, and findings into pytest's reports.

A critical check that fails is a failed test. An informational check that fails is shown as a warning: it is not counted
as failed and does not stop `-x`. A critical check that could not look is an error, as pytest calls a test whose setup
failed. A check that is blocked or does not apply is skipped.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from _pytest.outcomes import Failed, Skipped

from keycheck import __version__
from keycheck.errors import Inconclusive, KeycheckError, NotApplicable
from keycheck.report.terminal import STYLES
from keycheck.report.wording import aside, headline, word
from keycheck.verdict.findings import Check, Finding, Outcome, Severity, missed

OBSERVED = "observed"
_CUT_SHORT = "the check was left before its end, by a debugger or another plugin. Run again without it"

_STATUS = {
    Outcome.WARN: ("warned", "w"),
    Outcome.UNPROVEN: ("unproven", "?"),
    Outcome.BLOCKED: ("blocked", "b"),
    Outcome.NOT_APPLICABLE: ("not applicable", "n"),
}


class Blocked(Skipped):
    """Raised instead of running a check, because another check that it needs did not pass."""

    def __init__(self, by: str) -> None:
        super().__init__(f"blocked by {by}")
        self.by = by


def finding_of(
    check: Check, call: pytest.CallInfo[None], noted: dict[str, object], suite: Path, *, ended: bool
) -> Finding:
    """Translates pytest's result of a check into a finding. Only an assertion in `suite` itself convicts.

    `ended`: whether the check's function ran to its end; otherwise it has not passed.
    """
    error = call.excinfo.value if call.excinfo else None
    blocked_by = error.by if isinstance(error, Blocked) else None
    observed = as_text(noted.get(OBSERVED, ""))
    if call.excinfo is None:
        outcome, detail = (Outcome.PASS, observed) if ended else (Outcome.UNPROVEN, _CUT_SHORT)
    elif isinstance(error, AssertionError) and suite in Path(call.excinfo.traceback[-1].path).parents:
        outcome, detail = missed(check.severity), observed or str(error) or "it was seen not to hold"
    elif blocked_by:
        outcome, detail = Outcome.BLOCKED, str(error)
    elif isinstance(error, NotApplicable):
        outcome, detail = Outcome.NOT_APPLICABLE, str(error)
    else:
        outcome, detail = Outcome.UNPROVEN, _why_unproven(error)
    trouble = error.kind if isinstance(error, Inconclusive) else ""
    return Finding(check, outcome, detail, blocked_by, round(call.duration * 1000), trouble)


def as_text(value: object) -> str:
    """The text of any value; its type's name if `str` fails."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001  str() runs the value's own code, which may raise anything
        return f"<{type(value).__name__}>"


def _why_unproven(error: BaseException | None) -> str:
    if isinstance(error, KeycheckError):
        return str(error)
    if isinstance(error, Skipped | Failed):
        return f"the check was stopped: {error.msg or ''}"
    return (
        f"the check itself broke ({type(error).__name__}), which says nothing about the key. "
        f"Run again; if it happens again, report it with the suite's version, {__version__}"
    )


class WithoutTracebacks:
    """A plugin that keeps tracebacks out of pytest's reports on failed checks: making them takes longer than a check.

    `apply_outcome` writes a sentence instead.
    """

    def __init__(self, is_check: Callable[[pytest.Item], bool]) -> None:
        self._is_check = is_check

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport | None:
        if call.excinfo is None or call.when == "teardown" or not self._is_check(item):
            return None
        bare = pytest.CallInfo.from_call(lambda: None, call.when)
        bare.start, bare.stop, bare.duration = call.start, call.stop, call.duration
        return pytest.TestReport.from_item_and_call(item, bare)


def apply_outcome(report: pytest.TestReport, finding: Finding, item: pytest.Item, *, tracebacks: bool) -> None:
    """Writes a finding's outcome into pytest's report, for its other readers: JUnit, -x, --lf and pytest-html."""
    vars(report).pop("wasxfail", None)  # an xfail mark must not hide a failed check
    report.keycheck = finding  # type: ignore[attr-defined]
    text = f"{headline(finding)}\n{': '.join(aside(finding))}"
    if finding.outcome is not Outcome.UNPROVEN:
        text += f"\nFix: {finding.check.fix}"
    if finding.outcome is Outcome.PASS:
        return
    if finding.outcome is Outcome.FAIL:
        report.outcome = "failed"
        report.longrepr = report.longrepr if tracebacks else text
    elif finding.outcome is Outcome.UNPROVEN and finding.check.severity is Severity.CRITICAL:
        report.outcome, report.when, report.longrepr = "failed", "setup", f"unproven: {finding.detail}"
    elif finding.outcome in (Outcome.WARN, Outcome.UNPROVEN):
        report.outcome, report.wasxfail = "skipped", finding.detail
        report.longrepr = text
    else:
        file, line, _ = item.location
        report.outcome, report.longrepr = "skipped", (file, line or 0, f"Skipped: {finding.detail}")


def status_of(report: pytest.TestReport) -> tuple[str, str, Any] | None:
    """pytest's category, letter and word for a report's outcome; None leaves them to pytest."""
    finding = getattr(report, "keycheck", None)
    if finding is None or finding.outcome in (Outcome.PASS, Outcome.FAIL):
        return None
    category, letter = _STATUS[finding.outcome]
    return category, letter, (word(finding.outcome), {STYLES[finding.outcome]: True})
