"""Finds a canary in a text, or any ten characters in a row of it, in upper or lower case, even if they are encoded.

It shares no code with `keycheck.redaction.redactor`, because it judges that module.
"""

import base64
import binascii
import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

RUN = 10
_DEPTH = 3  # base64 in base64 in base64
_ROUNDS = 6  # layers of percent, entity and backslash encoding

_WORD = re.compile(r"[A-Za-z0-9]{10,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{13,}")
_WRAPPED = re.compile(r"(?<=[A-Za-z0-9+/_-]{20})(?:\\n|\r?\n)[ \t]*(?=[A-Za-z0-9+/_-])")
_HEX = re.compile(r"[0-9a-fA-F]{20,}")
_BETWEEN = re.compile(r"\\[nrt]|[\s\"',]")
_BETWEEN_HEX = re.compile(r"\\[nrt]|0x|[\s\"',:;-]")
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_BACKSLASH = re.compile(
    r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|u\{([0-9A-Fa-f]{1,6})\}|([/\"'\\]))"
)


@dataclass(frozen=True)
class Canary:
    """A planted text. `shared_only`: the owner's terminal and log may show it, but no file for sharing."""

    name: str
    text: str
    shared_only: bool = False


@dataclass(frozen=True)
class Hit:
    """A canary that was found: its encoding, and the text around it without the canary."""

    canary: str
    encoding: str
    excerpt: str


class Scanner:
    """Looks for these canaries. A text shorter than ten characters is looked for whole."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._words: dict[str, tuple[str, str]] = {}
        self._others: dict[str, tuple[str, str]] = {}
        for canary in canaries:
            for text, way in ((canary.text, "plain"), (canary.text[::-1], "reversed")):
                size = min(RUN, len(text))
                for run in (text.lower()[i : i + size] for i in range(len(text) - size + 1)):
                    table = self._words if _WORD.fullmatch(run) else self._others
                    table.setdefault(run, (canary.name, way))

    def scan(self, content: str | bytes) -> list[Hit]:
        """The hits in a text, one for each canary, in the simplest encoding in which it was found."""
        text = content if isinstance(content, str) else content.decode("utf-8", "replace")
        found: dict[str, Hit] = {}
        for hit in self._scan(text, "", _DEPTH):
            found.setdefault(hit.canary, hit)
        return list(found.values())

    def _scan(self, text: str, encoded: str, depth: int) -> Iterator[Hit]:
        seen: set[str] = set()
        for view, way in decoded_forms(text):
            encoding = "+".join(filter(None, (encoded, way)))
            yield from self._search(view, encoding)
            if depth:
                for inner in _unpacked(view, seen):
                    yield from self._scan(inner, f"{encoding}+base64".lstrip("+"), depth - 1)

    def _search(self, text: str, encoding: str) -> Iterator[Hit]:
        text = text.lower()
        places: dict[str, int] = {}
        for word in set(_WORD.findall(text)):
            for i in range(len(word) - RUN + 1):
                if word[i : i + RUN] in self._words:
                    places.setdefault(word[i : i + RUN], -1)
        found = [(run, self._words[run]) for run in places]
        found += [(run, of) for run, of in self._others.items() if run in text]
        named: set[tuple[str, str]] = set()
        for run, (name, way) in found:
            if (name, way) not in named:
                named.add((name, way))
                yield Hit(
                    name,
                    "+".join(filter(None, (encoding, "" if way == "plain" else way))) or "plain",
                    self._around(text, run),
                )

    def _around(self, text: str, run: str) -> str:
        place = text.find(run)
        around = text[max(0, place - 60) : place + len(run) + 120]
        hidden = [
            range(i, i + size)
            for size in {len(known) for known in (*self._words, *self._others)}
            for i in range(len(around) - size + 1)
            if around[i : i + size] in self._words or around[i : i + size] in self._others
        ]
        places = {i for span in hidden for i in span}
        masked = "".join("*" if i in places else c for i, c in enumerate(around))
        return " ".join(re.sub(r"\*{4,}", "***", masked).split())


def decoded_forms(text: str) -> Iterator[tuple[str, str]]:
    """The text unchanged, then with more and more of its encodings undone."""
    yield text, ""
    bare = _UNSEEN.sub("", _ANSI.sub("", text))
    if bare != text:
        yield bare, "colours or characters that nobody sees"
    current, names = bare, ""
    for _ in range(_ROUNDS):
        before = current
        for name, undo in (("entities", html.unescape), ("percent", _unquoted), ("backslash", _unescaped)):
            after = undo(current)
            if after != current:
                current = _UNSEEN.sub("", after)
                names = names if name in names.split("+") else f"{names}+{name}".lstrip("+")
                yield current, names
        if current == before:
            return


def _unquoted(text: str) -> str:
    return unquote(text, errors="replace") if "%" in text else text


def _unescaped(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        digits = next((group for group in match.groups()[:4] if group), None)
        if digits is None:
            return match[5]
        return chr(int(digits, 16)) if int(digits, 16) < 0x110000 else match[0]

    return _BACKSLASH.sub(character, text) if "\\" in text else text


def _unpacked(text: str, seen: set[str]) -> Iterator[str]:
    """The decoded base64 of a text, from each of its four possible beginnings, and the decoded hex."""
    words = set(_BASE64.findall(text))
    joined = _WRAPPED.sub("", text)
    if joined != text:
        words.update(_BASE64.findall(joined))
    words.update(_BASE64.findall(_BETWEEN.sub("", text)))
    for found in _HEX.findall(_BETWEEN_HEX.sub("", text)):
        for start in range(2):
            half = found[start:]
            yield bytes.fromhex(half[: len(half) // 2 * 2]).decode("latin-1")
    for word in words - seen:
        seen.add(word)
        for start in range(4):
            cut = word[start:].translate(str.maketrans("-_", "+/"))
            try:
                raw = base64.b64decode(cut[: len(cut) // 4 * 4])
            except (binascii.Error, ValueError):
                continue
            # A cut end holds up to two more bytes.
            if tail := len(cut) % 4:
                raw += _tail(cut[-tail:])
            inner = raw.decode("latin-1")
            # Bytes that are not text hold no key. Most words that look like base64 are names of functions.
            if re.search(r"[ -~]{10}", inner):
                yield inner


def _tail(cut: str) -> bytes:
    if len(cut) == 1:
        return b""
    try:
        return base64.b64decode(cut + "A" * (4 - len(cut)))[: len(cut) - 1]
    except (binascii.Error, ValueError):
        return b""
