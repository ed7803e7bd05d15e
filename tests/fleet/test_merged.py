"""The files that are made from verdicts.jsonl: fleet.json, keycheck.prom, the JUnit file and the merged page."""

import json
import re
import tracemalloc
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from keycheck.fleet.changes import Earlier, compare
from keycheck.fleet.merged import write
from keycheck.fleet.page import render
from keycheck.fleet.totals import Totals
from tests.fleet.fleets import MIXED, ended, entry, made
from tests.report.test_prometheus import samples
from tests.running import ROOT
from tests.sample_reports import HOSTILE, REVERSED, STARTED

SCHEMA = Draft202012Validator(json.loads((ROOT / "keycheck/report/fleet.schema.json").read_text("utf-8")))


def figures(out: Path) -> dict[str, Any]:
    """fleet.json, which fits its schema."""
    found: dict[str, Any] = json.loads((out / "fleet.json").read_text("utf-8"))
    SCHEMA.validate(found)
    return found


def page(out: Path) -> str:
    """index.html."""
    return (out / "index.html").read_text("utf-8")


def test_fleet_json_counts_verdicts_causes_and_weight(tmp_path: Path) -> None:
    """fleet.json counts accounts by verdict, by cause with the commonest first, and by lane with its weight."""
    made(tmp_path, MIXED)
    found = figures(tmp_path)
    assert found["verdicts"] == {"OK": 1, "NOT_OK": 3, "UNPROVEN": 1}
    assert next(iter(found["causes"].items())) == ("ip_not_allowed", 2)
    assert found["causes"]["unknown_key"] == 1
    assert found["lanes"]["local"] == {"weight": 30, "verdicts": {"OK": 0, "NOT_OK": 1, "UNPROVEN": 1}}
    assert (found["accounts"], found["durationMs"]) == (5, 61_000)


@pytest.mark.parametrize(
    ("entries", "not_asked", "verdict"),
    [
        (MIXED[:1], [], "OK"),
        (MIXED[:1], ["frank"], "UNPROVEN"),
        (MIXED[::4], [], "UNPROVEN"),
        (MIXED, ["frank"], "NOT_OK"),
        ([], [], "UNPROVEN"),
    ],
)
def test_a_fleet_is_ok_only_if_every_account_is(
    tmp_path: Path, entries: list[dict[str, Any]], not_asked: list[str], verdict: str
) -> None:
    """A fleet is not OK if one account is UNPROVEN or was not asked, or if it has no accounts."""
    made(tmp_path, entries, ended(entries, not_asked))
    assert (figures(tmp_path)["verdict"], figures(tmp_path)["ok"]) == (verdict, verdict == "OK")
    assert f'id="kc-verdict">{verdict.replace("_", " ")}<' in page(tmp_path)


def test_prometheus_gets_each_account_with_its_lane(tmp_path: Path) -> None:
    """keycheck.prom has the verdict and the causes of each account, and not its checks."""
    made(tmp_path, MIXED)
    found = list(samples((tmp_path / "keycheck.prom").read_text("utf-8")))
    ok = {(labels["account"], labels["lane"]): value for name, labels, value in found if name == "keycheck_ok"}
    assert ok == {(one["account"], one["lane"]): float(one["ok"]) for one in MIXED}
    causes = [(labels["account"], labels["cause"]) for name, labels, _ in found if name == "keycheck_cause"]
    assert ("carol", "unknown_key") in causes
    assert "keycheck_check" not in {name for name, _, _ in found}


def test_an_account_is_a_test_case(tmp_path: Path) -> None:
    """In the JUnit file NOT_OK is a failure, UNPROVEN and not asked are errors, and texts are whole and cleaned."""
    odd = entry("zoe", "NOT_OK", "blocked_by_firewall", lane='a"b')
    odd["diagnosis"][0]["explanation"] = f"\0 {HOSTILE} 203.0.113.7 signature=abcdefghij"
    file = tmp_path / "more" / "junit.xml"
    made(tmp_path, [*MIXED, odd], ended([*MIXED, odd], ["frank"]), junit_file=file)
    suite = ET.parse(file).getroot()[0]  # noqa: S314  our own file
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "7",
        "failures": "4",
        "errors": "2",
    }
    cases = {case.get("name"): case for case in suite}
    assert [[problem.tag for problem in cases[name]] for name in ("alice", "bob", "erin", "frank", "zoe")] == [
        [],
        ["failure"],
        ["error"],
        ["error"],
        ["failure"],
    ]
    assert (cases["carol"].get("classname"), cases["carol"][0].get("message")) == (
        "tokyo",
        "NOT_OK ip_not_allowed unknown_key",
    )
    text = cases["zoe"][0].text or ""
    assert "<script>" in text
    assert "What to do: mend blocked_by_firewall & all." in text
    assert not re.search(r"203\.0\.113\.7|abcdefghij", text)


