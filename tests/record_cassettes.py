"""Records every shipped cassette anew from the local exchange: `python -m tests.record_cassettes`.

Each name in `cassettes/README.md` is a story of `tests/stories.py`. The verdicts in that table are written by hand,
since a recording cannot know what it should have been; `tests/test_cassettes_shipped.py` holds all of it together.
"""

import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.running import ROOT, SuiteRunner
from tests.stories import STORIES

TABLE = ROOT / "cassettes" / "README.md"
_ROW = re.compile(r"^\| `([\w-]+)` \| (\w+) \| (\d+) \| ([^|]*) \| (?:`(\w+)`, (\w+))? *\|", re.MULTILINE)


class Shipped(NamedTuple):
    """A row of the table: the cassette's name, the verdict and exit status it must give, the checks that fail.

    `cause` and `confidence`: of its first diagnosis, "" where it has none.
    """

    name: str
    verdict: str
    exit_status: int
    failing: list[str]
    cause: str
    confidence: str


def shipped() -> list[Shipped]:
    """The table of cassettes/README.md."""
    rows = _ROW.findall(TABLE.read_text(encoding="utf-8"))
    return [
        Shipped(name, verdict, int(status), re.findall(r"`(\w+)`", failing), cause, confidence)
        for name, verdict, status, failing, cause, confidence in rows
    ]


def main() -> int:
    """Records all of them; the exit status tells whether each run gave the table's verdict."""
    wrong = 0
    for row in shipped():
        with STORIES[row.name].settings_of_its_exchange() as settings, tempfile.TemporaryDirectory() as folder:
            done = SuiteRunner(Path(folder))("--record", row.name, settings=settings)
        as_told = done.exit_status == row.exit_status
        wrong += not as_told
        print(f"{row.name}: {done.verdict.get('verdict')}{'' if as_told else f', but the table says {row.verdict}'}")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
