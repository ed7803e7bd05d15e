"""The paths that a run asks, each in the scenario in which it does."""

from dataclasses import dataclass, field
from typing import Any

from tests.exchange import Scenario


@dataclass(frozen=True)
class Field:
    """A field that keycheck reads: `symbols[BTCUSDT].status`, where [X] is the member that begins with X.

    `decides`: whether a verdict needs it. `unless`: changes of it after which another answer tells the same.
    """

    where: str
    example: Any  # a healthy value
    decides: bool = True
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Path:
    """One row of requests. `scenario`: the exchange that is asked for it, and its verdict if nothing else is wrong.

    `decides`: whether a verdict needs any of its answer.
    """

    method: str
    path: str
    fields: tuple[Field, ...] = ()
    scenario: Scenario = field(default_factory=Scenario)
    verdict: str = "OK"
    decides: bool = True

    @property
    def key(self) -> str:
        """As a fault plan names it."""
        return f"{self.method} {self.path}".strip()

    @property
    def name(self) -> str:
        """Short, for a table."""
        return self.path.rpartition("/v1/")[2]


EVERYWHERE = Path("", "*")
PING = Path("GET", "/fapi/v1/ping")
ORDER_TEST = Path("POST", "/fapi/v1/order/test", (Field("code", -4164), Field("msg", "text", decides=False)))

PATHS = (
    PING,
    Path("GET", "/fapi/v1/time", (Field("serverTime", 1790000000000),)),
    Path(
        "GET",
        "/fapi/v1/exchangeInfo",
        (
            Field("symbols", []),
            Field("symbols[BTCUSDT].status", "TRADING"),
            Field("symbols[BTCUSDT].filters", []),
            Field("symbols[BTCUSDT].filters[MARKET_LOT_SIZE].stepSize", "0.001", unless=("missing", "zero")),
            Field("symbols[BTCUSDT].filters[MIN_NOTIONAL].notional", "50"),
            Field("rateLimits[REQUEST_WEIGHT].limit", 2400, decides=False),
        ),
    ),
    Path("GET", "/fapi/v1/premiumIndex", (Field("markPrice", "41250.00000000"),)),
    Path(
        "GET",
        "/fapi/v1/accountConfig",
        (Field("canTrade", True), Field("dualSidePosition", False, unless=("missing",))),
    ),
    Path(
        "GET",
        "/sapi/v1/account/apiRestrictions",
        (
            Field("enableFutures", True),
            Field("enableWithdrawals", False),
            Field("ipRestrict", True, decides=False),
            Field("createTime", 1790000000000, decides=False),
            Field("permitsUniversalTransfer", False, decides=False),
        ),
    ),
    Path(
        "GET",
        "/fapi/v1/apiTradingStatus",
        (Field("indicators", {"BTCUSDT": []}, decides=False),),
        Scenario(indicators={"BTCUSDT": [{"indicator": "UFR", "isLocked": False, "plannedRecoverTime": 0}]}),
        decides=False,
    ),
    Path(
        "GET",
        "/sapi/v1/account/info",
        (Field("isFutureEnabled", True, decides=False), Field("isPortfolioMarginRetailEnabled", False, decides=False)),
        Scenario(futures_refuses=True),
        "NOT_OK",
    ),
    ORDER_TEST,
    Path(
        "GET",
        "/fapi/v1/positionSide/dual",
        (Field("dualSidePosition", False),),
        Scenario(account={"dualSidePosition": None}),
    ),
)
