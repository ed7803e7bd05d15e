"""Binance's own connectors and this suite understand each other: signatures, requests, answers, for each type of key.

The connectors are in requirements-interop.txt, apart from the other tools: `.ci/run` installs them into an environment
of their own and runs this file there.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from keycheck.credentials.signing import KeySigner, signed_query, signer_of
from keycheck.exchange.endpoints import DEMO_HOSTS, ENVIRONMENTS
from keycheck.settings import loading
from tests.exchange import API_KEY, API_SECRET, LocalExchange, Scenario
from tests.exchange.scenario import Received
from tests.in_process import session
from tests.keys import ED25519, OTHER_ED25519, RSA, Key

_WHY = "Binance's connectors are not installed: pip install --require-hashes -r requirements-interop.txt"
futures_sdk: Any = pytest.importorskip("binance_sdk_derivatives_trading_usds_futures", reason=_WHY)
wallet_sdk: Any = pytest.importorskip("binance_sdk_wallet", reason=_WHY)
common: Any = pytest.importorskip("binance_common.configuration", reason=_WHY)
errors: Any = pytest.importorskip("binance_common.errors", reason=_WHY)

ORDER: dict[str, Any] = {"side": "BUY", "type": "MARKET", "quantity": 0.1}


@dataclass(frozen=True)
class User:
    """A user with a private key of their own, or with a secret from Binance, and the exchange that they use."""

    exchange: LocalExchange
    key: Key | None = None

    @property
    def settings(self) -> dict[str, str]:
        """The user's settings for keycheck."""
        return self.exchange.settings() | (self.key.settings() if self.key else {})

    @property
    def signer(self) -> KeySigner:
        """keycheck's signer for these settings."""
        signer = signer_of(loading.load(Path("no such file"), environ=self.settings).credentials)
        assert signer
        return signer

    @property
    def futures(self) -> Any:
        """Binance's client of the futures host."""
        return futures_sdk.DerivativesTradingUsdsFutures(self._given(self.exchange.futures_url)).rest_api

    @property
    def wallet(self) -> Any:
        """Binance's client of the wallet host."""
        return wallet_sdk.Wallet(self._given(self.exchange.wallet_url)).rest_api

    def _given(self, url: str) -> Any:
        """The user's configuration of a connector, which would speak to Binance without `base_path`."""
        assert urlsplit(url).hostname == "127.0.0.1"
        secret: dict[str, str | None] = {"api_secret": API_SECRET}
        if self.key:
            file = self.settings["BINANCE_PRIVATE_KEY_FILE"]
            secret = {"private_key": file, "private_key_passphrase": self.key.passphrase or None}
        return common.ConfigurationRestAPI(api_key=API_KEY, base_path=url, timeout=5000, retries=0, **secret)

    def asks_everything(self) -> dict[str, Any]:
        """Sends each question of this suite through the connectors; returns their own models of the answers."""
        return {
            "time": self.futures.check_server_time().data(),
            "rules": self.futures.exchange_information().data(),
            "mark price": self.futures.mark_price(symbol="BTCUSDT").data(),
            "account": self.futures.futures_account_configuration().data(),
            "position mode": self.futures.get_current_position_mode(recv_window=5000).data(),
            "order": self.futures.test_order(symbol="BTCUSDT", **ORDER).data(),
            "permissions": self.wallet.get_api_key_permission().data(),
            "account info": self.wallet.account_info().data(),
        }


