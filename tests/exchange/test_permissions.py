"""A key's permissions are read strictly, unknown ones included."""

import json
from typing import Any

import pytest

from keycheck.cassettes.scrubbing import scrub_body
from keycheck.errors import NotBinance
from keycheck.exchange.endpoints import API_RESTRICTIONS
from keycheck.exchange.permissions import OTHER_WAY_OUT, KeyPermissions

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
    """A key with reading and futures has no spare permission, and has an age."""
    key = KeyPermissions(CAREFUL)
    assert (key.transfers, key.spare, key.age_days(NOW), key.trading_days_left(NOW)) == ((), (), 131, None)


@pytest.mark.parametrize("name", ["enableMargin", "enableSpotAndMarginTrading", "enableNews", "permitsMindReading"])
def test_permissions_beyond_futures_are_named(name: str) -> None:
    """Spare permissions are named, unknown ones included."""
    assert KeyPermissions(CAREFUL | {name: True}).spare == (name,)
    assert KeyPermissions(CAREFUL | {name: "true"}).spare == ()


WAYS_OUT = (
    "enableAlphaWithdrawals",
    "enableAlphaWithdraw",
    "alphaWithdrawEnabled",
    "permitsWITHDRAW",
    "can_withdraw_alpha",
)


@pytest.mark.parametrize("name", WAYS_OUT)
def test_a_way_to_withdraw_is_known_by_any_name(name: str) -> None:
    """Binance's API name of Alpha Withdrawals is unknown, so any true permission with "withdraw" in its name counts."""
    key = KeyPermissions(CAREFUL | {name: True})
    assert key.withdrawals == (name,)
    assert key.booleans[name] is True
    assert key.spare == ()
    assert KeyPermissions(CAREFUL | {name: True, "enableWithdrawals": True}).withdrawals == ("enableWithdrawals", name)
    assert KeyPermissions(CAREFUL | {name: False}).withdrawals == ()


@pytest.mark.parametrize("name", WAYS_OUT)
@pytest.mark.parametrize("value", ["true", "false", 1, 0, [], {}, None], ids=repr)
def test_a_way_to_withdraw_that_is_neither_true_nor_false_is_not_guessed(name: str, value: object) -> None:
    """Such a permission makes the answer unusable, live and in a replay, unless another one to withdraw is true."""
    key = CAREFUL | {name: value}
    for body in (key, json.loads(scrub_body(API_RESTRICTIONS.path, 200, json.dumps(key).encode(), "BTCUSDT", str))):
        with pytest.raises(NotBinance, match=name):
            assert KeyPermissions(body).withdrawals
        assert KeyPermissions({**body, "enableWithdrawals": True}).withdrawals == ("enableWithdrawals",)


@pytest.mark.parametrize(
    "inside",
    [
        {"permissions": {"enableWithdrawals": True}},
        {"data": [{}, {"key": {"enableWithdrawals": True, "enableFutures": False}}]},
    ],
)
def test_a_way_to_withdraw_is_found_inside_another_object(inside: dict[str, object]) -> None:
    """If the answer contradicts itself about withdrawals, the key can withdraw; other permissions are at the top."""
    key = CAREFUL | inside
    for body in (key, json.loads(scrub_body(API_RESTRICTIONS.path, 200, json.dumps(key).encode(), "BTCUSDT", str))):
        assert KeyPermissions(body).withdrawals == ("enableWithdrawals",)
        assert KeyPermissions(body).futures
    assert not KeyPermissions(CAREFUL | {"permissions": {"enableWithdrawals": False}}).withdrawals


def test_a_way_to_withdraw_inside_another_object_that_cannot_be_read_is_inconclusive() -> None:
    """ "true" is no boolean there, either."""
    with pytest.raises(NotBinance, match="enableWithdrawals"):
        _ = KeyPermissions(CAREFUL | {"permissions": {"enableWithdrawals": "true"}}).withdrawals


@pytest.mark.parametrize("said", [["WITHDRAW"], "READ,FUTURES,WITHDRAWALS", '{"enableWithdrawals": true}'])
def test_a_text_that_speaks_of_withdrawals_is_inconclusive(said: object) -> None:
    """A text about withdrawals makes the answer unusable, because Binance documents none."""
    key = CAREFUL | {"permissions": said}
    for body in (key, json.loads(scrub_body(API_RESTRICTIONS.path, 200, json.dumps(key).encode(), "BTCUSDT", str))):
        with pytest.raises(NotBinance, match=OTHER_WAY_OUT):
            assert KeyPermissions(body).withdrawals
    assert not KeyPermissions(CAREFUL | {"permissions": ["READ"]}).withdrawals


def test_a_way_to_withdraw_is_found_after_a_hundred_other_permissions_and_under_an_odd_name() -> None:
    """A permission to withdraw is found among any number of names, and under a name that is not fit to be shown."""
    many = {f"enable{chr(65 + number // 26)}{chr(65 + number % 26)}": False for number in range(101)}
    for name in ("enableAlphaWithdrawals", "alpha withdrawals <b>", "withdraw" * 40):
        key = KeyPermissions(many | CAREFUL | {name: True})
        shown = name if name.isalpha() and len(name) < 60 else OTHER_WAY_OUT
        assert key.withdrawals == (shown,)
        assert key.booleans[shown] is True


