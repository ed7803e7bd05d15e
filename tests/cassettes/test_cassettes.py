"""A cassette is an untrusted file: it is found by its name, and a foreign file is refused in one sentence."""

import gzip
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from keycheck.cassettes import path_of
from keycheck.cassettes.files import MAX_BYTES, PlainYaml
from keycheck.cassettes.label import Label, as_plain, label_from
from keycheck.cassettes.player import Player
from keycheck.cassettes.recorder import Recorder
from keycheck.clock import Journal
from keycheck.credentials.pasted_text import KEY, SECRET, KeyFacts, Sources
from keycheck.errors import Inconclusive, NotApplicable, NotRecorded, RateLimited, UsageProblem
from keycheck.exchange.answers import RawAnswer
from keycheck.exchange.endpoints import PING, Endpoint
from keycheck.redaction.redactor import Redactor
from keycheck.redaction.secret import Secret
from keycheck.run.open_session import end_of_the_stream
from tests.running import ROOT

FOLDER = Path("cassettes")
HEADER = Label(
    name="mine",
    recorded_at="2026-11-20T08:13:00Z",
    recorded_from="local exchange",
    suite_version="0.1.0",
    environment="production",
    symbol="BTCUSDT",
    recv_window=5000,
    has_wallet=True,
    key=KeyFacts(type="HMAC", last_four="Eh8A", remarks=("BINANCE_API_KEY had quotes around it",)),
)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("healthy", "cassettes/healthy.yaml"),
        ("two words", "cassettes/two words.yaml"),
        ("v1.2", "cassettes/v1.2.yaml"),
        ("mine.yaml", "cassettes/mine.yaml"),
        ("mine.yml", "cassettes/mine.yml"),
        ("./mine", "mine.yaml"),
        ("./mine.yaml", "mine.yaml"),
        ("cassettes/healthy", "cassettes/healthy.yaml"),
        ("a/b.yaml", "a/b.yaml"),
        ("/elsewhere/mine.yaml", "/elsewhere/mine.yaml"),
        ("..\\mine", "..\\mine.yaml"),
    ],
)
def test_a_name_is_looked_up_and_a_path_is_a_path(name: str, path: str) -> None:
    """A name is looked up in the folder, with .yaml unless it has an ending; a text with a separator is a path."""
    assert path_of(name, FOLDER) == Path(path)


@pytest.mark.parametrize("name", ["", " ", "\t", "a\0b"])
def test_an_empty_name_is_refused(name: str) -> None:
    """An empty name is refused with an example of a good one."""
    with pytest.raises(UsageProblem, match="--replay healthy"):
        path_of(name, FOLDER)


# -- labels --


class Unasked:
    """A transport that fails the test if it is used."""

    def send(self, endpoint: Endpoint, query: Secret, api_key: Secret | None, seconds: float) -> RawAnswer:
        """Fails the test."""
        raise AssertionError(endpoint, query, api_key, seconds)


def recorded(path: Path) -> dict[str, Any]:
    """A cassette as this suite writes it, as YAML's own types."""
    recorder = Recorder(path, HEADER, Redactor(), Unasked())
    assert recorder.keep("clock/1", [1.5, 2.5000000000000004]) == [1.5, 2.5]  # no row of zeros
    document: dict[str, Any] = yaml.safe_load(recorder.text(HEADER.key.last_four))
    return document


def opened(path: Path, document: object) -> Player:
    """Opens a cassette whose file was edited."""
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document), encoding="utf-8")
    return Player(path)


def refusal(path: Path, document: object) -> str:
    """The sentence that refuses a file."""
    with pytest.raises(UsageProblem) as caught:
        opened(path, document)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 250
    assert str(path.parent) not in message
    return message


def test_a_label_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """A label is read back as it was written."""
    tape = opened(tmp_path / "mine.yaml", recorded(tmp_path / "mine.yaml"))
    assert tape.label == HEADER
    assert tape.keep("clock/1", [9.0, 9.0]) == [1.5, 2.5]


def test_a_renamed_cassette_has_its_files_name(tmp_path: Path) -> None:
    """A cassette's name is its file's name, whatever name the label has."""
    tape = opened(tmp_path / "other.yaml", recorded(tmp_path / "mine.yaml"))
    assert tape.label.name == "other"


