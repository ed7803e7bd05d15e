"""The seven steps with python-binance; the hosts and the key come from the environment."""

import os

from binance.client import Client

# ping=False: otherwise the constructor sends a ping to the spot host.
client = Client(os.environ["BINANCE_API_KEY"], os.environ["BINANCE_API_SECRET"], ping=False)
client.FUTURES_URL = os.environ["BINANCE_FUTURES_URL"] + "/fapi"
client.MARGIN_API_URL = os.environ["BINANCE_WALLET_URL"] + "/sapi"

assert client.futures_ping() == {}
assert client.futures_time()["serverTime"] > 0
assert client.get_account_api_permissions()["enableFutures"] is True
assert client.futures_account_config()["canTrade"] is True
assert client.futures_get_position_mode()["dualSidePosition"] is False
rules = client.futures_exchange_info()
assert any(one["symbol"] == "BTCUSDT" and one["status"] == "TRADING" for one in rules["symbols"])
order = {"symbol": "BTCUSDT", "side": "BUY", "positionSide": "BOTH", "type": "MARKET", "quantity": "0.002"}
assert client.futures_create_test_order(**order)["orderId"] == 0
print("python-binance: seven steps")
