"""A lock of the quantitative rules is reported with its name and its end, and never guessed."""

from typing import Any

import pytest

from keycheck.errors import NotBinance
from keycheck.exchange.quantitative_rules import locks_of

UNTIL = 1_795_163_640_000


def indicator(**fields: Any) -> dict[str, Any]:
    """An indicator as in Binance's documentation."""
    usual = {"indicator": "UFR", "isLocked": True, "plannedRecoverTime": UNTIL, "value": 0.05, "triggerValue": 0.995}
    return usual | fields


def test_unlocked_indicators_are_not_listed() -> None:
    """Indicators that are not locked are not listed."""
    assert locks_of({"indicators": {}}) == ()
    assert locks_of({"indicators": {"BTCUSDT": [indicator(isLocked=False)]}}) == ()


def test_the_text_of_a_lock_names_indicator_and_end() -> None:
    """A lock's text names the indicator, the contract or the account, and the end."""
    found = locks_of({"indicators": {"BTCUSDT": [indicator()], "ACCOUNT": [indicator(indicator="TMV")]}})
    assert [str(lock) for lock in found] == [
        "UFR of BTCUSDT is locked until 2026-11-20 08:34:00 UTC",
        "TMV of ACCOUNT is locked until 2026-11-20 08:34:00 UTC",
    ]


@pytest.mark.parametrize("until", [None, 0, "soon", True, 1_795_163_640, 1_795_163_640_000.0, 10**12, 10**13])
def test_a_lock_without_a_usable_end_has_an_unknown_one(until: object) -> None:
    """Without a usable end, the lock is reported with an unknown end."""
    (lock,) = locks_of({"indicators": {"BTCUSDT": [indicator(plannedRecoverTime=until)]}})
    assert str(lock).endswith("does not say until when")


@pytest.mark.parametrize("until", [10**12 + 1, UNTIL, 10**13 - 1])
def test_an_end_is_a_moment_in_milliseconds(until: int) -> None:
    """The end is a number of thirteen digits, a moment from 2001 to 2286."""
    (lock,) = locks_of({"indicators": {"BTCUSDT": [indicator(plannedRecoverTime=until)]}})
    assert lock.until == until


def test_twenty_contracts_are_looked_at() -> None:
    """Twenty contracts are read, as many as a cassette keeps; a request names one."""
    found = locks_of({"indicators": {f"A{number}": [indicator()] for number in range(21)}})
    assert [lock.symbol for lock in found] == [f"A{number}" for number in range(20)]


@pytest.mark.parametrize(
    ("body", "lacking"),
    [
        ({}, "indicators"),
        ({"indicators": None}, "indicators"),
        ({"indicators": []}, "indicators"),
        ({"indicators": {"BTCUSDT": {}}}, "list of indicators"),
        ({"indicators": {"BTCUSDT": [1]}}, "isLocked"),
        ({"indicators": {"BTCUSDT": [indicator(isLocked="true")]}}, "isLocked"),
        ({"indicators": {"BTCUSDT": [{"indicator": "UFR"}]}}, "isLocked"),
    ],
)
def test_an_answer_that_makes_no_sense_is_not_an_answer(body: dict[str, Any], lacking: str) -> None:
    """An answer with a missing or broken field is not used, and the error names the field."""
    with pytest.raises(
        NotBinance, match=rf"^the futures API \(apiTradingStatus\) answered without a usable {lacking}\."
    ):
        locks_of(body)


def test_a_name_from_outside_is_printable() -> None:
    """Names in an answer are made printable and short."""
    (lock,) = locks_of({"indicators": {"\x1b[2J" * 30: [indicator(indicator="\x07" + "x" * 99)]}})
    assert str(lock).isprintable()
    assert (len(lock.name), len(lock.symbol)) == (20, 36)  # cut where a word ends
    (lock,) = locks_of({"indicators": {"x" * 99: [indicator()]}})
    assert len(lock.symbol) == 40


def test_a_lock_without_a_name_is_still_a_lock() -> None:
    """A lock without a name is reported as "an indicator"."""
    (lock,) = locks_of({"indicators": {"BTCUSDT": [indicator(indicator=None)]}})
    assert str(lock).startswith("an indicator of BTCUSDT is locked until")
