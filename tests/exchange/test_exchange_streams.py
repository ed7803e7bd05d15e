"""The local exchange's stream, as a client other than keycheck sees it."""

import contextlib
from dataclasses import replace

import pytest
import requests
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.exchange import API_KEY, LISTEN_KEY, LocalExchange, Scenario, StreamFault
from tests.exchange.scenario import invented_credential
from tests.exchange.streams import MUTE_ON_DEMO

ASKED = "/fapi/v1/listenKey"


PRODUCTION = "/private/ws?listenKey={}&events=ORDER_TRADE_UPDATE/ACCOUNT_UPDATE"
ADDRESSES = (PRODUCTION, "/private/ws/{}", "/private/stream?streams={}", "/ws/{}")
DEMO = Scenario(mute_streams=MUTE_ON_DEMO)


def address(exchange: LocalExchange, listen_key: str = LISTEN_KEY, form: str = PRODUCTION) -> str:
    """The address of the stream with this listen key."""
    return exchange.stream_url + form.format(listen_key)


def close_code(exchange: LocalExchange) -> int | None:
    """The code with which a stream is closed at once."""
    with connect(address(exchange), proxy=None) as stream, pytest.raises(ConnectionClosedError):
        stream.recv(timeout=5)
    return stream.close_code


def listen_key_answer(exchange: LocalExchange, key: str | None, method: str = "POST") -> requests.Response:
    """The answer to a request for a listen key."""
    headers = {"X-MBX-APIKEY": key} if key else {}
    return requests.request(method, exchange.futures_url + ASKED, headers=headers, timeout=5)


def test_a_key_is_given_the_same_listen_key_for_an_hour(exchange: LocalExchange) -> None:
    """The request for a listen key needs no signature, and gives the same listen key for an hour."""
    assert [listen_key_answer(exchange, API_KEY).json() for _ in range(2)] == [{"listenKey": LISTEN_KEY}] * 2


@pytest.mark.parametrize(
    ("key", "code"), [(None, -2014), ("short", -2014), (invented_credential("a stranger's key"), -2015)]
)
def test_an_unknown_key_gets_no_listen_key(exchange: LocalExchange, key: str | None, code: int) -> None:
    """An unknown key gets no listen key: -2014 or -2015, as from every other endpoint."""
    answer = listen_key_answer(exchange, key)
    assert (answer.status_code, answer.json()["code"]) == (401, code)


def test_an_address_that_is_not_listed_is_given_none() -> None:
    """A refused address gets no listen key, nor does a key that the futures host refuses."""
    for scenario in (Scenario(ip_allowed=False), Scenario(futures_refuses=True)):
        with LocalExchange(scenario) as exchange:
            assert listen_key_answer(exchange, API_KEY).json()["code"] == -2015


@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET"])
def test_nothing_else_is_served_there(exchange: LocalExchange, method: str) -> None:
    """Other methods get -5000, so that a test notices a client that closes or prolongs a stream."""
    assert listen_key_answer(exchange, API_KEY, method).json()["code"] == -5000


@pytest.mark.parametrize("listen_key", [LISTEN_KEY, "a" * 64, "nobody"], ids=["given", "made up", "short"])
@pytest.mark.parametrize("form", ADDRESSES)
@pytest.mark.parametrize("scenario", [Scenario(), DEMO], ids=["production", "demo"])
def test_any_listen_key_opens_a_stream_that_pongs(scenario: Scenario, form: str, listen_key: str) -> None:
    """A made-up listen key looks like a good one: no status, close or message gives the difference away."""
    with LocalExchange(scenario) as exchange:
        with connect(address(exchange, listen_key, form), proxy=None) as stream:
            assert stream.ping().wait(5)
            with pytest.raises(TimeoutError):
                stream.recv(timeout=0.05)
        assert len(exchange.streams) == 1
        assert exchange.log == []


DELIVERED = {
    "production": (Scenario(), [True, True, True, False]),
    "demo": (DEMO, [False, False, False, True]),
}


@pytest.mark.parametrize(("scenario", "delivered"), DELIVERED.values(), ids=DELIVERED)
def test_a_mute_address_opens_and_delivers_nothing(scenario: Scenario, delivered: list[bool]) -> None:
    """A mute address opens and pongs like one that delivers, but sends neither messages nor answers."""
    with LocalExchange(replace(scenario, stream=StreamFault.message("hello"))) as exchange:
        for form, is_delivered in zip(ADDRESSES, delivered, strict=True):
            with connect(address(exchange, form=form), proxy=None) as stream:
                stream.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
                assert stream.ping().wait(5)
                assert messages_before_pong(stream) == (["hello", '{"result":[],"id":1}'] if is_delivered else [])


def messages_before_pong(stream: ClientConnection) -> list[str | bytes]:
    """All messages that come before a pong."""
    found = []
    with contextlib.suppress(TimeoutError):
        while True:
            found.append(stream.recv(timeout=0))
    return found


def test_a_made_up_listen_key_is_delivered_nothing(exchange: LocalExchange) -> None:
    """Events of an account are sent only to the listen key that was given out."""
    exchange.scenario = Scenario(stream=StreamFault.message("hello"))
    with connect(address(exchange, "a" * 64), proxy=None) as stream:
        assert stream.ping().wait(5)
        assert messages_before_pong(stream) == []


@pytest.mark.parametrize("path", ["/", "/ws", "/ws/a/b", "/stream?streams=x", "/private/", "/ws-fapi/v1"])
def test_no_other_path_opens_a_stream(exchange: LocalExchange, path: str) -> None:
    """Any other path is refused in the handshake."""
    with pytest.raises(InvalidStatus), connect(exchange.stream_url + path, proxy=None):
        pass


def test_a_challenge_is_the_firewalls(exchange: LocalExchange) -> None:
    """A challenge is the firewall's: 202 with its header and an empty body."""
    exchange.scenario = Scenario(stream=StreamFault.challenge())
    with pytest.raises(InvalidStatus) as caught, connect(address(exchange), proxy=None):
        pass
    found = caught.value.response
    assert (found.status_code, found.headers["x-amzn-waf-action"], found.body) == (202, "challenge", b"")


def test_each_stream_fault_does_what_its_name_says() -> None:
    """Each fault does what its name says: a close with its code, a message, silence."""
    with LocalExchange(Scenario(stream=StreamFault.closed(1008, "no"))) as exchange:
        assert close_code(exchange) == 1008
        exchange.scenario = Scenario(stream=StreamFault.message("hello {listen_key}"))
        with connect(address(exchange), proxy=None) as stream:
            assert stream.recv(timeout=5) == f"hello {LISTEN_KEY}"
        exchange.scenario = Scenario(stream=StreamFault.silent())
        with connect(address(exchange), proxy=None, close_timeout=0.1) as stream:
            assert not stream.ping().wait(0.1)