words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
labels = st.builds(
    Label,
    name=st.just("mine"),
    recorded_at=words,
    recorded_from=st.sampled_from(["production", "another host", "local exchange"]),
    suite_version=words,
    environment=st.just("production"),
    symbol=words,
    recv_window=st.integers(1, 60_000),
    has_wallet=st.just(True),
    key=st.builds(
        KeyFacts,
        missing=st.sampled_from([(), (KEY,), (SECRET,), (KEY, SECRET)]),
        type=st.sampled_from([None, "HMAC", "RSA", "ED25519"]),
        last_four=st.none() | st.text("abcXYZ019", min_size=1, max_size=4),
        remarks=st.lists(words, max_size=20).map(tuple),
        sources=st.builds(
            Sources,
            key=st.sampled_from([None, "environment", "file", "program"]),
            secret=st.sampled_from([None, "environment", "file", "program"]),
            file=st.sampled_from([None, "dotenv", "other", "example", "absent", "program"]),
            remarks=st.lists(words, max_size=20).map(tuple),
        ),
    ),
    system=st.sampled_from([None, "linux", "windows", "macos"]),
    has_stream=st.booleans(),
)


@given(labels)
@example(replace(HEADER, symbol="x", recv_window=1))
@example(replace(HEADER, symbol="x" * 60, recv_window=60_000))
@example(replace(HEADER, key=replace(HEADER.key, remarks=("odd",) * 20)))
@example(replace(HEADER, environment="demo", recorded_from="demo", has_wallet=False))
@example(replace(HEADER, environment="demo", recorded_from="demo", has_wallet=True, system="macos", has_stream=False))
def test_a_label_is_read_back_unchanged(label: Label) -> None:
    """A label is read back unchanged, and consists of YAML's own types."""
    written = yaml.safe_load(yaml.safe_dump(as_plain(label)))
    assert written["format"] == 1
    assert label_from(written, label.name) == label


def test_an_older_label_without_system_and_stream_is_read() -> None:
    """In a label without these fields, the system is unknown, and the stream counts as looked at."""
    older = {name: value for name, value in as_plain(HEADER).items() if name not in ("system", "has_stream")}
    assert label_from(older, "mine") == replace(HEADER, system=None, has_stream=True) == HEADER


def test_no_more_than_four_characters_of_a_key_come_from_a_label() -> None:
    """A label with more than the key's last four characters is cut to four."""
    plain = as_plain(HEADER)
    assert label_from(plain | {"key": plain["key"] | {"last_four": "abcdEh8A"}}, "mine").key.last_four == "abcd"


def test_a_remark_of_a_label_is_printable() -> None:
    """A label may come from anybody, so control characters of its remarks are removed."""
    plain = as_plain(HEADER)
    (remark,) = label_from(plain | {"key": plain["key"] | {"remarks": ["\x1b[31mred"]}}, "mine").key.remarks
    assert remark.isprintable()


HOSTILE: list[tuple[str, object]] = [
    ("format", True),
    ("format", 1.0),
    ("recv_window", True),
    ("recv_window", 5000.0),
    ("has_wallet", 1),
    ("has_stream", None),
    ("has_stream", 1),
    ("has_stream", "yes"),
    ("system", "beos"),
    ("system", ["linux"]),
    ("key.missing", {}),
    ("key.missing", [[]]),
    ("key.type", True),
    ("key.last_four", "x" * 61),
    ("key.remarks", "odd"),
    ("key.remarks", ["odd"] * 21),
    ("key.remarks", [5]),
    ("format", 2),
    ("format", "1"),
    ("format", None),
    ("recorded_at", None),
    ("recorded_at", 20261120),
    ("recorded_at", ""),
    ("recorded_at", "x" * 61),
    ("recorded_at", "\x1b[31mred"),
    ("recorded_at", "two\nlines"),
    ("recorded_from", "elsewhere"),
    ("recorded_from", ["production"]),
    ("suite_version", {}),
    ("suite_version", "\u202e1.0"),
    ("environment", "testnet"),
    ("environment", None),
    ("symbol", ""),
    ("symbol", 5),
    ("symbol", "a\tb"),
    ("recv_window", "soon"),
    ("recv_window", None),
    ("recv_window", []),
    ("recv_window", 0),
    ("recv_window", -5000),
    ("recv_window", 60001),
    ("recv_window", float("inf")),
    ("recv_window", float("nan")),
    ("has_wallet", "false"),
    ("has_wallet", None),
    ("key", None),
    ("key", []),
    ("key", "x"),
    ("key", {}),
    ("key.missing", 5),
    ("key.missing", [5]),
    ("key.missing", ["see https://evil.example"]),
    ("key.missing", "BINANCE_API_KEY"),
    ("key.type", "DSA"),
    ("key.type", 5),
    ("key.last_four", 1234),
    ("key.last_four", ""),
    ("key.last_four", "\x1b[3m"),
    ("key.remarks", 5),
    ("key.remarks", [["nested"]]),
    ("key.sources", None),
    ("key.sources", {"key": "elsewhere", "secret": None, "file": None, "remarks": []}),
    ("key.sources", {"key": None, "secret": None, "file": "my own", "remarks": []}),
    ("key.sources", {"key": None, "secret": None, "file": None, "remarks": "odd"}),
]


