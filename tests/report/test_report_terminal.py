"""The terminal shows the checks that did not pass, the fixes, and the verdict."""

from dataclasses import replace
from typing import Any

import pytest

from keycheck.cassettes.label import Label
from keycheck.credentials.pasted_text import KEY, SECRET, KeyFacts
from keycheck.diagnosis.cause import Confidence, Diagnosis
from keycheck.exchange.endpoints import Host
from keycheck.exchange.evidence import Call
from keycheck.report import terminal, wording
from keycheck.report.model import SENTENCES, RunReport
from keycheck.verdict.findings import Check, Finding, Outcome, Severity
from keycheck.verdict.weighing import Verdict

HEADER = Label("healthy", "2026-11-20T08:13:00Z", "demo", "0.1.0", "demo", "BTCUSDT", 5000, False, KeyFacts())
STARTED = "2026-11-20T08:13:00Z"


def finding(name: str, outcome: Outcome, by: str | None = None) -> Finding:
    """A finding whose texts name its check."""
    check = Check(name, 1, Severity.CRITICAL, f"Title of {name}.", "Why.", f"Remedy of {name}.")
    return Finding(check, outcome, f"Detail of {name}.", by)


def lines(*findings: Finding, verdict: Verdict = Verdict.NOT_OK, width: int = 80) -> list[str]:
    """The lines of the summary of these findings."""
    report = RunReport(verdict, "0.1.0", STARTED, findings=findings)
    return [text for text, _ in terminal.summary(report, "reports/report.html", width)]


@pytest.mark.parametrize("outcome", Outcome)
def test_an_outcome_has_a_word_and_a_style(outcome: Outcome) -> None:
    """An outcome is shown in upper case, without underscores, in a colour that pytest knows."""
    assert wording.word(outcome).replace(" ", "_").lower() == outcome.value
    assert terminal.STYLES[outcome] in ("green", "red", "yellow", "purple", "cyan")


def test_failures_come_first_and_the_verdict_last() -> None:
    """Failures come first, then unproven checks, then warnings, then the verdict; passed checks are not repeated."""
    found = lines(
        finding("a", Outcome.WARN),
        finding("b", Outcome.UNPROVEN),
        finding("c", Outcome.FAIL),
        finding("d", Outcome.PASS),
        finding("e", Outcome.NOT_APPLICABLE),
        finding("f", Outcome.BLOCKED, "c"),
    )
    text = "\n".join(found)
    places = [text.index(part) for part in ("[c]", "[b]", "[a]", "BLOCKED", "NOT_OK:")]
    assert places == sorted(places)
    assert "[d]" not in text
    assert "1 pass" in text
    assert "1 not applicable" in text
    assert found[-1] == "Report: reports/report.html"


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.WARN, Outcome.UNPROVEN])
def test_only_a_claim_that_was_seen_not_to_hold_has_a_fix(outcome: Outcome) -> None:
    """An unproven check shows no fix of its own: its detail and the causes say what to do."""
    text = "\n".join(lines(finding("a", outcome)))
    assert ("What stood in the way: Detail of a." in text) is (outcome is Outcome.UNPROVEN)
    assert "[a]" in text
    assert ("Fix: Remedy of a." in text) is (outcome is not Outcome.UNPROVEN)


def test_a_blocker_is_named_with_the_number_of_checks_that_it_blocks() -> None:
    """A blocker is named once, with the number of checks that it blocks."""
    text = "\n".join(lines(*(finding(name, Outcome.BLOCKED, "first") for name in ("a", "b", "c"))))
    assert text.count("first") == 1
    assert "BLOCKED  3 checks, because first did not pass" in text


def test_no_claim_is_stated_that_was_not_seen_to_hold() -> None:
    """A failure begins with its observation, or with `Not so` if that is long; an open claim with `Not known`."""
    text = "\n".join(lines(finding("a", Outcome.FAIL), finding("b", Outcome.UNPROVEN), finding("c", Outcome.WARN)))
    assert "FAIL     Detail of a. [a]\n         Should be: Title of a." in text
    assert "UNPROVEN Not known: whether title of b. [b]\n         What stood in the way: Detail of b." in text
    assert "WARN     Detail of c. [c]" in text
    long = lines(replace(finding("a", Outcome.FAIL), detail="x " * 100))
    assert long[0] == "FAIL     Not so: Title of a. [a]"
    assert long[1].startswith("         Observed: X x")


