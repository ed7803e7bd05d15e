"""A private key makes the signatures that Binance and other clients publish, or is refused without being shown."""

import base64
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed448, rsa

from keycheck.credentials import pem, private_key
from keycheck.credentials.pasted_text import KEY_FILE, PASSPHRASE, SECRET, PrivateKey
from keycheck.credentials.signing import encode, signed_query
from keycheck.errors import UsageProblem
from keycheck.redaction.redactor import RUN, Redactor
from keycheck.redaction.secret import Secret
from tests.credentials.der import PBKDF2, diffie_hellman_of, encrypted_with, pkcs1_of
from tests.exchange import API_KEY, LocalExchange, Scenario
from tests.exchange.signatures import PublicKeyVerifier
from tests.keys import EC, ED25519, KEYS, OTHER_ED25519, RSA, Key, body_of
from tests.running import SuiteRunner

PASSWORD = "correct horse battery"  # noqa: S105  invented
FUTURES = (
    "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943"
)


def given(text: str, passphrase: str = "", place: str = SECRET) -> PrivateKey:
    """A private key as the settings give it."""
    return PrivateKey(Secret(text), Secret(passphrase) if passphrase else None, place)


def of(key: Key) -> PrivateKey:
    """One of the tests' keys as the settings give it."""
    return given(key.private, key.passphrase)


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """A new key, the same for all tests of a run."""
    return rsa.generate_private_key(65537, bits)


def written(key: Any, form: str = "PKCS8", password: str = "") -> str:
    """A key as a tool writes it to a file."""
    hidden = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    text: bytes = key.private_bytes(serialization.Encoding.PEM, getattr(serialization.PrivateFormat, form), hidden)
    return text.decode()


def refusal(key: PrivateKey) -> str:
    """The sentence that refuses a key; neither it nor its causes hold any of the key or its passphrase."""
    with pytest.raises(UsageProblem) as caught:
        private_key.signer(key)
    message = str(caught.value)
    assert "\n" not in message
    assert ": " in message
    assert message.startswith(key.place)
    assert caught.value.__context__ is None
    secrets = [*pem.to_hide(key.pem.reveal()), *([key.passphrase.reveal()] if key.passphrase else [])]
    assert not Redactor(secrets).finds(message)
    return message


# -- signatures --


@pytest.mark.parametrize("name", KEYS)
def test_published_signatures_are_made(name: str) -> None:
    """Binance's one correct Ed25519 example and those of python-binance's tests are reproduced."""
    key = KEYS[name]
    signer = private_key.signer(of(key))
    assert signer.type == key.type
    assert signer.sign(key.payload.encode()) == key.signature


@pytest.mark.parametrize(
    ("payload", "signature"),
    [
        (
            "timestamp=1578963600000",
            "QN3GM0iSGzvvIYiBzzP8vPqSbsXIb4WHczOiPdjb8THQKuxZR1KOsBtZQFEewBQgMQfhDvwPoo6bkRi2ui4hCg==",
        ),
        (FUTURES, "mokPyfoqtkqvaIfvDlcqfuJls6jar6Dh966EmALq2qgZZVEL7LWBw96z1yJ+2pfqosoLJtsMzqTETcSp8x1SAw=="),
    ],
)
def test_openssl_makes_the_same_signatures(payload: str, signature: str) -> None:
    """openssl made the same signatures of real queries with Binance's published key."""
    assert private_key.signer(of(ED25519)).sign(payload.encode()) == signature


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_signature_is_percent_encoded_in_the_query(key: Key) -> None:
    """A base64 signature is percent-encoded, and covers all that is before it in the query."""
    query = signed_query([("symbol", "币安人生USDT"), ("timestamp", "1")], private_key.signer(of(key)))
    payload, _, signature = query.rpartition("&signature=")
    assert not set(signature) & set("+/=")
    signed = encode([("signature", private_key.signer(of(key)).sign(payload.encode()))])
    assert signed == f"signature={signature}"


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_the_local_exchange_compares_signatures_with_their_case(key: Key) -> None:
    """The local exchange takes only the exact base64 of the right signature, as Binance does."""
    verifier, payload = PublicKeyVerifier(key.public), key.payload.encode()
    assert verifier.accepts(payload, key.signature)
    strangers = [
        key.signature.lower(),
        key.signature.swapcase(),
        key.signature.rstrip("="),
        f"{key.signature}\n",
        "",
        "ж",
    ]
    strangers += [key.signature.replace("+", " "), f" {key.signature}", "AAAA"]
    assert not any(verifier.accepts(payload, one) for one in strangers if one != key.signature)
    assert not verifier.accepts(payload + b" ", key.signature)


