"""Facts are read strictly: a missing field or one of the wrong type is never guessed."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from keycheck.errors import NotBinance
from keycheck.exchange.endpoints import Host
from keycheck.exchange.error_codes import Kind, kind_of
from keycheck.exchange.facts import (
    Account,
    OrderAnswer,
    PositionMode,
    Reachability,
    Refusal,
    SignedReads,
    SymbolRules,
    decimal,
    flag,
    nearest_names,
    position_mode,
    rules_of,
    weight_limit,
)
from keycheck.exchange.orders import Lot, OrderRules
from keycheck.exchange.permissions import KeyPermissions

LOT = {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"}
MARKET_LOT = {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "120"}
NOTIONAL = {"filterType": "MIN_NOTIONAL", "notional": "50"}


def refused(code: int | None, status: int = 400, message: str = "") -> Refusal:
    """A refusal of its code's class."""
    return Refusal(status, code, message, kind_of(code))


def rules(*filters: dict[str, Any]) -> SymbolRules:
    """A contract with these filters."""
    found = rules_of("BTCUSDT", {"symbols": [{"symbol": "BTCUSDT", "status": "TRADING", "filters": list(filters)}]})
    assert found
    return found


NO_BOOLEAN: list[Any] = ["true", "false", 0, 1, None, "", [], {}, 1.0]


@pytest.mark.parametrize("value", NO_BOOLEAN, ids=repr)
def test_only_a_boolean_is_a_flag(value: Any) -> None:
    """A permission that is not plainly true or false is unknown."""
    with pytest.raises(NotBinance, match="canTrade"):
        flag({"canTrade": value}, "canTrade", "the futures API")
    with pytest.raises(NotBinance):
        flag({}, "canTrade", "the futures API")


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_is_itself(value: bool) -> None:
    """True is true and False is false."""
    assert flag({"canTrade": value}, "canTrade", "x") is value


@pytest.mark.parametrize("text", ["0", "0.001", "50", "5E1", "41000.10000000"])
def test_a_figure_is_taken_from_its_string(text: str) -> None:
    """A figure is read from its string as a Decimal, to the last digit."""
    assert decimal(text, "notional", "x") == Decimal(text)


NO_FIGURE: list[Any] = ["", "x", "NaN", "sNaN", "Infinity", "-1", "-0.001", "1,5", "9" * 41, 5, 0.1, None, [], True]


@pytest.mark.parametrize("text", [*NO_FIGURE, "1_000", "٥", " 5", "1E+999999", "1E-999999"], ids=repr)
def test_a_value_that_is_not_a_figure_is_unusable(text: Any) -> None:
    """A float, a negative, a figure in another script or of absurd size is unusable, not rounded."""
    with pytest.raises(NotBinance, match="notional"):
        decimal(text, "notional", "x")


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        (refused(-2015, 401, "Invalid"), "Binance refused with code -2015 (Invalid)"),
        (refused(-2015), "Binance refused with code -2015"),
        (refused(0), "Binance refused with code 0"),
        (refused(None, 503, "Busy"), "Binance refused with no code (Busy)"),
        (refused(None, 503), "Binance refused with no code"),
    ],
)
def test_a_refusal_reads_as_a_sentence(refusal: Refusal, text: str) -> None:
    """A refusal's text has the code first, then Binance's text."""
    assert str(refusal) == text


@pytest.mark.parametrize(
    ("answers", "accepted", "refuses"),
    [
        ({}, False, False),
        ({Host.WALLET: None}, True, False),
        ({Host.WALLET: None, Host.FUTURES: refused(-2015)}, True, True),
        ({Host.WALLET: refused(-2015), Host.FUTURES: refused(-2015)}, False, True),
        ({Host.FUTURES: refused(-4109)}, False, True),
        ({Host.FUTURES: refused(-1021)}, False, False),
        ({Host.FUTURES: refused(-1121)}, False, False),
        ({Host.FUTURES: refused(-9999)}, False, False),
    ],
)
def test_one_acceptance_proves_key_and_signature(
    answers: dict[Host, Refusal | None], accepted: bool, refuses: bool
) -> None:
    """One acceptance proves key and signature; a refusal counts only if it is evidence about the key."""
    reads = SignedReads(answers)
    assert (reads.accepted, reads.refused) == (accepted, refuses)


