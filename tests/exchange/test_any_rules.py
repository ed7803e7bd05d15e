"""With any rules that an exchange publishes, each order obeys them, or one sentence says why there is no order.

This file implements the rules a second time, without code of the package, from Binance's definitions (USD-M futures
"Common Definition", Filters). A quantity passes LOT_SIZE if `quantity >= minQty`, `quantity <= maxQty` and
`(quantity - minQty) % stepSize == 0`. A MARKET order must pass MARKET_LOT_SIZE in the same way. A value of 0 means no
limit. MIN_NOTIONAL demands `quantity * markPrice >= notional`.
"""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keycheck.errors import Inconclusive, NotBinance, Undecided
from keycheck.exchange.endpoints import EXCHANGE_INFO, ORDER_TEST, PREMIUM_INDEX
from tests.examples import examples
from tests.exchange import Scenario, orders
from tests.exchange.test_session import scripted, session

Filter = dict[str, Any]
LOTS = ("LOT_SIZE", "MARKET_LOT_SIZE")


# -- Binance's definitions, implemented a second time --


def figure(one: Filter, name: str) -> Fraction:
    """A figure of a filter; 0, which means no limit, if it is missing."""
    return Fraction(one.get(name, "0"))


def passes(one: Filter, quantity: Fraction) -> bool:
    """Whether a quantity passes LOT_SIZE or MARKET_LOT_SIZE."""
    least, most, step = (figure(one, name) for name in ("minQty", "maxQty", "stepSize"))
    return quantity >= least and (not most or quantity <= most) and (not step or not (quantity - least) % step)


def is_legal(filters: list[Filter], quantity: Fraction) -> bool:
    """Whether a MARKET order of this quantity passes the filters for lots; its value is not judged."""
    return quantity > 0 and all(passes(one, quantity) for one in filters if one["filterType"] in LOTS)


def notional_of(filters: list[Filter]) -> Fraction:
    """The smallest value of an order."""
    return max((figure(one, "notional") for one in filters if one["filterType"] == "MIN_NOTIONAL"), default=Fraction(0))


# -- rules that an exchange may publish --


def written(value: Decimal) -> st.SearchStrategy[str]:
    """The same figure in each spelling that an exchange may use."""
    plain = f"{value:f}"
    forms = [plain, f"{plain}00" if "." in plain else f"{plain}.000"]
    return st.sampled_from([*forms, f"{value.normalize():E}" if value else "0.00"])


def figures(smallest: str, largest: str, places: int) -> st.SearchStrategy[str]:
    """Any figure between two, in any spelling."""
    return st.decimals(Decimal(smallest), Decimal(largest), places=places, allow_nan=False).flatmap(written)


steps = st.sampled_from(["0.001", "0.00100", "1", "3", "10", "0.25", "7.5", "0", "1E-3", "1000"]) | figures(
    "0", "50", 4
)
leasts = st.sampled_from(["0", "0.001", "1", "3", "10"]) | figures("0", "100", 4)
mosts = st.sampled_from(["0", "120", "1000", "100000", "0.5"]) | figures("0", "9999999", 2)
lots = st.sampled_from(LOTS).flatmap(
    lambda kind: st.fixed_dictionaries(
        {"filterType": st.just(kind), "stepSize": steps}, optional={"minQty": leasts, "maxQty": mosts}
    )
)
notionals = st.fixed_dictionaries(
    {
        "filterType": st.just("MIN_NOTIONAL"),
        "notional": st.sampled_from(["5", "5.0", "50", "0"]) | figures("0", "500", 2),
    }
)
others = st.sampled_from(
    [{"filterType": "MAX_NUM_ORDERS", "limit": 200}, {"filterType": "NEW", "stepSize": "9"}, {"filterType": 7}, None, 1]
)
rules = st.lists(lots | lots | notionals | others, max_size=5).flatmap(st.permutations)
prices = st.sampled_from(["41000.1", "0.00000001", "1E-7", "95000"]) | figures("0.0001", "100000", 4).filter(
    lambda text: Decimal(text) > 0
)
NAMES = ["BTCUSDT", "币安人生USDT", "我踏马来了USDT", "1000SATSUSDT", "BTCUSDT_261225"]


