"""Totals and changes -> index.html, the merged page, in the look of report.html. All its texts are composed here."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from keycheck.fleet.changes import Change, Changes, State
from keycheck.fleet.totals import Ending, Totals, shareable, verdict_of
from keycheck.report import page
from keycheck.report.model import ELSEWHERE, NO_REAL_FUNDS
from keycheck.report.view.causes import DOTS
from keycheck.report.view.facts import readable
from keycheck.report.view.marks import SHAPES
from keycheck.report.wording import headline_of_cause
from keycheck.verdict.weighing import Verdict

_OPEN = 30  # accounts; a longer list is folded
_LISTED = 500  # accounts that a list shows; the last lists on the page show all
_MOST_FIXES = 3  # of one cause
_MOST_CAUSES = 50  # of a section; there are some thirty, but a lane's machine may invent others
_BUDGET = 1_500_000  # characters of all lists: with 10,000 accounts the page stays under 2 MB
_KINDS = {Verdict.NOT_OK: ("fail", "✕"), Verdict.UNPROVEN: ("unproven", "?"), Verdict.OK: ("pass", "✓")}
_NOT_ASKED = ("blocked", "–")
_NO_REMARKS: Mapping[str, str] = MappingProxyType({})
_SECTIONS = {
    Verdict.NOT_OK: "What is wrong, the commonest first",
    Verdict.UNPROVEN: "What could not be judged, and why",
}


@dataclass(frozen=True)
class Line:
    """An account in a list. `link`: its report; "" if it has none.

    `remark`, `causes`: what changed, or why its run was cut short.
    """

    name: str
    link: str
    remark: str = ""
    causes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listed:
    """A list of accounts. `count`: how many there are, in words; `more`: how many the page leaves out, in words."""

    lines: list[Line]
    count: str
    more: str

    @property
    def is_folded(self) -> bool:
        """Whether the list is long, so that readers must unfold it."""
        return len(self.lines) > _OPEN

    @property
    def has_remarks(self) -> bool:
        """Whether its lines say more than a name."""
        return any(line.remark for line in self.lines)


@dataclass(frozen=True)
class Group:
    """The accounts with one cause. `fixes`: the commonest first; empty if the page has shown them already."""

    cause: str
    kind: str
    headline: str
    dots: str
    confidence: str
    fixes: list[str]
    accounts: Listed


class _Lists:
    """Makes the page's lists, and cuts them off when the page has no more room."""

    def __init__(self, reports: Path) -> None:
        self._reports = reports
        self._left = _BUDGET

    def of(
        self, accounts: Iterable[str | Change], most: int = _LISTED, remarks: Mapping[str, str] = _NO_REMARKS
    ) -> Listed:
        accounts = list(accounts)
        lines: list[Line] = []
        for one in accounts[:most]:
            line = self._line(one, remarks)
            self._left -= len(line.name) + len(line.link) + len(line.remark) + sum(map(len, line.causes)) + 50
            if self._left < 0:
                break
            lines.append(line)
        return Listed(lines, _accounts(len(accounts)), _more(len(accounts) - len(lines)))

    def _line(self, one: str | Change, remarks: Mapping[str, str]) -> Line:
        if isinstance(one, str):
            return Line(one, self._link(one), f"· {remarks[one]}" if one in remarks else "")
        was, now = (state.verdict.replace("_", " ") if state else "" for state in (one.was, one.now))
        remark = f"still {now}" if was == now else f"{was} → {now}" if was and now else was or now
        return Line(one.account, self._link(one.account) if one.now else "", remark, one.now.causes if one.now else ())

    def _link(self, name: str) -> str:
        """The address of an account's report; "" if its run was cut off before it had one."""
        return f"accounts/{name}/report.html" if (self._reports / name / "report.html").is_file() else ""


def render(totals: Totals, ending: Ending, changes: Changes, reports: Path) -> str:
    """The whole page. `reports`: the folder with a folder of each account's report."""
    verdict = verdict_of(totals.verdicts, ending)
    lists = _Lists(reports)
    values = {
        "verdict": verdict.value.replace("_", " "),
        "kind": verdict.value.lower(),
        "shape": SHAPES[verdict],
        "sentence": _sentence(totals, ending).partition("USD-M futures"),
        "elsewhere": list(_elsewhere(totals)),
        "about": _about(totals, ending),
        "totals": list(_totals(totals, ending)),
        "sections": list(_sections(totals, lists)),
        "not_asked": lists.of(ending.not_asked) if ending.not_asked else None,
        "since": readable(changes.since),
        "changes": [(heading, lists.of(found)) for heading, found in _changes(changes)],
        "lanes": list(_lanes(totals, ending)),
        "all": [
            (*_KINDS[one], one.value.replace("_", " "), lists.of(names, len(names)))
            for one in _KINDS
            if (names := sorted(name for name, state in totals.states.items() if state.verdict == one.value))
        ],
    }
    return page.fill("fleet.html", ("tokens.css", "section.css", "page.css", "fleet.css"), values)


