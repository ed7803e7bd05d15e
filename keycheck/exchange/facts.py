"""Binance's JSON -> the facts that the checks ask for. Pure.

Unknown fields are ignored; a field that is missing or of the wrong type is never guessed: reading it raises
NotBinance, and the check that asked is unproven.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

from keycheck.errors import NotBinance
from keycheck.exchange.endpoints import Host
from keycheck.exchange.error_codes import Kind
from keycheck.exchange.orders import Lot, OrderRules

_MAX_NAMES = 3000  # contracts that are searched; Binance has some 900
_NAME = re.compile(r"\w{1,40}")
FILTER_LIMITS = ("stepSize", "minQty", "maxQty", "notional")
_FIGURE = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?")


def missing(what: str, where: str) -> NotBinance:
    """The error for an answer that lacks `what`."""
    return NotBinance(
        f"{where} answered without a usable {what}. Run again; if it happens again, report it with this page"
    )


def flag(body: Mapping[str, Any], name: str, where: str) -> bool:
    """A boolean field. The strings "true" and "false", and 0 and 1, are not booleans."""
    value = body.get(name)
    if not isinstance(value, bool):
        raise missing(name, where)
    return value


def decimal(text: object, name: str, where: str) -> Decimal:
    """A number that the exchange writes as a string: ASCII digits, not negative."""
    if is_figure(text):
        return Decimal(str(text))
    raise missing(name, where)


def is_figure(value: object) -> bool:
    """Whether a value is a number as Binance writes it: text of ASCII digits and a point, not negative."""
    return isinstance(value, str) and _FIGURE.fullmatch(value) is not None


@dataclass(frozen=True)
class Refusal:
    """A coded refusal: Binance's code, the code's class, and the text without secrets, for sharing."""

    status: int
    code: int | None
    message: str
    kind: Kind

    def __str__(self) -> str:
        if self.kind is Kind.LOCATION:
            return self.message
        what = f"code {self.code}" if self.code is not None else "no code"
        return f"Binance refused with {what}" + (f" ({self.message})" if self.message else "")


@dataclass(frozen=True)
class Reachability:
    """Whether the futures API answered this machine. `observed`: a sentence about its answer or its failure."""

    answered: bool
    observed: str

    def __str__(self) -> str:
        return self.observed


@dataclass(frozen=True)
class SignedReads:
    """Each host's answer to a signed request: a refusal, or None if it accepted. Hosts without an answer are absent."""

    answers: Mapping[Host, Refusal | None]

    @property
    def accepted(self) -> bool:
        """Whether a host accepted, which proves key, address and signature, and none refuses the machine's location."""
        refusals = self.answers.values()
        return None in refusals and not any(refusal and refusal.kind is Kind.LOCATION for refusal in refusals)

    @property
    def refused(self) -> bool:
        """Whether a host's refusal is evidence about the key."""
        return any(refusal is not None and refusal.kind.speaks_of_the_key for refusal in self.answers.values())

    def __str__(self) -> str:
        return "; ".join(
            f"the {host.value} API: {'accepted' if refusal is None else refusal}"
            for host, refusal in self.answers.items()
        )


class PositionMode(Enum):
    """The account's position mode. It decides the `positionSide` that orders must carry."""

    ONE_WAY = "ONE_WAY"
    HEDGE = "HEDGE"

    @property
    def buy_side(self) -> str:
        """`positionSide` of an order that buys: BOTH, or LONG in hedge mode; anything else is refused with -4061."""
        return "LONG" if self is PositionMode.HEDGE else "BOTH"


def position_mode(body: Mapping[str, Any], where: str) -> PositionMode:
    """The mode in `dualSidePosition`, a field of accountConfig and of positionSide/dual."""
    return PositionMode.HEDGE if flag(body, "dualSidePosition", where) else PositionMode.ONE_WAY