def named(filters: list[Any]) -> list[Filter]:
    """The entries that are filters."""
    return [one for one in filters if isinstance(one, dict) and isinstance(one["filterType"], str)]


def run(symbol: str, filters: list[Any], price: str, crowd: int = 0) -> tuple[list[Fraction], list[str]]:
    """Sends the dust order and the smallest one; returns their quantities, and a sentence for each that failed."""
    entry = {"symbol": symbol, "status": "TRADING", "filters": filters}
    names = [f"{number}人生{'USDT' * (number % 2)}" for number in range(crowd)]
    around = [{"symbol": name, "status": "TRADING", "filters": [{"filterType": "LOT_SIZE"}]} for name in names]
    contracts = [*around[::2], entry, *around[1::2]]
    transport = scripted().on(EXCHANGE_INFO, {"symbols": contracts, "rateLimits": []})
    transport.on(PREMIUM_INDEX, {"symbol": symbol, "markPrice": price})
    asked = session(transport, symbol=symbol)
    sentences = []
    for ask in (asked.dust_order, asked.smallest_order):
        try:
            ask()
        except Inconclusive as reason:
            sentences.append(str(reason))
    sent = [dict(parse_qsl(query)) for path, query in transport.sent if path == ORDER_TEST.path]
    assert all(order["symbol"] == symbol and order["type"] == "MARKET" for order in sent)
    return [Fraction(order["quantity"]) for order in sent], sentences


ARK = [
    {"filterType": "LOT_SIZE", "minQty": "3", "maxQty": "900000", "stepSize": "3"},
    {"filterType": "MARKET_LOT_SIZE", "minQty": "1", "maxQty": "90000", "stepSize": "1"},
    {"filterType": "MIN_NOTIONAL", "notional": "5"},
]


@settings(max_examples=examples(300))
@given(st.sampled_from(NAMES), rules, prices)
@example("ARKUSDT", ARK, "0.31")
@example("ARKUSDT", ARK[::-1], "0.31")
@example(
    "BTCUSDT", [{"filterType": "LOT_SIZE", "stepSize": "1E+20"}, {"filterType": "MIN_NOTIONAL", "notional": "5"}], "1"
)
@example("BTCUSDT", [{"filterType": "LOT_SIZE", "stepSize": "1E-20", "minQty": "1E+19"}], "99999999999999999999")
def test_an_order_keeps_the_rules_or_there_is_a_sentence(symbol: str, filters: list[Any], price: str) -> None:
    """Any rules lead to no crash and to no order that the lot filters forbid; the smallest order is worth enough."""
    sent, sentences = run(symbol, filters, price)
    known = named(filters)
    assert all(is_legal(known, quantity) for quantity in sent)
    assert len(sent) + len(sentences) >= 2 or len(set(sent)) == 1  # if both orders are equal, one is sent
    if len(sent) == 2 or (sent and not sentences):
        worth = sent[-1] * Fraction(price)
        assert worth >= notional_of(known)
        assert worth * Fraction(95, 100) >= notional_of(known)
        assert sent[0] <= sent[-1]
    for sentence in sentences:
        assert sentence.isprintable()
        assert ". " in sentence or ": " in sentence  # the sentence has a remedy


ordinary = st.tuples(
    st.sampled_from(["0.001", "0.01", "0.1", "1", "3", "10"]),
    st.sampled_from(["0.001", "0.01", "0.1", "1", "3", "10"]),
    st.integers(1, 5),
    st.integers(0, 5),
)


