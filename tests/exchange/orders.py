"""Judging an order: a pure function of its parameters, the symbol and the account.

Errors of form come first, then the symbol's filters, then what the account may do: that order was reported for
accounts in their cooling-off period. Decimal throughout; quantities in base units, prices in quote currency.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.exchange import market
from tests.exchange.refusals import Refusal, refusal
from tests.exchange.scenario import Scenario

CONDITIONAL = {"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"}
TIMES_IN_FORCE = {"GTC", "IOC", "FOK", "GTX", "GTD"}
MANDATORY = {"MARKET": ("quantity",), "LIMIT": ("timeInForce", "quantity", "price")}
TRADFI = "TRADIFI_PERPETUAL"  # spelt so by Binance
NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
CLIENT_ORDER_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
KNOWN = {
    *("symbol", "side", "positionSide", "type", "timeInForce", "quantity", "reduceOnly", "price", "newClientOrderId"),
    *("stopPrice", "closePosition", "activationPrice", "callbackRate", "workingType", "priceProtect", "priceMatch"),
    *("newOrderRespType", "selfTradePreventionMode", "goodTillDate", "recvWindow", "timestamp", "signature"),
}
ACCEPTED = {
    **dict.fromkeys(("symbol", "status", "clientOrderId", "price", "origQty", "executedQty", "timeInForce"), ""),
    **dict.fromkeys(("type", "side", "stopPrice", "origType"), ""),
    **dict.fromkeys(("reduceOnly", "closePosition", "priceProtect"), False),
    **dict.fromkeys(("orderId", "updateTime"), 0),
}  # the dummy body of a real accepted test order: every field present, none with a value


@dataclass(frozen=True)
class Order:
    """An order's parameters, with the symbol they name."""

    params: Mapping[str, str]
    symbol: Mapping[str, Any]
    hedged: bool  # the account's dualSidePosition

    def number(self, name: str) -> Decimal:
        """Read a parameter that form() has already found to be a number."""
        return Decimal(self.params[name])

    def rules(self, kind: str) -> Mapping[str, Any]:
        """Find the symbol's filter of this type; empty if it has none."""
        return next((one for one in self.symbol.get("filters", []) if one["filterType"] == kind), {})

    @property
    def reduces(self) -> bool:
        """Whether the order is reduce-only."""
        return self.params.get("reduceOnly", "").lower() == "true"


def judge(params: Mapping[str, str], scenario: Scenario, *, is_test: bool = True) -> Refusal | None:
    """Refuse an order or accept it (None). gatekeeper.py has already checked the signature and everything else.

    A test order is not compared with the wallet's balance: two other projects report this, and no answer of order/test
    with -2019 is known.
    """
    symbol = market.market(scenario.symbol_overrides).find(params.get("symbol", ""))
    order = Order(params, symbol or {}, bool(scenario.account.get("dualSidePosition", False)))
    return (
        _names(params)
        or (None if symbol else refusal(-1121))
        or _kind(order)
        or _status(order)
        or _form(order)
        or _quantity(order)
        or _position_side(order)
        or (refusal(-4120) if params["type"] in CONDITIONAL else None)
        or _price(order, scenario)
        or _notional(order, scenario)
        or _account(order, scenario)
        or (None if is_test or scenario.funded else refusal(-2019))
    )


def _names(params: Mapping[str, str]) -> Refusal | None:
    missing = next((name for name in ("symbol", "side", "type") if name not in params), None)
    missing = missing or next((name for name in MANDATORY.get(params["type"], ()) if name not in params), None)
    if missing:
        return refusal(-1102, missing)
    read = len(KNOWN.intersection(params))
    return refusal(-1104, read, len(params)) if read < len(params) else None


def _kind(order: Order) -> Refusal | None:
    if order.params["type"] not in {*MANDATORY, *CONDITIONAL}:
        return refusal(-1116)
    return None if order.params["side"] in {"BUY", "SELL"} else refusal(-1117)


def _status(order: Order) -> Refusal | None:
    status = order.symbol["status"]
    if status == "TRADING":
        return None
    return refusal(-4141 if status == "CLOSE" else -4140)