@pytest.mark.parametrize(("field", "value"), HOSTILE, ids=lambda value: repr(value)[:30])
def test_a_hostile_label_is_refused_in_one_sentence(tmp_path: Path, field: str, value: object) -> None:
    """Wrong types, words and figures, and terminal sequences are refused; the sentence says to record again."""
    document = recorded(tmp_path / "mine.yaml")
    place = document["metadata"]["keycheck"]
    if field.startswith("key."):
        place, field = place["key"], field.removeprefix("key.")
    place[field] = value
    message = refusal(tmp_path / "mine.yaml", document)
    assert "mine.yaml is not a cassette of this suite" in message
    assert "--record" in message


@pytest.mark.parametrize("name", ["format", "recorded_at", "recorded_from", "symbol", "recv_window", "key"])
def test_a_label_that_lacks_a_field_is_refused(tmp_path: Path, name: str) -> None:
    """A missing field is not filled in."""
    document = recorded(tmp_path / "mine.yaml")
    del document["metadata"]["keycheck"][name]
    assert "label" in refusal(tmp_path / "mine.yaml", document)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "just a text",
        "a: [",
        "interactions: []\nversion: 1\n",
        "interactions: []\nmetadata: {}\nversion: 1\n",
        "interactions: []\nmetadata: {keycheck: []}\nversion: 1\n",
        "interactions: []\nmetadata: {keycheck: text}\nversion: 1\n",
        "interactions: 5\nmetadata: {}\nversion: 1\n",
        "interactions: [{}]\nmetadata: {}\nversion: 1\n",
        "interactions: []\nmetadata: {}\nversion: 9\n",
        "!!python/object/apply:os.system ['true']",
        "{" * 2000,
        "\x00",
    ],
    ids=lambda text: repr(text[:40]),
)
def test_a_file_that_is_not_a_cassette_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    """Broken YAML, another program's cassette, an old format and a program are refused in one sentence."""
    assert "is not a cassette of this suite" in refusal(tmp_path / "mine.yaml", text)


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    """A file of bytes with the ending of a cassette is refused."""
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(UsageProblem, match="is not a cassette"):
        Player(path)


def test_aliases_do_not_blow_up(tmp_path: Path) -> None:
    """A cassette is refused if its aliases, a few lines of YAML, stand for a great many words."""
    document = yaml.safe_dump(recorded(tmp_path / "mine.yaml"))
    laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol]\n"
    laughs += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]\n" for n in range(1, 6))
    remarks = next(line for line in document.splitlines() if "BINANCE_API_KEY had quotes" in line)
    bomb = laughs + document.replace(remarks, "      - *a5")
    assert "is not a cassette" in refusal(tmp_path / "mine.yaml", bomb)


def test_a_refused_cassette_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    """After a refused cassette, vcrpy intercepts no request."""
    document = recorded(tmp_path / "mine.yaml")
    before = HTTPConnectionPool.ConnectionCls, HTTPSConnectionPool.ConnectionCls
    none: dict[str, Any] = {}
    for metadata in (none, document["metadata"] | {"keycheck": "text"}):
        refusal(tmp_path / "mine.yaml", document | {"metadata": metadata})
    assert (HTTPConnectionPool.ConnectionCls, HTTPSConnectionPool.ConnectionCls) == before


def test_a_missing_cassette_is_named(tmp_path: Path) -> None:
    """The message names the missing cassette and the folder of the others."""
    with pytest.raises(UsageProblem, match=r"there is no cassette mine\.yaml: look in cassettes/"):
        Player(tmp_path / "mine.yaml")
    with pytest.raises(UsageProblem, match="is a directory"):
        Player(tmp_path)


