"""A secret that is encoded in some way is still found."""

import base64
import html
import json
import unicodedata
from collections.abc import Callable
from functools import partial
from urllib.parse import quote, quote_plus

import pytest
from _pytest.junitxml import bin_xml_escape
from hypothesis import given, settings
from hypothesis import strategies as st

from keycheck.redaction.decoded_forms import decoded_forms, pieces, rewritten
from keycheck.redaction.redactor import RUN, Redactor
from tests.examples import examples

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # noqa: S105  from Binance's documentation
CUT = SECRET[20 : 20 + RUN]


def percent(text: str) -> str:
    """Every character percent-encoded, not only those that need it."""
    return "".join(f"%{ord(c):02X}" for c in text)


def in_lines(text: str, width: int, end: str = "\n") -> str:
    """A text wrapped into lines, as tools do."""
    return end.join(text[i : i + width] for i in range(0, len(text), width))


def packed(text: str) -> str:
    """A text in base64, after other bytes."""
    return base64.b64encode(b"\x00\x01 some bytes before: " + text.encode()).decode()


def in_lines_of(width: int, text: str) -> str:
    """A text in base64, in lines of this width."""
    return in_lines(packed(text), width)


WRITTEN: dict[str, Callable[[str], str]] = {
    "plain": str,
    "reversed": lambda text: text[::-1],
    "percent": percent,
    "percent twice": lambda text: quote(percent(text)),
    "entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "hex entities": lambda text: "".join(f"&#x{ord(c):x};" for c in text),
    "unicode escapes": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "long unicode escapes": lambda text: "".join(f"\\U{ord(c):08x}" for c in text),
    "unicode escapes in braces": lambda text: "".join(f"\\u{{{ord(c):x}}}" for c in text),
    "octal escapes": lambda text: "".join(f"\\{ord(c):o}" for c in text),
    "UTF-16, as Python shows it": lambda text: repr(text.encode("utf-16")),
    "characters that terminals leave out": lambda text: "\0".join(text) + "\x7f",
    "with accents": "\u0301".join,
    "with a circle around each": "\u20dd".join,
    "hex with upper-case signs": lambda text: ", ".join(f"0X{ord(c):02X}" for c in text),
    "hex escapes": lambda text: "".join(f"\\x{ord(c):02x}" for c in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 within other bytes": lambda text: base64.b64encode(b"ab" + text.encode() + b"c").decode(),
    "urlsafe base64": lambda text: base64.urlsafe_b64encode(b"\xff\xfe" + text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 of escapes": lambda text: base64.b64encode(percent(text).encode()).decode(),
    "base64 in a data URI in HTML": lambda text: html.escape(
        f'"data:text/plain;base64,{base64.b64encode(text.encode()).decode()}"'
    ),
    "hex": lambda text: text.encode().hex(),
    "upper-case hex after a digit": lambda text: f"7{text.encode().hex().upper()}",
    "hex of bytes with colons": lambda text: text.encode().hex(":"),
    "hex in lines": lambda text: in_lines(text.encode().hex(), 16),
    "a list of bytes in hex": lambda text: ", ".join(f"0x{byte:02x}" for byte in text.encode()),
    "hex of base64": lambda text: base64.b64encode(text.encode()).hex(),
    **{f"base64 in lines of {width}": partial(in_lines_of, width) for width in (4, 10, 60, 64, 76)},
    "base64 in lines, their ends written out": lambda text: in_lines(packed(text), 8, "\\n"),
    "base64 in lines of Windows": lambda text: in_lines(packed(text), 60, "\r\n    "),
    "base64 in the lines of a list": lambda text: json.dumps(in_lines(packed(text), 10).split("\n"), indent=2),
    "base64 of UTF-16": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "zero-width characters in between": "\u200b".join,
    "line separators in between": "\u2028".join,
    "controls of musical notes and of shorthand": lambda text: "\U0001d173".join("\U0001bca0".join(text)),
    "blank letters in between": "\u2800".join,
    "colours in eight bits": "\x9b1m".join,
    "the end of colours, as tput writes it": "\x1b(B\x1b[m".join,
    "escape characters in between": "\x1b".join,
    "titles of a terminal in between": "\x1b]0;title\x07".join,
    "base64 on a command's continued lines": lambda text: in_lines(packed(text), 7, "\\\n"),
    "hex on a command's continued lines": lambda text: in_lines(text.encode().hex(), 6, "\\\r\n"),
    "soft hyphens in between": "\u00ad".join,
    "soft hyphens of HTML in between": "&shy;".join,
    "joiners in JSON in between": lambda text: json.dumps("\u2060".join(text)),
    "colours in between": lambda text: "\x1b[31m".join(text) + "\x1b[0m",
    "colours in JUnit": lambda text: str(bin_xml_escape("\x1b[1m")).join(text),
    "controls in JUnit": lambda text: str(bin_xml_escape("\x01")).join(text),
    "controls in JSON": lambda text: json.dumps("\b".join(text)),
    "wide letters": lambda text: "".join(chr(ord(c) + 0xFEE0) for c in text),
    "upper case": str.upper,
    "lower case, reversed": lambda text: text.lower()[::-1],
    "JSON in HTML": lambda text: html.escape(json.dumps({"x": f'"{text}"'})),
}


@pytest.mark.parametrize("way", WRITTEN)
@pytest.mark.parametrize("text", [SECRET, CUT], ids=["whole", "ten characters"])
def test_each_encoding_is_decoded(way: str, text: str) -> None:
    """A planted secret is found in each encoding, whole or cut."""
    redactor = Redactor([SECRET])
    assert redactor.finds(f"before {WRITTEN[way](text)} after")
    assert not redactor.finds(f"before {WRITTEN[way]('nothing here to find, nor anywhere')} after")


PASSPHRASES = ("Grüße aus Österreich", "очень-длинный-пароль", "contraseña_añejísima")
BYTES: dict[str, Callable[[bytes], str]] = {
    "repr": repr,
    "base64": lambda raw: base64.b64encode(b"user:" + raw).decode(),
    "base64 in lines": lambda raw: in_lines(base64.b64encode(raw).decode(), 10),
    "hex": lambda raw: raw.hex(" "),
    "percent": quote,
}


@pytest.mark.parametrize("way", BYTES)
@pytest.mark.parametrize("passphrase", PASSPHRASES)
def test_the_bytes_of_a_passphrase_in_any_language_are_decoded(passphrase: str, way: str) -> None:
    """A passphrase with other letters than English ones is found in UTF-8, and in Latin-1, as HTTP sends passwords."""
    redactor = Redactor([passphrase])
    assert redactor.finds(BYTES[way](passphrase.encode()))
    if max(passphrase) <= "\xff":
        assert redactor.finds(BYTES[way](passphrase.encode("latin-1")))


@pytest.mark.parametrize("way", ["base64", "urlsafe base64", "hex"])
@pytest.mark.parametrize("secret", ["a?o>a?o>a?", "~?>~?>~?>~", "\t tabs\tin\t"])
def test_ten_characters_are_found_whatever_they_are(secret: str, way: str) -> None:
    """Ten characters are found in base64 and hex, the outermost of ASCII and those that base64 writes as + and /."""
    assert Redactor([secret]).finds(WRITTEN[way](secret))


@pytest.mark.parametrize("letter", ["À", "ÿ"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_all_bytes_beyond_ascii_are_letters(letter: str, encoding: str) -> None:
    """Ten letters beyond ASCII are found in hex: the first of them has the byte 80 in UTF-8, the last FF in Latin-1."""
    assert Redactor([letter * 10]).finds((letter * 10).encode(encoding).hex())


@pytest.mark.parametrize("way", ["zero-width characters in between", "colours in between", "decomposed"])
@pytest.mark.parametrize("passphrase", PASSPHRASES)
def test_a_passphrase_in_any_language_is_found_in_disguise(passphrase: str, way: str) -> None:
    """A secret with invisible characters in it, or with separate accents, is found too."""
    disguise = WRITTEN.get(way, partial(unicodedata.normalize, "NFD"))
    assert Redactor([passphrase]).finds(f"before {disguise(passphrase)} after")


ODD_PASSPHRASES = (
    "my old horse is blind",
    "pa🔑ss🔒wo🔐rd🔑end",
    "очень-длинный-пароль",
    "geheim\twort\tsehr\tlang",
    "straßestraße",
)
ESCAPED: dict[str, Callable[[str], str]] = {
    "a form of a page": quote_plus,
    "JSON": json.dumps,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "Python's names of characters": lambda text: text.encode("ascii", "namereplace").decode(),
    "base64 of JSON": lambda text: base64.b64encode(json.dumps(text).encode()).decode(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "upper case": str.upper,
}


@pytest.mark.parametrize("way", ESCAPED)
@pytest.mark.parametrize("passphrase", ODD_PASSPHRASES)
def test_what_a_passphrase_may_hold_is_found_in_every_escape(passphrase: str, way: str) -> None:
    """A passphrase is found in forms (blanks as +), JSON (an emoji as two escapes), Python names and capitals (SS)."""
    assert Redactor([passphrase]).finds(f"before {ESCAPED[way](passphrase)} after")


@settings(max_examples=examples(60))
@given(st.text(max_size=30), st.sampled_from(sorted(WRITTEN)), st.text(max_size=30))
def test_a_secret_is_found_with_any_text_around_it(before: str, way: str, after: str) -> None:
    """A secret is found with any text around it that is not part of the same word."""
    assert Redactor([SECRET]).finds(f"{before} {WRITTEN[way](SECRET)} {after}")


@settings(max_examples=examples(60))
@given(st.text(max_size=200))
def test_any_text_can_be_looked_at(text: str) -> None:
    """Any text has decoded forms: few, without an error, the text itself among them."""
    found = list(decoded_forms(text))
    assert found[0] == text
    assert len(found) <= 30
    assert len(list(pieces(text))) <= len(text) + 1


DOCUMENTS = [
    ('{"a": ["bc", {"d": 1, "e": null}], "f": true}', ["a", "bc", "d", "e", "f"]),
    ('{"when": "2026-11-20T08:13:00Z", "say": "2026-11-20T08:13"}', ["when", "say", "2026-11-20T08:13"]),
    ('{"body": "{\\"code\\": 5}"}', ["body", "code"]),
    ("{no JSON", ["{no JSON"]),
    ('<p class="x y" id=z>a &lt; b</p>', ["a < b", "p", "class", "x y", "id", "z", "/p"]),
    ('<?xml version="1.0"?><a b=\'{"c": "d"}\'/>', ["?xml", "version", "1.0", "?", "a", "b", "c", "d", "/"]),
    ("<not markup", ["<not markup"]),
    ("## Head\n- `one`: `two three`\n", ["## Head", "- `one`: `two three`"]),
    ("plain `text`", ["plain `text`"]),
]


@pytest.mark.parametrize(("document", "found"), DOCUMENTS)
def test_a_document_is_split_into_its_texts(document: str, found: list[str]) -> None:
    """A document is split into its texts, without the marks of its format."""
    assert [piece for piece in pieces(document) if piece] == found


def test_a_name_that_comes_twice_in_a_document_hides_nothing() -> None:
    """Python keeps only the last of two members with one name; both are searched."""
    document = f'{{"a": "{percent(SECRET)}", "a": 1}}'
    assert Redactor([SECRET]).finds(document)


PAGE = """<!DOCTYPE html><html name="name"><style>name{x: name}</style><script>name(name)</script>
<p class="name" title="name"
data-blob="{&#34;name&#34;: &#34;&lt;b name=\\&#34;name\\&#34;&gt;name&lt;/b&gt;&#34;}">
a name</p>"""
CHANGED = """<!DOCTYPE html><html name="N"><style>name{x: name}</style><script>name(name)</script>
<p class="name" title="N"
data-blob="{&quot;name&quot;: &quot;&lt;b name=\\&quot;N\\&quot;&gt;N&lt;/b&gt;&quot;}">
a N</p>"""


@pytest.mark.parametrize(
    ("document", "changed"),
    [
        ("a name", "a N"),
        ("{a name", "{a N"),
        ("<a name", "<a N"),
        ('{"name": ["name", {"b": "a name"}], "c": 1}', '{"name": ["N", {"b": "a N"}], "c": 1}'),
        ('<name name="a name">name &lt; name</name>', '<name name="a N">N &lt; N</name>'),
        (PAGE, CHANGED),
    ],
)
def test_a_document_that_is_rewritten_keeps_its_form(document: str, changed: str) -> None:
    """Texts of a document are changed, and tags, names, styles and scripts are not."""
    assert rewritten(document, lambda text: text.replace("name", "N")) == changed


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_a_document_in_which_nothing_is_changed_is_the_same(value: object) -> None:
    """Without a change the document is the same to the byte."""
    for document in (json.dumps(value, indent=2), f"<a b='{html.escape(json.dumps(value))}'>{value}</a>"):
        assert rewritten(document, str) == document
