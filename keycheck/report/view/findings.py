"""Findings in the page's words: each by itself, by step, and by what they wait for. Pure."""

from collections import Counter
from dataclasses import dataclass

from keycheck.findings import Finding, Outcome
from keycheck.report.model import RunReport
from keycheck.report.pictures.timeline import Row
from keycheck.report.terminal import word
from keycheck.report.view.facts import Pair, capital
from keycheck.verdict import Verdict

STEPS = {
    1: "Credentials",
    2: "Connectivity",
    3: "Clock",
    4: "Permissions",
    5: "Account",
    6: "Exchange rules",
    7: "Test order",
}
# Shape beside colour: a page is printed in grey, and read by people who see no red.
MARKS = {
    Outcome.PASS: "✓",
    Outcome.FAIL: "✕",
    Outcome.WARN: "!",
    Outcome.UNPROVEN: "?",
    Outcome.BLOCKED: "–",
    Outcome.NOT_APPLICABLE: "∅",
}
# Silhouettes on a field of 24: a disc, an octagon and a diamond, with the sign cut out of them.
SHAPES = {
    Verdict.OK: "M12 1a11 11 0 1 0 0 22a11 11 0 1 0 0-22zM10.3 17.2L5.4 12.3l1.9-1.9l3 3l6.9-6.9l1.9 1.9z",
    Verdict.NOT_OK: "M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4zM8.1 6.3L12 10.2l3.9-3.9l1.8 1.8L13.8 12l3.9 3.9"
    "l-1.8 1.8L12 13.8l-3.9 3.9l-1.8-1.8L10.2 12L6.3 8.1z",
    Verdict.UNPROVEN: "M12 .5L23.5 12L12 23.5L.5 12zM8.6 9.6a3.4 3.4 0 1 1 5.1 2.95c-.5.3-.6.6-.6 1.2h-2.2"
    "c0-1.6.5-2.3 1.6-3a1.2 1.2 0 1 0-1.7-1.15zM10.9 15.2h2.2v2.2h-2.2z",
}
_WORST_FIRST = (
    *(Outcome.FAIL, Outcome.UNPROVEN, Outcome.BLOCKED, Outcome.WARN, Outcome.PASS),
    Outcome.NOT_APPLICABLE,
)
_HEADLINE = 120  # characters; what is longer is a paragraph


@dataclass(frozen=True)
class Shown:
    """A finding as the page shows it. `headline` and `aside`: what is wrong, in bold, and what goes with it.

    `facts`: what its details say; `rows`: the requests it rests on.
    """

    kind: str
    mark: str
    word: str
    title: str
    headline: str
    aside: Pair
    fix: str
    facts: list[Pair]
    rows: list[Row]


@dataclass(frozen=True)
class Step:
    """One of the seven, as far as the run came. `kind`, `mark` and `word`: the worst that was found in it."""

    number: int
    name: str
    kind: str
    mark: str
    word: str
    findings: list[Shown]


@dataclass(frozen=True)
class Waiting:
    """What was not run: the check that stands in the way, its claim, and the claims that wait for it."""

    blocker: str
    claim: str
    claims: list[str]


def shown(finding: Finding, rows: list[Row]) -> Shown:
    """A finding with all that its details hold."""
    check, outcome = finding.check, finding.outcome
    about = f"{check.id}, {check.severity.value}, {finding.duration_ms} ms"
    facts = [("Observed", finding.detail or "nothing"), ("Why it matters", check.why), ("If it fails", check.fix)]
    mine = [rows[number - 1] for number in finding.call_numbers if 0 < number <= len(rows)]
    told = [*(fact for fact in facts if fact[1]), ("Check", about)]
    return Shown(outcome.value, MARKS[outcome], word(outcome), check.title, *_halves(finding), check.fix, told, mine)


def _halves(finding: Finding) -> tuple[str, Pair]:
    """A claim names the good state: in bold beside a FAIL, it would tell people the opposite of what is wrong."""
    title, seen = finding.check.title, capital(finding.detail)
    if finding.outcome is Outcome.UNPROVEN:
        return title, ("What stood in the way", seen)
    return (seen, ("Should be", title)) if len(seen) <= _HEADLINE else (f"Not so: {title}", ("Observed", seen))


def steps(report: RunReport, rows: list[Row]) -> list[Step]:
    """The findings under their steps."""
    return [_step(number, report, rows) for number in sorted({finding.check.step for finding in report.findings})]


def _step(number: int, report: RunReport, rows: list[Row]) -> Step:
    inside = [finding for finding in report.findings if finding.check.step == number]
    worst = min((finding.outcome for finding in inside), key=_WORST_FIRST.index)
    name = STEPS.get(number, "More")
    return Step(number, name, worst.value, MARKS[worst], word(worst), [shown(one, rows) for one in inside])


def waiting(report: RunReport) -> list[Waiting]:
    """The blocked checks by what blocks them."""
    titles = {finding.check.id: finding.check.title for finding in report.findings}
    by: dict[str, list[str]] = {}
    for finding in report.with_outcome(Outcome.BLOCKED):
        by.setdefault(finding.blocked_by or "", []).append(finding.check.title)
    return [Waiting(blocker, titles.get(blocker, ""), claims) for blocker, claims in by.items()]


def counts(report: RunReport) -> str:
    """`1 fail, 1 warn, 13 pass`, worst first."""
    found = Counter(finding.outcome for finding in report.findings)
    return ", ".join(f"{found[outcome]} {word(outcome).lower()}" for outcome in _WORST_FIRST if found[outcome])
