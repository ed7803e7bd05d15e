"""Reports stay well formed and reveal nothing, with any characters in a secret or a listen key."""

import json
import string
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keycheck.cassettes.label import Label
from keycheck.cassettes.player import Player
from keycheck.cassettes.recorder import Recorder
from keycheck.credentials.pasted_text import KeyFacts
from keycheck.exchange.answers import RawAnswer
from keycheck.exchange.endpoints import ACCOUNT_CONFIG, Endpoint
from keycheck.redaction.redactor import RUN, Redactor
from keycheck.redaction.secret import Secret
from keycheck.report import page, summary, verdict_json
from keycheck.report.folder import ReportFolder
from keycheck.report.folder_lock import Hold
from keycheck.report.model import RunReport
from keycheck.run import catalogue, vocabulary
from keycheck.verdict.findings import Finding, Outcome
from tests.examples import examples
from tests.exchange import API_KEY, API_SECRET, Fault, LocalExchange, Scenario
from tests.matrix import mostly_slow
from tests.running import ROOT, SuiteRunner
from tests.sample_reports import compared

CATALOGUE = catalogue.read(ROOT / "suite")
OURS = vocabulary.of(CATALOGUE)
SCHEMA = json.loads(Path(verdict_json.__file__).with_name("verdict.schema.json").read_text(encoding="utf-8"))
LABEL = Label("mine", "2026-11-20T08:13:00Z", "demo", "0.1.0", "demo", "BTCUSDT", 5000, False, KeyFacts())


def report(*said: str) -> RunReport:
    """A report with every check of suite/, with `said` as the text from outside."""
    whole = compared()
    texts = [" ".join(("seen:", *said)), "the futures API answered", ""]
    findings = [
        Finding(check, outcome, texts[n % 3], "futures_api_answers" if outcome is Outcome.BLOCKED else None)
        for n, check in enumerate(CATALOGUE.checks)
        for outcome in [list(Outcome)[n % len(Outcome)]]
    ]
    calls = [replace(call, message=texts[n % 3]) for n, call in enumerate(whole.calls)]
    causes = [replace(one, evidence=(*one.evidence, texts[0]), cause="trading_barred") for one in whole.diagnosis]
    notes = {"pingOk": True, "driftMs": -37, "stepSize": "0.00100", "positionMode": "HEDGE", "minNotional": said[0]}
    return replace(whole, findings=findings, calls=calls, diagnosis=causes, notes=notes)


PLAIN = report("nothing")
DRAWN = summary.render(PLAIN) + page.render(PLAIN, summary.render(PLAIN)) + verdict_json.render(PLAIN)
LENGTH = 64


@cache
def words() -> list[str]:
    """Our own names and the signs of every format, from which the tests make secrets."""
    signs = ['"', '": ', '",\n      "', "{", "}", "[", "]", "<", "</", ">", "&#34;", "'", "`", "- ", ": ", ", ", "\n  "]
    names = ["schemaVersion", "suiteVersion", "withdrawals_are_disabled", "pass", "NOT_OK", "null", "true", "detail"]
    return [*signs, *names, "[hidden]", "class=", "kc-", "not_applicable", "2026-11-20T08:13:00Z", "the futures API"]


alphabet = st.text(string.ascii_letters + string.digits, min_size=LENGTH, max_size=LENGTH)
made_of_ours = st.lists(st.sampled_from(words()) | alphabet, min_size=LENGTH).map(lambda parts: "".join(parts)[:LENGTH])
cut_out = st.integers(0, len(DRAWN) - LENGTH).map(lambda at: DRAWN[at : at + LENGTH])
anything = st.text(min_size=LENGTH, max_size=LENGTH)


def runs_of(secret: str) -> Iterable[str]:
    """The runs of a secret in lower case, forwards and backwards, without those that our own texts hold."""
    ways = (secret.lower(), secret.lower()[::-1])
    found = {way[i : i + RUN] for way in ways for i in range(len(way) - RUN + 1)}
    return {run for run in found if " ".join(run.split()) not in OURS}


def leaves(value: Any) -> Iterable[str]:
    """All texts of a JSON value."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    elif isinstance(value, str):
        yield value


def form_of(value: Any, name: str = "") -> Any:
    """A JSON value with its texts for people emptied."""
    if isinstance(value, dict):
        return {inner: form_of(one, inner) for inner, one in value.items()}
    if isinstance(value, list):
        return [form_of(one, name) for one in value]
    return "" if name in verdict_json._TEXTS else value


class Form(HTMLParser):
    """The tags of a page, with the names of their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[Any] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, [name for name, _ in attrs]))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(tag)


