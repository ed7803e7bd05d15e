"""`python -m benchmarks`: measures, prints, and judges nothing; its exit status only says whether it all ran."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import figures, measure
from benchmarks.figures import Figure
from benchmarks.process import DidNotRun
from benchmarks.runs import Runs
from tests.exchange import LocalExchange

MAX_ROUNDS = 100


def main(arguments: list[str] | None = None) -> int:
    """0 where everything ran, whatever was measured; 1 where something did not."""
    options = _parser().parse_args(arguments)
    try:
        table, notes = _measure(options.rounds, options.python, stall=not options.skip_stall)
    except (DidNotRun, OSError) as error:
        print(f"Not measured: {error}", file=sys.stderr)
        return 1
    print(figures.markdown(table) if options.markdown else figures.plain(table))
    print("", *notes, sep="\n")
    return 0


def _measure(rounds: int, python: str, *, stall: bool) -> tuple[list[Figure], list[str]]:
    with (
        tempfile.TemporaryDirectory(prefix="keycheck-benchmarks-") as folder,
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
        LocalExchange() as exchange,
    ):
        runs = Runs(Path(folder), log, python)
        replayed = runs.warm_up(exchange)
        times = measure.times(runs, rounds, exchange)
        ratio, latency = times.figures()
        table = [ratio, *measure.memory(runs, exchange), *measure.traffic(runs), latency]
        if stall:
            table += measure.stall(runs)
    spreads = [
        figures.spread("one trivial test", times.trivial),
        figures.spread("replay", times.replay),
        figures.spread("live with latency", times.live),
    ]
    return table, [f"Medians of {rounds}, by turns: {'; '.join(spreads)}.", f"Replayed: {replayed}."]


def _rounds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_ROUNDS):
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {MAX_ROUNDS}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What a run of the suite costs.")
    parser.add_argument(
        "--rounds", type=_rounds, default=7, metavar="N", help="how often to time each run (default: 7)"
    )
    parser.add_argument("--skip-stall", action="store_true", help="leave out the dead exchange, which takes a minute")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument(
        "--python", default=sys.executable, metavar="PATH", help="interpreter of the measured runs (default: this one)"
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
