"""Reduces requests and answers to an allow-list of query parameters, headers and body fields. Pure, idempotent.

Everything that is not named here is dropped: balances, ids, cookies, trace headers, addresses, and unknown fields.
vcrpy runs these functions on what it records and again on what it loads, so a second pass must change nothing.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from keycheck.exchange import refusal_text
from keycheck.exchange.answers import (
    closes_the_country_out,
    error_members,
    is_accepted_order,
    is_json,
    is_notice,
    known_type,
    strict,
)
from keycheck.exchange.endpoints import (
    ACCOUNT_CONFIG,
    ACCOUNT_INFO,
    API_RESTRICTIONS,
    EXCHANGE_INFO,
    LISTEN_KEY,
    ORDER_TEST,
    PING,
    POSITION_SIDE,
    PREMIUM_INDEX,
    SYMBOL_CONFIG,
    TIME,
    TRADING_STATUS,
)
from keycheck.exchange.facts import nearest_names
from keycheck.exchange.permissions import OTHER_WAY_OUT, is_way_out, permissions_in, unreadable_ways_out
from keycheck.exchange.user_stream import is_listen_key

Clean = Callable[[str], str]
Body = dict[str, Any]

FUTURES_URL = "https://futures.invalid"
WALLET_URL = "https://wallet.invalid"
CONSTANT = "0"
_COUNTRY_PAGE = b"(a page: configured to block access from your country; the rest dropped)"
LISTEN_KEY_CONSTANT = "a-listen-key-was-given"  # no report contains it, in case a redactor takes it for a secret

_QUERY = ("symbol", "side", "positionSide", "type", "quantity", "recvWindow")
_QUERY_BLANKED = ("timestamp", "signature")
_HEADERS = (
    *("content-type", "x-mbx-used-weight-1m", "x-mbx-used-weight", "x-sapi-used-ip-weight-1m", "retry-after"),
    "x-amzn-waf-action",
)
_NUMBER_OR_WORD = re.compile(r"[0-9]{1,7}|[a-z]{1,12}", re.IGNORECASE)
_NO_VALUE = "-"
_FILTER = ("filterType", "stepSize", "minQty", "maxQty", "notional", "minPrice", "maxPrice", "tickSize", "limit")
_MAX_LIMITS = 20
_MAX_SYMBOLS = 20
_SURROGATES = re.compile("[\ud800-\udfff]")
_MAX_TEXT = 2000  # characters; reports show less of a text

_FIELDS: Mapping[str, tuple[str, ...]] = {
    PING.path: (),
    TIME.path: ("serverTime",),
    PREMIUM_INDEX.path: ("symbol", "markPrice"),
    ACCOUNT_CONFIG.path: ("canTrade", "dualSidePosition", "multiAssetsMargin"),
    POSITION_SIDE.path: ("dualSidePosition",),
    SYMBOL_CONFIG.path: ("symbol", "marginType"),
    API_RESTRICTIONS.path: ("ipRestrict", "createTime", "tradingAuthorityExpirationTime"),
    ACCOUNT_INFO.path: ("isFutureEnabled", "isPortfolioMarginRetailEnabled"),
    ORDER_TEST.path: (),  # judged by its shape; the body holds order ids
}


def scrub_uri(uri: str) -> str:
    """A request's URI with a constant host, constant time stamp and signature, and no unlisted parameter."""
    parts = urlsplit(uri)
    host = WALLET_URL if parts.path.startswith("/sapi/") else FUTURES_URL
    kept = [
        (name, CONSTANT if name in _QUERY_BLANKED else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name in _QUERY or name in _QUERY_BLANKED
    ]
    return host + parts.path + (f"?{urlencode(kept)}" if kept else "")


def scrub_headers(headers: Mapping[str, list[str]], clean: Clean) -> dict[str, list[str]]:
    """The listed response headers, with names in any letter case."""
    return {
        _normalized(name): [_text(_header(_normalized(name), value), clean) for value in values]
        for name, values in headers.items()
        if _normalized(name) in _HEADERS
    }


def _header(name: str, value: str) -> str:
    """The value of a header if it is a number, a word or a known media type; "-" for any other.

    A proxy or firewall on the way may write any text into a header.
    """
    if name == "content-type":
        return "application/json" if is_json(value) else known_type(value) or _NO_VALUE
    return value if _NUMBER_OR_WORD.fullmatch(value) else _NO_VALUE


def _normalized(name: str) -> str:
    return name.lower().replace("_", "-")


def scrub_body(path: str, status: int, body: bytes, symbol: str, clean: Clean) -> bytes:
    """The listed fields of a JSON body; a constant for any other body, by its kind."""
    if closes_the_country_out(status, body):
        return _COUNTRY_PAGE
    parsed = strict(body)
    if not isinstance(parsed, dict | list):
        return b"(not JSON; dropped)"
    if isinstance(parsed, list):
        listed = path == SYMBOL_CONFIG.path and status == 200
        return _plain(_symbol_configs(parsed, symbol, clean) if listed else [])
    if is_notice(body):
        return b'{"0":"a notice"}'
    if status != 200:
        kept = {}
    elif path == EXCHANGE_INFO.path:
        kept = _exchange_info(parsed, symbol, clean)
    elif path == LISTEN_KEY.path:
        # A replay needs only to know that there was a listen key.
        kept = {"listenKey": LISTEN_KEY_CONSTANT} if is_listen_key(parsed.get("listenKey")) else {}
    elif path == TRADING_STATUS.path:
        kept = _trading_status(parsed, clean)
    else:
        kept = _scalars(parsed, _FIELDS.get(path, ()), clean)
        if path == API_RESTRICTIONS.path:
            kept |= _permissions(parsed, clean)
    kept |= _error(parsed, clean)
    if status == 200:
        kept |= _error_signs(parsed)
    if status == 200 and path == ORDER_TEST.path:
        kept = {} if is_accepted_order(parsed) else kept or {"unlisted": True}
    return _plain(kept)


def _plain(kept: object) -> bytes:
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _symbol_configs(listed: list[Any], symbol: str, clean: Clean) -> list[Body]:
    """The entries of the contract under test, at most two: two are a contradiction, which a replay must show."""
    entries = [one for one in listed if isinstance(one, dict) and one.get("symbol") == symbol]
    return [_scalars(one, _FIELDS[SYMBOL_CONFIG.path], clean) for one in entries[:2]]


def _permissions(body: Body, clean: Clean) -> Body:
    """The key's permissions: all booleans that are named like one, because a later suite must see new ones.

    A permission to withdraw is kept even if its name must not be shown; its name is then a constant.
    """
    found: Body = dict.fromkeys(unreadable_ways_out(body), CONSTANT) | permissions_in(body)
    kept = {name: on for name, on in found.items() if clean(name) == name}
    ways_out = [on for name, on in found.items() if name not in kept and is_way_out(name)]
    kept |= {OTHER_WAY_OUT: True} if True in ways_out else {}
    return kept | ({f"enable{OTHER_WAY_OUT}": CONSTANT} if CONSTANT in ways_out else {})


def _error_signs(body: Body) -> Body:
    """The signs of an error in an answer with HTTP 200, with constants in place of its texts."""
    kept = ("code", "success")  # only in exactly this spelling
    signs: Body = {"error": True} if any(name not in kept for name in error_members(body)) else {}
    return signs | ({"success": body["success"] is True} if "success" in body else {})


def _error(body: Body, clean: Clean) -> Body:
    """The code and the text of a refusal, as far as the text may be shown."""
    code = body.get("code")
    known = code if type(code) is int else None
    kept = {name: body[name] for name in ("code", "msg") if name in body}
    return {
        name: refusal_text.fit_to_show(known, _text(value, clean))[:_MAX_TEXT]
        if isinstance(value, str)
        else _scalar(value if name == "code" else None, clean)
        for name, value in kept.items()
    }


def _scalars(body: Body, names: tuple[str, ...], clean: Clean) -> Body:
    return {name: _scalar(body[name], clean) for name in names if name in body}


def _scalar(value: object, clean: Clean) -> object:
    if isinstance(value, str):
        return _text(value, clean)
    return value if isinstance(value, bool | int | float) or value is None else []


def _text(value: str, clean: Clean) -> str:
    # A lone surrogate cannot be written to a file.
    return clean(_SURROGATES.sub(" ", value[: 2 * _MAX_TEXT]))[:_MAX_TEXT]


def _exchange_info(body: Body, symbol: str, clean: Clean) -> Body:
    """The contract under test and up to two others, the rate limits, and `serverTime`."""
    kept = _scalars(body, ("serverTime",), clean)
    limits, symbols = body.get("rateLimits"), body.get("symbols")
    if isinstance(limits, list):
        names = ("rateLimitType", "interval", "intervalNum", "limit")
        kept["rateLimits"] = [
            _scalars(limit, names, clean) for limit in limits[:_MAX_LIMITS] if isinstance(limit, dict)
        ]
    if isinstance(symbols, list):
        entries = [s for s in symbols if isinstance(s, dict)]
        kept["symbols"] = [_contract(entry, clean) for entry in _around(symbol, entries)]
    return kept


def _around(symbol: str, entries: list[Body]) -> list[Body]:
    """A contract, its neighbours and its second entry, if it has one; if there is no such contract, similar names."""
    at = next((i for i, entry in enumerate(entries) if entry.get("symbol") == symbol), None)
    if at is not None:
        again = [entry for entry in entries[at + 2 :] if entry.get("symbol") == symbol]
        return entries[max(at - 1, 0) : at + 2] + again[:1]
    similar = nearest_names(symbol, {"symbols": entries})
    return [entry for entry in entries if entry.get("symbol") in similar] or entries[:3]


def _trading_status(body: Body, clean: Clean) -> Body:
    """Each indicator's name, whether it is locked and until when, without its figures."""
    kept: Body = {}
    indicators = body.get("indicators")
    if isinstance(indicators, dict):
        names = ("indicator", "isLocked", "plannedRecoverTime")
        kept["indicators"] = {
            _text(symbol, clean): [_scalars(one, names, clean) if isinstance(one, dict) else None for one in found]
            if isinstance(found, list)
            else None
            for symbol, found in list(indicators.items())[:_MAX_SYMBOLS]
        }
    return kept


def _contract(entry: Body, clean: Clean) -> Body:
    kept = _scalars(entry, ("symbol", "status", "contractType"), clean)
    filters = entry.get("filters")
    if isinstance(filters, list):
        kept["filters"] = [_scalars(entry, _FILTER, clean) for entry in filters if isinstance(entry, dict)]
    return kept
