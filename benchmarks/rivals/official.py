"""The seven steps with Binance's own connectors; the hosts and the key come from the environment."""

import os
from typing import Any

from binance_common.configuration import ConfigurationRestAPI
from binance_sdk_derivatives_trading_usds_futures import DerivativesTradingUsdsFutures
from binance_sdk_wallet import Wallet


def settings(url: str) -> Any:
    """A connector's configuration: no retries, since a request that is sent twice spoils the measurement."""
    key, secret = os.environ["BINANCE_API_KEY"], os.environ["BINANCE_API_SECRET"]
    return ConfigurationRestAPI(api_key=key, api_secret=secret, base_path=os.environ[url], timeout=10_000, retries=0)


futures = DerivativesTradingUsdsFutures(settings("BINANCE_FUTURES_URL")).rest_api  # each keeps a connection open
wallet = Wallet(settings("BINANCE_WALLET_URL")).rest_api

assert futures.test_connectivity().data() == {}
assert futures.check_server_time().data().server_time > 0
assert wallet.get_api_key_permission().data().enable_futures is True
assert futures.futures_account_configuration().data().can_trade is True
assert futures.get_current_position_mode().data().dual_side_position is False
# This method returns objects. send_request() would return plain dictionaries, but raises a TypeError in 18.0.1.
rules = futures.exchange_information().data()
assert any(one.symbol == "BTCUSDT" and one.status == "TRADING" for one in rules.symbols)
order = futures.test_order(symbol="BTCUSDT", side="BUY", position_side="BOTH", type="MARKET", quantity=0.002)
assert order.data().order_id == 0
print("official connectors: seven steps")
