"""Private keys with numbers of the test's choice, written in DER as openssl writes them."""

import base64

PBKDF2 = "2a864886f70d01050c"
SCRYPT = "2b06010401da47040b"
_PBES2, _AES = "2a864886f70d01050d", "60864801650304012a"
_INTEGER, _OCTETS, _IDENTIFIER, _SEQUENCE = 0x02, 0x04, 0x06, 0x30


def element(tag: int, value: bytes) -> bytes:
    """The DER of an element with this tag and value."""
    size = len(value)
    if size < 0x80:
        return bytes([tag, size]) + value
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + value


def integer(number: int) -> bytes:
    return element(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def sequence(*parts: bytes) -> bytes:
    return element(_SEQUENCE, b"".join(parts))


def encrypted_with(derivation: str, *numbers: int) -> str:
    """An encrypted private key, whose passphrase is turned into a key by this function with these numbers."""
    function = sequence(
        element(_IDENTIFIER, bytes.fromhex(derivation)),
        sequence(element(_OCTETS, bytes(8)), *map(integer, numbers)),
    )
    cipher = sequence(element(_IDENTIFIER, bytes.fromhex(_AES)), element(_OCTETS, bytes(16)))
    algorithm = sequence(element(_IDENTIFIER, bytes.fromhex(_PBES2)), sequence(function, cipher))
    return _pem("ENCRYPTED PRIVATE KEY", sequence(algorithm, element(_OCTETS, bytes(64))))


def pkcs1_of(p: int, q: int, modulus: int | None = None) -> str:
    """An RSA key with these factors; its other numbers are small. `modulus`: another one than their product."""
    numbers = (0, p * q if modulus is None else modulus, 65537, 65537, p, q, 65537, 65537, 65537)
    return _pem("RSA PRIVATE KEY", sequence(*map(integer, numbers)))


def diffie_hellman_of(bits: int) -> str:
    """A private key of a type that Binance does not take, of this size."""
    parameters = sequence(integer(2**bits - 1), integer(2))
    algorithm = sequence(element(_IDENTIFIER, bytes.fromhex("2a864886f70d010301")), parameters)
    return _pem("PRIVATE KEY", sequence(integer(0), algorithm, element(_OCTETS, integer(3))))


def _pem(label: str, der: bytes) -> str:
    return f"-----BEGIN {label}-----\n{base64.b64encode(der).decode()}\n-----END {label}-----\n"
