"""Pasted credentials are cleaned, get remarks about their oddities, and are never quoted."""

import pytest

from keycheck.credentials import pasted_text, pem
from keycheck.credentials.pasted_text import (
    KEY,
    KEY_FILE,
    PASSPHRASE,
    SECRET,
    Credentials,
    KeyFacts,
    KeyType,
    facts_of,
    says_no_key,
)
from keycheck.errors import UsageProblem
from keycheck.redaction.secret import Secret
from tests.keys import ED25519, ENCRYPTED_ED25519

GOOD = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
OTHER = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"


def test_a_clean_value_is_kept_without_a_remark() -> None:
    """A value of 64 letters and digits, as Binance gives out, gets no remark."""
    pasted = pasted_text.clean(KEY, GOOD)
    assert pasted.secret is not None
    assert pasted.secret.reveal() == GOOD
    assert pasted.remarks == ()


@pytest.mark.parametrize("raw", [None, "", " ", "\r\n", '""', "''", "\ufeff", ' " " ', "“”"])
def test_an_empty_value_is_an_absent_one(raw: str | None) -> None:
    """A value of blanks, quotes and invisible marks counts as missing."""
    assert pasted_text.clean(KEY, raw) == pasted_text.Pasted(None)


@pytest.mark.parametrize(
    ("before", "after", "remark"),
    [
        (" ", "", "blanks"),
        ("", "\t", "blanks"),
        ("", "\r", "a carriage return"),
        ("", "\n", "blanks"),
        ('"', '"', "quotes"),
        ("'", "'", "quotes"),
        ("“", "”", "quotes"),
        ("`", "", "quotes"),
        ("\ufeff", "", "invisible characters"),
        ("", "\u200b", "invisible characters"),
        ("\u2060", "\u200d", "invisible characters"),
        ("\xa0", "", "blanks"),
        ('"', '"\r', "quotes and a carriage return"),
    ],
)
def test_characters_around_a_value_are_removed_with_a_remark(before: str, after: str, remark: str) -> None:
    """The remark says which characters stood around the value, since another program may send them along."""
    pasted = pasted_text.clean(KEY, before + GOOD + after)
    assert pasted.secret is not None
    assert pasted.secret.reveal() == GOOD
    assert pasted.remarks == (f"{KEY} had {remark} around it",)


@pytest.mark.parametrize(
    ("raw", "remarks"),
    [
        (GOOD[:-1], [f"{SECRET} has 63 characters where Binance's have 64"]),
        (GOOD + "x", [f"{SECRET} has 65 characters where Binance's have 64"]),
        (GOOD[:-1] + "-", [f"{SECRET} holds characters other than letters and digits"]),
        (GOOD[:-1] + "é", [f"{SECRET} holds characters other than letters and digits"]),
        (GOOD[:-1] + "٣", [f"{SECRET} holds characters other than letters and digits"]),
        (GOOD[:30] + " " + GOOD[31:], [f"{SECRET} holds characters other than letters and digits"]),
    ],
)
def test_an_odd_shape_is_a_remark_and_no_refusal(raw: str, remarks: list[str]) -> None:
    """Binance promises no length of 64, so a value of another length gets a remark and is used as it is."""
    pasted = pasted_text.clean(SECRET, raw)
    assert list(pasted.remarks) == remarks
    assert pasted.secret is not None
    assert pasted.secret.reveal() == raw


@pytest.mark.parametrize("bad", ["\n", "\r\n", "\x00", "\x1b", "\x7f", "\x85", "Ж", "币", "\u2028", "\udcff"])
def test_a_key_that_no_header_carries_is_refused_unshown(bad: str) -> None:
    """A line break or a foreign letter in the middle of a key is named, the key is not."""
    with pytest.raises(UsageProblem) as caught:
        pasted_text.read(GOOD[:32] + bad + GOOD[32:], OTHER)
    message = str(caught.value)
    assert KEY in message
    assert "copy the key again" in message
    assert "\n" not in message
    assert not any(GOOD[i : i + 4] in message for i in range(60))
    assert caught.value.__context__ is None  # no attached exception holds the value


def test_a_latin_1_key_is_left_to_binance() -> None:
    """HTTP can carry a Latin-1 key, so Binance may judge it."""
    assert pasted_text.read(GOOD[:-1] + "é", OTHER).api_key is not None


