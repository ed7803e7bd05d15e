"""`keycheck.check` against a local exchange."""

from typing import Any

import keycheck
from keycheck.api import Report
from tests.exchange import Fault, LocalExchange, Scenario

SILENT = Scenario(faults={"*": Fault.stall()})


def check(exchange: LocalExchange, **more: Any) -> Report:
    """`keycheck.check` with the settings of an exchange, by their names as parameters."""
    named = {name.removeprefix("BINANCE_").lower(): value for name, value in exchange.settings().items()}
    return keycheck.check(**(named | more))
