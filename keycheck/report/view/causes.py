"""The causes of a diagnosis, in the page's words. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from keycheck.diagnosis.cause import Diagnosis
from keycheck.report.wording import headline_of_cause

DOTS = {"certain": "●●●", "likely": "●●○", "possible": "●○○"}


@dataclass(frozen=True)
class Suspect:
    """A cause as the page shows it.

    `name`: its fixed name, which scripts may look for. `seen`: its evidence, without what a cause above already shows.
    """

    name: str
    headline: str
    confidence: str
    dots: str
    explanation: str
    fix: str
    seen_as: str
    seen: list[str]


def suspects(diagnosis: Sequence[Diagnosis]) -> list[Suspect]:
    """The causes in the order of the diagnosis, most likely first."""
    found: list[Suspect] = []
    shown: set[str] = set()
    for one in diagnosis:
        new = [text for text in one.evidence if text not in shown]
        found.append(_suspect(one, new))
        shown.update(new)
    return found


def _suspect(one: Diagnosis, new: list[str]) -> Suspect:
    headline = headline_of_cause(one.cause)
    seen_as = "Seen:" if len(new) == len(one.evidence) else "Seen, besides the above:" if new else "Seen: as above."
    confidence = one.confidence.value
    return Suspect(one.cause, headline, confidence, DOTS[confidence], one.explanation, one.fix, seen_as, new)