@dataclass(frozen=True)
class Account:
    """The answer to `GET /fapi/v1/accountConfig`, which holds no balances; or its refusal."""

    fields: Mapping[str, Any] = field(repr=False)
    refusal: Refusal | None = None

    @property
    def can_trade(self) -> bool | None:
        """Whether the account may trade; None if the futures API refused the key."""
        return None if self.refusal else flag(self.fields, "canTrade", "the futures API (accountConfig)")

    def __str__(self) -> str:
        if self.refusal:
            whom = "" if self.refusal.kind is Kind.LOCATION else "the futures API refuses this key: "
            return f"{whom}{self.refusal}"
        return f"the account {'may' if self.can_trade else 'may not'} trade (canTrade)"


@dataclass(frozen=True)
class OrderAnswer:
    """The answer to a test order. `refusal`: None if it was accepted (HTTP 200 with `{}` or an `orderId`).

    Refusals by rules about orders and funds have HTTP status 400. One of their codes with another status, such as -2019
    with 401, is a contradiction, and proves nothing.
    """

    order: str
    refusal: Refusal | None

    @property
    def accepted(self) -> bool:
        """Whether the order is valid: accepted, or refused only for a lack of funds or a position limit."""
        return self.refusal is None or self._refused_by(Kind.FUNDS)

    @property
    def speaks_of_the_key(self) -> bool:
        """Whether the answer is evidence about the key: not with a clock, format, rate or trouble code."""
        return self.was_checked or (self.refusal is not None and self.refusal.kind.speaks_of_the_key)

    @property
    def was_checked(self) -> bool:
        """Whether Binance checked the order against its rules: it accepted the order, or refused it for a rule."""
        return self.accepted or self._refused_by(Kind.ORDER_RULE)

    def _refused_by(self, kind: Kind) -> bool:
        return self.refusal is not None and self.refusal.kind is kind and self.refusal.status == 400

    def __str__(self) -> str:
        return f"{self.order}: {self.refusal or 'accepted'}"


@dataclass(frozen=True)
class SymbolRules:
    """One contract of exchangeInfo. `filters` by filterType. Strings are as the exchange writes them.

    `disputed`: filterTypes with several entries that contradict each other; reading their limits raises NotBinance.
    """

    symbol: str
    status: str
    filters: Mapping[str, Mapping[str, Any]] = field(repr=False)
    disputed: frozenset[str] = frozenset()
    _where = "the futures API (exchangeInfo)"

    @property
    def is_trading(self) -> bool:
        """Whether the contract takes orders now."""
        return self.status == "TRADING"

    def __str__(self) -> str:
        meaning = "it trades" if self.is_trading else _STATUS_IN_WORDS.get(self.status, "which takes no orders")
        return f"{self.symbol} has status {self.status}: {meaning}"

    @property
    def step_size(self) -> str:
        """LOT_SIZE's `stepSize`. It is not one of the precision fields, as Binance's own page warns."""
        return self._text("LOT_SIZE", "stepSize")

    @property
    def min_notional(self) -> str | None:
        """MIN_NOTIONAL's `notional`; None if the contract has no such filter."""
        return self._text("MIN_NOTIONAL", "notional") if self._filter("MIN_NOTIONAL") is not None else None

    def market_rules(self) -> OrderRules:
        """The limits of a MARKET order, which must obey LOT_SIZE and MARKET_LOT_SIZE. A figure of 0 means no limit."""
        lots = tuple(self._lot(kind) for kind in ("MARKET_LOT_SIZE", "LOT_SIZE") if self._filter(kind) is not None)
        if not any(lot.step for lot in lots):
            raise missing("stepSize", self._where)
        return OrderRules(lots, decimal(self.min_notional or "0", "notional", self._where))

    def _lot(self, kind: str) -> Lot:
        given = self._filter(kind) or {}
        step, least, most = (
            decimal(given[name], name, self._where) if name in given else Decimal(0)
            for name in ("stepSize", "minQty", "maxQty")
        )
        return Lot(step, least, most or None)

    def _filter(self, kind: str) -> Mapping[str, Any] | None:
        if kind in self.disputed:
            raise NotBinance(
                f"{self._where} lists two filters {kind} of {self.symbol} that disagree, so neither is used. "
                "Run again; if it happens again, report it with this page"
            )
        return self.filters.get(kind)

    def _text(self, kind: str, name: str) -> str:
        text = (self._filter(kind) or {}).get(name)
        decimal(text, f"{kind}.{name}", self._where)
        return str(text)