def test_signed_reads_name_both_hosts() -> None:
    """The text names both hosts with their results, in the order of the requests."""
    reads = SignedReads({Host.WALLET: None, Host.FUTURES: refused(-2015, 401)})
    assert str(reads) == "the wallet API: accepted; the futures API: Binance refused with code -2015"
    assert str(Reachability(False, "no way")) == "no way"


@pytest.mark.parametrize(
    ("name", "field"),
    [("futures", "enableFutures"), ("withdrawals", "enableWithdrawals"), ("ip_restricted", "ipRestrict")],
)
def test_a_permission_is_read_from_its_field(name: str, field: str) -> None:
    """A permission is read from its field, whatever fields are beside it; without the field it is unknown."""
    for value in (True, False):
        found = getattr(KeyPermissions({field: value, "enableNews": 1}), name)
        assert found == (((field,) if value else ()) if name == "withdrawals" else value)
    with pytest.raises(NotBinance, match=field):
        getattr(KeyPermissions({}), name)
    with pytest.raises(NotBinance, match="apiRestrictions"):
        getattr(KeyPermissions({field: "true"}), name)


@pytest.mark.parametrize(("dual", "mode", "side"), [(True, "HEDGE", "LONG"), (False, "ONE_WAY", "BOTH")])
def test_the_position_mode_decides_the_side_of_an_order(dual: bool, mode: str, side: str) -> None:
    """Orders are LONG in hedge mode, BOTH otherwise; anything else is refused with -4061."""
    found = position_mode({"dualSidePosition": dual}, "x")
    assert found is PositionMode(mode)
    assert found.buy_side == side


@pytest.mark.parametrize("value", NO_BOOLEAN, ids=repr)
def test_the_position_mode_is_not_guessed(value: Any) -> None:
    """A guessed position mode could cause a refusal that the key is not to blame for."""
    with pytest.raises(NotBinance):
        position_mode({"dualSidePosition": value}, "x")


def test_an_account_may_trade_if_it_says_so() -> None:
    """`can_trade` is canTrade, or None if the futures API refused the request."""
    assert Account({"canTrade": True}).can_trade is True
    assert Account({"canTrade": False}).can_trade is False
    assert Account({}, refused(-2015)).can_trade is None
    with pytest.raises(NotBinance):
        _ = Account({}).can_trade
    assert "-2015" in str(Account({}, refused(-2015)))
    assert str(Account({"canTrade": True})) != str(Account({"canTrade": False}))


@pytest.mark.parametrize(
    ("kind", "accepted", "weighed", "speaks"),
    [
        (None, True, True, True),
        (Kind.FUNDS, True, True, True),
        (Kind.ORDER_RULE, False, True, True),
        (Kind.AUTHENTICATION, False, False, True),
        (Kind.BARRED, False, False, True),
        (Kind.AGREEMENT, False, False, True),
        (Kind.CLOCK, False, False, False),
        (Kind.FORMAT, False, False, False),
        (Kind.RATE, False, False, False),
        (Kind.TROUBLE, False, False, False),
        (Kind.UNKNOWN, False, False, False),
    ],
)
def test_the_class_of_a_code_decides_what_an_order_answer_means(
    kind: Kind | None, accepted: bool, weighed: bool, speaks: bool
) -> None:
    """The code's class decides the meaning of a refused order; HTTP 400 alone proves nothing."""
    answer = OrderAnswer("an order", Refusal(400, -1, "", kind) if kind else None)
    assert (answer.accepted, answer.was_weighed, answer.speaks_of_the_key) == (accepted, weighed, speaks)


