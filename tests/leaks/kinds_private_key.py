"""Failures with a private key, and careless uses of one."""

from tests.exchange import Fault, LocalExchange, Scenario
from tests.keys import EC, ED25519, ENCRYPTED_ED25519, RSA, settings_of
from tests.leaks.kind import ACCOUNT, Kind, Settings, at, careless, careless_plugin
from tests.leaks.kinds_exchange import CONFIG, ORDER

_REGISTERED = ED25519.public
_ALL_RIGHT = Scenario(account=ACCOUNT, public_key=_REGISTERED)
_PASTED = {"BINANCE_API_SECRET": ED25519.private.replace("\n", "\\n")}


def _with(layer: dict[str, str], **more: str) -> Settings:
    return lambda exchange: exchange.settings() | layer | more


def _file(key: str, **more: str) -> Settings:
    """Like `_with`, but the file is written when a cell is run."""

    def settings(exchange: LocalExchange) -> dict[str, str]:
        return exchange.settings() | settings_of(key) | more

    return settings


_ENCRYPTED = _file(ENCRYPTED_ED25519.private, BINANCE_PRIVATE_KEY_PASSPHRASE=ENCRYPTED_ED25519.passphrase)
_RSA = _file(RSA.private, BINANCE_PRIVATE_KEY_PASSPHRASE=RSA.passphrase)

# tests/credentials/test_private_key.py tests each refusal by itself, and that its sentence shows nothing.
REFUSED = (
    Kind(
        "private key, wrong passphrase",
        settings=_file(RSA.private, BINANCE_PRIVATE_KEY_PASSPHRASE=ENCRYPTED_ED25519.passphrase),
    ),
    Kind("private key, EC", settings=_file(EC)),
    Kind("private key, half of it pasted", settings=_with({"BINANCE_API_SECRET": _PASTED["BINANCE_API_SECRET"][:90]})),
    Kind("private key as its own file", settings=_with({"BINANCE_API_SECRET": ""}, BINANCE_PRIVATE_KEY_FILE=EC)),
)

IN_USE = (
    Kind(
        "private key, order refused",
        Scenario(account=ACCOUNT, public_key=_REGISTERED, read_only=True),
        settings=_ENCRYPTED,
    ),
    Kind("private key, pasted", at(CONFIG, Fault.reset(), public_key=_REGISTERED), settings=_with(_PASTED)),
    Kind("private key, RSA, echo in 500", at(ORDER, Fault.echo(500), public_key=RSA.public), settings=_RSA),
)

CARELESS = (
    careless(
        "print of a private key",
        "print(secret, url, os.environ)\nassert not secret",
        scenario=_ALL_RIGHT,
        settings=_ENCRYPTED,
    ),
    careless(
        "print of an RSA private key",
        "print(secret, url)\nassert secret == url",
        scenario=Scenario(account=ACCOUNT, public_key=RSA.public),
        settings=_RSA,
    ),
    careless(
        "print of a pasted private key",
        "print(secret, [secret], secret[::-1], os.environ)\nraise ValueError(secret, url)",
        scenario=_ALL_RIGHT,
        settings=_with(_PASTED),
    ),
    careless(
        "private key, everything reachable",
        "careless.forget_rules(binance)\nfor one in careless.reachable(binance):\n    print(repr(one))\nassert False",
        scenario=_ALL_RIGHT,
        settings=_ENCRYPTED,
    ),
    careless_plugin(
        "conftest prints a private key",
        "careless.happened()\nprint(SECRET)\nraise RuntimeError(SECRET)",
        settings=_with(_PASTED),
    ),
    careless_plugin(
        "conftest prints a private key's passphrase",
        "careless.happened()\nprint(os.environ)\nraise RuntimeError(os.environ['BINANCE_PRIVATE_KEY_PASSPHRASE'])",
        settings=_ENCRYPTED,
    ),
)

PRIVATE_KEY: tuple[Kind, ...] = (*REFUSED, *IN_USE, *CARELESS)
