"""Makes fleets without runs: lines of verdicts.jsonl, and a report folder with them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from keycheck.fleet.changes import Changes
from keycheck.fleet.merged import write
from keycheck.fleet.totals import Ending
from keycheck.report import verdict_json
from tests.sample_reports import REPORTS, STARTED

HEALTHY = verdict_json.as_dict(REPORTS["healthy"])


def entry(account: str, verdict: str = "OK", *causes: str, lane: str = "tokyo", **more: Any) -> dict[str, Any]:
    """A line of verdicts.jsonl. `causes`: the likeliest first, the first one certain and the others possible."""
    diagnosis = [
        {
            "cause": cause,
            "confidence": "possible" if number else "certain",
            "explanation": f"It is {cause}.",
            "evidence": ["an answer"],
            "fix": f"mend {cause} & all.",
        }
        for number, cause in enumerate(causes)
    ]
    about = {"ok": verdict == "OK", "verdict": verdict, "diagnosis": diagnosis}
    return {"account": account, "lane": lane, **HEALTHY, **about, **more}


MIXED = [
    entry("alice"),
    entry("bob", "NOT_OK", "withdrawals_enabled"),
    entry("carol", "NOT_OK", "ip_not_allowed", "unknown_key"),
    entry("dave", "NOT_OK", "ip_not_allowed", lane="local"),
    entry("erin", "UNPROVEN", "network_unreachable", lane="local"),
]


def ended(entries: Iterable[dict[str, Any]], not_asked: Iterable[str] = (), gone: Iterable[str] = ()) -> Ending:
    """The Ending of a fleet with these entries and the accounts `not_asked`. `gone`: accounts to leave out."""
    left = tuple(not_asked)
    names = {one["account"] for one in entries} | {*left}
    return Ending(STARTED, 61_000, {"tokyo": 45, "local": 30}, names - {*gone}, left)


def made(out: Path, entries: list[dict[str, Any]], ending: Ending | None = None, **options: Any) -> Changes:
    """Writes verdicts.jsonl and a report for each account into `out`, and then all files that are made from them."""
    out.mkdir(exist_ok=True)
    with (out / "verdicts.jsonl").open("w", encoding="utf-8") as file:
        for one in entries:
            file.write(json.dumps(one) + "\n")
            report = out / "accounts" / one["account"] / "report.html"
            report.parent.mkdir(parents=True, exist_ok=True)
            report.touch()
    return write(out, ending or ended(entries), **options)
