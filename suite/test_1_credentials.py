"""Step 1: the key and its secret, as they were given."""

import pytest

from keycheck.exchange.session import Binance
from keycheck.plugin import Observe
from keycheck.run.host_facts import HostFacts


@pytest.mark.critical
def test_credentials_are_present(binance: Binance, observe: Observe) -> None:
    """An API key and its secret are given.

    Without both nothing can be signed, so nothing can be said about the key. An empty value counts as none. For an
    Ed25519 or RSA key, the file of its private key takes the place of the secret.

    Fix: open .env, and fill in BINANCE_API_KEY and BINANCE_API_SECRET; if there is no .env yet, make it with
    cp -n .env.example .env && chmod 600 .env. Binance shows the secret once, when the key is made (Profile > Account >
    API Management > Create API); if it is lost, make a new key. For a key that you made yourself, fill in
    BINANCE_PRIVATE_KEY_FILE instead of the secret.
    """
    missing, remarks = binance.key.not_given, binance.key.all_remarks
    given = "key and private key are given" if binance.key.has_private_key else "key and secret are given"
    observe("; ".join([f"{missing}: not given", *remarks]) if missing else given)
    assert not missing


@pytest.mark.informational
@pytest.mark.needs("credentials_are_present")
def test_credentials_are_well_formed(binance: Binance, observe: Observe) -> None:
    """Key and secret are 64 letters and digits each, with nothing around them, from one place; no setting is misnamed.

    Blanks, quotes and line ends that came along when the key was pasted are left out here, but another program that
    reads the same line may send them, and Binance then answers -2014 or -1022. A wrong length is usually half a key. A
    key from the environment and a secret from .env usually belong to different pairs. A name that is spelt wrong is not
    read: BINANCE_ENVIROMENT=demo runs on production.

    Fix: write the lines in .env as BINANCE_API_KEY=... and BINANCE_API_SECRET=... with no quotes and no blanks, saved
    as UTF-8 without byte order mark and with Unix line ends; copy both values again from where Binance showed them.
    If key and secret come from two places, take the one in the environment out of there (unset BINANCE_API_KEY, or
    BINANCE_API_SECRET). If a name is not a setting, replace it with the name that was meant.
    """
    remarks = binance.key.all_remarks
    each = "" if binance.key.has_private_key else " each"
    observe("; ".join(remarks) or f"64 letters and digits{each}, with nothing around them")
    assert not remarks


@pytest.mark.informational
@pytest.mark.needs("credentials_are_present")
def test_credentials_file_is_private(host: HostFacts, observe: Observe) -> None:
    """Only you can read the file with your key, and git ignores it.

    Keys usually leave a machine in one of two ways: somebody else's program reads the file, or a commit takes it along.
    A key that was ever pushed counts as stolen. Credentials from the environment are in no file.

    Fix: chmod 600 .env, and the same for the file of a private key; put its name into .gitignore. If git tracks it:
    git rm --cached .env, and commit. If it was ever committed, make a new key, and delete the old one in API
    Management: git keeps what was committed.
    """
    remarks = host.open_files()
    observe("; ".join(remarks) or "no one else can read it, and git leaves it alone")
    assert not remarks
