"""A suite that its user has changed, or that has lost a part, is never OK by mistake."""

import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest

from tests.exchange import LocalExchange, Scenario
from tests.exchange.scenarios import SCENARIOS
from tests.forked import ForkedRunner
from tests.matrix import mostly_slow
from tests.running import ROOT, Finished, SuiteRunner
from tests.suite_runs import SCHEMA, causes, copy_of_the_suite


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the repository, whose suite/ a test may change."""
    return copy_of_the_suite(tmp_path)


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
    done = observed(body, copied, tmp_path, exchange)
    assert (done.outcomes["extra"], done.exit_status) == ("unproven", 10), done.output
    assert "which says nothing about the key" in done.check("extra")["detail"]
    assert type(done.verdict["driftMs"]) is int


def observed(body: str, copied: Path, tmp_path: Path, exchange: LocalExchange) -> Finished:
    """The run of a suite whose extra check has this body; its verdict.json and its JUnit file are complete."""
    text = EXTRA.format(mark="critical", body=body).replace("observe)", "observe, request)")
    (copied / "suite" / "test_8_extra.py").write_text(text, encoding="utf-8")
    junit = tmp_path / "junit.xml"
    done = ForkedRunner(tmp_path, copied)(f"--junitxml={junit}", settings=exchange.settings())
    jsonschema.validate(done.verdict, SCHEMA)
    ET.parse(junit)  # noqa: S314  our own file
    return done


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
    done = observed(body, copied, tmp_path, exchange)
    assert (done.outcomes["extra"], done.exit_status) == ("pass", 0), done.output


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


@pytest.mark.slow
def test_suite_behind_a_symlink_is_the_suite(tmp_path: Path) -> None:
    """The suite runs through a symbolic link, too."""
    (tmp_path / "link").symlink_to(ROOT)
    suite = SuiteRunner(tmp_path)
    done = suite(str(tmp_path / "link" / "suite"), "--replay", str(ROOT / "cassettes" / "healthy.yaml"))
    assert (done.exit_status, done.verdict["ok"]) == (0, True)


@pytest.mark.slow
def test_a_check_that_did_not_run_to_its_end_has_not_passed(suite: SuiteRunner) -> None:
    """A check that ends without an error because the user has left the debugger has not passed."""
    with LocalExchange(Scenario(permissions={"enableWithdrawals": True})) as exchange:
        done = suite("--trace", settings=exchange.settings())
    assert (done.exit_status, done.verdict["verdict"]) == (10, "UNPROVEN")
    assert done.with_outcome("pass") == []
    assert "was left before its end" in done.check("credentials_are_present")["detail"]
