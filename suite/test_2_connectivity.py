"""Step 2: the way to the exchange."""

import pytest

from keycheck.exchange.session import Binance
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


@pytest.mark.informational
@pytest.mark.needs("futures_api_answers")
def test_rate_limit_headroom_is_left(binance: Binance, observe: Observe) -> None:
    """Other programs use less than 80 % of the address's request weight.

    Binance counts by address, and all programs behind it share one limit. A bot that finds it used up is refused with
    429 in the very minute in which it wants to close a position, and if it goes on, the address is banned. Signed and
    unsigned requests may be counted apart, so this check takes the highest figure of any answer.

    Fix: find what else calls Binance from this address, and have it poll less or use streams; or give the bot an
    address of its own.
    """
    weight = binance.weight_of_others()
    which = "signed ones among them" if weight.signed else "only unsigned ones"
    observe(f"{weight} is used by others: the highest figure in this run's answers, {which}, without the run's own")
    assert weight.is_under(80)
