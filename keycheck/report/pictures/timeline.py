"""Start and duration of each request, as a picture. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from keycheck.exchange.evidence import Call
from keycheck.report.pictures.shapes import Bar, Picture, percent
from keycheck.verdict.findings import Finding, Outcome

_SEEN_AT_ALL = 0.8  # per cent
_TALL = 14


@dataclass(frozen=True)
class TimelineRow:
    """A request with its answer and a picture of its time. `note`: why a refusal or a retry is no problem."""

    name: str
    answer: str
    kind: str
    note: str
    picture: Picture


def timeline(calls: Sequence[Call], findings: Sequence[Finding], overcome: Sequence[Call]) -> list[TimelineRow]:
    """A row for each request, all drawn to the same scale, which begins with the first."""
    later = {id(call) for call in overcome}
    first, whole = _began(calls), lasted(calls)
    rows = []
    for number, call in enumerate(calls, 1):
        note = _note(number, call, findings, id(call) in later)
        kind = _kind(call, note)
        picture = _drawn(call.began_ms - first, call.duration_ms, whole, kind)
        rows.append(TimelineRow(call.name, answer(call), kind, note, picture))
    return rows


def lasted(calls: Sequence[Call]) -> int:
    """The time from the first request until the last answer, in ms."""
    return max((call.began_ms + call.duration_ms for call in calls), default=0) - _began(calls)


def _began(calls: Sequence[Call]) -> int:
    return min((call.began_ms for call in calls), default=0)


def answer(call: Call) -> str:
    """Status, Binance's code and message, and how long it took: `HTTP 400, code -2015, 66 ms: Invalid API-key`."""
    described = "no answer" if call.status is None else f"HTTP {call.status}"
    described += f", code {call.code}" if call.code is not None else ""
    return f"{described}, {call.duration_ms} ms" + (f": {call.message}" if call.message else "")


def _kind(call: Call, note: str) -> str:
    return "unproven" if call.trouble else "pass" if call.accepted else "expected" if note else "refused"


def _note(number: int, call: Call, findings: Sequence[Finding], came_later: bool) -> str:
    if came_later:
        return "answered when it was asked again: no fault of the key"
    if call.accepted or call.trouble:
        return ""
    resting = [one for one in findings if number in one.call_numbers]
    if any(one.outcome is not Outcome.PASS for one in resting):
        return ""
    wanted = [one.check.id for one in resting if one.call_numbers[-1] == number]
    return f"as it should be: {wanted[0]} passes on this refusal" if wanted else ""


def _drawn(began: int, took: int, whole: int, kind: str) -> Picture:
    begins = min(percent(began, whole), 100 - _SEEN_AT_ALL)
    width = min(max(percent(took, whole), _SEEN_AT_ALL), 100 - begins)
    described = f"sent {began} ms after the first, took {took} ms"
    return Picture(described, kind, _TALL, (Bar("filled", begins, width, 3, 8),))