@pytest.mark.slow
@settings(max_examples=examples(40))
@given(alphabet | made_of_ours | cut_out | anything, st.booleans())
@example("schemaVersion-suiteVersion", False)
@example("withdrawals_are_disabled", True)
@example('"schemaVersion": 1,', True)
@example('"detail": "the futures API answered",\n      "fix": "', False)
def test_reports_stay_well_formed_and_hide_the_secret(secret: str, is_told: bool) -> None:
    """verdict.json is valid and complete, and each file is written, with any secret."""
    redactor = Redactor([secret], vocabulary=lambda: OURS)
    shared = report(secret if is_told else "nothing").masked(redactor.clean_shared)
    with tempfile.TemporaryDirectory() as name:
        hold = Hold(Path(name))
        ReportFolder(hold, redactor).write(shared)
        hold.release()
        files = {path.name: path.read_text(encoding="utf-8") for path in Path(name).iterdir()}
    verdict = json.loads(files["verdict.json"])
    jsonschema.validate(verdict, SCHEMA)
    assert form_of(verdict) == form_of(json.loads(verdict_json.render(PLAIN)))
    assert Form(files["report.html"]).tags == Form(page.render(PLAIN, summary.render(PLAIN))).tags
    runs = runs_of(secret)
    assert not [run for text in leaves(verdict) for run in runs if run in text.lower()]
    if secret.isalnum():
        assert not [run for text in files.values() for run in runs if run in text.lower()]


@pytest.mark.parametrize("length", [10, 20, 23])
def test_a_piece_of_a_credential_in_a_docstring_is_still_hidden(length: int, tmp_path: Path) -> None:
    """A piece of a credential in a check's docstring is still hidden."""
    piece = API_KEY[20 : 20 + length]
    text = f'import pytest\n\n@pytest.mark.critical\ndef test_x():\n    """The key {piece} is good."""\n'
    (tmp_path / "test_8_x.py").write_text(text, encoding="utf-8")
    redactor = Redactor([API_KEY], vocabulary=lambda: vocabulary.of(catalogue.read(tmp_path)))
    assert redactor.finds(f"The key {piece} is good.")


LETTERS = "qwertzuiopasdfghjklyxcvbnmQWERTZUIOPASDFGHJKLYXCVBNMqwertzuiopas"


@pytest.mark.parametrize("cut", [slice(None), slice(16), slice(20, 40), slice(48, 64)])
@pytest.mark.parametrize("place", ["title", "why", "fix", "id"])
def test_letters_of_a_credential_in_a_check_are_still_hidden(place: str, cut: slice, tmp_path: Path) -> None:
    """Sixteen letters in a row of a secret without digits are still hidden, even from a check's docstring."""
    piece = LETTERS[cut]
    stands = dict.fromkeys(("title", "why", "fix"), "It holds.") | {place: f"As {piece} says."}
    name = piece if place == "id" and len(piece) == LENGTH else "x"
    docstring = f'"""{stands["title"]}\n\n    {stands["why"]}\n\n    Fix: {stands["fix"]}\n    """'
    text = f"import pytest\n\n@pytest.mark.critical\ndef test_{name}():\n    {docstring}\n"
    (tmp_path / "test_8_x.py").write_text(text, encoding="utf-8")
    redactor = Redactor([LETTERS], vocabulary=lambda: vocabulary.of(catalogue.read(tmp_path)))
    assert redactor.finds(f"As {piece} says.")
    assert piece not in redactor.clean(f"As {piece} says.")


def test_a_credential_in_a_source_file_is_still_hidden(tmp_path: Path) -> None:
    """A credential in a plugin's source is still hidden: a word longer than any name is not vocabulary."""
    (tmp_path / "app.js").write_text(f"const resultsTableRow = 1, x = '{LETTERS}'", encoding="utf-8")
    words = vocabulary.of(CATALOGUE, [tmp_path])
    assert "resultstablerow" in words
    assert Redactor([LETTERS], vocabulary=lambda: words).finds(LETTERS)
    assert not Redactor(["=" * 64], vocabulary=lambda: words).finds(f"{'=' * 30} x {'=' * 64}")
    assert not Redactor(["resultsTableRow"], vocabulary=lambda: words).finds("resultsTableRow")


OF_PAGES = {
    "lines": "=" * 64,
    "dashes": "-" * 64,
    "a picture": "A" * 64,
    "a style sheet": "background-color: #fff; border: 1px solid #e6e6e6; display: none;",
    "a script": "initCollapsiblesinitRendertestIdresultsTableRowdataJsonblobaddEvent",
    "a name in a script": "resultsTableRow",
    "a template": 'Report generated on <span id="test-count">There are still tests run',
}


@pytest.mark.slow
@pytest.mark.parametrize("secret", OF_PAGES.values(), ids=OF_PAGES)
def test_a_secret_that_equals_a_text_of_pytest_html_changes_no_file(secret: str, suite: SuiteRunner) -> None:
    """A secret that equals a text of pytest-html changes neither its page nor JUnit's file nor the terminal's lines."""
    junit, html = suite.folder / "junit.xml", suite.folder / "page.html"
    options = (f"--junitxml={junit}", "-o", "junit_logging=all", f"--html={html}", "--self-contained-html", "-rA")
    with LocalExchange() as exchange:
        settings_ = exchange.settings() | {"BINANCE_API_SECRET": secret}
        done = suite(*options, settings=settings_, all_plugins=True)
    assert done.exit_status == 1, done.output
    assert junit.exists()
    assert html.exists()
    assert "[hidden]==" not in done.output


