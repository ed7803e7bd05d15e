"""RunReport -> lines for a terminal. Pure: a line is a text and the name of a style."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from keycheck.credentials.pasted_text import KEY
from keycheck.diagnosis.cause import Diagnosis
from keycheck.report.model import NO_REAL_FUNDS, RunReport
from keycheck.verdict.findings import Finding, Outcome
from keycheck.verdict.weighing import Verdict

if TYPE_CHECKING:
    from keycheck.verdict.comparison import Comparison

Line = tuple[str, str]

STYLES = {
    Outcome.PASS: "green",
    Outcome.FAIL: "red",
    Outcome.WARN: "yellow",
    Outcome.UNPROVEN: "purple",
    Outcome.BLOCKED: "cyan",
    Outcome.NOT_APPLICABLE: "cyan",
}
_VERDICT_STYLES = {Verdict.OK: "green", Verdict.NOT_OK: "red", Verdict.UNPROVEN: "purple"}
_INDENT = " " * 9


def word(outcome: Outcome) -> str:
    """The outcome in capitals: `NOT APPLICABLE`."""
    return outcome.value.upper().replace("_", " ")


def header(report: RunReport, hosts: Iterable[str]) -> list[str]:
    """The header: the settings of the run that begins."""
    kind = "none" if KEY in report.key.missing else report.key.type or "without secret"
    key = f"{kind}, ending in {report.key.last_four}" if report.key.last_four else kind
    about = f"keycheck {report.suite_version}: {report.environment}, {report.symbol}, key: {key}"
    if report.environment == "demo":
        about += f" (demo: {NO_REAL_FUNDS})"
    cassette = report.cassette
    if report.mode == "replay" and cassette:
        source = f"replay of {cassette.name}, recorded {cassette.recorded_at} from {cassette.recorded_from}"
    else:
        source = f"{'live' if report.mode == 'live' else 'live, recording'}: {', '.join(hosts)}"
    return [about, source]


def waiting(used: int, limit: int, seconds: int) -> str:
    """The line for a wait that begins: its reason and its length."""
    return (
        f"Binance has counted {used} of {limit} of this address's request weight this minute: "
        f"waiting {seconds} s for the next minute"
    )


def summary(report: RunReport, written: str, width: int = 80) -> Iterator[Line]:
    """Failures, then warnings; whether the exchange was Binance; the verdict; the report's path."""
    for outcome in (Outcome.FAIL, Outcome.UNPROVEN, Outcome.WARN):
        for finding in report.with_outcome(outcome):
            yield from _finding(finding, width)
    yield from _aside(report.waiting, width)
    yield from _diagnosis(report.diagnosis, width)
    if report.comparison:
        yield from _since(report.comparison, width)
    if report.overcome:
        names = ", ".join(dict.fromkeys(call.name for call in report.overcome))
        yield from _wrapped(f"Answered only when asked again, which changes no verdict: {names}.", width, indent="")
    if report.waited_s:
        yield f"Waited {report.waited_s} s for Binance's rate limit to make room.", ""
    if report.elsewhere:
        yield report.elsewhere, "yellow"
    yield _verdict_line(report)
    yield f"Report: {written}", ""


def _finding(finding: Finding, width: int) -> Iterator[Line]:
    check = finding.check
    yield f"{word(finding.outcome):<8} {check.title} [{check.id}]", STYLES[finding.outcome]
    yield from _wrapped(f"Observed: {finding.detail}", width)
    if check.fix and finding.outcome is not Outcome.UNPROVEN:  # an unproven check has shown nothing to fix
        yield from _wrapped(f"Fix: {check.fix}", width)
    yield "", ""


def _diagnosis(diagnosis: Iterable[Diagnosis], width: int) -> Iterator[Line]:
    """The causes, most likely first, each with the evidence that the terminal has not shown yet."""
    printed: set[str] = set()
    for number, found in enumerate(diagnosis, 1):
        if number == 1:
            yield "WHY, the likeliest cause first:", "bold"
            yield "", ""
        yield f"{f'{number}.':<8} {found.cause} ({found.confidence.value})", "bold"
        yield from _wrapped(found.explanation, width)
        for seen in found.evidence:
            if seen not in printed:
                yield from _wrapped(f"Seen: {seen}", width)
        printed.update(found.evidence)
        yield from _wrapped(f"Do: {found.fix}", width)
        yield "", ""


def _wrapped(text: str, width: int, indent: str = _INDENT) -> Iterator[Line]:
    for line in textwrap.wrap(text, max(width - len(indent), 40), break_on_hyphens=False):
        yield indent + line, ""


def _aside(waiting: Mapping[str, list[Finding]], width: int) -> Iterator[Line]:
    for blocker, blocked in waiting.items():
        yield f"BLOCKED  by {blocker}:", STYLES[Outcome.BLOCKED]
        yield from _wrapped(", ".join(finding.check.id for finding in blocked), width)
        yield "", ""


def _since(comparison: "Comparison", width: int) -> Iterator[Line]:
    yield f"SINCE    {comparison.since}:", "bold"
    for heading, ids in comparison.lists:
        yield from _wrapped(f"{heading}: {', '.join(ids)}", width)
    if not comparison.lists:
        yield from _wrapped(comparison.nothing, width)
    yield "", ""


def _verdict_line(report: RunReport) -> Line:
    counts = [f"{count} {word(outcome).lower()}" for outcome in Outcome if (count := len(report.with_outcome(outcome)))]
    return f"{report.verdict.value}: {report.sentence} ({', '.join(counts) or 'no check was run'})", (
        _VERDICT_STYLES[report.verdict]
    )
