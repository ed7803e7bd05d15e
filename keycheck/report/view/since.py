"""The changes since an earlier run, in the page's words. Pure."""

from dataclasses import dataclass

from keycheck.report.model import RunReport
from keycheck.report.wording import capital

_HEADINGS = {
    "broke": "No longer holds",
    "first seen failing": "Does not hold, and was not looked at before",
    "still fails": "Still does not hold",
    "now warns": "Warnings that are new",
    "still warns": "Warnings that stay",
    "fixed": "Holds now",
    "not seen now": "Not seen this time",
}


@dataclass(frozen=True)
class Since:
    """The changes. `against`: the earlier run; `changes`: headings and claims; `nothing`: what to say without any."""

    against: str
    nothing: str
    changes: list[tuple[str, list[str]]]


def since(report: RunReport) -> Since | None:
    """The changes since the earlier run; None if no comparison was asked for."""
    if report.comparison is None:
        return None
    titles = {finding.check.id: finding.check.title for finding in report.findings}
    return Since(
        report.comparison.since,
        capital(report.comparison.nothing),
        [(_HEADINGS[heading], [titles.get(name, name) for name in ids]) for heading, ids in report.comparison.lists],
    )
