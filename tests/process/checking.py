"""`keycheck.check` against a local exchange: in this process, or in a program that a test starts."""

import os
import subprocess
import sys
from typing import Any

import keycheck
from keycheck.api import Report
from tests.exchange import Fault, LocalExchange, Scenario
from tests.running import ROOT

SILENT = Scenario(faults={"*": Fault.stall()})


def check(exchange: LocalExchange, **more: Any) -> Report:
    """`keycheck.check` with the settings of an exchange, by their names as parameters."""
    return keycheck.check(**(parameters_of(exchange) | more))


def parameters_of(exchange: LocalExchange) -> dict[str, Any]:
    """The settings of an exchange as parameters of `keycheck.check`."""
    return {name.removeprefix("BINANCE_").lower(): value for name, value in exchange.settings().items()}


def started(program: str, exchange: LocalExchange, **more: Any) -> "subprocess.Popen[bytes]":
    """Starts a Python program that gets these parameters as its arguments NAME=VALUE. `more`: parameters of Popen."""
    named = [f"{name}={value}" for name, value in parameters_of(exchange).items()]
    return subprocess.Popen(  # noqa: S603  ours
        [sys.executable, "-c", program, *named], env=os.environ | {"PYTHONPATH": str(ROOT)}, **more
    )
