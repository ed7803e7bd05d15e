"""Pasted text -> key and secret, with a remark on everything that had to be cleaned off. Pure."""

from dataclasses import dataclass, field
from typing import Literal

from keycheck.credentials import pem
from keycheck.errors import UsageProblem
from keycheck.redaction.secret import Secret

KEY = "BINANCE_API_KEY"
SECRET = "BINANCE_API_SECRET"  # noqa: S105  the setting's name, not its value
KEY_FILE = "BINANCE_PRIVATE_KEY_FILE"
PASSPHRASE = "BINANCE_PRIVATE_KEY_PASSPHRASE"  # noqa: S105  as above
USUAL_LENGTH = 64
SAME = f"{KEY} and {SECRET} are the same text"

KeyType = Literal["HMAC", "RSA", "ED25519"]
Source = Literal["environment", "file", "program"]
# The state of the settings file. dotenv, other: a .env, or another file, was read. example, absent: there is none, with
# or without a .env.example beside it. program: none was needed, because a program gave all settings.
FileState = Literal["dotenv", "other", "example", "absent", "program"]

_QUOTES = "\"'`“”‘’«»"
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
PASTED_KEY = f"{SECRET} holds a private key, which is used as one; its place is a file that {KEY_FILE} names"
_NEEDLESS = f"{PASSPHRASE} is given, but the private key is not encrypted"


@dataclass(frozen=True)
class Pasted:
    """One credential, cleaned. `remarks`: a sentence for each oddity of the pasted text, without the value."""

    secret: Secret | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class PrivateKey:
    """A private key as it was given, not decrypted: PEM and passphrase. `place`: where it was given, for messages."""

    pem: Secret
    passphrase: Secret | None
    place: str


@dataclass(frozen=True)
class Sources:
    """Where key and secret (or private key) came from, each None if it was not given, and the settings file's state.

    `remarks`: a sentence for each oddity, such as two sources, or a name that is not a setting. In a replay of an older
    cassette, all fields are None.
    """

    key: Source | None = None
    secret: Source | None = None
    file: FileState | None = None
    remarks: tuple[str, ...] = ()

    @property
    def are_two(self) -> bool:
        """Whether key and secret came from two places."""
        return bool(self.key and self.secret) and self.key != self.secret


@dataclass(frozen=True)
class Credentials:
    """Key and secret, each None if it was not given; a private key replaces the secret. Its repr shows no value."""

    api_key: Secret | None = None
    api_secret: Secret | None = None
    remarks: tuple[str, ...] = ()
    private_key: PrivateKey | None = None
    sources: Sources = field(default_factory=Sources, compare=False)

    def to_hide(self) -> list[str]:
        """All texts of the credentials that must not be shown."""
        key = self.private_key
        held = (self.api_key, self.api_secret, key.pem if key else None, key.passphrase if key else None)
        return [part for secret in held if secret for part in pem.to_hide(secret.reveal())]


@dataclass(frozen=True)
class KeyFacts:
    """The facts about a key that reports and cassettes may hold.

    `missing`: names of settings that were not given; the secret's only if there is no private key instead.
    `last_four`: the last characters of the key; None if the key is too short to show them. A report leaves them
    out while the text that was given as the key may be the secret. `remarks`: on the pasted text.
    """

    missing: tuple[str, ...] = ()
    type: KeyType | None = None
    last_four: str | None = None
    remarks: tuple[str, ...] = field(default=())
    sources: Sources = field(default_factory=Sources)

    @property
    def all_remarks(self) -> tuple[str, ...]:
        """The remarks on the pasted text, and on its sources."""
        return (*self.remarks, *self.sources.remarks)

    @property
    def not_given(self) -> str:
        """The names of the missing credentials, as words; "" if none is missing."""
        return ", and ".join(f"{SECRET} or {KEY_FILE}" if name == SECRET else name for name in self.missing)

    @property
    def has_private_key(self) -> bool:
        """Whether requests are signed with an Ed25519 or RSA private key instead of a secret."""
        return self.type in ("RSA", "ED25519")


