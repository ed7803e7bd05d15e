"""Private keys that open nothing, as they are published with Binance's documentation and python-binance's tests.

A run gets them as a user gives them: in a file.
"""

import atexit
import tempfile
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path


@dataclass(frozen=True)
class Key:
    """A key pair by its private half, with a payload and its signature."""

    type: str
    private: str
    payload: str
    signature: str
    passphrase: str = ""

    @property
    def body(self) -> str:
        """The secret part of the PEM, on one line."""
        return body_of(self.private)

    @cached_property
    def public(self) -> str:
        """The public half, for Binance."""
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  most tests do without

        opened = serialization.load_pem_private_key(self.private.encode(), self.passphrase.encode() or None)
        public = serialization.PublicFormat.SubjectPublicKeyInfo
        return opened.public_key().public_bytes(serialization.Encoding.PEM, public).decode()

    def settings(self) -> dict[str, str]:
        """The settings of a user with this private key instead of a secret."""
        return settings_of(self.private) | {"BINANCE_PRIVATE_KEY_PASSPHRASE": self.passphrase}


def body_of(text: str) -> str:
    """A PEM without its first and last line, joined into one."""
    return "".join(text.splitlines()[1:-1])


def settings_of(text: str) -> dict[str, str]:
    """The settings of a user whose private key file has this text."""
    return {"BINANCE_API_SECRET": "", "BINANCE_PRIVATE_KEY_FILE": str(file_of(text))}


@cache
def file_of(text: str) -> Path:
    """A file with this text that only its owner can read; it is deleted after the tests."""
    folder = tempfile.TemporaryDirectory(prefix="keys-")
    atexit.register(folder.cleanup)
    path = Path(folder.name, "private.pem")
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
    return path


