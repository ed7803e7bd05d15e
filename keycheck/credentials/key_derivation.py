"""How much work an encrypted private key makes of its passphrase. Pure.

The file itself says how often the passphrase is hashed before it opens the key. OpenSSL writes 2048 rounds of PBKDF2
and takes any number; while it counts, Python hears neither Ctrl-C nor a time limit.
"""

import base64
from collections.abc import Iterator
from math import prod

_MOST_ROUNDS = 10**7  # some four seconds of PBKDF2 (RFC 8018); `openssl pkcs8` writes 2048
_MOST_OF_ALL = 2**29  # the rounds and the length of the key in bytes, multiplied
_MOST_OF_SCRYPT = 2**22  # N * r * p (RFC 7914), some four seconds and 512 MiB; `openssl pkcs8 -scrypt` writes 2**17
_SCRYPT = bytes.fromhex("2b06010401da47040b")  # 1.3.6.1.4.1.11591.4.11
_INTEGER, _IDENTIFIER, _CONSTRUCTED = 2, 6, 0x20  # tags of DER (X.690)
_LONGEST_LENGTH = 4  # bytes of a length


def is_bounded(body: str) -> bool:
    """Whether the passphrase of an encrypted PKCS#8 key is tried within seconds. `body`: the base64 of its PEM.

    What is no DER, and so no such key, is not.
    """
    try:
        elements = list(_elements(base64.b64decode(body, validate=True)))
    except ValueError:
        return False
    numbers = [int.from_bytes(value) for tag, value in elements if tag == _INTEGER]
    if (_IDENTIFIER, _SCRYPT) in elements:
        return prod(numbers[:3]) <= _MOST_OF_SCRYPT
    return all(number <= _MOST_ROUNDS for number in numbers) and prod(numbers) <= _MOST_OF_ALL


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The tag and the bytes of each element that holds no others, in the order of the file."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], *_length(der, at + 1)
        if tag & _CONSTRUCTED:
            continue  # its elements are next
        if len(value := der[at : at + length]) < length:
            raise ValueError("an element ends after the file")
        yield tag, value
        at += length


def _length(der: bytes, at: int) -> tuple[int, int]:
    """The length that is written at this place, and the place after it."""
    first = der[at] if at < len(der) else 0x80
    if first < 0x80:  # X.690, 8.1.3: a short length; otherwise, the number of its bytes
        return first, at + 1
    size = first & 0x7F
    if not 0 < size <= _LONGEST_LENGTH or at + size >= len(der):
        raise ValueError("a length cannot be read")
    return int.from_bytes(der[at + 1 : at + 1 + size]), at + 1 + size