def test_the_page_names_each_fix_once_and_links_each_account(tmp_path: Path) -> None:
    """The commonest cause comes first, each fix appears once, and each account with a report is a link to it."""
    entries = [*MIXED, entry("fred", "UNPROVEN", "ip_not_allowed"), entry("gone")]
    made(tmp_path, entries)
    (tmp_path / "accounts/gone/report.html").unlink()
    write(tmp_path, ended(entries))
    text = page(tmp_path)
    assert text.count("mend ip_not_allowed &amp; all.") == 1
    assert (
        text.index("mend ip_not_allowed") < text.index("mend withdrawals_enabled") < text.index("network_unreachable")
    )
    links = set(re.findall(r'<a href="(.*?)">', text))
    assert links == {f"accounts/{one['account']}/report.html" for one in entries[:-1]}
    assert "<li>gone</li>" in text


def test_a_cause_shows_its_three_commonest_fixes(tmp_path: Path) -> None:
    """A cause shows its three commonest fixes, such as those of three lanes."""
    entries = [entry(f"a{number}", "UNPROVEN", "run_not_finished") for number in range(10)]
    for number, one in enumerate(entries):
        one["diagnosis"][0]["fix"] = f"see to lane {'ABBCCCDDDD'[number]}."
    made(tmp_path, entries)
    assert re.findall(r"see to lane (.)", page(tmp_path)) == ["D", "C", "B"]


def test_a_run_that_was_cut_short_says_why(tmp_path: Path) -> None:
    """The reason why a run was cut short appears once on the page, beside its account, which has no report."""
    cut = [entry(name, "UNPROVEN", "run_not_finished") for name in ("alice", "bob")]
    cut[0]["diagnosis"][0]["explanation"] = "Lane tokyo is gone."
    made(tmp_path, [*cut, entry("carol", "UNPROVEN", "network_unreachable")])
    found = re.sub(r"<[^>]+>", "", page(tmp_path))
    assert (found.count("alice · Lane tokyo is gone."), found.count("Lane tokyo is gone.")) == (1, 1)
    assert "bob · It is run_not_finished." in found
    assert "It is network_unreachable." not in found


def test_a_hostile_text_stays_text(tmp_path: Path) -> None:
    """No text of a verdict becomes markup, shows an address, or changes the direction of text."""
    hostile = entry("alice", "NOT_OK", HOSTILE, lane=HOSTILE)
    hostile["diagnosis"][0]["fix"] = f"{HOSTILE} {REVERSED} 203.0.113.7"
    cut = entry("bob", "UNPROVEN", "run_not_finished")
    cut["diagnosis"][0]["explanation"] = hostile["diagnosis"][0]["fix"]
    made(tmp_path, [hostile, cut])
    assert not re.search(r"<script|<img|203\.0\.113\.7|\u202e", page(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize(("letters", "are_all_there"), [(13, True), (64, False)])
def test_ten_thousand_accounts_are_two_megabytes(
    monkeypatch: pytest.MonkeyPatch, letters: int, are_all_there: bool
) -> None:
    """The page stays under 2 MB. All accounts with usual names are linked; of those with the longest, as many as fit.

    The page stays as small if a lane's machine invents a cause for each account.
    """
    monkeypatch.setattr(Path, "is_file", lambda _: True)  # each has a report
    kinds = [("OK",), ("NOT_OK", "ip_not_allowed", "unknown_key"), ("UNPROVEN", "network_unreachable")]
    entries = [entry(f"{number:0{letters}}", *kinds[number % 3]) for number in range(10_000)]
    if not are_all_there:
        for number, one in enumerate(entries):
            one["diagnosis"] = [cause | {"cause": f"{cause['cause']}_{number}"} for cause in one["diagnosis"]]
    totals = Totals()
    ending = ended(totals.passing(entries))
    text = render(totals, ending, compare(Earlier({}, STARTED), totals.states, ending.accounts), Path())
    assert len(text.encode()) < 2_000_000
    assert (len(set(re.findall(r'<a href="(.*?)">', text))) == 10_000) is are_all_there
    assert "more: the whole list is in verdicts.jsonl." in text
    assert text.count("<article") <= 100


def test_memory_does_not_grow_with_the_verdicts(tmp_path: Path) -> None:
    """Merging 20 MB of verdicts takes less than 3 MB of memory."""
    entries = [entry(f"account-{number}", checks=[], comparison="x" * 100_000) for number in range(200)]
    made(tmp_path, entries)
    assert (tmp_path / "verdicts.jsonl").stat().st_size > 20_000_000
    ending = ended(entries)
    entries.clear()
    tracemalloc.start()
    try:
        write(tmp_path, ending, junit_file=tmp_path / "junit.xml")
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
