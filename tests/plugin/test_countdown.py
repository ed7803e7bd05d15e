"""A whole run that must wait says so on the terminal, counts down, goes on, and replays without waiting."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from _pytest.terminal import TerminalReporter

from keycheck.plugin.countdown import Countdown
from keycheck.report import terminal
from keycheck.report.model import ELSEWHERE, RunReport
from keycheck.verdict.weighing import Verdict
from tests.cassettes.test_cassettes_shipped import steady
from tests.exchange import Fault, LocalExchange, Scenario
from tests.running import ROOT, Finished, SuiteRunner

TEXT = "Binance has counted {} of 2400 of this address's request weight this minute: waiting {} s for the next minute"
SAID = "Binance has counted 2231 of 2400"
# The first answer reports a minute that is nearly used up, and later ones report the next minute.
ACCOUNT = '{"canTrade": true, "dualSidePosition": false}'
ONCE = Scenario(
    faults={"/fapi/v1/accountConfig": Fault.status(200, ACCOUNT, {"X-MBX-USED-WEIGHT-1M": "2231"}, times=1)}
)
# A run waits two seconds of a minute at the most.
SHORT_WAITS = "from keycheck.exchange import rate_limit\nrate_limit.LONGEST = 2\n"
NO_SLEEP = """
from keycheck import clock

def wait(self, seconds, tell):
    self.waited += seconds
    tell(seconds)
    tell(0)

