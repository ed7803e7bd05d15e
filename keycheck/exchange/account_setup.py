"""Compares the account's settings with those that BINANCE_EXPECT names for the bot. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from keycheck.exchange.facts import PositionMode, flag, missing

_ACCOUNT = "the futures API (accountConfig)"
_SYMBOL = "the futures API (symbolConfig)"
_MARGIN_TYPES = {"ISOLATED": "isolated", "CROSSED": "cross"}  # Binance's words -> ours


@dataclass(frozen=True)
class Aspect:
    """An account setting: its name, its two words in BINANCE_EXPECT, and the menu in which to change it."""

    name: str
    words: tuple[str, str]
    menu: str


POSITION = Aspect("position mode", ("one-way", "hedge"), "USD-M Futures > Preference > Position Mode")
ASSETS = Aspect("asset mode", ("single-asset", "multi-assets"), "USD-M Futures > Preference > Asset Mode")
MARGIN = Aspect("margin type", ("isolated", "cross"), "USD-M Futures > this contract > Cross or Isolated")
ASPECTS = (POSITION, ASSETS, MARGIN)
WORDS = tuple(word for aspect in ASPECTS for word in aspect.words)


def expected_of(words: Iterable[str]) -> dict[Aspect, str]:
    """The words of BINANCE_EXPECT, by aspect."""
    named = set(words)
    return {aspect: word for aspect in ASPECTS for word in aspect.words if word in named}


@dataclass(frozen=True)
class AccountSetup:
    """Each aspect that BINANCE_EXPECT names, with two words: the expected one and the found one."""

    sides: Mapping[Aspect, tuple[str, str]]

    @classmethod
    def of(cls, expected: Mapping[Aspect, str], found: Mapping[Aspect, str]) -> "AccountSetup":
        """The setup with each expected aspect, and its word in `found`."""
        return cls({aspect: (word, found[aspect]) for aspect, word in expected.items()})

    @property
    def as_expected(self) -> bool:
        """Whether the expected and the found word are equal in every aspect."""
        return all(expected == found for expected, found in self.sides.values())

    def __str__(self) -> str:
        if self.as_expected:
            agreed = ", ".join(f"{aspect.name} {found}" for aspect, (_, found) in self.sides.items())
            return f"{agreed}: {'all ' if len(self.sides) > 1 else ''}as expected"
        return "; ".join(
            f"{aspect.name} {found}, as expected"
            if expected == found
            else f"{aspect.name} is {found}, but BINANCE_EXPECT names {expected} ({aspect.menu})"
            for aspect, (expected, found) in self.sides.items()
        )


def position_mode_word(mode: PositionMode) -> str:
    """The word for a position mode."""
    return "hedge" if mode is PositionMode.HEDGE else "one-way"


def asset_mode_word(account: Mapping[str, Any]) -> str:
    """The word for accountConfig's `multiAssetsMargin`."""
    return "multi-assets" if flag(account, "multiAssetsMargin", _ACCOUNT) else "single-asset"


def margin_type_word(body: Mapping[str, Any], symbol: str) -> str:
    """The word for the contract's `marginType`. `body`: symbolConfig's object, or its list as `list`.

    Raises NotBinance if the contract is missing, or is listed twice with different types.
    """
    listed = body.get("list", [body])
    entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    types = {str(one.get("marginType")) for one in entries if one.get("symbol") == symbol}
    if len(types) != 1 or (name := types.pop()) not in _MARGIN_TYPES:
        raise missing(f"margin type of {symbol}", _SYMBOL)
    return _MARGIN_TYPES[name]
