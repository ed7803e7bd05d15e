"""Figures and their table. Pure: numbers in, text out."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

HEADINGS = ("figure", "measured", "limit", "met")


@dataclass(frozen=True)
class Figure:
    """A measurement. `measured`: None if it failed; `limit`: None if the figure is for information only."""

    name: str
    measured: float | None
    limit: float | None = None
    unit: str = ""
    places: int = 0

    @property
    def met(self) -> bool | None:
        """Whether the figure, rounded as in the table, is within its limit; None without a limit or a measurement."""
        return None if self.measured is None or self.limit is None else round(self.measured, self.places) <= self.limit

    def cells(self) -> tuple[str, ...]:
        """The cells of one row under HEADINGS."""
        met = {None: "-", True: "yes", False: "NO"}[self.met]
        return self.name, self._told(self.measured), self._told(self.limit), met

    def _told(self, value: float | None) -> str:
        return "-" if value is None else f"{value:.{self.places}f} {self.unit}".rstrip()


def plain(figures: Sequence[Figure]) -> str:
    """The table in columns."""
    rows = [HEADINGS, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    )


def markdown(figures: Sequence[Figure]) -> str:
    """The table in Markdown."""
    rows = [HEADINGS, ("---", "---:", "---:", ":---:"), *(figure.cells() for figure in figures)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def spread(name: str, seconds: Sequence[float]) -> str:
    """Median, shortest and longest of the rounds: `replay 0.41 s (0.40 to 0.44)`."""
    return f"{name} {median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"
