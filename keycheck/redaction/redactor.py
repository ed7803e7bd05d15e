"""Takes secrets, addresses and names out of text. Pure: text in, text out.

A "run" of a secret is ten of its characters in a row. There are two rules:

- Every run of a known secret is hidden, forwards or backwards, in upper or lower case. Debuggers and reprs cut long
  strings short, and a cut secret is still most of a secret.
- A text with the shape of a secret is hidden, known or not: `signature=...`, `listenKey: ...` (unless it is a path), a
  bare 64-digit hex number, an IP address.

And one exception: the suite's own texts reveal nothing, even if a secret shares words with them. So a run that also
occurs in these texts is hidden only as part of a longer piece of a secret.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NoReturn

from keycheck.redaction.decoded_forms import decoded_forms, pieces, spellings

RUN = 10
# For speed, a text is cut into pieces of half a run. Each run in it contains at least one whole piece, so only the text
# around pieces that also occur in a secret, which are few, is searched for runs.
_HALF = RUN // 2
_PIECE = re.compile(rf"(?s).{{{_HALF}}}")
HIDDEN = "[hidden]"
HIDDEN_IP = "[IP hidden]"
HIDDEN_IPV6 = "[IPv6 hidden]"  # different from HIDDEN_IP, since IPv6 may be the reason for a refusal

# A value ends at each character that would end it in JSON, HTML or a shell, so that the text around it stays whole; and
# at "[", with which the replacements of an earlier pass begin.
_SHAPES = re.compile(
    r"(?i)((?:signature|streams)=)[^&\s\"'<>\[\\]+"
    r"|((?:x-mbx-apikey|(?<!/v1/)listenkey)(?:[^\w\[\\]|\\[\\\"]){1,6}+)(?!\[(?:IP(?:v6)? )?hidden\])[^\s\"',<>&\\]+"
    r"|\b[0-9a-f]{64}\b"
    r"|(?<=://)[^\s/@\"'<>\[\\]+(?=@)"  # user and password, which may be too short to be known
)
# Four short numbers with dots are an address, even next to letters, and even if no host could have it.
_DOT = r"(?:\.|%2[Ee])"
_ADDRESS = re.compile(
    rf"(?<![\d.])\d{{1,3}}(?:{_DOT}\d{{1,3}}){{3}}(?!\d|\.\d)"
    r"|(?<![\w.])(?:[0-9A-Fa-f]{1,4}|:(?=:))(?::[0-9A-Fa-f]{0,4}){1,7}(?:(?:\.\d{1,3}){3})?(?![\w:])"
    rf"|(?<=[a-z0-9]-)\d{{1,3}}(?:-\d{{1,3}}){{3}}(?=[.-][a-z]|(?![\w-]))"  # cloud machines' names
)


class Redactor:
    """Knows the secrets of one suite run, and takes them out of texts.

    Secrets are added all the time, such as each signature when it is made, while other threads clean texts. Because a
    Redactor holds all secrets, its attributes are closures, which print nothing, and it can be neither pickled nor
    copied.
    """

    __slots__ = ("_clean", "_free", "_halves", "_is_wide", "_names", "_ours", "_runs", "_short", "_vocabulary")

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
        # Hashes of texts that `clean` returned, and of texts in which `finds` found nothing: both often get one again.
        self._clean: set[int] = set()
        self._free: set[int] = set()
        self._runs: Callable[[], set[str]] = lambda: runs
        halves: set[str] = set()
        self._halves: Callable[[], set[str]] = lambda: halves
        short: list[re.Pattern[str]] = []  # passwords
        self._short: Callable[[], list[re.Pattern[str]]] = lambda: short
        self._is_wide = False  # whether a secret has letters beyond ASCII
        self._vocabulary = cache(vocabulary)
        ours: dict[str, bool] = {}  # run or pattern -> whether it occurs in the vocabulary
        self._ours: Callable[[], dict[str, bool]] = lambda: ours
        for secret in secrets:
            self.learn(secret)

    def __repr__(self) -> str:
        return "Redactor()"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Redactor is neither pickled nor copied")

    def learn(self, secret: str) -> None:
        """Hides all runs of `secret` from now on, forwards and backwards, in upper and lower case.

        A text shorter than a run is not hidden: it is a placeholder or a typo, and may be part of ordinary words.
        """
        self._is_wide = self._is_wide or not secret.isascii()
        folded = [_folded(one) for one in spellings(secret)]
        for text in (*folded, *(one[::-1] for one in folded)):
            self._runs().update(text[i : i + RUN] for i in range(len(text) - RUN + 1))
            self._halves().update(text[i : i + _HALF] for i in range(len(text) - _HALF + 1))
        # New sets: another thread may be adding a text to the old ones that it searched only for the old secrets.
        self._clean, self._free = set(), set()

    def learn_password(self, password: str) -> None:
        """Like `learn`, but a password shorter than a run is hidden, too, where it is a word by itself.

        It is not hidden if it is a word of the suite's own texts, nor if it is encoded.
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
        """Whether `text`, or one of its decoded forms, holds a run of a secret.

        In JSON, HTML, XML or Markdown, a run must lie within one text of the document, or in base64 or hex: a run that
        begins or ends in the markup is a chance match.
        """
        free = self._free
        if not self._runs() or hash(text) in free:
            return False
        found = self._shows(text) and (self._packs(text) or any(self._shows(piece) for piece in pieces(text)))
        if not found:
            free.add(hash(text))
        return found

    def _packs(self, text: str) -> bool:
        """Whether the text holds a secret in base64 or hex. Markup has neither, so no match is by chance."""
        spelt = set(decoded_forms(text, packed=False, wide=self._is_wide))
        return any(self.knows(view) for view in decoded_forms(text, wide=self._is_wide) if view not in spelt)

    def finds_in_markup(self, text: str) -> bool:
        """Like `finds`, for a part of a page that may begin and end within the markup."""
        return self.finds(f"<>{text}")

    def _shows(self, text: str) -> bool:
        return any(self.knows(view) for view in decoded_forms(text, wide=self._is_wide))

    def clean(self, text: str) -> str:
        """`text` without known secrets and without text of their shape. For a single message, before it is rendered."""
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
        """`text` without the known secrets. For a text that is about to be inserted into a document."""
        while self.knows(text):  # a replacement may form another secret with its neighbours
            text = self._without_runs(text)
        for password in self._short():
            if password.search(text) and not self._is_ours(password):
                text = password.sub(HIDDEN, text)
        return text

    def clean_shared(self, text: str) -> str:
        """`clean(text)` with IP addresses and names masked, too. For all texts that leave the owner's own terminal."""
        cleaned = self.clean(text)
        # Removing one address may expose another.
        while (further := self.clean(without_addresses(cleaned))) != cleaned:
            cleaned = further
        return self.without_names(cleaned)

    def without_names(self, text: str) -> str:
        """`text` with this machine's names and folders replaced."""
        for name, stand_in in self._names.items():
            # A short name is replaced as a whole word only, since it may be part of another word.
            bounds = ("", "") if len(name) >= RUN else (r"(?<![\w.-])", r"(?![\w-])")
            text = re.sub(bounds[0] + re.escape(name) + bounds[1], stand_in.replace("\\", r"\\"), text)
        return text

    def _without_disguised(self, lines: list[str]) -> list[str]:
        """Hides whole lines if they hold an encoded secret, whose place in the line is not known."""
        if not self.finds("\n".join(lines)):
            return lines
        if len(lines) == 1:
            return [HIDDEN]
        half = len(lines) // 2
        return self._without_disguised(lines[:half]) + self._without_disguised(lines[half:])

    def _without_runs(self, text: str) -> str:
        runs, folded = self._runs(), _folded(text)
        parts: list[str] = []
        kept = 0  # `parts` holds everything before this index
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
    """`text` in lower case, with each character at its old index."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def without_addresses(text: str) -> str:
    """`text` with IP addresses masked."""
    return _ADDRESS.sub(lambda m: _hidden(m[0]), text)


def _hidden(text: str) -> str:
    """The replacement for an address; the text itself if it is not an address."""
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

    Texts from an exchange or a cassette are not trusted, and end up on terminals.
    """
    line = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(line.split())
    if len(line) <= limit:
        return line
    # Cut between two words: half an address would not be recognised as one.
    cut = line[: limit - 1]
    return (cut.rpartition(" ")[0] or cut) + "…"