@pytest.fixture(params=[None, ED25519, RSA], ids=["HMAC", "Ed25519", "RSA"])
def user(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    """A user for each type of key; nothing of theirs leaves this machine."""
    monkeypatch.setenv("NO_PROXY", "*")
    key: Key | None = request.param
    with LocalExchange(Scenario(public_key=key.public if key else None)) as exchange:
        yield User(exchange, key)
        assert not exchange.real_orders


def signed(exchange: LocalExchange) -> list[Received]:
    """The requests that arrived with a signature."""
    return [one for one in exchange.log if "signature" in one.params]


def test_requests_of_the_connectors_are_accepted(user: User) -> None:
    """The exchange accepts each request of Binance's own connectors."""
    user.asks_everything()
    assert [one.status for one in user.exchange.log] == [200] * 8
    assert len(signed(user.exchange)) == 5


def test_requests_of_ours_are_accepted(user: User) -> None:
    """The same exchange accepts keycheck's signed reads and its order."""
    with session(user.exchange, None, **user.settings) as binance:
        assert binance.signed_reads().accepted
        assert binance.smallest_order().accepted
    assert {one.status for one in user.exchange.log} == {200}


def test_queries_are_signed_exactly_as_by_the_connectors(user: User) -> None:
    """The same key, parameters and stamp give the same query to the last byte, percent-encoding included."""
    user.asks_everything()
    for received in signed(user.exchange):
        payload = received.raw_query.rpartition("&signature=")[0]
        assert signed_query(parse_qsl(payload), user.signer) == received.raw_query


def test_foreign_symbols_are_signed_alike(user: User) -> None:
    """A symbol with a Chinese name is signed by both in the same way."""
    user.futures.test_order(symbol="币安人生USDT", **ORDER | {"quantity": 1000})
    (received,) = signed(user.exchange)
    assert received.status == 200
    assert "symbol=%E5%B8%81" in received.raw_query
    payload = received.raw_query.rpartition("&signature=")[0]
    assert signed_query(parse_qsl(payload), user.signer) == received.raw_query


def test_answers_are_understood_by_the_connectors(user: User, caplog: pytest.LogCaptureFixture) -> None:
    """The connectors parse each answer into its model with the declared types; they would log a conversion."""
    with caplog.at_level(logging.WARNING):
        found = user.asks_everything()
    assert [record.getMessage() for record in caplog.records if record.name == "root"] == []
    assert {name: type(data).__name__ for name, data in found.items()} == {
        "time": "CheckServerTimeResponse",
        "rules": "ExchangeInformationResponse",
        "mark price": "MarkPriceResponse",
        "account": "FuturesAccountConfigurationResponse",
        "position mode": "GetCurrentPositionModeResponse",
        "order": "TestOrderResponse",
        "permissions": "GetApiKeyPermissionResponse",
        "account info": "AccountInfoResponse",
    }


def test_both_read_the_same_from_the_answers(user: User) -> None:
    """The facts that decide a verdict are the same in the connectors' models."""
    found = user.asks_everything()
    with session(user.exchange, None, **user.settings) as binance:
        permissions, rules = binance.key_permissions(), binance.symbol_rules()
        assert found["account"].can_trade is binance.account().can_trade is True
        assert found["account"].dual_side_position is False
        assert found["permissions"].enable_futures is permissions.futures is True
        assert found["permissions"].enable_withdrawals is bool(permissions.withdrawals) is False
        assert found["permissions"].ip_restrict is permissions.ip_restricted is True
    (contract,) = [one for one in found["rules"].symbols if one.symbol == "BTCUSDT"]
    assert rules is not None
    assert contract.status == "TRADING"


def test_a_wrong_key_is_refused_to_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature of the wrong private key is refused with -1022, from the connectors and from keycheck."""
    monkeypatch.setenv("NO_PROXY", "*")
    with LocalExchange(Scenario(public_key=OTHER_ED25519.public)) as exchange:
        stranger = User(exchange, ED25519)
        with pytest.raises(errors.BadRequestError):
            stranger.futures.futures_account_configuration()
        with session(exchange, None, **stranger.settings) as binance:
            assert not binance.signed_reads().accepted
        assert {one.code for one in signed(exchange)} == {-1022}


def test_both_know_the_same_hosts() -> None:
    """The hosts of production and the test network are those of Binance's own programs."""
    constants: Any = pytest.importorskip("binance_common.constants")
    assert ENVIRONMENTS["production"] == (
        constants.DERIVATIVES_TRADING_USDS_FUTURES_REST_API_PROD_URL,
        constants.WALLET_REST_API_PROD_URL,
    )
    assert set(DEMO_HOSTS) == {
        constants.DERIVATIVES_TRADING_USDS_FUTURES_REST_API_DEMO_URL,
        constants.DERIVATIVES_TRADING_USDS_FUTURES_REST_API_TESTNET_URL,
    }
