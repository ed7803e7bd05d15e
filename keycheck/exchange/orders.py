"""The exchange's rules for one contract -> the two orders of step 7. Pure; money is Decimal, never a float."""

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from keycheck.errors import Undecided

# The dust order is worth half of the minimum, and the smallest valid order is computed for a mark price 5 % lower than
# seen. So neither turns into the other if the price moves between two requests.
DUST_SHARE = Decimal("0.5")
FALL = Decimal("0.95")
_MOST_DIGITS = 20  # of a quantity, before the decimal point
_NO_ORDER = "the exchange's rules leave no valid market order: choose another contract as BINANCE_SYMBOL"


@dataclass(frozen=True)
class Lot:
    """LOT_SIZE or MARKET_LOT_SIZE, in the contract's base asset: a quantity is `least` plus whole steps, up to `most`.

    A step of 0 means no rule. Source: USD-M futures "Common Definition", Filters: `(quantity-minQty) % stepSize == 0`.
    """

    step: Decimal
    least: Decimal = Decimal(0)
    most: Decimal | None = None


@dataclass(frozen=True)
class OrderRules:
    """Limits of a MARKET order, which has to pass all of `lots`. `min_notional` in quote asset (0: none)."""

    lots: tuple[Lot, ...]
    min_notional: Decimal


def dust_quantity(rules: OrderRules, mark_price: Decimal) -> Decimal:
    """The largest valid quantity worth at most half of the minimum notional; if there is none, the smallest valid one.

    Raises Undecided if the exchange's rules allow no quantity at all.
    """
    return _Quantities(rules).at_most(Fraction(rules.min_notional) * Fraction(DUST_SHARE) / Fraction(mark_price))


def smallest_quantity(rules: OrderRules, mark_price: Decimal) -> Decimal:
    """The smallest valid quantity that reaches the minimum notional even at a mark price 5 % lower.

    Raises Undecided if the exchange's rules allow no such order.
    """
    return _Quantities(rules).at_least(Fraction(rules.min_notional) / (Fraction(mark_price) * Fraction(FALL)))


class _Quantities:
    """All quantities that every lot allows: `first`, then in steps of `stride`, up to `last`.

    They are counted in units of the smallest decimal place in the rules, so that nothing is ever rounded.
    """

    def __init__(self, rules: OrderRules) -> None:
        figures = [figure for lot in rules.lots for figure in (lot.step, lot.least, lot.most) if figure is not None]
        self._places = max(
            (-exponent for one in figures if isinstance(exponent := one.as_tuple().exponent, int)), default=0
        )
        self._places = max(self._places, 0)
        rest, self._stride = 0, 1
        for lot in rules.lots:
            if lot.step:
                rest, self._stride = _common(rest, self._stride, self._units(lot.least), self._units(lot.step))
        lowest = max([1, *(self._units(lot.least) for lot in rules.lots)])
        self._first = lowest + (rest - lowest) % self._stride
        self._last = min((self._units(lot.most) for lot in rules.lots if lot.most is not None), default=None)

    def at_most(self, wanted: Fraction) -> Decimal:
        """The largest quantity up to `wanted`; if there is none, the smallest of all."""
        return self._number((math.floor(wanted * 10**self._places) - self._first) // self._stride)

    def at_least(self, wanted: Fraction) -> Decimal:
        """The smallest quantity that is at least `wanted`."""
        return self._number(-((self._first - math.ceil(wanted * 10**self._places)) // self._stride))

    def _number(self, count: int) -> Decimal:
        units = self._first + max(count, 0) * self._stride
        if (self._last is not None and units > self._last) or units >= 10 ** (_MOST_DIGITS + self._places):
            raise Undecided(_NO_ORDER)
        return Decimal((0, tuple(map(int, str(units))), -self._places))

    def _units(self, figure: Decimal) -> int:
        return int(Fraction(figure) * 10**self._places)


def _common(one: int, one_step: int, other: int, other_step: int) -> tuple[int, int]:
    """The common values of two sequences, each a start and a step: the first common value, and the common step.

    Raises Undecided if there are none, as with even and odd numbers.
    """
    shared = math.gcd(one_step, other_step)
    if (other - one) % shared:
        raise Undecided(_NO_ORDER)
    modulus = other_step // shared
    count = (other - one) // shared * pow(one_step // shared, -1, modulus) % modulus
    return one + one_step * count, one_step * modulus


def plain(quantity: Decimal) -> str:
    """Plain notation: `0.001`, never `1E-3`, and no more digits than it needs."""
    text = f"{quantity:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
