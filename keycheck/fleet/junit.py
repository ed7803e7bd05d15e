"""verdicts.jsonl -> a JUnit file, in which an account is a test case: NOT_OK is a failure, UNPROVEN an error.

https://github.com/testmoapp/junitxml describes the format as CI services read it.
"""

from collections.abc import Iterable, Mapping
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

from keycheck.fleet.changes import state_of
from keycheck.fleet.totals import Ending, Totals, shareable
from keycheck.verdict.weighing import Verdict

_ELEMENTS = {Verdict.NOT_OK.value: "failure", Verdict.UNPROVEN.value: "error"}


def write(entries: Iterable[Mapping[str, Any]], totals: Totals, ending: Ending, file: IO[str]) -> None:
    """Writes the file. An account that was not asked is an error as well: nothing is known about it."""
    counts = totals.verdicts
    errors = counts[Verdict.UNPROVEN.value] + len(ending.not_asked)
    about = {
        "tests": len(totals.states) + len(ending.not_asked),
        "failures": counts[Verdict.NOT_OK.value],
        "errors": errors,
        "skipped": 0,
        "time": f"{ending.duration_ms / 1000:.3f}",
        "timestamp": ending.started_at.removesuffix("Z"),  # as pytest writes it
    }
    file.write('<?xml version="1.0" encoding="utf-8"?>\n')
    file.write(f'<testsuites><testsuite name="keycheck fleet"{_attributes(about)}>\n')
    for entry in entries:
        file.write(_case(entry))
    for name in ending.not_asked:
        problem = _problem("error", "not asked", "the run was interrupted before this account: go on with --resume")
        file.write(
            f"<testcase{_attributes({'classname': 'not asked', 'name': name, 'time': 0})}>{problem}</testcase>\n"
        )
    file.write("</testsuite></testsuites>\n")


def _case(entry: Mapping[str, Any]) -> str:
    state = state_of(entry)
    about = {"classname": entry["lane"], "name": entry["account"], "time": f"{entry['durationMs'] / 1000:.3f}"}
    texts = [
        f"{one['cause']} ({one['confidence']}): {one['explanation']} What to do: {one['fix']}"
        for one in entry["diagnosis"]
    ]
    message = " ".join((state.verdict, *state.causes))
    element = _ELEMENTS.get(state.verdict)
    problem = _problem(element, message, "\n".join(map(shareable, texts))) if element else ""
    return f"<testcase{_attributes(about)}>{problem}</testcase>\n"


def _problem(element: str, message: str, text: str) -> str:
    return f"<{element}{_attributes({'message': message})}>{escape(text)}</{element}>"


def _attributes(values: Mapping[str, object]) -> str:
    return "".join(f" {name}={quoteattr(str(value))}" for name, value in values.items())
