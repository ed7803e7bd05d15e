"""Bytes of an answer -> JSON, a refusal with a code, or an error that says why it is neither. Pure.

A 200 must have strict JSON. Any other answer may be HTML from a firewall; if it is JSON with a `code`, the code is
read, and otherwise only the status.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from keycheck.errors import (
    BlockedEnRoute,
    ExchangeTrouble,
    Inconclusive,
    NotBinance,
    OrdersLimited,
    RateLimited,
    RestrictedLocation,
)
from keycheck.exchange import refusal_text
from keycheck.exchange.endpoints import ACCOUNT_CONFIG, API_RESTRICTIONS, ORDER_TEST, SYMBOL_CONFIG, Endpoint, Host
from keycheck.exchange.error_codes import TOO_MANY_ORDERS, Kind, kind_of
from keycheck.exchange.facts import Refusal
from keycheck.redaction.redactor import printable

Clean = Callable[[str], str]


@dataclass(frozen=True)
class RawAnswer:
    """Status, headers (lower-case names) and decoded body of an answer from Binance, a proxy or a portal.

    `connecting_ms`: the time that it took to open the connection; 0 if an open one was used.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    connecting_ms: float = 0.0


_SOMETHING_BETWEEN = (
    "Check what stands between this machine and Binance: a captive portal, a proxy, a poisoned name server, "
    "or a wrong URL in the settings"
)
_KNOWN_TYPES = ("application/json", "text/html", "text/plain", "text/xml", "application/xml", "image/png")
_LONGEST = 4000  # characters; the rest of a message is not read
_LONGEST_SECRET = 256
_TOKEN = re.compile(r"[A-Za-z0-9_-]{24,256}")
_MOMENT = re.compile(r"(?:(?:\d{1,4}|[A-Z][a-z]{2})[-:.,/T ]+){2,}\d{1,6}Z?")  # a date, a time, or both
_BANNED_UNTIL = re.compile(r"banned until (\d{12,14})")
# CloudFront's text for a country that is not served. Its other 403 pages do not say why they refuse.
_COUNTRY = re.compile(rb"configured\s+to\s+block\s+access\s+from\s+your\s+country", re.IGNORECASE)
_ORDER_ID = re.compile(r"[0-9]{1,40}")
_FIREWALL = "x-amzn-waf-action"  # with 202 a challenge, with 405 a captcha (AWS WAF, "CAPTCHA and Challenge actions")
_NOTICE = re.compile(r"[0-9]{1,12}")  # the name of the only member of a notice, see is_notice
_OF_ERRORS = ("code", "error", "success")  # members by which an object reports the result of a request
_NOT_TAKEN = ("REJECTED", "EXPIRED", "EXPIRED_IN_MATCH", "CANCELED")  # an order's `status`; each of them has an orderId
_LARGEST_CODE = 10**9  # the wallet API's longest codes have nine digits
# Signed requests whose 200 proves that Binance accepts the key. Such an answer must have one of these flags, which
# cassettes keep, too.
_FLAGS = {
    ACCOUNT_CONFIG: ("canTrade", "dualSidePosition"),
    API_RESTRICTIONS: ("ipRestrict", "enableReading", "enableFutures", "enableWithdrawals"),
}


def read(raw: RawAnswer, endpoint: Endpoint, clean: Clean) -> dict[str, Any] | Refusal:
    """The JSON object of a 200, or the Refusal of an answer with one of Binance's codes.

    If the endpoint may answer with a list, the list becomes the member `list` of an object. `clean` takes secrets out
    of Binance's text; refusal_text.py then removes all that may not be shown. Raises Inconclusive for any other answer.
    """
    if raw.status not in (418, 429) and not 300 <= raw.status < 400 and is_notice(raw.body):
        raise ExchangeTrouble(
            f"the {endpoint.host.value} API has trouble of its own, maintenance perhaps: it answered with a notice and "
            f"nothing else (HTTP {raw.status}). Run again in some minutes"
        )
    body = _json_object(raw, endpoint) if raw.status == 200 else _lenient(raw.body)
    code = _code(body)
    if raw.status == 200 and kind_of(code) is not Kind.TROUBLE:  # no status is documented for codes of maintenance
        if wrong := _wrong_with(body, endpoint):
            raise NotBinance(f"{endpoint} was answered with HTTP 200 and {wrong}. {_SOMETHING_BETWEEN}")
        return body
    message = body.get("msg")
    message = printable(refusal_text.fit_to_show(code, clean(message[:_LONGEST]))) if isinstance(message, str) else ""
    refusal = Refusal(raw.status, code, message, kind_of(code))
    if trouble := _trouble(raw, endpoint, refusal):
        trouble.code = refusal.code
        raise trouble
    return refusal


