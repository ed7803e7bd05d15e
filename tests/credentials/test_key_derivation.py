"""Only passphrases that take seconds to try are tried."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st

from keycheck.credentials import pem
from keycheck.credentials.key_derivation import is_bounded
from tests.credentials.der import PBKDF2, SCRYPT, encrypted_with
from tests.keys import KEYS


@pytest.mark.parametrize("name", [name for name, key in KEYS.items() if key.passphrase])
def test_published_keys_are_bounded(name: str) -> None:
    """The encrypted keys that others published are tried."""
    assert is_bounded(KEYS[name].body)


def test_a_key_of_the_library_itself_is_bounded() -> None:
    """The library writes the strongest form that it recommends."""
    hidden = serialization.BestAvailableEncryption(b"password")
    form = serialization.PrivateFormat.PKCS8
    text = ed25519.Ed25519PrivateKey.generate().private_bytes(serialization.Encoding.PEM, form, hidden).decode()
    assert is_bounded(pem.body(text))


@pytest.mark.parametrize(
    ("derivation", "numbers", "bounded"),
    [
        (PBKDF2, (2048,), True),
        (PBKDF2, (10**7,), True),
        (PBKDF2, (10**7 + 1,), False),
        (PBKDF2, (10**7, 32), True),
        (PBKDF2, (10**7, 10**7), False),
        (PBKDF2, (2**63,), False),
        (SCRYPT, (2**14, 8, 1), True),
        (SCRYPT, (2**14, 8, 1, 32), True),
        (SCRYPT, (2**18, 8, 2), True),
        (SCRYPT, (2**18, 8, 3), False),
        (SCRYPT, (2**14, 8, 65535), False),
        (SCRYPT, (2**20, 8, 1), False),
    ],
)
def test_the_numbers_in_the_file_decide(derivation: str, numbers: tuple[int, ...], bounded: bool) -> None:
    """Rounds of PBKDF2, also for a long key, and the three factors of scrypt's work."""
    assert is_bounded(pem.body(encrypted_with(derivation, *numbers))) is bounded


def test_a_key_with_a_part_missing_is_not_bounded() -> None:
    """A key that ends too early is not tried, because the library might read it differently."""
    whole = base64.b64decode(pem.body(encrypted_with(PBKDF2, 2048)))
    assert is_bounded(base64.b64encode(whole).decode())
    for size in range(len(whole) - 65, len(whole)):  # in the last element
        assert not is_bounded(base64.b64encode(whole[:size]).decode())
    assert not is_bounded("Header: value" + base64.b64encode(whole).decode())


@given(st.binary(max_size=200))
def test_any_bytes_have_an_answer(data: bytes) -> None:
    """No file raises anything."""
    assert is_bounded(base64.b64encode(data).decode()) in (True, False)


@given(st.text(max_size=50))
def test_any_text_has_an_answer(text: str) -> None:
    """A PEM may hold any text."""
    assert is_bounded(text) in (True, False)
