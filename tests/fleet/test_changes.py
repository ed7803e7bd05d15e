"""A fleet finds the changes since an earlier run, and remembers its verdicts for the next one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from keycheck.errors import UsageProblem
from keycheck.fleet import changes
from keycheck.fleet.changes import Change, Changes, State
from keycheck.fleet.merged import write
from tests.fleet.fleets import MIXED, ended, entry, made
from tests.sample_reports import STARTED

OK = State("OK", ())


def by_name(found: Changes) -> Mapping[str, Change]:
    """The changes by account."""
    return {one.account: one for one in found.changed}


def run(out: Path, entries: list[dict[str, Any]], **names: Any) -> Changes:
    """Writes the files of one run, and remembers its verdicts; returns the changes."""
    ending = ended(entries, **names)
    found = made(out, entries, ending)
    changes.remember(out, found, ending.accounts, ending.started_at)
    return found


def test_verdicts_causes_and_accounts_are_compared(tmp_path: Path) -> None:
    """Another verdict or cause, a new account and one that is gone are changes; another order of causes is not one."""
    assert run(tmp_path, MIXED).changed == ()  # the first run has nothing to be compared with
    later = [
        entry("alice", "UNPROVEN", "rate_limited"),
        entry("bob", "NOT_OK", "withdrawals_enabled"),
        entry("carol", "NOT_OK", "unknown_key", "ip_not_allowed"),
        entry("dave", "NOT_OK", "ip_not_allowed", "unknown_key"),
        entry("frank"),
    ]
    found = run(tmp_path, later)
    assert by_name(found) == {
        "alice": Change("alice", OK, State("UNPROVEN", ("rate_limited",))),
        "dave": Change(
            "dave", State("NOT_OK", ("ip_not_allowed",)), State("NOT_OK", ("ip_not_allowed", "unknown_key"))
        ),
        "erin": Change("erin", State("UNPROVEN", ("network_unreachable",)), None),
        "frank": Change("frank", None, OK),
    }
    assert found.counts == {"OK": 1, "NOT_OK": 3, "UNPROVEN": 1}
    page = (tmp_path / "index.html").read_text("utf-8")
    assert "Since 2026-11-20 08:13:00 UTC" in page
    for words in ("No longer OK", "OK → UNPROVEN", "still NOT OK", "No longer among the accounts"):
        assert words in page


def test_a_run_of_some_accounts_forgets_no_other(tmp_path: Path) -> None:
    """An account that this run did not test, as with --only or after Ctrl-C, is neither gone nor forgotten."""
    run(tmp_path, MIXED)
    assert run(tmp_path, MIXED[:1], not_asked=[one["account"] for one in MIXED[1:]]).changed == ()
    assert by_name(run(tmp_path, [entry("bob"), *MIXED[2:]], not_asked=["alice"])).keys() == {"bob"}


def test_a_change_that_was_not_remembered_is_found_again(tmp_path: Path) -> None:
    """Each run finds a change until one of them remembers the new verdicts."""
    run(tmp_path, MIXED)
    for _ in range(2):
        assert by_name(made(tmp_path, [entry("bob"), *MIXED[2:]], ended(MIXED))).keys() == {"bob"}


def test_since_names_another_run_or_the_last_one(tmp_path: Path) -> None:
    """--since compares with the file that it names; if this run replaces that file, with the last run."""
    other = tmp_path / "other"
    made(other, [entry("alice", "NOT_OK", "read_only_key"), *MIXED[1:]])
    run(tmp_path, MIXED)
    assert by_name(made(tmp_path, MIXED, since=other / "verdicts.jsonl")).keys() == {"alice"}
    own = tmp_path / "other" / ".." / "verdicts.jsonl"
    assert by_name(made(tmp_path, [entry("bob"), *MIXED[2:]], ended(MIXED), since=own)).keys() == {"bob"}


def test_no_link_is_read_as_the_folders_own_file(tmp_path: Path) -> None:
    """In a folder of another user, known.jsonl and verdicts.jsonl may become links to files of another fleet."""
    other, out = tmp_path / "other", tmp_path / "out"
    run(other, MIXED)
    out.mkdir()
    (out / "known.jsonl").symlink_to(other / "known.jsonl")
    assert made(out, MIXED[:1]).changed == ()  # as the first run
    assert by_name(made(out, MIXED[:1], since=out / "known.jsonl"))  # the user has named this one
    (out / "verdicts.jsonl").unlink()
    (out / "verdicts.jsonl").symlink_to(other / "verdicts.jsonl")
    with pytest.raises(UsageProblem, match=r"verdicts\.jsonl cannot be read"):
        write(out, ended(MIXED))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "is not there"),
        ("{}\n", "line 1 of earlier.jsonl is not a verdict of an account"),
        ('{"account": "../alice"}\n', "line 1 of"),
        ("[" * 100_000 + "\n", "line 1 of"),
        ('{"account": "alice", "verdict": "FINE", "diagnosis": []}\n', "the line of alice holds no verdict"),
        ('{"account": "alice", "verdict": "OK", "diagnosis": [1]}\n', "the line of alice holds no verdict"),
        (
            '{"account": "alice", "verdict": "OK", "diagnosis": [{"cause": [[]]}]}\n',
            "the line of alice holds no verdict",
        ),
        ("x" * (2**22 + 1), "has a line longer than 4 MiB"),
    ],
)
def test_a_file_that_is_not_a_verdicts_jsonl_is_refused(tmp_path: Path, text: str | None, problem: str) -> None:
    """A file that is not a verdicts.jsonl is a usage error in one sentence."""
    file = tmp_path / "earlier.jsonl"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageProblem, match=problem):
        changes.earlier(file)


def test_a_last_line_that_is_cut_off_is_ignored(tmp_path: Path) -> None:
    """If a run was killed while it wrote a line, the lines before it are read."""
    made(tmp_path, MIXED[:2])
    file = tmp_path / "verdicts.jsonl"
    file.write_bytes(file.read_bytes()[:-2])
    found = changes.earlier(file)
    assert (found.states, found.at) == ({"alice": OK}, STARTED)
