"""Step 5: the futures account behind the key."""

import pytest

from keycheck.binance import Binance
from keycheck.plugin import Observe


@pytest.mark.critical
@pytest.mark.needs("signed_requests_are_accepted")
@pytest.mark.pointless_if_failed("futures_trading_is_enabled")
def test_account_may_trade(binance: Binance, observe: Observe) -> None:
    """The futures account exists and may trade.

    The permission is the key's, the right to trade is the account's: one that is barred, not opened, or a portfolio
    margin account refuses the best of keys.

    Fix: log in, open Derivatives > USD-M Futures, and read what Binance asks for: opening the account, a transfer to
    the futures wallet, identity verification, the end of a cooling-off period. A portfolio margin account needs a bot
    made for it. Otherwise ask Binance support, naming the code if one was observed.
    """
    account = binance.account()
    observe(str(account), canTrade=account.can_trade)
    assert account.can_trade


@pytest.mark.informational
@pytest.mark.needs("signed_requests_are_accepted")
@pytest.mark.pointless_if_failed("futures_trading_is_enabled", "account_may_trade")
def test_position_mode_is_known(binance: Binance, observe: Observe) -> None:
    """The account's position mode can be read: one-way or hedge.

    An order must name the side of position that the mode calls for, or it is refused with -4061; a bot must be told
    the same mode.

    Fix: run again; if it stays unread, look under USD-M Futures > Preference > Position Mode and tell the bot.
    """
    mode = binance.position_mode()
    # An answer without a mode never gets here: it is no observation about the account, so it is unproven.
    observe(f"the account is in {mode.value} mode", positionMode=mode.value)
