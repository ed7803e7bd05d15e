"""verdicts.jsonl -> the totals of a fleet: verdicts, causes and lanes."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keycheck import __version__
from keycheck.fleet.changes import State, state_of
from keycheck.process import CUT_SHORT
from keycheck.redaction.redactor import Redactor, printable
from keycheck.verdict.weighing import Verdict

SCHEMA_VERSION = 1
_LONGEST = 2000  # characters of one text
_MOST_FIXES = 50  # of one cause; a fix may name a lane or a system
_clean = Redactor().clean_shared  # knows the shapes of secrets and addresses, but no secret itself


@dataclass(frozen=True)
class Ending:
    """The facts about a fleet's run that verdicts.jsonl does not have.

    `started_at`: ISO 8601, UTC; `duration_ms`: whole ms. After --resume, both count from the fleet's first start.
    `weight`: the request weight spent, by lane.
    `accounts`: the names of all accounts of the fleet, including those that `--only` left out.
    `not_asked`: the names of the chosen accounts that have no verdict, because the run was interrupted.
    """

    started_at: str
    duration_ms: int
    weight: Mapping[str, int]
    accounts: Collection[str]
    not_asked: Sequence[str] = ()


@dataclass
class Totals:
    """The totals of all verdicts, counted while they are read: a few words for each account, some texts for each cause.

    `states`: by account; `lanes`: accounts by lane and verdict; `confidences`: accounts by verdict, cause and
    confidence; `fixes`: accounts by cause and fix; `cut_short`: why a run has no report, by account; `sources`:
    accounts by whose hosts answered, and by environment.
    """

    states: dict[str, State] = field(default_factory=dict)
    lanes: dict[str, Counter[str]] = field(default_factory=dict)
    confidences: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    fixes: dict[str, Counter[str]] = field(default_factory=dict)
    cut_short: dict[str, str] = field(default_factory=dict)
    sources: Counter[str] = field(default_factory=Counter)

    def passing(self, entries: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yields these lines of verdicts.jsonl, and counts them. Raises UsageProblem for a line without a verdict."""
        same: dict[State, State] = {}  # most accounts share a few states
        for entry in entries:
            state = state_of(entry)
            self.states[entry["account"]] = state = same.setdefault(state, state)
            self.lanes.setdefault(entry["lane"], Counter())[state.verdict] += 1
            self.sources.update({str(entry["exchange"]), str(entry["environment"])})
            for name, one in zip(state.causes, entry["diagnosis"], strict=True):
                self.confidences.setdefault((state.verdict, name), Counter())[one["confidence"]] += 1
                fixes = self.fixes.setdefault(name, Counter())
                if one["fix"] in fixes or len(fixes) < _MOST_FIXES:
                    fixes[one["fix"]] += 1
                if name == CUT_SHORT:
                    self.cut_short[entry["account"]] = shareable(one["explanation"])
            yield entry

    @property
    def verdicts(self) -> Counter[str]:
        """How many accounts have each verdict."""
        return sum(self.lanes.values(), Counter())

    @property
    def causes(self) -> Counter[str]:
        """How many accounts have each cause."""
        return Counter(cause for state in self.states.values() for cause in state.causes)


def shareable(text: str) -> str:
    """A text of an account's verdict in a form that may be shared: one line, and nothing that looks like a secret."""
    return _clean(printable(text, _LONGEST))


def verdict_of(verdicts: Counter[str], ending: Ending) -> Verdict:
    """The verdict of the whole fleet: OK only if it has accounts, and all of them were tested and are OK.

    `verdicts`: the number of accounts with each verdict.
    """
    if verdicts[Verdict.NOT_OK.value]:
        return Verdict.NOT_OK
    is_ok = verdicts[Verdict.OK.value] and not verdicts[Verdict.UNPROVEN.value] and not ending.not_asked
    return Verdict.OK if is_ok else Verdict.UNPROVEN


def figures(totals: Totals, ending: Ending) -> dict[str, Any]:
    """fleet.json, as `report/fleet.schema.json` describes it."""
    verdict = verdict_of(totals.verdicts, ending)
    return {
        "ok": verdict is Verdict.OK,
        "verdict": verdict.value,
        "schemaVersion": SCHEMA_VERSION,
        "suiteVersion": __version__,
        "startedAt": ending.started_at,
        "durationMs": ending.duration_ms,
        "accounts": len(totals.states),
        "notAsked": len(ending.not_asked),
        "verdicts": _by_verdict(totals.verdicts),
        "causes": dict(totals.causes.most_common()),
        "lanes": {
            lane: {"weight": ending.weight.get(lane, 0), "verdicts": _by_verdict(totals.lanes.get(lane, Counter()))}
            for lane in sorted({*totals.lanes, *ending.weight})
        },
    }


def _by_verdict(counts: Mapping[str, int]) -> dict[str, int]:
    return {one.value: counts.get(one.value, 0) for one in Verdict}
