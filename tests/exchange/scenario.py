"""The state of a local exchange: one frozen value with a healthy default for everything."""

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
    """Make a credential of 64 letters and digits, like Binance's, from a readable label. It is not secret."""
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
    public_key: str | None = None  # PEM; if set, signatures are checked with it instead of the secret
    clock_offset_ms: int = 0  # exchange clock minus this machine's clock
    ip_allowed: bool = True
    permissions: Mapping[str, Any] = field(default_factory=dict)  # over apiRestrictions; None removes a field
    read_only: bool = False  # reads pass, TRADE endpoints answer -2015
    futures_refuses: bool = False  # only the futures host answers -2015: portfolio margin, key older than account
    account: Mapping[str, Any] = field(default_factory=dict)  # over accountConfig; None removes a field
    account_info: Mapping[str, Any] = field(default_factory=dict)  # over the wallet's account/info; None removes
    margin_types: Mapping[str, str] = field(default_factory=dict)  # by symbol; CROSSED for others
    symbol_config_is_a_list: bool = True  # as documented; False: an object about one contract
    indicators: Mapping[str, Any] = field(default_factory=dict)  # the apiTradingStatus indicators by symbol
    order_refusal: int | None = None  # code for an order that passed the parameter and notional rules
    funded: bool = True  # False: real orders are refused, and test orders are not, since they move no margin
    agreement_signed: bool = False  # False: TradFi perpetuals take no orders
    symbol_overrides: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)  # None delists the symbol
    mark_prices: Mapping[str, str] = field(default_factory=dict)  # decimal strings in quote currency
    used_weight: int = 1  # the first value of the futures host's IP weight counter
    minute: float | None = None  # seconds after which that counter starts again; None: never
    signed_weight: int = 0  # how far the counter in signed answers is above used_weight
    weight_header: str | None = "X-MBX-USED-WEIGHT-1M"
    faults: FaultPlan = field(default_factory=dict)
    stream: StreamFault | None = None  # a fault of the user data stream
    mute_streams: tuple[str, ...] = MUTE_ON_PRODUCTION  # paths on which a stream opens, pongs, and delivers nothing
    subscriptions: str | None = NO_SUBSCRIPTIONS  # the stream's answer to LIST_SUBSCRIPTIONS; None: no answer
    # Added to each answer, half before and half after the exchange reads its clock; to the stream's handshake, and to
    # its pong.
    latency_ms: int = 0
    # Added after the exchange has read its clock: the first value to the first answer of each path, the second to the
    # second, and so on; after the last value, the first follows again.
    jitter_ms: tuple[int, ...] = ()

    def may(self, permission: str) -> bool:
        """Say whether the key holds a permission; one that is merely not listed counts as held."""
        return self.permissions.get(permission) is not False


@dataclass(frozen=True)
class Received:
    """A request as it arrived, and its answer."""

    host: str  # "futures", "wallet" or "stream"
    method: str
    path: str
    params: dict[str, str]  # decoded; a parameter of the query overrides one of the body
    headers: dict[str, str]  # names in lower case
    raw_query: str
    body: bytes
    status: int | None = None  # None until it is answered; a fault may keep it so
    code: int | None = None
    in_flight: tuple[str, ...] = ()  # paths of the other requests, to either host, that were unanswered as it arrived

    @property
    def beside(self) -> int:
        """How many others were unanswered as it arrived."""
        return len(self.in_flight)


def overlay(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Lay overrides over a document; None removes the field."""
    return {name: value for name, value in {**base, **overrides}.items() if value is not None}
