"""The 900 symbols of the market: those that tests name, their look-alikes, and a crowd to hide them in.

Fields, filters and figures are those of the live exchangeInfo; names of the crowd are invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice, product
from typing import Any

COUNT = 900
ONBOARD_MS = 1_569_398_400_000
NO_DELIVERY_MS = 4_133_404_800_000
ORDER_TYPES = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"]


@dataclass(frozen=True)
class Symbol:
    """The properties of one symbol; decimals are strings, as in the exchange's JSON."""

    base: str
    mark: str  # mark price in quote currency
    step: str = "1"
    tick: str = "0.0001"
    notional: str = "5"
    quote: str = "USDT"
    suffix: str = ""  # "_261225" of a dated contract
    contract: str = "PERPETUAL"
    status: str = "TRADING"
    precision: int | None = None  # quantityPrecision, if it is finer than the step

    @property
    def name(self) -> str:
        """The symbol as orders write it."""
        return f"{self.base}{self.quote}{self.suffix}"


# BTCUSDT stands among symbols with similar names, so a search by prefix, or for the first one, finds another.
# One BTCUSDT step (0.001) at the mark price is worth 41.25, less than the minimum of 50: a dust order exists.
NAMED = (
    Symbol("ETH", "2301.40000000", "0.001", "0.01", "20", suffix="_261225", contract="CURRENT_QUARTER"),
    Symbol("BTC", "41630.20000000", "0.001", "0.10", "50", suffix="_261225", contract="CURRENT_QUARTER"),
    Symbol("BTC", "42110.70000000", "0.001", "0.10", "50", suffix="_270326", contract="NEXT_QUARTER"),
    Symbol("BTCDOM", "5012.30000000", "0.001", "0.1"),
    Symbol("BTC", "41248.90000000", "0.001", "0.1", "50", quote="USDC"),
    Symbol("1000SATS", "0.00003120", "1", "0.0000001"),
    Symbol("币安人生", "0.14210000", "1", "0.00001"),
    Symbol("ETH", "2280.35000000", "0.001", "0.01", "20"),
    Symbol("BTC", "41250.00000000", "0.001", "0.10", "50"),
    Symbol("我踏马来了", "0.02175000", "1", "0.000001"),
    Symbol("BCH", "312.44000000", "0.001", "0.01", "20"),
    Symbol("XRP", "1.41200000", "0.1"),
    Symbol("AAPL", "231.07000000", "0.01", "0.01", contract="TRADIFI_PERPETUAL"),
    Symbol("XAU", "3988.15000000", "0.001", "0.01", contract="TRADIFI_PERPETUAL"),
    Symbol("SOON", "0.00000000", contract="", status="PENDING_TRADING"),
    Symbol("LATER", "0.00000000", contract="", status="PENDING_TRADING"),
    Symbol("GONE", "0.51000000", status="SETTLING"),
    Symbol("LEFT", "0.00310000", status="SETTLING"),
    Symbol("ENDED", "0.00120000", contract="", status="CLOSE"),
    Symbol("COARSE", "0.75000000", "10", precision=0),
)

_GRIDS = (("1", "0.0001"), ("0.1", "0.0010"), ("0.01", "0.010"), ("0.001", "0.01"), ("10", "0.0000010"))
_MARKS = ("0.18430000", "3.91200000", "14.55000000", "88.10000000", "0.00214700")


def _crowd() -> Iterator[Symbol]:
    syllables = [first + second for first, second in product("BDFGKLMNPRSTVZ", "AEIOU")]
    for number, (one, two) in enumerate(product(syllables, repeat=2)):
        step, tick = _GRIDS[number % 5]
        settling = number % 60 == 59
        yield Symbol(one + two, _MARKS[number % 5], step, tick, status="SETTLING" if settling else "TRADING")


def everyone() -> tuple[Symbol, ...]:
    """List all symbols in the order of exchangeInfo."""
    return (*NAMED, *islice(_crowd(), COUNT - len(NAMED)))


def decimals(text: str) -> int:
    """Count the decimals a number needs: 3 for "0.001", 1 for "0.10", 0 for "10"."""
    exponent = Decimal(text).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def document(symbol: Symbol) -> dict[str, Any]:
    """Write the symbol out as exchangeInfo does."""
    dated = bool(symbol.suffix)
    return {
        "symbol": symbol.name,
        "pair": symbol.base + symbol.quote,
        "contractType": symbol.contract,
        "deliveryDate": 1_798_185_600_000 if dated else NO_DELIVERY_MS,
        "onboardDate": ONBOARD_MS,
        "status": symbol.status,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": symbol.base,
        "quoteAsset": symbol.quote,
        "marginAsset": symbol.quote,
        "pricePrecision": decimals(symbol.tick) + 1,
        "quantityPrecision": decimals(symbol.step) if symbol.precision is None else symbol.precision,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10000,
        "filters": filters(symbol),
        "orderTypes": ORDER_TYPES,
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "permissionSets": ["GRID", "COPY"],
    }


def filters(symbol: Symbol) -> list[dict[str, Any]]:
    """Write the symbol's filters. MAX_NUM_ALGO_ORDERS is not among them: Binance removed it in December 2025."""
    lowest_price = f"{Decimal(symbol.tick) * 10:f}"
    highest, market_highest = ("1000", "120") if symbol.step == "0.001" else ("10000000", "1200000")
    return [
        {"filterType": "PRICE_FILTER", "minPrice": lowest_price, "maxPrice": "4529764", "tickSize": symbol.tick},
        {"filterType": "LOT_SIZE", "minQty": symbol.step, "maxQty": highest, "stepSize": symbol.step},
        {"filterType": "MARKET_LOT_SIZE", "minQty": symbol.step, "maxQty": market_highest, "stepSize": symbol.step},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": symbol.notional},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": "1.0500",
            "multiplierDown": "0.9500",
            "multiplierDecimal": "4",
        },
        {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
    ]
