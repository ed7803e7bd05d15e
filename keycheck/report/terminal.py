"""RunReport -> lines for a terminal. Pure: a line is a text and the name of a style."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from keycheck.credentials.pasted_text import KEY
from keycheck.diagnosis.cause import Diagnosis
from keycheck.report.model import NO_REAL_FUNDS, RunReport
from keycheck.report.wording import aside, claim, headline, headline_of_cause, word
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
    """The causes; then failures, open checks and warnings; whether it was Binance; the verdict; the report's path."""
    yield from _diagnosis(report.diagnosis, width)
    for outcome in (Outcome.FAIL, Outcome.UNPROVEN, Outcome.WARN):
        for finding in report.with_outcome(outcome):
            yield from _finding(finding, report, width)
    yield from _blocked(report.waiting)
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


def _diagnosis(diagnosis: Sequence[Diagnosis], width: int) -> Iterator[Line]:
    """The causes, most likely first, each with the evidence that the terminal has not shown yet."""
    if diagnosis:
        yield "WHY, the likeliest cause first:" if len(diagnosis) > 1 else "WHY:", "bold"
        yield "", ""
    printed: set[str] = set()
    for number, found in enumerate(diagnosis, 1):
        headline = f"{headline_of_cause(found.cause)} ({found.confidence.value}) [{found.cause}]"
        yield from _headed(f"{number}.", headline, "bold", width)
        yield from _wrapped(found.explanation, width)
        for seen in found.evidence:
            if seen not in printed:
                yield from _wrapped(f"Seen: {seen}", width)
        printed.update(found.evidence)
        yield from _wrapped(f"Do: {found.fix}", width)
        yield "", ""


def _finding(finding: Finding, report: RunReport, width: int) -> Iterator[Line]:
    """A finding, without the observation and the fix if the causes above have said them."""
    check, is_told = finding.check, _is_told(finding, report)
    sentence = claim(finding) if is_told else headline(finding)
    yield from _headed(word(finding.outcome), f"{sentence} [{check.id}]", STYLES[finding.outcome], width)
    if not is_told:
        yield from _wrapped(": ".join(aside(finding)), width)
    # An unproven check has shown nothing to fix, and the causes have better advice on a failure than its check.
    is_explained = is_told or (finding.outcome is Outcome.FAIL and report.diagnosis)
    if check.fix and finding.outcome is not Outcome.UNPROVEN and not is_explained:
        yield from _wrapped(f"Fix: {check.fix}", width)
    yield "", ""


def _is_told(finding: Finding, report: RunReport) -> bool:
    """Whether the causes already show a finding's observation: as text, or as evidence with all its failed answers."""
    evidence = [seen for found in report.diagnosis for seen in found.evidence]
    said = [text.lower() for text in (*evidence, *(found.explanation for found in report.diagnosis))]
    if finding.detail and any(finding.detail.lower() in text for text in said):
        return True
    calls = [report.calls[number - 1] for number in finding.call_numbers if 0 < number <= len(report.calls)]
    bad = [str(call) for call in calls if not call.accepted]
    return bool(bad) and set(bad) <= set(evidence)


def _headed(label: str, text: str, style: str, width: int) -> Iterator[Line]:
    """A text of one or more lines, with a label before it."""
    first, *more = _wrapped(text, width)
    for line, _ in ((f"{label:<{len(_INDENT) - 1}} {first[0].lstrip()}", ""), *more):
        yield line, style


def _wrapped(text: str, width: int, indent: str = _INDENT) -> Iterator[Line]:
    for line in textwrap.wrap(text, max(width - len(indent), 40), break_on_hyphens=False):
        yield indent + line, ""


def _blocked(waiting: Mapping[str, list[Finding]]) -> Iterator[Line]:
    for blocker, blocked in waiting.items():
        checks = f"{len(blocked)} check{'s' * (len(blocked) != 1)}"
        yield f"BLOCKED  {checks}, because {blocker} did not pass", STYLES[Outcome.BLOCKED]
    if waiting:
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
