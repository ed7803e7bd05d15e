"""`--explain` names the requests that a check sends, because it reads them from the code."""

from pathlib import Path

import pytest

from keycheck.diagnosis.cause import CAUSES
from keycheck.exchange.endpoints import (
    ACCOUNT_CONFIG,
    API_RESTRICTIONS,
    EXCHANGE_INFO,
    ORDER_TEST,
    PING,
    POSITION_SIDE,
    PREMIUM_INDEX,
    TIME,
    Endpoint,
)
from keycheck.run.explain import explain, explain_cause, requests_of
from keycheck.verdict.findings import Check
from tests.exchange import LocalExchange
from tests.in_process import CATALOGUE, outcome_of, session
from tests.running import ROOT, SuiteRunner

SUITE = ROOT / "suite"


@pytest.mark.parametrize(
    ("check_id", "expected"),
    [
        ("credentials_are_present", []),
        ("futures_api_answers", [PING]),
        ("clock_agrees_with_exchange", [TIME]),
        ("signed_requests_are_accepted", [TIME, ACCOUNT_CONFIG, API_RESTRICTIONS]),
        ("withdrawals_are_disabled", [TIME, API_RESTRICTIONS]),
        ("symbol_is_trading", [EXCHANGE_INFO]),
        (
            "smallest_order_is_accepted",
            [TIME, EXCHANGE_INFO, PREMIUM_INDEX, ACCOUNT_CONFIG, POSITION_SIDE, ORDER_TEST],
        ),
    ],
)
def test_the_requests_of_a_check_follow_from_its_questions(check_id: str, expected: list[Endpoint]) -> None:
    """A check's requests are those of its questions, of the questions below these, and of the clock for a stamp."""
    assert requests_of(CATALOGUE[check_id]) == expected


@pytest.mark.parametrize("check", CATALOGUE.checks, ids=lambda check: check.id)
def test_a_check_sends_only_requests_that_explain_names(check: Check, exchange: LocalExchange) -> None:
    """A check sends only requests that `--explain` names."""
    with session(exchange) as binance:
        outcome_of(check.id, binance)
    announced = {str(endpoint) for endpoint in requests_of(check)}
    assert {f"{one.method} {one.path}" for one in exchange.log} <= announced


@pytest.mark.parametrize("check", CATALOGUE.checks, ids=lambda check: check.id)
def test_every_check_can_be_explained(check: Check) -> None:
    """Every check has a claim, a reason, a fix, its blockers and its requests in `--explain`."""
    text = " ".join(explain(check).split())
    for part in (check.id, check.title, check.why, check.fix, "Waits for:", "Sends at most"):
        assert " ".join(part.split()) in text


@pytest.mark.parametrize("cause", [name for causes in CAUSES.values() for name in causes])
def test_every_cause_can_be_explained(cause: str) -> None:
    """`--explain` shows the meaning of each cause, an example's explanation, and what to do."""
    text = explain_cause(cause)
    assert text.startswith(f"{cause} (a cause; ")
    explanation, fix = text.split("For example: ")[1].split("Do: ")
    assert len(explanation) > 20
    assert len(fix) > 20
    assert "None" not in text


def test_a_cause_is_explained_on_the_command_line(suite: SuiteRunner) -> None:
    """`--explain ip_not_allowed` says what to add where."""
    done = suite("--explain", "ip_not_allowed")
    assert done.exit_status == 0
    assert "Restrict access to trusted IPs only: add this machine's public address" in " ".join(done.output.split())


@pytest.mark.parametrize("name", ["withdrawals_are_disabled", "test_withdrawals_are_disabled"])
def test_explain_runs_nothing_and_leaves_reports_alone(name: str, suite: SuiteRunner, tmp_path: Path) -> None:
    """`--explain` ends with exit status 0, without a run and without reports."""
    done = suite("--explain", name)
    assert done.exit_status == 0
    assert "The key cannot withdraw funds." in done.output
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("name", "offer"),
    [("withdrawal", "withdrawals_are_disabled"), ("ip_not_alowed", "ip_not_allowed"), ("zzz", "docs/checks.md")],
)
def test_an_unknown_name_is_refused_with_similar_names(name: str, offer: str, suite: SuiteRunner) -> None:
    """An unknown check or cause is a usage error; one sentence offers similar names."""
    done = suite("--explain", name)
    assert done.exit_status == 4
    assert f"there is no check or cause {name}" in done.output
    assert offer in done.output
    assert "Traceback" not in done.output
