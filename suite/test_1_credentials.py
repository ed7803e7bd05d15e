"""Step 1: the key and its secret, as they were given."""

import pytest

from keycheck.binance import Binance
from keycheck.plugin import Observe


@pytest.mark.critical
def test_credentials_are_present(binance: Binance, observe: Observe) -> None:
    """An API key and its secret are given.

    Without both nothing can be signed, so nothing can be said about the key. An empty value counts as none.

    Fix: cp .env.example .env, then fill in BINANCE_API_KEY and BINANCE_API_SECRET. Binance shows the secret once, when
    the key is made (Profile > Account > API Management > Create API); if it is lost, make a new key.
    """
    missing, remarks = binance.key.missing, binance.key.remarks
    observe("; ".join([f"{' and '.join(missing)}: not given", *remarks]) if missing else "key and secret are given")
    assert not missing


@pytest.mark.informational
@pytest.mark.needs("credentials_are_present")
def test_credentials_are_well_formed(binance: Binance, observe: Observe) -> None:
    """Key and secret are 64 letters and digits each, with nothing around them.

    Blanks, quotes and line ends that came along when the key was pasted are left out here, but another program that
    reads the same line may send them, and Binance then answers -2014 or -1022. A wrong length is mostly half a key.

    Fix: write the lines in .env as BINANCE_API_KEY=... and BINANCE_API_SECRET=... with no quotes and no blanks, saved
    as UTF-8 without byte order mark and with Unix line ends; copy both values again from where Binance showed them.
    """
    remarks = binance.key.remarks
    observe("; ".join(remarks) or "64 letters and digits each, with nothing around them")
    assert not remarks
