"""A finding as a row of pytest-html's table: the claim instead of the node id, and its severity.

pytest-html writes cells as they are, markup included, so that they are escaped here.
"""

from keycheck.verdict.findings import Finding

HEAD = [
    '<th class="sortable" data-column-type="severity">Severity</th>',
    '<th class="sortable" data-column-type="testId">Claim</th>',
]


def cells(finding: Finding | None, node_id: str) -> list[str]:
    """The cells under HEAD; for a row without a finding, such as a file that cannot be collected, the node id alone."""
    from markupsafe import Markup  # noqa: PLC0415  with --html alone, which has imported it already

    severity = finding.check.severity.value if finding else ""
    claim = finding.check.title if finding else node_id
    return [
        Markup('<td class="col-severity">{}</td>').format(severity),
        Markup('<td class="col-testId">{}</td>').format(claim),
    ]
