"""RunReport -> report.html: one static file that loads no other file and runs no script. All values are escaped."""

import json
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keycheck.report import verdict_json, view
from keycheck.report.model import RunReport
from keycheck.report.pictures import timeline

if TYPE_CHECKING:
    import jinja2

_TEMPLATES = Path(__file__).parent
_LONGEST = 8000  # characters of one text; our own are far shorter
# Control characters, surrogates, and characters that change the direction of text.
_ODD = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


# The function that cleans each text before it is escaped and inserted into a page.
_prepared: ContextVar[Callable[[str], str]] = ContextVar("prepared", default=str)


def render(report: RunReport, summary: str | None = None, clean: Callable[[str], str] = str, mark: str = "") -> str:
    """The whole page. `summary`: the text for a ticket, which the page shows for copying.

    `clean` takes secrets out of each inserted text, and never sees the markup. `mark` is written before and after each
    inserted text, each style sheet and the data block.
    """
    values = {"summary": summary, "data": _as_data_block(verdict_json.as_dict(report, clean), mark)}
    return fill(
        "page.html",
        ("tokens.css", "section.css", "page.css"),
        {**_head(report), **values, **view.below_the_verdict(report)},
        clean,
        mark,
    )


def render_section(report: RunReport, clean: Callable[[str], str] = str) -> str:
    """The verdict and what to do, as a fragment with its own style, for pytest-html's page."""
    return fill("inset.html", ("tokens.css", "section.css", "inset.css"), _head(report), clean)


def fill(
    template: str,
    styles: tuple[str, ...],
    values: Mapping[str, Any],
    clean: Callable[[str], str] = str,
    mark: str = "",
) -> str:
    """The page of a template in this folder, with style sheets of this folder. `clean` and `mark`: see `render`."""
    import markupsafe  # noqa: PLC0415  comes with jinja2

    style = markupsafe.Markup(mark.join(["", *map(_style, styles), ""]))  # noqa: S704  files of ours
    before = _prepared.set(lambda text: f"{mark}{clean(text)}{mark}")
    try:
        return _environment().get_template(template).render(style=style, **values)
    finally:
        _prepared.reset(before)


@cache
def beginning() -> str:
    """The beginning of every page. It holds the Content-Security-Policy, so nothing after it can run a script.

    No page has a `<meta` after it.
    """
    page, head = ((_TEMPLATES / name).read_text("utf-8") for name in ("page.html", "head.html"))
    page = page[page.index("<!DOCTYPE") : page.index("{% include 'head.html' %}")]
    return page + head[: head.index("<title>")]


def preload() -> None:
    """Loads the template engine and the page's templates."""
    _environment().get_template("page.html")


@cache
def _environment() -> "jinja2.Environment":
    from keycheck.report.templates import environment  # noqa: PLC0415  needed only when a page is written

    return environment(_TEMPLATES, finalize=_harmless)


def _head(report: RunReport) -> dict[str, Any]:
    rows = timeline.timeline(report.calls, report.findings, report.overcome)
    return {"rows": rows, **view.verdict(report, rows)}


def _style(name: str) -> str:
    """A style sheet without the white space that only people need."""
    return re.sub(r"\s*([{};,])\s*", r"\1", (_TEMPLATES / name).read_text(encoding="utf-8"))


def _harmless(value: Any) -> Any:
    """A text for the page: without secrets, of limited length, and without characters that change its direction."""
    if type(value) in (int, float):
        value = str(value)
    if type(value) is not str:
        return value
    value = value if len(value) <= _LONGEST else value[:_LONGEST] + "…"
    return _ODD.sub("\N{REPLACEMENT CHARACTER}", _prepared.get()(value))


def _as_data_block(value: dict[str, Any], mark: str) -> Any:
    """A dict as JSON in ASCII, in which no HTML parser finds a tag or a comment."""
    import markupsafe  # noqa: PLC0415  comes with jinja2

    text = json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
    return markupsafe.Markup(f"{mark}{text}{mark}")  # noqa: S704  nothing in it can end the block
