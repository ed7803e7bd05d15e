"""Step 2: the way to the exchange."""

import pytest

from keycheck.binance import Binance
from keycheck.plugin import Observe


@pytest.mark.critical
def test_futures_api_answers(binance: Binance, observe: Observe) -> None:
    """The futures API answers this machine.

    A bot that cannot reach Binance cannot close a position either. Name servers, firewalls, proxies and countries that
    Binance does not serve all look the same to a bot: an order that did not happen.

    Fix: open https://fapi.binance.com/fapi/v1/ping from this machine; it must show {}. If it does not, look at DNS,
    firewall, proxy (BINANCE_PROXY) and at the country of this machine's address, in that order.
    """
    reach = binance.ping()
    observe(str(reach), pingOk=reach.answered)
    assert reach.answered
