"""verdict.json holds every field of the contract, and null where nothing is known."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from keycheck.cassettes.label import Label
from keycheck.credentials.pasted_text import KeyFacts
from keycheck.diagnosis.cause import RUN_NOT_FINISHED, Confidence, Diagnosis
from keycheck.errors import NotSent
from keycheck.exchange.endpoints import Host
from keycheck.exchange.evidence import Call
from keycheck.redaction.redactor import Redactor
from keycheck.report import model, verdict_json
from keycheck.report.folder_lock import VERDICT_FILE, Hold
from keycheck.report.model import NOTED, RunReport
from keycheck.run.catalogue import Catalogue
from keycheck.run.open_session import Options
from keycheck.run.run import NewRun
from keycheck.settings import loading
from keycheck.verdict.comparison import Comparison, Previous
from keycheck.verdict.findings import Check, Finding, Outcome, Severity
from keycheck.verdict.weighing import Verdict
from tests.sample_reports import CUT, PING, healthy

SCHEMA = Path(verdict_json.__file__).with_name("verdict.schema.json")
TOP = (
    *("ok", "pingOk", "driftOk", "driftMs", "futuresPermission", "withdrawEnabled", "withdrawSafe"),
    *("ipRestrictEnabled", "positionMode", "canTrade", "stepSize", "minNotional", "testOrderOk"),
    *("verdict", "schemaVersion", "suiteVersion", "startedAt", "durationMs", "mode", "cassette"),
    *("environment", "symbol", "exchange", "comparison", "key", "checks", "diagnosis", "requests"),
)
HEADER = Label("healthy", "2026-11-20T08:13:00Z", "demo", "0.1.0", "demo", "BTCUSDT", 5000, False, KeyFacts())
CHECK = Check("key_is_fit", 4, Severity.CRITICAL, "The key is fit.", "It matters.", "Mend it.")
BLANK = RunReport(Verdict.UNPROVEN, "0.1.0", "2026-11-20T08:13:00Z", diagnosis=(RUN_NOT_FINISHED,))


def call(host: Host, weight: int) -> Call:
    """A request."""
    return Call("GET", "/fapi/v1/ping", host, weight, 200, None, "", 12)


FULL = RunReport(
    Verdict.NOT_OK,
    "0.1.0",
    "2026-11-20T08:13:00Z",
    duration_ms=1234,
    mode="replay",
    cassette=HEADER,
    environment="demo",
    symbol="币安人生USDT",
    key=KeyFacts(type="HMAC", last_four="Eh8A"),
    findings=[
        Finding(CHECK, Outcome.FAIL, "seen", duration_ms=5),
        Finding(Check("next", 5, Severity.INFORMATIONAL, "Next."), Outcome.BLOCKED, "", "key_is_fit"),
    ],
    notes={"pingOk": True, "driftMs": -7000, "stepSize": "0.00100", "positionMode": "HEDGE"},
    calls=[call(Host.FUTURES, 5), call(Host.FUTURES, 1), call(Host.WALLET, 1)],
    weight_limit=2400,
    diagnosis=[Diagnosis("read_only_key", Confidence.LIKELY, "It reads.", ("HTTP 401 from 203.0.113.7",), "Tick.")],
    permissions={"enableFutures": True},
    exchange="binance",
)
COMPARED = replace(
    FULL,
    exchange="local",
    comparison=Comparison(
        Previous(Verdict.NOT_OK, "2026-11-19T08:13:00Z", None, None, None, {}), broke=("next",), unseen=("key_is_fit",)
    ),
)


def test_a_diagnosis_is_written_with_all_its_fields() -> None:
    """A diagnosis has cause, confidence, explanation, evidence and fix; when shared, none of it shows an address."""
    expected = {
        "cause": "read_only_key",
        "confidence": "likely",
        "explanation": "It reads.",
        "evidence": ["HTTP 401 from 203.0.113.7"],
        "fix": "Tick.",
    }
    assert verdict_json.as_dict(FULL)["diagnosis"] == [expected]
    assert "203.0.113.7" not in verdict_json.render(FULL.masked(Redactor().clean_shared))


def test_a_comparison_is_written_with_its_lists() -> None:
    """`comparison` names the earlier run, and lists ids by their change; it is null without --compare."""
    previous = Previous(Verdict.OK, "2026-11-19T08:13:00Z", "production", "BTCUSDT", "Eh8A", {})
    found = Comparison(previous, ("a",), ("b", "c"), ("d",), ("e",), ("f",), ("g",), ("h",))
    assert verdict_json.as_dict(replace(FULL, comparison=found))["comparison"] == {
        "against": {"verdict": "OK", "startedAt": "2026-11-19T08:13:00Z"},
        "broke": ["b", "c"],
        "firstSeenFailing": ["f"],
        "stillFails": ["d"],
        "nowWarns": ["g"],
        "stillWarns": ["h"],
        "fixed": ["a"],
        "notSeenNow": ["e"],
    }
    assert verdict_json.as_dict(FULL)["comparison"] is None


def test_fields_come_in_the_order_of_the_contract() -> None:
    """The verdict comes first in the file."""
    assert tuple(verdict_json.as_dict(BLANK)) == TOP
    assert tuple(verdict_json.as_dict(FULL)) == TOP


def test_unknown_fields_are_null() -> None:
    """Unknown fields are null and never left out, so that a script need not test for their presence."""
    document = verdict_json.as_dict(BLANK)
    assert all(document[name] is None for name in (*NOTED, "cassette", "environment", "symbol"))
    assert document["key"] == {"type": None, "lastFour": None}
    assert document["checks"] == []
    assert document["requests"] == {"count": 0, "futuresWeight": 0, "walletWeight": 0, "futuresWeightLimit": None}


def test_known_facts_are_written_as_noted() -> None:
    """Known facts are written as noted, and figures of the exchange as strings."""
    document = verdict_json.as_dict(FULL)
    assert (document["verdict"], document["ok"], document["mode"]) == ("NOT_OK", False, "replay")
    assert (document["driftMs"], document["stepSize"], document["schemaVersion"]) == (-7000, "0.00100", 1)
    assert document["cassette"] == {"name": "healthy", "recordedAt": HEADER.recorded_at, "recordedFrom": "demo"}
    assert document["key"] == {"type": "HMAC", "lastFour": "Eh8A"}
    assert document["requests"] == {"count": 3, "futuresWeight": 6, "walletWeight": 1, "futuresWeightLimit": 2400}
    assert document["checks"][0] == {
        "id": "key_is_fit",
        "step": 4,
        "severity": "critical",
        "outcome": "fail",
        "title": "The key is fit.",
        "why": "It matters.",
        "detail": "seen",
        "fix": "Mend it.",
        "blockedBy": None,
        "durationMs": 5,
    }
    assert document["checks"][1]["blockedBy"] == "key_is_fit"


def test_a_request_that_a_limit_held_back_is_not_counted() -> None:
    """A request that a limit held back never left this machine, so it is not counted."""
    held_back = replace(CUT, trouble=NotSent.kind, weight=5)
    document = verdict_json.as_dict(replace(healthy(), calls=[PING, held_back]))
    assert (document["requests"]["count"], document["requests"]["futuresWeight"]) == (1, 1)


@pytest.mark.parametrize("verdict", Verdict)
def test_ok_is_true_only_for_ok(verdict: Verdict) -> None:
    """UNPROVEN is not OK: `ok` is true only for OK."""
    document = verdict_json.as_dict(RunReport(verdict, "0.1.0", "2026-11-20T08:13:00Z"))
    assert document["ok"] is (verdict is Verdict.OK)
    assert document["verdict"] == verdict.value


def test_a_note_without_a_field_of_its_own_is_left_out() -> None:
    """A check's note without a field in verdict.json is left out."""
    assert "balance" not in verdict_json.as_dict(RunReport(Verdict.OK, "0", "0", notes={"balance": "9000"}))
    assert set(model.NOTED) <= set(TOP)


