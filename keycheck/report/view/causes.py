"""A diagnosis in the page's words. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from keycheck.diagnosis.cause import CAUSES, Diagnosis
from keycheck.report.view.facts import capital

DOTS = {"certain": "●●●", "likely": "●●○", "possible": "●○○"}
_MEANINGS = {name: meaning for causes in CAUSES.values() for name, meaning in causes.items()}


@dataclass(frozen=True)
class Suspect:
    """A cause as the page shows it.

    `name`: the fixed one, which scripts look for. `seen`: what of its evidence no cause before it has shown.
    """

    name: str
    headline: str
    sureness: str
    dots: str
    explanation: str
    fix: str
    seen_as: str
    seen: list[str]


def suspects(diagnosis: Sequence[Diagnosis]) -> list[Suspect]:
    """The causes, most likely first as they came."""
    found: list[Suspect] = []
    shown: set[str] = set()
    for one in diagnosis:
        new = [text for text in one.evidence if text not in shown]
        found.append(_suspect(one, new))
        shown.update(new)
    return found


def _suspect(one: Diagnosis, new: list[str]) -> Suspect:
    headline = capital(_MEANINGS.get(one.cause, one.cause.replace("_", " ")))
    seen_as = "Seen:" if len(new) == len(one.evidence) else "Seen, besides the above:" if new else "Seen: as above."
    sureness = one.confidence.value
    return Suspect(one.cause, headline, sureness, DOTS[sureness], one.explanation, one.fix, seen_as, new)
