"""The two orders of step 7 obey the exchange's rules, except the one rule that the dust order breaks on purpose."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keycheck.errors import Undecided
from keycheck.exchange.orders import Lot, OrderRules, dust_quantity, plain, smallest_quantity

D = Decimal
BTC = OrderRules((Lot(D("0.001"), D("0.001"), D("120")),), D("50"))


def decimals(smallest: str, largest: str, places: int) -> st.SearchStrategy[Decimal]:
    """Figures as an exchange writes them."""
    return st.decimals(D(smallest), D(largest), places=places, allow_nan=False)


# Steps are powers of ten on the live exchange, but need not be.
steps = st.sampled_from([D("0.001"), D("0.00100000"), D("0.1"), D(1), D("1.0"), D(10), D(1000), D("0.005"), D("0.25")])
lots = st.builds(Lot, steps, decimals("0", "50", 3), st.none())
notionals = st.sampled_from([D(0), D(5), D("5.0"), D(20), D(50), D(100), D("7.77")])
rules = st.builds(OrderRules, st.tuples(lots), notionals)  # rules of two lots: test_any_rules.py
prices = decimals("0.00000001", "100000", 8).filter(bool)


def fewest(limits: OrderRules) -> Fraction:
    """The smallest quantity that the lot filter lets through."""
    (lot,) = limits.lots
    return Fraction(lot.least) or Fraction(lot.step)


@given(rules, prices)
def test_quantities_are_whole_steps_above_the_smallest(limits: OrderRules, price: Decimal) -> None:
    """A quantity is the smallest one plus whole steps, and above 0."""
    (lot,) = limits.lots
    for quantity in (dust_quantity(limits, price), smallest_quantity(limits, price)):
        assert (Fraction(quantity) - Fraction(lot.least)) % Fraction(lot.step) == 0
        assert quantity >= fewest(limits) > 0


@given(rules, prices)
@example(BTC, D("41000.10"))
def test_dust_is_below_the_minimum_if_the_steps_allow_it(limits: OrderRules, price: Decimal) -> None:
    """A dust order has half of the minimum value, or the smallest step if that is more."""
    dust = Fraction(dust_quantity(limits, price))
    assert dust * Fraction(price) <= Fraction(limits.min_notional) / 2 or dust == fewest(limits)
    if fewest(limits) * Fraction(price) < limits.min_notional:
        assert dust * Fraction(price) < limits.min_notional


@given(rules, prices)
@example(BTC, D("41000.10"))
def test_the_smallest_order_passes_when_the_price_falls(limits: OrderRules, price: Decimal) -> None:
    """The smallest order reaches the minimum even with the price 5 % lower, and is not a step larger than needed."""
    smallest, fallen = Fraction(smallest_quantity(limits, price)), Fraction(price) * Fraction(95, 100)
    assert smallest * fallen >= limits.min_notional
    fewer = smallest - Fraction(limits.lots[0].step)
    assert fewer * fallen < limits.min_notional or fewer < fewest(limits)


@given(rules, prices)
def test_dust_is_never_larger_than_the_smallest_order(limits: OrderRules, price: Decimal) -> None:
    """The dust order is never larger than the smallest valid order."""
    assert dust_quantity(limits, price) <= smallest_quantity(limits, price)


@pytest.mark.parametrize(
    ("limits", "price", "dust", "smallest"),
    [
        (BTC, "41000", "0.001", "0.002"),
        (BTC, "10000", "0.002", "0.006"),
        (BTC, "100000", "0.001", "0.001"),
        (OrderRules((Lot(D(1), D(1), D(1000)),), D(5)), "0.5", "5", "11"),
        (OrderRules((Lot(D(10), D(10)),), D(5)), "0.0001", "25000", "52640"),
        (OrderRules((Lot(D("0.1"), D("0.3")),), D(0)), "1", "0.3", "0.3"),
        (OrderRules((Lot(D(3), D(3)), Lot(D(1), D(1))), D(5)), "0.31", "6", "18"),
        (OrderRules((Lot(D(4), D(1)), Lot(D(6), D(3))), D(5)), "1", "9", "9"),
        (OrderRules((Lot(D(0), D(2)), Lot(D("0.5"), D(0))), D(0)), "1", "2", "2"),
    ],
)
def test_orders_of_known_contracts(limits: OrderRules, price: str, dust: str, smallest: str) -> None:
    """Quantities of these contracts were calculated by hand."""
    assert plain(dust_quantity(limits, D(price))) == dust
    assert plain(smallest_quantity(limits, D(price))) == smallest


def test_rules_that_leave_no_order_are_undecided() -> None:
    """If an order of the minimum value would be too large, the result is undecided, and not the key's fault."""
    with pytest.raises(Undecided, match="BINANCE_SYMBOL"):
        smallest_quantity(OrderRules((Lot(D(1), D(1), D(10)),), D(50)), D(1))
    exactly = OrderRules((Lot(D(1), D(1), D(53)),), D(50))
    assert smallest_quantity(exactly, D(1)) == 53  # the largest is allowed


def test_a_quantity_has_at_most_twenty_digits_before_the_point() -> None:
    """A longer quantity is undecided: no contract trades such amounts, so the rules cannot be Binance's."""
    longest = D("9" * 20)
    assert smallest_quantity(OrderRules((Lot(D("0.5"), longest),), D(0)), D(1)) == longest
    with pytest.raises(Undecided):
        smallest_quantity(OrderRules((Lot(D("0.5"), longest + 1),), D(0)), D(1))


@given(st.decimals(0, D("1e15"), allow_nan=False))
@example(D("1E-3"))
@example(D("1E+3"))
@example(D("100"))
@example(D("0"))
@example(D("0.00"))
def test_plain_notation_keeps_the_value(quantity: Decimal) -> None:
    """Plain notation has no exponent and no superfluous zero, and the same value."""
    text = plain(quantity)
    assert set(text) <= set("0123456789.")
    assert Decimal(text) == quantity
    assert "." not in text or text[-1] not in "0."
    assert not text.startswith(".")
