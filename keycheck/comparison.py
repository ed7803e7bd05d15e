"""An earlier verdict.json beside this run: what was fixed, what broke, what still fails. Pure.

The earlier file may come from anybody: of it only known words, short texts and ids of our own checks are taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keycheck.answers import strict
from keycheck.credentials import KeyFacts
from keycheck.findings import Finding, Outcome
from keycheck.redaction import printable
from keycheck.verdict import Verdict

MAX_FILE = 2**20  # bytes; a verdict is some ten thousand
_SHORT = 60
_HELD = (Outcome.PASS, Outcome.NOT_APPLICABLE)
_MISSED = (Outcome.FAIL, Outcome.WARN)


@dataclass(frozen=True)
class Previous:
    """What is taken of an earlier verdict.json. `outcomes` by check id; `last_four`: None where it had no key."""

    verdict: Verdict
    started_at: str
    environment: str | None
    symbol: str | None
    last_four: str | None
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True)
class Comparison:
    """Check ids by what became of them, each list in run order.

    `unseen`: failed then and were not looked at now, or were seen to hold then and could not be looked at now.
    """

    previous: Previous
    fixed: tuple[str, ...] = ()
    broke: tuple[str, ...] = ()
    still: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def lists(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Heading and ids, those that are not empty."""
        named = (
            ("broke", self.broke),
            ("still fails", self.still),
            ("fixed", self.fixed),
            ("not seen now", self.unseen),
        )
        return tuple((heading, ids) for heading, ids in named if ids)

    @property
    def since(self) -> str:
        """Against what: `NOT_OK of 2026-11-20T08:13:00Z`, and its symbol where that was another."""
        return f"{self.previous.verdict.value} of {self.previous.started_at}"


def previous_from(text: str) -> Previous:
    """The earlier run that `text`, a verdict.json, tells of. Raises ValueError where it tells of none."""
    told = strict(text.encode("utf-8", "replace"))
    try:
        if told["schemaVersion"] != 1:
            raise ValueError("another schema")
        return Previous(
            verdict=Verdict(told["verdict"]),
            started_at=_word(told["startedAt"]),
            environment=_word_or_none(told["environment"]),
            symbol=_word_or_none(told["symbol"]),
            last_four=_word_or_none(told["key"]["lastFour"]),
            outcomes={_word(check["id"]): Outcome(check["outcome"]) for check in told["checks"]},
        )
    except (KeyError, TypeError, AttributeError):
        pass
    raise ValueError("not a verdict")


def objection(previous: Previous, key: KeyFacts, environment: str | None) -> str | None:
    """Why two runs cannot be compared, in a sentence; None where they can. A run without a key goes with any."""
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
    """What became of each check since; one that the earlier run did not know counts as not seen then."""
    fixed, broke, still, unseen = [], [], [], []
    for finding in findings:
        name, was, now = finding.check.id, previous.outcomes.get(finding.check.id), finding.outcome
        if was in _MISSED and now in _HELD:
            fixed.append(name)
        elif was in _MISSED and now in _MISSED:
            still.append(name)
        elif now in _MISSED and was is not None:
            broke.append(name)
        elif was in (*_MISSED, *_HELD) and now not in (*_MISSED, *_HELD):
            unseen.append(name)
    return Comparison(previous, tuple(fixed), tuple(broke), tuple(still), tuple(unseen))


def _word(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _SHORT or printable(value) != value:
        raise ValueError("not a short word")
    return value


def _word_or_none(value: Any) -> str | None:
    return None if value is None else _word(value)
