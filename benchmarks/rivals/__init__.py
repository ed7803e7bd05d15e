"""The rivals: other libraries that speak to Binance, each with a plain script that does the seven steps once.

The scripts are in this folder. They are run by path, in an environment of their own; none is imported here.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks import process
from benchmarks.process import DidNotRun
from tests.exchange import LocalExchange

PATIENCE = 60.0  # seconds until a script is stopped
STEPS = Counter(
    (
        "GET /fapi/v1/ping",
        "GET /fapi/v1/time",
        "GET /sapi/v1/account/apiRestrictions",
        "GET /fapi/v1/accountConfig",
        "GET /fapi/v1/positionSide/dual",
        "GET /fapi/v1/exchangeInfo",
        "POST /fapi/v1/order/test",
    )
)


@dataclass(frozen=True)
class Rival:
    """A library: its name in the table, its script, and the modules that the script imports."""

    name: str
    script: str
    modules: tuple[str, ...]


RIVALS = (
    Rival(
        "official connectors",
        "official.py",
        ("binance_common", "binance_sdk_derivatives_trading_usds_futures", "binance_sdk_wallet"),
    ),
    Rival("ccxt", "ccxt_.py", ("ccxt",)),
    Rival("python-binance", "python_binance.py", ("binance.client",)),
)


class Contest:
    """Runs the rivals with `python`, or none; `place` is a folder of ours, `log` takes what they print."""

    def __init__(self, python: str | None, place: Path, log: IO[str]) -> None:
        self._python, self._place, self._log = python, place, log
        self.entrants = [rival for rival in RIVALS if python and self._imports(rival.modules)]

    def run(self, rival: Rival, exchange: LocalExchange) -> float:
        """Seconds of its script. Raises DidNotRun unless a new `exchange` saw the seven steps, and nothing else."""
        command = (str(self._python), str(Path(__file__).with_name(rival.script)))
        ended = process.run(command, self._place, exchange.settings(), self._log, PATIENCE)
        process.expect(ended, command, (0,))
        sent = Counter(f"{one.method} {one.path}" for one in exchange.log)
        if sent != STEPS:
            raise DidNotRun(f"{rival.script} sent {dict(sent)}: not the seven steps once each")
        return ended.seconds

    def notes(self) -> Iterator[str]:
        """The libraries that are missing from the table, and why."""
        missing = [rival.name for rival in RIVALS if rival not in self.entrants]
        if self._python is None:
            yield "No rival was measured: --rivals names an environment that holds them; see benchmarks/README.md."
        elif missing:
            yield f"Left out, because they cannot be imported there: {', '.join(missing)}."

    def _imports(self, modules: Sequence[str]) -> bool:
        command = (str(self._python), "-c", f"import {', '.join(modules)}")
        return process.run(command, self._place, {}, self._log, PATIENCE).status == 0