# -- spellings of a key --


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
@pytest.mark.parametrize("password", ["", PASSWORD, "пароль ключа"])
def test_rsa_keys_of_either_form_are_taken(form: str, password: str) -> None:
    """RSA keys are accepted as PKCS#8, and as PKCS#1 of older tools; with and without a passphrase."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = written(rsa_key(2048), form, password)
    signer = private_key.signer(given(text, password))
    public = (
        rsa_key(2048)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    assert PublicKeyVerifier(public.decode()).accepts(b"payload", signer.sign(b"payload"))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\\n"),
        lambda text: text.replace("\n", "\\r\\n"),
        lambda text: text.replace("\n", " "),
        lambda text: text.replace("\n", "\n    "),
        lambda text: text.strip(),
        lambda text: "\ufeff" + text,
        lambda text: f"my key:\n{text}\nthe end\n",
        lambda text: ED25519.public + text,
        lambda text: text + text,
    ],
)
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_changes_made_by_copying_are_undone(key: Key, spoil: Any) -> None:
    """Copying may change line ends and add blanks or text; as long as the key is clear, it is used."""
    assert private_key.signer(given(spoil(key.private), key.passphrase)).sign(b"x") == (
        private_key.signer(of(key)).sign(b"x")
    )


def test_a_passphrase_that_is_not_needed_is_left_alone() -> None:
    """A passphrase is ignored if the key is not encrypted."""
    assert private_key.signer(given(ED25519.private, PASSWORD)).type == "ED25519"


# -- refused keys --


def _shortened(text: str) -> str:
    return "\n".join(line[:40] for line in text.splitlines())


REFUSED = {
    "empty": ("", "holds no private key in PEM form"),
    "text": ("ceci n'est pas une clé", "holds no private key in PEM form"),
    "UTF-16": (ED25519.private.encode("utf-16").decode("utf-8", "replace"), "holds no private key in PEM form"),
    "an API secret": (API_KEY, "holds no private key in PEM form"),
    "public key": (ED25519.public, "holds a public key"),
    "public RSA key": (RSA.public, "holds a public key"),
    "certificate": (ED25519.private.replace("PRIVATE KEY", "CERTIFICATE"), "holds a certificate"),
    "first line": ("-----BEGIN PRIVATE KEY-----", "holds only a part of a PEM"),
    "cut": (ED25519.private[:80], "holds only a part of a PEM"),
    "ends that differ": (ED25519.private.replace("END", "END RSA"), "holds only a part of a PEM"),
    "short lines": (_shortened(ED25519.private), "damaged"),
    "no base64": (ED25519.private.replace("MC4C", "!§$%"), "damaged"),
    "nothing in it": ("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", "damaged"),
    "EC": (EC, "holds an EC key, but Binance takes only Ed25519 and RSA"),
    "OpenSSH": (ED25519.private.replace("PRIVATE", "OPENSSH PRIVATE"), "OpenSSH's own format"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_key_that_binance_does_not_take_is_named(name: str) -> None:
    """A refused key is named by its real type, with a remedy."""
    text, reason = REFUSED[name]
    assert reason in refusal(given(text))
    assert reason in refusal(given(text, PASSWORD, f"the file that {KEY_FILE} names"))


def test_keys_of_other_types_and_short_keys_are_named() -> None:
    """Other types, such as Ed448, and RSA keys below the minimum size are refused by name."""
    assert "a key of another type" in refusal(given(written(ed448.Ed448PrivateKey.generate())))
    assert "an RSA key of 1024 bits" in refusal(given(written(rsa_key(1024))))


def test_a_passphrase_that_takes_minutes_to_try_is_not_tried() -> None:
    """OpenSSL would count to the number in the file, and hear neither Ctrl-C nor a time limit meanwhile."""
    text = encrypted_with(PBKDF2, 2**31 - 1)
    assert "holds an encrypted private key that is damaged, or whose passphrase takes minutes" in refusal(
        given(text, "x")
    )


def test_an_rsa_key_whose_check_takes_minutes_is_not_checked() -> None:
    """Such a key is larger than Binance's, or holds a factor that is; Mersenne primes make both."""
    assert "an RSA key of 8922 bits, but Binance takes 2048" in refusal(given(pkcs1_of(2**4499 - 1, 2**4423 - 1)))
    assert "damaged" in refusal(given(pkcs1_of(2**23209 - 1, 2**44 - 1, modulus=2**4096 + 1)))
    assert "damaged" in refusal(given(pkcs1_of(2**44 - 1, 2**23209 - 1, modulus=2**4096 + 1)))


@pytest.mark.parametrize("bits", [4000, 16001])
def test_a_diffie_hellman_key_is_refused(bits: int) -> None:
    """A Diffie-Hellman key is refused in a sentence, also a large one, for which cryptography raises InternalError."""
    assert "Binance" in refusal(given(diffie_hellman_of(bits)))


@pytest.mark.parametrize("password", ["", PASSWORD])
def test_a_huge_key_of_any_type_is_not_loaded(password: str) -> None:
    """Loading a DSA key of 90,000 bits takes OpenSSL ten minutes. An RSA key of 8192 bits is small enough."""
    text = f"-----BEGIN {'ENCRYPTED ' * bool(password)}PRIVATE KEY-----\n{'A' * 7001}\n-----END "
    text += f"{'ENCRYPTED ' * bool(password)}PRIVATE KEY-----\n"
    assert "holds a private key larger than any that Binance takes" in refusal(given(text, password))
    fits = pkcs1_of(2**4096 - 1, 2**4096 - 3)
    assert "damaged" in refusal(given(fits))


