"""PEM text: its labels, its private key block, and the parts that must be hidden. Pure.

This module decodes no key; `private_key.py` does.
"""

import base64
import binascii
import re

_BEGIN = "-----BEGIN "
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----(.*?)-----END \1-----", re.DOTALL)
_BOUNDARY = re.compile(r"-----(?:BEGIN|END) [A-Z0-9 ]{1,40}-----")
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+")
PRIVATE = "PRIVATE KEY"  # the end of the label of every private key
_LINE_LENGTH = 64
_SHORT_KEY = 128  # bytes; an Ed25519 key has 48 or 83, the smallest accepted RSA key some 1200
# The body of every Ed25519 key begins like this, and no secret from Binance does.
BARE_ED25519 = "MC4CAQAwBQYDK2VwBCIE"


def looks_like(text: str) -> bool:
    """Whether a pasted value has the beginning of a PEM block."""
    return _BEGIN in text


def written_out(text: str) -> str:
    """The text with real line ends in place of a written `\\n`."""
    return text.replace("\\r", "").replace("\\n", "\n")


def labels(text: str) -> list[str]:
    """The labels of the complete PEM blocks in a text, such as RSA PRIVATE KEY."""
    return [match[1] for match in _BLOCK.finditer(written_out(text))]


def private_block(text: str) -> str | None:
    """The first private key block of a text, in the usual layout; None if there is none."""
    for match in _BLOCK.finditer(written_out(text)):
        if match[1].endswith(PRIVATE):
            return f"{_BEGIN}{match[1]}-----\n{_lines(match[2])}\n-----END {match[1]}-----\n"
    return None


def _lines(body: str) -> str:
    """Wraps a PEM body again, since pasting may turn line ends into blanks. The old encrypted form keeps its lines."""
    if ":" in body:
        return "\n".join(line.strip() for line in body.strip().split("\n"))
    joined = "".join(body.split())
    return "\n".join(joined[i : i + _LINE_LENGTH] for i in range(0, len(joined), _LINE_LENGTH))


def is_encrypted(block: str) -> bool:
    """Whether a PEM is marked as encrypted, so that it needs a passphrase."""
    return f"{_BEGIN}ENCRYPTED " in block or "Proc-Type: 4,ENCRYPTED" in block


def is_encrypted_pkcs8(block: str) -> bool:
    """Whether a private key block is encrypted as PKCS#8, the form that openssl writes today."""
    return block.startswith(f"{_BEGIN}ENCRYPTED ")


def body(block: str) -> str:
    """The base64 of a private key block, on one line."""
    return "".join(block.splitlines()[1:-1])


def to_hide(text: str) -> list[str]:
    """The texts of a credential that must not be shown: the whole text, or each line of a PEM and all lines joined.

    A PEM's first and last line are not secret. A short key has more spellings, which are hidden as well.
    """
    plain = text.replace("\0", "")  # UTF-16 text has NULs; searches for these texts ignore invisible characters
    if not looks_like(plain):
        return [text]
    lines = _BASE64.findall(_BOUNDARY.sub("\n", written_out(plain)))
    joined = "".join(lines)
    return [*lines, joined, *_other_spellings(joined)]


def _other_spellings(body: str) -> list[str]:
    """The bytes of `body` in hex, and in base64 as they look in a text with one or two bytes before them."""
    try:
        raw = base64.b64decode(body)
    except (binascii.Error, ValueError):
        return []
    if len(raw) > _SHORT_KEY:
        return []
    return [raw.hex(), raw.hex().upper(), *(base64.b64encode(raw[start:]).decode("ascii") for start in (1, 2))]
