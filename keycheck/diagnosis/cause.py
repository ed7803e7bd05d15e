"""What a diagnosis is, and the causes that it knows by name. Pure."""

from dataclasses import dataclass
from enum import Enum


class Confidence(Enum):
    """How sure. CERTAIN only where the evidence leaves no other reading."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


@dataclass(frozen=True)
class Cause:
    """A cause by its fixed name, with what it is in one sentence and what gives it away. `area`: where it lies."""

    name: str
    area: str
    meaning: str
    seen_as: str


@dataclass(frozen=True)
class Diagnosis:
    """One cause for what a run saw: how sure, why, what was seen, and what a person can do."""

    cause: str
    confidence: Confidence
    explanation: str
    evidence: tuple[str, ...]
    fix: str


CAUSES: tuple[Cause, ...] = ()
