"""No kind of failure leaks a secret in any mode; if a layer of protection is removed, the matrix finds a leak."""

import base64
import html
import json
import random
import string
import textwrap
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from keycheck.exchange.endpoints import ACCOUNT_CONFIG
from tests.exchange import API_KEY, API_SECRET, LocalExchange
from tests.in_process import session
from tests.leaks import careless, matrix
from tests.leaks.canaries import COOKIE, HOST_NAME, PASSWORD, USER_NAME, planted
from tests.leaks.kinds import KINDS, OUT_OF_REACH
from tests.leaks.modes import MODES
from tests.leaks.mutants import BARE, MUTANTS
from tests.leaks.scanner import Scanner
from tests.matrix import mostly_slow, sample

SIGNATURE = "0123456789abcdef" * 4
SCANNER = Scanner(planted([SIGNATURE]))
CANARIES = {canary.text: canary.name for canary in planted([SIGNATURE])}
FEWEST_CELLS = 245

# -- the scanner itself --

Encode = Callable[[str], str]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


ENCODINGS: dict[str, Encode] = {
    "plain": str,
    "reversed": lambda text: text[::-1],
    "percent": _percent,
    "percent where it must": lambda text: quote(text, safe=""),
    "percent, twice": lambda text: quote(_percent(text), safe=""),
    "entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "entities in hex": lambda text: "".join(f"&#x{ord(c):X};" for c in text),
    "entities where they must": html.escape,
    "entities of entities": lambda text: html.escape("".join(f"&#{ord(c)};" for c in text)),
    "backslash u": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "backslash x": lambda text: "".join(f"\\x{ord(c):02x}" for c in text),
    "json": json.dumps,
    "json in html": lambda text: html.escape(json.dumps({"a": "".join(f"\\u{ord(c):04x}" for c in text)})),
    "repr": lambda text: repr(text.encode()),
    "base64": _base64,
    "base64, one byte before": lambda text: _base64(f"x{text}"),
    "base64, two bytes before": lambda text: _base64(f"xy{text}z"),
    "base64 without padding": lambda text: _base64(text).rstrip("="),
    "base64 for urls": lambda text: base64.urlsafe_b64encode(f"?>{text}~~".encode()).decode(),
    "base64 in lines": lambda text: base64.encodebytes(f"{'x' * 50}{text}".encode()).decode(),
    "base64 in short lines": lambda text: "\n".join(textwrap.wrap(_base64(f"{'x' * 50}{text}"), 12)),
    "base64 in lines of a list": lambda text: json.dumps(textwrap.wrap(_base64(f"{'x' * 50}{text}"), 10)),
    "base64 in lines, their ends written out": lambda text: repr("\n".join(textwrap.wrap(_base64(text * 2), 60))),
    "hex": lambda text: text.encode().hex(),
    "upper-case hex": lambda text: text.encode().hex().upper(),
    "hex with colons": lambda text: text.encode().hex(":"),
    "upper case": str.upper,
    "lower case": str.lower,
    "zero-width characters": "\u200b".join,
    "soft hyphens of HTML": "&shy;".join,
    "base64 of base64": lambda text: _base64(_base64(text)),
    "base64 of reversed": lambda text: _base64(text[::-1]),
    "data uri": lambda text: f"<img src='data:text/html;base64,{_base64(f'<p>{html.escape(text)}</p>')}'>",
    "colours": lambda text: f"{text[:3]}\x1b[0m\x1b[31m{text[3:]}",
}


def _noise(seed: int) -> str:
    return "".join(random.Random(seed).choices(string.printable, k=200))  # noqa: S311  noise


