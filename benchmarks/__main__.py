"""`python -m benchmarks`: measures and prints, without a judgement; the exit status says whether everything ran."""

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from benchmarks import figures, fleet, measure
from benchmarks.figures import Figure
from benchmarks.process import DidNotRun
from benchmarks.rivals import Contest
from benchmarks.runs import Runs

MIN_ROUNDS = 7  # a table with fewer rounds is not kept
MAX_ROUNDS = 100


def main(arguments: list[str] | None = None) -> int:
    """Measures and prints. Returns 0 if everything ran, whatever the figures are; 1 if something did not run."""
    options = _options(arguments)
    try:
        table, notes = _measure_fleet(options) if options.fleet else _measure(options)
    except (DidNotRun, OSError) as error:
        print(f"Not measured: {error}", file=sys.stderr)
        return 1
    print(figures.markdown(table) if options.markdown else figures.plain(table))
    print("", *notes, sep="\n")
    return 0


def _measure(options: argparse.Namespace) -> tuple[list[Figure], list[str]]:
    with (
        tempfile.TemporaryDirectory(prefix="keycheck-benchmarks-") as folder,
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
    ):
        runs, contest = Runs(Path(folder), log, options.python), Contest(options.rivals, Path(folder), log)
        replayed = measure.warm_up(runs, contest)
        times = measure.times(runs, contest, options.rounds)
        quickest = measure.quickest(times, contest.entrants)
        table = [
            *measure.ratios(times, quickest),
            *measure.memory(runs, options.rounds),
            *measure.traffic(runs),
            *(() if options.skip_stall else (*measure.callers(runs), *measure.endpoint(runs), *measure.stall(runs))),
        ]
    return table, [
        _told(options.rounds, times),
        *([f"Quickest rival: {quickest}."] if quickest else []),
        *contest.notes(),
        f"Replayed: {replayed}. Machine: {_machine()}.",
    ]


def _measure_fleet(options: argparse.Namespace) -> tuple[list[Figure], list[str]]:
    with (
        tempfile.TemporaryDirectory(prefix="keycheck-benchmarks-") as folder,
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
    ):
        fleets = fleet.Fleets(Path(folder), log, options.python)
        table = list(fleet.figures(fleets, options.fleet, with_dask=options.dask))
    return table, [f"Once each. Machine: {_machine()}."]


def _told(rounds: int, times: measure.Times) -> str:
    spreads = "; ".join(figures.spread(name, seconds) for name, seconds in times.items())
    few = f" A table to keep takes {MIN_ROUNDS} or more." if rounds < MIN_ROUNDS else ""
    return f"Medians of {rounds} rounds, run in turn: {spreads}.{few}"


def _machine() -> str:
    """The machine's cores, memory and system, as far as the system says."""
    cores = f"{os.cpu_count()} cores"
    if not hasattr(os, "sysconf"):
        return f"{cores}, {platform.system()}"
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return f"{cores}, {memory:.0f} GB of memory, {platform.system()}"


def _rounds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_ROUNDS):
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {MAX_ROUNDS}")
    return int(text)


def _accounts(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= fleet.ACCOUNTS):
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {fleet.ACCOUNTS}")
    return int(text)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What a run of the suite costs.")
    parser.add_argument(
        "--rounds",
        type=_rounds,
        default=MIN_ROUNDS,
        metavar="N",
        help="how often to time each run (default: %(default)s)",
    )
    parser.add_argument(
        "--skip-stall",
        action="store_true",
        help="leave out the dead exchange, a hundred runs of one program, and a thousand requests of one endpoint",
    )
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown, to keep")
    parser.add_argument(
        "--python", default=sys.executable, metavar="PATH", help="interpreter of the measured runs (default: this one)"
    )
    parser.add_argument(
        "--rivals", metavar="PATH", help="interpreter that has requirements-benchmarks.txt (default: no rivals)"
    )
    parser.add_argument(
        "--fleet", type=_accounts, nargs="?", const=fleet.ACCOUNTS, metavar="N", help="measure only a fleet (of 300)"
    )
    parser.add_argument(
        "--dask", action="store_true", help="a fleet on Dask, too; --python needs requirements-dask.txt"
    )
    options = parser.parse_args(arguments)
    if options.markdown and options.rounds < MIN_ROUNDS:
        parser.error(f"a table to keep takes {MIN_ROUNDS} rounds or more")
    return options


if __name__ == "__main__":
    raise SystemExit(main())
