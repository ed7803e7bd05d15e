"""Every answer that was ever quoted, on every path that carries the key: its verdict, its cause, and nobody's name."""

import json
import re
from pathlib import Path

import pytest

from keycheck.exchange.endpoints import (
    ACCOUNT_CONFIG,
    ACCOUNT_INFO,
    API_RESTRICTIONS,
    LISTEN_KEY,
    ORDER_TEST,
    SYMBOL_CONFIG,
)
from tests.exchange import LocalExchange
from tests.faults import observed
from tests.faults.observed import MAIL, NUMBER, OBSERVED, TRACE, Cell
from tests.forked import ForkedRunner
from tests.leaks.scanner import Canary, Scanner
from tests.matrix import WORKERS, run_cells, sample
from tests.running import SuiteRunner

# The address is the owner's to know, who may have to list it; the terminal alone shows it.
ADDRESS = re.compile(r"203\.0\.113|IP\(\d")
PRIVATE = Scanner([Canary("an e-mail address", MAIL), Canary("a number", NUMBER), Canary("a trace of the edge", TRACE)])
SAMPLED = 23  # every so many cells in the ordinary run


class Bench:
    """A folder in which one cell after the other is run and recorded."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._suite: SuiteRunner = ForkedRunner(folder)

    def run(self, cell: Cell) -> list[str]:
        """What is wrong with it, in a sentence each."""
        junit, cassette = self._folder / "junit.xml", self._folder / "mine.yaml"
        for path in (junit, cassette):
            path.unlink(missing_ok=True)
        with LocalExchange(cell.scenario) as exchange:
            # Without it the margin type is never asked for.
            expected = {"BINANCE_EXPECT": "isolated"} if cell.endpoint is SYMBOL_CONFIG else {}
            settings = exchange.settings() | expected
            done = self._suite(f"--junitxml={junit}", "--record", str(cassette), settings=settings)
            asked = [one for one in exchange.log if f"{one.method} {one.path}" == str(cell.endpoint)]
        causes = [one["cause"] for one in done.verdict["diagnosis"]]
        found = (done.verdict["verdict"], causes[0] if causes else "")
        wrong = [] if found == cell.expected else [f"{found}, not {cell.expected}"]
        wrong += [] if asked else ["it was never asked"]
        shared = {path.name: path.read_text("utf-8") for path in (junit, cassette)}
        shared |= {"verdict.json": json.dumps(done.verdict), "report.html": done.page}
        shared["summary.md"] = (self._suite.report_dir / "summary.md").read_text("utf-8")
        wrong += [f"{name} holds an address" for name, text in shared.items() if ADDRESS.search(text)]
        for name, text in {**shared, "the terminal": done.output}.items():
            wrong += [f"{name} holds {hit.canary}" for hit in PRIVATE.scan(text)]
        return wrong


def _run(cells: list[Cell], folder: Path) -> list[str]:
    benches = [Bench(folder / str(number)) for number in range(WORKERS)]
    return [f"{cell}: {wrong}" for cell, wrong in run_cells(cells, benches, Bench.run) if wrong]


def test_every_answer_stands_on_every_path_that_carries_the_key() -> None:
    """None twice; a new path is in the table by itself, as advice."""
    cells = observed.cells()
    assert len({str(cell) for cell in cells}) == len(cells)
    assert {str(cell.endpoint) for cell in cells} >= {
        str(one) for one in (API_RESTRICTIONS, ACCOUNT_CONFIG, ACCOUNT_INFO, ORDER_TEST, LISTEN_KEY)
    }
    assert all(sum(cell.observed is one for cell in cells) == len(observed.paths()) for one in OBSERVED)
    assert len(OBSERVED) >= 46


@pytest.mark.timeout(120)
def test_a_sample_of_the_answers_comes_to_its_verdict(tmp_path: Path) -> None:
    """Some of each column; the whole table is for -m faults."""
    cells = observed.cells()[::SAMPLED]
    assert {cell.column for cell in cells} == {"wallet", "account", "order", "side", "advice", "info"}
    assert _run(cells, tmp_path) == []


@pytest.mark.faults
@pytest.mark.timeout(0)
def test_each_answer_comes_to_its_verdict_on_each_path(tmp_path: Path) -> None:
    """And no artefact says from where, by whom or for which account it was asked."""
    assert _run(list(sample(observed.cells())), tmp_path) == []
