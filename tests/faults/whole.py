"""Runs many cases, and collects the invariants that they break."""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import invariants, table
from tests.faults.bench import Bases, Bench, Ran
from tests.faults.paths import PATHS
from tests.faults.table import Case
from tests.forked import ForkedRunner
from tests.matrix import WORKERS, run_cells
from tests.running import SuiteRunner

MOST = 100  # lines of one summary
_LETTER = {"OK": "O", "NOT_OK": "N", "UNPROVEN": "U"}


@dataclass
class Table:
    """The results of all cases: verdicts, and broken invariants."""

    verdicts: dict[Case, str] = field(default_factory=dict)
    broken: dict[Case, list[str]] = field(default_factory=dict)
    slowest: tuple[float, str] = (0.0, "")
    seconds: float = 0.0

    def add(self, ran: Ran) -> None:
        """Adds the results of one run."""
        self.verdicts[ran.case] = str(ran.done.verdict.get("verdict"))
        self.slowest = max(self.slowest, (ran.seconds, str(ran.case)))
        if found := invariants.broken(ran):
            self.broken[ran.case] = found

    @property
    def combinations(self) -> int:
        """The number of faults that were tried, without the healthy runs."""
        return sum(case.fault is not None for case in self.verdicts)

    def summary(self) -> str:
        """Counts, and each broken invariant."""
        counts = Counter(verdict for case, verdict in self.verdicts.items() if case.fault is not None)
        told = ", ".join(f"{counts[name]} {name}" for name in _LETTER)
        lines = [
            f"{self.combinations} combinations of path and fault in {self.seconds:.0f} s: {told}; "
            f"{sum(map(len, self.broken.values()))} broken invariants",
            f"slowest: {self.slowest[1]}, {self.slowest[0]:.1f} s",
        ]
        broken = [f"BROKEN {case} | {one}" for case, found in self.broken.items() for one in found]
        more = [f"and {len(broken) - MOST} more"] if len(broken) > MOST else []
        return "\n".join([*lines, *broken[:MOST], *more])

    def table(self) -> str:
        """A row for each fault, a column for each path: O, N, U for the verdicts seen, `!` for a broken invariant."""
        cells: dict[str, dict[str, set[str]]] = {}
        order = {case: number for number, case in enumerate(table.whole())}
        for case, verdict in sorted(self.verdicts.items(), key=lambda pair: order.get(pair[0], -1)):
            marks = cells.setdefault(case.change, {}).setdefault(case.path.name, set())
            marks |= {_LETTER.get(verdict, "?"), *("!" for _ in self.broken.get(case, []))}
        names = [path.name for path in PATHS]
        width = max(map(len, cells), default=0) + 2
        rows = [" " * width + "  ".join(names)]
        for name, row in cells.items():
            shown = ("".join(sorted(row.get(path, ()))).center(len(path)) for path in names)
            rows.append(f"{name:<{width}}" + "  ".join(shown).rstrip())
        return "\n".join(rows)


def run(
    cases: Iterable[Case],
    runner: Callable[[Path], SuiteRunner] = ForkedRunner,
    *,
    workers: int = WORKERS,
    in_real_time: bool = False,
) -> Table:
    """Runs these cases, some at a time."""
    found, began, bases = Table(), time.monotonic(), Bases()
    with tempfile.TemporaryDirectory() as folder:
        benches = [Bench(Path(folder) / str(n), runner, bases, in_real_time=in_real_time) for n in range(workers)]
        for case, ran in run_cells(cases, benches, Bench.run):
            if isinstance(ran, Exception):
                found.broken[case] = [f"could not be run: {type(ran).__name__}: {ran}"]
            else:
                found.add(ran)
    for _, healthy in bases.known:
        found.add(healthy)
    found.seconds = time.monotonic() - began
    return found