@pytest.mark.parametrize("status", [401, 402, 403, 404, 409, 422])
@pytest.mark.parametrize("kind", [Kind.FUNDS, Kind.ORDER_RULE])
def test_codes_of_order_rules_count_only_with_http_400(kind: Kind, status: int) -> None:
    """Such a code with a status other than 400 is a contradiction, so the order does not count as weighed."""
    answer = OrderAnswer("an order", Refusal(status, -2019, "", kind))
    assert (answer.accepted, answer.was_weighed, answer.speaks_of_the_key) == (False, False, False)


def test_an_order_answer_reads_as_a_sentence() -> None:
    """The text has the order, then its result."""
    assert str(OrderAnswer("buy 1", None)) == "buy 1: accepted"
    assert str(OrderAnswer("buy 1", refused(-4164))) == "buy 1: Binance refused with code -4164"


# -- exchangeInfo --


def test_a_contract_is_found_by_its_exact_name() -> None:
    """A contract is found by its exact name, and neither the first entry nor a longer name is taken for it."""
    listed: list[dict[str, Any]] = [
        {"symbol": name, "status": name, "filters": []} for name in ("ETHUSDT", "BTCUSDTX", "BTCUSDT")
    ]
    found = rules_of("BTCUSDT", {"symbols": [None, "x", *listed]})
    assert found
    assert (found.symbol, found.status) == ("BTCUSDT", "BTCUSDT")
    assert rules_of("BTCUSD", {"symbols": listed}) is None


@pytest.mark.parametrize("symbols", [None, [], {}, "BTCUSDT", 1], ids=repr)
def test_a_list_without_contracts_is_not_an_answer(symbols: Any) -> None:
    """An answer without contracts is not usable; it does not mean that BTCUSDT is unlisted."""
    with pytest.raises(NotBinance, match="list of contracts"):
        rules_of("BTCUSDT", {"symbols": symbols})


@pytest.mark.parametrize("status", [None, 1, True, [], "", "trading", "T" * 41, "TRADING\n", "A B"], ids=repr)
def test_a_contract_without_a_status_is_not_an_answer(status: Any) -> None:
    """A contract without a usable status makes the answer unusable."""
    with pytest.raises(NotBinance, match="status"):
        rules_of("BTCUSDT", {"symbols": [{"symbol": "BTCUSDT", "status": status}]})


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("TRADING", "it trades"),
        ("PENDING_TRADING", "it is announced, and does not trade yet"),
        ("PRE_DELIVERING", "it is about to be delivered, and takes no orders"),
        ("DELIVERING", "it is being delivered, and takes no orders"),
        ("DELIVERED", "it was delivered, and no longer trades"),
        ("PRE_SETTLE", "it is about to be settled, and takes no orders"),
        ("SETTLING", "it is being settled, and takes no orders"),
        ("CLOSE", "it is closed, and no longer trades"),
        ("T" * 40, "which takes no orders"),
    ],
)
def test_a_status_is_told_in_plain_words(status: str, words: str) -> None:
    """Each documented status, and an unknown one, has plain words; only TRADING takes orders."""
    found = rules_of("BTCUSDT", {"symbols": [{"symbol": "BTCUSDT", "status": status}]})
    assert found
    assert str(found) == f"BTCUSDT has status {status}: {words}"
    assert found.is_trading is (status == "TRADING")


LISTED = ["BTCUSD_PERP", "BTCUSDC", "ETHUSDT", "BTCDOMUSDT", "BTCUSD", "XYZ"]


