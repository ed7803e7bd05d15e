"""A cassette is an untrusted file: found by its name, and refused in one sentence where it is not ours."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from keycheck.cassettes import MAX_BYTES, Tape, path_of
from keycheck.clock import Journal
from keycheck.credentials import KeyFacts
from keycheck.endpoints import PING
from keycheck.errors import CannotLook, NotRecorded, UsageProblem
from keycheck.label import Label
from keycheck.network.transport import HttpTransport
from keycheck.redaction import Redactor

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
        ("mine.yaml", "mine.yaml"),
        ("mine.yml", "mine.yml"),
        ("./mine", "mine"),
        ("a/b.yaml", "a/b.yaml"),
        ("/elsewhere/mine.yaml", "/elsewhere/mine.yaml"),
        ("..\\mine", "..\\mine"),
    ],
)
def test_a_name_is_looked_up_and_a_path_is_a_path(name: str, path: str) -> None:
    """A separator or an ending makes the difference."""
    assert path_of(name, FOLDER) == Path(path)


@pytest.mark.parametrize("name", ["", " ", "\t", "a\0b"])
def test_an_empty_name_is_refused(name: str) -> None:
    """With an example of how to give one."""
    with pytest.raises(UsageProblem, match="--replay healthy"):
        path_of(name, FOLDER)


# -- labels --


def recorded(path: Path) -> dict[str, Any]:
    """A cassette as this suite writes it, as YAML's own types."""
    tape = Tape.recording(path, HEADER, Redactor())
    tape.keep("clock/1", [1.5, 2.5])
    text = tape.close()
    assert text is not None
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def opened(path: Path, document: object) -> Tape:
    """The same file after somebody edited it."""
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document), encoding="utf-8")
    return Tape.replaying(path, Redactor())


def refusal(path: Path, document: object) -> str:
    """The one sentence in which a file is refused."""
    with pytest.raises(UsageProblem) as caught:
        opened(path, document).close()
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 250
    assert str(path.parent) not in message
    return message


def test_a_label_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Recording and replay agree about who was tested, and when."""
    tape = opened(tmp_path / "mine.yaml", recorded(tmp_path / "mine.yaml"))
    assert tape.label == HEADER
    assert tape.keep("clock/1", [9.0, 9.0]) == [1.5, 2.5]
    assert tape.close() is None


def test_a_file_that_is_renamed_goes_by_its_new_name(tmp_path: Path) -> None:
    """The name in the file is nobody's claim."""
    tape = opened(tmp_path / "other.yaml", recorded(tmp_path / "mine.yaml"))
    assert tape.label.name == "other"
    tape.close()


HOSTILE: list[tuple[str, object]] = [
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
]


@pytest.mark.parametrize(("field", "value"), HOSTILE, ids=lambda value: repr(value)[:30])
def test_a_hostile_label_is_refused_in_one_sentence(tmp_path: Path, field: str, value: object) -> None:
    """Wrong types, wrong words, terminal tricks, figures out of range: record it again."""
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
    """Nothing is filled in."""
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
def test_what_is_no_cassette_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    """Broken YAML, somebody else's cassette, an old one, a program."""
    assert "is not a cassette of this suite" in refusal(tmp_path / "mine.yaml", text)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A picture with the ending of a cassette."""
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(UsageProblem, match="is not a cassette"):
        Tape.replaying(path, Redactor())


def test_aliases_do_not_blow_up(tmp_path: Path) -> None:
    """A few lines of YAML can stand for a billion words."""
    document = yaml.safe_dump(recorded(tmp_path / "mine.yaml"))
    laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol]\n"
    laughs += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]\n" for n in range(1, 6))
    remarks = next(line for line in document.splitlines() if "BINANCE_API_KEY had quotes" in line)
    bomb = laughs + document.replace(remarks, "      - *a5")
    assert "is not a cassette" in refusal(tmp_path / "mine.yaml", bomb)


def test_a_refused_cassette_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    """vcrpy listens to nothing that follows."""
    document = recorded(tmp_path / "mine.yaml")
    before = HTTPConnectionPool.ConnectionCls, HTTPSConnectionPool.ConnectionCls
    none: dict[str, Any] = {}
    for metadata in (none, document["metadata"] | {"keycheck": "text"}):
        refusal(tmp_path / "mine.yaml", document | {"metadata": metadata})
    assert (HTTPConnectionPool.ConnectionCls, HTTPSConnectionPool.ConnectionCls) == before


def test_a_missing_cassette_is_named(tmp_path: Path) -> None:
    """And where to look for others."""
    for path in (tmp_path / "mine.yaml", tmp_path):
        with pytest.raises(UsageProblem, match="there is no cassette"):
            Tape.replaying(path, Redactor())


def test_a_cassette_has_a_largest_size(tmp_path: Path) -> None:
    """A run takes some 20 kB; megabytes are not parsed at all."""
    assert "longer than 4 MiB" in refusal(tmp_path / "mine.yaml", "#" * (MAX_BYTES + 1))


# -- what a tape holds --


@pytest.mark.parametrize(
    "kept", [None, [], [1.0], [1.0, 2.0, 3.0], ["1", "2"], [True, 1.0], [1.0, float("nan")], [float("inf"), 1.0], "x"]
)
def test_a_clock_that_makes_no_sense_was_not_recorded(tmp_path: Path, kept: object) -> None:
    """Two finite figures are a reading; nothing else is."""
    document = recorded(tmp_path / "mine.yaml")
    document["metadata"]["clock/1"] = kept
    tape: Journal = opened(tmp_path / "mine.yaml", document)
    with pytest.raises(NotRecorded, match="--record mine"):
        tape.keep("clock/1", [1.0, 2.0])
    assert isinstance(tape, Tape)
    tape.close()


@pytest.mark.parametrize("kept", ["x", [], 5, {"message": ["x"] * 3}, {"error": {}, "message": "\x1b[31m" + "x" * 999}])
def test_a_hostile_failure_is_still_a_failure(tmp_path: Path, kept: object) -> None:
    """It is told harmlessly, and is never an answer."""
    document = recorded(tmp_path / "mine.yaml")
    document["metadata"]["failure/GET /fapi/v1/ping/1"] = kept
    tape = opened(tmp_path / "mine.yaml", document)
    http = HttpTransport({PING.host: "https://futures.invalid"})
    with pytest.raises(CannotLook) as caught:
        tape.through(http).send(PING, "", None, 1)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 400
    tape.close()
    http.close()
