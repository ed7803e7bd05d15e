"""The decoded forms of a text: the text as a browser, a shell or a script would read its escapes. Pure.

A secret that is percent-encoded, HTML-escaped, written as \\u0041, in hex or in base64 is still a secret, and so is
one with colours or zero-width characters in it. `pieces` removes a document's own markup, so that a secret in a text
can be told from a chance match in the markup.
"""

import binascii
import html
import json
import re
import string
import sys
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import unquote

_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([0-3]?[0-7]{1,2})"
    r"|([\\\"'/abfnrtv])|N\{([A-Za-z0-9 -]{1,99})\})"
    r"|#x([0-9A-F]{2})"  # a control character, as pytest writes it into JUnit files
)
_OCTAL, _SIGN, _NAME = 5, 6, 7  # groups of _ESCAPE; all others are hexadecimal
_CONTROLS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class _Runs:
    """Finds the runs of at least `least` bytes that are all of `members`. This is quicker than a regular expression."""

    def __init__(self, members: bytes, least: int) -> None:
        self._least = least
        self._kept = bytes(byte if byte in members else 0 for byte in range(256))
        self._marks = bytes(ord("x") if byte in members else 0 for byte in range(256))

    def in_(self, raw: bytes) -> list[bytes]:
        """The runs in `raw`, each at its longest."""
        if b"x" * self._least not in raw.translate(self._marks):  # most texts have none
            return []
        return [run for run in raw.translate(self._kept).split(b"\0") if len(run) >= self._least]


