"""Runs that are ended from outside: killed, or interrupted by Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.exchange import Fault, LocalExchange, Scenario
from tests.matrix import mostly_slow
from tests.running import ROOT, SuiteRunner
from tests.suite_runs import SCHEMA, causes


@pytest.mark.slow
def test_crash_leaves_no_old_ok(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """The old verdict and page are removed before anything is sent, so a crash leaves no old OK."""
    assert suite(settings=exchange.settings()).verdict["ok"] is True
    exchange.scenario = Scenario(faults={"/fapi/v1/time": Fault.stall()})
    before = len(exchange.requests_to("/fapi/v1/time"))
    process = _start(suite, exchange)
    _wait_for(lambda: len(exchange.requests_to("/fapi/v1/time")) > before)
    process.kill()
    process.wait(10)
    left = json.loads((suite.report_dir / "verdict.json").read_text(encoding="utf-8"))
    assert (left["verdict"], causes(left)) == ("UNPROVEN", ["run_not_finished"])
    jsonschema.validate(left, SCHEMA)
    assert not (suite.report_dir / "report.html").exists()


@pytest.mark.slow
def test_ctrl_c_keeps_status_2_and_writes_the_verdict(suite: SuiteRunner) -> None:
    """After Ctrl-C the findings so far are reported, and the checks that did not run make the verdict UNPROVEN."""
    with LocalExchange(Scenario(faults={"/fapi/v1/order/test": Fault.stall()})) as exchange:
        process = _start(suite, exchange)
        _wait_for(lambda: len(exchange.requests_to("/fapi/v1/order/test")) == 1)
        time.sleep(1)  # gives the checks time to get there
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 2
    found = json.loads((suite.report_dir / "verdict.json").read_text(encoding="utf-8"))
    assert found["verdict"] == "UNPROVEN"
    assert {"withdrawals_are_disabled", "account_may_trade"} <= {check["id"] for check in found["checks"]}
    (cause,) = found["diagnosis"]
    assert cause["cause"] == "checks_not_run"
    assert "smallest_order_is_accepted" in cause["evidence"][0]
    assert "checks were not run" in cause["explanation"]


@pytest.mark.parametrize("what", mostly_slow(["settings", "private key", "cassette"], 1))
def test_ctrl_c_ends_the_wait_for_a_pipe(what: str, suite: SuiteRunner, exchange: LocalExchange) -> None:
    """Its writer has a minute, because it may ask for a passphrase; a user who thinks better of it need not wait."""
    pipe = suite.folder / "pipe.yaml"
    os.mkfifo(pipe)
    (suite.folder / "key.env").write_text(f"BINANCE_PRIVATE_KEY_FILE={pipe}\nBINANCE_API_SECRET=\n", encoding="utf-8")
    of = {"settings": ("--env-file", pipe), "private key": ("--env-file", suite.folder / "key.env")}
    process = _start(suite, exchange, *map(str, of.get(what, ("--replay", pipe))))
    with pipe.open("wb"):  # when it is open, the run reads it
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 2  # the pipe itself has 60 s


@pytest.mark.slow
def test_interrupted_recording_keeps_the_older_cassette(suite: SuiteRunner, tmp_path: Path) -> None:
    """An interrupted recording does not replace an older cassette."""
    cassette = tmp_path / "mine.yaml"
    with LocalExchange() as exchange:
        suite("--record", str(cassette), settings=exchange.settings())
        before = cassette.read_bytes()
        exchange.scenario = Scenario(faults={"/fapi/v1/exchangeInfo": Fault.stall()})
        seen = len(exchange.requests_to("/fapi/v1/exchangeInfo"))
        process = _start(suite, exchange, "--record", str(cassette), "--force")
        _wait_for(lambda: len(exchange.requests_to("/fapi/v1/exchangeInfo")) > seen)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 2
    assert cassette.read_bytes() == before


def _start(suite: SuiteRunner, exchange: LocalExchange, *arguments: str) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "suite/",
        "--report-dir",
        str(suite.report_dir),
        "--env-file",
        "/dev/null",
        "-o",
        f"cache_dir={suite.folder / 'cache'}",
        *arguments,
    ]
    return subprocess.Popen(  # noqa: S603  our own command
        command, cwd=ROOT, env=exchange.settings(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _wait_for(seen: Any) -> None:
    for _ in range(200):
        if seen():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen within 10 s")
