"""What a key may do is read strictly, also what nobody has heard of yet."""

from typing import Any

import pytest

from keycheck.errors import NotBinance
from keycheck.exchange.permissions import KeyPermissions

DAY = 86_400_000  # ms
NOW = 1_795_000_000_000
CAREFUL: dict[str, Any] = {
    "ipRestrict": True,
    "createTime": NOW - 131 * DAY,
    "enableReading": True,
    "enableFutures": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "permitsUniversalTransfer": False,
    "enableMargin": False,
}


def test_a_careful_owners_key_has_nothing_to_spare() -> None:
    """Reading and futures, and an age."""
    key = KeyPermissions(CAREFUL)
    assert (key.transfers, key.spare, key.age_days(NOW), key.trading_days_left(NOW)) == ((), (), 131, None)


@pytest.mark.parametrize("name", ["enableMargin", "enableSpotAndMarginTrading", "enableNews", "permitsMindReading"])
def test_what_a_key_holds_beyond_futures_is_told_by_name(name: str) -> None:
    """Names that came yesterday among them."""
    assert KeyPermissions(CAREFUL | {name: True}).spare == (name,)
    assert KeyPermissions(CAREFUL | {name: "true"}).spare == ()


@pytest.mark.parametrize("name", ["enableWithdrawals", "enableInternalTransfer", "ipRestrict", "enableReading"])
def test_what_has_a_check_of_its_own_is_told_there(name: str) -> None:
    """One finding for one permission."""
    assert KeyPermissions(CAREFUL | {name: True}).spare == ()


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("enableX", True),
        ("permitsX", True),
        (f"enable{'x' * 60}", True),
        (f"enable{'x' * 61}", False),
        ("enable", False),
        ("permits", False),
        ("isenableX", False),
        ("enableX2", False),
        ("enableX\n", False),
        ("createTime", False),
        ("ipRestrict", True),
    ],
)
def test_a_permission_is_known_by_its_name(name: str, is_one: bool) -> None:
    """It begins with `enable` or `permits`; beside these, ipRestrict alone is a flag of a key."""
    key = KeyPermissions({name: True, "enableReading": True, "enableText": "true"})
    assert key.booleans == ({name: True} if is_one else {}) | {"enableReading": True}
    assert key.spare == ((name,) if is_one and name != "ipRestrict" else ())


def test_of_many_permissions_a_hundred_are_told() -> None:
    """The first ones; Binance has some fifteen."""
    names = [f"enable{chr(65 + number // 26)}{chr(65 + number % 26)}" for number in range(101)]
    assert list(KeyPermissions(dict.fromkeys(names, False)).booleans) == names[:100]


def test_transfers_are_told_by_name() -> None:
    """Either, or both."""
    names = ("enableInternalTransfer", "permitsUniversalTransfer")
    for name in names:
        assert KeyPermissions(CAREFUL | {name: True}).transfers == (name,)
    assert KeyPermissions(CAREFUL | dict.fromkeys(names, True)).transfers == names


@pytest.mark.parametrize("value", [None, "1795000000000", 1.795e12, True, 1_795_000_000, -1, 10**12, 10**13])
def test_a_moment_that_is_none_is_never_guessed(value: object) -> None:
    """Seconds for ms, texts and nothing at all are no answers."""
    key = KeyPermissions(CAREFUL | {"createTime": value, "tradingAuthorityExpirationTime": value})
    with pytest.raises(NotBinance):
        key.age_days(NOW)
    if value is None:
        assert key.trading_days_left(NOW) is None
    else:
        with pytest.raises(NotBinance):
            key.trading_days_left(NOW)


@pytest.mark.parametrize("moment", [10**12 + 1, NOW, 10**13 - 1])
def test_a_moment_is_told_in_milliseconds(moment: int) -> None:
    """Of thirteen figures, from 2001 to 2286."""
    key = KeyPermissions({"createTime": moment, "tradingAuthorityExpirationTime": moment})
    assert (key.age_days(moment + DAY), key.age_days(moment + DAY - 1)) == (1, 0)
    assert key.trading_days_left(moment - DAY) == 1


@pytest.mark.parametrize("name", ["enableReading", "enableInternalTransfer", "permitsUniversalTransfer"])
def test_an_answer_that_lacks_a_flag_is_no_answer(name: str) -> None:
    """It cannot be told from one that hides it."""
    key = KeyPermissions({k: v for k, v in CAREFUL.items() if k != name})
    with pytest.raises(NotBinance):
        assert key.spare if name == "enableReading" else key.transfers


@pytest.mark.parametrize(("ends", "left"), [(14.5, 14), (0.5, 0), (-0.5, -1), (-30, -30)])
def test_days_that_are_left_are_whole_days(ends: float, left: int) -> None:
    """Negative once the permission has ended."""
    key = KeyPermissions(CAREFUL | {"tradingAuthorityExpirationTime": round(NOW + ends * DAY)})
    assert key.trading_days_left(NOW) == left
