"""Binance's text of a refusal -> the part of it that may be shown. Pure.

A text may hold anything: an account, a balance, an address. If the code is known, only the documented words are shown;
otherwise everything in the text that could identify a person is masked.
"""

import difflib
import ipaddress
import re
from functools import cache

from keycheck.redaction.redactor import HIDDEN, HIDDEN_IP, HIDDEN_IPV6, without_addresses

HIDDEN_MAIL = "[e-mail hidden]"
HIDDEN_NUMBER = "[number hidden]"

_LONGEST = 400  # characters that are compared with the documented ones
_ALIKE = 0.6  # difflib's ratio of two texts from which one is taken for a variant of the other
# In _DOCUMENTED, %s stands for a name or a small number, and %t for a time in ms since 1970.
_NAME_OR_FIGURE = r"(?:[A-Za-z_]{1,30}|[0-9]{1,5}(?:\.[0-9]{1,8})?|…)"
_MOMENT = r"(?:[0-9]{12,14}|…)"
_CALLER = re.compile(r"\bIP ?\([^()]{0,60}\)")  # limits and bans name the caller's address: IP(203.0.113.7)
_UNTIL = re.compile(r"banned until ([0-9]{12,14})(?![0-9])")
# The address from which Binance saw the request. The owner's terminal shows it, since adding it to the key's list may
# be the remedy; shared reports mask it.
_SEEN_FROM = re.compile(r"request ip: ?(\[IP(?:v6)? hidden\]|[0-9A-Fa-f:.]{2,45})")
_IN_MAIL = r"[^\s@＠<>\"',;:()\[\]]"
_MAIL = re.compile(rf"(?<!{_IN_MAIL}){_IN_MAIL}+(?:[@＠]|%40){_IN_MAIL}+")
# The signs that may group digits: these, and all signs beyond ASCII, such as narrow and invisible blanks.
_GROUPS = r"(?:[.,_ ']|[^\x00-\x7f\w])"
# Matches a code, or a time in ms since 1970. Digits may be grouped.
_KEPT = (
    rf"(?i:(?<!\w)-[0-9]{{1,6}}(?![0-9]|{_GROUPS}[0-9])"
    r"|\b(?:until|time\w*|at)[\s:=]{1,3}[0-9]{10,14}(?![0-9]|[.,][0-9]))"
)
_NUMBER = re.compile(rf"({_KEPT})|\d(?:(?:\d|{_GROUPS})*\d)?")
_TOKEN = re.compile(r"(?<![\w/])(?=[\w+=-]*[0-9])[\w+=-]{20,}|[A-Za-z]{40,}")
_MANY = 6  # digits
_FRACTION = re.compile(r"\d\.\d")  # as balances have it, and limits and counts do not