def is_notice(body: bytes) -> bool:
    """Whether a body is a notice of maintenance: an object with one member, a text whose name is a number.

    Example: `{"239999": "The system is under maintenance, ..."}`. Binance's announcement of 2026-06-10 does not say
    which HTTP status it has.
    """
    said = _lenient(body[:_LONGEST])
    return len(said) == 1 and all(
        _NOTICE.fullmatch(name) and isinstance(said[name], str) and said[name] for name in said
    )


def closes_the_country_out(status: int, body: bytes) -> bool:
    """Whether the answer is CloudFront's page (HTTP 403, no code of Binance) that refuses this machine's country."""
    return status == 403 and _COUNTRY.search(body[:_LONGEST]) is not None and _code(_lenient(body)) is None


def is_json(content_type: str) -> bool:
    """Whether a Content-Type header names JSON."""
    return "json" in content_type.lower()


def known_type(content_type: str) -> str:
    """The media type, in lower case, if it may be shown; "" for any other, which might repeat a key."""
    media_type = content_type.lower().partition(";")[0].strip()
    return media_type if media_type in _KNOWN_TYPES else ""


def is_accepted_order(body: Mapping[str, Any]) -> bool:
    """Whether the object of a 200 accepts an order: it is `{}`, or has an `orderId` and no member of an error.

    An `orderId` is a whole number, or its digits as text. An order that was rejected has one, too.
    """
    order_id = body.get("orderId")
    is_id = type(order_id) is int or (isinstance(order_id, str) and _ORDER_ID.fullmatch(order_id) is not None)
    return not body or (is_id and str(body.get("status")).upper() not in _NOT_TAKEN and not error_members(body))


def error_members(body: Mapping[str, Any]) -> list[str]:
    """The names in an object, in any letter case, by which it reports the result of a request."""
    return [name for name in body if name.lower() in _OF_ERRORS]


def _code(body: Mapping[str, Any]) -> int | None:
    """Binance's code: a whole number. Text, a fraction, a boolean or a huge number is None."""
    code = body.get("code")
    return code if type(code) is int and abs(code) < _LARGEST_CODE else None


def _wrong_with(body: Mapping[str, Any], endpoint: Endpoint) -> str:
    """Why the object of a 200 cannot be Binance's answer to this request; "" if it can.

    Binance sends errors with 4xx and 5xx. A 200 may have `"code": 200`, but not one that accepts an order.
    """
    fine = {} if endpoint == ORDER_TEST else {"code": 200, "success": True}
    for name in error_members(body):
        if not (name in fine and body[name] == fine[name] and type(body[name]) is type(fine[name])):
            code = _code(body) if name == "code" else None
            return f"{f'a member {name}' if code is None else f'error code {code}'} at once, which Binance never does"
    if endpoint == ORDER_TEST and not is_accepted_order(body):
        return "an object that does not accept an order: it has no orderId, or says that it was refused"
    flags = _FLAGS.get(endpoint)
    if flags and not any(isinstance(body.get(name), bool) for name in flags):
        return f"an object that has none of {', '.join(flags)}"
    return ""


def secrets_in(raw: RawAnswer, endpoint: Endpoint) -> list[str]:
    """The listen keys in an answer, which are secrets, even if the answer is not usable."""
    if not endpoint.keyed:
        return []
    found = listen_key_in(_lenient(raw.body))
    if raw.status != 200:  # the text of an error may name an existing listen key
        for token in _TOKEN.findall(raw.body[:_LONGEST].decode("utf-8", "replace")):
            found += _without_moments(token)
    return found


def listen_key_in(body: Mapping[str, Any]) -> list[str]:
    """The listen key in an object, in parts if there are dates in it."""
    said = body.get("listenKey")
    return _without_moments(said[:_LONGEST_SECRET]) if isinstance(said, str) else []


def _without_moments(secret: str) -> list[str]:
    """The parts beside dates: no listen key has one, and the last scan would find it in the run's own files."""
    return [part for part in _MOMENT.split(secret) if part]


