"""Blocking a check, and the outcome of a claim that does not hold."""

from dataclasses import replace

import pytest

from keycheck.errors import RestrictedLocation
from keycheck.verdict.findings import Check, Finding, Outcome, Severity, blocker, missed


def check(name: str, needs: tuple[str, ...] = (), pointless: tuple[str, ...] = ()) -> Check:
    """A check with these prerequisites."""
    return Check(name, 1, Severity.CRITICAL, name, needs=needs, pointless_if_failed=pointless)


def found(name: str, outcome: Outcome, by: str | None = None) -> dict[str, Finding]:
    """A finding under its id."""
    return {name: Finding(check(name), outcome, blocked_by=by)}


def test_outcomes_and_severities_have_the_words_of_verdict_json() -> None:
    """Scripts read the words of outcomes and severities in verdict.json, so they must not change."""
    assert [one.value for one in Severity] == ["critical", "informational"]
    assert [one.value for one in Outcome] == ["pass", "fail", "warn", "unproven", "blocked", "not_applicable"]


def test_a_finding_is_empty_by_default() -> None:
    """By default a finding has no detail, no duration, no trouble and no request."""
    assert Finding(check("x"), Outcome.PASS) == Finding(check("x"), Outcome.PASS, "", None, 0, "", ())


@pytest.mark.parametrize(("severity", "outcome"), [("critical", Outcome.FAIL), ("informational", Outcome.WARN)])
def test_only_a_critical_claim_fails(severity: str, outcome: Outcome) -> None:
    """An informational claim that does not hold is a warning, and a critical one a failure."""
    assert missed(Severity(severity)) is outcome


@pytest.mark.parametrize(
    ("outcome", "blocks_needs", "blocks_pointless"),
    [
        (Outcome.PASS, False, False),
        (Outcome.NOT_APPLICABLE, False, False),
        (Outcome.FAIL, True, True),
        (Outcome.WARN, True, True),
        (Outcome.UNPROVEN, True, False),
        (Outcome.BLOCKED, True, False),
    ],
)
def test_a_check_waits_for_what_it_needs(outcome: Outcome, blocks_needs: bool, blocks_pointless: bool) -> None:
    """`needs` must have passed; `pointless_if_failed` must not have failed."""
    findings = found("first", outcome)
    assert (blocker(check("x", needs=("first",)), findings) == "first") is blocks_needs
    assert (blocker(check("x", pointless=("first",)), findings) == "first") is blocks_pointless


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_in_the_table_above(outcome: Outcome) -> None:
    """A new outcome fails here until this file says whether it blocks the checks that need it."""
    free = {Outcome.PASS, Outcome.NOT_APPLICABLE}
    stands = blocker(check("x", needs=("first",)), found("first", outcome)) is not None
    assert stands is (outcome not in free)


def test_a_chain_names_its_first_cause() -> None:
    """The blocker of a chain of any length is its first failure."""
    findings = found("second", Outcome.BLOCKED, by="first")
    assert blocker(check("third", needs=("second",)), findings) == "first"


def test_a_restricted_location_blocks_only_advice() -> None:
    """At a restricted location a critical check is run, and fails as the first one did; advice is blocked."""
    findings = {"first": Finding(check("first"), Outcome.UNPROVEN, trouble=RestrictedLocation.kind)}
    needs_it = check("x", needs=("first",))
    assert blocker(needs_it, findings) is None
    assert blocker(replace(needs_it, severity=Severity.INFORMATIONAL), findings) == "first"


def test_a_deselected_check_blocks_no_other() -> None:
    """A check that `-k` deselected blocks no other check."""
    assert blocker(check("x", needs=("first",), pointless=("second",)), {}) is None


def test_the_first_prerequisite_that_failed_is_named() -> None:
    """The first failed prerequisite is named, in the order of `needs`."""
    findings = found("a", Outcome.PASS) | found("b", Outcome.FAIL) | found("c", Outcome.FAIL)
    assert blocker(check("x", needs=("a", "c", "b")), findings) == "c"
    assert blocker(check("x"), findings) is None