@pytest.mark.parametrize(
    ("symbol", "names", "nearest"),
    [
        ("BTCUSDT", LISTED, ("BTCUSD", "BTCUSDC", "BTCDOMUSDT")),
        ("BTCUSDC", LISTED, ("BTCUSDC", "BTCUSD", "BTCDOMUSDT")),
        ("XYW", LISTED, ("XYZ",)),
        ("QQQQ", LISTED, ()),
        ("BTCUSDT", ["BTC USD", "BTCUSD\n", "", "B" * 41, None, 5], ()),
        ("B" * 40, ["B" * 40, "B" * 41], ("B" * 40,)),
        ("BTCUSDT", [*(f"{number:05}" for number in range(2999)), "BTCUSD"], ("BTCUSD",)),
        ("BTCUSDT", [*(f"{number:05}" for number in range(3000)), "BTCUSD"], ()),
    ],
    ids=["three", "itself", "one", "none", "no names", "the longest name", "the last name", "one too many"],
)
def test_contracts_with_names_like_it_are_proposed(symbol: str, names: list[Any], nearest: tuple[str, ...]) -> None:
    """Up to three similar names are proposed, the likeliest first; a text that cannot be a name is left out."""
    listed = [{"symbol": name} for name in names]
    assert nearest_names(symbol, {"symbols": [None, "x", *listed]}) == nearest
    assert nearest_names(symbol, {}) == ()


@pytest.mark.parametrize("filters", [None, "x", {}, [None, 1, {}, {"filterType": 1}]], ids=repr)
def test_a_contract_with_broken_filters_has_none(filters: Any) -> None:
    """A contract with broken filters counts as one that publishes no limits."""
    found = rules_of("BTCUSDT", {"symbols": [{"symbol": "BTCUSDT", "status": "TRADING", "filters": filters}]})
    assert found
    assert found.filters == {}
    assert found.min_notional is None
    with pytest.raises(NotBinance, match="stepSize"):
        _ = found.step_size


def test_limits_are_told_as_the_exchange_writes_them() -> None:
    """Limits are shown as the exchange writes them, with trailing zeros."""
    found = rules(LOT | {"stepSize": "0.00100"}, NOTIONAL | {"notional": "50.0"})
    assert (found.step_size, found.min_notional) == ("0.00100", "50.0")


@pytest.mark.parametrize("value", [None, 0.001, "x", "-1"], ids=repr)
def test_a_limit_that_is_not_a_figure_is_not_an_answer(value: Any) -> None:
    """A limit that is not a figure is neither shown nor used for an order."""
    with pytest.raises(NotBinance, match="stepSize"):
        _ = rules(LOT | {"stepSize": value}).step_size
    with pytest.raises(NotBinance, match="notional"):
        _ = rules(NOTIONAL | {"notional": value}).min_notional


D = Decimal
LOTS, MARKETS = Lot(D("0.001"), D("0.001"), D(1000)), Lot(D("0.001"), D("0.001"), D(120))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ((LOT, MARKET_LOT, NOTIONAL), OrderRules((MARKETS, LOTS), D(50))),
        ((LOT, NOTIONAL), OrderRules((LOTS,), D(50))),
        ((LOT, MARKET_LOT | {"stepSize": "0"}), OrderRules((replace(MARKETS, step=D(0)), LOTS), D(0))),
        ((LOT, MARKET_LOT | {"stepSize": "0.01"}), OrderRules((replace(MARKETS, step=D("0.01")), LOTS), D(0))),
        ((LOT, MARKET_LOT | {"minQty": "0"}), OrderRules((replace(MARKETS, least=D(0)), LOTS), D(0))),
        ((LOT, MARKET_LOT | {"maxQty": "0"}), OrderRules((replace(MARKETS, most=None), LOTS), D(0))),
        (({"filterType": "LOT_SIZE", "stepSize": "1"},), OrderRules((Lot(D(1)),), D(0))),
    ],
)
def test_a_market_order_keeps_both_lot_filters(filters: tuple[dict[str, Any], ...], expected: OrderRules) -> None:
    """Both filters are kept as published, and a bound of 0 means no bound."""
    assert rules(*filters).market_rules() == expected


