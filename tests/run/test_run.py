"""`pytest suite/` as a user runs it: verdict, exit status, JSON, page and terminal, under pytest's own options."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from keycheck.exchange.endpoints import AT_ONCE
from keycheck.redaction.redactor import Redactor
from keycheck.report.model import SENTENCES
from keycheck.run import catalogue
from keycheck.verdict.findings import Severity
from keycheck.verdict.weighing import Verdict
from tests.exchange import API_KEY, API_SECRET, LISTEN_KEY, Fault, LocalExchange, Scenario
from tests.exchange.scenarios import SCENARIOS
from tests.forked import ForkedRunner
from tests.keys import ED25519
from tests.malformed import MalformedHeaders
from tests.matrix import mostly_slow
from tests.running import ROOT, Finished, SuiteRunner

SCHEMA = json.loads((ROOT / "keycheck/report/verdict.schema.json").read_text(encoding="utf-8"))
CRITICAL = [one for one in catalogue.read(ROOT / "suite").checks if one.severity is Severity.CRITICAL]
EXIT = {"OK": 0, "NOT_OK": 1, "UNPROVEN": 10}


def run(suite: SuiteRunner, scenario: Scenario, *arguments: str, all_plugins: bool = False) -> Finished:
    """Runs the suite against `scenario`, and asserts that the verdict keeps to the schema and no order was placed."""
    with LocalExchange(scenario) as exchange:
        done = suite(*arguments, settings=exchange.settings(), all_plugins=all_plugins)
        assert not exchange.real_orders
    jsonschema.validate(done.verdict, SCHEMA)
    assert API_SECRET not in done.output + done.page + json.dumps(done.verdict)
    assert API_KEY not in done.output + done.page + json.dumps(done.verdict)
    return done


def causes(verdict: dict[str, Any]) -> list[str]:
    """The names of a verdict's causes, the likeliest first."""
    return [one["cause"] for one in verdict["diagnosis"]]


# -- verdicts --


@pytest.mark.slow
def test_every_plugin_may_be_installed(suite: SuiteRunner) -> None:
    """With all installed plugins the verdict and the terminal's summary are the same."""
    done = run(suite, SCENARIOS["healthy"], all_plugins=True)
    assert (done.verdict["verdict"], done.exit_status) == ("OK", 0)
    assert "OK: " in done.output
    assert "Traceback" not in done.output


def test_healthy_verdict_in_full(suite: SuiteRunner) -> None:
    """A healthy run fills in every field and costs twelve requests."""
    done = run(suite, SCENARIOS["healthy"])
    found = done.verdict
    assert {k: v for k, v in found.items() if k not in ("startedAt", "durationMs", "checks", "driftMs")} == {
        "ok": True,
        "pingOk": True,
        "driftOk": True,
        "futuresPermission": True,
        "withdrawEnabled": False,
        "withdrawSafe": True,
        "ipRestrictEnabled": True,
        "positionMode": "ONE_WAY",
        "canTrade": True,
        "stepSize": "0.001",
        "minNotional": "50",
        "testOrderOk": True,
        "verdict": "OK",
        "schemaVersion": 1,
        "suiteVersion": "0.1.0",
        "mode": "live",
        "cassette": None,
        "environment": "production",
        "symbol": "BTCUSDT",
        "exchange": "local",
        "comparison": None,
        "key": {"type": "HMAC", "lastFour": API_KEY[-4:]},
        "diagnosis": [],
        "requests": {"count": 12, "futuresWeight": 15, "walletWeight": 1, "futuresWeightLimit": 2400},
    }
    assert abs(found["driftMs"]) < 100
    assert [check["step"] for check in found["checks"]] == sorted(check["step"] for check in found["checks"])
    # The credentials come from the environment, no program knows of the clock, and BINANCE_EXPECT is empty.
    not_applicable = ["credentials_file_is_private", "clock_is_synchronised", "account_is_set_up_as_expected"]
    assert done.with_outcome("not_applicable") == not_applicable
    assert set(done.outcomes.values()) == {"pass", "not_applicable"}


@pytest.mark.slow
def test_clock_drift_has_its_sign(suite: SuiteRunner) -> None:
    """A local clock that is slow drifts by a negative number of milliseconds."""
    done = run(suite, SCENARIOS["clock-behind"])
    assert -7100 < done.verdict["driftMs"] < -6900
    assert done.verdict["driftOk"] is False
    assert done.verdict["testOrderOk"] is True  # stamps are corrected: a wrong clock is one finding and not ten
    assert done.with_outcome("warn") == ["clock_is_inside_signing_window"]


