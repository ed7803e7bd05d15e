"""An earlier verdict.json beside this run: fixed, broken and still failing checks. Pure.

The earlier file may come from anybody: of it only known words, short texts and ids of our own checks are taken.
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
_SHORT = 60
_ID = re.compile(r"[a-z][a-z0-9_]{0,60}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_HELD = (Outcome.PASS, Outcome.NOT_APPLICABLE)
_MISSED = (Outcome.FAIL, Outcome.WARN)


@dataclass(frozen=True)
class Previous:
    """An earlier run, from its verdict.json. `outcomes` by check id; `last_four`: None where it had no key."""

    verdict: Verdict
    started_at: str
    environment: str | None
    symbol: str | None
    last_four: str | None
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True)
class Comparison:
    """Check ids by their change, each list in run order.

    `unseen`: looked at then, and not, or in vain, now.
    """

    previous: Previous
    fixed: tuple[str, ...] = ()
    broke: tuple[str, ...] = ()
    still: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def lists(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The lists that are not empty: heading and ids."""
        named = (
            ("broke", self.broke),
            ("still fails", self.still),
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
        """The earlier run: `NOT_OK of 2026-11-20T08:13:00Z`, and its symbol if that was another."""
        return f"{self.previous.verdict.value} of {self.previous.started_at}"


def previous_from(text: str) -> Previous:
    """Reads an earlier run from `text`, a verdict.json. Raises ValueError for any other text."""
    document = strict(text.encode("utf-8", "replace"))
    try:
        if document["schemaVersion"] != 1:
            raise ValueError("another schema")
        return Previous(
            verdict=Verdict(document["verdict"]),
            started_at=_moment(document["startedAt"]),
            environment=_word_or_none(document["environment"]),
            symbol=_word_or_none(document["symbol"]),
            last_four=_word_or_none(document["key"]["lastFour"]),
            outcomes={_id(check["id"]): Outcome(check["outcome"]) for check in document["checks"]},
        )
    except (KeyError, TypeError, AttributeError):
        pass
    raise ValueError("not a verdict")


def objection(previous: Previous, key: KeyFacts, environment: str | None) -> str | None:
    """Why two runs cannot be compared, in a sentence; None if they can. A run without a key goes with any."""
    if previous.environment not in (None, environment):
        return (
            f"--compare names a verdict of {previous.environment}, and this run is of {environment}: what differs "
            "would be the environment. Compare with a run of the same"
        )
    if previous.last_four and key.last_four and previous.last_four != key.last_four:
        return (
            f"--compare names a verdict of a key ending in {previous.last_four}, and this one ends in {key.last_four}: "
            "what differs would be the key. Compare with a run of the same"
        )
    return None


def compare(previous: Previous, findings: Sequence[Finding]) -> Comparison:
    """The change of each check; a check that the earlier run did not have counts as not seen then."""
    now = {finding.check.id: finding.outcome for finding in findings}
    found: dict[str, list[str]] = {"fixed": [], "broke": [], "still": [], "unseen": []}
    for name in dict.fromkeys((*now, *previous.outcomes)):
        if what := _became(previous.outcomes.get(name), now.get(name)):
            found[what].append(name)
    return Comparison(previous, **{what: tuple(names) for what, names in found.items()})


def _became(was: Outcome | None, now: Outcome | None) -> str:
    """The change of one check in words; "" for no change. None: not looked at."""
    if now in _MISSED:
        return "still" if was in _MISSED else "broke" if was is not None else ""
    if was in _MISSED:
        return "fixed" if now is Outcome.PASS else "unseen"
    return "unseen" if was in _HELD and now not in _HELD else ""


def _word(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _SHORT or printable(value) != value:
        raise ValueError("not a short word")
    return value


def _id(value: Any) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ValueError("not an id")
    return value


def _moment(value: Any) -> str:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("not a moment")
    return value


def _word_or_none(value: Any) -> str | None:
    return None if value is None else _word(value)
