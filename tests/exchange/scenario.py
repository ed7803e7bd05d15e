"""What a local exchange is like today: one frozen value with a healthy default for everything."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.exchange.faults import FaultPlan
from tests.exchange.streams import MUTE_ON_PRODUCTION, NO_SUBSCRIPTIONS, StreamFault

_LETTERS_AND_DIGITS = string.ascii_letters + string.digits


def invented_credential(label: str) -> str:
    """Make 64 letters and digits, as Binance's keys have, out of a label anyone can read: no secret at all."""
    return "".join(_LETTERS_AND_DIGITS[byte % 62] for byte in hashlib.sha512(label.encode()).digest())


API_KEY = invented_credential("local exchange: key")
API_SECRET = invented_credential("local exchange: secret")
LISTEN_KEY = invented_credential("local exchange: listen key")  # the same for an hour, so for every test


@dataclass(frozen=True)
class Scenario:
    """The exchange's side of the story; the user's side is always API_KEY and API_SECRET."""

    name: str = "healthy"
    description: str = "Everything is as it should be."
    api_key: str = API_KEY  # the key the exchange knows
    api_secret: str = API_SECRET  # the secret the exchange checks signatures with
    public_key: str | None = None  # PEM; where one is registered, signatures are checked with it and not the secret
    clock_offset_ms: int = 0  # exchange clock minus this machine's clock
    ip_allowed: bool = True
    permissions: Mapping[str, Any] = field(default_factory=dict)  # over apiRestrictions; None removes a field
    read_only: bool = False  # reads pass, TRADE endpoints answer -2015
    futures_refuses: bool = False  # the futures host alone answers -2015: portfolio margin, key older than account
    account: Mapping[str, Any] = field(default_factory=dict)  # over accountConfig; None removes a field
    account_info: Mapping[str, Any] = field(default_factory=dict)  # over the wallet's account/info; None removes
    margin_types: Mapping[str, str] = field(default_factory=dict)  # by symbol; CROSSED where it is not named
    symbol_config_is_a_list: bool = True  # as documented; False: of one contract, an object
    indicators: Mapping[str, Any] = field(default_factory=dict)  # of apiTradingStatus, by symbol
    order_refusal: int | None = None  # code for an order that passed the parameter and notional rules
    funded: bool = True  # where it is not, real orders are refused, and test orders are not: those move no margin
    agreement_signed: bool = False  # of TradFi perpetuals; until then they take no orders
    symbol_overrides: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)  # None delists the symbol
    mark_prices: Mapping[str, str] = field(default_factory=dict)  # decimal strings in quote currency
    used_weight: int = 1  # where the IP weight counter of the futures host starts
    signed_weight: int = 0  # by how much the counter that signed answers tell is above it
    weight_header: str | None = "X-MBX-USED-WEIGHT-1M"
    faults: FaultPlan = field(default_factory=dict)
    stream: StreamFault | None = None  # what is wrong with the user data stream
    mute_streams: tuple[str, ...] = MUTE_ON_PRODUCTION  # paths on which a stream opens, pongs, and delivers nothing
    subscriptions: str | None = NO_SUBSCRIPTIONS  # the stream's answer to LIST_SUBSCRIPTIONS; None: no answer
    # Added to each answer, half before and half after the exchange reads its clock; to the stream's handshake, and to
    # its pong.
    latency_ms: int = 0
    # Added once the exchange has read its clock: to the first answer of each path, to the second, and round again.
    jitter_ms: tuple[int, ...] = ()

    def may(self, permission: str) -> bool:
        """Say whether the key holds a permission; one that is merely not listed counts as held."""
        return self.permissions.get(permission) is not False


@dataclass(frozen=True)
class Received:
    """One request as it arrived, and what it was told."""

    host: str  # "futures", "wallet" or "stream"
    method: str
    path: str
    params: dict[str, str]  # decoded; the query wins over the body
    headers: dict[str, str]  # names in lower case
    raw_query: str
    body: bytes
    status: int | None = None  # None while unanswered, and for ever if a fault kept the answer back
    code: int | None = None
    in_flight: tuple[str, ...] = ()  # paths of the other requests, to either host, that were unanswered as it arrived

    @property
    def beside(self) -> int:
        """How many others were unanswered as it arrived."""
        return len(self.in_flight)


def overlay(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Lay overrides over a document; None removes the field."""
    return {name: value for name, value in {**base, **overrides}.items() if value is not None}