# Binance's documentation, FIX API, Logon.
ED25519 = Key(
    "ED25519",
    """\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u
-----END PRIVATE KEY-----
""",
    "A\x01EXAMPLE\x01SPOT\x011\x0120240627-11:17:25.223",
    "4MHXelVVcpkdwuLbl6n73HQUXUf1dse2PCgT1DYqW9w8AVZ1RACFGM+5UdlGPrQHrgtS3CvsRURC1oj73j8gCA==",
)
# The same, encrypted with openssl pkcs8 -topk8.
ENCRYPTED_ED25519 = replace(
    ED25519,
    private="""\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgk5SPh7TDLtgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEP+VEFKMiPcu81YxXuXP/40EQPQA
6GStf6g/rLCStxg0k5Qiw0viuV+LL5QleNliIUE6v2OxP0MOSpbYlAejT25672pj
J6wswH/BJo+fUAeUmL8=
-----END ENCRYPTED PRIVATE KEY-----
""",
    passphrase="four quick brown foxes",  # noqa: S106  of a key that opens nothing
)
# The unit tests of python-binance.
OTHER_ED25519 = Key(
    "ED25519",
    """\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIPQmzwVKJETqVd7L9E/DFbkvrOigy1tLL+9QF0mSn6dV
-----END PRIVATE KEY-----
""",
    "price=50000&quantity=1&side=BUY&symbol=BTCUSDT&timestamp=1631234567890&type=LIMIT",
    "a4Pm3p02D2HXtNfo3DBaVCe9Ov7kledewgYtGjekotFmZ5wXa3mC5AtLB7CpAphyNjeyovIuDP+9fyjYmsojCw==",
)
RSA = Key(
    "RSA",
    """\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIIFNTBfBgkqhkiG9w0BBQ0wUjAxBgkqhkiG9w0BBQwwJAQQWW+iEMYYCPUntrPq
Z2RCMAICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEIw3ViSuTp8JeN43
5VGlHt0EggTQBvEzd2w2F561CzU+MDouZDOPj4RTIStC471z0/bxTgYqH3gYchoe
Ofi2lsLuD8B+ivIRuXB8GT66BIseIOMV8t/tiMe97rFI/cV4h6DrBO1xlmSrBG97
vFF9qPA5yPRlrHtWKkGxhXteNVsT3w/7Y7KsulO/gA2KpsOElMElOhUP462Yd0Wl
OxAIV3+knl2niozws2Kq3EdzTF3N6hlavUPryiU/w4RRsPN5qgjchVVLq/sYRYhx
N8uWJbkjhCcHsULkD5KkdgddR0VOhpQPXIdY+gPkSBJq1ltRWy/TYdXiU2fEBNZW
hFUVrxnS76+u2R3vukY2IAX8zTC6h2AbCBG+r4XXzgk/l/4peySKHsPQRzQ0in39
a9o5sctOmUNeD4uJ6cClXDdqyEwXhnPmRKZjJ8qeH4D9wl7HOG7iQsYiyfJe/igi
FEXVRZOtLBdbwX45rU6wiWWjxzY+mDnw4BXE31ZBPwgtoh+CLTyK8NI8LnCV/CgO
zOY4sm/KDWmbfTTZjLSdYRFj7wEpOdUWjZ13viDFZqnmy/o1auvLmBcqbRrCyW+B
OMI7aHE0mZ/52vEFQYU1tH0BxMmRfWXUCJj0TjwxDY6BQmmW4YlhsrgGNekLFDo1
6phFd0pA4UPqGXfNLzHp1dtLhUEb4YzcpDn+HMzMf1gfez7qeqU28nNFg/AwwqHZ
TWdGclCFjiah7SfvOslob4vdLGwkUhgCBKQUQoU1DltX2GOgIv9SNY3q6X0NwdZG
L5gqk225WVUwIRzmi5nfUEXlbaTvyHg3BuGedUKJ91IhRCW1ZjvU8GQcfVsu8bse
TCKMdr7wi/zEZXSldCza6vL4m3tmBLtWkHVOW8bcDWvoVwRswbFHfleHzckl7EeC
9C4TRa66gA5UOv14SrpC8noQUNpSegg+1KI4BSNvwaheiSUqjQbisb0qYCxML0ZP
mQodwVsXG6LYo+Y6y6CpHbT7UYkfa59q/CGOZByL1bEzzgd98ZHwjihOjHVaV6sY
BW018AvGxr7kjEU4LNqIteydTp0o31ZJN/qK78w5EQFfJxfImrx/E4nYKtg4higj
KOQCgJALKIveidqQEFsbGWsulYrMXwnu0nPThofR1D8eCJZpdTxvOh2nIrNrAeY8
ZMAwG1uQos5A0yEZ1auHxz+rb4errnk92OnVlWnElf1TwwlkFFNLdNDl8VpiMP40
6en9VtlOfgH8AwB03WsoeuEQsxYTIcRKWZZPRsLx3hd0BsOw0FcYDSX2XIGPkVVW
iYf9hzFSQsWV3d6utloIm4nG8XONfNaRimGECbUSZyHZimrO1m4Gga5pE3LKuDri
JKR2lR7b6XPR7+FS+lG1zq5KY7onAVQY1oABfTjpJRju6pQGWt70hairo6EaVC3u
rBy8UkLwBbfDuigSvsVk+sF2+Ic0IzX6IniU0F5kMe+MKqGB4aicXP6FFGBpPFTe
v6yHD+DYAu1rnlXrqmFL50CfutTF78uPPJ9D2Sm0DcGPFj+6IrCigj48uxoHR9Qb
FeNzfsmVwoFAWWq/MpkPbX6Aql8ddCbpMxDUUkybwVV9rJmEMTLil44FrxKAKFhP
0Av7JeFvdz15pfnf/IQ3IOvVhHGFChFS13sbYSvFHMQF3P0BiyvjhBI=
-----END ENCRYPTED PRIVATE KEY-----
""",
    "price=50000&quantity=1&side=BUY&symbol=BTCUSDT&timestamp=1631234567890&type=LIMIT",
    (
        "S4l9IONXGHIdt4NjwmpCIhawDTitjUQls73d+mi0HJTSbTGyn95NabX5hC9+n6HsTqLcWPvxKgTvLFMnTaf6Jxl+xwQMbu9/6mw8"
        "8KF7i1pEQizerKcr91rPUPVBQ4OY10Q018QEamIAymRgo/eoRYSm7CqCdeibGyO0XfXZBaJnVGFJ9hgrPIwSKHgeUnfK8qMenULv"
        "L0qKMEJ6ziYPiqh7k9xX3xIV7lGIpokk+ekqlFd01f/Lov45osJCFuccJO4xuUUZewZnVGF7Uw6Rim3UsKhXKZUN9WZWa5RT+dpB"
        "IJ5DTBIXBSvowwj3GZC3j+XvWw8Sn0Ls9836l89BXw=="
    ),
    "testpwd",
)
KEYS = {"Ed25519": ED25519, "encrypted Ed25519": ENCRYPTED_ED25519, "another Ed25519": OTHER_ED25519, "RSA": RSA}
# A type that Binance does not accept; made with openssl genpkey -algorithm EC.
EC = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgNFoVXpxE5UI+gXq9
L4C6s0R+xJI6LiTg5qGNL7T8gI6hRANCAASvWbwNt6x2dQe+65j5YC65P8tvuRck
CHSa3w454Nn75bPHwj1iRMhW8TJXMWz3nvYNTWU38qNCY8Bdn5zTPkA2
-----END PRIVATE KEY-----
"""
