"""`pytest suite/` as a user runs it: verdict, exit status, JSON, page and terminal, under pytest's own options."""

import re
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import pytest

from keycheck.report.model import SENTENCES
from keycheck.run import catalogue
from keycheck.verdict.findings import Severity
from keycheck.verdict.weighing import Verdict
from tests.exchange import API_KEY, Fault, LocalExchange, Scenario
from tests.exchange.scenarios import SCENARIOS
from tests.matrix import mostly_slow
from tests.running import ROOT, SuiteRunner
from tests.suite_runs import causes, run

CRITICAL = [one for one in catalogue.read(ROOT / "suite").checks if one.severity is Severity.CRITICAL]
EXIT = {"OK": 0, "NOT_OK": 1, "UNPROVEN": 10}


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
