"""The local exchange's stream, as another client than ours meets it."""

import json

import pytest
import requests
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from tests.exchange import API_KEY, LISTEN_KEY, LocalExchange, Scenario, StreamFault
from tests.exchange.scenario import invented_credential

ASKED = "/fapi/v1/listenKey"


def address(exchange: LocalExchange, listen_key: str = LISTEN_KEY, path: str = "/private/stream") -> str:
    """Where a listen key is listened to."""
    return f"{exchange.stream_url}{path}?streams={listen_key}"


def close_code(exchange: LocalExchange) -> int | None:
    """With which a stream is closed at once."""
    with connect(address(exchange), proxy=None) as stream, pytest.raises(ConnectionClosedError):
        stream.recv(timeout=5)
    return stream.close_code


def asked(exchange: LocalExchange, key: str | None, method: str = "POST") -> requests.Response:
    """What a wish to listen is told."""
    headers = {"X-MBX-APIKEY": key} if key else {}
    return requests.request(method, exchange.futures_url + ASKED, headers=headers, timeout=5)


def test_a_key_is_given_the_same_listen_key_for_an_hour(exchange: LocalExchange) -> None:
    """No signature is needed."""
    assert [asked(exchange, API_KEY).json() for _ in range(2)] == [{"listenKey": LISTEN_KEY}] * 2


@pytest.mark.parametrize(
    ("key", "code"), [(None, -2014), ("short", -2014), (invented_credential("a stranger's key"), -2015)]
)
def test_a_stranger_is_given_none(exchange: LocalExchange, key: str | None, code: int) -> None:
    """As at every other door."""
    answer = asked(exchange, key)
    assert (answer.status_code, answer.json()["code"]) == (401, code)


def test_an_address_that_is_not_listed_is_given_none() -> None:
    """Nor is a key that the futures host refuses."""
    for scenario in (Scenario(ip_allowed=False), Scenario(futures_refuses=True)):
        with LocalExchange(scenario) as exchange:
            assert asked(exchange, API_KEY).json()["code"] == -2015


@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET"])
def test_nothing_else_is_served_there(exchange: LocalExchange, method: str) -> None:
    """Whoever closes a stream is found out."""
    assert asked(exchange, API_KEY, method).json()["code"] == -5000


def test_a_listen_key_opens_a_stream_that_pongs(exchange: LocalExchange) -> None:
    """And that says nothing while nothing happens."""
    with connect(address(exchange), proxy=None) as stream:
        assert stream.ping().wait(5)
        with pytest.raises(TimeoutError):
            stream.recv(timeout=0.05)
    (one,) = exchange.streams
    assert (one.path, one.params) == ("/private/stream", {"streams": LISTEN_KEY})
    assert exchange.log == []


def test_another_listen_key_is_told_so(exchange: LocalExchange) -> None:
    """In a message."""
    with connect(address(exchange, "nobody"), proxy=None) as stream:
        assert json.loads(stream.recv(timeout=5))["e"] == "error"


def test_there_is_one_path(exchange: LocalExchange) -> None:
    """Of streams."""
    with pytest.raises(InvalidStatus), connect(address(exchange, path="/ws"), proxy=None):
        pass


def test_a_fault_is_what_it_says() -> None:
    """A close with its code, a message, silence."""
    with LocalExchange(Scenario(stream=StreamFault.closed(1008, "no"))) as exchange:
        assert close_code(exchange) == 1008
        exchange.scenario = Scenario(stream=StreamFault.told("hello {listen_key}"))
        with connect(address(exchange), proxy=None) as stream:
            assert stream.recv(timeout=5) == f"hello {LISTEN_KEY}"
        exchange.scenario = Scenario(stream=StreamFault.silent())
        with connect(address(exchange), proxy=None, close_timeout=0.1) as stream:
            assert not stream.ping().wait(0.1)
