"""Runs that are refused: settings, options and files that cannot be used end in one sentence and exit 4."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.exchange import LocalExchange
from tests.matrix import mostly_slow
from tests.running import ROOT, SuiteRunner
from tests.suite_runs import causes


@pytest.mark.slow
def test_xdist_is_refused_in_a_sentence(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """-n is refused in a sentence, because the checks share one session."""
    done = suite("-n", "2", settings=exchange.settings(), all_plugins=True)
    assert done.exit_status == 4
    assert "ERROR: -n does not go with suite/" in done.output
    assert not exchange.log


@pytest.mark.slow
def test_suite_and_tests_are_not_run_together(suite: SuiteRunner) -> None:
    """A run of suite/ and tests/ together is refused: it would have one verdict for two questions."""
    done = suite("suite/", "tests/run/test_run.py")
    assert done.exit_status == 4
    assert "suite/ and other tests do not run together" in done.output


@pytest.mark.slow
def test_asserts_that_python_takes_out_are_noticed(process: SuiteRunner, exchange: LocalExchange) -> None:
    """With PYTHONOPTIMIZE no assertion could fail, so the run is refused."""
    done = process(settings=exchange.settings() | {"PYTHONOPTIMIZE": "1"})
    assert done.exit_status == 4
    assert not exchange.log


def test_settings_from_stdin_are_not_lost_without_a_word(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """pytest puts the null device in stdin's place, and the run would take that for an empty file: NOT_OK, no key."""
    done = suite(env_file=Path("/dev/stdin"), settings=exchange.settings())
    assert done.exit_status == 4
    assert "ERROR: --env-file cannot be stdin" in done.output
    assert not exchange.log


@pytest.mark.parametrize("argument", ["-replay=healthy", "-record=mine"])
def test_an_option_with_one_dash_starts_no_live_run(argument: str, suite: SuiteRunner, exchange: LocalExchange) -> None:
    """pytest takes it for its own option -r, so the key would be tested instead of a recording."""
    done = suite(argument, settings=exchange.settings())
    assert done.exit_status == 4
    assert f"ERROR: {argument.partition('=')[0]} has one dash: write -{argument.partition('=')[0]}" in done.output
    assert not exchange.log


BAD = {
    "environment": ({"BINANCE_ENVIRONMENT": "mainnet"}, "BINANCE_ENVIRONMENT"),
    "recvWindow": ({"BINANCE_RECV_WINDOW": "60001"}, "BINANCE_RECV_WINDOW"),
    "url": ({"BINANCE_FUTURES_URL": "http://192.0.2.1"}, "BINANCE_FUTURES_URL"),
    "symbol": ({"BINANCE_SYMBOL": "BTC/USDT?"}, "BINANCE_SYMBOL"),
    "newline in key": ({"BINANCE_API_KEY": "CANARYCANARY\nCANARYCANARY"}, "BINANCE_API_KEY"),
    "private key": ({"BINANCE_PRIVATE_KEY_FILE": "key.pem"}, "BINANCE_PRIVATE_KEY_FILE"),
}


@pytest.mark.parametrize("name", mostly_slow(BAD, 2))
def test_bad_setting_is_one_sentence_and_exit_4(name: str, suite: SuiteRunner) -> None:
    """The message names the setting without its value, and shows no traceback."""
    settings, said = BAD[name]
    done = suite(settings=settings)
    assert done.exit_status == 4
    (line,) = [line for line in done.output.splitlines() if line.startswith("ERROR: ")]
    assert said in line
    assert "CANARY" not in done.output
    assert "Traceback" not in done.output
    assert (done.verdict["verdict"], done.verdict["ok"]) == ("UNPROVEN", False)
    assert causes(done.verdict) == ["run_not_finished"]


def test_a_missing_env_file_is_a_usage_error(suite: SuiteRunner, tmp_path: Path) -> None:
    """An env file that is named on the command line must exist."""
    done = suite(env_file=tmp_path / "absent.env")
    assert done.exit_status == 4
    assert "absent.env" in done.output


def test_settings_are_read_from_a_file_that_stays_unchanged(
    suite: SuiteRunner, exchange: LocalExchange, tmp_path: Path
) -> None:
    """.env is read, and neither changed nor copied."""
    env_file = tmp_path / "my.env"
    text = "".join(f"{name}={value}\r\n" for name, value in exchange.settings().items())
    env_file.write_text(text, encoding="utf-8")
    before = env_file.read_bytes()
    done = suite(env_file=env_file)
    assert done.verdict["verdict"] == "OK"
    assert env_file.read_bytes() == before
    assert "a carriage return" in done.check("credentials_are_well_formed")["detail"]


@pytest.mark.slow
def test_an_unusable_report_dir_is_a_usage_error(suite: SuiteRunner) -> None:
    """If --report-dir names a file, the run ends with one sentence and exit 4."""
    suite.report_dir.write_text("in the way", encoding="utf-8")
    suite.report_dir /= "below"
    done = suite()
    assert done.exit_status == 4
    assert "--report-dir" in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("--replay", "no-such"),
        pytest.param(("-n", "2"), marks=pytest.mark.slow),
        pytest.param(("--replay", "a", "--record", "b"), marks=pytest.mark.slow),
    ],
)
def test_refused_run_leaves_no_old_ok(arguments: tuple[str, ...], suite: SuiteRunner) -> None:
    """A run that is refused at its start leaves no verdict.json of an earlier run."""
    assert suite("--replay", "healthy").verdict["ok"] is True
    done = suite(*arguments, all_plugins=True)
    assert (done.exit_status, done.verdict["ok"], done.page) == (4, False, "")


@pytest.mark.slow
def test_reports_that_cannot_be_replaced_are_a_usage_error(suite: SuiteRunner) -> None:
    """If report.html is a directory, the run ends with one sentence and exit 4, and leaves no old OK."""
    assert suite("--replay", "healthy").verdict["ok"] is True
    (suite.report_dir / "report.html").unlink()
    (suite.report_dir / "report.html").mkdir()
    done = subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", "pytest", "suite/", "--replay", "healthy", "--report-dir", str(suite.report_dir)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 4
    assert "ERROR: the last run's reports cannot be replaced" in done.stdout + done.stderr
    assert not (suite.report_dir / "verdict.json").exists()


def test_run_without_its_plugin_is_refused(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """Without its plugin the suite is refused with exit 4 and a sentence, instead of an error for each check."""
    done = suite("-p", "no:keycheck-suite", settings=exchange.settings())
    assert done.exit_status == 4
    assert not exchange.log


def test_demo_settings_do_not_open_production(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """Demo skips the check of withdrawals, so demo settings with a production host are refused."""
    settings = exchange.settings() | {"BINANCE_ENVIRONMENT": "demo", "BINANCE_FUTURES_URL": "https://fapi.binance.com"}
    done = suite(settings=settings)
    assert done.exit_status == 4
    assert "production network" in done.output


@pytest.mark.slow
def test_a_name_that_is_too_long_is_refused_in_a_sentence(suite: SuiteRunner) -> None:
    """A file name that is too long is refused like any other unreadable file."""
    done = suite("--replay", "healthy", "--compare", "a" * 300)
    assert done.exit_status == 4
    assert "Traceback" not in done.output