def test_the_numbers_of_an_rsa_key_are_checked() -> None:
    """Numbers that do not belong together are no key."""
    numbers = rsa_key(2048).private_numbers()
    assert "damaged" in refusal(given(pkcs1_of(numbers.p, numbers.q)))


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
def test_a_wrong_passphrase_and_a_missing_one_are_told_apart(form: str) -> None:
    """A wrong passphrase and a missing one have different messages, and both name the setting to correct."""
    text = written(rsa_key(2048), form, PASSWORD)
    for wrong in (PASSWORD[:-1], "x" * 2000, "\udcff"):
        assert f"cannot be opened with {PASSPHRASE}" in refusal(given(text, wrong))
    assert f"give its passphrase as {PASSPHRASE}" in refusal(given(text))


def test_a_sentence_says_that_cryptography_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the cryptography package, one sentence says how to install it."""
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(UsageProblem, match=r"not installed: pip install -r requirements\.txt"):
        private_key.signer(of(ED25519))


# -- hiding a key --


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_signer_shows_nothing_of_its_key(key: Key) -> None:
    """Neither a signer's repr nor its attributes show the key."""
    signer = private_key.signer(of(key))
    shown = repr(signer) + repr([getattr(signer, name) for name in dir(signer)]) + repr(of(key))
    assert not Redactor([*pem.to_hide(key.private), key.passphrase]).finds(shown)


def _spellings(text: str) -> Iterator[str]:
    body = body_of(text)
    yield from text.splitlines()[1:-1]
    yield from (body, body[::-1], text, text.replace("\n", "\\n"), text.replace("\n", " "), repr(text.encode()))


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_every_line_of_a_key_is_hidden(key: Key) -> None:
    """In any spelling, no ten characters of a key are left; its first line, which is not secret, stays."""
    redactor = Redactor(pem.to_hide(key.private.replace("\n", "\\n")))
    body = key.body
    for text in _spellings(key.private):
        cleaned = redactor.clean(f"before {text} behind")
        assert cleaned.startswith("before")
        assert cleaned.endswith("behind")
        assert not any(body[i : i + RUN] in cleaned for i in range(len(body) - RUN + 1))
    assert redactor.clean("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


def test_the_bare_bytes_of_a_short_key_are_hidden() -> None:
    """The key's bare bytes are hidden in hex, and in base64 from any offset."""
    raw = base64.b64decode(ED25519.body)
    redactor = Redactor(pem.to_hide(ED25519.private))
    for text in (raw[-32:].hex(), raw[-32:].hex(":").replace(":", ""), raw[-32:].hex().upper()):
        assert redactor.finds(text)
    for start in range(16, 22):
        assert redactor.finds(base64.b64encode(raw[start:]).decode())


def test_a_text_that_is_not_a_pem_is_hidden_whole() -> None:
    """An HMAC secret is hidden as one text."""
    assert pem.to_hide(API_KEY) == [API_KEY]


# -- over HTTP --


@pytest.mark.slow
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_run_with_a_registered_private_key_is_ok(key: Key, suite: SuiteRunner) -> None:
    """With a registered key the suite is OK and reports its type, and no output holds any of the key."""
    with LocalExchange(Scenario(public_key=key.public)) as exchange:
        done = suite(settings=exchange.settings() | key.settings())
        assert not exchange.real_orders
    assert (done.exit_status, done.verdict["key"]["type"]) == (0, key.type)
    assert done.check("credentials_are_well_formed")["outcome"] == "pass"
    assert not Redactor(pem.to_hide(key.private)).finds(done.output + done.page + str(done.verdict))


@pytest.mark.slow
def test_a_key_pasted_into_the_secret_is_used_and_remarked(suite: SuiteRunner) -> None:
    """A private key in BINANCE_API_SECRET is used, with `\n` written out to fit on one line of .env."""
    with LocalExchange(Scenario(public_key=ED25519.public)) as exchange:
        pasted = {"BINANCE_API_SECRET": ED25519.private.replace("\n", "\\n")}
        done = suite(settings=exchange.settings() | pasted)
    assert (done.exit_status, done.verdict["key"]["type"]) == (0, "ED25519")
    assert "holds a private key, which is used as one" in done.check("credentials_are_well_formed")["detail"]


def test_a_private_key_of_another_pair_is_diagnosed(suite: SuiteRunner) -> None:
    """With a private key, the explanation of -1022 does not speak of a secret."""
    with LocalExchange(Scenario(public_key=OTHER_ED25519.public)) as exchange:
        done = suite(settings=exchange.settings() | ED25519.settings())
    (first, *_) = done.verdict["diagnosis"]
    assert first["cause"] == "wrong_secret"
    assert "this private key does not belong to the public key registered" in first["explanation"]
    assert "BINANCE_API_SECRET" not in first["explanation"] + first["fix"]
