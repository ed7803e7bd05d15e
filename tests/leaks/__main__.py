"""Runs the leak matrix: `python -m tests.leaks [--quick | --every] [--bare] [--kinds TEXT] [--modes TEXT]`.

--bare removes the second layer of protection. The table then shows what the first layer alone lets through, and that
each kind of failure has something to leak.
"""

import argparse
import sys

from tests.leaks import matrix
from tests.leaks.mutants import BARE


def main() -> int:
    """Prints the table, then each leak; the exit status is 1 if there is one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="every seventh kind in one mode")
    parser.add_argument("--every", action="store_true", help="each kind in each mode, including careless code")
    parser.add_argument("--bare", action="store_true", help="without guard and artefact scan")
    parser.add_argument("--kinds", default="", help="only kinds whose name contains this")
    parser.add_argument("--modes", default="", help="only modes whose name contains this")
    asked = parser.parse_args()
    places = matrix.quick() if asked.quick else matrix.every() if asked.every else matrix.whole()
    places = [(kind, mode) for kind, mode in places if asked.kinds in kind and asked.modes in mode]
    found = matrix.run(places, BARE if asked.bare else None)
    print(found.table(), found.summary(), sep="\n\n")
    return 1 if found.leaks or found.broken or found.vacuous else 0


if __name__ == "__main__":
    sys.exit(main())
