"""Runs the fault table: `python -m tests.faults [--sample] [--paths TEXT] [--faults TEXT]`."""

import argparse
import sys

from tests.faults import whole
from tests.faults.table import sample
from tests.faults.table import whole as all_cases


def main() -> int:
    """Prints the table, then each broken invariant; the exit status is 1 if there is one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sample", action="store_true", help="only the cases of an ordinary test run")
    parser.add_argument("--paths", default="", metavar="TEXT", help="only paths whose name contains this")
    parser.add_argument("--faults", default="", metavar="TEXT", help="only faults whose name contains this")
    asked = parser.parse_args()
    cases = sample() if asked.sample else all_cases()
    found = whole.run(case for case in cases if asked.paths in case.path.path and asked.faults in case.name)
    print(found.table(), found.summary(), sep="\n\n")
    return 1 if found.broken else 0


if __name__ == "__main__":
    sys.exit(main())
