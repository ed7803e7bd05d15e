"""An answer of a lane's machine is not trusted: its size, its account, its verdict and its page are checked."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from keycheck.fleet import answer
from keycheck.fleet.answer import Result, Wait, read
from keycheck.report import page, verdict_schema
from tests.examples import examples
from tests.fleet.stubs import NOT_OK, OK, UNPROVEN
from tests.sample_reports import REPORTS

GOOD: dict[str, Any] = {"account": "alice", "verdict": OK, "page": page.render(REPORTS["healthy"]), "weight": 15}
CHECK = OK["checks"][0]


def failed(**changes: Any) -> dict[str, Any]:
    """A verdict OK in which one critical check was changed."""
    return OK | {"checks": [*OK["checks"][1:], CHECK | changes]}


def test_a_verdict_is_read_with_its_page() -> None:
    """A good answer is read with verdict, page and weight; a run that was cut short has no page."""
    assert read(json.dumps(GOOD), "alice") == Result(OK, GOOD["page"], 15)
    assert read(json.dumps(GOOD | {"verdict": UNPROVEN, "page": ""}), "alice") == Result(UNPROVEN, "", 15)
    assert read(json.dumps(GOOD | {"verdict": NOT_OK}), "alice") == Result(NOT_OK, GOOD["page"], 15)


@pytest.mark.parametrize(("seconds", "waits"), [(5, 5), (0.5, 0.5), (10**9, answer.LONGEST_WAIT)])
def test_a_wait_ends(seconds: float, waits: float) -> None:
    """A wait lasts at most as long as Binance's longest ban, and its reason is one line."""
    text = json.dumps({"account": "alice", "wait": seconds, "why": "a\n\x1b[2Jb"})
    assert read(text, "alice") == Wait(waits, "a [2Jb")


@pytest.mark.parametrize(
    "changes",
    [
        {"account": "bob"},
        {"weight": -1},
        {"weight": 10**6},
        {"weight": "15"},
        {"more": 1},
        {"page": "<script>alert(1)</script>"},
        {"page": " " + GOOD["page"]},
        {"page": "\ud800"},
        {"page": f'{GOOD["page"]}<Meta http-equiv=refresh content="0;url=https://elsewhere.invalid">'},
        {"page": " " * answer.LONGEST},
        {"verdict": []},
        {"verdict": OK | {"ok": False}},
        {"verdict": OK | {"ok": 1}},
        {"verdict": OK | {"mode": "replay"}},
        {"verdict": OK | {"more": 1}},
        {"verdict": OK | {"checks": []}},
        {"verdict": failed(outcome="fail")},
        {"verdict": failed(outcome="unproven")},
        {"verdict": failed(id="<b>")},
        {"verdict": failed(detail="\ud800")},
        {"verdict": failed(detail="\u20ac" * 500_000)},
        {"verdict": OK | {"durationMs": 10**400}},
        {"verdict": OK | {"driftMs": -(10**400)}},
        {"verdict": OK | {"requests": OK["requests"] | {"walletWeight": 2**53}}},
        {"verdict": OK | {"symbol": "\x1b[2J"}},
        {"verdict": OK | {"key": OK["key"] | {"lastFour": "a\n\u202e"}}},
        {"verdict": OK | {"startedAt": "2026-02-30T00:00:00Z"}},
        {"verdict": NOT_OK | {"diagnosis": NOT_OK["diagnosis"] * 2}},
        {"verdict": NOT_OK | {"diagnosis": [NOT_OK["diagnosis"][0] | {"cause": "\x1b[2J"}]}},
        {"verdict": NOT_OK | {"diagnosis": []}},
        {"verdict": {name: value for name, value in OK.items() if name != "checks"}},
    ],
)
def test_an_answer_that_no_run_gives_is_refused(changes: dict[str, Any]) -> None:
    """An OK is refused if the account, the form or a check contradicts it, and so is any verdict that would break the
    fleet's files, such as one with a bad number or date, or with a cause twice. The error repeats nothing of it.
    """
    text = json.dumps(GOOD | changes)
    with pytest.raises(ValueError, match=r"^its answer is not an answer of keycheck to this account's job$"):
        read(text, "alice")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"account": NaN}', "[" * 10**6, None, 5])
def test_a_text_that_is_not_an_answer_is_refused(text: Any) -> None:
    """A text that is not an answer raises ValueError, even JSON that is nested too deeply for Python."""
    with pytest.raises(ValueError, match="not an answer of keycheck"):
        read(text, "alice")


@pytest.mark.parametrize("wait", [{"wait": 0}, {"wait": -5}, {"wait": "5"}, {"wait": 5, "more": 1}])
def test_a_wait_is_a_number_of_seconds_above_0(wait: dict[str, Any]) -> None:
    """Any other wait is refused, because the driver would send jobs to the lane again and again."""
    with pytest.raises(ValueError, match="not an answer of keycheck"):
        read(json.dumps({"account": "alice", "why": "Why."} | wait), "alice")


def test_every_page_begins_with_its_policy() -> None:
    """Every page of ours begins with its policy, and has no other <meta>, which could redirect the reader."""
    assert "default-src 'none'; style-src 'unsafe-inline'" in page.beginning()
    for report in REPORTS.values():
        assert page.render(report).startswith(page.beginning())
        assert "<meta" not in page.render(report).removeprefix(page.beginning())


VALIDATOR = Draft202012Validator(verdict_schema._schema())
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 2**53, 1.5, "", "OK", "blocked", "abcde", "2026-11-20T08:13:00Z", [], ["a"], {}]
)


def paths(value: Any, *above: Any) -> list[tuple[Any, ...]]:
    """The paths to all members of a document."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above, *(path for name, one in members for path in paths(one, *above, name))]


@settings(max_examples=examples(150))
@given(st.data())
def test_verdict_schema_agrees_with_a_validator(data: st.DataObject) -> None:
    """verdict_schema.fits accepts the same documents as a JSON Schema validator, whatever is changed in them."""
    document = json.loads(json.dumps(data.draw(st.sampled_from([OK, NOT_OK, UNPROVEN]))))
    path = data.draw(st.sampled_from(paths(document)[1:]))
    inner = document
    for name in path[:-1]:
        inner = inner[name]
    if data.draw(st.booleans()):
        inner[path[-1]] = data.draw(ODD)
    else:
        del inner[path[-1]]
    assert verdict_schema.fits(document) == VALIDATOR.is_valid(document), path
