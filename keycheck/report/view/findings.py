"""Findings as the page shows them: one by one, by step, and by the check that blocks them. Pure."""

from collections import Counter
from dataclasses import dataclass

from keycheck.report.model import RunReport
from keycheck.report.pictures.timeline import TimelineRow
from keycheck.report.view.facts import Pair
from keycheck.report.view.marks import MARKS, WORST_FIRST
from keycheck.report.wording import aside, clause, headline, word
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


@dataclass(frozen=True)
class Shown:
    """A finding as the page shows it. `headline`: the sentence in bold; `aside`: a label and the sentence beside it.

    `facts`: the rows of its details; `evidence`: the name of each request that it rests on, with the answers to it.
    """

    kind: str
    mark: str
    word: str
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
    """The checks that one check blocks. `blocker`: its id; `claim`, `claims`: its claim and theirs, as clauses."""

    blocker: str
    claim: str
    claims: list[str]


def shown(finding: Finding, rows: list[TimelineRow]) -> Shown:
    """Translates a finding into the page's words."""
    check, outcome = finding.check, finding.outcome
    about = f"{check.id}, {check.severity.value}, {finding.duration_ms} ms"
    fix = check.fix if outcome in _MISSED else ""
    facts = [
        ("Observed", finding.detail or "nothing"),
        ("Should be", check.title if outcome in _MISSED else ""),
        ("Why it matters", check.why),
        ("What to do", fix),
        ("Check", about),
    ]
    return Shown(
        outcome.value,
        MARKS[outcome],
        word(outcome),
        headline(finding),
        aside(finding),
        fix,
        [fact for fact in facts if fact[1]],
        _evidence(finding, rows),
    )


def _evidence(finding: Finding, rows: list[TimelineRow]) -> list[Pair]:
    answers_by_name: dict[str, list[str]] = {}
    for number in finding.call_numbers:
        if 0 < number <= len(rows):
            answers_by_name.setdefault(rows[number - 1].name, []).append(rows[number - 1].answer)
    return [(name, "; ".join(answers)) for name, answers in answers_by_name.items()]


def steps(report: RunReport, rows: list[TimelineRow]) -> list[Step]:
    """The steps in order, each with its findings."""
    return [_step(number, report, rows) for number in sorted({finding.check.step for finding in report.findings})]


def _step(number: int, report: RunReport, rows: list[TimelineRow]) -> Step:
    inside = [finding for finding in report.findings if finding.check.step == number]
    worst = min((finding.outcome for finding in inside), key=WORST_FIRST.index)
    name = STEPS.get(number, "More")
    return Step(number, name, worst.value, MARKS[worst], word(worst), [shown(one, rows) for one in inside])


def waiting(report: RunReport) -> list[Waiting]:
    """The blocked checks, grouped by the check that blocks them."""
    titles = {finding.check.id: finding.check.title for finding in report.findings}
    return [
        Waiting(blocker, clause(titles.get(blocker, "")), [clause(finding.check.title) for finding in blocked])
        for blocker, blocked in report.waiting.items()
    ]


def counts(report: RunReport) -> str:
    """`1 fail, 1 warn, 13 pass`, worst first."""
    found = Counter(finding.outcome for finding in report.findings)
    return ", ".join(f"{found[outcome]} {word(outcome).lower()}" for outcome in WORST_FIRST if found[outcome])
