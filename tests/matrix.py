"""Runs the cells of a matrix, several at a time: the one runner of the leak matrix and of the fault table."""

import os
import queue
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

import pytest

from tests.running import ROOT

C = TypeVar("C")
B = TypeVar("B")
R = TypeVar("R")

WORKERS = 3  # on two cores; a run also waits


def run_cells(cells: Iterable[C], benches: Sequence[B], run: Callable[[B, C], R]) -> Iterator[tuple[C, R | Exception]]:
    """Yields each cell with its result, or with the exception if it could not be run, in the order in which they end.

    A bench runs one cell at a time.
    """
    free: queue.SimpleQueue[B] = queue.SimpleQueue()
    for bench in benches:
        free.put(bench)

    def run_one(cell: C) -> tuple[C, R | Exception]:
        bench = free.get()
        try:
            return cell, run(bench, cell)
        except Exception as error:  # noqa: BLE001  a cell that could not be run is a result: it proves nothing
            return cell, error
        finally:
            free.put(bench)

    pool = ThreadPoolExecutor(len(benches))
    try:
        for done in as_completed([pool.submit(run_one, cell) for cell in cells]):
            yield done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def sample(cells: Sequence[C]) -> Sequence[C]:
    """Every n-th cell if KEYCHECK_EVERY=n is set, else all of them.

    The commit's hash chooses where the sample begins, so that the samples of n commits cover nearly all cells.
    """
    every = int(os.environ.get("KEYCHECK_EVERY", "1"))
    return cells[_commit() % every :: every] if every > 1 else cells


def _commit() -> int:
    """The hash of HEAD as a number; 0 outside a repository."""
    command = ["git", "rev-parse", "HEAD"]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  fixed
    return int(asked.stdout.strip(), 16) if asked.returncode == 0 else 0


def mostly_slow(rows: Iterable[Any], keep: int) -> list[Any]:
    """Test parameters: `keep` of the rows, evenly spread, always run; the others only with `-m slow`.

    A tuple is a row of several parameters.
    """
    every = list(rows)
    kept = {number * len(every) // keep for number in range(keep)}
    return [
        row if number in kept else pytest.param(*(row if type(row) is tuple else (row,)), marks=pytest.mark.slow)
        for number, row in enumerate(every)
    ]