@pytest.mark.parametrize("report", [BLANK, FULL], ids=["blank", "full"])
def test_the_text_is_json_in_utf_8(report: RunReport) -> None:
    """The text is JSON in UTF-8 with a line end at its end; symbols are not escaped."""
    text = verdict_json.render(report)
    assert json.loads(text) == verdict_json.as_dict(report)
    assert text.endswith("}\n")
    assert (report.symbol or "null") in text


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("diagnosis", [(), FULL.diagnosis], ids=["no cause", "a cause"])
def test_a_verdict_has_a_cause_unless_it_is_ok(verdict: Verdict, diagnosis: tuple[Diagnosis, ...]) -> None:
    """The schema demands a cause for every verdict but OK."""
    document = verdict_json.as_dict(replace(FULL, verdict=verdict, diagnosis=diagnosis))
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    fits = jsonschema.validators.validator_for(schema)(schema).is_valid(document)
    assert fits is ((verdict is Verdict.OK) is (diagnosis == ()))


@pytest.mark.parametrize("report", [BLANK, FULL, COMPARED], ids=["blank", "full", "compared"])
def test_the_published_schema_describes_it(report: RunReport) -> None:
    """The schema that is shipped with the code describes any report, even of a run that ended before it began."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    validator(schema).validate(verdict_json.as_dict(report))


@pytest.mark.parametrize(
    "detail",
    [
        'bad query "timestamp=1&signature=abc"',
        'header "X-MBX-APIKEY": "abc"',
        '{"listenKey":"abc"}',
        "a\\signature=b\\",
        "listenKey",
        "signature=",
        '"',
        "203.0.113.7:8080 [::1] \\u203.0.113.7",
    ],
)
def test_verdict_json_is_valid_with_any_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, detail: str) -> None:
    """verdict.json is valid JSON, even if the exchange's texts with quotes had to be cleaned."""
    for name in loading.NAMES:
        monkeypatch.delenv(name, raising=False)
    options = Options(tmp_path / ".env", False, tmp_path / "reports", tmp_path)
    hold = Hold(options.report_dir)
    run = NewRun(options, Catalogue((CHECK,)), Redactor(), hold).open()
    run.add(Finding(CHECK, Outcome.FAIL, detail))
    run.write(run.finish(whole=True))
    run.close()
    hold.release()
    document = json.loads((tmp_path / "reports" / VERDICT_FILE).read_text(encoding="utf-8"))
    assert tuple(document) == TOP
    assert document["verdict"] == "NOT_OK"
    assert set(document["checks"][0]) == set(verdict_json.as_dict(FULL)["checks"][0])
