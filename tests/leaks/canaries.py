"""The texts that are planted in every cell, besides the signatures that the run makes."""

from collections.abc import Iterable
from urllib.parse import quote

from tests.exchange import API_KEY, API_SECRET, LISTEN_KEY
from tests.exchange.gatekeeper import EGRESS_IP
from tests.exchange.headers import INVENTED_UUID
from tests.keys import EC, ED25519, ENCRYPTED_ED25519, RSA, body_of
from tests.leaks.scanner import Canary

PASSWORD = "correct horse&battery<staple>"  # noqa: S105  invented
PROXY_USER = f"proxyuser:{quote(PASSWORD, safe='')}@"
COOKIE = "invented-cookie-value"
HOST_NAME = "planted-host.invalid"
USER_NAME = "planted.user-7f3a"
CI_VALUE = "https://ci.invalid/job/0815"
BALANCE = "9182736455.46372819"

PRIVATE = (
    Canary("address", EGRESS_IP, shared_only=True),
    Canary("cookie", COOKIE, shared_only=True),
    Canary("trace", INVENTED_UUID[9:23], shared_only=True),
    Canary("host name", HOST_NAME, shared_only=True),
    Canary("user name", USER_NAME, shared_only=True),  # absolute paths hold it here, too
    Canary("CI variable", CI_VALUE, shared_only=True),
    Canary("balance", BALANCE, shared_only=True),
)
# Only the exchange's answers hold these, so no redactor can know them. No check of ours may print one.
UNKNOWABLE = ("cookie", "trace", "balance")
SECRETS = (
    Canary("key", API_KEY),
    Canary("secret", API_SECRET),
    Canary("listen key", LISTEN_KEY),
    Canary("proxy password", PASSWORD),
    # Without their beginnings, which all keys of a kind have in common.
    Canary("private key", ED25519.body[-43:]),
    Canary("encrypted key", ENCRYPTED_ED25519.body[128:]),
    Canary("RSA key", RSA.body[192:]),
    Canary("EC key", body_of(EC)[48:]),
    Canary("passphrase", ENCRYPTED_ED25519.passphrase),
)


def planted(signatures: Iterable[str]) -> list[Canary]:
    """All canaries, with the signatures of one run."""
    return [*SECRETS, *(Canary("signature", text) for text in signatures if text), *PRIVATE]