clock.Sleep.wait = wait
"""


def run(folder: Path, scenario: Scenario, *arguments: str, plugin: str = NO_SLEEP) -> Finished:
    """A live run with `plugin`, which makes waits short."""
    (folder / "made_short.py").write_text(plugin, encoding="utf-8")
    with LocalExchange(scenario) as exchange:
        settings = exchange.settings() | {"PYTHONPATH": str(folder)}
        done = SuiteRunner(folder)("-p", "made_short", *arguments, settings=settings)
        assert not exchange.real_orders
    assert "Traceback" not in done.output
    return done


# -- whole runs --


@pytest.mark.slow
def test_a_run_waits_and_goes_on(tmp_path: Path) -> None:
    """A run really waits for a second or two; a log has one line at the beginning and one in the summary."""
    done = run(tmp_path, ONCE, plugin=SHORT_WAITS)
    assert (done.exit_status, done.verdict["requests"]["count"]) == (0, 12)
    (said,) = (line for line in done.output.splitlines() if SAID in line)
    seconds = int(re.findall(r"waiting (\d+) s", said)[0])
    assert (seconds in (1, 2), said) == (True, TEXT.format(2231, seconds))
    assert f"Waited {seconds} s for Binance's rate limit to make room.\n{ELSEWHERE['local']}\nOK: " in done.output
    assert "\r" not in done.output
    assert "waiting" not in done.page


@pytest.mark.slow
@pytest.mark.parametrize("options", [["-q"], ["-v"], ["-s"], ["-p", "no:capture"]], ids=" ".join)
def test_a_wait_is_announced_under_every_option(options: list[str], tmp_path: Path) -> None:
    """Under any option the wait is announced on a line of its own."""
    done = run(tmp_path, ONCE, *options)
    (said,) = (line for line in done.output.splitlines() if SAID in line)
    seconds = re.search(r"waiting (\d+) s", said)
    assert seconds
    assert said == TEXT.format(2231, seconds[1])
    assert f"Waited {seconds[1]} s for Binance's rate limit to make room.\n{ELSEWHERE['local']}\nOK: " in done.output


@pytest.mark.slow
def test_a_run_waits_at_most_a_minute_for_a_busy_exchange(tmp_path: Path) -> None:
    """If the exchange is always busy, a run waits for a minute in all, and then comes to its verdict."""
    done = run(tmp_path, Scenario(used_weight=2300))
    assert done.exit_status == 0
    (summary,) = (line for line in done.output.splitlines() if line.startswith("Waited "))
    assert 0 < int(summary.split()[1]) <= 60
    assert done.output.count("Binance has counted 23") >= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario", [Scenario(used_weight=2100), Scenario(used_weight=2300, weight_header=None)], ids=["89 %", "no header"]
)
def test_a_run_with_room_does_not_wait(scenario: Scenario, tmp_path: Path) -> None:
    """A run neither waits below the limit nor without the header."""
    done = run(tmp_path, scenario)
    assert done.exit_status == 0
    assert not re.search(r"waiting|Waited", done.output)


@pytest.mark.slow
def test_without_a_terminal_a_run_waits_in_silence(tmp_path: Path) -> None:
    """Without a terminal plugin a run waits without a message."""
    done = run(tmp_path, ONCE, "-p", "no:terminal")
    assert (done.exit_status, done.output) == (0, "")


@pytest.mark.slow
def test_a_recording_of_a_wait_replays_without_it(tmp_path: Path) -> None:
    """A recording of a run that waited replays without waiting, to the same JSON."""
    cassette = tmp_path / "busy.yaml"
    live = run(tmp_path, Scenario(used_weight=2300), "--record", str(cassette))
    assert "Waited " in live.output
    assert cassette.read_text(encoding="utf-8").count("x-mbx-used-weight-1m") == 11
    watch = time.monotonic()
    replay = SuiteRunner(tmp_path)("--replay", str(cassette))
    assert time.monotonic() - watch < 20
    assert steady(replay.verdict) == steady(live.verdict)
    assert replay.exit_status == live.exit_status == 0
    assert not re.search(r"waiting|Waited", replay.output)


@pytest.mark.slow
def test_ctrl_c_ends_a_wait_at_once(tmp_path: Path) -> None:
    """Ctrl-C ends a wait at once: the verdict is UNPROVEN, and nothing more was sent."""
    (tmp_path / "made_long.py").write_text(
        "from keycheck.exchange import rate_limit\nrate_limit.MARGIN = 30_000\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "pytest", "suite/", "-p", "made_long", "--report-dir", str(tmp_path / "reports")]
    command += ["--env-file", os.devnull, "-o", f"cache_dir={tmp_path / 'cache'}"]
    with LocalExchange(ONCE) as exchange:
        environment = exchange.settings() | {"PYTHONPATH": str(tmp_path), "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
            assert process.stdout
            assert any(SAID in line for line in process.stdout)
            time.sleep(1)  # requests that were under way when the wait began come to their end
            sent = len(exchange.log)
            process.send_signal(signal.SIGINT)
            watch = time.monotonic()
            rest = process.stdout.read()
        assert time.monotonic() - watch < 20
        assert (process.returncode, len(exchange.log)) == (2, sent)
    assert "UNPROVEN" in rest


# -- the countdown itself --


class Terminal(io.StringIO):
    """A stream that may be a terminal."""

    def __init__(self, is_one: bool) -> None:
        super().__init__()
        self._is_one = is_one

    def isatty(self) -> bool:
        return self._is_one


def counted_down(pytestconfig: pytest.Config, stream: io.StringIO, progress: str) -> TerminalReporter:
    """A reporter that has written `progress`, after a wait of three seconds."""
    reporter = TerminalReporter(pytestconfig, stream)
    plugins: dict[str, Any] = {"terminalreporter": reporter}
    countdown = Countdown(cast(pytest.Config, SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=plugins.get))))
    reporter.write(progress)
    for left in (3, 2, 1, 0):
        countdown(2231, 2400, left)
    return reporter


def test_a_terminal_counts_down_in_one_line(pytestconfig: pytest.Config) -> None:
    """The countdown is removed at its end, and the line of progress is as before."""
    stream = Terminal(True)
    reporter = counted_down(pytestconfig, stream, "suite/test_1.py ..")
    begin, said, counting = stream.getvalue().split("\n")
    assert (begin, said) == ("suite/test_1.py ..", TEXT.format(2231, 3))
    assert [part.strip() for part in counting.split("\r")] == [
        *("", "3 s left", "2 s left", "1 s left", ""),
        "suite/test_1.py ..",
    ]
    assert reporter._tw.width_of_current_line == len("suite/test_1.py ..")


def test_a_log_gets_one_line_about_a_wait(pytestconfig: pytest.Config) -> None:
    """A log has one line about the wait, since a line in it cannot be taken back."""
    stream = Terminal(False)
    counted_down(pytestconfig, stream, "done\n")
    assert stream.getvalue() == f"done\n{TEXT.format(2231, 3)}\n"


def test_the_summary_says_how_long_the_run_has_waited() -> None:
    """The summary says how long the run has waited, right before the verdict, and nothing without a wait."""
    report = RunReport(Verdict.OK, "0.1.0", "2026-11-20T08:13:00Z", waited_s=23)
    first, second, *_ = [text for text, _ in terminal.summary(report, "here")]
    assert first == "Waited 23 s for Binance's rate limit to make room."
    assert second.startswith("OK: ")
    assert not any("Waited" in text for text, _ in terminal.summary(replace(report, waited_s=0), "here"))