def _sentence(totals: Totals, ending: Ending) -> str:
    count, verdicts = len(totals.states), totals.verdicts
    bad, unproven = verdicts[Verdict.NOT_OK.value], verdicts[Verdict.UNPROVEN.value]
    parts = []
    if bad:
        parts.append(f"{bad:,} of {_accounts(count)} {_are(bad)} not fit to trade USD-M futures")
    elif count and not unproven:
        parts.append(f"{'All ' if count > 1 else ''}{_accounts(count)} {_are(count)} fit to trade USD-M futures")
    if unproven:
        parts.append(f"{_accounts(unproven) if not bad else f'{unproven:,}'} could not be judged")
    if ending.not_asked:
        left = len(ending.not_asked)
        parts.append(f"{left:,} {'was' if left == 1 else 'were'} not asked")
    return f"{'; '.join(parts) or 'No account was asked'}."


def _elsewhere(totals: Totals) -> Iterator[str]:
    for source, words in (*ELSEWHERE.items(), ("demo", f"The environment was demo: {NO_REAL_FUNDS}.")):
        if number := totals.sources[source]:
            yield words if number == len(totals.states) else f"{_accounts(number)}: {words}"


def _about(totals: Totals, ending: Ending) -> str:
    lanes = len({*totals.lanes, *ending.weight})
    parts = (
        _accounts(len(totals.states)),
        f"{lanes} lane{'s' if lanes != 1 else ''}",
        readable(ending.started_at),
        f"took {_duration(ending.duration_ms)}",
    )
    return " · ".join(parts)


def _duration(ms: int) -> str:
    minutes, seconds = divmod(round(ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{ms / 1000:.1f} s"


def _totals(totals: Totals, ending: Ending) -> Iterator[tuple[str, str, str, str, float]]:
    """Kind, mark, number, words and percentage of each verdict, worst first."""
    counts = [(*_KINDS[one], totals.verdicts[one.value], one.value.replace("_", " ")) for one in _KINDS]
    counts.append((*_NOT_ASKED, len(ending.not_asked), "not asked"))
    total = sum(number for _, _, number, _ in counts) or 1
    for kind, mark, number, words in counts:
        if number or kind == "pass":
            yield kind, mark, f"{number:,}", words, 100 * number / total


def _sections(totals: Totals, lists: _Lists) -> Iterator[tuple[str, list[Group]]]:
    shown: set[str] = set()
    for verdict, heading in _SECTIONS.items():
        by_cause: dict[str, list[str]] = {}
        for name, state in totals.states.items():
            if state.verdict == verdict.value:
                for cause in state.causes:
                    by_cause.setdefault(cause, []).append(name)
        commonest = sorted(
            by_cause.items(), key=lambda found: (-len(found[1]), *_by_confidence(totals, verdict, found[0]))
        )
        groups = [
            _group(totals, verdict, cause, lists.of(sorted(names), remarks=totals.cut_short), shown)
            for cause, names in commonest[:_MOST_CAUSES]
        ]
        if groups:
            yield heading, groups


def _by_confidence(totals: Totals, verdict: Verdict, cause: str) -> Iterator[int]:
    """A sort key for causes with equally many accounts: those with more accounts of high confidence come first."""
    return (-totals.confidences[verdict.value, cause][word] for word in DOTS)


def _group(totals: Totals, verdict: Verdict, cause: str, accounts: Listed, shown: set[str]) -> Group:
    fixes = [] if cause in shown else [shareable(fix) for fix, _ in totals.fixes[cause].most_common(_MOST_FIXES)]
    shown.add(cause)
    counts = totals.confidences[verdict.value, cause]
    sure = [f"{word} {counts[word]:,}" if len(counts) > 1 else word for word in DOTS if counts[word]]
    dots = next((DOTS[word] for word in DOTS if counts[word]), "")
    return Group(cause, _KINDS[verdict][0], headline_of_cause(cause), dots, ", ".join(sure), fixes, accounts)


def _changes(changes: Changes) -> Iterator[tuple[str, Sequence[Change]]]:
    headings: dict[str, list[Change]] = {
        "No longer OK": [],
        "OK again": [],
        "Another verdict, or other causes": [],
        "New": [],
        "No longer among the accounts": [],
    }
    for one in changes.changed:
        headings[_heading(one.was, one.now)].append(one)
    yield from ((heading, found) for heading, found in headings.items() if found)


def _heading(was: State | None, now: State | None) -> str:
    if was is None or now is None:
        return "No longer among the accounts" if now is None else "New"
    is_ok = [state.verdict == Verdict.OK.value for state in (was, now)]
    return "No longer OK" if is_ok == [True, False] else "OK again" if is_ok[1] else "Another verdict, or other causes"


def _lanes(totals: Totals, ending: Ending) -> Iterator[tuple[str, list[str]]]:
    """Each lane's name, with its accounts by verdict and its weight."""
    for lane in sorted({*totals.lanes, *ending.weight}):
        counts = totals.lanes.get(lane, Counter())
        yield lane, [f"{number:,}" for number in (*(counts[one.value] for one in _KINDS), ending.weight.get(lane, 0))]


def _accounts(number: int) -> str:
    return f"{number:,} account{'s' if number != 1 else ''}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _more(number: int) -> str:
    return f"{number:,} more: the whole list is in verdicts.jsonl." if number else ""
