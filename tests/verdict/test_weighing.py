"""The verdict weighs all critical claims, and doubt is never a pass."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keycheck.verdict.findings import Check, Finding, Outcome, Severity
from keycheck.verdict.weighing import Verdict, weigh

NAMES = tuple("abcdefg")
checks = st.lists(
    st.builds(Check, st.sampled_from(NAMES), st.just(1), st.sampled_from(Severity), st.just("A claim.")),
    unique_by=lambda check: check.id,
    max_size=6,
)


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[Check], list[Finding]]:
    """Some checks, and findings for some of them; a check that was run twice has two findings."""
    listed = draw(checks)
    if not listed:
        return [], []
    outcomes = st.lists(st.builds(Finding, st.sampled_from(listed), st.sampled_from(Outcome)), max_size=8)
    return listed, draw(outcomes)


def critical(name: str = "a") -> Check:
    """A critical check."""
    return Check(name, 1, Severity.CRITICAL, "A claim.")


def verdict_of(*outcomes: Outcome | None) -> Verdict:
    """The verdict on critical checks with these outcomes; None: not run."""
    listed = [critical(name) for name, _ in zip(NAMES, outcomes, strict=False)]
    return weigh(listed, [Finding(c, o) for c, o in zip(listed, outcomes, strict=True) if o])


@given(runs(), st.randoms(use_true_random=False))
def test_the_order_of_findings_does_not_matter(run: tuple[list[Check], list[Finding]], random: object) -> None:
    """Neither the order of findings nor the order of checks matters."""
    listed, findings = run
    shuffled, turned = list(findings), list(listed)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    random.shuffle(turned)  # type: ignore[attr-defined]
    assert weigh(turned, shuffled) is weigh(listed, findings)


@given(runs(), st.data())
def test_one_critical_failure_decides(run: tuple[list[Check], list[Finding]], data: st.DataObject) -> None:
    """One critical failure decides, in any place among the findings, with any other findings."""
    listed, findings = run
    failed = data.draw(st.sampled_from([*(c for c in listed if c.severity is Severity.CRITICAL), critical("z")]))
    place = data.draw(st.integers(0, len(findings)))
    findings.insert(place, Finding(failed, Outcome.FAIL))
    assert weigh([*listed, failed], findings) is Verdict.NOT_OK


@given(runs())
def test_ok_takes_every_critical_check(run: tuple[list[Check], list[Finding]]) -> None:
    """OK needs every critical check to have passed or not to apply, and at least one to have passed."""
    listed, findings = run
    if weigh(listed, findings) is Verdict.OK:
        for check in listed:
            if check.severity is Severity.CRITICAL:
                outcomes = {finding.outcome for finding in findings if finding.check.id == check.id}
                assert outcomes
                assert outcomes <= {Outcome.PASS, Outcome.NOT_APPLICABLE}
        assert any(f.outcome is Outcome.PASS and f.check.severity is Severity.CRITICAL for f in findings)


@given(runs())
def test_a_missing_critical_check_is_never_ok(run: tuple[list[Check], list[Finding]]) -> None:
    """A critical check without a finding makes OK impossible."""
    listed, findings = run
    assert weigh([*listed, critical("z")], findings) is not Verdict.OK


@given(runs(), st.sampled_from(Outcome))
def test_advice_never_changes_the_verdict(run: tuple[list[Check], list[Finding]], outcome: Outcome) -> None:
    """Outcomes of informational checks never change the verdict."""
    listed, findings = run
    advised = [replace(f, outcome=outcome) if f.check.severity is Severity.INFORMATIONAL else f for f in findings]
    assert weigh(listed, advised) is weigh(listed, findings)


@given(runs())
@example(([critical()], [Finding(critical(), Outcome.PASS)]))
@example(([critical()], [Finding(critical(), Outcome.FAIL)]))
def test_a_suite_that_lost_a_claim_proves_nothing(run: tuple[list[Check], list[Finding]]) -> None:
    """A suite without one of its claims is never OK; an observed failure still counts."""
    failed = weigh(*run) is Verdict.NOT_OK
    assert weigh(*run, complete=False) is (Verdict.NOT_OK if failed else Verdict.UNPROVEN)


P, F, U, B, N = Outcome.PASS, Outcome.FAIL, Outcome.UNPROVEN, Outcome.BLOCKED, Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ((P,), Verdict.OK),
        ((P, P, N), Verdict.OK),
        ((N,), Verdict.UNPROVEN),
        ((), Verdict.UNPROVEN),
        ((P, None), Verdict.UNPROVEN),
        ((P, U), Verdict.UNPROVEN),
        ((P, B), Verdict.UNPROVEN),
        ((P, Outcome.WARN), Verdict.UNPROVEN),  # a critical check that only warned has not passed
        ((F,), Verdict.NOT_OK),
        ((F, U, B, None, N, P), Verdict.NOT_OK),
    ],
)
def test_verdicts_of_the_contract(outcomes: tuple[Outcome | None, ...], verdict: Verdict) -> None:
    """The table of outcomes and verdicts, row by row."""
    assert verdict_of(*outcomes) is verdict


@pytest.mark.parametrize(
    ("first", "again", "verdict"),
    [
        (P, P, Verdict.OK),
        (N, P, Verdict.OK),
        (P, U, Verdict.UNPROVEN),
        (B, P, Verdict.UNPROVEN),
        (F, P, Verdict.NOT_OK),
    ],
)
def test_a_check_that_was_run_twice_must_hold_both_times(first: Outcome, again: Outcome, verdict: Verdict) -> None:
    """If a check was run twice, the better outcome does not hide the worse one."""
    both = [critical("a"), critical("b")]
    assert weigh(both, [Finding(both[0], P), Finding(both[1], first), Finding(both[1], again)]) is verdict


@pytest.mark.parametrize(("verdict", "status"), [("OK", 0), ("NOT_OK", 1), ("UNPROVEN", 10)])
def test_each_verdict_has_its_exit_status(verdict: str, status: int) -> None:
    """Each verdict has its exit status; 2 to 5 are left to pytest."""
    assert Verdict(verdict).exit_status == status
    assert len({v.exit_status for v in Verdict}) == len(Verdict)


def test_checks_and_findings_may_come_from_generators() -> None:
    """Checks and findings are each walked once, so they may be generators."""
    assert weigh(iter([critical()]), iter([Finding(critical(), P)])) is Verdict.OK
