"""The page is one static file: escaped, self-contained, without scripts; the most important things come first."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from keycheck.cassettes.label import Label
from keycheck.credentials.pasted_text import KeyFacts
from keycheck.report import page, table, verdict_json
from keycheck.report.model import SENTENCES, RunReport
from keycheck.report.view.findings import STEPS as NAMES
from keycheck.report.view.marks import MARKS, SHAPES
from keycheck.report.wording import word
from keycheck.verdict.comparison import Comparison
from keycheck.verdict.findings import Check, Finding, Outcome, Severity
from keycheck.verdict.weighing import Verdict
from tests.sample_reports import BLANK, HOSTILE, REPORTS, STARTED, STEPS, compared, failing, healthy, hostile

LARGEST = 60_000  # bytes of a healthy run's page
LOADING = {"img", "iframe", "link", "object", "embed", "base", "form", "audio", "video", "image", "feImage", "a"}
BLOCKS = {"dt", "dd", "li", "ul", "p"}


class Tags(HTMLParser):
    """Tags, attributes and text of a page, as a browser sees them; `data`: the content of its data block."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.data = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps the tag and its attributes."""
        self.tags.append(tag)
        self.text += " " * (tag in BLOCKS)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        """Keeps the text, scripts and styles aside."""
        if self.tags and self.tags[-1] == "script" and data.strip():
            self.data += data
        elif "style" not in self.tags[-1:]:
            self.text += data


def text_of(report: RunReport) -> str:
    """The text of the page, with single blanks as white space."""
    return " ".join(Tags(page.render(report)).text.split())


# -- no scripts, no requests --


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
@pytest.mark.parametrize("render", [page.render, page.render_section])
def test_nothing_can_run_or_load(render: Any, report: RunReport) -> None:
    """With any text from the exchange no script runs, no handler is set, and no address is loaded."""
    seen = Tags(render(report))
    assert not LOADING & set(seen.tags)
    assert [tag for tag in seen.tags if tag == "script"] == (["script"] if render is page.render else [])
    assert [value for tag, name, value in seen.attributes if tag == "script" and name == "type"] == (
        ["application/json"] if render is page.render else []
    )
    assert not [name for _, name, _ in seen.attributes if name.startswith("on") or name in ("src", "srcdoc", "style")]
    assert {value for _, name, value in seen.attributes if name == "href"} <= {"#kc-yes", "#kc-no"}
    assert not re.search(r"(?i)url\(|@import|expression\(", render(report))


def test_a_hostile_text_is_shown_as_text() -> None:
    """A hostile text is shown with every character, and is not read as a template."""
    seen = Tags(page.render(hostile()))
    assert HOSTILE in seen.text
    assert "&49" not in seen.text
    assert HOSTILE not in page.render(hostile())


def test_hostile_text_adds_no_tag() -> None:
    """A page with hostile text has the same tags as one with harmless text."""
    assert Tags(page.render(hostile())).tags == Tags(page.render(hostile("tame " * 30))).tags


def test_a_text_cannot_reverse_the_direction_of_its_line() -> None:
    """Marks that reverse the reading direction, and control characters, become replacement characters."""
    text = page.render(hostile("a\u202eb\u2066c\x1bd\0e\ud800f"))
    assert "a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf" in text
    text.encode("utf-8")
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b\0]", text)


def test_a_flood_is_cut() -> None:
    """A message of half a megabyte is cut, so that browsers can still open the page."""
    calls = [replace(call, message="x" * 500_000) for call in failing().calls]
    assert len(page.render(replace(failing(), calls=calls), "y" * 500_000)) < 2 * LARGEST


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_the_page_carries_its_verdict_for_programs(report: RunReport) -> None:
    """The page holds verdict.json, unchanged, in a data block that no text in it can end."""
    block = Tags(page.render(report)).data
    assert json.loads(block) == json.loads(json.dumps(verdict_json.as_dict(report)))
    assert "<" not in block
    assert block.isascii()


