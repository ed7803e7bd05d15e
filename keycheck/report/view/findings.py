"""Findings in the page's words: one by one, by step, and by blocker. Pure."""

from collections import Counter
from dataclasses import dataclass

from keycheck.report.model import RunReport
from keycheck.report.pictures.timeline import TimelineRow
from keycheck.report.terminal import word
from keycheck.report.view.facts import Pair, capital
from keycheck.report.view.marks import MARKS, WORST_FIRST
from keycheck.verdict.findings import Finding, Outcome

STEPS = {
    1: "Credentials",
    2: "Connectivity",
    3: "Clock",
    4: "Permissions",
    5: "Account",
    6: "Exchange rules",
    7: "Test order",
}
_MISSED = (Outcome.FAIL, Outcome.WARN)  # only these have something to fix
_HEADLINE = 120  # characters; a longer text is a paragraph


@dataclass(frozen=True)
class Shown:
    """A finding as the page shows it. `headline` and `aside`: what is wrong, in bold, and what goes with it.

    `facts`: what its details say; `evidence`: the requests it rests on, by name, with what came each time.
    """

    kind: str
    mark: str
    word: str
    title: str
    headline: str
    aside: Pair
    fix: str
    facts: list[Pair]
    evidence: list[Pair]


@dataclass(frozen=True)
class Step:
    """One of the seven steps. `kind`, `mark` and `word` are those of its worst finding."""

    number: int
    name: str
    kind: str
    mark: str
    word: str
    findings: list[Shown]


@dataclass(frozen=True)
class Waiting:
    """Blocked checks: the check that blocks them, its claim, and their claims."""

    blocker: str
    claim: str
    claims: list[str]


def shown(finding: Finding, rows: list[TimelineRow]) -> Shown:
    """A finding with all that its details hold."""
    check, outcome = finding.check, finding.outcome
    about = f"{check.id}, {check.severity.value}, {finding.duration_ms} ms"
    fix = check.fix if outcome in _MISSED else ""
    facts = [("Observed", finding.detail or "nothing"), ("Why it matters", check.why), ("What to do", fix)]
    members = [*(fact for fact in facts if fact[1]), ("Check", about)]
    headline, aside = _halves(finding)
    evidence = _evidence(finding, rows)
    return Shown(outcome.value, MARKS[outcome], word(outcome), check.title, headline, aside, fix, members, evidence)


def _evidence(finding: Finding, rows: list[TimelineRow]) -> list[Pair]:
    by: dict[str, list[str]] = {}
    for number in finding.call_numbers:
        if 0 < number <= len(rows):
            by.setdefault(rows[number - 1].name, []).append(rows[number - 1].answer)
    return [(name, "; ".join(answers)) for name, answers in by.items()]


def _halves(finding: Finding) -> tuple[str, Pair]:
    """Headline and second line. A claim names the good state: as the headline of a FAIL it would say the opposite."""
    title, seen = finding.check.title, capital(finding.detail)
    if finding.outcome is Outcome.UNPROVEN:
        return title, ("What stood in the way", seen)
    return (seen, ("Should be", title)) if len(seen) <= _HEADLINE else (f"Not so: {title}", ("Observed", seen))


def steps(report: RunReport, rows: list[TimelineRow]) -> list[Step]:
    """The findings under their steps."""
    return [_step(number, report, rows) for number in sorted({finding.check.step for finding in report.findings})]


def _step(number: int, report: RunReport, rows: list[TimelineRow]) -> Step:
    inside = [finding for finding in report.findings if finding.check.step == number]
    worst = min((finding.outcome for finding in inside), key=WORST_FIRST.index)
    name = STEPS.get(number, "More")
    return Step(number, name, worst.value, MARKS[worst], word(worst), [shown(one, rows) for one in inside])


def waiting(report: RunReport) -> list[Waiting]:
    """The blocked checks by blocker."""
    titles = {finding.check.id: finding.check.title for finding in report.findings}
    return [
        Waiting(blocker, titles.get(blocker, ""), [finding.check.title for finding in blocked])
        for blocker, blocked in report.waiting.items()
    ]


def counts(report: RunReport) -> str:
    """`1 fail, 1 warn, 13 pass`, worst first."""
    found = Counter(finding.outcome for finding in report.findings)
    return ", ".join(f"{found[outcome]} {word(outcome).lower()}" for outcome in WORST_FIRST if found[outcome])
