"""Reads verdicts.jsonl. Each line is the verdict.json of an account, with the names of account and lane before it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keycheck import bounded_files
from keycheck.errors import UsageProblem
from keycheck.fleet.accounts import is_name
from keycheck.foreign_links import NO_LINK
from keycheck.redaction.redactor import printable

VERDICTS_FILE = "verdicts.jsonl"
_LONGEST = 2**22  # bytes of one line; a verdict has some 20,000


def read(path: Path, flags: int = NO_LINK) -> Iterator[dict[str, Any]]:
    """The lines of a verdicts.jsonl, one by one. A last line without its end is ignored: the run was cut off there.

    `flags`: 0 for a file that the user has named, which may be a link. A fleet's own file may not: in a folder of
    another user, it could lead to a file that this user alone may read.
    Raises UsageProblem, in one sentence, if the file cannot be read, or a line names no account.
    """
    name = printable(path.name, 60)
    try:
        for number, line in enumerate(bounded_files.lines(path, _LONGEST, flags), 1):
            if line.endswith(b"\n"):
                yield _entry(line, f"line {number} of {name} is not a verdict of an account: name a verdicts.jsonl")
    except bounded_files.Unreadable as error:
        raise UsageProblem(f"{name} {error}") from None


def _entry(line: bytes, problem: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict) or not isinstance(entry.get("account"), str) or not is_name(entry["account"]):
        raise UsageProblem(problem)
    return entry
