"""Pasted text -> key and secret, with a remark on everything that had to be cleaned off. Pure."""

from dataclasses import dataclass, field
from typing import Literal

from keycheck.errors import UsageProblem
from keycheck.secrets import Secret

KEY = "BINANCE_API_KEY"
SECRET = "BINANCE_API_SECRET"  # noqa: S105  the setting's name, not its value
USUAL_LENGTH = 64
SAME = f"{KEY} and {SECRET} are the same text"

KeyType = Literal["HMAC", "RSA", "ED25519"]

_QUOTES = "\"'`“”‘’«»"
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"


@dataclass(frozen=True)
class Pasted:
    """One credential as it was found. `remarks` say in a sentence each what is odd; none quotes the value."""

    secret: Secret | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Credentials:
    """Key and secret, each None where it was not given. Nothing in here prints a value."""

    api_key: Secret | None = None
    api_secret: Secret | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeyFacts:
    """What may be told of a key: it travels into the verdict and into cassettes.

    `missing`: names of settings that were not given. `last_four`: of the key; None for one too short to cut.
    """

    missing: tuple[str, ...] = ()
    type: KeyType | None = None
    last_four: str | None = None
    remarks: tuple[str, ...] = field(default=())


def clean(name: str, raw: str | None) -> Pasted:
    """Takes blanks, quotes, carriage returns and invisible marks off both ends of a pasted value.

    An empty value is an absent one.
    """
    text = raw or ""
    found: list[str] = []
    while text and (what := _odd_mark(text[0]) or _odd_mark(text[-1])):
        if what not in found:
            found.append(what)
        text = text[1:] if _odd_mark(text[0]) else text[:-1]
    if not text:
        return Pasted(None)
    remarks = [f"{name} had {' and '.join(found)} around it"] if found else []
    return Pasted(Secret(text), (*remarks, *_shape_remarks(name, text)))


def _odd_mark(char: str) -> str | None:
    if char == "\r":
        return "a carriage return"
    if char.isspace():
        return "blanks"
    if char in _QUOTES:
        return "quotes"
    return "invisible characters" if char in _INVISIBLE else None


def _shape_remarks(name: str, text: str) -> list[str]:
    remarks = []
    if len(text) != USUAL_LENGTH:
        remarks.append(f"{name} has {len(text)} characters where Binance's have {USUAL_LENGTH}")
    if not (text.isascii() and text.isalnum()):
        remarks.append(f"{name} holds characters other than letters and digits")
    return remarks


def says_no_key(remark: str) -> bool:
    """Whether a remark tells of what Binance was sent, and not of what was cleaned off before."""
    return remark == SAME or " characters " in remark


def read(raw_key: str | None, raw_secret: str | None) -> Credentials:
    """Cleans both values and looks at them side by side.

    Raises UsageProblem, without printing it, for a key that cannot be an HTTP header value or a secret that is no text.
    """
    key, secret = clean(KEY, raw_key), clean(SECRET, raw_secret)
    if key.secret is not None and not _fits_a_header(key.secret.reveal()):
        raise UsageProblem(
            f"{KEY} holds a line break or another character that no HTTP header can carry: "
            "copy the key again from Binance's API Management, as one line"
        )
    if secret.secret is not None and not _is_text(secret.secret.reveal()):
        raise UsageProblem(
            f"{SECRET} holds bytes that are no text: copy the secret again from Binance's API Management"
        )
    remarks = [*key.remarks, *secret.remarks]
    if key.secret and secret.secret and key.secret.reveal() == secret.secret.reveal():
        remarks.append(SAME)
    return Credentials(key.secret, secret.secret, tuple(remarks))


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fits_a_header(text: str) -> bool:
    return all(" " <= c <= "\xff" and not "\x7f" <= c <= "\x9f" for c in text)


def facts_of(credentials: Credentials) -> KeyFacts:
    """What may be told of these credentials."""
    given = {KEY: credentials.api_key, SECRET: credentials.api_secret}
    key = credentials.api_key.reveal() if credentials.api_key else ""
    return KeyFacts(
        missing=tuple(name for name, secret in given.items() if secret is None),
        type="HMAC" if credentials.api_secret else None,
        # Four of a short text would be most of it.
        last_four=key[-4:] if len(key) >= USUAL_LENGTH // 2 and key.isascii() and key.isprintable() else None,
        remarks=credentials.remarks,
    )
