"""Writes README's table of checks from the docstrings of suite/: `python -m tests.readme`."""

import re

from keycheck import catalogue
from keycheck.report.page import STEPS
from tests.running import ROOT

README = ROOT / "README.md"
_BETWEEN = re.compile(r"(?<=<!-- checks -->\n).*?(?=<!-- /checks -->)", re.DOTALL)


def table() -> str:
    """Markdown, one row a check."""
    rows = ["| step | check | | claim |", "|---|---|---|---|"]
    step = 0
    for check in catalogue.read(ROOT / "suite").checks:
        shown = f"{check.step} {STEPS[check.step].lower()}" if check.step != step else ""
        step = check.step
        rows.append(f"| {shown} | `{check.id}` | {check.severity.value} | {check.title} |")
    return "\n".join(rows) + "\n"


def with_table(text: str) -> str:
    """README's text with the table as it should be."""
    return _BETWEEN.sub(lambda _: table(), text)


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