@pytest.mark.parametrize("filters", [(), (NOTIONAL,), (LOT | {"stepSize": "0"},), (LOT | {"maxQty": "x"},)])
def test_no_order_is_built_without_a_step(filters: tuple[dict[str, Any], ...]) -> None:
    """A step of zero does not count as one, and precision fields are not used instead."""
    with pytest.raises(NotBinance):
        rules(*filters).market_rules()


BTC = {"symbol": "BTCUSDT", "status": "TRADING", "filters": [LOT, MARKET_LOT, NOTIONAL]}


@pytest.mark.parametrize("second", [BTC, BTC | {"status": "CLOSE"}, BTC | {"filters": []}, {"symbol": "BTCUSDT"}])
@pytest.mark.parametrize("between", [[], [{"symbol": "ETHUSDT"}]])
def test_a_contract_that_is_listed_twice_is_not_an_answer(
    second: dict[str, Any], between: list[dict[str, Any]]
) -> None:
    """A contract that is listed twice makes the answer unusable, even if both entries agree."""
    with pytest.raises(NotBinance, match="BTCUSDT twice"):
        rules_of("BTCUSDT", {"symbols": [BTC, *between, second]})


@pytest.mark.parametrize(
    ("filters", "name"),
    [
        ((LOT, MARKET_LOT, NOTIONAL, NOTIONAL | {"notional": "5"}), "MIN_NOTIONAL"),
        ((LOT, MARKET_LOT, NOTIONAL, {"filterType": "MIN_NOTIONAL"}), "MIN_NOTIONAL"),
        ((LOT, MARKET_LOT, NOTIONAL, LOT | {"stepSize": "1"}), "LOT_SIZE"),
        ((LOT | {"minQty": "1"}, MARKET_LOT, NOTIONAL, LOT), "LOT_SIZE"),
        ((LOT, MARKET_LOT, MARKET_LOT | {"maxQty": "1"}, NOTIONAL), "MARKET_LOT_SIZE"),
    ],
)
def test_two_filters_that_disagree_are_not_limits(filters: tuple[dict[str, Any], ...], name: str) -> None:
    """If two filters disagree, neither is used as a limit; the contract's status is read all the same."""
    found = rules(*filters)
    assert found.is_trading
    with pytest.raises(NotBinance, match=f"two filters {name} .* disagree"):
        found.market_rules()


def test_two_filters_that_agree_count_as_one() -> None:
    """Two filters that agree in every field that is read count as one."""
    twice = rules(LOT, LOT | {"news": 1}, MARKET_LOT, NOTIONAL, NOTIONAL)
    assert twice.market_rules() == rules(LOT, MARKET_LOT, NOTIONAL).market_rules()
    assert (twice.step_size, twice.min_notional) == ("0.001", "50")


def test_filters_that_are_not_read_may_disagree() -> None:
    """Filters that are not read may disagree."""
    odd = [{"filterType": "PERCENT_PRICE", "stepSize": step} for step in ("1", "2")]
    assert rules(LOT, MARKET_LOT, NOTIONAL, *odd).market_rules() == rules(LOT, MARKET_LOT, NOTIONAL).market_rules()


WEIGHT = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400}


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ([WEIGHT], 2400),
        ([{"rateLimitType": "ORDERS", "limit": 300}, WEIGHT], 2400),
        ([None, "x", WEIGHT], 2400),
        ([], None),
        (None, None),
        ("x", None),
        ([WEIGHT | {"limit": "2400"}], None),
        ([WEIGHT | {"limit": True}], None),
        ([WEIGHT | {"limit": 0}], None),
        ([{"rateLimitType": "REQUEST_WEIGHT", "limit": 2**53}], None),
    ],
)
def test_the_weight_limit_is_the_published_one(limits: Any, expected: int | None) -> None:
    """The weight limit is the published one, or None; a default would be a guess."""
    assert weight_limit({"rateLimits": limits}) == expected