_ALPHANUMERIC = string.ascii_letters.encode() + string.digits.encode()
_PRINTABLE = b"\t" + bytes(range(0x20, 0x7F))
# Decoded bytes count as text if ten in a row are printable: fewer cannot hold ten characters of a secret.
_TEXT = _Runs(_PRINTABLE, 10)
_WIDE_TEXT = _Runs(_PRINTABLE + bytes(range(0x80, 0x100)), 10)  # with letters beyond ASCII, in UTF-8 or Latin-1
_BASE64 = _Runs(_ALPHANUMERIC + b"+/", 14)
_USUAL = bytes.maketrans(b"-_", b"+/")  # URL-safe base64 -> standard base64
_NO_TEXT = b"gICA"  # base64 of three unprintable bytes, to separate decoded tokens
_NO_TEXT_IN_HEX = b"ff"
_HEX = _Runs(string.hexdigits.encode(), 20)
# Characters that tools and languages put between the lines or bytes of one encoded text. Removing them also joins
# neighbouring words. An encoded word is found nevertheless: decoding is tried from each place where it may begin.
_BREAKS = b" \t\r\n\f\v\"',"
_WRITTEN_BREAK = re.compile(r"\\(?:[nrt]|\r?\n)")
_BETWEEN_BYTES = _BREAKS + b";:-"
# Commands to a terminal (ECMA-48): colours and the like, titles and links, character sets.
_COLOUR = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b[()][AB0-2]")
_CONTROL = re.compile("[\0-\x08\x0e-\x1f\x7f-\x9f]")  # all that terminals do not show, except line ends and tabs
# Categories of Unicode: marks of format and direction, accents, enclosing marks, separators of lines and paragraphs.
_UNSEEN = ("Cf", "Mn", "Me", "Zl", "Zp")
# Letters and other characters that show nothing.
_BLANK = re.compile("[\u115f\u1160\u2065\u2800\ufff0-\ufff8\U000e0000-\U000e0fff]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_TAG = re.compile(r"<[^<>]*>")
_IN_TAG = re.compile(r"\"([^\"]*)\"|'([^']*)'|([^\s\"'=<>]+)")
_OWN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|## Keycheck: (?:NOT )?[A-Z]{2,8}")


def decoded_forms(text: str, depth: int = 3, *, packed: bool = True, wide: bool = False) -> Iterator[str]:
    """Yields `text` and its decoded forms, each once. Each step undoes one kind of escape; there are `depth` steps.

    `packed`: also decodes base64 and hex. `wide`: decoded bytes may also be letters beyond ASCII, which takes longer.
    Every byte becomes one character, as in `spellings`.
    """
    steps = ((*_SPELT, *_WIDE_SPELT) if wide else _SPELT) + ((_WIDE_PACKED if wide else _PACKED) if packed else ())
    seen = {text}
    newest = [text]
    yield text
    for _ in range(depth):
        undone = [undo(one) for one in newest for undo in steps]
        newest = [one for one in dict.fromkeys(undone) if one and one not in seen]
        seen.update(newest)
        yield from newest


def spellings(secret: str) -> set[str]:
    """The texts that a secret may become in decoded forms.

    They are the secret itself; with each blank as +, as an HTML form sends it; in capitals; without its accents; with
    each byte as a character; and with each emoji as the two characters that JSON writes.
    """
    if secret.isascii():
        return {secret, secret.replace(" ", "+")}
    texts = {secret, secret.upper(), *(unicodedata.normalize(form, secret) for form in ("NFC", "NFD"))}
    as_bytes = {text.encode("utf-8", "replace").decode("latin-1") for text in texts}
    units = secret.encode("utf-16-be", "surrogatepass")
    texts.add("".join(chr(high << 8 | low) for high, low in zip(units[::2], units[1::2], strict=True)))
    found = texts | as_bytes | {_without_invisible(text) for text in (secret, *as_bytes)}
    return found | {text.replace(" ", "+") for text in found}


def _unquoted(text: str) -> str:
    return unquote(text) if "%" in text else text


def _unquoted_bytes(text: str) -> str:
    return unquote(text, "latin-1") if "%" in text else text


def _without_escapes(text: str) -> str:
    if "\\" not in text and "#x" not in text:
        return text
    return _ESCAPE.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    group = match.lastindex or 0
    if group == _SIGN:
        return _CONTROLS.get(match[group], match[group])
    if group == _NAME:
        return _named(match)
    number = int(match[group], 8 if group == _OCTAL else 16)
    return chr(number) if number <= sys.maxunicode else match[0]


def _named(match: re.Match[str]) -> str:
    try:
        return unicodedata.lookup(match[_NAME])
    except KeyError:
        return match[0]


def _without_invisible(text: str) -> str:
    """The text without colours and invisible characters; wide, accented and other fancy letters become plain ones."""
    plain = _CONTROL.sub("", _COLOUR.sub("", text) if "\x1b" in text or "\x9b" in text else text)
    if plain.isascii():
        return plain
    plain = unicodedata.normalize("NFKD", plain)
    beyond_ascii = set(_BEYOND_ASCII.findall(plain))
    unseen = [one for one in beyond_ascii if unicodedata.category(one) in _UNSEEN or _BLANK.match(one)]
    return plain.translate(dict.fromkeys(map(ord, unseen))) if unseen else plain


def _without_base64(text: str, kind: _Runs = _TEXT) -> str:
    """Everything that looks like base64, decoded from each of the four places at which it may begin."""
    tokens = _BASE64.in_(_joined(text, _BREAKS).translate(_USUAL))
    return "\n".join(_texts_in(_decoded(tokens, start), kind) for start in range(4)).strip("\n") if tokens else ""


def _decoded(tokens: list[bytes], start: int) -> bytes:
    """All tokens decoded from `start` on, joined by bytes that are not text."""
    return binascii.a2b_base64(_NO_TEXT.join(token[start:] + b"A" * (-(len(token) - start) % 4) for token in tokens))


def _without_hex(text: str, kind: _Runs = _TEXT) -> str:
    """Everything that looks like bytes in hex, decoded from both places at which they may begin."""
    tokens = _HEX.in_(_joined(text, _BETWEEN_BYTES).replace(b"0x", b"").replace(b"0X", b""))
    if not tokens:
        return ""
    ends = ((token, start + (len(token) - start) // 2 * 2, start) for start in range(2) for token in tokens)
    return _texts_in(binascii.unhexlify(_NO_TEXT_IN_HEX.join(token[start:end] for token, end, start in ends)), kind)


def _joined(text: str, breaks: bytes) -> bytes:
    """`text` without the characters between the parts of one encoded text."""
    whole = _WRITTEN_BREAK.sub("", text) if "\\" in text else text
    return whole.encode("utf-8", "replace").translate(None, breaks)


def _texts_in(raw: bytes, kind: _Runs) -> str:
    """The texts that can be read in bytes, UTF-16 included."""
    return "\n".join(part.decode("latin-1") for part in kind.in_(raw.replace(b"\0", b"")))


_SPELT = (html.unescape, _unquoted, _without_escapes, _without_invisible)
_PACKED = (_without_base64, _without_hex)
_WIDE_SPELT = (_unquoted_bytes,)
_WIDE_PACKED = tuple(partial(undo, kind=_WIDE_TEXT) for undo in _PACKED)


def pieces(text: str, depth: int = 3) -> Iterator[str]:
    """The texts in a document of JSON, HTML, XML or Markdown, without the markup around them.

    JSON: names and strings. HTML and XML: text, attribute values, names. Markdown such as summary.md: its lines. Any
    other text is one piece. Times in ISO 8601, and the heading of summary.md, are left out.
    """
    inside = _inside(text) if depth else None
    if inside is None:
        if not _OWN.fullmatch(text):
            yield text
        return
    for one in inside:
        yield from pieces(one, depth - 1)


def _inside(text: str) -> list[str] | None:
    """One level of `pieces`; None if nothing can be decoded."""
    begins = text.lstrip()[:2]
    if begins[:1] in ("{", "["):
        try:
            return list(_strings(json.loads(text, object_pairs_hook=list)))  # all members, even two with the same name
        except (ValueError, RecursionError):
            return None
    if begins[:1] == "<" and _TAG.search(text):
        in_tags = [part for tag in _TAG.findall(text) for found in _IN_TAG.findall(tag) for part in found if part]
        return [html.unescape(part) for part in (*_TAG.split(text), *in_tags)]
    if begins == "##" and "\n" in text:
        return text.split("\n")
    return None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


# A style sheet, a script, a comment, a tag.
_MARKUP = re.compile(r"(?s)(<(style|script)\b.*?</\2\s*>|<!--.*?-->|<[^<>\"']*(?:(?:\"[^\"]*\"|'[^']*')[^<>\"']*)*>)")
_ATTRIBUTE = re.compile(r"(?s)(?<=[\s\"'])((?!(?:class|id|type|for)\s*=)[\w:.-]+\s*=\s*)(\"[^\"]*\"|'[^']*')")


def rewritten(text: str, change: Callable[[str], str]) -> str:
    """A document with `change` applied to each text in it; tags, style sheets and scripts stay as they are.

    The texts of JSON are all strings except names; those of HTML and XML include the values of attributes.
    """
    begins = text.lstrip()[:1]
    if begins in ("{", "["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return change(text)
        new = _rewritten_in(value, change)
        return text if new == value else json.dumps(new)
    if begins != "<" or not _MARKUP.search(text):
        return change(text)
    parts, at = list[str](), 0
    for found in _MARKUP.finditer(text):
        tag = found[0] if found[2] or found[0].startswith("<!--") else _rewritten_tag(found[0], change)
        parts += [change(text[at : found.start()]), tag]
        at = found.end()
    return "".join([*parts, change(text[at:])])


def _rewritten_in(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _rewritten_in(inner, change) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rewritten_in(inner, change) for inner in value]
    return rewritten(value, change) if isinstance(value, str) else value


def _rewritten_tag(tag: str, change: Callable[[str], str]) -> str:
    def attribute(found: re.Match[str]) -> str:
        quote, value = found[2][0], html.unescape(found[2][1:-1])
        new = rewritten(value, change)
        return found[0] if new == value else f"{found[1]}{quote}{html.escape(new)}{quote}"

    return _ATTRIBUTE.sub(attribute, tag)