def test_a_cassette_has_a_largest_size(tmp_path: Path) -> None:
    """A cassette of more than a mebibyte is not parsed; a run takes some 20 kB."""
    assert "longer than 1 MiB" in refusal(tmp_path / "mine.yaml", "#" * (MAX_BYTES + 1))


# -- readings and failures of a cassette --


@pytest.mark.parametrize(
    "kept", [None, [], [1.0], [1.0, 2.0, 3.0], ["1", "2"], [True, 1.0], [1.0, float("nan")], [float("inf"), 1.0], "x"]
)
def test_a_clock_that_makes_no_sense_was_not_recorded(tmp_path: Path, kept: object) -> None:
    """A reading of the clock is two finite figures; anything else counts as missing."""
    document = recorded(tmp_path / "mine.yaml")
    document["metadata"]["clock/1"] = kept
    tape: Journal = opened(tmp_path / "mine.yaml", document)
    with pytest.raises(NotRecorded, match="--record mine"):
        tape.keep("clock/1", [1.0, 2.0])
    assert isinstance(tape, Player)


@pytest.mark.parametrize(
    ("until", "end"),
    [(0, RateLimited), (1_790_000_000_000, RateLimited), (-1, NotApplicable), (10**15, NotApplicable)],
)
def test_a_limit_of_the_stream_needs_a_possible_end(tmp_path: Path, until: int, end: type[Exception]) -> None:
    """A replay ends at the stream as the recorded run did; a limit whose end is no date counts as missing."""
    document = recorded(tmp_path / "mine.yaml")
    document["metadata"] |= {"stream/limited/status": [429, 0], "stream/limited/banned_until": [until, 0]}
    assert type(end_of_the_stream(opened(tmp_path / "mine.yaml", document))) is end


@pytest.mark.parametrize("kept", ["x", [], 5, {"message": ["x"] * 3}, {"error": {}, "message": "\x1b[31m" + "x" * 999}])
def test_a_hostile_failure_is_still_a_failure(tmp_path: Path, kept: object) -> None:
    """A kept failure of any shape raises a printable Inconclusive, and is never an answer."""
    document = recorded(tmp_path / "mine.yaml")
    document["metadata"]["failure/GET /fapi/v1/ping/1"] = kept
    tape = opened(tmp_path / "mine.yaml", document)
    with pytest.raises(Inconclusive) as caught:
        tape.send(PING, Secret(""), None, 1)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 400


# -- bombs --

