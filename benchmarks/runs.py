"""The runs that are measured, each in a process of its own."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from benchmarks import process
from benchmarks.endpoint import Answer, Served
from benchmarks.process import DidNotRun, Ended
from tests.exchange import LocalExchange

ROOT = Path(__file__).parents[1]
HEALTHY = ROOT / "cassettes" / "healthy.yaml"
PATIENCE = 240.0  # seconds until a run is stopped: twice the slowest, which is a hundred runs in one
OK, NOT_OK, UNPROVEN = 0, 1, 10


class Runs:
    """Runs pytest with `python`. `folder`: an empty folder of ours. `log`: the file for all that the runs print."""

    def __init__(self, folder: Path, log: IO[str], python: str = sys.executable) -> None:
        self._folder, self._log, self._python = folder, log, python
        self._reports = folder / "reports"
        # Like a fresh clone: a developer's cache knows thousands of tests, and every run reads and writes it.
        self._fresh = ("-o", f"cache_dir={folder / 'cache'}")
        self._trivial = folder / "trivial"
        self._trivial.mkdir()
        # As in the suite's own pytest.ini, a plugin that takes a second to be imported is left out.
        (self._trivial / "pytest.ini").write_text("[pytest]\naddopts = -p no:schemathesis\n")
        (self._trivial / "test_trivial.py").write_text("def test_trivial():\n    assert True\n")
        self._cassette = HEALTHY

    def warm_up(self, exchange: LocalExchange) -> str:
        """Runs everything once, so that bytecode exists. Returns the cassette that is replayed, in words.

        If the repository has no healthy cassette, it records one.
        """
        if not HEALTHY.exists():
            self._cassette = self._folder / "healthy.yaml"
            self.live(exchange, "--record", str(self._cassette))
        self.trivial()
        self.replay()
        self.live(exchange)
        return "cassettes/healthy.yaml" if self._cassette == HEALTHY else "a cassette that was recorded now"

    def trivial(self) -> float:
        """Seconds of pytest on one test that does nothing, under a pytest.ini of its own."""
        return self._run(self._trivial, {}, "pytest", "test_trivial.py").seconds

    def replay(self) -> float:
        """Seconds of the suite, offline."""
        return self._suite({}, "--replay", str(self._cassette)).seconds

    def command(self) -> float:
        """Seconds of a replay by the command `keycheck`."""
        arguments = ("--replay", str(self._cassette), "--report-dir", str(self._reports))
        return self._run(ROOT, {}, "keycheck", *arguments).seconds

    def live(self, exchange: LocalExchange, *more: str) -> float:
        """Seconds of the suite against a healthy exchange."""
        return self._suite(exchange.settings(), "--env-file", os.devnull, *more).seconds

    def live_in_vain(self, exchange: LocalExchange) -> float:
        """Seconds of the suite against a faulty exchange, until it ended with a whole verdict.json."""
        statuses = (NOT_OK, UNPROVEN)
        ended = self._suite(exchange.settings(), "--env-file", os.devnull, statuses=statuses)
        if not self.verdict()["checks"]:  # the verdict that is written before the first check has none
            raise DidNotRun("a run against a sick exchange left no verdict.json")
        return ended.seconds

    def replay_peak(self) -> float | None:
        """Peak resident memory of a replay in MB (10^6 bytes); None if the kernel does not report it."""
        return self._peak({}, "--replay", str(self._cassette))

    def live_peak(self, exchange: LocalExchange) -> float | None:
        """Peak resident memory of a live run, in the same way."""
        return self._peak(exchange.settings(), "--env-file", os.devnull)

    def called(self, exchange: LocalExchange, runs: int = 1, threads: int = 1) -> Any:
        """The measurements of a program that calls `keycheck.check` `runs` times in `threads` threads."""
        seen = self._folder / "caller" / "seen.json"
        seen.parent.mkdir(exist_ok=True)
        seen.unlink(missing_ok=True)
        self._run(ROOT, exchange.settings(), "benchmarks.caller", str(seen), str(runs), str(threads))
        return json.loads(seen.read_text(encoding="utf-8"))

    def serving(self, exchange: LocalExchange) -> Served:
        """Starts `keycheck serve` with this exchange. All these servers use one purse."""
        return Served(self._folder / "served", self._python, exchange, self._log)

    def posted(self, exchange: LocalExchange) -> Answer:
        """Starts a server, sends it one POST, and ends it."""
        with self.serving(exchange) as served:
            return served.post()

    def verdict(self) -> Any:
        """verdict.json of the last run of the suite."""
        return json.loads((self._reports / "verdict.json").read_text(encoding="utf-8"))

    def _suite(
        self,
        settings: Mapping[str, str],
        *more: str,
        module: tuple[str, ...] = ("pytest",),
        statuses: tuple[int, ...] = (OK,),
    ) -> Ended:
        arguments = (*module, "suite/", "--report-dir", str(self._reports), *self._fresh, *more)
        return self._run(ROOT, settings, *arguments, statuses=statuses)

    def _peak(self, settings: Mapping[str, str], *more: str) -> float | None:
        kept = self._folder / "peak"
        self._suite(settings, *more, module=("benchmarks.peak", str(kept)))
        kb = kept.read_text()
        return int(kb) * 1024 / 1e6 if kb else None

    def _run(self, place: Path, settings: Mapping[str, str], *module: str, statuses: tuple[int, ...] = (OK,)) -> Ended:
        command = (self._python, "-m", *module)
        return process.expect(process.run(command, place, settings, self._log, PATIENCE), command, statuses)
