"""Checks the answer of a lane's machine before anything of it is kept: that machine may have been taken over."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from keycheck.exchange import answers
from keycheck.redaction.redactor import printable
from keycheck.report import page, verdict_schema

LONGEST = 2**22  # characters; a page and a verdict have some 80,000
_LONGEST_VERDICT = 2**20  # characters of its JSON; `results.read` takes lines of four times that
LONGEST_WAIT = 3 * 86_400.0  # seconds: Binance's longest ban
_MOST_WEIGHT = 10_000  # of one run; an answer with more is refused


@dataclass(frozen=True)
class Result:
    """verdict.json of an account's run, report.html ("" if the run was cut short), and the weight that it spent."""

    verdict: Mapping[str, Any]
    page: str = field(default="", repr=False)
    weight: int = 0


@dataclass(frozen=True)
class Wait:
    """The lane may send nothing for `seconds`, and nothing was sent for this account. `why`: the reason, a sentence."""

    seconds: float
    why: str


def read(text: str, account: str) -> Result | Wait:
    """Reads the answer to the job of `account`. Raises ValueError for any other text, without quoting it."""
    match _parsed(text):
        case {"account": str(name), "verdict": dict(verdict), "page": str(shown), "weight": int(weight), **rest}:
            is_of_this_job = not rest and name == account and 0 <= weight <= _MOST_WEIGHT
            if is_of_this_job and is_of_a_run(verdict) and _is_harmless(shown):
                return Result(verdict, shown, weight)
        case {"account": str(name), "wait": int() | float() as seconds, "why": str(why), **rest}:
            if not rest and name == account and seconds > 0:
                return Wait(min(float(seconds), LONGEST_WAIT), printable(why))
    raise ValueError("its answer is not an answer of keycheck to this account's job")


def _parsed(text: Any) -> Any:
    if not isinstance(text, str) or len(text) > LONGEST:
        return None
    try:
        found = answers.strict(text.encode())
        json.dumps(found, ensure_ascii=False).encode()  # fails for a lone surrogate, which no file can hold
    except (ValueError, RecursionError):
        return None
    return found


def is_of_a_run(verdict: Mapping[str, Any]) -> bool:
    """Whether this is the verdict of a live run, and is OK only if its critical checks allow that.

    Such a verdict can be written into all files of a fleet.
    """
    if not verdict_schema.fits(verdict) or verdict["mode"] != "live" or len(json.dumps(verdict)) > _LONGEST_VERDICT:
        return False
    causes = [one["cause"] for one in verdict["diagnosis"]]
    if len(causes) > len({*causes}) or not _is_a_time(verdict["startedAt"]):
        return False
    labels = verdict["symbol"], verdict["key"]["lastFour"]  # for keycheck.prom
    if not all((label or "").isprintable() for label in labels):
        return False
    critical = {check["outcome"] for check in verdict["checks"] if check["severity"] == "critical"}
    return verdict["verdict"] != "OK" or ("pass" in critical and critical <= {"pass", "not_applicable"})


def _is_a_time(text: str) -> bool:
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def _is_harmless(shown: str) -> bool:
    """Whether a page can neither run a script nor send its reader to another page by itself."""
    beginning = page.beginning()
    return not shown or (shown.startswith(beginning) and "<meta" not in shown[len(beginning) :].lower())