def test_an_answer_without_enablewithdrawals_is_unusable() -> None:
    """Without enableWithdrawals the answer is unusable, unless another permission to withdraw is set."""
    untold = {name: value for name, value in CAREFUL.items() if name != "enableWithdrawals"}
    with pytest.raises(NotBinance):
        assert KeyPermissions(untold).withdrawals
    assert KeyPermissions(untold | {"enableAlphaWithdrawals": True}).withdrawals == ("enableAlphaWithdrawals",)


def test_a_permission_that_only_reads_is_not_spare() -> None:
    """enableFixReadOnly is not a spare permission: it allows nothing that enableReading does not."""
    assert KeyPermissions(CAREFUL | {"enableFixReadOnly": True}).spare == ()
    assert KeyPermissions(CAREFUL | {"enableFixApiTrade": True}).spare == ("enableFixApiTrade",)


@pytest.mark.parametrize("name", ["enableWithdrawals", "enableInternalTransfer", "ipRestrict", "enableReading"])
def test_a_permission_with_its_own_check_is_not_spare(name: str) -> None:
    """A permission with a check of its own is not reported a second time as a spare one."""
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
        ("withdrawX2", True),
        ("x_withdraw", True),
        ("with draw", False),
        ("ipRestrict", True),
    ],
)
def test_a_permission_is_known_by_its_name(name: str, is_one: bool) -> None:
    """A permission begins with `enable` or `permits`; the only other flag of a key is ipRestrict."""
    key = KeyPermissions({name: True, "enableReading": True, "enableText": "true"})
    assert key.booleans == ({name: True} if is_one else {}) | {"enableReading": True}
    is_spare = is_one and name != "ipRestrict" and "withdraw" not in name
    assert key.spare == ((name,) if is_spare else ())


def test_a_hundred_of_many_permissions_are_kept() -> None:
    """The first hundred permissions are kept; Binance has some fifteen."""
    names = [f"enable{chr(65 + number // 26)}{chr(65 + number % 26)}" for number in range(101)]
    assert list(KeyPermissions(dict.fromkeys(names, False)).booleans) == names[:100]


def test_transfers_are_named() -> None:
    """`transfers` names either permission, or both."""
    names = ("enableInternalTransfer", "permitsUniversalTransfer")
    for name in names:
        assert KeyPermissions(CAREFUL | {name: True}).transfers == (name,)
    assert KeyPermissions(CAREFUL | dict.fromkeys(names, True)).transfers == names


@pytest.mark.parametrize("value", [None, "1795000000000", 1.795e12, True, 1_795_000_000, -1, 10**12, 10**13])
def test_a_value_that_is_not_a_time_is_never_guessed(value: object) -> None:
    """Seconds instead of ms, texts and missing values are not read as times."""
    key = KeyPermissions(CAREFUL | {"createTime": value, "tradingAuthorityExpirationTime": value})
    with pytest.raises(NotBinance):
        key.age_days(NOW)
    if value is None:
        assert key.trading_days_left(NOW) is None
    else:
        with pytest.raises(NotBinance):
            key.trading_days_left(NOW)


@pytest.mark.parametrize("moment", [10**12 + 1, NOW, 10**13 - 1])
def test_a_time_has_thirteen_digits(moment: int) -> None:
    """A time is a number of thirteen digits: ms since 1970, from 2001 to 2286."""
    key = KeyPermissions({"createTime": moment, "tradingAuthorityExpirationTime": moment})
    assert (key.age_days(moment + DAY), key.age_days(moment + DAY - 1)) == (1, 0)
    assert key.trading_days_left(moment - DAY) == 1


@pytest.mark.parametrize("missing", ["enableInternalTransfer", "enableReading"])
def test_a_permission_that_was_seen_is_told_though_another_flag_is_missing(missing: str) -> None:
    """A permission that the key has is enough to know; without one, a missing flag leaves the question open."""
    flags = CAREFUL | {"permitsUniversalTransfer": True, "enableMargin": True}
    key = KeyPermissions({name: value for name, value in flags.items() if name != missing})
    assert (key.transfers, key.spare) == (("permitsUniversalTransfer",), ("enableMargin",))


@pytest.mark.parametrize("name", ["enableReading", "enableInternalTransfer", "permitsUniversalTransfer"])
def test_an_answer_that_lacks_a_flag_is_not_an_answer(name: str) -> None:
    """A missing flag makes the answer unusable: the permission might be set."""
    key = KeyPermissions({k: v for k, v in CAREFUL.items() if k != name})
    with pytest.raises(NotBinance):
        assert key.spare if name == "enableReading" else key.transfers


@pytest.mark.parametrize(("ends", "left"), [(14.5, 14), (0.5, 0), (-0.5, -1), (-30, -30)])
def test_days_that_are_left_are_whole_days(ends: float, left: int) -> None:
    """The days that are left are whole days, negative once the permission has ended."""
    key = KeyPermissions(CAREFUL | {"tradingAuthorityExpirationTime": round(NOW + ends * DAY)})
    assert key.trading_days_left(NOW) == left
