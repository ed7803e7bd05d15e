"""A receipt proves that exactly these values were found OK within the last 15 minutes, and proves nothing else."""

import hmac
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keycheck import receipt

KEY = bytes(range(32))
NOW = 1_795_000_000.0
TESTED = {"api_key": "k" * 64, "api_secret": "s" * 64, "environment": "production", "passphrase": ""}
TEXTS = st.text(st.characters(), max_size=20)  # including lone surrogates, which JSON may hold
VALUES = st.fixed_dictionaries(dict.fromkeys(TESTED, TEXTS))


def verify(text: Any, now: float = NOW, key: bytes = KEY, **values: Any) -> None:
    receipt.verify(text, key=key, now=now, **(TESTED | values))


def refuse(text: Any, *args: Any, **values: Any) -> None:
    """Shows that a receipt is refused, in a sentence that ends with the remedy."""
    with pytest.raises(receipt.Refused, match=r"test the key again\.$"):
        verify(text, *args, **values)


@pytest.fixture(name="made")
def a_receipt() -> str:
    """A receipt of the tested values."""
    return receipt.make(KEY, now=NOW, **TESTED)


def test_a_receipt_has_the_form_of_the_contract(made: str) -> None:
    """A receipt is `v1.EXPIRES.HMAC`, with the HMAC that openssl makes of each part after its length in eight bytes."""
    assert made == "v1.1795000900.bc7225d4c1b82630ab90b8860cb94ba7b0838a5fd7d721d2608454a765570fb9"
    verify(made)


@given(VALUES, st.binary(min_size=32, max_size=64), st.floats(-60, 899.9))
def test_a_receipt_is_believed_for_15_minutes(values: dict[str, str], key: bytes, later: float) -> None:
    """A receipt for any texts, signed with any key, is valid; another machine's clock may be a minute behind."""
    verify(receipt.make(key, now=NOW, **values), NOW + later, key, **values)


@given(VALUES, VALUES)
def test_a_receipt_of_other_values_is_refused(tested: dict[str, str], saved: dict[str, str]) -> None:
    """A receipt is refused for another key, secret, passphrase or environment."""
    assume(tested != saved)
    refuse(receipt.make(KEY, now=NOW, **tested), **saved)


@given(TEXTS, TEXTS.filter(bool), TEXTS, st.permutations(list(TESTED)))
def test_no_two_values_are_one_text(before: str, moved: str, after: str, names: list[str]) -> None:
    """If characters move from one value to the next, the receipt is no longer valid."""
    first, second, *rest = names
    same = dict.fromkeys(rest, "")
    tested = {first: before, second: moved + after, **same}
    saved = {first: before + moved, second: after, **same}
    for one, other in ((tested, saved), (saved, tested)):
        refuse(receipt.make(KEY, now=NOW, **one), **other)


@given(st.binary(min_size=32, max_size=64))
def test_a_receipt_of_another_receipt_key_is_refused(key: bytes) -> None:
    """A receipt is refused if it was made with another receipt key, such as that of another server."""
    # HMAC pads a short key with zeros, so zeros at the end of a key make no difference.
    assume(key.rstrip(b"\0") != KEY)
    refuse(receipt.make(key, now=NOW, **TESTED))


@pytest.mark.parametrize("later", [900, 901, 10**9, -61, -(10**6)])
def test_an_expired_receipt_is_refused(later: int, made: str) -> None:
    """An expired receipt is refused, and so is one from the future."""
    refuse(made, NOW + later)


@given(st.data())
def test_a_forged_receipt_is_refused(data: st.DataObject) -> None:
    """Any text but the receipt itself is refused, even if it differs by one character."""
    made = receipt.make(KEY, now=NOW, **TESTED)
    at = data.draw(st.integers(0, len(made)))
    end = data.draw(st.integers(at, min(at + 2, len(made))))
    forged = made[:at] + data.draw(st.text(max_size=2)) + made[end:]
    assume(forged != made)
    refuse(forged)


def test_a_receipt_has_one_spelling(made: str) -> None:
    """A receipt with blanks around it, capitals, or digits of another script is refused."""
    for other in (
        f"{made}\n",
        f"{made}0",
        f" {made}",
        made.upper(),
        made.replace(".1", ".01"),
        made.replace(".1", ".１"),
    ):
        refuse(other)


def test_half_a_character_is_not_another_character() -> None:
    """A lone surrogate, which JSON may hold and UTF-8 may not, does not count as a question mark."""
    half, question_mark = (TESTED | {"api_secret": text} for text in "\ud800?")
    refuse(receipt.make(KEY, now=NOW, **half), **question_mark)


@pytest.mark.parametrize("odd", ["", None, b"v1.1.2", 5, "v1.0.", "v1.-5." + "0" * 64, "v1.٣." + "0" * 64, "9" * 10**5])
def test_a_value_that_is_not_a_receipt_is_refused(odd: object) -> None:
    """Any value that a client may send instead of a receipt is refused."""
    refuse(odd)


@pytest.mark.parametrize("name", list(TESTED))
@pytest.mark.parametrize("odd", [None, 5, b"k", ["k"]])
def test_values_that_are_not_text_are_refused(name: str, odd: object, made: str) -> None:
    """Values of a client's JSON that are not text are refused in a sentence, and raise nothing else."""
    refuse(made, **{name: odd})


def test_the_comparison_takes_the_same_time_for_all(made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receipt is compared with hmac.compare_digest."""
    monkeypatch.setattr(hmac, "compare_digest", lambda *_: False)
    refuse(made)


@pytest.mark.parametrize("key", [b"", b"k" * 31])
def test_a_short_receipt_key_is_refused(key: bytes) -> None:
    """A key of fewer than 32 bytes could be guessed from a single receipt."""
    with pytest.raises(ValueError, match="at least 32 bytes"):
        receipt.make(key, now=NOW, **TESTED)
    with pytest.raises(ValueError, match="at least 32 bytes"):
        verify(f"v1.1.{'0' * 64}", key=key)
