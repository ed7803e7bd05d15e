"""The text of a PEM tells its name, the one block that is used, and the parts that must be hidden."""

import base64
from collections.abc import Callable

import pytest

from keycheck.credentials import pem
from tests.keys import EC, ED25519, ENCRYPTED_ED25519, RSA

LONGEST_LABEL = "A" * 40
TRADITIONAL = """\
-----BEGIN RSA PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-256-CBC,7D0C5A8A9B1E4D36F0B2C4D6E8FA0B1C

c29tZSBieXRlcyB0aGF0IG9wZW4gbm90aGluZw==
-----END RSA PRIVATE KEY-----
"""
SPOILED: dict[str, Callable[[str], str]] = {
    "as it was": lambda text: text,
    "line breaks written out": lambda text: text.replace("\n", "\\n"),
    "Windows line breaks written out": lambda text: text.replace("\n", "\\r\\n"),
    "Windows line breaks": lambda text: text.replace("\n", "\r\n"),
    "indented": lambda text: text.replace("\n", "\n    "),
}


def block(label: str, body: str = "MC4C") -> str:
    """A PEM with that name."""
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
@pytest.mark.parametrize("text", [ED25519.private, ENCRYPTED_ED25519.private, RSA.private, EC, TRADITIONAL])
def test_the_block_that_is_used_is_written_as_tools_write_it(text: str, spoil: Callable[[str], str]) -> None:
    """The block has lines of 64 characters, with any line ends in the text; headers keep lines of their own."""
    assert pem.private_block(spoil(text)) == text


@pytest.mark.parametrize("text", [ED25519.private, RSA.private, EC])
def test_a_key_on_one_line_gets_its_lines_back(text: str) -> None:
    """A key whose line ends were removed or became blanks gets its lines back."""
    assert pem.private_block(text.replace("\n", " ")) == text


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (ED25519.private, ["PRIVATE KEY"]),
        (block("PUBLIC KEY") + TRADITIONAL, ["PUBLIC KEY", "RSA PRIVATE KEY"]),
        (block("PUBLIC KEY").replace("\n", "\\n"), ["PUBLIC KEY"]),
        (block("EC PRIVATE KEY").replace("END EC", "END RSA"), []),
        (ED25519.private[:80], []),
        (block(LONGEST_LABEL), [LONGEST_LABEL]),
        (block(LONGEST_LABEL + "A"), []),
        (block(""), []),
        (block("private key"), []),
        ("", []),
    ],
)
def test_complete_blocks_are_listed_by_name(text: str, labels: list[str]) -> None:
    """Blocks are listed by name, in order; a block without its own last line is left out."""
    assert pem.labels(text) == labels


def test_the_first_private_key_is_the_one_that_is_used() -> None:
    """The first private key is used, even after other text; without a private key, the result is None."""
    assert pem.private_block(block("PUBLIC KEY") + ED25519.private + RSA.private) == ED25519.private
    assert pem.private_block(block("PUBLIC KEY") + block("PRIVATE KEY INFO")) is None


@pytest.mark.parametrize(
    ("text", "encrypted"),
    [
        (ED25519.private, False),
        (EC, False),
        (ENCRYPTED_ED25519.private, True),
        (RSA.private, True),
        (TRADITIONAL, True),
    ],
)
def test_a_key_is_marked_as_encrypted(text: str, encrypted: bool) -> None:
    """The first line says that a key is encrypted, or a header does, as older tools write it."""
    assert pem.is_encrypted(text) is encrypted


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_the_lines_of_a_long_key_are_hidden_one_by_one_and_joined(spoil: Callable[[str], str]) -> None:
    """Every line is hidden, alone and joined, without a written-out line break; the lines that name the PEM are not."""
    assert pem.to_hide(spoil(RSA.private)) == [*RSA.private.splitlines()[1:-1], RSA.body]


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_short_key_is_hidden_in_its_other_spellings(spoil: Callable[[str], str]) -> None:
    """A short key is hidden as hex in either case, and as base64 from later offsets."""
    raw = base64.b64decode(ED25519.body)
    later = [base64.b64encode(raw[start:]).decode() for start in (1, 2)]
    assert pem.to_hide(spoil(ED25519.private)) == [ED25519.body, ED25519.body, raw.hex(), raw.hex().upper(), *later]


@pytest.mark.parametrize(("size", "spellings"), [(128, 4), (129, 0)])
def test_other_spellings_are_only_for_short_keys(size: int, spellings: int) -> None:
    """Keys of up to 128 bytes are hidden in other spellings, too; every RSA key is longer."""
    body = base64.b64encode(bytes(range(size))).decode()
    assert len(pem.to_hide(block("PRIVATE KEY", body))) == 2 + spellings


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("a secret of Binance's", ["a secret of Binance's"]),
        ("", [""]),
        (block("PRIVATE KEY", "MC4CA"), ["MC4CA", "MC4CA"]),  # cut: it decodes to nothing
        (block(LONGEST_LABEL, "MC4CA"), ["MC4CA", "MC4CA"]),
        ("-----BEGIN PRIVATE KEY-----\nMC4CA", ["MC4CA", "MC4CA"]),
    ],
)
def test_a_broken_pem_is_hidden_too(text: str, hidden: list[str]) -> None:
    """A text that is not a PEM is hidden as a whole, and a broken PEM line by line."""
    assert pem.to_hide(text) == hidden


def test_an_ed25519_key_is_known_without_its_lines() -> None:
    """The base64 of every Ed25519 key begins with the same bytes (RFC 8410), unlike any secret from Binance."""
    assert ED25519.body.startswith(pem.BARE_ED25519)
    assert base64.b64decode(pem.BARE_ED25519) == bytes.fromhex("302e020100300506032b6570042204")