def test_a_finding_does_not_repeat_what_a_cause_says() -> None:
    """A finding repeats no evidence of a cause, and a failure that a cause explains has no general fix."""
    call = Call("GET", "/fapi/v1/time", Host.FUTURES, 1, 401, -2015, "Invalid", 5)
    told = [replace(finding("a", Outcome.FAIL), call_numbers=(1,)), *(finding(name, Outcome.WARN) for name in "bc")]
    one = Diagnosis("ip_not_allowed", Confidence.LIKELY, "So detail of c. it is.", (str(call),), "Add it.")
    two = Diagnosis("unknown_contract", Confidence.LIKELY, "Why.", ("b: Detail of b.",), "Set it.")
    for diagnosis, repeated in (((one, two), False), ((), True)):
        report = RunReport(Verdict.NOT_OK, "0.1.0", STARTED, findings=told, calls=[call], diagnosis=diagnosis)
        text = "\n".join(line for line, _ in terminal.summary(report, "reports/report.html"))
        assert ("FAIL     Not so: Title of a. [a]" in text) is not repeated
        assert ("Fix: Remedy of a." in text) is repeated
        assert ("Fix: Remedy of b." in text) is repeated
        assert ("Fix: Remedy of c." in text) is repeated
        assert text.count("Detail of b.") == 1
        assert text.lower().count("detail of c.") == 1