def test_a_secret_that_cannot_be_signed_with_is_refused_unshown() -> None:
    """Bytes that are not UTF-8, as an environment may hold them, are a problem of the settings and not of a check."""
    with pytest.raises(UsageProblem) as caught:
        pasted_text.read(GOOD, OTHER[:32] + "\udcff" + OTHER[32:])
    assert SECRET in str(caught.value)
    assert not any(OTHER[i : i + 4] in str(caught.value) for i in range(60))


def test_key_and_secret_that_are_one_text_are_remarked() -> None:
    """A key and a secret that are the same text get a remark: pasting the same line twice is a common slip."""
    assert pasted_text.read(GOOD, f" {GOOD}").remarks[-1] == f"{KEY} and {SECRET} are the same text"
    assert pasted_text.read(GOOD, OTHER).remarks == ()
    assert pasted_text.read(None, None).remarks == ()


@pytest.mark.parametrize(
    ("key", "secret", "missing", "kind"),
    [
        (GOOD, OTHER, (), "HMAC"),
        (None, OTHER, (KEY,), "HMAC"),
        (GOOD, "", (SECRET,), None),
        (None, '""', (KEY, SECRET), None),
    ],
)
def test_missing_credentials_are_named(
    key: str | None, secret: str | None, missing: tuple[str, ...], kind: str
) -> None:
    """Missing credentials are named by their settings, the key before the secret."""
    facts = facts_of(pasted_text.read(key, secret))
    assert facts.missing == missing
    assert facts.type == kind


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ((), ""),
        ((KEY,), KEY),
        ((SECRET,), f"{SECRET} or {KEY_FILE}"),
        ((KEY, SECRET), f"{KEY}, and {SECRET} or {KEY_FILE}"),
    ],
)
def test_both_ways_to_sign_are_named(missing: tuple[str, ...], told: str) -> None:
    """The message names both ways to sign: a secret, or a private key."""
    assert KeyFacts(missing=missing).not_given == told


@pytest.mark.parametrize("kind", ["RSA", "ED25519"])
def test_a_private_key_replaces_the_secret(kind: KeyType) -> None:
    """With a private key no credential is missing, and the type is the opened key's."""
    facts = facts_of(pasted_text.read(GOOD, None, Secret(ED25519.private)), kind)
    assert (facts.missing, facts.type, facts.has_private_key, facts.remarks) == ((), kind, True, ())
    facts = facts_of(pasted_text.read("", None, Secret(ED25519.private)), kind)
    assert (facts.missing, facts.type) == ((KEY,), kind)
    assert not facts_of(pasted_text.read(GOOD, OTHER)).has_private_key


def test_a_pasted_private_key_is_remarked_upon_once_and_not_by_its_length() -> None:
    """A private key in the secret's setting gets one remark, which is not about its length and explains no refusal."""
    (remark,) = pasted_text.read(GOOD, ED25519.private.replace("\n", "\\n")).remarks
    assert KEY_FILE in remark
    assert not says_no_key(remark)


def test_a_passphrase_without_use_is_remarked() -> None:
    """A passphrase for a private key that is not encrypted gets a remark, since its owner believes otherwise."""
    needless = pasted_text.read(GOOD, None, Secret(ED25519.private), "x" * 12)
    assert needless.remarks == (f"{PASSPHRASE} is given, but the private key is not encrypted",)
    assert pasted_text.read(GOOD, None, Secret(ENCRYPTED_ED25519.private), "x" * 12).remarks == ()
    assert pasted_text.read(GOOD, OTHER, None, "x" * 12).remarks == ()


@pytest.mark.parametrize(
    ("given", "opens"),
    [("X words \r\n", "X words "), ("\nnr", "nr"), ("\r\n", None), ("", None), (None, None)],
)
def test_a_passphrase_loses_only_its_line_end(given: str | None, opens: str | None) -> None:
    """A passphrase keeps its blanks and quotes, and loses only the line end."""
    key = pasted_text.read(GOOD, None, Secret(ENCRYPTED_ED25519.private), given).private_key
    assert key
    assert (key.passphrase.reveal() if key.passphrase else None) == opens


