"""Writes all files that are made from verdicts.jsonl: index.html, fleet.json, keycheck.prom and the JUnit file.

Only one verdict is in memory at a time. Each file replaces the old one when it is complete.
"""

import json
from functools import partial
from pathlib import Path

from keycheck.fleet import changes, junit, page, results, totals
from keycheck.fleet.changes import Changes
from keycheck.fleet.totals import Ending, Totals
from keycheck.report import artefacts, prometheus


def write(out: Path, ending: Ending, *, since: Path | None = None, junit_file: Path | None = None) -> Changes:
    """Writes all files. Returns the changes since the run whose verdicts.jsonl is `since`; by default, the last run.

    Raises OSError if a file cannot be written, UsageProblem if `since` cannot be read.
    """
    verdicts = out / results.VERDICTS_FILE
    # This run has replaced its own verdicts.jsonl: where --since names that file, the last run is meant.
    is_own = since is None or since.resolve() == verdicts.resolve()
    before = changes.last_run(out) if since is None or is_own else changes.earlier(since)
    found = Totals()
    with artefacts.replacing(out / "keycheck.prom") as file:
        prometheus.write(
            # Without checks, which would add 26 lines for each account: verdicts.jsonl has them.
            (
                ({"account": entry["account"], "lane": entry["lane"]}, entry | {"checks": []})
                for entry in found.passing(results.read(verdicts))
            ),
            file,
            partial(artefacts.scratch, out),
        )
    compared = changes.compare(before, found.states, ending.accounts)
    with artefacts.replacing(out / "fleet.json") as file:
        file.write(json.dumps(totals.figures(found, ending), indent=2) + "\n")
    with artefacts.replacing(out / "index.html") as file:
        file.write(page.render(found, ending, compared, out / "accounts"))
    if junit_file is not None:
        junit_file.parent.mkdir(parents=True, exist_ok=True)
        with artefacts.replacing(junit_file) as file:
            junit.write(results.read(verdicts), found, ending, file)
    return compared
