"""Compares a fleet's run with an earlier one: which accounts have another verdict, or other causes.

`known.jsonl` in the report folder keeps the last known verdict of each account, whichever run found it. A run of a few
accounts (`--only`), or a run that was cut off, leaves the verdicts of the other accounts there.
"""

import contextlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from keycheck.errors import UsageProblem
from keycheck.fleet import results
from keycheck.foreign_links import NO_LINK
from keycheck.redaction.redactor import printable
from keycheck.report import artefacts
from keycheck.verdict.weighing import Verdict

KNOWN_FILE = "known.jsonl"


class State(NamedTuple):
    """The verdict of an account, and the names of its causes, the likeliest first."""

    verdict: str
    causes: tuple[str, ...]


class Change(NamedTuple):
    """An account whose verdict or causes changed. `was`: None if it is new; `now`: None if it is no longer there."""

    account: str
    was: State | None
    now: State | None


@dataclass(frozen=True)
class Earlier:
    """The states of an earlier run's accounts. `at`: when its last account was tested, ISO 8601 (UTC); "" if there was
    no earlier run.
    """

    states: Mapping[str, State] = field(default_factory=dict)
    at: str = ""


@dataclass(frozen=True)
class Changes:
    """The changes since an earlier run, sorted by account name. `now`: the states of all accounts of this run."""

    since: str
    changed: tuple[Change, ...]
    now: Mapping[str, State] = field(repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """How many accounts of this run have each verdict."""
        verdicts = [state.verdict for state in self.now.values()]
        return {one.value: verdicts.count(one.value) for one in Verdict}


def state_of(entry: Mapping[str, Any]) -> State:
    """The state in one line of verdicts.jsonl. Raises UsageProblem if the line holds no verdict."""
    try:
        causes = tuple(printable(one["cause"], 60) for one in entry["diagnosis"])
        return State(Verdict(entry["verdict"]).value, causes)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UsageProblem(f"the line of {entry['account']} holds no verdict: name a verdicts.jsonl") from None


def earlier(path: Path, flags: int = 0) -> Earlier:
    """Reads an earlier run from its verdicts.jsonl. `flags`: as in `results.read`.

    Raises UsageProblem if the file cannot be used.
    """
    states: dict[str, State] = {}
    same: dict[State, State] = {}  # most accounts share a few states
    at = ""
    for entry in results.read(path, flags):
        state = state_of(entry)
        states[entry["account"]] = same.setdefault(state, state)
        at = max(at, printable(str(entry.get("startedAt", "")), 30))
    return Earlier(states, at)


def last_run(out: Path) -> Earlier:
    """The last known verdicts of the accounts whose reports are in `out`; empty for the first run."""
    with contextlib.suppress(UsageProblem):  # a broken file is replaced at the end of this run
        return earlier(out / KNOWN_FILE, NO_LINK)
    return Earlier()


def compare(before: Earlier, now: Mapping[str, State], accounts: Iterable[str]) -> Changes:
    """The changes since `before`.

    `accounts`: the names of the whole fleet, tested or not. An account of `before` that is not among them is gone.
    """
    if not before.at:
        return Changes("", (), now)
    still_there = {*accounts, *now}
    changed = [
        Change(name, was, state)
        for name, state in now.items()
        if (was := before.states.get(name)) is None or _differ(was, state)
    ]
    changed += [Change(name, was, None) for name, was in before.states.items() if name not in still_there]
    return Changes(before.at, tuple(sorted(changed)), now)


def _differ(was: State, now: State) -> bool:
    return was.verdict != now.verdict or set(was.causes) != set(now.causes)


def remember(out: Path, changes: Changes, accounts: Collection[str], started_at: str) -> None:
    """Keeps the verdicts of this run as the last known ones. Raises OSError.

    Call it only when the changes have been posted, or need not be: until then, each run reports them again.
    """
    still_there = frozenset(accounts)
    known = {name: state for name, state in last_run(out).states.items() if name in still_there} | dict(changes.now)
    with artefacts.replacing(out / KNOWN_FILE) as file:
        for name, state in known.items():
            causes = [{"cause": cause} for cause in state.causes]
            line = {"account": name, "startedAt": started_at, "verdict": state.verdict, "diagnosis": causes}
            file.write(json.dumps(line) + "\n")
