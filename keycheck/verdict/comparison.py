"""Compares this run with an earlier verdict.json: what was fixed, what broke, what still fails. Pure.

The earlier file is untrusted: only known words, short texts and texts in the form of a check id are read from it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keycheck.credentials.pasted_text import KeyFacts
from keycheck.exchange.answers import strict
from keycheck.redaction.redactor import printable
from keycheck.verdict.findings import Finding, Outcome
from keycheck.verdict.weighing import Verdict

MAX_FILE = 2**20  # bytes; a verdict is some ten thousand
_MAX_CHECKS = 1000  # the reports list their names
_MAX_WORD = 60  # characters
_ID = re.compile(r"[a-z][a-z0-9_]{0,60}")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_HELD = (Outcome.PASS, Outcome.NOT_APPLICABLE)
_MISSED = (Outcome.FAIL, Outcome.WARN)


@dataclass(frozen=True)
class Previous:
    """An earlier run, from its verdict.json. `outcomes` by check id; `last_four`: None if that run had no key."""

    verdict: Verdict
    started_at: str
    environment: str | None
    symbol: str | None
    last_four: str | None
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True)
class Comparison:
    """The check ids whose outcome changed, or is a failure or a warning again; a check is in one list at most.

    `broke`: fails now, and passed in the earlier run. `first_failing`: fails now, and the earlier run could not look at
    it: it was blocked, unproven, not run, not applicable or not there yet. `still`: fails now, and was seen not to hold
    before. `still_warns`: warns now, and was seen not to hold before. `now_warns`: any other that warns now. `fixed`:
    passes now, and was seen not to hold. `unseen`: had a result in the earlier run, and has none or an unproven one in
    this run.

    Each list is in run order. verdict.json has them as `comparison`.
    """

    previous: Previous
    fixed: tuple[str, ...] = ()
    broke: tuple[str, ...] = ()
    still: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    first_failing: tuple[str, ...] = ()
    now_warns: tuple[str, ...] = ()
    still_warns: tuple[str, ...] = ()

    @property
    def lists(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The lists that are not empty, worst first: a heading and its check ids."""
        named = (
            ("broke", self.broke),
            ("first seen failing", self.first_failing),
            ("still fails", self.still),
            ("now warns", self.now_warns),
            ("still warns", self.still_warns),
            ("fixed", self.fixed),
            ("not seen now", self.unseen),
        )
        return tuple((heading, ids) for heading, ids in named if ids)

    @property
    def nothing(self) -> str:
        """The sentence for a comparison without changes."""
        return "nothing changed" if self.previous.outcomes else "the earlier run had looked at nothing"

    @property
    def since(self) -> str:
        """The earlier run, in words: `NOT_OK of 2026-11-20T08:13:00Z`."""
        return f"{self.previous.verdict.value} of {self.previous.started_at}"


def previous_from(text: str) -> Previous:
    """Reads an earlier run from `text`, a verdict.json. Raises ValueError if it is not one."""
    document = strict(text.encode("utf-8", "replace"))
    try:
        if document["schemaVersion"] != 1 or len(document["checks"]) > _MAX_CHECKS:
            raise ValueError("another schema")
        return Previous(
            verdict=Verdict(document["verdict"]),
            started_at=_timestamp(document["startedAt"]),
            environment=_word_or_none(document["environment"]),
            symbol=_word_or_none(document["symbol"]),
            last_four=_word_or_none(document["key"]["lastFour"]),
            outcomes={_id(check["id"]): Outcome(check["outcome"]) for check in document["checks"]},
        )
    except (KeyError, TypeError, AttributeError):
        pass
    raise ValueError("not a verdict")


def objection(previous: Previous, key: KeyFacts, environment: str | None, symbol: str | None) -> str | None:
    """One sentence on why the runs cannot be compared; None if they can. A run without a key fits any other."""
    for name, was, now in (
        ("environment", previous.environment, environment),
        ("contract", previous.symbol, symbol),
    ):
        if was not in (None, now):
            return (
                f"--compare names a verdict of {was}, and this run is of {now}: the difference would be the {name}'s. "
                f"Compare with a run of the same {name}"
            )
    if previous.last_four and key.last_four and previous.last_four != key.last_four:
        return (
            f"--compare names a verdict of a key ending in {previous.last_four}, and this run is of another: "
            "the difference would be the key's. Compare with a run of the same key"
        )
    return None


def compare(previous: Previous, findings: Sequence[Finding]) -> Comparison:
    """The change of each check since the earlier run."""
    now = {finding.check.id: finding.outcome for finding in findings}
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys((*now, *previous.outcomes)):
        if change := _change(previous.outcomes.get(name), now.get(name)):
            found.setdefault(change, []).append(name)
    return Comparison(previous, **{change: tuple(names) for change, names in found.items()})


def _change(was: Outcome | None, now: Outcome | None) -> str:
    """The name of the list in Comparison for one check; "" for none. `was` and `now` are None if it has no finding."""
    if now is Outcome.FAIL:
        return "still" if was in _MISSED else "broke" if was is Outcome.PASS else "first_failing"
    if now is Outcome.WARN:
        return "still_warns" if was in _MISSED else "now_warns"
    if was in _MISSED:
        return "fixed" if now is Outcome.PASS else "unseen"
    return "unseen" if was in _HELD and now not in _HELD else ""


def _word(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_WORD or printable(value) != value:
        raise ValueError("not a short word")
    return value


def _id(value: Any) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ValueError("not an id")
    return value


def _timestamp(value: Any) -> str:
    if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
        raise ValueError("not a moment")
    return value


def _word_or_none(value: Any) -> str | None:
    return None if value is None else _word(value)