# Source: "Error Codes" of USD-M futures; some texts as seen live.
_DOCUMENTED: dict[int, tuple[str, ...]] = {
    -1000: ("An unknown error occured while processing the request.",),
    -1001: ("Internal error; unable to process your request. Please try again.",),
    -1002: ("You are not authorized to execute this request.",),
    -1003: (
        "Too many requests; current limit is %s requests per minute. Please use the websocket for live "
        "updates to avoid polling the API.",
        "Too many requests; current limit of IP is %s requests per minute. Please use the websocket for live "
        "updates to avoid polling the API.",
        "Way too many requests; IP banned until %t. Please use the websocket for live updates to avoid bans.",
        "Too much request weight used; current limit is %s request weight per %s %s. Please use the "
        "websocket for live updates to avoid polling the API.",
    ),
    -1006: ("An unexpected response was received from the message bus. Execution status unknown.",),
    -1007: ("Timeout waiting for response from backend server. Send status unknown; execution status unknown.",),
    -1008: (
        "Server is currently overloaded with other requests. Please try again in a few minutes.",
        "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again.",
    ),
    -1011: ("This IP cannot access this route.",),
    -1013: ("INVALID_MESSAGE.",),
    -1015: (
        "Too many new orders.",
        "Too many new orders; current limit is %s orders per %s %s.",
    ),
    -1016: (
        "This service is no longer available.",
        "Service is under maintenance.",
    ),
    -1020: ("This operation is not supported.",),
    -1021: (
        "Timestamp for this request is outside of the recvWindow.",
        "Timestamp for this request was 1000ms ahead of the server's time.",
    ),
    -1022: ("Signature for this request is not valid.",),
    -1099: ("Not found, unauthenticated, or unauthorized.",),
    -1100: (
        "Illegal characters found in a parameter.",
        "Illegal characters found in parameter '%s'; legal range is '%s'.",
    ),
    -1101: (
        "Too many parameters sent for this endpoint.",
        "Too many parameters; expected '%s' and received '%s'.",
        "Duplicate values for a parameter detected.",
    ),
    -1102: (
        "A mandatory parameter was not sent, was empty/null, or malformed.",
        "Mandatory parameter '%s' was not sent, was empty/null, or malformed.",
        "Param '%s' or '%s' must be sent, but both were empty/null!",
    ),
    -1103: ("An unknown parameter was sent.",),
    -1104: (
        "Not all sent parameters were read.",
        "Not all sent parameters were read; read '%s' parameter(s) but was sent '%s'.",
    ),
    -1105: (
        "A parameter was empty.",
        "Parameter '%s' was empty.",
    ),
    -1106: (
        "A parameter was sent when not required.",
        "Parameter '%s' sent when not required.",
    ),
    -1108: ("Invalid asset.",),
    -1109: ("Invalid account.",),
    -1110: ("Invalid symbolType.",),
    -1111: ("Precision is over the maximum defined for this asset.",),
    -1112: ("No orders on book for symbol.",),
    -1113: ("Withdrawal amount must be negative.",),
    -1114: ("TimeInForce parameter sent when not required.",),
    -1115: ("Invalid timeInForce.",),
    -1116: ("Invalid orderType.",),
    -1117: ("Invalid side.",),
    -1118: ("New client order ID was empty.",),
    -1119: ("Original client order ID was empty.",),
    -1120: ("Invalid interval.",),
    -1121: ("Invalid symbol.",),
    -1122: ("Invalid symbol status.",),
    -1125: ("This listenKey does not exist. Please use `POST /fapi/v1/listenKey` to recreate `listenKey`",),
    -1126: ("This asset is not supported.",),
    -1127: (
        "Lookup interval is too big.",
        "More than %s hours between startTime and endTime.",
    ),
    -1128: ("Combination of optional parameters invalid.",),
    -1130: (
        "Invalid data sent for a parameter.",
        "Data sent for parameter '%s' is not valid.",
    ),
    -1131: ("'recvWindow' must be less than 60000.",),
    -1135: ("Invalid account status.",),
    -1136: ("Invalid newOrderRespType.",),
    -2008: ("Invalid Api-Key ID.",),
    -2010: (
        "NEW_ORDER_REJECTED",
        "Symbol not whitelisted for API key.",
    ),
    -2011: ("CANCEL_REJECTED",),
    -2013: ("Order does not exist.",),
    -2014: ("API-key format invalid.",),
    -2015: ("Invalid API-key, IP, or permissions for action.",),
    -2017: ("API Keys are locked on this account.",),
    -2018: ("Balance is insufficient.",),
    -2019: ("Margin is insufficient.",),
    -2020: ("Unable to fill.",),
    -2021: ("Order would immediately trigger.",),
    -2022: ("ReduceOnly Order is rejected.",),
    -2023: ("User in liquidation mode now.",),
    -2025: ("Reach max open order limit.",),
    -2026: ("This OrderType is not supported when reduceOnly.",),
    -2027: ("Exceeded the maximum allowable position at current leverage.",),
    -2028: ("Leverage is smaller than permitted: insufficient margin balance.",),
    -4001: ("Price less than 0.",),
    -4002: ("Price greater than max price.",),
    -4003: (
        "Quantity less than zero.",
        "Quantity less than or equal to zero.",
    ),
    -4004: ("Quantity less than min quantity.",),
    -4005: ("Quantity greater than max quantity.",),
    -4013: ("Price less than min price.",),
    -4014: ("Price not increased by tick size.",),
    -4015: ("Client order id is not valid.",),
    -4016: ("Price is higher than mark price multiplier cap.",),
    -4023: ("Qty not increased by step size.",),
    -4024: ("Price is lower than mark price multiplier floor.",),
    -4028: (
        "Invalid leverage",
        "Leverage `%s` is not valid",
        "Leverage `%s` already exist with `%s`",
    ),
    -4045: ("Reach max stop order limit.",),
    -4046: ("No need to change margin type.",),
    -4047: ("Margin type cannot be changed if there exists open orders.",),
    -4048: ("Margin type cannot be changed if there exists position.",),
    -4056: ("Invalid api key type.",),
    -4057: ("Invalid api public key",),
    -4059: ("No need to change position side.",),
    -4060: ("Invalid position side.",),
    -4061: ("Order's position side does not match user's setting.",),
    -4062: ("Invalid or improper reduceOnly value.",),
    -4067: ("Position side cannot be changed if there exists open orders.",),
    -4068: ("Position side cannot be changed if there exists position.",),
    -4087: ("User can only place reduce only order",),
    -4088: ("User can not place order currently",),
    -4109: ("Inactive account",),
    -4116: ("clientOrderId is duplicated",),
    -4118: ("ReduceOnly Order Failed. Please check your existing position and open orders",),
    -4120: ("Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",),
    -4131: ("The counterparty's best price does not meet the PERCENT_PRICE filter limit",),
    -4140: ("Invalid symbol status for opening position",),
    -4141: ("Symbol is closed",),
    -4164: ("Order's notional must be no smaller than %s (unless you choose reduce only)",),
    -4189: ("Only reduce only orders are allowed for this symbol.",),
    -4192: ("Trade forbidden due to Cooling-off Period.",),
    -4202: ("Intermediate Personal Verification is required for adjusting leverage over 20x",),
    -4203: ("More than 20x leverage is available one month after account registration.",),
    -4205: ("More than 20x leverage is available %s days after Futures account registration.",),
    -4206: (
        "Users in this country has limited adjust leverage.",
        "Users in your location/country can only access a maximum leverage of %s",
    ),
    -4208: ("Current symbol leverage cannot exceed 20 when using position limit adjustment service.",),
    -4209: ("The max leverage of Symbol is 20x",),
    -4400: ("Futures Trading Quantitative Rules violated, only reduceOnly order is allowed, please try again later.",),
    -4401: (
        "Futures Trading Risk Control Rules of large position holding violated, only reduceOnly order "
        "is allowed, please reduce the position. .",
    ),
    -4402: (
        "Dear user, as per our Terms of Use and compliance with local regulations, this feature is "
        "currently not available in your region.",
    ),
    -4403: (
        "Dear user, as per our Terms of Use and compliance with local regulations, the leverage can "
        "only up to %sx in your region",
    ),
    -4411: ("Please sign TradFi-Perps agreement contract fapi.",),
    -5000: ("Path %s, Method %s is invalid",),
    -5021: ("Due to the order could not be filled immediately, the FOK order has been rejected.",),
    -5022: ("Due to the order could not be executed as maker, the Post Only order will be rejected.",),
    -5028: ("Timestamp for this request is outside of the ME recvWindow.",),
    -5029: ("Order's notional must be no smaller than %s",),
}