# The statuses of contracts that take no orders, in plain words. Source: USD-M futures, "Symbol status".
_STATUS_IN_WORDS = {
    "PENDING_TRADING": "it is announced, and does not trade yet",
    "PRE_DELIVERING": "it is about to be delivered, and takes no orders",
    "DELIVERING": "it is being delivered, and takes no orders",
    "DELIVERED": "it was delivered, and no longer trades",
    "PRE_SETTLE": "it is about to be settled, and takes no orders",
    "SETTLING": "it is being settled, and takes no orders",
    "CLOSE": "it is closed, and no longer trades",
}


def nearest_names(symbol: str, exchange_info: Mapping[str, Any]) -> tuple[str, ...]:
    """Up to three contracts of the exchange with names similar to `symbol`, the most similar first."""
    names = [
        name
        for entry in exchange_info.get("symbols") or ()
        if isinstance(entry, dict) and isinstance(name := entry.get("symbol"), str) and _NAME.fullmatch(name)
    ]
    return tuple(difflib.get_close_matches(symbol, names[:_MAX_NAMES], n=3, cutoff=0.5))


def rules_of(symbol: str, exchange_info: Mapping[str, Any]) -> SymbolRules | None:
    """The rules of the contract with exactly this name; None if there is none.

    Raises NotBinance if the contract is listed twice, even if the entries are equal: Binance lists each once. Two equal
    entries of a filter count as one.
    """
    symbols = exchange_info.get("symbols")
    if not isinstance(symbols, list) or not any(isinstance(one, dict) for one in symbols):
        raise missing("list of contracts", SymbolRules._where)
    entries = [one for one in symbols if isinstance(one, dict) and one.get("symbol") == symbol]
    if len(entries) > 1:
        raise NotBinance(
            f"{SymbolRules._where} lists {symbol} twice, so neither entry is used. "
            "Run again; if it happens again, report it with this page"
        )
    if not entries:
        return None
    (entry,) = entries
    status = entry.get("status")
    if not isinstance(status, str) or not re.fullmatch(r"[A-Z_]{1,40}", status):
        raise missing("status", SymbolRules._where)
    return SymbolRules(symbol, status, *_by_type(entry.get("filters")))


def _by_type(listed: object) -> tuple[dict[str, Mapping[str, Any]], frozenset[str]]:
    """The first filter of each type, and the types whose other filters contradict the first."""
    found = [one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, dict)]
    named = [(kind, one) for one in found if isinstance(kind := one.get("filterType"), str)]
    first: dict[str, Mapping[str, Any]] = {}
    for kind, one in named:
        first.setdefault(kind, one)
    return first, frozenset(kind for kind, one in named if _limits(one) != _limits(first[kind]))


def _limits(one: Mapping[str, Any]) -> list[Any]:
    """The fields of a filter that this module reads."""
    return [one.get(name) for name in FILTER_LIMITS]


def mark_price_of(symbol: str, premium_index: Mapping[str, Any]) -> Decimal:
    """The contract's mark price, above 0, in quote asset."""
    where = "the futures API (premiumIndex)"
    if premium_index.get("symbol") != symbol:
        raise NotBinance(
            f"{where} was asked for the price of {symbol}, and answered for another contract or for none. "
            "Run again; if it happens again, report it with this page"
        )
    price = decimal(premium_index.get("markPrice"), "markPrice", where)
    if price == 0:
        raise missing("markPrice", where)
    return price


def weight_limit(exchange_info: Mapping[str, Any]) -> int | None:
    """The limit of request weight per minute and IP address; None if the exchange does not publish it."""
    limits = exchange_info.get("rateLimits")
    for limit in limits if isinstance(limits, list) else ():
        if isinstance(limit, dict) and limit.get("rateLimitType") == "REQUEST_WEIGHT":
            value = limit.get("limit")
            return value if type(value) is int and 0 < value < 2**53 else None  # exact in every reader of JSON
    return None
