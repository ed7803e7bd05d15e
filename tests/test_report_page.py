"""The page is one static file: escaped, self-contained, with nothing to run."""

import re
from html.parser import HTMLParser

import pytest

from keycheck.cassettes.label import Label
from keycheck.credentials import KeyFacts
from keycheck.endpoints import Host
from keycheck.evidence import Call
from keycheck.findings import Check, Finding, Outcome, Severity
from keycheck.report import page
from keycheck.report.model import SENTENCES, RunReport
from keycheck.report.terminal import word
from keycheck.verdict import Verdict

HOSTILE = "<script>alert(1)</script><img src=//evil onerror=x>\"' onload='x' </style>&{{ 7*7 }}"
STARTED = "2026-11-20T08:13:00Z"
STEPS = 7


def hostile_report() -> RunReport:
    """Everything that comes from outside is an attack."""
    check = Check(HOSTILE, 4, Severity.CRITICAL, HOSTILE, HOSTILE, HOSTILE)
    return RunReport(
        Verdict.NOT_OK,
        "0.1.0",
        HOSTILE,
        mode="replay",
        cassette=Label(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 5000, True, KeyFacts()),
        environment=HOSTILE,
        symbol=HOSTILE,
        key=KeyFacts(type="HMAC", last_four=HOSTILE),
        findings=[Finding(check, outcome, HOSTILE, HOSTILE) for outcome in Outcome],
        notes={"driftMs": HOSTILE},
        calls=[Call("GET", HOSTILE, Host.FUTURES, 1, 400, -1, HOSTILE, 5)],
        weight_limit=2400,
    )


def healthy_report() -> RunReport:
    """One check a step, and one request."""
    findings = [
        Finding(Check(f"check_{n}", n, Severity.CRITICAL, f"Title {n}.", "Why.", "Fix."), Outcome.PASS, "seen")
        for n in range(1, STEPS + 1)
    ]
    return RunReport(
        Verdict.OK,
        "0.1.0",
        STARTED,
        environment="production",
        symbol="BTCUSDT",
        key=KeyFacts(type="HMAC", last_four="Eh8A"),
        findings=findings,
        calls=[Call("GET", "/fapi/v1/ping", Host.FUTURES, 1, None, None, "timeout", 5)],
    )


class Tags(HTMLParser):
    """Tags and attributes of a page, as a browser sees them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps a tag."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        """Keeps text."""
        self.text += data


PAGES = {
    "blank": RunReport(Verdict.UNPROVEN, "0.1.0", STARTED),
    "healthy": healthy_report(),
    "hostile": hostile_report(),
}


@pytest.mark.parametrize("report", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("render", [page.render, page.render_section])
def test_nothing_can_run_or_load(render: object, report: RunReport) -> None:
    """No script, no handler, no address, whatever the exchange said."""
    assert callable(render)
    seen = Tags(render(report))
    assert not {"script", "img", "iframe", "link", "object", "embed", "base", "form", "svg"} & set(seen.tags)
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name in ("src", "srcdoc", "action")]
    assert not re.search(r"(?i)url\(|@import|javascript:", render(report).replace(HOSTILE, ""))


def test_a_hostile_text_is_shown_as_text() -> None:
    """Every character of it, and no template is made of it either."""
    seen = Tags(page.render(hostile_report()))
    assert HOSTILE in seen.text
    assert "49" not in seen.text
    assert HOSTILE not in page.render(hostile_report())


def test_hostile_text_adds_no_tag() -> None:
    """The page has the tags it has with harmless text in its place."""
    tame = page.render(hostile_report())
    for escaped in set(re.findall(r"&lt;script&gt;[^<]*", tame)):
        tame = tame.replace(escaped, "tame")
    assert Tags(tame).tags == Tags(page.render(hostile_report())).tags


def test_the_page_forbids_itself_everything() -> None:
    """A Content-Security-Policy in the file, since it has no server to send one."""
    policies = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page.render(healthy_report()))
    assert len(policies) == 1
    rules = dict(rule.strip().split(" ", 1) for rule in policies[0].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["style-src"] == "'unsafe-inline'"
    assert "script-src" not in rules
    assert rules["base-uri"] == rules["form-action"] == "'none'"


@pytest.mark.parametrize("verdict", Verdict)
def test_the_verdict_stands_first(verdict: Verdict) -> None:
    """Before any heading below the title, in words and with a shape."""
    text = page.render(RunReport(verdict, "0.1.0", STARTED))
    assert SENTENCES[verdict] in text
    assert text.index(SENTENCES[verdict]) < text.index("<h2>")


def test_every_check_stands_under_its_step() -> None:
    """With what was observed, why it matters and how to mend it."""
    text = page.render(healthy_report())
    places = [text.index(f"{n} {page.STEPS[n]}") for n in range(1, STEPS + 1)]
    assert places == sorted(places)
    assert all(f"check_{n}" in text for n in range(1, STEPS + 1))
    assert "seen" in text


@pytest.mark.parametrize("outcome", Outcome)
def test_an_outcome_is_told_without_colour(outcome: Outcome) -> None:
    """By a shape and a word; both are on the page."""
    finding = Finding(Check("a", 1, Severity.CRITICAL, "Title."), outcome, "seen", "b")
    text = page.render(RunReport(Verdict.UNPROVEN, "0", STARTED, findings=[finding]))
    assert page.MARKS[outcome] in text
    assert word(outcome) in text
    assert len(set(page.MARKS.values())) == len(Outcome)


def test_a_step_without_a_number_has_a_place() -> None:
    """A check in a file of another name is not lost."""
    finding = Finding(Check("a", 0, Severity.CRITICAL, "Title."), Outcome.PASS)
    assert "More" in page.render(RunReport(Verdict.OK, "0", STARTED, findings=[finding]))


def test_a_recording_does_not_call_itself_a_replay() -> None:
    """Its answers came from the exchange, a minute ago."""
    header = Label("mine", STARTED, "production", "0.1.0", "production", "BTCUSDT", 5000, True, KeyFacts())
    report = RunReport(Verdict.OK, "0.1.0", STARTED, mode="record", cassette=header)
    assert "replay" not in Tags(page.render(report)).text


def test_a_key_without_a_secret_has_no_type() -> None:
    """Python's word for nothing is no word for people."""
    report = RunReport(Verdict.NOT_OK, "0.1.0", STARTED, key=KeyFacts(last_four="Eh8A"))
    text = Tags(page.render(report)).text
    assert "Eh8A" in text
    assert "None" not in text
