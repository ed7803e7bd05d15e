"""Writes the tables of docs/checks.md: the checks, from the docstrings of suite/, and the causes."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from keycheck.diagnosis.cause import CAUSES
from keycheck.report.view.findings import STEPS
from keycheck.run import catalogue
from keycheck.verdict.findings import Severity
from tests.running import ROOT

README = ROOT / "README.md"
CHECKS = ROOT / "docs/checks.md"


def _table(head: tuple[str, str], rows: Iterable[tuple[str, Iterable[str]]]) -> str:
    """A Markdown table with a row for each step or area, and a line in it for each check or cause."""
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|"]
    return "\n".join([*lines, *(f"| {left} | {'<br>'.join(right)} |" for left, right in rows)]) + "\n"


def _checks() -> Iterator[tuple[str, list[str]]]:
    checks = catalogue.read(ROOT / "suite").checks
    for step, of_step in groupby(checks, key=lambda check: check.step):
        yield (
            f"{step} {STEPS[step].lower()}",
            [f"**`{c.id}`** {c.title}" if c.severity is Severity.CRITICAL else f"`{c.id}` {c.title}" for c in of_step],
        )


def _causes() -> Iterator[tuple[str, list[str]]]:
    for area, causes in CAUSES.items():
        yield area, [f"`{name}` {meaning}" for name, meaning in causes.items()]


TABLES = {
    "checks": _table(("step", "claims: **critical** ones decide the verdict, the others are advice"), _checks()),
    "causes": _table(("it lies with", "cause"), _causes()),
}


def with_tables(text: str) -> str:
    """The text of docs/checks.md with new tables from the code."""
    for name, table in TABLES.items():
        between = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)
        text = between.sub(table.replace("\\", r"\\"), text)
    return text


if __name__ == "__main__":
    CHECKS.write_text(with_tables(CHECKS.read_text(encoding="utf-8")), encoding="utf-8")
