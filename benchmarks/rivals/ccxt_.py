"""The seven steps with ccxt; the hosts and the key come from the environment."""

import os

import ccxt

exchange = ccxt.binanceusdm(
    {
        "apiKey": os.environ["BINANCE_API_KEY"],
        "secret": os.environ["BINANCE_API_SECRET"],
        "enableRateLimit": False,  # otherwise ccxt sleeps between requests
    }
)
# By path: load_markets() would ask for more than the rules, and make every symbol into an object of its own.
urls = exchange.urls["api"]
urls["fapiPublic"] = urls["fapiPrivate"] = os.environ["BINANCE_FUTURES_URL"] + "/fapi/v1"
urls["sapi"] = os.environ["BINANCE_WALLET_URL"] + "/sapi/v1"

assert exchange.fapiPublicGetPing() == {}
assert int(exchange.fapiPublicGetTime()["serverTime"]) > 0
assert exchange.sapiGetAccountApiRestrictions()["enableFutures"] is True
assert exchange.fapiPrivateGetAccountConfig()["canTrade"] is True
assert exchange.fapiPrivateGetPositionSideDual()["dualSidePosition"] is False
rules = exchange.fapiPublicGetExchangeInfo()
assert any(one["symbol"] == "BTCUSDT" and one["status"] == "TRADING" for one in rules["symbols"])
order = {"symbol": "BTCUSDT", "side": "BUY", "positionSide": "BOTH", "type": "MARKET", "quantity": "0.002"}
assert int(exchange.fapiPrivatePostOrderTest(order)["orderId"]) == 0
print("ccxt: seven steps")
