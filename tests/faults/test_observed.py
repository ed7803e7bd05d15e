"""Every answer in observed.py, on every path that carries the key, leads to its verdict and leaks no private data."""

import json
import re
from pathlib import Path

import pytest

from tests.exchange import LocalExchange
from tests.faults import observed
from tests.faults.observed import MAIL, NUMBER, OBSERVED, TRACE, Cell
from tests.forked import ForkedRunner
from tests.in_process import run_of
from tests.leaks.scanner import Canary, Scanner
from tests.matrix import WORKERS, run_cells, sample
from tests.running import SuiteRunner

COLUMNS = {"wallet", "account", "order", "side", "advice", "info"}
# The address that Binance saw. Only the owner's terminal may show it, since the owner may have to add it to a list.
ADDRESS = re.compile(r"203\.0\.113|IP\(\d")
PRIVATE = Scanner([Canary("an e-mail address", MAIL), Canary("a number", NUMBER), Canary("a trace of the edge", TRACE)])
# A sample has every n-th cell. One sample is run in this process, the other as a user would; both have all columns.
IN_PROCESS, AS_A_USER = 7, 37


def test_every_answer_is_tried_on_every_path_that_carries_the_key() -> None:
    """The table has each answer once for each path with the key, even for new paths; both samples have all columns."""
    cells = observed.cells()
    assert len({str(cell) for cell in cells}) == len(cells)
    assert {cell.column for cell in cells} == COLUMNS
    assert {cell.column for cell in cells[::IN_PROCESS]} == {cell.column for cell in cells[::AS_A_USER]} == COLUMNS
    assert all(sum(cell.observed is one for cell in cells) == len(observed.paths()) for one in OBSERVED)


# -- verdict and cause --


def _wrong(cells: list[Cell]) -> list[str]:
    wrong = []
    for cell in cells:
        with LocalExchange(cell.scenario) as exchange:
            verdict, diagnosis = run_of(exchange, **cell.settings)
            asked = any(f"{one.method} {one.path}" == str(cell.endpoint) for one in exchange.log)
        found = (verdict.value, diagnosis[0].cause if diagnosis else "")
        if found != cell.expected or not asked:
            wrong.append(f"{cell}: {found}, not {cell.expected}" if asked else f"{cell} was never asked")
    return wrong


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_sample_of_the_answers_leads_to_the_expected_verdicts() -> None:
    """In a sample of the table, each answer leads to the expected verdict and first cause."""
    assert _wrong(observed.cells()[::IN_PROCESS]) == []


@pytest.mark.faults
@pytest.mark.timeout(0)
def test_each_answer_leads_to_the_expected_verdict_on_each_path() -> None:
    """In the whole table, each answer leads to the expected verdict and first cause."""
    assert _wrong(list(sample(observed.cells()))) == []


# -- private data --


class Bench:
    """A folder in which cells are run one after the other, as a user would, and recorded."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._suite: SuiteRunner = ForkedRunner(folder)

    def run(self, cell: Cell) -> list[str]:
        """Runs a cell. Returns a sentence for each thing that is wrong with the run."""
        junit, cassette = self._folder / "junit.xml", self._folder / "mine.yaml"
        for path in (junit, cassette):
            path.unlink(missing_ok=True)
        with LocalExchange(cell.scenario) as exchange:
            settings = exchange.settings() | cell.settings
            done = self._suite(f"--junitxml={junit}", "--record", str(cassette), settings=settings)
        causes = [one["cause"] for one in done.verdict["diagnosis"]]
        found = (done.verdict["verdict"], causes[0] if causes else "")
        wrong = [] if found == cell.expected else [f"{found}, not {cell.expected}"]
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


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_sample_of_the_answers_leaks_no_private_data(tmp_path: Path) -> None:
    """No file of a run has private data; only the terminal may show the address that Binance saw."""
    assert _run(observed.cells()[::AS_A_USER], tmp_path) == []


@pytest.mark.faults
@pytest.mark.timeout(0)
def test_no_answer_leaks_private_data(tmp_path: Path) -> None:
    """In the whole table, no file of a run has private data."""
    assert _run(list(sample(observed.cells())), tmp_path) == []


def test_the_scanner_finds_private_data() -> None:
    """The scanner finds private data; otherwise the tests above would prove nothing."""
    assert {hit.canary for hit in PRIVATE.scan(f"of {MAIL}, account {NUMBER}, via {TRACE[:20]}")} == {
        *("an e-mail address", "a number", "a trace of the edge"),
    }
    assert ADDRESS.search("IP(1.2.3.4)")