def clean(name: str, raw: str | None) -> Pasted:
    """Takes blanks, quotes, carriage returns and invisible marks off both ends of a pasted value.

    An empty value counts as not given.
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


def bare(raw: str) -> str:
    """The text that `clean` leaves of a pasted value."""
    secret = clean("", raw).secret
    return secret.reveal() if secret else ""


def _odd_mark(char: str) -> str | None:
    if char == "\r":
        return "a carriage return"
    if char.isspace():
        return "blanks"
    if char in _QUOTES:
        return "quotes"
    return "invisible characters" if char in _INVISIBLE else None


def _shape_remarks(name: str, text: str) -> list[str]:
    if name == SECRET and pem.looks_like(text):
        return [PASTED_KEY]
    remarks = []
    if len(text) != USUAL_LENGTH:
        remarks.append(f"{name} has {len(text)} characters where Binance's have {USUAL_LENGTH}")
    if not (text.isascii() and text.isalnum()):
        remarks.append(f"{name} holds characters other than letters and digits")
    return remarks


def says_no_key(remark: str) -> bool:
    """Whether a remark is about the cleaned text that is sent to Binance, and not about characters removed from it."""
    return remark == SAME or " characters where " in remark or " holds characters " in remark


def read(
    raw_key: str | None, raw_secret: str | None, key_file: Secret | None = None, passphrase: str | None = None
) -> Credentials:
    """Cleans the values and compares them with each other. `key_file`: the text of a private key's file.

    Raises UsageProblem, which never contains the value, if the key cannot be an HTTP header value, if the secret is
    not text, or if both a secret and a private key are given.
    """
    key, secret = clean(KEY, raw_key), clean(SECRET, raw_secret)
    if key.secret is not None and not _fits_a_header(key.secret.reveal()):
        raise UsageProblem(
            f"{KEY} holds a line break or another character that no HTTP header can carry: "
            "copy the key again from Binance's API Management, as one line"
        )
    if key.secret is not None and _is_private(key.secret.reveal()):
        if secret.secret and not secret.remarks and not _is_private(secret.secret.reveal()):
            raise UsageProblem(
                f"{KEY} and {SECRET} are swapped: {KEY} holds a private key, which must never be sent anywhere. Put it "
                f"into a file, name that in {KEY_FILE}, and give what {SECRET} holds as {KEY}"
            )
        raise UsageProblem(
            f"{KEY} holds a private key, which must never be sent anywhere: put it into a file, name that in "
            f"{KEY_FILE}, and give the API key that Binance showed for it as {KEY}"
        )
    if secret.secret is not None and (why := _unfit_to_sign(secret.secret.reveal())):
        raise UsageProblem(why)
    if secret.secret and key_file:
        raise UsageProblem(
            f"{SECRET} and {KEY_FILE} are both given, but an API key has only one: take out the one that is not "
            "this key's"
        )
    remarks = [*key.remarks, *secret.remarks]
    if key.secret and secret.secret and key.secret.reveal() == secret.secret.reveal():
        remarks.append(SAME)
    private_key = _private_key(secret.secret, key_file, passphrase)
    if private_key is None:
        return Credentials(key.secret, secret.secret, tuple(remarks))
    block = pem.private_block(private_key.pem.reveal())
    if private_key.passphrase and block and not pem.is_encrypted(block):
        remarks.append(_NEEDLESS)
    return Credentials(key.secret, None, tuple(remarks), private_key)


def _private_key(secret: Secret | None, key_file: Secret | None, passphrase: str | None) -> PrivateKey | None:
    """The private key in the file, or one that was pasted instead of a secret."""
    opens = Secret(text) if (text := (passphrase or "").strip("\r\n")) else None
    if key_file is not None:
        return PrivateKey(key_file, opens, f"the file that {KEY_FILE} names")
    if secret is not None and pem.looks_like(secret.reveal()):
        return PrivateKey(secret, opens, SECRET)
    return None


def _unfit_to_sign(text: str) -> str | None:
    if text.startswith(pem.BARE_ED25519):
        return (
            f"{SECRET} holds a private key without its -----BEGIN and -----END lines: put the whole of it into a file, "
            f"and name that in {KEY_FILE}"
        )
    if not _is_text(text):
        return f"{SECRET} holds bytes that are not text: copy the secret again from Binance's API Management"
    return None


def _is_private(text: str) -> bool:
    return pem.looks_like(text) or text.startswith(pem.BARE_ED25519)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fits_a_header(text: str) -> bool:
    return all(" " <= c <= "\xff" and not "\x7f" <= c <= "\x9f" for c in text)


def facts_of(credentials: Credentials, key_type: KeyType | None = None) -> KeyFacts:
    """The facts about these credentials that may be shown. `key_type`: the private key's type, once it is decrypted."""
    given = {KEY: credentials.api_key, SECRET: credentials.api_secret or credentials.private_key}
    key = credentials.api_key.reveal() if credentials.api_key else ""
    return KeyFacts(
        missing=tuple(name for name, secret in given.items() if secret is None),
        type="HMAC" if credentials.api_secret else key_type,
        # Four characters of a short text would be most of it.
        last_four=key[-4:] if len(key) >= USUAL_LENGTH // 2 and key[-4:].isascii() and key[-4:].isalnum() else None,
        remarks=credentials.remarks,
        sources=credentials.sources,
    )
