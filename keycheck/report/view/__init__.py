"""RunReport -> the values that the page's templates show: texts, in their order. Pure.

All texts are composed here, in Python. The templates only put them in their places.
"""

from typing import Any

from keycheck.report.model import RunReport
from keycheck.report.pictures import drift_scale, permission_matrix, weight_bar
from keycheck.report.pictures.timeline import TimelineRow, lasted
from keycheck.report.view import causes, facts, findings
from keycheck.report.view.marks import SHAPES
from keycheck.report.view.since import since
from keycheck.verdict.findings import Outcome


def verdict(report: RunReport, rows: list[TimelineRow]) -> dict[str, Any]:
    """The values for the head of the page: the verdict, its causes and the findings."""
    steps = findings.steps(report, rows)
    shown = [one for step in steps for one in step.findings]
    return {
        "verdict": report.verdict.value.replace("_", " "),
        "kind": report.verdict.value.lower(),
        "sentence": report.sentence.partition("USD-M"),  # in three parts: the page allows no line break inside USD-M
        "shape": SHAPES[report.verdict],
        "elsewhere": report.elsewhere,
        "about": facts.about(report),
        "steps": steps,
        "suspects": causes.suspects(report.diagnosis),
        "found": {outcome.value: [one for one in shown if one.kind == outcome.value] for outcome in Outcome},
        "waiting": findings.waiting(report),
        "since": since(report),
    }


def below_the_verdict(report: RunReport) -> dict[str, Any]:
    """The values for the rest of the page: pictures, counts and facts."""
    matrix = permission_matrix.permission_matrix(report.permissions or {})
    drift = report.drift and drift_scale.drift_scale(report.drift, report.recv_window)
    weight = weight_bar.weight_bar(report.calls, report.weight_limit)
    weight_description = weight_bar.description(report.calls, report.weight_limit)
    return {
        "matrix": matrix,
        "matrix_description": permission_matrix.description(matrix) if matrix else facts.no_permissions(report),
        "figures": [
            ("This machine's clock", drift, drift.description if drift else "The drift was not measured."),
            ("Request weight", weight, weight_description),
        ],
        "counts": findings.counts(report),
        "facts": list(facts.facts(report)),
        "lasted": lasted(report.calls),
    }
