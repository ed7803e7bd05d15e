"""The exchange's refusals: each code with its HTTP status and its text.

Texts follow Binance's page of futures error codes, corrected where users' logs show another wording
(for instance -4003, whose page says "less than zero" and whose live text says "less than or equal to zero").
"""

from __future__ import annotations

import json
from dataclasses import dataclass

BAD_REQUEST = 400  # the status of nearly every error with a code, -1022 included

STATUS = {
    -1000: 500,
    -1001: 503,
    -1003: 429,
    -1007: 408,
    -1008: 503,
    -1015: 429,
    -1016: 503,
    -2014: 401,
    -2015: 401,
    -5000: 404,
}

TEXTS = {
    -1000: "An unknown error occured while processing the request.",
    -1001: "Internal error; unable to process your request. Please try again.",
    -1002: "You are not authorized to execute this request.",
    -1003: "Too many requests; current limit is 2400 requests per minute. "
    "Please use the websocket for live updates to avoid polling the API.",
    -1006: "An unexpected response was received from the message bus. Execution status unknown.",
    -1007: "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    -1008: "Server is currently overloaded with other requests. Please try again in a few minutes.",
    -1011: "This IP cannot access this route.",
    -1013: "INVALID_MESSAGE.",
    -1015: "Too many new orders; current limit is 300 orders per 10 SECOND.",
    -1016: "This service is no longer available.",
    -1021: "Timestamp for this request is outside of the recvWindow.",
    -1022: "Signature for this request is not valid.",
    -1099: "Not found, unauthenticated, or unauthorized.",
    -1101: "Duplicate values for a parameter detected.",
    -1102: "A mandatory parameter was not sent, was empty/null, or malformed.",
    -1104: "Not all sent parameters were read.",
    -1105: "A parameter was empty.",
    -1106: "A parameter was sent when not required.",
    -1109: "Invalid account.",
    -1111: "Precision is over the maximum defined for this asset.",
    -1115: "Invalid timeInForce.",
    -1116: "Invalid orderType.",
    -1117: "Invalid side.",
    -1121: "Invalid symbol.",
    -1130: "Invalid data sent for a parameter.",
    -1131: "'recvWindow' must be less than 60000.",
    -1135: "Invalid account status.",
    -1136: "Invalid newOrderRespType.",
    -2008: "Invalid Api-Key ID.",
    -2010: "NEW_ORDER_REJECTED",
    -2014: "API-key format invalid.",
    -2015: "Invalid API-key, IP, or permissions for action",
    -2017: "API Keys are locked on this account.",
    -2018: "Balance is insufficient.",
    -2019: "Margin is insufficient.",
    -2022: "ReduceOnly Order is rejected.",
    -2023: "User in liquidation mode now.",
    -2025: "Reach max open order limit.",
    -2027: "Exceeded the maximum allowable position at current leverage.",
    -2028: "Leverage is smaller than permitted: insufficient margin balance.",
    -4001: "Price less than 0.",
    -4002: "Price greater than max price.",
    -4003: "Quantity less than or equal to zero.",
    -4004: "Quantity less than min quantity.",
    -4005: "Quantity greater than max quantity.",
    -4013: "Price less than min price.",
    -4014: "Price not increased by tick size.",
    -4015: "Client order id is not valid.",
    -4016: "Price is higher than mark price multiplier cap.",
    -4023: "Qty not increased by step size.",
    -4024: "Price is lower than mark price multiplier floor.",
    -4028: "Invalid leverage",
    -4056: "Invalid api key type.",
    -4057: "Invalid api public key",
    -4060: "Invalid position side.",
    -4061: "Order's position side does not match user's setting.",
    -4087: "User can only place reduce only order",
    -4088: "User can not place order currently",
    -4109: "Inactive account",
    -4118: "ReduceOnly Order Failed. Please check your existing position and open orders",
    -4120: "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
    -4131: "The counterparty's best price does not meet the PERCENT_PRICE filter limit",
    -4140: "Invalid symbol status for opening position",
    -4141: "Symbol is closed",
    -4164: "Order's notional must be no smaller than 5.0 (unless you choose reduce only)",
    -4189: "Only reduce only orders are allowed for this symbol.",
    -4192: "Trade forbidden due to Cooling-off Period.",
    -4400: "Futures Trading Quantitative Rules violated, only reduceOnly order is allowed, please try again later.",
    -4401: "Futures Trading Risk Control Rules of large position holding violated, only reduceOnly order is "
    "allowed, please reduce the position. .",
    -4402: "Dear user, as per our Terms of Use and compliance with local regulations, "
    "this feature is currently not available in your region.",
    -4411: "Please sign TradFi-Perps agreement contract fapi.",
    -5000: "Path is invalid",
    -5021: "Due to the order could not be filled immediately, the FOK order has been rejected.",
    -5022: "Due to the order could not be executed as maker, the Post Only order will be rejected.",
    -5028: "Timestamp for this request is outside of the ME recvWindow.",
}

DETAILED = {
    -1102: "Mandatory parameter '%s' was not sent, was empty/null, or malformed.",
    -1104: "Not all sent parameters were read; read '%s' parameter(s) but was sent '%s'.",
    -1105: "Parameter '%s' was empty.",
    -1106: "Parameter '%s' sent when not required.",
    -4164: "Order's notional must be no smaller than %s (unless you choose reduce only).",
    -5000: "Path %s, Method %s is invalid",
}

AHEAD_OF_SERVER = "Timestamp for this request was 1000ms ahead of the server's time."
UNLISTED = "Refused by the local exchange."


@dataclass(frozen=True)
class Refusal:
    """A refusal with a code: HTTP status, Binance's code (negative) and its text."""

    status: int
    code: int
    text: str

    @property
    def body(self) -> bytes:
        """The JSON of the answer: compact, as Binance writes it."""
        return json.dumps({"code": self.code, "msg": self.text}, separators=(",", ":"), ensure_ascii=False).encode()


def refusal(code: int, *details: object, text: str | None = None) -> Refusal:
    """Refuse with the table's status and text. With `details`, the longer wording is used; `text` replaces either."""
    if text is None:
        text = DETAILED[code] % details if details else TEXTS.get(code, UNLISTED)
    return Refusal(STATUS.get(code, BAD_REQUEST), code, text)