def _trouble(raw: RawAnswer, endpoint: Endpoint, refusal: Refusal) -> Inconclusive | None:  # noqa: PLR0911  a table
    host, status = f"the {endpoint.host.value} API", raw.status
    if status in (418, 429) or refusal.kind is Kind.RATE:
        return _rate_limited(raw, endpoint.host, refusal)
    if 300 <= status < 400:
        return NotBinance(
            f"{host} answered with a redirect (HTTP {status}), which Binance never does. {_SOMETHING_BETWEEN}"
        )
    if status == 451 or closes_the_country_out(status, raw.body):
        return restricted_location(endpoint.host, status)
    if (status in (202, 403) or _FIREWALL in raw.headers) and refusal.code is None:
        return BlockedEnRoute(
            f"a firewall answered in place of {host} (HTTP {status}). Wait some minutes and run again; if "
            "that does not help, use another network: this is not a fault of the key"
        )
    if status >= 500 or status == 408 or refusal.kind is Kind.TROUBLE:
        return ExchangeTrouble(f"{host} has trouble of its own ({refusal}, HTTP {status}). Run again in some minutes")
    if refusal.code is None or not 400 <= status < 500:
        return NotBinance(f"{host} answered HTTP {status} without one of Binance's codes. {_SOMETHING_BETWEEN}")
    return None


def restricted_location(host: Host, status: int) -> RestrictedLocation:
    """The error of an API that does not serve this machine's location. `status`: HTTP's, 451 or 403."""
    return RestrictedLocation(
        f"the {host.value} API is closed to the place this machine is in (HTTP {status}). Run from a country where "
        "Binance serves futures; this is not a fault of the key",
        status,
    )


def _rate_limited(raw: RawAnswer, host: Host, refusal: Refusal) -> RateLimited:
    until = _BANNED_UNTIL.search(_lenient(raw.body).get("msg") or "") if refusal.message else None
    wait = raw.headers.get("retry-after", "")
    retry_after = int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 8 else None
    return rate_limited(host, raw.status, refusal.code, int(until[1]) if until else None, retry_after)


def rate_limited(
    host: Host, status: int | None, code: int | None, banned_until: int | None, retry_after: int | None
) -> RateLimited:
    """The error of an answer that sets a limit; see RateLimited for the arguments."""
    error: type[RateLimited]
    if code == TOO_MANY_ORDERS and status != 418 and banned_until is None:
        error, what = OrdersLimited, "limits the orders of this account: there were too many"
        wait = f"{retry_after} s" if retry_after else "a minute"
        advice = f"Stop every program that trades with this account, wait {wait}, then run again"
    else:
        error, what = RateLimited, "limits or bans this address for too many requests"
        advice = _advice_for_the_address(banned_until, retry_after)
    found = error(f"the {host.value} API {what} (HTTP {status}, code {code}). {advice}")
    found.status, found.code, found.banned_until, found.retry_after = status, code, banned_until, retry_after
    return found


def _advice_for_the_address(banned_until: int | None, retry_after: int | None) -> str:
    if banned_until is not None:
        return f"It says: banned until {utc(banned_until)}. Send nothing from this address before that"
    if retry_after is not None:
        return f"It says: wait {retry_after} s. Send nothing from this address before that"
    return "Stop every program that calls Binance from this address, wait some minutes, then run again"


def utc(ms: int) -> str:
    """A moment in ms since 1970, for people: `2026-11-20 08:13:00 UTC`."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _json_object(raw: RawAnswer, endpoint: Endpoint) -> dict[str, Any]:
    content_type = raw.headers.get("content-type", "application/json")
    body = strict(raw.body) if is_json(content_type) else None
    if isinstance(body, list) and endpoint == SYMBOL_CONFIG:
        return {"list": body}
    if not isinstance(body, dict):
        shown = "a list" if isinstance(body, list) else known_type(content_type) or "something"
        raise NotBinance(
            f"{endpoint} was answered with HTTP 200 and {shown} that is not Binance's JSON. {_SOMETHING_BETWEEN}"
        )
    return body


def strict(body: bytes) -> Any:
    """JSON without NaN, infinities or repeated keys; None for anything else."""
    try:
        return json.loads(
            body.decode("utf-8"), parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unrepeated
        )
    except (ValueError, RecursionError):
        return None


def _lenient(body: bytes) -> dict[str, Any]:
    parsed = strict(body)
    return parsed if isinstance(parsed, dict) else {}


def _finite(text: str) -> float:
    """The number in `text`. Raises ValueError if it is infinite, because a cassette could not hold it."""
    if math.isinf(number := float(text)):
        raise ValueError(text[:20])
    return number


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of an object. Raises ValueError for a repeated name, whose value depends on the JSON reader."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated key")
    return found