def test_all_that_was_given_is_hidden() -> None:
    """The texts to hide are the key, the secret, each line of a private key, and its passphrase, if they are given."""
    held = pasted_text.read(GOOD, None, Secret(ENCRYPTED_ED25519.private), "four words")
    lines = ENCRYPTED_ED25519.private.splitlines()[1:-1]
    assert held.to_hide() == [GOOD, *lines, "".join(lines), "four words"]
    assert pasted_text.read(GOOD, OTHER).to_hide() == [GOOD, OTHER]
    assert pasted_text.read(None, OTHER).to_hide() == [OTHER]
    assert Credentials().to_hide() == []


@pytest.mark.parametrize(
    ("where", "place"), [("file", f"the file that {KEY_FILE} names"), ("secret", SECRET), ("nowhere", None)]
)
def test_a_private_key_keeps_its_place_for_messages(where: str, place: str | None) -> None:
    """The place of a private key lets a message name the setting to correct."""
    pasted = ED25519.private if where == "secret" else OTHER if where == "nowhere" else None
    key = pasted_text.read(GOOD, pasted, Secret(ED25519.private) if where == "file" else None).private_key
    assert (key.place if key else None) == place


def test_a_secret_and_a_private_key_at_once_are_refused_unshown() -> None:
    """An API key has a secret or a private key; with both given, the suite does not guess."""
    with pytest.raises(UsageProblem, match="both given") as caught:
        pasted_text.read(GOOD, OTHER, Secret(ED25519.private))
    assert not any(OTHER[i : i + 4] in str(caught.value) for i in range(60))


@pytest.mark.parametrize(
    ("remark", "says"),
    [
        (pasted_text.SAME, True),
        (f"{SECRET} has 63 characters where Binance's have 64", True),
        (f"{SECRET} holds characters other than letters and digits", True),
        (f"{KEY} had quotes around it", False),
        (f"{KEY} had blanks around it", False),
        (f"{KEY} had blanks and invisible characters around it", False),
    ],
)
def test_remarks_tell_what_was_sent_from_what_was_cleaned_off(remark: str, says: bool) -> None:
    """Only a remark about characters that were sent can explain a refusal by Binance."""
    assert says_no_key(remark) is says


def test_a_private_key_without_its_first_line_is_named() -> None:
    """The base64 of a private key alone has 64 characters, too; used as a secret, it would only get a -1022."""
    with pytest.raises(UsageProblem, match="without its -----BEGIN") as caught:
        pasted_text.read(GOOD, ED25519.body)
    assert ED25519.body[20:30] not in str(caught.value)


@pytest.mark.parametrize("private", [ED25519.private, f"{pem.BARE_ED25519}{'x' * 40}"])
def test_a_private_key_in_the_keys_place_beside_a_key_is_swapped_for_certain(private: str) -> None:
    """A private key as API key is swapped for certain if the secret looks like a key, and otherwise misplaced."""
    with pytest.raises(UsageProblem, match=f"{KEY} and {SECRET} are swapped: {KEY} holds a private key"):
        pasted_text.read(private.strip().replace("\n", "\\n"), GOOD)
    with pytest.raises(UsageProblem, match=f"^{KEY} holds a private key"):
        pasted_text.read(private.strip().replace("\n", "\\n"), None)


@pytest.mark.parametrize(
    ("key", "last_four"),
    [
        (GOOD, "Eh8A"),
        (GOOD[:32], GOOD[28:32]),
        (GOOD[:31], None),
        ("x", None),
        (GOOD[:-1] + "é", None),
        ("é-" + GOOD[2:], "Eh8A"),
    ],
)
def test_the_last_four_characters_are_shown_of_a_long_key_only(key: str, last_four: str | None) -> None:
    """The last four characters are shown only of a long key: four of a short text would be most of it."""
    assert facts_of(Credentials(api_key=Secret(key))).last_four == last_four


def test_no_more_than_four_characters_are_shown() -> None:
    """The reprs of credentials and facts show four characters of the key at most, in remarks, too."""
    held = pasted_text.read(f'"{GOOD}', f"{OTHER} ")
    shown = repr(held) + repr(facts_of(held))
    assert not any(text[i : i + 5] in shown for text in (GOOD, OTHER) for i in range(60))


@pytest.mark.parametrize("text", [ED25519.private.replace("\n", "\\n"), "MC4CAQAwBQYDK2VwBCIE" + "A" * 44])
def test_a_private_key_in_the_place_of_the_api_key_is_never_sent(text: str) -> None:
    """A private key as API key is refused, since its receiver could sign for its owner."""
    with pytest.raises(UsageProblem, match="must never be sent"):
        pasted_text.read(text, "x" * 64)
