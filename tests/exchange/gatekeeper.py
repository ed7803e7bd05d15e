"""The gate before every signed endpoint: key, address, permission, clock, window, signature, form.

A pure function of the request's raw bytes, the scenario and the exchange's clock. Binance does not publish the
order of its checks; probes without a valid key show only that the key's format is looked at first. The order
here keeps each cause visible on its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tests.exchange.parameters import form_refusal, merged, readable
from tests.exchange.refusals import AHEAD_OF_SERVER, Refusal, refusal
from tests.exchange.scenario import Scenario
from tests.exchange.signatures import SignatureVerifier, split_signature, verifier_of

KEY_HEADER = "x-mbx-apikey"
KEY_FORMAT = re.compile(r"[A-Za-z0-9]{64}")
WHOLE_NUMBER = re.compile(r"[0-9]{1,19}")
EGRESS_IP = "203.0.113.7"  # documentation address (RFC 5737) that the exchange claims to see
DEFAULT_WINDOW_MS = 5_000
LARGEST_WINDOW_MS = 60_000
TOLERATED_LEAD_MS = 1_000


class Security(Enum):
    """Binance's security types, as far as they are served here."""

    NONE = "NONE"
    USER_DATA = "USER_DATA"
    USER_STREAM = "USER_STREAM"  # only the key, no signature
    TRADE = "TRADE"


@dataclass(frozen=True)
class SignedRequest:
    """The facts the gate decides on: header names in lower case, query and body exactly as received."""

    host: str
    security: Security
    query: bytes
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def inspect(
    request: SignedRequest, scenario: Scenario, now_ms: int, verifier: SignatureVerifier | None = None
) -> Refusal | None:
    """Refuse a signed request or let it pass; now_ms is the exchange's clock in epoch milliseconds."""
    if request.security is Security.USER_STREAM:
        return _key(request, scenario) or _address(request, scenario) or _permission(request, scenario)
    body = readable(request.body, request.headers)
    params = merged(request.query, body)
    return (
        _key(request, scenario)
        or _address(request, scenario)
        or _permission(request, scenario)
        or _clock(params, now_ms)
        or _window(params)
        or _signature(request, params, verifier or verifier_of(scenario.api_secret, scenario.public_key))
        or form_refusal(request.query, body)
    )


def not_permitted(host: str, *, ip: str | None = None) -> Refusal:
    """-2015 in the words of each host: the wallet's ends with a period, the futures one may end with an address."""
    text = "Invalid API-key, IP, or permissions for action"
    if host == "wallet":
        return refusal(-2015, text=text + ".")
    return refusal(-2015, text=text + (f", request ip: {ip}" if ip else ""))


def _key(request: SignedRequest, scenario: Scenario) -> Refusal | None:
    key = request.headers.get(KEY_HEADER, "")
    if not KEY_FORMAT.fullmatch(key):
        return refusal(-2014)
    return None if key == scenario.api_key else not_permitted(request.host)


def _address(request: SignedRequest, scenario: Scenario) -> Refusal | None:
    return None if scenario.ip_allowed else not_permitted(request.host, ip=EGRESS_IP)


def _permission(request: SignedRequest, scenario: Scenario) -> Refusal | None:
    if request.host == "wallet":
        allowed = scenario.may("enableReading")
    else:
        # A key without the futures permission was seen to be refused for reads, too. A `read_only` key may read.
        reads = scenario.may("enableFutures") or scenario.read_only
        trades = scenario.may("enableFutures") and not scenario.read_only
        allowed = (trades if request.security is Security.TRADE else reads) and not scenario.futures_refuses
    return None if allowed else not_permitted(request.host)


def _window_ms(params: Mapping[str, str]) -> int | None:
    window = params.get("recvWindow", str(DEFAULT_WINDOW_MS))
    return int(window) if WHOLE_NUMBER.fullmatch(window) else None


def _clock(params: Mapping[str, str], now_ms: int) -> Refusal | None:
    """The server's rule (docs): timestamp < serverTime + 1000 and serverTime - timestamp <= recvWindow."""
    stamp = params.get("timestamp", "")
    if not WHOLE_NUMBER.fullmatch(stamp):
        return refusal(-1102, "timestamp")
    window = _window_ms(params)
    if window is None:
        return refusal(-1102, "recvWindow")
    if int(stamp) >= now_ms + TOLERATED_LEAD_MS:
        return refusal(-1021, text=AHEAD_OF_SERVER)
    return None if now_ms - int(stamp) <= window else refusal(-1021)


def _window(params: Mapping[str, str]) -> Refusal | None:
    return refusal(-1131) if (_window_ms(params) or 0) > LARGEST_WINDOW_MS else None


def _signature(request: SignedRequest, params: Mapping[str, str], verifier: SignatureVerifier) -> Refusal | None:
    if "signature" not in params:
        return refusal(-1102, "signature")
    parted = split_signature(request.query, request.body)
    return None if parted and verifier.accepts(*parted) else refusal(-1022)
