"""The only requests that may leave this machine. Everything here reads, or tests an order without placing it.

One opens what it reads: the listen key of the account's stream. None closes a stream (that would be DELETE), for a bot
may be listening to it.

Weights are the documented cost against the limit per IP and minute (USD-M futures and Wallet API pages).
"""

from dataclasses import dataclass
from enum import Enum

MAX_RECV_WINDOW = 60_000  # ms; above it the spot and wallet hosts answer -1131


class Host(Enum):
    """The APIs that a futures key speaks to. The stream's is a WebSocket, on the two paths that are listed for it."""

    FUTURES = "futures"
    WALLET = "wallet"
    STREAM = "stream"


# The number of requests in flight to each host at once, and so the number of open connections. Four to the
# futures host: account, rules, price and listen key, which all that comes later rests on, take one round trip together.
AT_ONCE = {Host.FUTURES: 4, Host.WALLET: 1}


@dataclass(frozen=True)
class Endpoint:
    """One method on one path of one host. `weight`: the request weight of one request.

    `signed`: it carries the key and a signature; `keyed`: the key alone, with neither stamp nor signature.
    """

    host: Host
    method: str
    path: str
    weight: int
    signed: bool = False
    keyed: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


PING = Endpoint(Host.FUTURES, "GET", "/fapi/v1/ping", 1)
TIME = Endpoint(Host.FUTURES, "GET", "/fapi/v1/time", 1)
EXCHANGE_INFO = Endpoint(Host.FUTURES, "GET", "/fapi/v1/exchangeInfo", 1)
PREMIUM_INDEX = Endpoint(Host.FUTURES, "GET", "/fapi/v1/premiumIndex", 1)
ACCOUNT_CONFIG = Endpoint(Host.FUTURES, "GET", "/fapi/v1/accountConfig", 5, signed=True)
POSITION_SIDE = Endpoint(Host.FUTURES, "GET", "/fapi/v1/positionSide/dual", 30, signed=True)
# The documentation states no weight for a test order; an older page says 1, so 1 is budgeted.
ORDER_TEST = Endpoint(Host.FUTURES, "POST", "/fapi/v1/order/test", 1, signed=True)
API_RESTRICTIONS = Endpoint(Host.WALLET, "GET", "/sapi/v1/account/apiRestrictions", 1, signed=True)
# Its weight is 1 with a symbol, and 10 without one.
TRADING_STATUS = Endpoint(Host.FUTURES, "GET", "/fapi/v1/apiTradingStatus", 1, signed=True)
# An array of contracts, filtered by a symbol. Asked only where BINANCE_EXPECT names a margin type.
SYMBOL_CONFIG = Endpoint(Host.FUTURES, "GET", "/fapi/v1/symbolConfig", 5, signed=True)
# Sent only if it can distinguish causes of a refusal: isFutureEnabled, isPortfolioMarginRetailEnabled.
ACCOUNT_INFO = Endpoint(Host.WALLET, "GET", "/sapi/v1/account/info", 1, signed=True)
# Gives a new listen key, or prolongs the present one by 60 minutes.
LISTEN_KEY = Endpoint(Host.FUTURES, "POST", "/fapi/v1/listenKey", 1, keyed=True)
# The two addresses of the user data stream. network/stream.py alone opens them, as user_stream.target() writes them.
# Production, documented: wss://HOST/private/ws?listenKey=<key>&events=<names>, since Binance's notice of 2026-03-06.
USER_STREAM = Endpoint(Host.STREAM, "GET", "/private/ws", 0)
# Demo, observed and not documented: wss://HOST/ws/<key> delivers there (2026-09-22), where /private/stream opens,
# answers pings and delivers nothing. On production it is the other way round (2026-09-30).
DEMO_USER_STREAM = Endpoint(Host.STREAM, "GET", "/ws", 0)

LISTED = frozenset(
    {
        PING,
        TIME,
        EXCHANGE_INFO,
        PREMIUM_INDEX,
        ACCOUNT_CONFIG,
        POSITION_SIDE,
        ORDER_TEST,
        API_RESTRICTIONS,
        ACCOUNT_INFO,
        LISTEN_KEY,
        USER_STREAM,
        DEMO_USER_STREAM,
        TRADING_STATUS,
        SYMBOL_CONFIG,
    }
)

# Futures host and wallet host by environment. The demo network serves no wallet API (it answers 403 there).
ENVIRONMENTS: dict[str, tuple[str, str | None]] = {
    "production": ("https://fapi.binance.com", "https://api.binance.com"),
    "demo": ("https://demo-fapi.binance.com", None),
}
# The user data stream's host and address, by environment.
STREAMS = {"production": "wss://fstream.binance.com", "demo": "wss://fstream.binancefuture.com"}
USER_STREAMS = {"production": USER_STREAM, "demo": DEMO_USER_STREAM}
# Request weight per minute and address, until a run has read it itself: the documentation leaves it to exchangeInfo
# (rateLimits, REQUEST_WEIGHT); demo's was measured once.
WEIGHT_LIMITS = {"production": 2400, "demo": 6000}
DEMO_HOSTS = ("https://demo-fapi.binance.com", "https://testnet.binancefuture.com")  # two names of one backend
