"""Signatures agree with every published example, and cover exactly what is sent."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keycheck.credentials.pasted_text import Credentials, PrivateKey
from keycheck.credentials.signing import HmacSigner, encode, signed_query, signer_of
from keycheck.redaction.secret import Secret
from tests.keys import ED25519, RSA

SPOT = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # printed in Binance's documentation
FUTURES = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"  # likewise
SPOT_TAIL = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
VECTORS = {
    "spot, ascii": (
        SPOT,
        f"symbol=LTCBTC&{SPOT_TAIL}",
        "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
    ),
    "spot, percent-encoded": (
        SPOT,
        f"symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&{SPOT_TAIL}",
        "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
    ),
    "spot, query and body": (
        SPOT,
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
        "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
    ),
    "signature examples": (
        SPOT,
        "timestamp=1578963600000",
        "d84e6641b1e328e7b418fff030caed655c266299c9355e36ce801ed14631eed4",
    ),
    "futures": (
        FUTURES,
        "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000"
        "&timestamp=1591702613943",
        "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
    ),
    # The futures page prints another signature, made over a stray blank; this is the one of the clean payload.
    "futures, query and body": (
        FUTURES,
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC"
        "quantity=1&price=9000&recvWindow=5000&timestamp=1591702613943",
        "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4",
    ),
    "RFC 4231, case 2": (
        "Jefe",
        "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
}

params = st.lists(st.tuples(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=20)), min_size=1, max_size=6)


class Listening:
    """A signer that remembers its payloads, and returns characters that need percent-encoding."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def sign(self, payload: bytes) -> str:
        """A signature with the special characters of base64."""
        self.heard.append(payload)
        return "a+b/c=="


@pytest.mark.parametrize(("secret", "payload", "signature"), VECTORS.values(), ids=VECTORS)
def test_published_signatures_are_made(secret: str, payload: str, signature: str) -> None:
    """HMAC-SHA256 in lower-case hex, as in Binance's own examples and in the RFC."""
    assert HmacSigner(Secret(secret)).sign(payload.encode()) == signature


@pytest.mark.parametrize("name", ["spot, ascii", "spot, percent-encoded", "signature examples", "futures"])
def test_published_queries_are_written_as_published(name: str) -> None:
    """The documentation's decoded parameters give the documentation's query, with the signature last."""
    secret, payload, signature = VECTORS[name]
    assert signed_query(parse_qsl(payload), HmacSigner(Secret(secret))) == f"{payload}&signature={signature}"


@pytest.mark.parametrize(
    ("value", "encoded"),
    [("a b", "a%20b"), ("a+b", "a%2Bb"), ("/", "%2F"), ("~", "~"), ("币", "%E5%B8%81"), ("&=", "%26%3D"), ("%", "%25")],
)
def test_reserved_and_foreign_characters_are_percent_encoded(value: str, encoded: str) -> None:
    """Parameters are percent-encoded as UTF-8, with upper-case hex and %20 for a blank."""
    assert encode([("symbol", value)]) == f"symbol={encoded}"


@given(params)
@example([("a", "1"), ("a", "2"), ("signature", "mine")])
def test_the_signature_covers_every_byte_before_it(pairs: list[tuple[str, str]]) -> None:
    """The signature covers every byte before it, and is itself safe in a query."""
    signer = Listening()
    query = signed_query(pairs, signer)
    sent, _, signature = query.rpartition("&signature=")
    assert signer.heard == [sent.encode("ascii")]
    assert signature == "a%2Bb%2Fc%3D%3D"
    assert sent == encode(pairs)


@given(params)
def test_a_decoded_query_gives_the_parameters_back(pairs: list[tuple[str, str]]) -> None:
    """Decoding a signed query gives the same names and values in the same order, and the signature last."""
    signer = HmacSigner(Secret(SPOT))
    query = signed_query(pairs, signer)
    assert parse_qsl(query, keep_blank_values=True) == [*pairs, ("signature", signer.sign(encode(pairs).encode()))]


def test_parameters_may_come_from_a_generator() -> None:
    """Parameters are walked once, so they may come from a generator."""
    pairs = [("timestamp", "1578963600000")]
    assert signed_query(iter(pairs), HmacSigner(Secret(SPOT))).endswith(VECTORS["signature examples"][2])


def test_the_signer_follows_from_the_credentials() -> None:
    """A secret signs by HMAC, and a private key by its own type; without either there is no signer."""
    held = {
        "HMAC": Credentials(api_secret=Secret(SPOT)),
        "ED25519": Credentials(private_key=PrivateKey(Secret(ED25519.private), None, "")),
        "RSA": Credentials(private_key=PrivateKey(Secret(RSA.private), Secret(RSA.passphrase), "")),
    }
    for kind, credentials in held.items():
        signer = signer_of(credentials)
        assert signer
        assert signer.type == kind
    assert signer_of(Credentials(api_key=Secret(SPOT))) is None


def test_a_signer_does_not_print_its_secret() -> None:
    """Neither a signer's repr nor its attributes show the secret."""
    signer = HmacSigner(Secret(SPOT))
    assert SPOT not in repr(signer) + repr([getattr(signer, name) for name in dir(signer)])