def _form(order: Order) -> Refusal | None:
    params = order.params
    for name in ("quantity", "price"):
        if name in params and not NUMBER.fullmatch(params[name]):
            return refusal(-1102, name)
    for name in ("price", "timeInForce"):
        if name in params and params["type"] == "MARKET":
            return refusal(-1106, name)
    if params.get("timeInForce", "GTC") not in TIMES_IN_FORCE:
        return refusal(-1115)
    if params.get("reduceOnly", "false").lower() not in {"true", "false"}:
        return refusal(-1102, "reduceOnly")
    if params.get("newOrderRespType", "ACK") not in {"ACK", "RESULT"}:
        return refusal(-1136)
    return None if CLIENT_ORDER_ID.fullmatch(params.get("newClientOrderId", "x")) else refusal(-4015)


def _decimals(text: str) -> int:
    """Count decimals as written: "0.0020" has four. Whether Binance ignores zeros at the end is not known."""
    return len(text.partition(".")[2])


def _quantity(order: Order) -> Refusal | None:
    if "quantity" not in order.params:
        return None
    if _decimals(order.params["quantity"]) > order.symbol["quantityPrecision"]:
        return refusal(-1111)
    quantity = order.number("quantity")
    if quantity <= 0:
        return refusal(-4003)
    kinds = ("LOT_SIZE", "MARKET_LOT_SIZE") if order.params["type"] == "MARKET" else ("LOT_SIZE",)
    lots = [rules for rules in map(order.rules, kinds) if rules]
    if any(quantity < Decimal(lot["minQty"]) for lot in lots):
        return refusal(-4004)
    if any(quantity > Decimal(lot["maxQty"]) for lot in lots):
        return refusal(-4005)
    return None if all(_on_step(quantity, lot) for lot in lots) else refusal(-4023)


def _on_step(quantity: Decimal, lot: Mapping[str, Any]) -> bool:
    """Steps count from zero or from minQty; on the live exchange minQty is a whole number of steps, so both agree."""
    step = Decimal(lot["stepSize"])
    return not step or not quantity % step or not (quantity - Decimal(lot["minQty"])) % step


def _position_side(order: Order) -> Refusal | None:
    side = order.params.get("positionSide", "BOTH")
    if side not in {"BOTH", "LONG", "SHORT"}:
        return refusal(-4060)
    if (side == "BOTH") is order.hedged:
        return refusal(-4061)
    return refusal(-1106, "reduceonly") if order.hedged and "reduceOnly" in order.params else None


def _price(order: Order, scenario: Scenario) -> Refusal | None:
    if "price" not in order.params:
        return None
    price, limits = order.number("price"), order.rules("PRICE_FILTER")
    broken = (
        (-1111, _decimals(order.params["price"]) > order.symbol["pricePrecision"]),
        (-4001, price <= 0),
        (-4013, price < Decimal(limits.get("minPrice", price))),
        (-4002, price > Decimal(limits.get("maxPrice", price))),
        (-4014, price % Decimal(limits.get("tickSize", 1)) if limits else 0),
    )
    code = next((code for code, is_broken in broken if is_broken), None)
    return refusal(code) if code else _band(order, price, scenario)


def _band(order: Order, price: Decimal, scenario: Scenario) -> Refusal | None:
    """PERCENT_PRICE: a buy at most mark * up, a sell at least mark * down."""
    band, mark = order.rules("PERCENT_PRICE"), _mark(order, scenario)
    if not band or mark is None:
        return None
    if order.params["side"] == "BUY":
        return refusal(-4016) if price > mark * Decimal(band["multiplierUp"]) else None
    return refusal(-4024) if price < mark * Decimal(band["multiplierDown"]) else None


def _mark(order: Order, scenario: Scenario) -> Decimal | None:
    text = market.mark_price(order.symbol["symbol"], scenario.mark_prices)
    return Decimal(text) if NUMBER.fullmatch(text) else None


def _notional(order: Order, scenario: Scenario) -> Refusal | None:
    """MIN_NOTIONAL: by the limit price, for a market order by the mark price; reduce-only orders are exempt."""
    least = order.rules("MIN_NOTIONAL")
    price = order.number("price") if "price" in order.params else _mark(order, scenario)
    if not least or order.reduces or price is None:
        return None
    return refusal(-4164, least["notional"]) if order.number("quantity") * price < Decimal(least["notional"]) else None


def _account(order: Order, scenario: Scenario) -> Refusal | None:
    if order.symbol.get("contractType") == TRADFI and not scenario.agreement_signed:
        return refusal(-4411)
    if scenario.account.get("canTrade") is False:
        return refusal(-4088)
    return None if scenario.order_refusal is None else refusal(scenario.order_refusal)