def test_without_credentials_the_public_steps_still_run(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """Without credentials one check fails, and steps 2, 3 and 6 run; all others are blocked and send nothing."""
    settings = exchange.settings(no_credentials=True)
    done = suite(settings=settings)
    assert done.exit_status == 1
    assert done.with_outcome("fail") == ["credentials_are_present"]
    blocked = [check for check in done.verdict["checks"] if check["outcome"] == "blocked"]
    assert {check["blockedBy"] for check in blocked} == {"credentials_are_present"}
    assert {check["step"] for check in done.verdict["checks"] if check["outcome"] == "pass"} == {2, 3, 6}
    assert {check["step"] for check in blocked} == {1, 4, 5, 7}
    assert all("x-mbx-apikey" not in received.headers for received in exchange.log)


@pytest.mark.slow
def test_demo_has_no_wallet(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """A demo run can be OK; its permission checks do not apply, and it is never taken for production."""
    settings = exchange.settings() | {"BINANCE_ENVIRONMENT": "demo"}
    del settings["BINANCE_WALLET_URL"]
    done = suite(settings=settings)
    assert done.verdict["verdict"] == "OK"
    of_step_4 = {check["id"] for check in done.verdict["checks"] if check["step"] == 4}
    assert of_step_4 & set(done.with_outcome("not_applicable")) == of_step_4 - {"signed_requests_are_accepted"}
    assert done.verdict["environment"] == "demo"
    assert "demo" in done.page
    assert "demo" in done.output


# -- pytest's own options --


@cache
def _sick_scenario() -> Scenario:
    return Scenario(permissions={"enableWithdrawals": True, "ipRestrict": False})


@pytest.mark.slow
def test_warning_is_not_a_failure_and_does_not_stop_x(suite: SuiteRunner) -> None:
    """An informational claim that fails is shown, not counted, and changes no exit status, even with -x."""
    done = run(suite, SCENARIOS["no-ip-restriction"], "-x")
    assert done.exit_status == 0
    assert done.with_outcome("warn") == ["key_is_restricted_to_known_ips"]
    assert "22 passed, 3 not applicable, 1 warned" in done.output
    assert "WARN" in done.output


@pytest.mark.slow
def test_x_stops_at_the_first_failure(suite: SuiteRunner) -> None:
    """With -x a run stops at the first failed critical check; checks after it are not in the verdict."""
    done = run(suite, _sick_scenario(), "-x")
    assert done.exit_status == 1
    assert list(done.outcomes)[-1] == "withdrawals_are_disabled"
    assert causes(done.verdict) == ["withdrawals_enabled"]


@pytest.mark.slow
def test_maxfail_counts_only_critical_failures(suite: SuiteRunner) -> None:
    """Only critical failures count for --maxfail; warnings do not."""
    done = run(suite, _sick_scenario(), "--maxfail=2")
    assert (done.exit_status, len(done.outcomes)) == (1, 26)


@pytest.mark.parametrize(
    "selection",
    [
        ("-k", "clock"),
        pytest.param(("--deselect", "suite/test_3_clock.py"), marks=pytest.mark.slow),
        pytest.param(("-m", "informational"), marks=pytest.mark.slow),
        pytest.param(("suite/test_2_connectivity.py",), marks=pytest.mark.slow),
    ],
)
def test_part_of_the_suite_is_never_ok(selection: tuple[str, ...], suite: SuiteRunner) -> None:
    """If a critical check was not run, a healthy key is UNPROVEN; the reports count and name such checks."""
    done = run(suite, SCENARIOS["healthy"], *selection)
    assert (done.verdict["verdict"], done.verdict["ok"], done.exit_status) == ("UNPROVEN", False, 10)
    (cause,) = done.verdict["diagnosis"]
    assert cause["cause"] == "checks_not_run"
    not_run = [one.id for one in CRITICAL if one.id not in done.outcomes]
    assert cause["evidence"] == [f"not run: {', '.join(not_run)}"]
    counted = f"{26 - len(done.outcomes)} of 26 checks were not run, {len(not_run)} of them critical"
    assert f"{SENTENCES[Verdict.UNPROVEN].rstrip('.')}: {counted}." in done.output
    assert f"{counted}." in " ".join(done.page.split())
    assert f"{counted}: they were left out" in cause["explanation"]


@pytest.mark.slow
def test_no_fix_names_a_flag_that_was_not_seen(suite: SuiteRunner, tmp_path: Path) -> None:
    """If only the wallet refuses the key, seven checks of its flags are unproven, and no text says to tick a box."""
    junit = tmp_path / "junit.xml"
    scenario = Scenario(faults={"/sapi/v1/account/apiRestrictions": Fault.refused(-2015)})
    done = run(suite, scenario, f"--junitxml={junit}", "-rA")
    assert causes(done.verdict) == ["answers_contradict"]
    assert len(done.with_outcome("unproven")) == 7
    for text in (done.output, junit.read_text(encoding="utf-8")):
        assert not re.search(r"\b(?:un)?tick\b", text)


@pytest.mark.slow
def test_unproven_checks_and_left_out_checks_each_have_a_cause(suite: SuiteRunner) -> None:
    """Unproven checks and checks that were left out each have a cause: fixing one would not fix the other."""
    scenario = Scenario(faults={"/sapi/v1/account/apiRestrictions": Fault.bad_gateway()})
    done = run(suite, scenario, "-k", "withdrawals_are_disabled")
    assert causes(done.verdict) == ["checks_not_run", "exchange_trouble"]


@pytest.mark.slow
def test_critical_checks_alone_give_the_same_verdict(suite: SuiteRunner) -> None:
    """-m critical leaves out informational checks, and the verdict is the same."""
    done = run(suite, SCENARIOS["healthy"], "-m", "critical")
    assert (done.verdict["verdict"], done.exit_status) == ("OK", 0)


def test_nothing_selected_keeps_pytests_own_status(suite: SuiteRunner) -> None:
    """If no check is selected, the exit status is pytest's own 5, and the verdict is not ok."""
    done = run(suite, SCENARIOS["healthy"], "-k", "no_such_check")
    assert (done.exit_status, done.verdict["verdict"]) == (5, "UNPROVEN")
    assert causes(done.verdict) == ["checks_not_run"]


@pytest.mark.slow
def test_last_failed_alone_proves_nothing(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """--lf runs the failed checks; if they pass now, the key is UNPROVEN until all checks were run."""
    exchange.scenario = SCENARIOS["withdrawals-enabled"]
    assert suite(settings=exchange.settings()).exit_status == 1
    exchange.scenario = SCENARIOS["healthy"]
    done = suite("--lf", settings=exchange.settings())
    assert done.outcomes == {"withdrawals_are_disabled": "pass"}
    assert done.exit_status == 10


@pytest.mark.slow
def test_last_failed_runs_what_was_blocked(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """After a fix, --lf runs the failed check, and all that it had blocked."""
    exchange.scenario = SCENARIOS["ip-refused"]
    refused = suite(settings=exchange.settings())
    exchange.scenario = SCENARIOS["healthy"]
    done = suite("--lf", settings=exchange.settings())
    again = [one for one, outcome in refused.outcomes.items() if outcome in ("fail", "blocked")]
    assert list(done.outcomes) == again
    assert done.outcomes["smallest_order_is_accepted"] == "pass"
    assert f"{26 - len(again)} of 26 checks were not run, 3 of them critical" in done.output


@pytest.mark.slow
def test_last_failed_runs_the_warning_that_blocked(suite: SuiteRunner) -> None:
    """A warning that blocked other checks is run again with them, and no other warning is."""
    with LocalExchange(SCENARIOS["no-ip-restriction"]) as exchange:
        suite(settings=exchange.settings() | {"BINANCE_SYMBOL": "BTCUSTD"})
        done = suite("--lf", settings=exchange.settings())
    assert list(done.outcomes.values()) == ["pass"] * 4
    assert "symbol_is_trading" in done.outcomes


@pytest.mark.slow
def test_without_terminal_plugin_the_verdict_is_the_same(suite: SuiteRunner) -> None:
    """-p no:terminal prints nothing and changes nothing."""
    done = run(suite, SCENARIOS["withdrawals-enabled"], "-p", "no:terminal")
    assert (done.exit_status, done.verdict["verdict"]) == (1, "NOT_OK")
    assert done.page


@pytest.mark.slow
def test_traceback_is_for_those_who_ask(suite: SuiteRunner) -> None:
    """A failed claim is shown as a sentence; -vv adds the assertion."""
    assert "assert not held" not in run(suite, SCENARIOS["withdrawals-enabled"]).output
    assert "assert not held" in run(suite, SCENARIOS["withdrawals-enabled"], "-vv").output


def test_terminal_tells_failures_then_warnings_then_the_verdict_then_the_report(suite: SuiteRunner) -> None:
    """The terminal shows the causes first, then failures and warnings, each with its observation and one fix."""
    done = run(suite, _sick_scenario())
    wanted = [
        "WHY:",
        "1.       The key can take money out (certain) [withdrawals_enabled]",
        "Do: Profile > Account > API Management > Edit restrictions > untick",
        "FAIL     The key can withdraw funds (enableWithdrawals) [withdrawals_are_disabled]",
        "Should be: The key cannot withdraw funds.",
        "WARN     The key works from any address (ipRestrict) [key_is_restricted_to_known_ips]",
        "Should be: The key works only from listed IP addresses.",
        "Fix:",
        "NOT_OK: This key is not fit to trade USD-M futures from this machine. (21 pass, 1 fail, 1 warn, ",
        "Report: ",
    ]
    places: list[int] = []
    for text in wanted:
        places.append(done.output.find(text, places[-1] if places else 0))
    assert -1 not in places, wanted[places.index(-1)]
    assert places == sorted(places)


@pytest.mark.slow
def test_run_says_at_its_start_what_it_tests(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """The header has environment, symbol, key type, hosts, live or replay, and where settings and key came from."""
    done = suite(settings=exchange.settings())
    assert "production, BTCUSDT, key: HMAC\n" in done.output
    assert "settings: /dev/null; key: environment, secret: environment" in done.output
    assert f"live: {exchange.futures_url}, {exchange.wallet_url}" in done.output


@pytest.mark.slow
def test_junit_has_noted_values_and_honest_counts(suite: SuiteRunner, tmp_path: Path) -> None:
    """JUnit's failures are failed claims, its errors are unproven checks, and noted values are properties."""
    scenario = Scenario(
        permissions={"ipRestrict": False, "enableWithdrawals": True},
        faults={"/fapi/v1/accountConfig": Fault.unknown_503()},
    )
    run(suite, scenario, f"--junitxml={tmp_path / 'junit.xml'}")
    root = ET.parse(tmp_path / "junit.xml").getroot()[0]  # noqa: S314  our own file
    counts = {name: int(root.attrib[name]) for name in ("tests", "failures", "errors")}
    assert counts == {"tests": 26, "failures": 1, "errors": 1}
    properties = {p.attrib["name"]: p.attrib["value"] for p in root.iter("property")}
    assert properties["withdrawEnabled"] == "True"
    assert properties["stepSize"] == "0.001"
    assert re.fullmatch(r"-?\d+", properties["driftMs"])


@pytest.mark.parametrize(
    ("cassette", "more"), mostly_slow([("healthy", ()), ("ip-refused", ()), ("healthy", ("-k", "clock"))], 1)
)
def test_junit_has_the_verdict(cassette: str, more: tuple[str, ...], suite: SuiteRunner, tmp_path: Path) -> None:
    """JUnit's properties name verdict, exit status and causes, as verdict.json does."""
    done = suite("--replay", cassette, f"--junitxml={tmp_path / 'junit.xml'}", *more)
    root = ET.parse(tmp_path / "junit.xml").getroot()[0]  # noqa: S314  our own file
    assert {p.attrib["name"]: p.attrib["value"] for p in root.findall("properties/property")} == {
        "verdict": done.verdict["verdict"],
        "exitStatus": str(done.exit_status),
        "causes": ", ".join(causes(done.verdict)),
    }


@pytest.mark.slow
def test_junit_has_the_exit_status_of_a_run_with_trouble(suite: SuiteRunner, tmp_path: Path) -> None:
    """A log file that cannot be written makes the run end with 3, and JUnit's properties say so."""
    (tmp_path / "file").touch()
    done = suite("--replay", "healthy", f"--junitxml={tmp_path / 'junit.xml'}", f"--log-file={tmp_path}/file/log")
    root = ET.parse(tmp_path / "junit.xml").getroot()[0]  # noqa: S314  our own file
    properties = {p.attrib["name"]: p.attrib["value"] for p in root.findall("properties/property")}
    assert (done.exit_status, properties["verdict"], properties["exitStatus"]) == (3, "OK", "3")


@pytest.mark.slow
def test_the_header_is_about_the_run(suite: SuiteRunner) -> None:
    """pytest's header names the run's settings, and not those of the time-out."""
    done = suite("--replay", "healthy")
    assert "replay of healthy" in done.output
    assert not re.search(r"^timeout", done.output, re.MULTILINE)


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_not_a_warning(suite: SuiteRunner) -> None:
    """A run in a checkout that cannot be written says nothing of pytest's cache."""
    (suite.folder / "cache").touch()  # a file, where pytest would make its folder
    done = suite("--replay", "healthy")
    assert done.exit_status == 0
    assert "warning" not in done.output.lower()


@pytest.mark.slow
@pytest.mark.parametrize(("cassette", "stops"), [("healthy", 0), ("withdrawals-enabled", 1)])
def test_the_debugger_stops_only_at_failures(cassette: str, stops: int, suite: SuiteRunner) -> None:
    """--pdb stops at a failed check, but not at one that does not apply."""
    done = suite("--replay", cassette, "--pdb", "-p", "no:cacheprovider")
    assert done.output.count("entering PDB") == stops


def test_collect_only_sends_nothing_and_leaves_reports_alone(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """--collect-only lists ids, sends nothing, and leaves the last verdict."""
    done = suite("--collect-only", "-q", settings=exchange.settings())
    assert done.exit_status == 0
    assert "test_withdrawals_are_disabled" in done.output
    assert not exchange.log
    assert not done.verdict


@pytest.mark.slow
def test_pytest_html_page_has_the_verdict_and_no_machine(suite: SuiteRunner, tmp_path: Path) -> None:
    """pytest-html's page has the same verdict section on top, and an empty environment table."""
    page = tmp_path / "html" / "page.html"
    run(suite, SCENARIOS["withdrawals-enabled"], f"--html={page}", "--self-contained-html", all_plugins=True)
    text = page.read_text(encoding="utf-8")
    assert "kc-verdict" in text
    assert "This key is not fit" in text
    assert "Platform" not in text
    assert str(ROOT) not in text


# -- failures of a run --


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


# -- a changed suite --


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the repository, whose suite/ a test may change."""
    return copy_of_the_suite(tmp_path)


def copy_of_the_suite(folder: Path) -> Path:
    """conftest.py, pytest.toml and suite/ below `folder`, with the machinery linked beside them."""
    root = folder / "copy"
    (root / "suite").mkdir(parents=True)
    for name in ("conftest.py", "pytest.toml"):
        (root / name).write_bytes((ROOT / name).read_bytes())
    (root / "keycheck").symlink_to(ROOT / "keycheck")
    for file in (ROOT / "suite").glob("*.py"):
        (root / "suite" / file.name).write_bytes(file.read_bytes())
    return root


WRONG_CHECKS = {
    "neither mark": "def test_extra(binance):\n    assert binance\n",
    "both marks": (
        "import pytest\n\n@pytest.mark.critical\n@pytest.mark.informational\n"
        "def test_extra(binance):\n    assert binance\n"
    ),
    "repeated id": "import pytest\n\n@pytest.mark.critical\ndef test_account_may_trade(binance):\n    assert binance\n",
    "parametrized": (
        "import pytest\n\n@pytest.mark.critical\n@pytest.mark.parametrize('n', [1, 2])\n"
        "def test_extra(n):\n    assert n\n"
    ),
    "in a class": (
        "import pytest\n\nclass TestExtra:\n    @pytest.mark.critical\n    def test_extra(self):\n        assert self\n"
    ),
    "syntax error": "def test_(\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG_CHECKS)
def test_wrong_check_is_a_collection_error(name: str, copied: Path, tmp_path: Path, exchange: LocalExchange) -> None:
    """A wrong check is a collection error: status 2, UNPROVEN, and nothing is sent."""
    (copied / "suite" / "test_8_extra.py").write_text(WRONG_CHECKS[name], encoding="utf-8")
    done = ForkedRunner(tmp_path, copied)(settings=exchange.settings())
    assert done.exit_status == 2, done.output
    assert done.verdict["verdict"] == "UNPROVEN"
    assert causes(done.verdict) == ["checks_not_run"]
    assert "error" in done.output
    assert not exchange.log


EXTRA = """import pytest

@pytest.mark.{mark}
def test_extra(binance, observe):
    \"\"\"An extra claim holds.\"\"\"
    {body}
"""


@pytest.mark.parametrize(
    ("mark", "body", "outcome", "exit_status"),
    mostly_slow(
        [
            ("critical", "assert False", "fail", 1),
            ("critical", "raise ValueError('no')", "unproven", 10),
            ("critical", "pytest.skip('not now')", "unproven", 10),
            ("critical", "pytest.xfail('expected')", "unproven", 10),
            ("critical", "pytest.fail('said so')", "unproven", 10),
            ("critical", "import keycheck.settings.loading as s; s.load(None)", "unproven", 10),
            ("informational", "assert False", "warn", 0),
            ("informational", "raise ValueError('no')", "unproven", 0),
        ],
        1,
    ),
)
def test_only_an_assertion_in_suite_convicts(  # noqa: PLR0913, PLR0917  a table of four columns
    mark: str, body: str, outcome: str, exit_status: int, copied: Path, tmp_path: Path, exchange: LocalExchange
) -> None:
    """Any exception but an AssertionError in suite/ leaves a check unproven."""
    (copied / "suite" / "test_8_extra.py").write_text(EXTRA.format(mark=mark, body=body), encoding="utf-8")
    done = ForkedRunner(tmp_path, copied)(settings=exchange.settings())
    assert done.outcomes["extra"] == outcome
    assert done.exit_status == exit_status
    assert done.check("extra")["title"] == "An extra claim holds."


BAD_FACTS = {
    "no number": "observe('seen', driftMs=float('nan'))",
    "a fraction": "observe('seen', driftMs=1.5)",
    "too large": "observe('seen', driftMs=10**5000)",
    "an object": "observe('seen', pingOk=object())",
    "a flag as a number": "observe('seen', canTrade=1)",
    "a lone surrogate": "observe('seen', stepSize='\\ud800')",
    "another mode": "observe('seen', positionMode='BOTH')",
    "a text that equals all": (
        "observe('seen', positionMode=type('Any', (str,), {'__eq__': lambda *_: True, '__hash__': str.__hash__})('x'))"
    ),
    "a secret in a figure's place": "observe('seen', minNotional=str(binance.key))",
    "a failed claim": "observe('seen', driftMs=float('inf')); assert False",
    "past observe": "request.getfixturevalue('record_property')('driftMs', [1])",
}


@pytest.mark.slow
@pytest.mark.parametrize("body", BAD_FACTS.values(), ids=BAD_FACTS)
def test_a_fact_of_the_wrong_type_leaves_its_check_unproven(
    body: str, copied: Path, tmp_path: Path, exchange: LocalExchange
) -> None:
    """A fact of the wrong type means that the check is broken; verdict.json is complete without it."""
    text = EXTRA.format(mark="critical", body=body).replace("observe)", "observe, request)")
    (copied / "suite" / "test_8_extra.py").write_text(text, encoding="utf-8")
    junit = tmp_path / "junit.xml"
    done = ForkedRunner(tmp_path, copied)(f"--junitxml={junit}", settings=exchange.settings())
    assert (done.outcomes["extra"], done.exit_status) == ("unproven", 10), done.output
    assert "which says nothing about the key" in done.check("extra")["detail"]
    jsonschema.validate(done.verdict, SCHEMA)
    assert type(done.verdict["driftMs"]) is int
    ET.parse(junit)  # noqa: S314  our own file


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    mostly_slow(
        [
            "observe(type('Silent', (), {'__str__': None, '__repr__': None})())",
            "observe('\\ud800')",
            "observe('seen', other=type('Silent', (), {'__str__': None})(), more=float('nan'))",
            "request.getfixturevalue('record_property')([], {})",
        ],
        1,
    ),
    ids=["an object", "a surrogate", "names that are let go", "a name that is none"],
)
def test_no_observation_changes_the_outcome_of_a_check(
    body: str, copied: Path, tmp_path: Path, exchange: LocalExchange
) -> None:
    """An observation that cannot be shown, or not as JSON, does not change a check's outcome."""
    text = EXTRA.format(mark="critical", body=body).replace("observe)", "observe, request)")
    (copied / "suite" / "test_8_extra.py").write_text(text, encoding="utf-8")
    junit = tmp_path / "junit.xml"
    done = ForkedRunner(tmp_path, copied)(f"--junitxml={junit}", settings=exchange.settings())
    assert (done.outcomes["extra"], done.exit_status) == ("pass", 0), done.output
    jsonschema.validate(done.verdict, SCHEMA)
    ET.parse(junit)  # noqa: S314  our own file


@pytest.mark.slow
def test_an_assertion_outside_suite_leaves_a_check_unproven(
    copied: Path, tmp_path: Path, exchange: LocalExchange
) -> None:
    """An assertion that fails below suite/ is a bug of ours, and leaves the check unproven."""
    body = "raiser = compile('assert False', 'elsewhere.py', 'exec'); exec(raiser)"
    (copied / "suite" / "test_8_extra.py").write_text(EXTRA.format(mark="critical", body=body), encoding="utf-8")
    assert ForkedRunner(tmp_path, copied)(settings=exchange.settings()).outcomes["extra"] == "unproven"


@pytest.mark.slow
def test_xfail_mark_hides_no_failure(copied: Path, tmp_path: Path, exchange: LocalExchange) -> None:
    """A critical claim that fails is a failure, whatever else its function is marked with."""
    text = EXTRA.format(mark="critical\n@pytest.mark.xfail", body="assert False")
    (copied / "suite" / "test_8_extra.py").write_text(text, encoding="utf-8")
    assert ForkedRunner(tmp_path, copied)(settings=exchange.settings()).exit_status == 1


@pytest.mark.slow
def test_settings_file_is_not_exported(copied: Path, tmp_path: Path, exchange: LocalExchange) -> None:
    """The settings of .env are in no environment variable, which programs started by a check would inherit."""
    body = "import os; assert not [n for n in os.environ if n.startswith('BINANCE_')]"
    (copied / "suite" / "test_8_extra.py").write_text(EXTRA.format(mark="critical", body=body), encoding="utf-8")
    env_file = tmp_path / "my.env"
    env_file.write_text("".join(f"{k}={v}\n" for k, v in exchange.settings().items()), encoding="utf-8")
    assert ForkedRunner(tmp_path, copied)(env_file=env_file).outcomes["extra"] == "pass"


# -- when the exchange misbehaves --


def test_after_429_nothing_more_is_sent(suite: SuiteRunner) -> None:
    """After a 429, only requests that were already on their way arrive, such as the one for the listen key."""
    with LocalExchange(Scenario(faults={"/fapi/v1/accountConfig": Fault.rate_limited()})) as exchange:
        done = suite(settings=exchange.settings())
        paths = [one.path for one in exchange.log]
        behind = paths[paths.index("/fapi/v1/accountConfig") + 1 :]
        assert len(behind) < sum(AT_ONCE.values())
        assert not {"/fapi/v1/order/test", "/fapi/v1/apiTradingStatus"} & set(paths)
        assert len(exchange.requests_to("/fapi/v1/accountConfig")) == 1
    assert done.exit_status == 10
    assert not done.with_outcome("fail")


@pytest.mark.slow
def test_one_flaky_answer_does_not_spoil_the_verdict(suite: SuiteRunner) -> None:
    """After a 502 or a cut connection a GET is sent once more, and the verdict is the same."""
    faults = {"/fapi/v1/time": Fault.bad_gateway(times=1), "/fapi/v1/accountConfig": Fault.reset(times=1)}
    done = run(suite, Scenario(faults=faults))
    assert (done.verdict["verdict"], done.verdict["requests"]["count"]) == ("OK", 14)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/fapi/v1/time", "/fapi/v1/accountConfig", "/sapi/v1/account/apiRestrictions"])
def test_an_exchange_with_errors_leaves_the_key_unproven(path: str, suite: SuiteRunner) -> None:
    """An exchange with errors leaves a healthy key UNPROVEN."""
    done = run(suite, Scenario(faults={path: Fault.overloaded_503()}))
    assert (done.verdict["verdict"], done.exit_status, done.with_outcome("fail")) == ("UNPROVEN", 10, [])


def test_a_lost_connection_leaves_the_key_unproven(suite: SuiteRunner) -> None:
    """Without any answer nothing was observed: the verdict is UNPROVEN, and no check fails."""
    with LocalExchange() as exchange:
        settings = exchange.settings()
    done = suite(settings=settings)
    assert (done.exit_status, done.with_outcome("fail")) == (10, [])
    assert done.check("futures_api_answers")["outcome"] == "unproven"
    assert done.verdict["pingOk"] is None
    assert "refused the connection" in done.check("futures_api_answers")["detail"]
    assert done.check("withdrawals_are_disabled")["blockedBy"] == "futures_api_answers"


@pytest.mark.slow
@pytest.mark.parametrize("fault", [Fault.country_403(), Fault.restricted_location()], ids=["403", "451"])
def test_a_place_that_binance_does_not_serve_is_an_observation(fault: Fault, suite: SuiteRunner) -> None:
    """If Binance does not serve this machine's location, the check of the futures API fails, and says why."""
    done = run(suite, Scenario(faults={"*": fault}))
    assert (done.exit_status, done.with_outcome("fail")) == (1, ["futures_api_answers"])
    assert done.verdict["pingOk"] is False


@pytest.mark.slow
@pytest.mark.parametrize("path", ["*", "/fapi/v1/time", "/fapi/v1/ping", "/fapi/v1/accountConfig"])
@pytest.mark.parametrize("fault", [Fault.waf_403(), Fault.redirect("https://x.invalid/")], ids=["403", "302"])
def test_a_firewall_or_portal_anywhere_leaves_the_key_unproven(fault: Fault, path: str, suite: SuiteRunner) -> None:
    """A firewall or a captive portal in place of one answer or all leaves the key UNPROVEN."""
    done = run(suite, Scenario(faults={path: fault}))
    assert (done.exit_status, done.with_outcome("fail")) == (10, [])
    assert done.verdict["pingOk"] in (None, path.endswith("Config"))


# -- runs that once were OK and should not have been --


@pytest.fixture
def withdrawing(copied: Path, tmp_path: Path) -> SuiteRunner:
    """A copy of the suite to tamper with, and a key that can withdraw."""
    assert copied.exists()
    return ForkedRunner(tmp_path, copied)


TAMPERED = {
    "syntax error": ("test_4_permissions.py", "def (", ("--continue-on-collection-errors",)),
    "ignored": ("test_4_permissions.py", "def (", ("--ignore=suite/test_4_permissions.py",)),
    "bytes": ("test_4_permissions.py", "\udcff", ("--continue-on-collection-errors",)),
    "deleted": ("test_4_permissions.py", None, ()),
    "shadowed": (
        "shadow_test.py",
        "import pytest\n\n@pytest.mark.critical\ndef test_withdrawals_are_disabled():\n    assert True\n",
        ("-o", "python_files=*test*.py", "--continue-on-collection-errors"),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TAMPERED)
def test_suite_that_lost_a_claim_is_never_ok(name: str, withdrawing: SuiteRunner, exchange: LocalExchange) -> None:
    """A key that can withdraw is not OK if its check was removed from the suite."""
    file, text, options = TAMPERED[name]
    path = withdrawing.root / "suite" / file
    if text is None:
        path.unlink()
    else:
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    exchange.scenario = SCENARIOS["withdrawals-enabled" if name == "shadowed" else "healthy"]
    done = withdrawing(*options, settings=exchange.settings())
    assert done.verdict["ok"] is False
    assert done.exit_status != 0


@pytest.mark.slow
def test_collection_error_says_what_is_wrong(withdrawing: SuiteRunner) -> None:
    """The sentence about a wrong check is printed, and so is pytest's about a broken import."""
    (withdrawing.root / "suite" / "test_8_extra.py").write_text(WRONG_CHECKS["neither mark"], encoding="utf-8")
    assert "extra is marked neither: mark it with exactly one of" in withdrawing().output
    (withdrawing.root / "suite" / "test_8_extra.py").write_text("import nosuchmodule\n", encoding="utf-8")
    assert "nosuchmodule" in withdrawing().output


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


@pytest.mark.slow
def test_suite_behind_a_symlink_is_the_suite(tmp_path: Path) -> None:
    """The suite runs through a symbolic link, too."""
    (tmp_path / "link").symlink_to(ROOT)
    suite = SuiteRunner(tmp_path)
    done = suite(str(tmp_path / "link" / "suite"), "--replay", str(ROOT / "cassettes" / "healthy.yaml"))
    assert (done.exit_status, done.verdict["ok"]) == (0, True)


def test_run_without_its_plugin_is_refused(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """Without its plugin the suite is refused with exit 4 and a sentence, instead of an error for each check."""
    done = suite("-p", "no:keycheck-suite", settings=exchange.settings())
    assert done.exit_status == 4
    assert not exchange.log


@pytest.mark.slow
def test_a_check_that_did_not_run_to_its_end_has_not_passed(suite: SuiteRunner) -> None:
    """A check that ends without an error because the user has left the debugger has not passed."""
    with LocalExchange(Scenario(permissions={"enableWithdrawals": True})) as exchange:
        done = suite("--trace", settings=exchange.settings())
    assert (done.exit_status, done.verdict["verdict"]) == (10, "UNPROVEN")
    assert done.with_outcome("pass") == []
    assert "was left before its end" in done.check("credentials_are_present")["detail"]


@pytest.mark.slow
@pytest.mark.parametrize("secret", ["true", "null", "test", "pass", "hidden", "futures"])
def test_placeholder_secret_breaks_no_report(secret: str, suite: SuiteRunner, exchange: LocalExchange) -> None:
    """With a placeholder as secret the JSON is complete, and its names are those of the contract."""
    done = suite(settings=exchange.settings() | {"BINANCE_API_SECRET": secret})
    jsonschema.validate(done.verdict, SCHEMA)
    assert done.exit_status == 1


def test_demo_settings_do_not_open_production(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """Demo skips the check of withdrawals, so demo settings with a production host are refused."""
    settings = exchange.settings() | {"BINANCE_ENVIRONMENT": "demo", "BINANCE_FUTURES_URL": "https://fapi.binance.com"}
    done = suite(settings=settings)
    assert done.exit_status == 4
    assert "production network" in done.output


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


LEAKY = ("-vv", "-l", "-s", "-o", "log_cli=true", "--log-cli-level=DEBUG", "-o", "junit_logging=all")


@pytest.mark.slow
def test_malformed_header_line_leaks_no_signature(suite: SuiteRunner, tmp_path: Path) -> None:
    """urllib3 would log a malformed header with the whole URL; the signature in it appears nowhere."""
    files = [tmp_path / name for name in ("page.html", "junit.xml", "log.txt")]
    options = (f"--html={files[0]}", f"--junitxml={files[1]}", f"--log-file={files[2]}", "--log-file-level=DEBUG")
    with LocalExchange() as exchange, MalformedHeaders(exchange.wallet_url) as front:
        settings = exchange.settings() | {"BINANCE_WALLET_URL": front.url}
        done = suite(*options, *LEAKY, settings=settings, all_plugins=True)
        signatures = [r.params["signature"] for r in exchange.log if "signature" in r.params]
    assert done.exit_status == 0
    assert front.answers == 1
    everything = done.output + "".join(file.read_text("utf-8") for file in files)
    assert signatures
    assert not Redactor([API_KEY, API_SECRET, *signatures]).knows(everything)


@pytest.mark.slow
@pytest.mark.parametrize("field", mostly_slow(["yourKey", "enableNothing"], 1))
def test_key_that_is_read_back_is_not_printed(field: str, suite: SuiteRunner, tmp_path: Path) -> None:
    """A key in an exchange's answer is not shown in the tracebacks of -vv either."""
    body = {"enableFutures": False, "enableWithdrawals": True, "ipRestrict": True, field: API_KEY}
    fault = Fault.body(json.dumps(body).encode())
    done = run(
        suite, Scenario(faults={"/sapi/v1/account/apiRestrictions": fault}), *LEAKY, f"--junitxml={tmp_path / 'j'}"
    )
    assert done.exit_status == 1
    assert not Redactor([API_KEY]).knows(done.output + (tmp_path / "j").read_text(encoding="utf-8"))


# -- files of the owner, and secrets in an exchange's answers --


@pytest.mark.slow
def test_the_scan_deletes_no_file_of_the_owners(suite: SuiteRunner, tmp_path: Path, exchange: LocalExchange) -> None:
    """The artefact scan deletes no key file of the owner, even if it is new and lies in a scanned folder."""
    private = suite.report_dir / "key.pem"
    private.parent.mkdir()
    private.write_text(ED25519.private, encoding="utf-8")
    backup = suite.report_dir / ".env.backup"
    backup.write_text("".join(f"{name}={value}\n" for name, value in exchange.settings().items()), encoding="utf-8")
    cache = tmp_path / "cache"
    cache.mkdir()
    env_file = cache / ".env"
    env_file.write_text(backup.read_text(encoding="utf-8"), encoding="utf-8")
    done = suite(env_file=env_file)
    assert done.exit_status == 0
    settings = exchange.settings() | {"BINANCE_API_SECRET": "", "BINANCE_PRIVATE_KEY_FILE": str(private)}
    assert suite(settings=settings).exit_status == 1  # this exchange knows another key's public half
    assert private.exists()
    assert backup.exists()
    assert env_file.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/fapi/v1/listenKey", Fault.status(400, f'{{"code":-2015,"msg":"listen key {LISTEN_KEY} is in use"}}')),
        ("/fapi/v1/accountConfig", Fault.status(200, "{}", content_type=f"application/{API_KEY}")),
    ],
    ids=["a listen key in a refusal", "a key in a content type"],
)
def test_a_key_in_an_error_text_appears_in_no_output(path: str, fault: Fault, suite: SuiteRunner) -> None:
    """A key that an exchange returns in an error text appears in no output, in upper or lower case."""
    with LocalExchange(Scenario(faults={path: fault})) as exchange:
        done = suite("--record", str(suite.folder / "mine.yaml"), settings=exchange.settings())
    everything = done.output + done.page + json.dumps(done.verdict)
    everything += (suite.report_dir / "summary.md").read_text("utf-8") + (suite.folder / "mine.yaml").read_text("utf-8")
    for secret in (LISTEN_KEY, API_KEY[:-4]):
        assert not Redactor([secret.lower()]).knows(everything.lower())


@pytest.mark.slow
@pytest.mark.parametrize("where", ["--compare", "GITHUB_STEP_SUMMARY"])
def test_a_pipe_without_a_writer_does_not_delay_a_run(where: str, suite: SuiteRunner, tmp_path: Path) -> None:
    """A pipe that no other program opens does not make a run wait."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    if where == "--compare":
        assert suite("--replay", "healthy", where, str(pipe)).exit_status == 4
    else:
        assert suite("--replay", "healthy", settings={where: str(pipe)}).exit_status == 0


@pytest.mark.slow
def test_a_name_that_is_too_long_is_refused_in_a_sentence(suite: SuiteRunner) -> None:
    """A file name that is too long is refused like any other unreadable file."""
    done = suite("--replay", "healthy", "--compare", "a" * 300)
    assert done.exit_status == 4
    assert "Traceback" not in done.output


@pytest.mark.slow
def test_ci_summary_is_not_written_into_files_of_this_run(suite: SuiteRunner) -> None:
    """The text for a ticket is not appended to verdict.json, which would no longer be JSON."""
    done = suite("--replay", "healthy", settings={"GITHUB_STEP_SUMMARY": str(suite.report_dir / "verdict.json")})
    assert (done.exit_status, done.verdict["verdict"]) == (0, "OK")
    assert "GITHUB_STEP_SUMMARY could not be written" in done.output


def test_a_ci_job_with_the_name_of_a_check_renames_nothing(suite: SuiteRunner) -> None:
    """A CI job that is named after a check is no reason to rename checks and to cut sentences."""
    junit = suite.folder / "junit.xml"
    names = {"GITHUB_JOB": "credentials", "CI_JOB_NAME": "Permissions"}
    suite("--replay", "healthy", f"--junitxml={junit}", settings=names)
    text = junit.read_text(encoding="utf-8")
    assert 'name="test_credentials_are_present"' in text
    assert "[environment]" not in text + json.dumps(suite.report_dir.joinpath("summary.md").read_text("utf-8"))