def test_a_diagnosis_stands_first() -> None:
    """Causes stand first, in their order and in words; evidence that two of them share is shown once."""
    found = [
        Diagnosis(cause, Confidence.POSSIBLE, f"About {cause}.", ("HTTP 401",), f"Mend {cause}.")
        for cause in ("unknown_key", "ip_not_allowed")
    ]
    report = RunReport(Verdict.NOT_OK, "0.1.0", STARTED, findings=[finding("a", Outcome.FAIL)], diagnosis=found)
    text = "\n".join(line for line, _ in terminal.summary(report, "reports/report.html", 120))
    parts = (
        "WHY",
        "1.       Binance does not know the key: mistyped, deleted or expired (possible) [unknown_key]",
        "Seen: HTTP 401",
        "Mend unknown_key.",
        "2.       This machine's address is not on the key's list (possible) [ip_not_allowed]",
        "FAIL",
        "NOT_OK:",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert text.count("HTTP 401") == 1


def test_an_answer_that_came_at_the_second_try_is_mentioned() -> None:
    """A request that was answered at the second attempt is mentioned once, and not as a problem."""
    failed = Call("GET", "/fapi/v1/time", Host.FUTURES, 1, 502, None, "trouble", 5, trouble="exchange_trouble")
    answered = Call("GET", "/fapi/v1/time", Host.FUTURES, 1, 200, None, "", 5)
    for calls, mentioned in (([failed, answered], True), ([answered, failed], False), ([answered], False)):
        report = RunReport(Verdict.OK, "0.1.0", STARTED, calls=calls)
        text = "\n".join(line for line, _ in terminal.summary(report, "reports/report.html"))
        assert ("only when asked again" in text) is mentioned


@pytest.mark.parametrize("verdict", Verdict)
def test_the_verdict_is_a_word_and_a_sentence(verdict: Verdict) -> None:
    """The verdict is shown as a word and a sentence, even if no check was run."""
    text = "\n".join(lines(verdict=verdict))
    assert f"{verdict.value}: {SENTENCES[verdict]}" in text
    assert "no check was run" in text


NOTHING_KNOWN = "This machine does not reach Binance, so nothing is known about the key."
UNSHOWN = SENTENCES[Verdict.UNPROVEN]


@pytest.mark.parametrize(
    ("verdict", "causes", "changes", "expected"),
    [
        (Verdict.NOT_OK, ["no_credentials"], {"key": KeyFacts(missing=(KEY, SECRET))}, "No key was given, so none was"),
        (
            Verdict.NOT_OK,
            ["no_credentials"],
            {"key": KeyFacts(missing=(SECRET,))},
            "The key's secret was not given, so",
        ),
        (
            Verdict.NOT_OK,
            ["clock_behind"],
            {},
            "No key is fit to trade USD-M futures from this machine while its clock",
        ),
        (Verdict.NOT_OK, ["clock_behind", "withdrawals_enabled"], {}, SENTENCES[Verdict.NOT_OK]),
        (Verdict.NOT_OK, ["restricted_location"], {}, "Binance does not serve USD-M futures in the place where"),
        (Verdict.UNPROVEN, ["not_binance"], {}, NOTHING_KNOWN),
        (Verdict.UNPROVEN, ["not_binance"], {"notes": {"pingOk": True}}, UNSHOWN),
        (
            Verdict.UNPROVEN,
            ["unknown_contract"],
            {"notes": {"pingOk": True}},
            "The exchange does not list the contract",
        ),
        (Verdict.UNPROVEN, ["clock_behind"], {}, UNSHOWN),
        (Verdict.UNPROVEN, ["checks_not_run"], {"not_run": "9 of 26 checks were not run"}, f"{UNSHOWN[:-1]}: 9 of 26"),
        (
            Verdict.UNPROVEN,
            ["checks_not_run", "tls_failure"],
            {"not_run": "9 of 26"},
            f"{NOTHING_KNOWN[:-1]}: 9 of 26.",
        ),
    ],
    ids=str,
)
def test_the_sentence_blames_the_key_only_if_a_cause_lies_in_it(
    verdict: Verdict, causes: list[str], changes: dict[str, Any], expected: str
) -> None:
    """The verdict's sentence says that a key is not fit only if a cause lies in the key."""
    found = [Diagnosis(cause, Confidence.CERTAIN, "Why.", (), "Do.") for cause in causes]
    report = RunReport(verdict, "0.1.0", STARTED, diagnosis=found, **changes)
    assert report.sentence.startswith(expected)
    assert f"{verdict.value}: {expected}" in "\n".join(line for line, _ in terminal.summary(report, "r"))


@pytest.mark.parametrize("width", [10, 40, 80, 200])
def test_paragraphs_keep_to_the_width(width: int) -> None:
    """Paragraphs keep to the width, down to 40 columns; below that, words would not fit."""
    long = finding("a", Outcome.FAIL)
    text = Finding(long.check, long.outcome, "words and more words " * 40)
    wrapped = [line for line in lines(text, width=width) if line.startswith("   ")]
    assert wrapped
    assert all(len(line) <= max(width, 49) for line in wrapped)


@pytest.mark.parametrize(
    ("report", "parts"),
    [
        (
            RunReport(Verdict.OK, "0.1.0", STARTED, environment="production", symbol="BTCUSDT"),
            ["key: without secret", "live: h"],
        ),
        (RunReport(Verdict.OK, "0.1.0", STARTED, key=KeyFacts(missing=("BINANCE_API_KEY",))), ["key: none"]),
        (RunReport(Verdict.OK, "0.1.0", STARTED, environment="demo", symbol="X"), ["no real funds"]),
        (RunReport(Verdict.OK, "0.1.0", STARTED, mode="record", cassette=HEADER), ["recording: h"]),
        (
            RunReport(Verdict.OK, "0.1.0", STARTED, mode="replay", cassette=HEADER),
            ["replay of healthy, recorded 2026-11-20T08:13:00Z from demo"],
        ),
        (RunReport(Verdict.OK, "0.1.0", STARTED, key=KeyFacts(type="HMAC", last_four="Eh8A")), ["HMAC", "Eh8A"]),
        (RunReport(Verdict.OK, "0.1.0", STARTED, key=KeyFacts(last_four="Eh8A")), ["key: without secret", "Eh8A"]),
    ],
)
def test_the_header_says_what_is_tested(report: RunReport, parts: list[str]) -> None:
    """The header names environment, symbol, key and the origin of the answers."""
    text = "\n".join(terminal.header(report, ["h"]))
    assert all(part in text for part in parts)
