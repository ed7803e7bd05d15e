"""The paths that a run requests, each with the scenario in which it does."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.exchange import Scenario
from tests.exchange.answers import Answer
from tests.faults.spoiling import Change


@dataclass(frozen=True)
class Field:
    """A field that keycheck reads: `symbols[BTCUSDT].status`, where [X] is the member that begins with X.

    `decides`: whether a verdict needs it. `unless`: changes after which the verdict is the same, because another field
    or answer has the fact as well.
    """

    where: str
    example: Any  # a healthy value
    decides: bool = True
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Path:
    """A path that runs request, one row of the fault table. `verdict`: that of a run without a fault.

    `scenario`, `settings`: the exchange and the settings with which a run requests the path. Paths with the same
    scenario have the same settings. `decides`: whether a verdict needs the answer. `odd`: faults, by name, that only
    this answer can have; each makes it unreadable.
    """

    method: str
    path: str
    fields: tuple[Field, ...] = ()
    scenario: Scenario = field(default_factory=Scenario)
    verdict: str = "OK"
    decides: bool = True
    odd: Mapping[str, Change] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The key of this path in a fault plan."""
        return f"{self.method} {self.path}".strip()

    @property
    def name(self) -> str:
        """The path's short name in tables."""
        return self.path.rpartition("/v1/")[2]


def _document(change: Callable[[Any], Any]) -> Change:
    """A change of the answer's JSON. `change` changes it in place, or returns another."""

    def changed(due: Answer) -> Answer:
        document = json.loads(due.body)
        return replace(due, body=json.dumps(change(document) or document).encode())

    return changed


def _btcusdt(info: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in info["symbols"] if one["symbol"] == "BTCUSDT")
    return found


def _again(**changes: Any) -> Change:
    """Lists the contract once more, after all others."""
    return _document(lambda info: info["symbols"].append(_btcusdt(info) | changes))


def _second(kind: str, **changes: str) -> Change:
    """Gives the contract one more filter of this kind, before the others."""

    def change(info: dict[str, Any]) -> None:
        filters = _btcusdt(info)["filters"]
        filters.insert(0, next(one for one in filters if one["filterType"] == kind) | changes)

    return _document(change)


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
            # With these changes only LOT_SIZE decides: this filter then has no step, or one so small that it divides
            # every step of LOT_SIZE.
            Field(
                "symbols[BTCUSDT].filters[MARKET_LOT_SIZE].stepSize", "0.001", unless=("missing", "zero", "tiny figure")
            ),
            Field("symbols[BTCUSDT].filters[MIN_NOTIONAL].notional", "50"),
            Field("rateLimits[REQUEST_WEIGHT].limit", 2400, decides=False),
        ),
        odd={
            "the contract twice": _again(),
            "the contract twice, once closed": _again(status="CLOSE"),
            "two MIN_NOTIONAL": _second("MIN_NOTIONAL", notional="5"),
            "two LOT_SIZE": _second("LOT_SIZE", stepSize="1"),
            "two MARKET_LOT_SIZE": _second("MARKET_LOT_SIZE", maxQty="0.001"),
        },
    ),
    Path(
        "GET",
        "/fapi/v1/premiumIndex",
        (Field("markPrice", "41250.00000000"), Field("symbol", "BTCUSDT")),
        odd={
            "another contract": _document(lambda price: price | {"symbol": "ETHUSDT", "markPrice": "2280.35"}),
            "all contracts": _document(lambda price: [price, price | {"symbol": "ETHUSDT"}]),
        },
    ),
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
        "/fapi/v1/symbolConfig",
        (Field("symbol", "BTCUSDT", decides=False), Field("marginType", "CROSSED", decides=False)),
        Scenario(name="a margin type is expected", symbol_config_is_a_list=False),
        decides=False,
        settings={"BINANCE_EXPECT": "cross"},
    ),
    Path(
        "GET",
        "/fapi/v1/positionSide/dual",
        (Field("dualSidePosition", False),),
        Scenario(account={"dualSidePosition": None}),
    ),
)
