"""Step 7: two orders that Binance checks and does not place (POST /fapi/v1/order/test)."""

import pytest

from keycheck.exchange.session import Binance
from keycheck.plugin import Observe


@pytest.mark.critical
@pytest.mark.needs("account_may_trade", "position_mode_is_known", "symbol_is_trading")
def test_order_gate_checks_orders(binance: Binance, observe: Observe) -> None:
    """Binance checks a test order below the smallest allowed value against its order rules.

    It shows that an order of this key passes the checks of key, address and permission, and that Binance then applies
    its order rules. Nothing is placed, whatever the answer.

    Fix: -2015: tick Enable Futures (Profile > Account > API Management > Edit restrictions), and see that the key is
    newer than the futures account. -4411: see smallest_order_is_accepted. A code that bars the account: see
    account_may_trade.
    """
    order = binance.dust_order()
    observe(str(order), testOrderOk=None if order.was_weighed else False)
    assert order.was_weighed


@pytest.mark.critical
@pytest.mark.needs("account_may_trade", "position_mode_is_known", "symbol_is_trading", "order_gate_checks_orders")
def test_smallest_order_is_accepted(binance: Binance, observe: Observe) -> None:
    """The smallest valid test order is accepted, or refused only because the wallet is too empty for it.

    It finds the account that may read but not trade: every earlier step can be green and this one red. Funds are the
    owner's business, and not the key's fault. Nothing is placed, whatever the answer.

    Fix: -2015: tick Enable Futures (Profile > Account > API Management > Edit restrictions). -4192: wait for the end of
    the cooling-off period. -4109: transfer any amount to the futures wallet. -4411: the contract is a TradFi perpetual;
    sign its agreement on Binance's futures page, or set another BINANCE_SYMBOL. -4087, -4088 and other codes that bar
    the account: ask Binance support, naming the code. Where Enable Symbol Whitelist is ticked for the key, see that the
    contract is on its list.
    """
    dust, smallest = binance.dust_order(), binance.smallest_order()
    observe(str(smallest), testOrderOk=dust.was_weighed and smallest.accepted)
    assert smallest.accepted
