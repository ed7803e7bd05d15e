"""One case: an exchange, a run of `pytest suite/`, and its results."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.exchange import LocalExchange, Received, Scenario
from tests.faults.table import Case, healthy
from tests.running import Finished, SuiteRunner

PATIENCE = ("-p", "tests.faults.impatient")


@dataclass(frozen=True)
class Ran:
    """A run that has ended. `received`: the exchange's log; `base`: the same scenario without the fault."""

    case: Case
    done: Finished
    junit: str
    seconds: float
    received: tuple[Received, ...]
    real_orders: int
    base: "Ran | None" = None

    @property
    def failed(self) -> frozenset[str]:
        """The ids of the failed checks."""
        return frozenset(one["id"] for one in self.done.verdict.get("checks", []) if one["outcome"] == "fail")

    @property
    def texts(self) -> dict[str, str]:
        """All texts that a user could pass on."""
        told = json.dumps(self.done.verdict)
        return {"output": self.done.output, "page": self.done.page, "verdict.json": told, "JUnit": self.junit}


class Bases:
    """The healthy run of each scenario, made once."""

    def __init__(self) -> None:
        self.known: list[tuple[Scenario, Ran]] = []
        self._lock = threading.Lock()

    def of(self, scenario: Scenario, make: Callable[[], Ran]) -> Ran:
        """The healthy run of a scenario, made on first use."""
        with self._lock:
            for known, ran in self.known:
                if known == scenario:
                    return ran
            ran = make()
            self.known.append((scenario, ran))
            return ran


class Bench:
    """A folder in which cases are run one by one. `runner`: makes the runner of pytest in it."""

    def __init__(
        self, folder: Path, runner: Callable[[Path], SuiteRunner], bases: "Bases", *, in_real_time: bool = False
    ) -> None:
        folder.mkdir()
        self._folder = folder
        self._suite = runner(folder)
        self._bases = bases
        self._in_real_time = in_real_time

    def run(self, case: Case) -> Ran:
        """Runs one case, and before the first one of its scenario the healthy run to compare it with."""
        return self._run(case, self._bases.of(case.path.scenario, lambda: self._run(healthy(case.path), None)))

    def _run(self, case: Case, base: Ran | None) -> Ran:
        junit = self._folder / "junit.xml"
        for path in (junit, self._suite.report_dir / "verdict.json", self._suite.report_dir / "report.html"):
            path.unlink(missing_ok=True)
        options = PATIENCE if case.waits and not self._in_real_time else ()
        with LocalExchange(case.scenario) as exchange:
            began = time.monotonic()
            done = self._suite(f"--junitxml={junit}", *options, settings=exchange.settings() | dict(case.path.settings))
            seconds = time.monotonic() - began
            received, orders = tuple(exchange.log), len(exchange.real_orders)
        told = junit.read_text("utf-8") if junit.exists() else ""
        return Ran(case, done, told, seconds, received, orders, base)
