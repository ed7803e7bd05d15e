"""A local exchange that behaves as Binance USD-M futures do, for testing without Binance.

    with LocalExchange(Scenario(ip_allowed=False)) as exchange:
        requests.get(exchange.futures_url + "/fapi/v1/time", timeout=1)

It serves real HTTP and a WebSocket on 127.0.0.1, keeps a log of all it receives and misbehaves on demand (see Fault).
"""

from tests.exchange.faults import Fault
from tests.exchange.scenario import API_KEY, API_SECRET, LISTEN_KEY, Received, Scenario
from tests.exchange.scenarios import SCENARIOS
from tests.exchange.server import LocalExchange
from tests.exchange.streams import StreamFault

__all__ = [
    "API_KEY",
    "API_SECRET",
    "LISTEN_KEY",
    "SCENARIOS",
    "Fault",
    "LocalExchange",
    "Received",
    "Scenario",
    "StreamFault",
]
