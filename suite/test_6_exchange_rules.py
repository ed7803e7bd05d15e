"""Step 6: the exchange's rules for the contract under test."""

import pytest

from keycheck.exchange.session import Binance
from keycheck.plugin import Observe


@pytest.mark.informational
@pytest.mark.needs("futures_api_answers")
def test_symbol_is_trading(binance: Binance, observe: Observe) -> None:
    """The contract under test is listed and trading.

    A contract that is settling, closed or misspelt takes no orders, whatever the key may do.

    Fix: set BINANCE_SYMBOL in .env to a contract that trades, written as Binance does: BTCUSDT.
    """
    rules = binance.symbol_rules()
    if not rules:
        alike = ", ".join(binance.nearest_symbols()) or "no name like it"
        observe(f"the exchange lists no contract {binance.symbol}; it lists {alike}")
    assert rules
    observe(str(rules))
    assert rules.is_trading


@pytest.mark.informational
@pytest.mark.needs("symbol_is_trading")
def test_order_limits_are_published(binance: Binance, observe: Observe) -> None:
    """The exchange publishes the contract's step size and its smallest order value.

    Bots round quantities by these two figures. They differ by contract and by environment and change without notice,
    so a bot must read them and never carry them in its settings.

    Fix: have the bot read LOT_SIZE and MIN_NOTIONAL from GET /fapi/v1/exchangeInfo of the host it trades on; if the
    filter is missing, choose another contract as BINANCE_SYMBOL.
    """
    rules = binance.symbol_rules()
    assert rules
    step, least = rules.step_size, rules.min_notional
    observe(f"step size {step}, smallest order value {least or 'not published'}", stepSize=step, minNotional=least)
    assert least
