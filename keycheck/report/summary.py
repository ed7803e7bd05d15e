"""RunReport -> a short text in Markdown, for a ticket: fewer than 40 lines, and readable as it stands. Pure.

Texts from outside stand between backticks, so that Markdown makes no link, picture or mention of them.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from keycheck.diagnosis.cause import Diagnosis
from keycheck.exchange.endpoints import Host
from keycheck.redaction.redactor import printable
from keycheck.report.model import NO_REAL_FUNDS, RunReport
from keycheck.report.wording import headline_of_cause
from keycheck.verdict.findings import Finding, Outcome

if TYPE_CHECKING:
    from keycheck.verdict.comparison import Comparison

_MOST_CAUSES = 3
_MOST = {Outcome.FAIL: 4, Outcome.UNPROVEN: 3, Outcome.WARN: 3}  # findings shown; the page shows all
_LONGEST = 400  # characters of one text
MOST_LINES = 40


def render(report: RunReport, clean: Callable[[str], str] = str) -> str:
    """The text, with a final newline. `clean` takes secrets out of each line below the heading."""
    heading, *lines = _lines(report)
    return "\n".join((heading, *map(clean, lines))) + "\n"


def _lines(report: RunReport) -> Iterator[str]:
    yield f"## Keycheck: {report.verdict.value.replace('_', ' ')}"
    yield ""
    yield report.sentence + (f" **{report.elsewhere}**" if report.elsewhere else "")
    yield ""
    yield _about(report)
    yield from _causes(report.diagnosis)
    for heading, outcome in (
        ("Failed", Outcome.FAIL),
        ("Could not be looked at", Outcome.UNPROVEN),
        ("Warnings", Outcome.WARN),
    ):
        yield from _findings(heading, report.with_outcome(outcome), _MOST[outcome])
    if waiting := report.waiting:
        yield ""
        yield f"Not run, waiting for {' and '.join(map(_code, waiting))}: {sum(map(len, waiting.values()))} checks."
    if report.comparison:
        yield from _since(report.comparison)
    yield ""
    yield _run(report)


def _about(report: RunReport) -> str:
    environment = _code(report.environment) if report.environment else "environment unknown"
    if report.environment == "demo":
        environment += f" ({NO_REAL_FUNDS})"
    key = (
        f"{report.key.type or ''} key ending in {_code(report.key.last_four)}"
        if report.key.last_four
        else f"{report.key.type} key, its last characters not shown"
        if report.key.type
        else "no key named"
    )
    return f"{environment}, {_code(report.symbol or 'no symbol')}, {key.strip()}, {_when(report)}."


def _when(report: RunReport) -> str:
    cassette = report.cassette
    if report.mode == "replay" and cassette:
        where = f"{_code(cassette.recorded_at)} from {_code(cassette.recorded_from)}"
        return f"replay of {_code(cassette.name)}, recorded {where}"
    return f"{report.mode}, {_code(report.started_at)}"


def _causes(diagnosis: Sequence[Diagnosis]) -> Iterator[str]:
    if not diagnosis:
        return
    yield ""
    yield f"### Why, the likeliest cause first{_cut(len(diagnosis), _MOST_CAUSES)}"
    for number, found in enumerate(diagnosis[:_MOST_CAUSES], 1):
        sure = f"({found.confidence.value}, {_code(found.cause)})"
        yield f"{number}. **{_prose(headline_of_cause(found.cause))}** {sure}. {_inert(found.explanation)}"
        yield f"   Do: {_prose(found.fix)}"


def _findings(heading: str, findings: Sequence[Finding], most: int) -> Iterator[str]:
    if not findings:
        return
    yield ""
    unquoted = ", ".join(_code(found.check.id) for found in findings[most:])
    yield f"### {heading}{_cut(len(findings), most)}" + (f", not quoted: {unquoted}" if unquoted else "")
    for found in findings[:most]:
        yield f"- {_code(found.check.id)}: {_code(found.detail)}"


def _cut(number: int, most: int) -> str:
    return f" ({most} of {number})" if number > most else ""


def _since(comparison: "Comparison") -> Iterator[str]:
    yield ""
    yield f"### Since {_code(comparison.since)}"
    for heading, ids in comparison.lists:
        yield f"- {heading}: {', '.join(map(_code, ids))}"
    if not comparison.lists:
        yield f"- {comparison.nothing}"


def _run(report: RunReport) -> str:
    drift = (
        f"drift {report.drift.ms:+d} ms, give or take {report.drift.uncertainty:.0f}" if report.drift else "no drift"
    )
    limit = f" of {report.weight_limit}" if report.weight_limit else ""
    spent = f"{report.requests_sent} requests, futures weight {report.weight_spent(Host.FUTURES)}{limit}"
    return f"{drift}; {spent}; keycheck {_code(report.suite_version)}."


def _code(text: str) -> str:
    """Text from outside, between backticks; its own backticks become apostrophes."""
    return f"`{printable(text.replace('`', chr(39)), _LONGEST)}`" if text else "nothing"


def _inert(text: str) -> str:
    """A sentence of ours, without links and mentions: it may quote a cassette's remark."""
    return _prose(text).translate(dict.fromkeys(map(ord, "#~$&"))).replace("://", ": //").replace("www.", "www .")


def _prose(text: str) -> str:
    """Our own sentence without characters that Markdown would interpret."""
    return printable(text, 2 * _LONGEST).translate(dict.fromkeys(map(ord, "\\`*<@"))).replace("](", "] (")
