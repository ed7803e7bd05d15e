"""Each cause, and some two at a time, over real HTTP: the verdict, its exit status, and the reason that is given."""

import jsonschema
import pytest

from tests.record_cassettes import shipped
from tests.running import SuiteRunner
from tests.stories import COMBINED, STORIES
from tests.test_run import SCHEMA

ALL = STORIES | COMBINED
FAILING = {row.name: row.failing for row in shipped()}


@pytest.mark.parametrize("name", ALL)
def test_a_run_ends_in_its_verdict_and_names_the_cause(name: str, suite: SuiteRunner) -> None:
    """On the terminal, on the page and in the JSON alike, by the failures that it should have and no others."""
    story = ALL[name]
    with story.settings_of_its_exchange() as settings:
        done = suite(settings=settings)
    jsonschema.validate(done.verdict, SCHEMA)
    assert (done.verdict["verdict"], done.exit_status) == (story.verdict, story.exit_status)
    assert done.verdict["ok"] is (story.verdict == "OK")
    assert done.verdict["verdict"].replace("_", " ") in done.page
    assert done.with_outcome("fail") == FAILING.get(name, done.with_outcome("fail"))
    causes = [(one["cause"], one["confidence"]) for one in done.verdict["diagnosis"]]
    assert causes[:1] == ([(story.cause, story.confidence)] if story.cause else [])
    for cause, confidence in causes:
        assert f"{cause} ({confidence})" in done.output
        assert cause in done.page
    assert "Traceback" not in done.output


def test_two_troubles_are_both_told(suite: SuiteRunner) -> None:
    """One does not hide the other where both were seen."""
    with COMBINED["slow clock, withdrawals"].settings_of_its_exchange() as settings:
        done = suite(settings=settings)
    assert [one["cause"] for one in done.verdict["diagnosis"]] == ["clock_behind", "withdrawals_enabled"]


def test_the_address_to_whitelist_is_for_the_terminal_alone(suite: SuiteRunner) -> None:
    """What is shared says that there was one."""
    with STORIES["ip-refused"].settings_of_its_exchange() as settings:
        done = suite(settings=settings)
    shared = str(done.verdict) + done.page
    assert "add the address that Binance saw, 203.0.113.7, and save" in " ".join(done.output.split())
    assert "203.0.113" not in shared
    assert "add the address that Binance saw, [IP hidden], and save" in shared


def test_account_info_is_asked_once_where_it_decides(suite: SuiteRunner) -> None:
    """And counts among the requests of the run."""
    with STORIES["older-key"].settings_of_its_exchange() as settings:
        done = suite(settings=settings)
    assert done.verdict["requests"]["walletWeight"] == 2
