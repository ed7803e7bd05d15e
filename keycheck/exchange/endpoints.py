"""The only requests that may be sent. They read, open the user data stream, or test an order without placing it.

No request closes the account's user data stream (DELETE), because a bot may be listening to it.

A weight is the number of points that a request uses of the limit per IP address and minute, as documented (USD-M
futures and Wallet API pages).
"""

from dataclasses import dataclass
from enum import Enum

MAX_RECV_WINDOW = 60_000  # ms; above it the spot and wallet hosts answer -1131


class Host(Enum):
    """The APIs that a futures key is used with. STREAM is a WebSocket, opened on the two paths listed below."""

    FUTURES = "futures"
    WALLET = "wallet"
    STREAM = "stream"


# The most concurrent requests to each host, and the most connections that stay open. Four for the futures host, so that
# the requests that all others need take one round trip: account, rules, price and listen key.
AT_ONCE = {Host.FUTURES: 4, Host.WALLET: 1}


@dataclass(frozen=True)
class Endpoint:
    """One method on one path of one host. `weight`: its cost, in request weight.

    `signed`: it carries the key, a time stamp and a signature; `keyed`: it carries only the key.
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
# The weight is 1 with a symbol, and 10 without.
TRADING_STATUS = Endpoint(Host.FUTURES, "GET", "/fapi/v1/apiTradingStatus", 1, signed=True)
# Returns an array of contracts, filtered by a symbol. Sent only if BINANCE_EXPECT names a margin type.
SYMBOL_CONFIG = Endpoint(Host.FUTURES, "GET", "/fapi/v1/symbolConfig", 5, signed=True)
# Sent only if it can tell causes of a refusal apart, by isFutureEnabled and isPortfolioMarginRetailEnabled.
ACCOUNT_INFO = Endpoint(Host.WALLET, "GET", "/sapi/v1/account/info", 1, signed=True)
# Returns a new listen key, or prolongs the existing one by 60 minutes and returns that.
LISTEN_KEY = Endpoint(Host.FUTURES, "POST", "/fapi/v1/listenKey", 1, keyed=True)
# The two paths of the user data stream. Only network/stream.py opens them; user_stream.target() adds the listen key.
# Production, documented: wss://HOST/private/ws?listenKey=<key>&events=<names>, since Binance's notice of 2026-03-06.
USER_STREAM = Endpoint(Host.STREAM, "GET", "/private/ws", 0)
# Demo, observed and not documented: wss://HOST/ws/<key> delivers events there (2026-09-22), while /private/stream
# opens and answers pings, but delivers nothing. Production is the other way round (2026-09-30).
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
# The user data stream's host and its endpoint, by environment.
STREAMS = {"production": "wss://fstream.binance.com", "demo": "wss://fstream.binancefuture.com"}
USER_STREAMS = {"production": USER_STREAM, "demo": DEMO_USER_STREAM}
# The limit of request weight per minute and IP address, used until a run has read it from exchangeInfo (rateLimits,
# REQUEST_WEIGHT). The documentation gives no number; demo's was measured once.
WEIGHT_LIMITS = {"production": 2400, "demo": 6000}
DEMO_HOSTS = ("https://demo-fapi.binance.com", "https://testnet.binancefuture.com")  # one backend, two names
