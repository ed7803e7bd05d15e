"""RunReport -> the text of verdict.json. Pure. `verdict.schema.json` beside this file describes it."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from keycheck.diagnosis.cause import Diagnosis
from keycheck.exchange.endpoints import Host
from keycheck.report.model import NOTED, SCHEMA_VERSION, RunReport
from keycheck.verdict.findings import Finding
from keycheck.verdict.weighing import Verdict

if TYPE_CHECKING:
    from keycheck.verdict.comparison import Comparison

# The fields with texts for people, and with texts from outside. All others hold fixed names, times and numbers.
_TEXTS = frozenset(
    ("title", "why", "detail", "fix", "explanation", "evidence", "name", "symbol", "stepSize", "minNotional")
)


def as_dict(report: RunReport, clean: Callable[[str], str] = str) -> dict[str, Any]:
    """All fields of verdict.json, in a fixed order. A field without a value is null, never left out.

    `clean` takes secrets out of the fields of _TEXTS.
    """
    cassette = report.cassette
    fields = {
        "ok": report.verdict is Verdict.OK,
        **{name: report.notes.get(name) for name in NOTED},
        "verdict": report.verdict.value,
        "schemaVersion": SCHEMA_VERSION,
        "suiteVersion": report.suite_version,
        "startedAt": report.started_at,
        "durationMs": report.duration_ms,
        "mode": report.mode,
        "cassette": cassette
        and {"name": cassette.name, "recordedAt": cassette.recorded_at, "recordedFrom": cassette.recorded_from},
        "environment": report.environment,
        "symbol": report.symbol,
        "exchange": report.exchange,
        "comparison": report.comparison and _comparison(report.comparison),
        "key": {"type": report.key.type, "lastFour": report.key.last_four},
        "checks": [_check(finding) for finding in report.findings],
        "diagnosis": [_diagnosis(one) for one in report.diagnosis],
        "requests": {
            "count": report.requests_sent,
            "futuresWeight": report.weight_spent(Host.FUTURES),
            "walletWeight": report.weight_spent(Host.WALLET),
            "futuresWeightLimit": report.weight_limit,
        },
    }
    cleaned: dict[str, Any] = _cleaned(fields, clean)
    return cleaned


def of_check(finding: Finding, clean: Callable[[str], str] = str) -> dict[str, Any]:
    """One entry of `checks`; `clean` as in `as_dict`."""
    cleaned: dict[str, Any] = _cleaned(_check(finding), clean)
    return cleaned


def _cleaned(value: Any, clean: Callable[[str], str], name: str = "") -> Any:
    if isinstance(value, dict):
        return {inner: _cleaned(one, clean, inner) for inner, one in value.items()}
    if isinstance(value, list):
        return [_cleaned(one, clean, name) for one in value]
    return clean(value) if isinstance(value, str) and name in _TEXTS else value


def _comparison(found: "Comparison") -> dict[str, Any]:
    """`comparison`: `against` names the earlier run, each other field is a list of check ids in run order.

    `broke`, `firstSeenFailing` and `stillFails` together are the critical checks that fail now; `nowWarns` and
    `stillWarns` the informational ones that warn now. The class Comparison says when a check is in which list.
    """
    return {
        "against": {"verdict": found.previous.verdict.value, "startedAt": found.previous.started_at},
        "broke": list(found.broke),
        "firstSeenFailing": list(found.first_failing),
        "stillFails": list(found.still),
        "nowWarns": list(found.now_warns),
        "stillWarns": list(found.still_warns),
        "fixed": list(found.fixed),
        "notSeenNow": list(found.unseen),
    }


def _check(finding: Finding) -> dict[str, Any]:
    check = finding.check
    return {
        "id": check.id,
        "step": check.step,
        "severity": check.severity.value,
        "outcome": finding.outcome.value,
        "title": check.title,
        "why": check.why,
        "detail": finding.detail,
        "fix": check.fix,
        "blockedBy": finding.blocked_by,
        "durationMs": finding.duration_ms,
    }


def _diagnosis(found: Diagnosis) -> dict[str, Any]:
    return {
        "cause": found.cause,
        "confidence": found.confidence.value,
        "explanation": found.explanation,
        "evidence": list(found.evidence),
        "fix": found.fix,
    }


def render(report: RunReport, clean: Callable[[str], str] = str) -> str:
    """UTF-8 JSON text with a final newline; `clean` as in `as_dict`."""
    return json.dumps(as_dict(report, clean), ensure_ascii=False, indent=2) + "\n"
