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
TEXTS = st.text(st.characters(), max_size=20)  # half characters among them, as JSON may hold
VALUES = st.fixed_dictionaries(dict.fromkeys(TESTED, TEXTS))


def verify(text: Any, now: float = NOW, key: bytes = KEY, **values: Any) -> None:
    receipt.verify(text, key=key, now=now, **(TESTED | values))


def refuse(text: Any, *args: Any, **values: Any) -> None:
    """Shows that a receipt is refused, in a sentence that ends with the remedy."""
    with pytest.raises(receipt.Refused, match=r"test the key again\.$"):
        verify(text, *args, **values)


@pytest.fixture(name="made")
def a_receipt() -> str:
    """A receipt of what was tested."""
    return receipt.make(KEY, now=NOW, **TESTED)


def test_a_receipt_has_the_form_of_the_contract(made: str) -> None:
    """`v1.EXPIRES.HMAC`; the HMAC was made with openssl, of each part behind its length in eight bytes."""
    assert made == "v1.1795000900.bc7225d4c1b82630ab90b8860cb94ba7b0838a5fd7d721d2608454a765570fb9"
    verify(made)


@given(VALUES, st.binary(min_size=32, max_size=64), st.floats(-60, 899.9))
def test_a_receipt_is_believed_for_15_minutes(values: dict[str, str], key: bytes, later: float) -> None:
    """A receipt for any texts, signed with any key, is valid; another machine's clock may be a minute behind."""
    verify(receipt.make(key, now=NOW, **values), NOW + later, key, **values)


@given(VALUES, VALUES)
def test_a_receipt_of_other_values_is_refused(tested: dict[str, str], saved: dict[str, str]) -> None:
    """Another key, secret, passphrase or environment."""
    assume(tested != saved)
    refuse(receipt.make(KEY, now=NOW, **tested), **saved)


@given(TEXTS, st.permutations(list(TESTED)), st.integers(0, 20), st.integers(0, 20))
def test_no_two_values_are_one_text(text: str, names: list[str], one: int, other: int) -> None:
    """A character that moves from one value into the next makes other values of them."""
    first, second, *rest = names
    same = dict.fromkeys(rest, "")
    assume(text[:one] != text[:other])
    tested = {first: text[:one], second: text[one:], **same}
    saved = {first: text[:other], second: text[other:], **same}
    refuse(receipt.make(KEY, now=NOW, **tested), **saved)


@given(st.binary(min_size=32, max_size=64))
def test_a_receipt_of_another_receipt_key_is_refused(key: bytes) -> None:
    """Such as that of another server, or of this one before its restart."""
    # HMAC pads a short key with zeros, so a key and the same key with zeros behind it are one.
    assume(key.rstrip(b"\0") != KEY)
    refuse(receipt.make(key, now=NOW, **TESTED))


@pytest.mark.parametrize("later", [900, 901, 10**9, -61, -(10**6)])
def test_an_expired_receipt_is_refused(later: int, made: str) -> None:
    """A receipt from the future is refused."""
    refuse(made, NOW + later)


@given(st.data())
def test_a_forged_receipt_is_refused(data: st.DataObject) -> None:
    """Any other text than the receipt itself, be it one character away."""
    made = receipt.make(KEY, now=NOW, **TESTED)
    at = data.draw(st.integers(0, len(made)))
    end = data.draw(st.integers(at, min(at + 2, len(made))))
    forged = made[:at] + data.draw(st.text(max_size=2)) + made[end:]
    assume(forged != made)
    refuse(forged)


def test_a_receipt_has_one_spelling(made: str) -> None:
    """Nothing around it, no capitals, no other digits."""
    for other in (
        f"{made}\n",
        f"{made}0",
        f" {made}",
        made.upper(),
        made.replace(".1", ".01"),
        made.replace(".1", ".１"),
    ):
        refuse(other)


def test_half_a_character_is_no_other_character() -> None:
    """JSON may hold one half of a pair, which UTF-8 cannot: it is not replaced by a question mark."""
    half, question_mark = (TESTED | {"api_secret": text} for text in "\ud800?")
    refuse(receipt.make(KEY, now=NOW, **half), **question_mark)


@pytest.mark.parametrize("odd", ["", None, b"v1.1.2", 5, "v1.0.", "v1.-5." + "0" * 64, "v1.٣." + "0" * 64, "9" * 10**5])
def test_what_is_no_receipt_is_refused(odd: object) -> None:
    """Whatever a client sends in its place."""
    refuse(odd)


@pytest.mark.parametrize("name", list(TESTED))
@pytest.mark.parametrize("odd", [None, 5, b"k", ["k"]])
def test_values_that_are_no_text_are_refused(name: str, odd: object, made: str) -> None:
    """What a client's JSON holds may be passed as it is."""
    refuse(made, **{name: odd})


def test_the_comparison_takes_the_same_time_for_all(made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """hmac.compare_digest decides."""
    monkeypatch.setattr(hmac, "compare_digest", lambda *_: False)
    refuse(made)


@pytest.mark.parametrize("key", [b"", b"k" * 31])
def test_a_short_receipt_key_is_refused(key: bytes) -> None:
    """A key of fewer than 32 bytes could be guessed from a single receipt."""
    with pytest.raises(ValueError, match="at least 32 bytes"):
        receipt.make(key, now=NOW, **TESTED)
    with pytest.raises(ValueError, match="at least 32 bytes"):
        verify(f"v1.1.{'0' * 64}", key=key)
