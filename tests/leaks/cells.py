"""A cell of the leak matrix: one kind of failure in one mode of a run, and the leaks that it found."""

from dataclasses import dataclass

from tests.leaks.scanner import Hit


@dataclass(frozen=True)
class Leak:
    """A canary in a place where it must not be."""

    kind: str
    mode: str
    artefact: str
    hit: Hit

    def __str__(self) -> str:
        hit = self.hit
        return f"{self.kind} | {self.mode} | {self.artefact} | {hit.canary} ({hit.encoding}) | {hit.excerpt}"


@dataclass(frozen=True)
class Cell:
    """A run that has ended. `happened`: whether its failure took place."""

    kind: str
    mode: str
    exit_status: int
    happened: bool
    leaks: tuple[Leak, ...]


@dataclass(frozen=True)
class Mutation:
    """Removes one of keycheck's protections: by pytest options, or by lines added to the root conftest.py."""

    name: str = ""
    options: tuple[str, ...] = ()
    conftest: str = ""
