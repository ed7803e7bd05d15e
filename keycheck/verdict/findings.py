"""Checks and findings, as values. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from keycheck.errors import RestrictedLocation


class Severity(Enum):
    """A critical claim decides the verdict; an informational one is advice."""

    CRITICAL = "critical"
    INFORMATIONAL = "informational"


class Outcome(Enum):
    """The outcome of a check. Only an observed answer makes a FAIL or a WARN."""

    PASS = "pass"  # noqa: S105  not a password
    FAIL = "fail"
    WARN = "warn"
    UNPROVEN = "unproven"
    BLOCKED = "blocked"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class Check:
    """One claim of suite/, read from its source.

    `title`, `why` and `fix` are the three paragraphs of its docstring. `needs`: ids of checks that must pass before
    this one is run. `pointless_if_failed`: ids of checks whose failure already answers this one. `asks`: names of the
    session's methods that it calls. `file`: the name of its source file.
    """

    id: str
    step: int
    severity: Severity
    title: str
    why: str = ""
    fix: str = ""
    needs: tuple[str, ...] = ()
    pointless_if_failed: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    file: str = ""


@dataclass(frozen=True)
class Finding:
    """The finding of one check: `detail` is the observation, `duration_ms` whole ms.

    `trouble`: if the check got no answer, the `kind` of the Inconclusive that says why; else "". `call_numbers`: the
    numbers of the requests that it depends on, counted from 1 in a run.
    """

    check: Check
    outcome: Outcome
    detail: str = ""
    blocked_by: str | None = None
    duration_ms: int = 0
    trouble: str = ""
    call_numbers: tuple[int, ...] = ()


def not_run(checks: Iterable[Check], findings: Iterable[Finding]) -> str:
    """`17 of 26 checks were not run, 6 of them critical`; "" if every critical check has a finding."""
    every, found = list(checks), {finding.check.id for finding in findings}
    left_out = [check for check in every if check.id not in found]
    critical = sum(check.severity is Severity.CRITICAL for check in left_out)
    return f"{len(left_out)} of {len(every)} checks were not run, {critical} of them critical" if critical else ""


def missed(severity: Severity) -> Outcome:
    """The outcome of a claim that was seen not to hold."""
    return Outcome.FAIL if severity is Severity.CRITICAL else Outcome.WARN


def blocker(check: Check, findings: dict[str, Finding]) -> str | None:
    """The id of the check that blocks this one, or None.

    If that check is blocked as well, its own blocker is returned, so that all checks of a chain name the same one. A
    check that was not selected blocks none. A check that met a restricted location blocks no critical check: the
    location is an observation about this machine, and fails the critical check.
    """
    for needed in (*check.needs, *check.pointless_if_failed):
        found = findings.get(needed)
        if found is None or found.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE):
            continue
        if found.trouble == RestrictedLocation.kind and check.severity is Severity.CRITICAL:
            continue
        if needed in check.needs or found.outcome in (Outcome.FAIL, Outcome.WARN):
            return found.blocked_by or needed
    return None
