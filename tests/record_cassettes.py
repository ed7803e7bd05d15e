"""Records shipped cassettes again from the local exchange: `python -m tests.record_cassettes [NAME..]`; default: all.

Each name in `cassettes/README.md` is a story of `tests/stories.py`. The verdicts in that table are written by hand,
since a recording cannot know what it should have been; `tests/cassettes/test_cassettes_shipped.py` compares cassettes
and table.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.running import ROOT, SuiteRunner
from tests.stories import STORIES, Story

TABLE = ROOT / "cassettes" / "README.md"
_ROW = re.compile(r"^\| `([\w-]+)` \| (\w+) \| (\d+) \| ([^|]*) \| (?:`(\w+)`, (\w+))? *\|", re.MULTILINE)


class Shipped(NamedTuple):
    """A row of the table: the cassette's name, the verdict and exit status it must give, the checks that fail.

    `cause` and `confidence`: of its first diagnosis, "" if it has none.
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


def _machine(folder: Path, settings: Mapping[str, str], story: Story) -> dict[str, Any]:
    """Settings file and clock program of the story's machine."""
    home = folder / "home"  # no program is taken from the folder of the credentials
    home.mkdir()
    env_file, outside = story.write(settings, home)
    clock = folder / "programs" / "timedatectl"
    clock.parent.mkdir()
    clock.write_text(f"#!/bin/sh\necho {'no' if story.careless else 'yes'}\n", encoding="utf-8")
    clock.chmod(0o755)
    return {"env_file": env_file, "settings": {"PATH": str(clock.parent)} | outside}


def main() -> int:
    """Records the cassettes. Returns 0 if each run had the verdict of the table."""
    rows = {row.name: row for row in shipped()}
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="a row of cassettes/README.md")
    asked = parser.parse_args().names or list(rows)
    if unknown := [name for name in asked if name not in rows]:
        parser.error(f"cassettes/README.md has no row of {', '.join(unknown)}")
    wrong = 0
    for row in map(rows.__getitem__, asked):
        story = STORIES[row.name]
        with story.settings_of_its_exchange() as settings, tempfile.TemporaryDirectory() as folder:
            runner = SuiteRunner(Path(folder))
            done = runner("--record", row.name, "--force", **_machine(Path(folder), settings, story))
        as_told = done.exit_status == row.exit_status
        wrong += not as_told
        print(f"{row.name}: {done.verdict.get('verdict')}{'' if as_told else f', but the table says {row.verdict}'}")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