@settings(max_examples=examples(200))
@given(ordinary, prices, st.sampled_from(["0", "5", "50"]), st.randoms())
def test_ordinary_rules_leave_an_order_and_the_smallest_one(
    lot: tuple[str, str, int, int], price: str, notional: str, random: Any
) -> None:
    """If each minimum is a whole number of steps, some quantity passes both filters, and the smallest is chosen."""
    step, market_step, least, market_least = lot
    filters: list[Filter] = [
        {"filterType": "LOT_SIZE", "stepSize": step, "minQty": str(Decimal(step) * least)},
        {"filterType": "MARKET_LOT_SIZE", "stepSize": market_step, "minQty": str(Decimal(market_step) * market_least)},
        {"filterType": "MIN_NOTIONAL", "notional": notional},
    ]
    random.shuffle(filters)
    sent, sentences = run("BTCUSDT", filters, price)
    assert not sentences
    finest = Fraction(min(step, market_step, key=Decimal))
    for fewer in (sent[-1] - finest * count for count in range(1, 31)):
        fallen = fewer * Fraction(price) * Fraction(95, 100)
        assert not is_legal(filters, fewer) or fallen < notional_of(filters)


@given(rules, prices)
def test_the_local_exchange_accepts_every_smallest_order(filters: list[Any], price: str) -> None:
    """The local exchange, which judges orders by its own code, accepts the quantity of every smallest order."""
    known = named(filters)
    if len({one["filterType"] for one in known}) < len(known):
        return  # the local exchange takes the first of two
    sent, sentences = run("BTCUSDT", filters, price)
    if sentences:
        return
    whole = [{"minQty": "0", "maxQty": "9" * 20, **one} if one["filterType"] in LOTS else one for one in known]
    whole = [{**one, "maxQty": "9" * 20} if one.get("maxQty") and not Decimal(one["maxQty"]) else one for one in whole]
    scenario = Scenario(
        symbol_overrides={"BTCUSDT": {"filters": whole, "quantityPrecision": 30}}, mark_prices={"BTCUSDT": price}
    )
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": f"{_exact(sent[-1]):f}"}
    no = orders.judge(order, scenario)
    assert no is None, no


def _exact(quantity: Fraction) -> Decimal:
    """The decimal of a fraction whose denominator is a power of ten."""
    return Decimal(quantity.numerator) / Decimal(quantity.denominator)


@pytest.mark.parametrize(("number", "name"), list(enumerate(NAMES)))
def test_one_contract_is_found_among_thousands(number: int, name: str) -> None:
    """The contract is found among thousands, half of them with Chinese names."""
    sent, sentences = run(name, ARK, "0.31", crowd=5000 + number)
    assert (sent, sentences) == ([Fraction(6), Fraction(18)], [])


@pytest.mark.parametrize("filters", [ARK, ARK[::-1], [ARK[1], ARK[2], ARK[0]]])
def test_steps_of_three_and_of_one_take_a_quantity_that_fits_both(filters: list[Filter]) -> None:
    """The quantity is a multiple of three, whichever filter has that step, as for ARKUSDT on the test network."""
    assert run("ARKUSDT", filters, "0.31")[0] == [Fraction(6), Fraction(18)]
    swapped = json.loads(json.dumps(filters).replace("MARKET_LOT_SIZE", "x").replace("LOT_SIZE", "MARKET_LOT_SIZE"))
    swapped = json.loads(json.dumps(swapped).replace('"x"', '"LOT_SIZE"'))
    assert run("ARKUSDT", swapped, "0.31")[0] == [Fraction(6), Fraction(18)]


def test_steps_that_never_meet_leave_no_order() -> None:
    """No quantity is both even and odd, so there is no order; the reason is not the key."""
    even = {"filterType": "LOT_SIZE", "minQty": "2", "maxQty": "900", "stepSize": "2"}
    odd = {"filterType": "MARKET_LOT_SIZE", "minQty": "1", "maxQty": "900", "stepSize": "2"}
    sent, sentences = run("BTCUSDT", [even, odd], "1")
    assert not sent
    assert len(set(sentences)) == 1
    assert "BINANCE_SYMBOL" in sentences[0]


def test_two_different_filters_of_one_kind_leave_no_order() -> None:
    """Two different filters of one kind leave no order, and a sentence names them."""
    sent, (sentence, _) = run("BTCUSDT", [*ARK, {**ARK[0], "stepSize": "1"}], "1")
    assert not sent
    assert "two filters LOT_SIZE" in sentence
    assert issubclass(NotBinance, Inconclusive)
    assert issubclass(Undecided, Inconclusive)
