"""RunReport -> lines for a terminal. Pure: a line is a text and the name of a style."""

import textwrap
from collections.abc import Iterable, Iterator

from keycheck.credentials import KEY
from keycheck.findings import Finding, Outcome
from keycheck.report.model import RunReport
from keycheck.verdict import Verdict

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
    """How an outcome is written: `NOT APPLICABLE`."""
    return outcome.value.upper().replace("_", " ")


def header(report: RunReport, hosts: Iterable[str]) -> list[str]:
    """What a run is about to test."""
    if report.key.last_four:
        key = f"{report.key.type or 'without secret'}, ending in {report.key.last_four}"
    else:
        key = "none" if KEY in report.key.missing else "too short to name"
    about = f"keycheck {report.suite_version}: {report.environment}, {report.symbol}, key: {key}"
    if report.environment == "demo":
        about += " (demo: Binance's test network, no real funds)"
    cassette = report.cassette
    if report.mode == "replay" and cassette:
        source = f"replay of {cassette.name}, recorded {cassette.recorded_at} from {cassette.recorded_from}"
    else:
        source = f"{'live' if report.mode == 'live' else 'live, recording'}: {', '.join(hosts)}"
    return [about, source]


def summary(report: RunReport, written: str, width: int = 80) -> Iterator[Line]:
    """What did not pass, failures first and warnings after them; the verdict; where the report is."""
    for outcome in (Outcome.FAIL, Outcome.UNPROVEN, Outcome.WARN):
        for finding in report.with_outcome(outcome):
            yield from _finding(finding, width)
    yield from _aside(report.with_outcome(Outcome.BLOCKED), width)
    yield _verdict_line(report)
    yield f"Report: {written}", ""


def _finding(finding: Finding, width: int) -> Iterator[Line]:
    check = finding.check
    yield f"{word(finding.outcome):<8} {check.title} [{check.id}]", STYLES[finding.outcome]
    paragraphs = [f"Observed: {finding.detail}"]
    if check.fix:
        paragraphs.append(f"Fix: {check.fix}")
    for paragraph in paragraphs:
        for line in textwrap.wrap(paragraph, max(width - len(_INDENT), 40), break_on_hyphens=False):
            yield _INDENT + line, ""
    yield "", ""


def _aside(blocked: Iterable[Finding], width: int) -> Iterator[Line]:
    by: dict[str | None, list[str]] = {}
    for finding in blocked:
        by.setdefault(finding.blocked_by, []).append(finding.check.id)
    for blocker, ids in by.items():
        yield f"BLOCKED  by {blocker}:", STYLES[Outcome.BLOCKED]
        for line in textwrap.wrap(", ".join(ids), max(width - len(_INDENT), 40), break_long_words=False):
            yield _INDENT + line, ""
        yield "", ""


def _verdict_line(report: RunReport) -> Line:
    counts = [f"{count} {word(outcome).lower()}" for outcome in Outcome if (count := len(report.with_outcome(outcome)))]
    return f"{report.verdict.value}: {report.sentence} ({', '.join(counts) or 'no check was run'})", (
        _VERDICT_STYLES[report.verdict]
    )
