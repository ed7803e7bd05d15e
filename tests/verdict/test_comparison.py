"""The comparison of a run with an earlier verdict: the changes that it lists, and the files that it refuses."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keycheck.credentials.pasted_text import KeyFacts
from keycheck.report import verdict_json
from keycheck.report.model import RunReport
from keycheck.verdict import comparison
from keycheck.verdict.comparison import Previous, compare, objection, previous_from
from keycheck.verdict.findings import Check, Finding, Outcome, Severity
from keycheck.verdict.weighing import Verdict

KEY = KeyFacts(type="HMAC", last_four="Eh8A")
STARTED = "2026-11-20T08:13:00Z"


def finding(name: str, outcome: Outcome) -> Finding:
    """A finding of one check."""
    return Finding(Check(name, 4, Severity.CRITICAL, "Claim."), outcome, "seen")


def earlier(**outcomes: Outcome) -> Previous:
    """An earlier run of the same key."""
    return Previous(Verdict.NOT_OK, STARTED, "production", "BTCUSDT", "Eh8A", outcomes)


def written(**outcomes: Outcome) -> dict[str, Any]:
    """The verdict.json of an earlier run."""
    findings = [finding(name, outcome) for name, outcome in outcomes.items()]
    report = RunReport(
        Verdict.NOT_OK, "0.1.0", STARTED, environment="production", symbol="X", key=KEY, findings=findings
    )
    return verdict_json.as_dict(report)


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        (Outcome.FAIL, Outcome.PASS, "fixed"),
        (Outcome.WARN, Outcome.PASS, "fixed"),
        (Outcome.FAIL, Outcome.NOT_APPLICABLE, "unseen"),
        (Outcome.PASS, Outcome.FAIL, "broke"),
        (Outcome.UNPROVEN, Outcome.FAIL, "first_failing"),
        (Outcome.BLOCKED, Outcome.FAIL, "first_failing"),
        (Outcome.NOT_APPLICABLE, Outcome.FAIL, "first_failing"),
        (None, Outcome.FAIL, "first_failing"),
        (Outcome.PASS, Outcome.WARN, "now_warns"),
        (Outcome.BLOCKED, Outcome.WARN, "now_warns"),
        (Outcome.FAIL, Outcome.FAIL, "still"),
        (Outcome.WARN, Outcome.WARN, "still_warns"),
        (Outcome.FAIL, Outcome.BLOCKED, "unseen"),
        (Outcome.PASS, Outcome.UNPROVEN, "unseen"),
        (Outcome.PASS, Outcome.PASS, ""),
        (Outcome.UNPROVEN, Outcome.PASS, ""),
        (Outcome.BLOCKED, Outcome.UNPROVEN, ""),
        (None, Outcome.PASS, ""),
    ],
)
def test_a_check_is_in_the_list_for_its_change(was: Outcome | None, now: Outcome, kind: str) -> None:
    """A check is in one list at most; an unproven or blocked outcome neither fixes nor breaks anything."""
    found = compare(earlier(**({"a": was} if was else {})), [finding("a", now)])
    lists = [name for name, value in vars(found).items() if name != "previous" and value]
    assert lists == ([kind] if kind else [])


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(Outcome)),
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(Outcome)),
)
def test_no_check_is_listed_twice(was: dict[str, Outcome], now: dict[str, Outcome]) -> None:
    """A check is listed once at most. A check that the earlier run did not have is listed only if it fails or warns."""
    found = compare(earlier(**was), [finding(name, outcome) for name, outcome in now.items()])
    told = [name for _, ids in found.lists for name in ids]
    assert len(told) == len(set(told))
    assert {now[name] for name in set(told) - set(was)} <= {Outcome.FAIL, Outcome.WARN}


def test_lists_come_worst_first() -> None:
    """Lists come worst first, under headings that name the change; empty lists are left out."""
    was = earlier(a=Outcome.FAIL, b=Outcome.PASS, c=Outcome.FAIL, d=Outcome.PASS, e=Outcome.FAIL)
    now = {"a": Outcome.PASS, "b": Outcome.FAIL, "c": Outcome.FAIL, "d": Outcome.BLOCKED, "e": Outcome.FAIL}
    found = compare(was, [finding(name, outcome) for name, outcome in now.items()])
    told = (("broke", ("b",)), ("still fails", ("c", "e")), ("fixed", ("a",)), ("not seen now", ("d",)))
    assert found.lists == told
    assert found.since == f"NOT_OK of {STARTED}"
    assert compare(was, [finding("a", Outcome.PASS)]).lists == (told[2], ("not seen now", ("b", "c", "d", "e")))


def test_a_verdict_that_was_written_is_read_back() -> None:
    """All compared fields of a written verdict are read back, and no others."""
    told = previous_from(json.dumps(written(a=Outcome.FAIL, b=Outcome.PASS)))
    expected = {"a": Outcome.FAIL, "b": Outcome.PASS}
    assert told == Previous(Verdict.NOT_OK, STARTED, "production", "X", "Eh8A", expected)


HOSTILE = "\x1b[2J"
BROKEN: dict[str, Any] = {
    "nothing": "",
    "no JSON": "{",
    "a list": "[]",
    "a number": "1",
    "an empty object": "{}",
    "another schema": json.dumps(written() | {"schemaVersion": 2}),
    "an unknown verdict": json.dumps(written() | {"verdict": "FINE"}),
    "an unknown outcome": json.dumps(written() | {"checks": [{"id": "a", "outcome": "good"}]}),
    "checks that are not objects": json.dumps(written() | {"checks": [1]}),
    "a stamp that moves the cursor": json.dumps(written() | {"startedAt": HOSTILE}),
    "an id that moves the cursor": json.dumps(written() | {"checks": [{"id": HOSTILE, "outcome": "pass"}]}),
    "a start that is not a time": json.dumps(written() | {"startedAt": "203.0.113.7"}),
    "an id that is an address": json.dumps(written() | {"checks": [{"id": "203.0.113.7", "outcome": "pass"}]}),
    "more checks than any suite has": json.dumps(written(**{f"a{n}": Outcome.PASS for n in range(1001)})),
    "a long name": json.dumps(written() | {"environment": "x" * 61}),
    "last characters that are a number": json.dumps(written() | {"key": {"lastFour": 1234}}),
    "a repeated name": '{"schemaVersion": 1, "schemaVersion": 1}',
    "depth": "[" * 100_000,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_not_a_verdict_is_a_value_error(name: str) -> None:
    """The file may come from anybody, so a broken one is a ValueError."""
    with pytest.raises(ValueError, match=r"."):
        previous_from(BROKEN[name])


@given(st.text())
def test_any_text_is_a_verdict_or_a_value_error(text: str) -> None:
    """Random text is never read as a verdict: it raises ValueError, and no other exception."""
    with pytest.raises(ValueError, match=r"."):
        previous_from(text)


def test_runs_of_different_keys_environments_or_contracts_are_not_compared() -> None:
    """Runs of two keys, environments or contracts are not compared; a run without a key is compared with any."""
    assert objection(earlier(), KEY, "production", "BTCUSDT") is None
    another = str(objection(earlier(), KeyFacts(last_four="zzzz"), "production", "BTCUSDT"))
    assert "Eh8A" in another
    assert "zzzz" not in another  # no answer shows yet that it is a key, and not the secret
    assert "this run is of ETHUSDT" in str(objection(earlier(), KEY, "production", "ETHUSDT"))
    assert "demo" in str(objection(earlier(), KEY, "demo", "BTCUSDT"))
    assert objection(earlier(), KeyFacts(missing=("BINANCE_API_KEY",)), "production", "BTCUSDT") is None
    assert objection(Previous(Verdict.UNPROVEN, STARTED, None, None, None, {}), KEY, "production", "X") is None


def test_a_verdict_is_far_smaller_than_the_limit() -> None:
    """A verdict is at most a tenth of the limit, so the limit refuses no real one."""
    assert comparison.MAX_FILE == 1024 * 1024
    many = {f"check_{number}": Outcome.FAIL for number in range(60)}
    assert len(json.dumps(written(**many), indent=2)) * 10 < comparison.MAX_FILE


def test_a_check_that_was_not_run_this_time_is_listed() -> None:
    """A check that was not run this time is listed as such; its earlier failure is not fixed."""
    found = compare(earlier(a=Outcome.FAIL, b=Outcome.PASS), [])
    assert found.unseen == ("a", "b")


def test_nothing_changed_is_said_only_of_a_run_with_checks() -> None:
    """ "Nothing changed" is said only if the earlier run had checks; a crashed one has none."""
    assert compare(earlier(a=Outcome.PASS), [finding("a", Outcome.PASS)]).nothing == "nothing changed"
    assert "nothing" in compare(earlier(), []).nothing
    assert "looked at nothing" in compare(earlier(), []).nothing
