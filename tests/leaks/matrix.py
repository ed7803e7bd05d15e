"""The leak matrix: chooses its cells (a kind of failure in a mode of the suite), runs them, and lists their leaks."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.leaks.bench import Bench, benches
from tests.leaks.cells import Cell, Leak, Mutation
from tests.leaks.kinds import KINDS, OUT_OF_REACH
from tests.leaks.modes import MODES
from tests.matrix import WORKERS, run_cells

HEAVY = ("html-log", "record", "all-at-once")  # heavy modes; `quick` uses them half as often as the others
# Pairs of modes that show careless code in the same way.
TWINS = (("locals", "full-trace"), ("plain", "warnings"), ("junit", "no-terminal"))
Place = tuple[str, str]  # kind, mode


@dataclass
class Matrix:
    """The cells that were run, and those that were left out, each with its reason.

    `broken`: a line for each cell that could not be run. `seconds`: the time for all cells.
    """

    cells: list[Cell] = field(default_factory=list)
    left_out: dict[Place, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def leaks(self) -> list[Leak]:
        """All leaks, in the order of the table."""
        order = {place: number for number, place in enumerate(every())}
        found = [leak for cell in self.cells for leak in cell.leaks]
        return sorted(found, key=lambda leak: order[leak.kind, leak.mode])

    @property
    def vacuous(self) -> list[Place]:
        """Cells whose failure did not happen, so that they prove nothing."""
        return [(cell.kind, cell.mode) for cell in self.cells if not cell.happened]

    def summary(self) -> str:
        """Counts, and the cells that were left out with their reasons."""
        lines = [
            f"{len(self.cells)} cells run ({len(KINDS)} kinds, {len(MODES)} modes) in {self.seconds:.0f} s, "
            f"{len(self.left_out)} left out, {len(self.leaks)} leaks, {len(self.vacuous)} vacuous"
        ]
        turns = len(every()) - len(self.cells) - len(self.left_out)
        lines += [
            f"not chosen: {turns}, {len(every()) - len(whole())} of them since modes take turns; --every runs all"
        ]
        lines += [f"left out: {n} x {why}" for why, n in Counter(self.left_out.values()).items()]
        lines += [f"out of reach: {name}: {why}" for name, why in OUT_OF_REACH.items()]
        vacuous = [one for one in self.cells if not one.happened]
        lines += [f"vacuous: {one.kind} | {one.mode} | exit {one.exit_status}" for one in vacuous]
        return "\n".join([*lines, *(f"broken: {text}" for text in self.broken), *(f"LEAK {one}" for one in self.leaks)])

    def table(self) -> str:
        """A row for each kind, a column for each mode: `.` for clean, the number of leaks, or `-` for not run."""
        ran = {(cell.kind, cell.mode): cell for cell in self.cells}
        width = max(map(len, KINDS)) + 2
        rows = [" " * width + " ".join(f"{name:>11}" for name in MODES)]
        for kind in KINDS:
            cells = [ran.get((kind, mode)) for mode in MODES]
            marks = [("-" if cell is None else str(len(cell.leaks)) if cell.leaks else ".") for cell in cells]
            rows.append(f"{kind:<{width}}" + " ".join(f"{mark:>11}" for mark in marks))
        return "\n".join(rows)


def every() -> list[Place]:
    """Each kind in each mode."""
    return [(kind, mode) for kind in KINDS for mode in MODES]


def whole() -> list[Place]:
    """Like `every`, but careless code runs in only one mode of each pair in TWINS, alternately, to save minutes."""
    numbers = {kind: number for number, kind in enumerate(KINDS)}
    return [
        (kind, mode)
        for kind, mode in every()
        if not KINDS[kind].is_careless
        or not any(mode == pair[(numbers[kind] + turn) % 2] for turn, pair in enumerate(TWINS))
    ]


def why_not(kind: str, mode: str) -> str | None:
    """Why a cell is left out, or None."""
    if mode == "record" and KINDS[kind].check:
        return "a check adds nothing to a recording; all-at-once shows that nothing leaks beside a recording"
    return KINDS[kind].left_out.get(mode)


def quick() -> list[Place]:
    """Every seventh kind, each in the next mode, and each mode at least once. These cells take some ten seconds."""
    light = [mode for mode in MODES if mode not in HEAVY]
    modes = [*light, *light, *HEAVY]
    chosen = []
    for number, name in enumerate(list(KINDS)[::7]):
        rotated = modes[number % len(modes) :] + modes[: number % len(modes)]
        chosen.append((name, next(mode for mode in rotated if why_not(name, mode) is None)))
    passed_over = [mode for mode in MODES if mode not in {mode for _, mode in chosen}]
    return chosen + [(next(kind for kind in KINDS if why_not(kind, mode) is None), mode) for mode in passed_over]


def run(places: Iterable[Place], mutation: Mutation | None = None) -> Matrix:
    """Runs these cells, several at a time."""
    matrix, began, reached = Matrix(), time.monotonic(), list[Place]()
    for kind, mode in places:
        if why := why_not(kind, mode):
            matrix.left_out[kind, mode] = why
        else:
            reached.append((kind, mode))

    def run_one(bench: Bench, place: Place) -> Cell:
        kind, mode = place
        return bench.run(KINDS[kind], MODES[mode], mutation)

    with benches(WORKERS) as all_benches:
        for (kind, mode), cell in run_cells(reached, all_benches, run_one):
            if isinstance(cell, Exception):
                matrix.broken.append(f"{kind} | {mode} | {type(cell).__name__}: {cell}")
            else:
                matrix.cells.append(cell)
    matrix.seconds = time.monotonic() - began
    return matrix
