"""The headers each host puts on its answers, and the counters they report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from email.utils import formatdate

from tests.exchange.scenario import Scenario

COOKIE = "session-of-the-local-exchange=invented-cookie-value; Path=/; HttpOnly; SameSite=Lax"
INVENTED_UUID = "00000000-0000-4000-8000-000000000000"


class Meters:
    """The counters of used weight and orders. `spent`: the futures host's weights, each with its monotonic time.

    Used weight restarts every `minute` seconds, as Binance's does every minute. None: never, since tests are short.
    """

    def __init__(self, used_weight: int, minute: float | None = None) -> None:
        """`used_weight`: the first value of the futures host's counter."""
        self.used_weight = self._first = used_weight
        self.spent: list[tuple[float, int]] = []
        self._minute = minute
        self.orders = 0
        self.wallet: Counter[str] = Counter()  # the wallet host counts each path on its own

    def add(self, host: str, path: str, weight: int) -> None:
        """Counts one request."""
        if host == "wallet":
            self.wallet[path] += weight
            return
        now = time.monotonic()
        if self._minute and self.spent and now // self._minute != self.spent[-1][0] // self._minute:
            self.used_weight = self._first
        self.spent.append((now, weight))
        self.used_weight += weight
        self.orders += path.startswith("/fapi/v1/order")


def common(now_ms: int) -> dict[str, str]:
    """Headers of any answer, from the exchange or from a gateway in front of it; Date follows the exchange's clock."""
    return {
        "Date": formatdate(now_ms / 1000, usegmt=True),
        "Server": "nginx",  # on all hosts in 2026; Tengine on the futures host until 2025
        "Set-Cookie": COOKIE,
        "Via": "1.1 invented.cloudfront.net (CloudFront)",
        "X-Cache": "Miss from cloudfront",
    }


def spelt(headers: Mapping[str, str], turn: int) -> dict[str, str]:
    """The headers' names as documented, or in lower case as over HTTP/2, alternately: a client must read both."""
    return {name.lower() if turn % 2 else name: value for name, value in headers.items()}


def from_exchange(host: str, path: str, meters: Meters, scenario: Scenario, *, signed: bool) -> dict[str, str]:
    """Headers that only the exchange itself sets, so not on the error page of a gateway."""
    headers = {"x-response-time": "2ms", "Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
    if host == "wallet":
        used = str(meters.wallet[path])
        return {**headers, "x-mbx-uuid": INVENTED_UUID, "X-SAPI-USED-IP-WEIGHT-1M": used}
    if scenario.weight_header is not None:
        # As on the test network, signed requests have a counter of their own, which may be far higher.
        headers[scenario.weight_header] = str(meters.used_weight + scenario.signed_weight * signed)
    if path.startswith("/fapi/v1/order"):
        headers |= {"X-MBX-ORDER-COUNT-10S": str(meters.orders), "X-MBX-ORDER-COUNT-1M": str(meters.orders)}
    return headers