BOMBS = {
    "merge keys": "a: &a {x: 1}\nb: {<<: *a}\n",
    "an anchor": "a: &a 1\n",
    "a tag": "a: !!int '1'\n",
    "depth": "a: " + "[" * 5000 + "]" * 5000 + "\n",
    "events": "a: [" + "1," * 60_000 + "1]\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_more_than_plain_data_is_refused_before_it_is_built(tmp_path: Path, name: str) -> None:
    """Aliases, which can stand for a gigabyte, and deep nesting, which can end the process, are refused."""
    text = yaml.safe_dump(recorded(tmp_path / "mine.yaml")) + BOMBS[name]
    assert "is not a cassette of this suite" in refusal(tmp_path / "mine.yaml", text)


def test_clever_numbers_are_text() -> None:
    """Only decimal figures are numbers: 1:30, 0x10 and 2026-11-20 are read as text."""
    values = PlainYaml.deserialize("a: 1:30\nb: 0x10\nc: 2026-11-20\nd: yes\ne: 12\nf: -1.5\ng: true\nh:\ni: 0o7\n")
    assert values == {
        "a": "1:30", "b": "0x10", "c": "2026-11-20", "d": "yes", "e": 12, "f": -1.5, "g": True, "h": None, "i": "0o7",
    }  # fmt: skip


def test_packed_body_is_not_unpacked(tmp_path: Path) -> None:
    """A cassette's body is not unpacked, even if its headers name an encoding."""
    document = recorded(tmp_path / "mine.yaml")
    packed = gzip.compress(b"{}" + b" " * 10_000_000)
    document["interactions"] = [
        {
            "request": {"method": "GET", "uri": "https://futures.invalid/fapi/v1/ping", "body": None, "headers": {}},
            "response": {
                "status": {"code": 200, "message": ""},
                "headers": {"Content-Encoding": ["gzip"], "content-type": ["application/json"]},
                "body": {"string": packed.decode("latin-1")},
            },
        }
    ]
    tape = opened(tmp_path / "mine.yaml", document)
    raw = tape.send(PING, Secret(""), None, 1)
    assert "content-encoding" not in raw.headers
    assert len(raw.body) < 100_000


@pytest.mark.parametrize(
    ("environment", "value"),
    [("production", False), ("production", 0), ("production", ""), ("demo", None), ("demo", 0), ("demo", "no")],
)
def test_production_without_a_wallet_is_refused(tmp_path: Path, environment: str, value: object) -> None:
    """Without a wallet, withdrawals are not checked, so only a label of the test network may lack one."""
    document = recorded(tmp_path / "mine.yaml")
    document["metadata"]["keycheck"] |= {"environment": environment, "has_wallet": value}
    assert "label" in refusal(tmp_path / "mine.yaml", document)


# -- recording --


@pytest.mark.parametrize("name", [".env", "notes.txt", "mine.yaml", "folder.yaml"])
def test_recording_overwrites_nothing_but_a_cassette(tmp_path: Path, name: str) -> None:
    """Recording does not overwrite a file that is not a cassette."""
    path = tmp_path / name
    if name == "folder.yaml":
        path.mkdir()
    else:
        path.write_text("precious: true\n", encoding="utf-8")
    with pytest.raises(UsageProblem, match="--record"):
        Recorder(path, HEADER, Redactor(), Unasked())
    assert path.is_dir() or path.read_text(encoding="utf-8") == "precious: true\n"


def test_recording_replaces_an_older_cassette_by_force_alone(tmp_path: Path) -> None:
    """A name that exists is refused before anything is sent; --force replaces an older cassette, and no other file."""
    path = tmp_path / "mine.yaml"
    path.write_text(Recorder(path, HEADER, Redactor(), Unasked()).text(), encoding="utf-8")
    with pytest.raises(UsageProblem, match=r"mine\.yaml is there already.*add --force"):
        Recorder(path, HEADER, Redactor(), Unasked())
    assert Recorder(path, HEADER, Redactor(), Unasked(), force=True).text()
    path.write_text("precious: true", encoding="utf-8")
    with pytest.raises(UsageProblem, match="not a cassette of this suite"):
        Recorder(path, HEADER, Redactor(), Unasked(), force=True)


@pytest.mark.parametrize(
    "response",
    [
        {"status": {"code": "200"}, "headers": {}, "body": {"string": "{}"}},
        {"status": {"code": 100}, "headers": {}, "body": {"string": "{}"}},
        {"status": {"code": True}, "headers": {}, "body": {"string": "{}"}},
        {"status": {}, "headers": {}, "body": {"string": "{}"}},
        {"headers": {}, "body": {"string": "{}"}},
    ],
)
def test_a_hostile_answer_is_not_an_answer(tmp_path: Path, response: dict[str, Any]) -> None:
    """A recorded answer of a wrong form does not count as an answer, so it proves nothing."""
    document = recorded(tmp_path / "mine.yaml")
    document["interactions"] = [
        {"request": {"method": "GET", "uri": "https://x.invalid/fapi/v1/ping", "body": None, "headers": {}}}
        | {"response": response}
    ]
    tape = opened(tmp_path / "mine.yaml", document)
    with pytest.raises(Inconclusive):
        tape.send(PING, Secret(""), None, 1)


@pytest.mark.slow
def test_a_replay_imports_no_http_library() -> None:
    """vcrpy does not import the HTTP libraries that it could patch, and later imports of them work."""
    code = (
        "import sys, pathlib; from keycheck.cassettes.player import Player; import keycheck.run.run; "
        "Player(pathlib.Path('cassettes/healthy.yaml')); "
        "assert not [m for m in ('requests', 'urllib3', 'cryptography', 'websockets') if m in sys.modules]; "
        "import requests, urllib3"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=30)  # noqa: S603  our own code


@pytest.mark.parametrize("metadata", [5, True, ["keycheck"], "keycheck"])
def test_metadata_of_another_kind_is_refused_in_one_sentence(tmp_path: Path, metadata: object) -> None:
    """Metadata of another type raises no traceback."""
    assert "is not a cassette" in refusal(
        tmp_path / "mine.yaml", recorded(tmp_path / "mine.yaml") | {"metadata": metadata}
    )
