"""An account's settings are compared with the bot's needs; a difference names both."""

from typing import Any

import pytest

from keycheck.errors import NotBinance
from keycheck.exchange.account_setup import (
    ASPECTS,
    POSITION,
    WORDS,
    AccountSetup,
    asset_mode_word,
    expected_of,
    margin_type_word,
)

CROSSED = {"symbol": "BTCUSDT", "marginType": "CROSSED", "leverage": 20, "isAutoAddMargin": "false"}
ISOLATED = CROSSED | {"marginType": "ISOLATED"}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"list": [CROSSED]}, "cross"),
        ({"list": [ISOLATED]}, "isolated"),
        ({"list": [ISOLATED | {"symbol": "ETHUSDT"}, CROSSED]}, "cross"),
        ({"list": [None, 1, {}, CROSSED, CROSSED | {"leverage": 5}]}, "cross"),
        (CROSSED, "cross"),
        (ISOLATED, "isolated"),
    ],
)
def test_the_margin_type_is_that_of_the_contract(body: dict[str, Any], word: str) -> None:
    """The contract's own entry counts, in a list as documented or in an object, and not the first of a list."""
    assert margin_type_word(body, "BTCUSDT") == word


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"list": []},
        {"list": [ISOLATED | {"symbol": "ETHUSDT"}]},
        {"list": [ISOLATED, CROSSED]},
        {"list": [CROSSED | {"marginType": "NEW"}]},
        {"list": [CROSSED | {"marginType": ["CROSSED"]}]},
        {"list": [CROSSED | {"marginType": None}]},
        {"list": "BTCUSDT"},
        {"marginType": "CROSSED"},
        ISOLATED | {"symbol": "btcusdt"},
    ],
    ids=repr,
)
def test_a_missing_margin_type_is_never_guessed(body: dict[str, Any]) -> None:
    """A margin type that is missing, or on which two entries disagree, is not guessed."""
    with pytest.raises(NotBinance, match="margin type"):
        margin_type_word(body, "BTCUSDT")


@pytest.mark.parametrize(("field", "word"), [(True, "multi-assets"), (False, "single-asset")])
def test_the_asset_mode_is_a_flag(field: bool, word: str) -> None:
    """multiAssetsMargin is a boolean; text and numbers are not an answer."""
    assert asset_mode_word({"multiAssetsMargin": field}) == word
    for odd in ({}, {"multiAssetsMargin": "true"}, {"multiAssetsMargin": 1}, {"multiAssetsMargin": None}):
        with pytest.raises(NotBinance, match="multiAssetsMargin"):
            asset_mode_word(odd)


def test_every_word_has_one_opposite() -> None:
    """There are six words, two for each aspect."""
    assert len(WORDS) == len(set(WORDS)) == 6
    for aspect in ASPECTS:
        for word in aspect.words:
            assert expected_of((word,)) == {aspect: word}


def test_a_difference_is_reported_with_both_words_and_the_menu_path() -> None:
    """A difference is reported with both words and the menu path, and an agreement in a short clause."""
    setup = AccountSetup.of(expected_of(WORDS[::2]), {aspect: aspect.words[0] for aspect in ASPECTS})
    assert setup.as_expected
    assert str(setup) == "position mode one-way, asset mode single-asset, margin type isolated: all as expected"
    found = {POSITION: "hedge", **{aspect: aspect.words[0] for aspect in ASPECTS[1:]}}
    setup = AccountSetup.of(expected_of(("one-way", "single-asset")), found)
    assert not setup.as_expected
    assert str(setup) == (
        "position mode is hedge, but BINANCE_EXPECT names one-way (USD-M Futures > Preference > Position Mode); "
        "asset mode single-asset, as expected"
    )
