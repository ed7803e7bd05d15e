"""The exchange's rules for one contract -> the two orders of step 7. Pure; money is Decimal, never a float."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from keycheck.errors import Undecided

# The dust order aims at half of the minimum, the smallest valid one at a mark price 5 % lower than seen, so that a
# price that moves between two requests turns neither into the other.
DUST_SHARE = Decimal("0.5")
FALL = Decimal("0.95")


@dataclass(frozen=True)
class OrderRules:
    """Limits of a MARKET order: quantities in contracts' base asset, `min_notional` in quote asset (0: none)."""

    step: Decimal
    min_quantity: Decimal
    max_quantity: Decimal | None
    min_notional: Decimal


def dust_quantity(rules: OrderRules, mark_price: Decimal) -> Decimal:
    """A quantity worth at most half of the minimum notional; at least one step, and at least the smallest quantity."""
    return _on_step(rules, rules.min_notional * DUST_SHARE / mark_price, ROUND_FLOOR)


def smallest_quantity(rules: OrderRules, mark_price: Decimal) -> Decimal:
    """Enough steps to pass the minimum notional with the mark price 5 % lower.

    Raises Undecided where the exchange's own rules leave no such order.
    """
    quantity = _on_step(rules, rules.min_notional / (mark_price * FALL), ROUND_CEILING)
    if rules.max_quantity is not None and quantity > rules.max_quantity:
        raise Undecided("the exchange's rules leave no valid market order: choose another contract as BINANCE_SYMBOL")
    return quantity


def _on_step(rules: OrderRules, quantity: Decimal, rounding: str) -> Decimal:
    def whole_steps(amount: Decimal, way: str) -> Decimal:
        return (amount / rules.step).to_integral_value(way)

    fewest = max(Decimal(1), whole_steps(rules.min_quantity, ROUND_CEILING))
    return max(whole_steps(quantity, rounding), fewest) * rules.step


def plain(quantity: Decimal) -> str:
    """Plain notation: `0.001`, never `1E-3`, and no more digits than it needs."""
    text = f"{quantity:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
