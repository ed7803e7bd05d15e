"""The timeline of a run: when each request was sent, and how long it took. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from keycheck.exchange.evidence import Call
from keycheck.report.pictures.shapes import Bar, Picture, percent
from keycheck.verdict.findings import Finding, Outcome

_MIN_WIDTH = 0.8  # per cent; a thinner bar is not visible
_HEIGHT = 14  # pixels


@dataclass(frozen=True)
class TimelineRow:
    """A request of the run: its name, its answer, and a picture of its time. `note`: why a refusal is not a problem."""

    name: str
    answer: str
    kind: str
    note: str
    picture: Picture


def timeline(calls: Sequence[Call], findings: Sequence[Finding], overcome: Sequence[Call]) -> list[TimelineRow]:
    """One row for each request. All rows have the same time scale, which begins at the first request."""
    retried = {id(call) for call in overcome}
    first, total = _began(calls), lasted(calls)
    rows = []
    for number, call in enumerate(calls, 1):
        note = _note(number, call, findings, id(call) in retried)
        kind = _kind(call, note)
        picture = _drawn(call, call.began_ms - first, total, kind)
        rows.append(TimelineRow(call.name, answer(call), kind, note, picture))
    return rows


def lasted(calls: Sequence[Call]) -> int:
    """The time from the first request to the last answer, in ms."""
    return max((call.began_ms + call.duration_ms for call in calls), default=0) - _began(calls)


def _began(calls: Sequence[Call]) -> int:
    return min((call.began_ms for call in calls), default=0)


def answer(call: Call) -> str:
    """Status, Binance's code and message, and how long it took: `HTTP 400, code -2015, 66 ms: Invalid API-key`.

    For another run's answer: `shared by the lane, 12 s old`.
    """
    if call.source:
        return call.source
    described = "no answer" if call.status is None else f"HTTP {call.status}"
    described += f", code {call.code}" if call.code is not None else ""
    return f"{described}, {call.duration_ms} ms" + (f": {call.message}" if call.message else "")


def _kind(call: Call, note: str) -> str:
    return "unproven" if call.trouble else "pass" if call.accepted else "expected" if note else "refused"


def _note(number: int, call: Call, findings: Sequence[Finding], was_retried: bool) -> str:
    if was_retried:
        return "answered when it was asked again: no fault of the key"
    if call.accepted or call.trouble:
        return ""
    relying = [one for one in findings if number in one.call_numbers]
    if any(one.outcome is not Outcome.PASS for one in relying):
        return ""
    satisfied = [one.check.id for one in relying if one.call_numbers[-1] == number]
    return f"as it should be: {satisfied[0]} passes on this refusal" if satisfied else ""


def _drawn(call: Call, began: int, total: int, kind: str) -> Picture:
    begins = min(percent(began, total), 100 - _MIN_WIDTH)
    width = min(max(percent(call.duration_ms, total), _MIN_WIDTH), 100 - begins)
    described = call.source or f"sent {began} ms after the first, took {call.duration_ms} ms"
    return Picture(described, kind, _HEIGHT, (Bar("filled", begins, width, 3, 8),))