def fit_to_show(code: int | None, text: str) -> str:
    """The part of Binance's `text` for `code` that may be shown. Idempotent.

    `text` must be free of secrets already.
    """
    documented = _DOCUMENTED.get(code or 0)
    if documented is None:
        return _masked(text)
    seen_from = _seen_from(text)
    said = _said(documented, _SEEN_FROM.sub("", text).strip(" ,"), _UNTIL.search(text))
    return f"{said.rstrip('.')}, request ip: {seen_from}" if seen_from else said


def _said(documented: tuple[str, ...], text: str, until: re.Match[str] | None) -> str:
    """The documented text that `text` matches, with its values; else a similar one or the first, with gaps."""
    words = _CALLER.sub("IP", " ".join(text[: 2 * _LONGEST].split()))
    for one in documented:
        if _pattern(one).fullmatch(words):
            return words
    alike = {one: difflib.SequenceMatcher(None, one, words[:_LONGEST]).ratio() for one in documented}
    nearest = max(documented, key=lambda one: alike[one])
    if alike[nearest] < _ALIKE:
        nearest = documented[0]
    if until:
        nearest = next((one for one in documented if "%t" in one), nearest)
    return nearest.replace("%t", until[1] if until else "…").replace("%s", "…")


@cache
def _pattern(documented: str) -> re.Pattern[str]:
    escaped = re.escape(documented.rstrip("."))
    return re.compile(escaped.replace("%s", _NAME_OR_FIGURE).replace("%t", _MOMENT) + r"\.?", re.IGNORECASE)


def _seen_from(text: str) -> str:
    found = _SEEN_FROM.search(text)
    shown = found[1].rstrip(".:") if found else ""
    if shown in ("", HIDDEN_IP, HIDDEN_IPV6):
        return shown
    try:
        return str(ipaddress.ip_address(shown))
    except ValueError:
        return ""


def _masked(text: str) -> str:
    """`text` with IP and e-mail addresses, long numbers, fractions and long words hidden; codes and times stay."""
    if found := _SEEN_FROM.search(text):
        before, behind = text[: found.start()], text[found.end() :]
        return f"{_masked(before)}request ip: {_seen_from(found[0]) or HIDDEN_IP}{_masked(behind)}"
    text = without_addresses(_MAIL.sub(HIDDEN_MAIL, text))
    # Once more: if a long word came right after an address, the address is found only now that the word is hidden.
    return without_addresses(_NUMBER.sub(_number, _TOKEN.sub(HIDDEN, text)))


def _number(match: re.Match[str]) -> str:
    is_private = sum(map(str.isdigit, match[0])) >= _MANY or _FRACTION.search(match[0])
    return HIDDEN_NUMBER if is_private and not match[1] else match[0]
