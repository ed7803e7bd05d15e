"""The files of the page "Test your API key" and of its form, `<keycheck-form>`.

`static/` holds them. Colours, styles, sentences and marks that the report has, too, come from report/, so that page and
report cannot drift apart. keycheck.js is one file that needs no other: a platform's page loads only that.
"""

import json
import re
from pathlib import Path

from keycheck.credentials.pasted_text import KEY, KeyFacts
from keycheck.diagnosis.cause import CAUSES, Confidence, Diagnosis
from keycheck.report import model
from keycheck.report.view import causes, findings, marks
from keycheck.report.wording import BEFORE_CLAIM, headline_of_cause, word
from keycheck.verdict.findings import Outcome
from keycheck.verdict.weighing import Verdict

_STATIC = Path(__file__).parent / "static"
_REPORT = Path(model.__file__).parent
_ENVIRONMENTS = ("production", "demo")


def index(*, asks_token: bool = False, saves: bool = False) -> str:
    """The page at `/`. `asks_token`: with a field for the server's token; `saves`: with the button of `POST /save`."""
    attributes = " asks-token" * asks_token + ' save="save"' * saves
    return _text(_STATIC / "index.html").replace("<keycheck-form>", f"<keycheck-form{attributes}>")


def style() -> str:
    """The page's own style sheet, `/page.css`."""
    return _colours() + _text(_STATIC / "page.css")


def icon() -> str:
    """The page's icon, `/icon.svg`: the report's shape of OK."""
    shape = marks.SHAPES[Verdict.OK]
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#17693a" d="{shape}"/></svg>'


def script() -> str:
    """The form as a custom element, `/keycheck.js`."""
    return _text(_STATIC / "keycheck.js").replace("SHARED_WITH_THE_REPORT", json.dumps(_shared()), 1)


def _shared() -> dict[str, object]:
    # The form's layout depends on the form's own width, which in a platform's page is not the window's.
    section = _text(_REPORT / "section.css").replace("@media (m", "@container (m")
    meanings = {name: headline_of_cause(name) for named in CAUSES.values() for name in named}
    return {
        "style": _colours() + section + _text(_STATIC / "form.css"),
        "sentences": {where: {one.value: _sentence(one, where) for one in Verdict} for where in _ENVIRONMENTS},
        "outsideTheKey": {
            where: {
                verdict.value: {cause: _sentence(verdict, where, cause) for cause in sentences}
                for verdict, sentences in model.OUTSIDE_THE_KEY.items()
            }
            for where in _ENVIRONMENTS
        },
        "onTheWay": model.ON_THE_WAY,
        "shapes": {one.value: shape for one, shape in marks.SHAPES.items()},
        "elsewhere": model.ELSEWHERE,
        "outcomes": {one.value: [marks.MARKS[one], word(one), BEFORE_CLAIM.get(one, "")] for one in Outcome},
        "steps": findings.STEPS,
        "causes": meanings,
        "dots": causes.DOTS,
    }


def _sentence(verdict: Verdict, environment: str, *causes: str) -> tuple[str, str, str]:
    """The sentence of a verdict in three parts, as in the report, so that no line breaks inside USD-M."""
    found = [Diagnosis(cause, Confidence.CERTAIN, "", (), "") for cause in causes]
    key = KeyFacts(missing=(KEY,))
    report = model.RunReport(verdict, "", "", environment=environment, diagnosis=found, key=key)
    return report.sentence.partition("USD-M")


def _colours() -> str:
    """The report's colours, light and dark by the page's `color-scheme`, which an embedded form has to follow."""
    light, dark = (
        re.findall(r"--(\w+): (#\w+)", part)
        for part in _text(_REPORT / "tokens.css").split("prefers-color-scheme: dark")
    )
    both = "".join(f"--{name}: light-dark({day}, {dict(dark)[name]}); " for name, day in light)
    return f":root, :host {{ {both}}}\n"


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
