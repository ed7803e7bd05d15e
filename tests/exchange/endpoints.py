"""The paths of each host, with their weight, their security type and their healthy answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.exchange import market, orders, pages
from tests.exchange.answers import HTML, Answer, document, refused
from tests.exchange.gatekeeper import Security, SignedRequest, inspect
from tests.exchange.refusals import refusal
from tests.exchange.scenario import LISTEN_KEY, Scenario, overlay

ACCOUNT_CONFIG = {
    "feeTier": 0,
    "canTrade": True,
    "canDeposit": True,
    "canWithdraw": True,
    "dualSidePosition": False,
    "updateTime": 1785994733025,
    "multiAssetsMargin": False,
    "tradeGroupId": -1,
}
# The permissions of a careful owner's key: futures and reading, one address, nothing else.
API_RESTRICTIONS = {
    "ipRestrict": True,
    "enableReading": True,
    "enableFutures": True,
    "enableSpotAndMarginTrading": False,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "permitsUniversalTransfer": False,
    "enableVanillaOptions": False,
    "enablePortfolioMarginTrading": False,
    "enableFixApiTrade": False,
    "enableFixReadOnly": False,
    "enableMargin": False,
}
SYMBOL_CONFIG = {"isAutoAddMargin": "false", "leverage": 20, "maxNotionalValue": "40000000"}
KEY_AGE_MS = 131 * 86_400_000
ACCOUNT_INFO = {
    "vipLevel": 0,
    "isMarginEnabled": True,
    "isFutureEnabled": True,
    "isOptionsEnabled": True,
    "isPortfolioMarginRetailEnabled": False,
}
TEST_ORDER_PATH = "/fapi/v1/order/test"
ORDER_PATH = "/fapi/v1/order"


@dataclass(frozen=True)
class Call:
    """A request that is being answered; now_ms is the exchange's clock in epoch milliseconds."""

    host: str
    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    query: bytes
    body: bytes
    scenario: Scenario = field(default_factory=Scenario)
    now_ms: int = 0


@dataclass(frozen=True)
class Endpoint:
    """A path under one method."""

    answer: Callable[[Call], Answer]
    weight: int = 1  # IP weight, per the endpoint's documentation
    security: Security = Security.NONE


def _exchange_info(call: Call) -> Answer:
    listing = market.market(call.scenario.symbol_overrides)
    if "gzip" in call.headers.get("accept-encoding", "").lower():
        return Answer(body=listing.packed, headers={"Content-Encoding": "gzip", "Vary": "Accept-Encoding"})
    return Answer(body=listing.body)


def _premium_index(call: Call) -> Answer:
    listing = market.market(call.scenario.symbol_overrides)
    prices = call.scenario.mark_prices
    if "symbol" not in call.params:
        return document([market.premium_index(name, prices, call.now_ms) for name in listing.names()])
    if listing.find(call.params["symbol"]) is None:
        return refused(refusal(-1121))
    return document(market.premium_index(call.params["symbol"], prices, call.now_ms))


def _api_restrictions(call: Call) -> Answer:
    usual = {**API_RESTRICTIONS, "createTime": call.now_ms - KEY_AGE_MS}
    return document(overlay(usual, call.scenario.permissions))


def _trading_status(call: Call) -> Answer:
    """Indicators of the quantitative rules; an account that has hardly traded has none."""
    return document({"indicators": dict(call.scenario.indicators), "updateTime": call.now_ms})


def _account_config(call: Call) -> Answer:
    return document(overlay(ACCOUNT_CONFIG, call.scenario.account))


def _position_mode(call: Call) -> Answer:
    return document({"dualSidePosition": bool(call.scenario.account.get("dualSidePosition", False))})


def _symbol_config(call: Call) -> Answer:
    listing, types = market.market(call.scenario.symbol_overrides), call.scenario.margin_types
    names = [call.params["symbol"]] if "symbol" in call.params else listing.names()
    if any(listing.find(name) is None for name in names):
        return refused(refusal(-1121))
    each = [{**SYMBOL_CONFIG, "symbol": name, "marginType": types.get(name, "CROSSED")} for name in names]
    return document(each if call.scenario.symbol_config_is_a_list or len(each) > 1 else each[0])


def _order(call: Call) -> Answer:
    no = orders.judge(call.params, call.scenario, is_test=call.path == TEST_ORDER_PATH)
    return refused(no) if no else document(orders.ACCEPTED)


ENDPOINTS = {
    ("futures", "/fapi/v1/ping"): {"GET": Endpoint(lambda _: document({}))},
    ("futures", "/fapi/v1/time"): {"GET": Endpoint(lambda call: document({"serverTime": call.now_ms}))},
    ("futures", "/fapi/v1/exchangeInfo"): {"GET": Endpoint(_exchange_info)},
    ("futures", "/fapi/v1/premiumIndex"): {"GET": Endpoint(_premium_index)},
    ("futures", "/fapi/v1/accountConfig"): {"GET": Endpoint(_account_config, 5, Security.USER_DATA)},
    ("futures", "/fapi/v1/symbolConfig"): {"GET": Endpoint(_symbol_config, 5, Security.USER_DATA)},
    ("futures", "/fapi/v1/positionSide/dual"): {"GET": Endpoint(_position_mode, 30, Security.USER_DATA)},
    ("futures", "/fapi/v1/apiTradingStatus"): {"GET": Endpoint(_trading_status, 1, Security.USER_DATA)},
    ("futures", TEST_ORDER_PATH): {"POST": Endpoint(_order, 1, Security.TRADE)},
    ("futures", "/fapi/v1/listenKey"): {
        "POST": Endpoint(lambda _: document({"listenKey": LISTEN_KEY}), 1, Security.USER_STREAM)
    },
    ("futures", ORDER_PATH): {"POST": Endpoint(_order, 0, Security.TRADE)},
    ("wallet", "/sapi/v1/account/apiRestrictions"): {"GET": Endpoint(_api_restrictions, 1, Security.USER_DATA)},
    ("wallet", "/sapi/v1/account/info"): {
        "GET": Endpoint(lambda call: document(overlay(ACCOUNT_INFO, call.scenario.account_info)), 1, Security.USER_DATA)
    },
}


def respond(call: Call) -> tuple[Answer, int]:
    """Answers a call, and returns its request weight, too.

    An unknown path gets the HTML page that production shows. A known path with a wrong method gets the JSON with -5000
    that was seen on the test network.
    """
    methods = ENDPOINTS.get((call.host, call.path))
    if methods is None:
        return Answer(404, pages.NOT_FOUND.encode(), HTML), 0
    endpoint = methods.get(call.method)
    if endpoint is None:
        return refused(refusal(-5000, call.path, call.method)), 1
    if endpoint.security is not Security.NONE:
        signed = SignedRequest(call.host, endpoint.security, call.query, call.body, call.headers)
        no = inspect(signed, call.scenario, call.now_ms)
        if no:
            return refused(no), endpoint.weight
    return endpoint.answer(call), endpoint.weight
