"""Takes secrets, addresses and names out of text. Pure: text in, text out.

Two rules. A secret is known in advance, so any run of ten of its characters goes, forwards or backwards, in upper or
lower case: debuggers and reprs cut long strings short, and a cut secret is still most of one. And some things have a
tell-tale shape: `signature=...`, `listenKey: ...` (where it is no path), a bare 64-digit hex number, an IP address.

One exception. The suite's own texts reveal nothing, even if a secret shares words with them: a run that is also in
these texts is hidden only as part of a longer stretch of a secret.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NoReturn

from keycheck.redaction.decoded_forms import decoded_forms, pieces

RUN = 10
# Wherever a run lies in a text that is cut into pieces of half its length, one piece lies within the run: few pieces of
# a text are pieces of a secret, and only around those is each run looked at.
_HALF = RUN // 2
_PIECE = re.compile(rf"(?s).{{{_HALF}}}")
HIDDEN = "[hidden]"
HIDDEN_IP = "[IP hidden]"
HIDDEN_IPV6 = "[IPv6 hidden]"  # the version of IP may be the reason of a refusal

# Characters that JSON, HTML or a shell would take for the end of the value end it here too, so that what surrounds it
# stays whole; "[" begins what an earlier pass put there.
_SHAPES = re.compile(
    r"(?i)((?:signature|streams)=)[^&\s\"'<>\[\\]+"
    r"|((?:x-mbx-apikey|(?<!/v1/)listenkey)(?:[^\w\[\\]|\\[\\\"]){1,6}+)(?!\[(?:IP(?:v6)? )?hidden\])[^\s\"',<>&\\]+"
    r"|\b[0-9a-f]{64}\b"
    r"|(?<=://)[^\s/@\"'<>\[\\]+(?=@)"  # user and password, which may be too short to be known
)
# Four small numbers are an address whatever is glued to them, and whether or not one could connect to it.
_DOT = r"(?:\.|%2[Ee])"
_ADDRESS = re.compile(
    rf"(?<![\d.])\d{{1,3}}(?:{_DOT}\d{{1,3}}){{3}}(?!\d|\.\d)"
    r"|(?<![\w.])(?:[0-9A-Fa-f]{1,4}|:(?=:))(?::[0-9A-Fa-f]{0,4}){1,7}(?:(?:\.\d{1,3}){3})?(?![\w:])"
    rf"|(?<=[a-z0-9]-)\d{{1,3}}(?:-\d{{1,3}}){{3}}(?=[.-][a-z]|(?![\w-]))"  # cloud machines' names
)


class Redactor:
    """Knows the secrets of one run and cleans text of them. It grows: each signature is added when it is made, while
    other threads may be cleaning.

    What it knows sits in a closure, and it is neither pickled nor copied: it holds every secret there is.
    """

    __slots__ = ("_clean", "_free", "_halves", "_names", "_ours", "_runs", "_short", "_vocabulary")

    def __init__(
        self,
        secrets: Iterable[str] = (),
        names: Mapping[str, str] | None = None,
        vocabulary: Callable[[], str] = str,
    ) -> None:
        """`vocabulary`: all our own texts, in lower case; called only when a secret is met."""
        # Longest first: a folder is replaced whole, before its parent.
        self._names = dict(sorted((names or {}).items(), key=lambda pair: -len(pair[0])))
        runs: set[str] = set()
        # Hashes of texts found clean, and free of secrets: a report is handed round, and a file scanned, many times.
        self._clean: set[int] = set()
        self._free: set[int] = set()
        self._runs: Callable[[], set[str]] = lambda: runs
        halves: set[str] = set()
        self._halves: Callable[[], set[str]] = lambda: halves
        short: list[re.Pattern[str]] = []  # passwords
        self._short: Callable[[], list[re.Pattern[str]]] = lambda: short
        self._vocabulary = cache(vocabulary)
        ours: dict[str, bool] = {}  # runs that were looked up
        self._ours: Callable[[], dict[str, bool]] = lambda: ours
        for secret in secrets:
            self.learn(secret)

    def __repr__(self) -> str:
        return "Redactor()"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Redactor is neither pickled nor copied")

    def learn(self, secret: str) -> None:
        """Hides `secret` from now on, whole or in any ten-character run, forwards and backwards, in either case.

        A text shorter than that is a placeholder or a typo, and hiding it would tear holes into ordinary words.
        """
        folded = _folded(secret)
        for text in (folded, folded[::-1]):
            self._runs().update(text[i : i + RUN] for i in range(len(text) - RUN + 1))
            self._halves().update(text[i : i + _HALF] for i in range(len(text) - _HALF + 1))
        # New sets: another thread may note a text as clean that was clean by the old secrets alone.
        self._clean, self._free = set(), set()

    def learn_password(self, password: str) -> None:
        """`learn`; and one that is too short for that is hidden where it stands alone, in either case.

        Not where it is a word of the suite's own, and in none of the forms that `finds` undoes.
        """
        self.learn(password)
        if 0 < len(password) < RUN:
            before = r"(?<!\w)" if password[0].isalnum() else ""
            behind = r"(?!\w)" if password[-1].isalnum() else ""
            self._short().append(re.compile(f"{before}{re.escape(password)}{behind}", re.IGNORECASE))
            self._clean = set()

    def knows(self, text: str) -> bool:
        """Whether `text` holds a run of a secret that is not also a run of the suite's own texts."""
        if len(text) < RUN:
            return False
        runs, halves, text = self._runs(), self._halves(), _folded(text)
        found = halves.intersection(_PIECE.findall(text))
        return any(
            self._tells(text[i : i + RUN], runs)
            for half in found
            for at in _places(half, text)
            for i in range(max(at - _HALF, 0), at + 1)
        )

    def _tells(self, run: str, runs: set[str]) -> bool:
        if run not in runs:
            return False
        ours = self._ours()
        if run not in ours:
            ours[run] = " ".join(run.split()) in self._vocabulary()  # line ends do not matter
        return not ours[run]

    def _is_ours(self, password: re.Pattern[str]) -> bool:
        ours = self._ours()
        if password.pattern not in ours:
            ours[password.pattern] = password.search(self._vocabulary()) is not None
        return ours[password.pattern]

    def finds(self, text: str) -> bool:
        """Whether `text` holds a run of a secret in any of the forms that `decoded_forms` undoes.

        In a document that is JSON, HTML, XML or Markdown, one that does not begin or end in its markup.
        """
        free = self._free
        if not self._runs() or hash(text) in free:
            return False
        found = self._shows(text) and (self._packs(text) or any(self._shows(piece) for piece in pieces(text)))
        if not found:
            free.add(hash(text))
        return found

    def _packs(self, text: str) -> bool:
        """Whether the secret is in base64 or hex; no format has base64 or hex of its own words."""
        spelt = set(decoded_forms(text, packed=False))
        return any(self.knows(view) for view in decoded_forms(text) if view not in spelt)

    def finds_in_markup(self, text: str) -> bool:
        """`finds` for a part of a page, which may begin and end anywhere in the markup."""
        return self.finds(f"<>{text}")

    def _shows(self, text: str) -> bool:
        return any(self.knows(view) for view in decoded_forms(text))

    def clean(self, text: str) -> str:
        """`text` without secrets and without what has the shape of one: for a single message, before it is rendered."""
        known = self._clean
        if hash(text) in known:
            return text
        cleaned = _SHAPES.sub(lambda m: (m[1] or m[2] or "") + HIDDEN, self.without_secrets(text))
        if self.finds(cleaned):
            cleaned = "\n".join(self._without_disguised(cleaned.split("\n")))
            cleaned = HIDDEN if self.finds(cleaned) else cleaned
        known.add(hash(cleaned))
        return cleaned

    def without_secrets(self, text: str) -> str:
        """`text` without the secrets themselves: for one text that is about to be set into a document."""
        while self.knows(text):  # a replacement may form another secret with its neighbours
            text = self._without_runs(text)
        for password in self._short():
            if password.search(text) and not self._is_ours(password):
                text = password.sub(HIDDEN, text)
        return text

    def clean_shared(self, text: str) -> str:
        """`clean`, and IP addresses and names masked: for everything that leaves the owner's own terminal."""
        cleaned = self.clean(text)
        # Removing one address may expose another.
        while (further := self.clean(without_addresses(cleaned))) != cleaned:
            cleaned = further
        return self.without_names(cleaned)

    def without_names(self, text: str) -> str:
        """`text` with this machine's names and folders replaced."""
        for name, stand_in in self._names.items():
            # A short name may be part of another word; a long one is itself wherever it stands.
            bounds = ("", "") if len(name) >= RUN else (r"(?<![\w.-])", r"(?![\w-])")
            text = re.sub(bounds[0] + re.escape(name) + bounds[1], stand_in.replace("\\", r"\\"), text)
        return text

    def _without_disguised(self, lines: list[str]) -> list[str]:
        """Removes whole lines that hold a secret in another encoding, since its beginning cannot be located."""
        if not self.finds("\n".join(lines)):
            return lines
        if len(lines) == 1:
            return [HIDDEN]
        half = len(lines) // 2
        return self._without_disguised(lines[:half]) + self._without_disguised(lines[half:])

    def _without_runs(self, text: str) -> str:
        runs, folded = self._runs(), _folded(text)
        parts: list[str] = []
        kept = 0  # everything before this index has been dealt with
        i = 0
        while i <= len(text) - RUN:
            if folded[i : i + RUN] not in runs:
                i += 1
                continue
            end = i + RUN
            while end < len(text) and folded[end - RUN + 1 : end + 1] in runs:
                end += 1
            if any(self._tells(folded[j : j + RUN], runs) for j in range(i, end - RUN + 1)):
                parts += [text[kept:i], HIDDEN]
                kept = i = end
            else:
                i = end - RUN + 1
        return "".join([*parts, text[kept:]])


def _places(half: str, text: str) -> Iterator[int]:
    at = text.find(half)
    while at >= 0:
        yield at
        at = text.find(half, at + 1)


def _folded(text: str) -> str:
    """`text` in lower case, with each character in its place."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def without_addresses(text: str) -> str:
    """`text` with IP addresses masked."""
    return _ADDRESS.sub(lambda m: _hidden(m[0]), text)


def _hidden(text: str) -> str:
    """The replacement for an address; the text itself if it is none."""
    if ":" not in text:
        return HIDDEN_IP
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    is_v6 = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None
    return HIDDEN_IPV6 if is_v6 else HIDDEN_IP


def printable(text: str, limit: int = 300) -> str:
    """One line of harmless text: no control characters, no direction overrides, at most `limit` characters.

    What an exchange or a cassette says is untrusted; it ends up on terminals.
    """
    line = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(line.split())
    if len(line) <= limit:
        return line
    # Cut between two words: half an address would not be recognised as one.
    cut = line[: limit - 1]
    return (cut.rpartition(" ")[0] or cut) + "…"