@pytest.mark.parametrize("cut", mostly_slow([True, False], 1), ids=["ten of it", "whole"])
@pytest.mark.parametrize("encoding", mostly_slow(ENCODINGS, 8))
def test_scanner_finds_each_secret_in_each_encoding(encoding: str, cut: bool) -> None:
    """The scanner finds a whole secret and ten characters of its middle, with any text around it."""
    for text, name in CANARIES.items():
        part = text[len(text) // 2 - 5 :][:10] if cut else text
        planted_text = ENCODINGS[encoding](part)
        for seed in range(2):
            content = f"{_noise(seed)} {planted_text} {_noise(seed + 9)}"
            assert name in {hit.canary for hit in SCANNER.scan(content)}, (name, planted_text)
            assert name in {hit.canary for hit in SCANNER.scan(content.encode())}


def test_scanner_reports_nothing_without_a_canary() -> None:
    """Nine characters of a canary, four of the key, a page, noise and another key are not reported."""
    for text in (API_KEY[:9], f"ending in {API_KEY[-4:]}", API_SECRET[-9:][::-1], COOKIE[:9], "198.51.100.8", ""):
        assert SCANNER.scan(f"{text} and more") == []
    assert SCANNER.scan("".join(_noise(seed) for seed in range(200))) == []
    assert SCANNER.scan(_base64("".join(_noise(seed) for seed in range(50)))) == []


def test_scanner_repeats_no_secret() -> None:
    """The text that describes a hit holds no part of the secret."""
    for text in CANARIES:
        (hit, *_) = SCANNER.scan(f"before {text} behind, {text[:30]}, {text[::-1]}")
        assert SCANNER.scan(str(hit).replace(hit.canary, "")) == []


def test_canaries_are_not_in_one_another() -> None:
    """Each canary is found by its own name only."""
    for text, name in CANARIES.items():
        assert {hit.canary for hit in SCANNER.scan(text)} == {name}
    assert PASSWORD not in quote(PASSWORD)
    assert HOST_NAME != USER_NAME


# -- the matrix --


def _clean(found: matrix.Matrix) -> None:
    assert not found.broken, found.summary()
    assert not found.vacuous, found.summary()
    assert not found.leaks, found.summary()


def test_matrix_is_as_large_as_it_says() -> None:
    """The matrix has at least 35 kinds and 7 modes; the few cells that are left out have their reasons."""
    assert len(KINDS) >= 35
    assert len(MODES) >= 7
    assert {mode for kind in KINDS.values() for mode in kind.left_out} <= set(MODES)
    left_out = [place for place in matrix.whole() if matrix.why_not(*place)]
    assert len(matrix.whole()) - len(left_out) >= FEWEST_CELLS
    assert {(kind, mode) for kind, mode in matrix.whole() if not KINDS[kind].is_careless} == {
        (kind, mode) for kind, mode in matrix.every() if not KINDS[kind].is_careless
    }
    assert len([place for place in left_out if place[1] != "record"]) < len(KINDS) / 10
    assert all(OUT_OF_REACH.values())


def test_careless_code_finds_what_it_takes_from_the_session(
    exchange: LocalExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session keeps its secrets and answers where careless code looks: otherwise that code would leak nothing."""
    for name, value in (exchange.settings() | {"LEAK_MARK": str(tmp_path / "mark")}).items():
        monkeypatch.setenv(name, value)
    with session(exchange) as binance:
        binance.account()
        careless.forget_answers(binance)
        binance.account()
        assert len(exchange.requests_to(ACCOUNT_CONFIG.path)) == 2
        key, secret, url = careless.take(binance)
        assert (key, secret) == (API_KEY, API_SECRET)
        assert "signature=" in url
        binance.smallest_order()
        careless.forget_rules(binance)
        walked = list(careless.reachable(binance))
        assert {type(one).__name__ for one in walked} >= {"Secret", "Memo", "Redactor", "HmacSigner"}
        assert len(walked) < careless.LONGEST_WALK


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_quick_part_leaks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Every seventh kind in one mode, and every mode at least once, leak nothing."""
    places = matrix.quick()
    assert len({kind for kind, _ in places}) >= 25
    assert {mode for _, mode in places} == set(MODES)
    found = matrix.run(places)
    with capsys.disabled():
        print(f"\nleak matrix, quick part: {len(found.cells)} cells in {found.seconds:.0f} s, {len(found.leaks)} leaks")
    _clean(found)


@pytest.mark.leaks
@pytest.mark.timeout(0)
def test_whole_matrix_leaks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Every kind in every mode leaks nothing; the time is printed, and has no limit."""
    cells = sample(matrix.whole())
    found = matrix.run(cells)
    with capsys.disabled():
        print(f"\n{found.summary()}")
    assert len(matrix.whole()) - len([1 for place in matrix.whole() if matrix.why_not(*place)]) >= FEWEST_CELLS
    assert len(found.cells) + len(found.left_out) == len(cells)
    _clean(found)


@pytest.mark.leaks
@pytest.mark.parametrize("number", range(len(MUTANTS)), ids=[mutation.name for mutation, _ in MUTANTS])
def test_without_a_measure_the_matrix_is_red(number: int) -> None:
    """If any one layer is removed, the matrix shows a leak."""
    mutation, places = MUTANTS[number]
    found = matrix.run(places, mutation)
    assert not found.broken, found.summary()
    assert found.leaks


@pytest.mark.leaks
@pytest.mark.timeout(0)
def test_the_first_layer_suffices_for_honest_checks() -> None:
    """On a plain run without guard and artefact scan, nothing leaks in the kinds in which no check takes the key."""
    places = [(name, "plain") for name, kind in KINDS.items() if not kind.check and not kind.conftest]
    _clean(matrix.run([*places, ("everything reachable", "plain")], BARE))
