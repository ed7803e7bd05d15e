"""The text for a ticket is short, plain, and without characters that a ticket system interprets."""

import re

import pytest

from keycheck.credentials.pasted_text import KeyFacts
from keycheck.diagnosis.cause import CAUSES, Confidence, Diagnosis
from keycheck.exchange.drift import Drift
from keycheck.report import summary
from keycheck.report.model import SENTENCES, RunReport
from keycheck.verdict.comparison import Previous, compare
from keycheck.verdict.findings import Check, Finding, Outcome, Severity
from keycheck.verdict.weighing import Verdict
from tests.sample_reports import hostile

STARTED = "2026-11-20T08:13:00Z"
NAMES = [name for causes in CAUSES.values() for name in causes]


def findings(outcome: Outcome, number: int, detail: str = "what was seen") -> list[Finding]:
    """A number of findings with one outcome."""
    return [
        Finding(Check(f"{outcome.value}_{i}", 4, Severity.CRITICAL, "Claim."), outcome, detail, "pass_0")
        for i in range(number)
    ]


def worst() -> RunReport:
    """A report with every kind of failure and long texts."""
    listed = [one for outcome in Outcome for one in findings(outcome, 25, "long " * 300)]
    causes = [Diagnosis(name, Confidence.POSSIBLE, "Why. " * 200, ("seen",) * 9, "Do. " * 200) for name in NAMES]
    previous = Previous(Verdict.OK, STARTED, "demo", "X", None, {one.check.id: Outcome.PASS for one in listed})
    return RunReport(
        Verdict.NOT_OK,
        "0.1.0",
        STARTED,
        environment="demo",
        symbol="BTCUSDT",
        key=KeyFacts(type="HMAC", last_four="Eh8A"),
        findings=listed,
        diagnosis=causes,
        drift=Drift(-7000, 12),
        comparison=compare(previous, listed),
    )


@pytest.mark.parametrize("report", [worst(), hostile(), RunReport(Verdict.UNPROVEN, "0.1.0", STARTED)])
def test_it_stays_under_forty_lines(report: RunReport) -> None:
    """The summary has fewer than forty lines, even with the worst findings."""
    assert len(summary.render(report).splitlines()) < summary.MOST_LINES


@pytest.mark.parametrize("verdict", Verdict)
def test_the_verdict_comes_first(verdict: Verdict) -> None:
    """The verdict comes first, as a word and as a sentence."""
    text = summary.render(RunReport(verdict, "0.1.0", STARTED))
    assert text.startswith(f"## Keycheck: {verdict.value.replace('_', ' ')}\n\n{SENTENCES[verdict]}\n")


def test_it_says_what_is_wrong_and_what_to_do() -> None:
    """The text has causes with their fixes, failures, warnings, unproven checks with reasons, and the run's facts."""
    text = summary.render(worst())
    parts = ["**No key or no secret was given** (possible, `no_credentials`). Why.", "Do: Do."]
    parts += ["### Failed", "(4 of 25)", "- `fail_0`: `long"]
    parts += ["### Could not be looked at", "### Warnings", "waiting for `pass_0`: 25 checks", "broke: `fail_0`"]
    parts += ["test network, no real funds", "key ending in `Eh8A`", "drift -7000 ms", "keycheck `0.1.0`"]
    assert [part for part in parts if part not in text] == []


def test_no_finding_is_dropped_without_a_word() -> None:
    """The findings that have no room are named: a ticket shows that there are more warnings than it quotes."""
    text = summary.render(RunReport(Verdict.OK, "0.1.0", STARTED, findings=findings(Outcome.WARN, 5)))
    assert text.count(": `what was seen`") == 3
    assert "### Warnings (3 of 5), not quoted: `warn_3`, `warn_4`\n" in text


def test_texts_from_outside_are_not_markdown() -> None:
    """Texts from outside stand between backticks, where they make no tag, link, picture or mention."""
    inert = re.sub(r"`[^`\n]*`", "", summary.render(hostile()))
    assert not re.search(r"[<`]|\]\(|@|://", inert)


def test_a_backtick_does_not_end_what_stands_between_backticks() -> None:
    """A backtick in a text becomes an apostrophe, so that it does not end the quotation."""
    report = RunReport(Verdict.NOT_OK, "0.1.0", STARTED, findings=findings(Outcome.FAIL, 1, "a` <b> `![x](y)"))
    assert "- `fail_0`: `a' <b> '![x](y)`" in summary.render(report)


def test_a_run_without_checks_has_a_summary() -> None:
    """A run without checks has a short summary without claims."""
    text = summary.render(RunReport(Verdict.UNPROVEN, "0.1.0", STARTED))
    assert "no key named" in text
    assert "environment unknown" in text
    assert "###" not in text
