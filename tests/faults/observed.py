"""Answers of Binance, or of a firewall in its place, as users and tools have quoted them, with each one's verdict.

Texts and statuses are as quoted; if no status was quoted, it is the one that the same code had elsewhere. IP addresses
are from documentation ranges (RFC 5737), and identifiers are invented. `meaning` is the expected verdict and cause of a
run in which a request gets this answer. It depends on the request, so it has one column for each kind of request:

    wallet    apiRestrictions, the only source of the key's permissions
    account   accountConfig, after the wallet API has accepted the key
    order     order/test, after both APIs have accepted the key
    side      positionSide/dual, sent only if accountConfig lacks the position mode; the orders wait for it
    advice    apiTradingStatus, symbolConfig and listenKey: they decide no verdict, but a limit ends the run, and a
              restricted location fails the checks of orders
    info      account/info, sent only for the diagnosis of a key that the futures API refuses
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from keycheck.exchange.endpoints import (
    ACCOUNT_CONFIG,
    ACCOUNT_INFO,
    API_RESTRICTIONS,
    LISTED,
    ORDER_TEST,
    POSITION_SIDE,
    SYMBOL_CONFIG,
    Endpoint,
    Host,
)
from tests.exchange import Fault, Scenario
from tests.exchange.answers import HTML, JSON, Answer
from tests.exchange.pages import BAD_GATEWAY, COUNTRY, NOT_FOUND, RESTRICTED, WAF

IP = "203.0.113.7"
MAIL, NUMBER = "jane.roe@example.com", "812345678901"
TRACE = "InventedTraceOfTheEdgeInventedTraceOfTheEdge"  # in the headers of each answer
COLUMNS = {ACCOUNT_CONFIG: "account", ACCOUNT_INFO: "info", API_RESTRICTIONS: "wallet", ORDER_TEST: "order"}
COLUMNS |= {POSITION_SIDE: "side"}
SCENARIOS = {"side": Scenario(account={"dualSidePosition": None}), "info": Scenario(futures_refuses=True)}

Meaning = Mapping[str, str]  # column -> "VERDICT cause"
ALWAYS = {"advice": "OK", "info": "NOT_OK futures_account_not_opened"}


def _means(wallet: str, account: str = "", order: str = "", side: str = "", advice: str = "OK") -> Meaning:
    """The meaning in each column. If `account`, `order` or `side` is not given, it is that of `wallet`."""
    row = {"wallet": wallet, "account": account or wallet, "order": order or wallet, "side": side or wallet}
    return ALWAYS | row | {"advice": advice}


_OPEN = "UNPROVEN left_undecided"  # positionSide/dual refuses a key that accountConfig has just accepted
NOT_PERMITTED = _means(
    "UNPROVEN answers_contradict", "NOT_OK key_older_than_futures_account", "NOT_OK read_only_key", _OPEN
)
# The key of these scenarios has an address list.
WITH_IP = {**NOT_PERMITTED, "order": "NOT_OK ip_not_allowed"}
DENIED = _means("UNPROVEN answers_contradict", "NOT_OK answers_contradict", "NOT_OK answers_contradict", _OPEN)
LATE = _means("UNPROVEN clock_behind", side=_OPEN)
AHEAD = _means("UNPROVEN clock_ahead", side=_OPEN)
REJECTED = _means("UNPROVEN request_rejected")
BARRED = _means("UNPROVEN trading_barred", "NOT_OK trading_barred", "NOT_OK trading_barred", _OPEN)
UNSIGNED = _means("UNPROVEN agreement_not_signed", "NOT_OK agreement_not_signed", "NOT_OK agreement_not_signed", _OPEN)
LIMITED = _means("UNPROVEN rate_limited", advice="UNPROVEN rate_limited")
BANNED = _means("UNPROVEN ip_banned", advice="UNPROVEN ip_banned")
TROUBLE = _means("UNPROVEN exchange_trouble")
PLACE = _means("NOT_OK restricted_location", advice="NOT_OK restricted_location")
WALLED = _means("UNPROVEN blocked_by_firewall")
STRANGE = _means("UNPROVEN not_binance")
CUT = _means("UNPROVEN network_unreachable")


@dataclass(frozen=True)
class Observed:
    """A quoted answer. `headers`: those besides the usual ones; `where`: the API or the source that quotes it."""

    name: str
    status: int
    body: str
    meaning: Meaning
    where: str
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def fault(self) -> Fault:
        """The fault that makes the local exchange give this answer. A 101 has no body, so its bytes are sent raw."""
        headers = {"x-mbx-uuid": TRACE, "Via": TRACE, "Set-Cookie": f"aws={TRACE}", **self.headers}
        if self.status == 101:
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            return Fault.raw(f"HTTP/1.1 101 Switching Protocols\r\n{head}\r\n{self.body}".encode())
        return Fault(answer=Answer(self.status, self.body.encode(), self.content_type, headers))

    @property
    def names_somebody(self) -> "Observed | None":
        """The same answer, but its text also names an account, its owner and an address; None if it has no text."""
        if self.status == 200 or '"msg"' not in self.body:
            return None
        told = json.loads(self.body)
        told["msg"] += f" (account {NUMBER} of {MAIL}, from {IP})"
        return replace(self, name=f"{self.name}, naming somebody", body=json.dumps(told))


def _said(code: int, text: str) -> str:
    return json.dumps({"code": code, "msg": text}, separators=(",", ":"))


_NOT_PERMITTED = "Invalid API-key, IP, or permissions for action"
_POLLING = "Please use the websocket for live updates to avoid polling the API."
_TENGINE = {
    "Server": "Tengine",
    "X-MBX-USED-WEIGHT-1M": "7",
    "x-response-time": "2ms",
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
    "X-Cache": "Error from cloudfront",
}
_NGINX = {"Server": "nginx", "x-mbx-used-weight": "5", "x-cache": "Error from cloudfront"}
_CHALLENGE = {"Server": "CloudFront", "x-amzn-waf-action": "challenge", "X-Cache": "Error from cloudfront"}
_MAINTENANCE = '{"239999":"The system is under maintenance, please try again later."}'
_BOTH = "api and fapi"
_NOTICE = "announcement of 2026-06-10"

OBSERVED = (
    Observed("-2015", 401, _said(-2015, _NOT_PERMITTED), NOT_PERMITTED, "fapi, 2022-09", headers=_TENGINE),
    Observed("-2015 with an address", 401, _said(-2015, f"{_NOT_PERMITTED}, request ip: {IP}"), WITH_IP, "testnet"),
    Observed("-2015 of spot", 401, _said(-2015, f"{_NOT_PERMITTED}."), NOT_PERMITTED, "api"),
    Observed("-2015 of order/test", 400, _said(-2015, f"{_NOT_PERMITTED}, request ip: {IP}"), WITH_IP, "fapi, 2026-10"),
    Observed("-2015 of listenKey", 401, _said(-2015, f"{_NOT_PERMITTED}, request ip: {IP}"), WITH_IP, "fapi, 2026"),
    Observed("-2014", 401, _said(-2014, "API-key format invalid."), DENIED, "fapi without a key"),
    Observed("-2014 of positionRisk", 401, _said(-2014, "API-key format invalid."), DENIED, "fapi, 2026-09"),
    Observed("-1022", 400, _said(-1022, "Signature for this request is not valid."), DENIED, "sapi"),
    Observed("-2008", 400, _said(-2008, "Invalid Api-Key ID."), DENIED, "sapi, 2026"),
    Observed("-1021 late", 400, _said(-1021, "Timestamp for this request is outside of the recvWindow."), LATE, "api"),
    Observed(
        "-1021 ahead",
        400,
        _said(-1021, "Timestamp for this request was 1000ms ahead of the server's time."),
        AHEAD,
        _BOTH,
        "application/json;charset=utf-8",
        _NGINX,
    ),
    Observed(
        "-1102",
        400,
        _said(-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."),
        REJECTED,
        "fapi",
    ),
    Observed(
        "-1106", 400, _said(-1106, "Parameter 'reduceonly' sent when not required."), REJECTED, "fapi, hedge mode"
    ),
    Observed("-1121", 400, _said(-1121, "Invalid symbol."), REJECTED, "fapi", headers={"x-mbx-used-weight-1m": "1"}),
    Observed("-4061", 400, _said(-4061, "Order's position side does not match user's setting."), REJECTED, "fapi"),
    Observed(
        "-4164 of 5.0",
        400,
        _said(-4164, "Order's notional must be no smaller than 5.0 (unless you choose reduce only)"),
        REJECTED,
        "fapi",
    ),
    Observed(
        "-4164 of 100",
        400,
        _said(-4164, "Order's notional must be no smaller than 100 (unless you choose reduce only)."),
        REJECTED,
        "fapi",
    ),
    Observed(
        "-4120",
        400,
        _said(-4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."),
        REJECTED,
        "fapi order/test, 2026-10",
    ),
    Observed("-4192", 400, _said(-4192, "Trade forbidden due to Cooling-off Period."), BARRED, "fapi"),
    Observed(
        "-4411", 400, _said(-4411, "Please sign TradFi-Perps agreement contract fapi."), UNSIGNED, "freqtrade#12900"
    ),
    Observed("an agreement signed", 200, '{"code":200,"msg":"success"}', STRANGE, "POST /fapi/v1/stock/contract"),
    Observed("-5000", 404, _said(-5000, "Path /fapi/v1/stock/contract, Method GET is invalid"), REJECTED, "testnet"),
    Observed("404 page", 404, NOT_FOUND, STRANGE, "fapi, a wrong path", HTML),
    Observed("404 without a body", 404, "", STRANGE, "demo-fstream, 2026-09"),
    Observed("401 without a body", 401, "", STRANGE, "fapi listenKey without a key"),
    Observed(
        "429 of spot",
        429,
        _said(-1003, f"Too much request weight used; current limit is 1200 request weight per 1 MINUTE. {_POLLING}"),
        LIMITED,
        "api",
    ),
    Observed(
        "429 with an address",
        429,
        _said(-1003, f"Too many requests; current limit of IP({IP}) is 2400 requests per minute. {_POLLING}"),
        LIMITED,
        "fapi, 2021 to 2026",
    ),
    Observed(
        "429 of demo",
        429,
        _said(-1003, f"Too many requests; current limit of IP({IP}) is 6000 requests per minute. {_POLLING}"),
        LIMITED,
        "demo-fapi, 2026",
    ),
    Observed(
        "418",
        418,
        _said(
            -1003,
            f"Way too many requests; IP({IP}) banned until 1615183669840. "
            "Please use the websocket for live updates to avoid bans.",
        ),
        BANNED,
        "fapi",
    ),
    Observed(
        "-1008",
        503,
        _said(-1008, "Server is currently overloaded with other requests. Please try again in a few minutes."),
        TROUBLE,
        "fapi",
    ),
    Observed("-1109 without a period", 400, _said(-1109, "Invalid account"), TROUBLE, "demo-fapi, 2026-06, lasting"),
    Observed("-1109 now and then", 400, _said(-1109, "Invalid account."), TROUBLE, "demo-fapi, 2026"),
    Observed("-1109 in maintenance", 503, _said(-1109, "Invalid account."), TROUBLE, _NOTICE),
    Observed("-1016", 503, _said(-1016, "Service is under maintenance."), TROUBLE, _NOTICE),
    Observed("-1016 with 400", 400, _said(-1016, "Service is under maintenance."), TROUBLE, _NOTICE),
    *(Observed(f"239999 with {status}", status, _MAINTENANCE, TROUBLE, _NOTICE) for status in (200, 400, 503)),
    Observed("502", 502, BAD_GATEWAY, TROUBLE, "testnet", HTML, {"Server": "nginx"}),
    Observed("451", 451, json.dumps({"code": 0, "msg": RESTRICTED}, indent=2), PLACE, _BOTH),
    Observed("403 of the country", 403, COUNTRY, PLACE, "binance.us, python-binance#1413", HTML),
    Observed("403", 403, WAF, WALLED, "api, 2023", "text/html; charset=iso-8859-1", {"Server": "CloudFront"}),
    Observed("202", 202, "", WALLED, "testnet, a WebSocket handshake", HTML, _CHALLENGE),
    Observed(
        "200 without a body",
        200,
        "",
        STRANGE,
        "testnet, only its weight quoted",
        headers={"x-mbx-used-weight-1m": "1"},
    ),
    Observed("101 and silence", 101, "", CUT, "fstream, with a made-up listen key"),
    Observed(
        "101 and an event",
        101,
        f'{{"e":"listenKeyExpired","E":"1693427319838","listenKey":"{TRACE}"}}',
        CUT,
        "fstream, 2023-08",
    ),
    Observed(
        "101 and an answer",
        101,
        '{"id":"p3","status":200,"result":{"serverTime":1789478708818},"rateLimits":[]}',
        CUT,
        "ws-fapi, 2026-09",
    ),
)


@dataclass(frozen=True)
class Cell:
    """One answer on one path, and the expected result of the run."""

    observed: Observed
    endpoint: Endpoint

    @property
    def column(self) -> str:
        return COLUMNS.get(self.endpoint, "advice")

    @property
    def expected(self) -> tuple[str, str]:
        """The expected verdict and first cause."""
        verdict, _, cause = self.observed.meaning[self.column].partition(" ")
        return verdict, cause

    @property
    def settings(self) -> dict[str, str]:
        """The settings with which a run sends this request: symbolConfig is sent only to check a margin type."""
        return {"BINANCE_EXPECT": "isolated"} if self.endpoint == SYMBOL_CONFIG else {}

    @property
    def scenario(self) -> Scenario:
        """The exchange with this answer on the path."""
        usual = SCENARIOS.get(self.column, Scenario())
        return replace(usual, faults={str(self.endpoint): self.observed.fault})

    def __str__(self) -> str:
        return f"{self.observed.name} | {self.endpoint}"


def paths() -> list[Endpoint]:
    """Every request that carries the key."""
    return sorted((one for one in LISTED if one.host is not Host.STREAM and (one.signed or one.keyed)), key=str)


def cells() -> list[Cell]:
    """Each answer on each of these paths; two paths once more with a text that names a person or an account."""
    naming = [naming for one in OBSERVED if (naming := one.names_somebody)]
    whole = [Cell(one, endpoint) for one in OBSERVED for endpoint in paths()]
    return whole + [Cell(one, endpoint) for one in naming for endpoint in (ACCOUNT_CONFIG, ORDER_TEST)]
