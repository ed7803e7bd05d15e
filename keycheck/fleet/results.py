"""verdicts.jsonl: one line an account, its verdict.json with the account's and the lane's name before it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERDICTS_FILE = "verdicts.jsonl"


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a verdicts.jsonl, one by one. A last line without its end is ignored: the run was cut off there."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)
