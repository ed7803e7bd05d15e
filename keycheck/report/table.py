"""A finding as a row of pytest-html's table: the check's severity, and its headline in place of the node id.

pytest-html does not escape cells, so this module does.
"""

from keycheck.report.wording import headline
from keycheck.verdict.findings import Finding

HEAD = [
    '<th class="sortable" data-column-type="severity">Severity</th>',
    '<th class="sortable" data-column-type="testId">Claim, or what was seen</th>',
]


def cells(finding: Finding | None, node_id: str) -> list[str]:
    """The cells under HEAD. Without a finding, as for a file that cannot be collected, the node id is shown."""
    from markupsafe import Markup  # noqa: PLC0415  only --html needs it, and has imported it already

    severity = finding.check.severity.value if finding else ""
    told = headline(finding) if finding else node_id
    return [
        Markup('<td class="col-severity">{}</td>').format(severity),
        Markup('<td class="col-testId">{}</td>').format(told),
    ]