def test_the_page_forbids_itself_everything() -> None:
    """The page has a Content-Security-Policy in the file, since no server sends one."""
    policies = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page.render(healthy()))
    assert len(policies) == 1
    rules = dict(rule.strip().split(" ", 1) for rule in policies[0].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["style-src"] == "'unsafe-inline'"
    assert "script-src" not in rules
    assert rules["base-uri"] == rules["form-action"] == "'none'"


def test_a_page_is_small() -> None:
    """The page of a healthy run is small enough for ticket systems and their previews."""
    assert len(page.render(healthy(), "summary\n" * 40).encode()) < LARGEST


# -- the order of the page --


@pytest.mark.parametrize("verdict", Verdict)
def test_the_verdict_stands_first(verdict: Verdict) -> None:
    """The verdict stands before the first heading, in words and with a shape of its own."""
    text = page.render(replace(BLANK, verdict=verdict))
    assert SENTENCES[verdict] in text_of(replace(BLANK, verdict=verdict))
    assert text.index("USD-M</span>") < text.index("<h2>")
    assert SHAPES[verdict] in text
    assert len(set(SHAPES.values())) == len(Verdict)


def test_the_page_begins_with_the_most_important() -> None:
    """The page's order: verdict, causes, failures, warnings, unproven checks, pictures, all checks, facts."""
    text = text_of(failing())
    headings = ["NOT OK", "What is wrong", "What failed", "Warnings", "What could not be looked at", "At a glance"]
    places = [text.index(heading) for heading in [*headings, "All checks", "The run", "Requests, as they"]]
    assert places == sorted(places)


def test_a_cause_comes_with_its_evidence_and_what_to_do() -> None:
    """A cause has its evidence and its fix in words for people; evidence that two causes share is shown once."""
    text = text_of(failing())
    places = [text.index(part) for part in ("The key can take money out", "●●● certain", "A new cause", "●○○ possible")]
    assert sorted(places) == [places[i] for i in (1, 0, 3, 2)]
    assert "What to do: cp .env.example .env" in text
    assert "Seen, besides the above: and this" in text
    assert text.count("GET /fapi/v1/accountConfig: HTTP 400, code -2015") == 1


def test_a_cause_tells_what_to_do_about_failures_and_not_about_warnings() -> None:
    """A cause's fix comes before those of its failures; a warning keeps its own fix."""
    text = text_of(failing())
    failed, warned = text.split("What failed")[1].split("Warnings", 1)
    assert "What to do in general untick it." in failed
    assert "What to do: untick it." in warned.split("What could not")[0]
    assert (
        "What to do: untick it." in text_of(replace(failing(), diagnosis=())).split("What failed")[1].split("Warn")[0]
    )


def test_a_failure_is_shown_by_its_observation() -> None:
    """A failure is shown by its observation: the claim names the good state, which would be misleading beside FAIL."""
    assert "FAIL The key can withdraw funds Should be: The key cannot withdraw funds." in text_of(failing())
    long = replace(failing(), findings=[replace(failing().findings[1], detail="x" * 200)])
    assert f"Not so: The key cannot withdraw funds. Observed: X{'x' * 199}" in text_of(long)


def test_a_blocked_check_names_its_blocker_and_claims_nothing() -> None:
    """The page says of a blocked check that its claim is not known, and names the check that blocked it."""
    blocked = replace(failing().findings[4], check=replace(failing().findings[4].check, title="The key may trade."))
    text = text_of(replace(failing(), findings=[failing().findings[1], blocked]))
    assert "Not known, because it was not seen that the key cannot withdraw funds: whether the key may trade" in text
    assert "First check_1 has to pass." in text
    assert "The key may trade." not in text


def test_the_list_of_all_checks_states_no_claim_that_does_not_hold() -> None:
    """In the list of all checks, a claim that does not hold, or is not known, does not stand as a fact."""
    text = text_of(failing())
    text = text[text.index("All checks") :]
    assert "FAIL The key can withdraw funds Observed the key can withdraw funds Should be The key cannot" in text
    assert "UNPROVEN Not known: whether the key cannot withdraw funds. Observed" in text
    assert "BLOCKED Not known: whether the key cannot withdraw funds. Observed" in text
    assert "PASS The key cannot withdraw funds. Observed" in text
    assert "NOT APPLICABLE Not asked: whether the key cannot withdraw funds. Observed" in text


def test_every_check_stands_under_its_step() -> None:
    """Every check stands under its step, with its observation and its reason."""
    text = text_of(healthy())
    text = text[text.index("All checks") :]
    places = [text.index(f"{n} {NAMES[n]}") for n in range(1, STEPS + 1)]
    assert places == sorted(places)
    assert all(f"check_{n}" in text for n in range(1, STEPS + 1))
    assert "Observed seen Why it matters Why. Check check_1, critical, 0 ms" in text


def test_a_check_shows_the_requests_it_rests_on() -> None:
    """A check shows method, path, status, code, message and duration of its requests, or that it has none."""
    text = text_of(healthy())
    assert "check_1, critical, 0 ms Evidence asked nothing of its own" in text
    assert "check_2, critical, 0 ms Evidence GET /fapi/v1/ping HTTP 200, 40 ms 3 Clock" in text
    assert "POST /fapi/v1/order/test HTTP 400, code -4164, 60 ms: Order's notional must be no smaller than 50." in text
    twice = replace(healthy().findings[0], call_numbers=(1, 2, 1))
    assert "Evidence GET /fapi/v1/ping HTTP 200, 40 ms; HTTP 200, 40 ms POST" in text_of(
        replace(healthy(), findings=[twice])
    )


def test_a_passed_check_shows_no_fix() -> None:
    """A check that passed shows no fix on the page; one that failed does."""
    assert "What to do" not in text_of(healthy())
    text = text_of(failing())
    assert text[text.index("All checks") :].count("What to do untick it.") == 2


def test_a_number_of_no_request_is_no_evidence() -> None:
    """A finding with a request number that does not exist still has a page."""
    odd = replace(healthy().findings[0], call_numbers=(0, 99))
    assert "asked nothing of its own" in text_of(replace(healthy(), findings=[odd]))


@pytest.mark.parametrize("outcome", Outcome)
def test_an_outcome_is_understood_without_colour(outcome: Outcome) -> None:
    """An outcome is shown by a shape and a word, so that it is understood without colour."""
    finding = Finding(Check("a", 1, Severity.CRITICAL, "Title."), outcome, "seen", "b")
    text = page.render(replace(BLANK, findings=[finding]))
    assert MARKS[outcome] in text
    assert word(outcome) in text
    assert len(set(MARKS.values())) == len(Outcome)


def test_a_step_without_a_number_has_a_place() -> None:
    """A check whose file has no step number is shown under More."""
    finding = Finding(Check("a", 0, Severity.CRITICAL, "Title."), Outcome.PASS)
    assert "More" in text_of(replace(BLANK, findings=[finding]))


def test_the_page_has_the_facts_of_the_run() -> None:
    """The page has environment, symbol, key, drift, requests, weight, time and version of the run."""
    text = text_of(replace(failing(), waited_s=7))
    for fact in (
        "Environment production Symbol BTCUSDT Key HMAC, ending in Eh8A",
        "Clock drift The local clock is 37 ms behind the exchange's, give or take 21 ms",
        "Requests 3 sent, futures weight 3 of 2400 a minute, wallet weight 0",
        "Asked again GET /fapi/v1/ping (cut), and then it was answered: no fault of the key",
        "Waited 7 s for the rate limit's next minute",
        "When 2026-11-20 08:13:00 UTC, took 1312 ms How live Suite version 0.1.0",
    ):
        assert fact in text


def test_a_replay_says_what_was_recorded_when_and_where() -> None:
    """A replay's page says when and where its answers were recorded."""
    label = Label("mine", STARTED, "local exchange", "0.0.9", "production", "BTCUSDT", 5000, True, KeyFacts())
    text = text_of(replace(BLANK, mode="replay", cassette=label))
    assert text.count("replay of mine, recorded 2026-11-20 08:13:00 UTC from local exchange by version 0.0.9") == 2


def test_a_recording_does_not_call_itself_a_replay() -> None:
    """A recording's answers came from the exchange in this run, so its page does not mention a replay."""
    label = Label("mine", STARTED, "production", "0.1.0", "production", "BTCUSDT", 5000, True, KeyFacts())
    text = text_of(replace(BLANK, mode="record", cassette=label))
    assert "replay" not in text
    assert "live, recorded as it ran" in text


def test_a_demo_run_says_so_and_why_it_knows_no_permissions() -> None:
    """A demo run's page says so, and that the wallet's permissions are unknown."""
    text = text_of(REPORTS["demo"])
    assert text.count("demo (Binance's test network, no real funds)") == 2
    assert "the test network has no wallet API" in text


def test_a_key_without_a_secret_has_no_type() -> None:
    """Without a secret the key's type is described in words, and not as None."""
    text = text_of(replace(BLANK, key=KeyFacts(last_four="Eh8A")))
    assert "Eh8A" in text
    assert "None" not in text


def test_the_text_for_a_ticket_is_there_to_be_copied() -> None:
    """The page has the text for a ticket word for word, if there is one."""
    assert (
        "Copy this for a ticket\n# NOT OK\n- one < two\n" in Tags(page.render(failing(), "# NOT OK\n- one < two")).text
    )
    assert "Copy this" not in text_of(failing())


# -- pytest-html --


def test_the_section_is_the_head_of_the_page() -> None:
    """The section for pytest-html has the same verdict, causes and failures as the page."""
    whole, section = text_of(failing()), " ".join(Tags(page.render_section(failing())).text.split())
    assert section in whole
    assert "At a glance" not in section


def test_a_row_of_pytest_html_names_the_claim() -> None:
    """A row of pytest-html has the escaped claim, or what was seen; a test that is not a check keeps its node id."""
    failed = failing().findings[1]
    for cells, texts in (
        (table.cells(hostile().findings[0], "suite/test_a.py::test_a"), ["critical", HOSTILE]),
        (table.cells(failed, "suite/test_a.py::test_a"), ["critical", "The key can withdraw funds"]),
        (table.cells(None, HOSTILE), ["", HOSTILE]),
    ):
        assert [Tags(cell).text for cell in cells] == texts
        assert [Tags(cell).tags for cell in cells] == [["td"]] * len(table.HEAD)


def test_the_page_lists_changed_claims_since_an_earlier_run() -> None:
    """With --compare the page lists changed claims, or says that nothing changed."""
    report = compared()
    text = page.render(report)
    for part in ("Since NOT_OK of", "No longer holds", "Still does not hold", "Holds now"):
        assert part in text
    assert "Since" not in page.render(replace(report, comparison=None))
    assert report.comparison
    unchanged = replace(
        report, comparison=Comparison(replace(report.comparison.previous, outcomes={"a": Outcome.PASS}))
    )
    assert "Nothing changed." in page.render(unchanged)


def test_a_cause_shows_its_fixed_name() -> None:
    """A cause shows the fixed name by which scripts and manuals know it."""
    assert "<code>withdrawals_enabled</code>" in page.render(failing())
