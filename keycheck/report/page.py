"""RunReport -> report.html: one static file, escaped by default, with nothing to load and nothing to run."""

from pathlib import Path

from keycheck.findings import Outcome
from keycheck.report.model import RunReport
from keycheck.report.terminal import word

_TEMPLATES = Path(__file__).parent
STEPS = {
    1: "Credentials",
    2: "Connectivity",
    3: "Clock",
    4: "Permissions",
    5: "Account",
    6: "Exchange rules",
    7: "Test order",
}
# Shape beside colour: a page is printed in grey, and read by people who see no red.
MARKS = {
    Outcome.PASS: "✓",
    Outcome.FAIL: "✕",
    Outcome.WARN: "!",
    Outcome.UNPROVEN: "?",
    Outcome.BLOCKED: "–",
    Outcome.NOT_APPLICABLE: "∅",
}


def render(report: RunReport) -> str:
    """The whole page."""
    return _render("page.html", report)


def render_section(report: RunReport) -> str:
    """The verdict and what to do, as a fragment with its own style, for pytest-html's page."""
    style = (_TEMPLATES / "section.css").read_text(encoding="utf-8")
    return f"<style>{style}</style>{_render('section.html', report)}"


def _render(template: str, report: RunReport) -> str:
    import jinja2  # noqa: PLC0415  only when a page is written

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(
        report=report,
        steps=_by_step(report),
        outcome={outcome.name: outcome for outcome in Outcome},
        mark=MARKS.__getitem__,
        word=word,
    )


def _by_step(report: RunReport) -> list[tuple[str, list[object]]]:
    numbers = sorted({finding.check.step for finding in report.findings})
    return [
        (
            f"{number} {STEPS.get(number, '')}".strip() if number else "More",
            [finding for finding in report.findings if finding.check.step == number],
        )
        for number in numbers
    ]
