"""Step 5: the futures account behind the key."""

import pytest

from keycheck.exchange.session import Binance
from keycheck.plugin import Observe


@pytest.mark.critical
@pytest.mark.needs("signed_requests_are_accepted")
@pytest.mark.pointless_if_failed("futures_trading_is_enabled")
def test_account_may_trade(binance: Binance, observe: Observe) -> None:
    """The futures account exists and may trade.

    The permission is the key's, the right to trade is the account's: an account that is barred, not opened, or in
    portfolio margin mode refuses even the best key.

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
    # An answer without a mode never gets here: it says nothing about the account, so the check is unproven.
    observe(f"the account is in {mode.value} mode", positionMode=mode.value)


@pytest.mark.informational
@pytest.mark.needs("signed_requests_are_accepted")
@pytest.mark.pointless_if_failed("futures_trading_is_enabled", "account_may_trade")
def test_account_is_set_up_as_expected(binance: Binance, observe: Observe) -> None:
    """The account's position mode and asset mode, and the contract's margin type, are what BINANCE_EXPECT names.

    A bot is written for one choice of each. In the other position mode its orders are refused with -4061; with
    multi-assets mode or cross margin, a loss on one contract takes margin that the bot has set aside for another.

    Fix: have the bot set what it needs, or log in and set it under USD-M Futures > Preference > Position Mode or Asset
    Mode, and the margin type with Cross or Isolated on the contract's page; open orders and positions keep Binance from
    changing them. If the bot needs what the account has, correct BINANCE_EXPECT.
    """
    setup = binance.account_setup()
    observe(str(setup))
    assert setup.as_expected


@pytest.mark.informational
@pytest.mark.needs("signed_requests_are_accepted")
@pytest.mark.pointless_if_failed("futures_trading_is_enabled", "account_may_trade")
def test_no_quantitative_rule_is_violated(binance: Binance, observe: Observe) -> None:
    """No indicator of the futures quantitative rules is locked.

    Binance watches how many orders of an account are filled, cancelled at once, or too small. An account that goes
    beyond the limits may only reduce positions for a time, and every other order is refused with -4400.

    Fix: have the bot place fewer and larger orders, and let them stand; then wait until the time that was observed.
    """
    locks = binance.locks()
    observe("; ".join(map(str, locks)) or "no indicator is locked")
    assert not locks


@pytest.mark.informational
@pytest.mark.needs("signed_requests_are_accepted")
@pytest.mark.pointless_if_failed("futures_trading_is_enabled", "account_may_trade")
def test_user_stream_can_be_opened(binance: Binance, observe: Observe) -> None:
    """The futures API gives this key a listen key, which opens the account's user data stream.

    On that stream a bot hears at once of its fills, its balance and its positions; without it a bot has to poll, and
    meets the rate limit. The check closes no stream: one that is open already goes on, and its 60 minutes start again.

    Fix: -2015: see that the key's address list admits this machine, and tick Enable Futures (Profile > Account > API
    Management > Edit restrictions). If bots of this account must not be touched at all, set BINANCE_USER_STREAM=off.
    """
    given = binance.stream_key()
    observe(str(given))
    assert given.listen_key


@pytest.mark.informational
@pytest.mark.needs("signed_requests_are_accepted", "user_stream_can_be_opened")
@pytest.mark.pointless_if_failed("futures_trading_is_enabled", "account_may_trade")
def test_user_stream_is_alive(binance: Binance, observe: Observe) -> None:
    """The user data stream's host can be reached from this machine and answers a ping.

    It is another host and another protocol than the API's: a firewall or proxy that lets every request through may stop
    it, and a bot then waits for fills that it never hears of. It says nothing about the key: the host opens a stream
    for any listen key, even a made-up one, and answers its pings.

    Fix: let this machine reach fstream.binance.com (demo: fstream.binancefuture.com) on port 443, WebSocket included;
    behind a proxy, one that tunnels it. If the stream was closed, sent an error, or said that a listen key has expired,
    wait a minute and run again; if it fails again, see that no other program deletes the listen key.
    """
    stream = binance.user_stream()
    observe(str(stream))
    assert stream.alive