class OneAnswer:
    """A transport with one answer to every request."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self._raw = RawAnswer(status, {"content-type": "application/json"}, json.dumps(body).encode())

    def send(self, endpoint: Endpoint, query: Secret, api_key: Secret | None, seconds: float) -> RawAnswer:  # noqa: ARG002  the interface of a transport
        return self._raw


@pytest.mark.slow
@settings(max_examples=examples(40))
@given(alphabet | made_of_ours | anything)
@example("interactions:\n- request:\n    body: null\n    headers: {}\n    me")
@example("&positionSide=BOTH&type=MARKET&quantity=0.001&recvWindow=5000")
def test_a_cassette_can_be_replayed_and_hides_the_secret(secret: str) -> None:
    """A cassette replays as it was recorded, except for the secret, and a scan of it finds no secret."""
    redactor = Redactor([secret], vocabulary=lambda: OURS)
    answer = {"code": -9999, "msg": f"no: {secret}"}
    query = Secret("symbol=BTCUSDT&side=BUY&positionSide=BOTH&type=MARKET&quantity=0.001&recvWindow=5000&timestamp=5")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "mine.yaml"
        recorder = Recorder(path, LABEL, redactor, OneAnswer(400, answer))
        recorder.send(ACCOUNT_CONFIG, query, None, 1)
        text = recorder.text()
        assert not recorder.finds_secrets(text)
        path.write_text(text, encoding="utf-8")
        said = json.loads(Player(path).send(ACCOUNT_CONFIG, query, None, 1).body)
    assert said["code"] == -9999
    assert not [run for run in runs_of(secret) if run in said["msg"].lower()]


ODD = {
    "listen key of names": ("", "schemaVersion-suiteVersion"),
    "listen key that is a check": ("", "withdrawals_are_disabled"),
    "secret of JSON": ('"schemaVersion": 1,', ""),
    "secret of names": ("withdrawals_are_disabled and key_is_restricted_to_known_ips", ""),
    "secret of JUnit": ('<testcase classname="suite.test_4_permissions" name="test_withdr', ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("odd", mostly_slow(ODD, 1))
def test_a_run_with_an_odd_secret_keeps_all_its_files(odd: str, suite: SuiteRunner) -> None:
    """With an odd secret no name is cut out of verdict.json, no file is deleted, and the verdict stands."""
    secret, listen_key = ODD[odd]
    faults = {"/fapi/v1/listenKey": Fault.body(json.dumps({"listenKey": listen_key}).encode())} if listen_key else {}
    junit, cassette = suite.folder / "junit.xml", suite.folder / "recorded.yaml"
    with LocalExchange(Scenario(faults=faults)) as exchange:
        given_settings = exchange.settings() | ({"BINANCE_API_SECRET": secret} if secret else {})
        done = suite(
            f"--junitxml={junit}", "-o", "junit_logging=all", "--record", str(cassette), settings=given_settings
        )
    assert done.exit_status == (1 if secret else 0)
    jsonschema.validate(done.verdict, SCHEMA)
    assert len(done.outcomes) == len(CATALOGUE.checks)
    assert "[hidden]" not in "".join(done.outcomes)
    names = {case.get("name") for case in ET.parse(junit).getroot().iter("testcase")}  # noqa: S314  of our own run
    assert names == {f"test_{check.id}" for check in CATALOGUE.checks}
    assert suite("--replay", str(cassette)).exit_status == done.exit_status


@pytest.mark.parametrize(
    ("name", "value"),
    mostly_slow(
        [
            ("BINANCE_SYMBOL", API_SECRET[:40]),
            ("BINANCE_SYMBOL", API_KEY[::-1][:12].lower()),
            ("BINANCE_FUTURES_URL", f"https://{API_SECRET[:40]}.invalid"),
            ("BINANCE_WALLET_URL", f"https://{API_KEY[:40]}.invalid"),
            ("BINANCE_STREAM_URL", f"wss://{API_KEY[:40]}.invalid"),
        ],
        2,
    ),
)
def test_a_setting_that_holds_a_secret_is_refused(name: str, value: str, suite: SuiteRunner, tmp_path: Path) -> None:
    """A setting that holds a part of a secret is refused: reports would show it, or a name server would get it."""
    env_file = tmp_path / "mine.env"
    with LocalExchange() as exchange:
        lines = exchange.settings() | {name: value, "BINANCE_ALLOW_OTHER_HOSTS": "on"}
        env_file.write_text("".join(f"{key}={text}\n" for key, text in lines.items()), encoding="utf-8")
        done = suite(env_file=env_file)
        assert not exchange.log
    assert done.exit_status == 4
    assert f"ERROR: {name} holds a part of a credential" in done.output
    everything = done.output + json.dumps(done.verdict) + done.page
    assert not [run for secret in (API_KEY, API_SECRET) for run in runs_of(secret) if run in everything.lower()]
