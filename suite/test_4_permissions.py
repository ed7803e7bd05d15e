"""Step 4: what Binance lets this key do."""

import pytest

from keycheck.exchange.session import Binance
from keycheck.plugin import Observe


@pytest.mark.critical
@pytest.mark.needs("credentials_are_present", "futures_api_answers")
def test_signed_requests_are_accepted(binance: Binance, observe: Observe) -> None:
    """Binance accepts requests signed with this key and secret from this machine's address.

    It proves in one stroke that the key exists, that the secret belongs to it, that its address list admits this
    machine, and that it may read. Everything after this step builds on it.

    Fix: -1022: the secret, or the private key, does not belong to this key; paste both again. -2014: the key is cut or
    has something around it. -2008: the key was deleted or is of another environment. -2015: add this machine's public
    address to the key's list (Profile > Account > API Management > Edit restrictions), tick Enable Reading, and see
    that the key is of the environment under test.
    """
    reads = binance.signed_reads()
    observe(str(reads))
    assert reads.accepted


@pytest.mark.critical
@pytest.mark.needs("signed_requests_are_accepted")
def test_futures_trading_is_enabled(binance: Binance, observe: Observe) -> None:
    """The key may trade futures.

    A key without this permission reads everything and is refused with -2015 at its first order.

    Fix: Profile > Account > API Management > Edit restrictions > tick Enable Futures. If the box cannot be ticked, the
    key is older than the futures account: open the futures account, then make a new key.
    """
    permissions = binance.key_permissions()
    can = "may" if permissions.futures else "may not"
    observe(f"the key {can} trade futures (enableFutures)", futuresPermission=permissions.futures)
    assert permissions.futures


@pytest.mark.critical
@pytest.mark.needs("signed_requests_are_accepted")
def test_withdrawals_are_disabled(binance: Binance, observe: Observe) -> None:
    """The key cannot withdraw funds.

    No bot needs to withdraw. A key that can is worth the whole account to whoever finds it in a log, a backup or a
    stolen laptop. Every permission with withdraw in its name counts, Alpha withdrawals among them.

    Fix: Profile > Account > API Management > Edit restrictions > untick Enable Withdrawals and Enable Alpha
    Withdrawals. If the key was ever shared, delete it and make a new one.
    """
    held = binance.key_permissions().withdrawals
    can = f"can withdraw funds ({', '.join(held)})" if held else "cannot withdraw funds (enableWithdrawals)"
    observe(f"the key {can}", withdrawEnabled=bool(held), withdrawSafe=not held)
    assert not held


@pytest.mark.informational
@pytest.mark.needs("signed_requests_are_accepted")
def test_key_is_restricted_to_known_ips(binance: Binance, observe: Observe) -> None:
    """The key works only from listed IP addresses.

    A stolen key with an address list is of no use to the thief. Binance's own page says that a key without one will be
    deleted if it may do anything beyond reading, such as trading futures; a bot finds out with -2015.

    Fix: Profile > Account > API Management > Edit restrictions > Restrict access to trusted IPs only; add this
    machine's public address, preferably a fixed IPv4 one. The field takes several addresses, separated by blanks.
    """
    permissions = binance.key_permissions()
    where = "listed addresses only" if permissions.ip_restricted else "any address"
    observe(f"the key works from {where} (ipRestrict)", ipRestrictEnabled=permissions.ip_restricted)
    assert permissions.ip_restricted


@pytest.mark.informational
@pytest.mark.needs("signed_requests_are_accepted")
def test_transfers_are_disabled(binance: Binance, observe: Observe) -> None:
    """The key cannot move funds between accounts.

    A withdrawal is not the only way out: internal transfers go to other users, universal ones to other wallets, from
    where another key may take them further.

    Fix: Profile > Account > API Management > Edit restrictions > untick Permits Universal Transfer, and Enable
    Internal Transfer if it is shown.
    """
    moves = binance.key_permissions().transfers
    observe(f"the key can move funds ({', '.join(moves)})" if moves else "the key can move no funds between accounts")
    assert not moves


@pytest.mark.informational
@pytest.mark.needs("signed_requests_are_accepted")
def test_key_has_no_spare_permissions(binance: Binance, observe: Observe) -> None:
    """The key may read and trade futures, and nothing else.

    A thief can use what a futures bot does not need: spot, margin and stock orders at absurd prices move money to
    whoever is on the other side of them, and so do bets in Prediction Trading.

    Fix: Profile > Account > API Management > Edit restrictions > untick everything but Enable Reading and Enable
    Futures, such as Enable Spot & Margin & Stock Trading and Enable Prediction Trading. A bot that trades spot as well
    should have a second key for it.
    """
    spare = binance.key_permissions().spare
    observe(f"the key also holds {', '.join(spare)}" if spare else "the key holds nothing beyond reading and futures")
    assert not spare


@pytest.mark.informational
@pytest.mark.needs("signed_requests_are_accepted")
def test_key_is_not_due_for_rotation(binance: Binance, observe: Observe) -> None:
    """The key is less than 365 days old.

    The longer a key is used, the more copies of it there are: in backups, in logs, on old machines, with people who
    have left. A new key each year makes them all useless at once.

    Fix: make a new key (Profile > Account > API Management > Create API), run this suite on it, give it to the bot,
    then delete the old one.
    """
    age = binance.key_permissions().age_days(binance.now())
    observe(f"the key is {age} days old (createTime)")
    assert age < 365


@pytest.mark.informational
@pytest.mark.needs("signed_requests_are_accepted")
def test_trading_permission_is_not_expiring(binance: Binance, observe: Observe) -> None:
    """The key's permission for Spot & Margin, if it has an end, does not end within 14 days.

    A key without an address list loses that permission after a time: 30 days when it was announced, some 90 on keys
    seen since. For futures no such end is documented; there, Binance announces the deletion of the whole key. An end
    that is near shows that Binance does not expect the key to last.

    Fix: Profile > Account > API Management > Edit restrictions > Restrict access to trusted IPs only, with this
    machine's public address; a key with such a list does not expire. A bot that trades only futures does not need
    Enable Spot & Margin & Stock Trading: untick it.
    """
    permissions, now = binance.key_permissions(), binance.now()
    left, ends = permissions.trading_days_left(now), permissions.trading_ends(now)
    lapses = "" if permissions.ip_restricted else "; the key has no address list, so Binance may delete it"
    observe(f"the permission for Spot & Margin {ends} (tradingAuthorityExpirationTime){lapses}")
    assert left is None or left > 14
