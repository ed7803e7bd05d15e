"""The list of requests is short, and nothing on it moves money."""

import re

import pytest

from keycheck.exchange import endpoints
from keycheck.exchange.endpoints import (
    AT_ONCE,
    DEMO_HOSTS,
    DEMO_USER_STREAM,
    ENVIRONMENTS,
    LISTED,
    STREAMS,
    USER_STREAM,
    USER_STREAMS,
    Endpoint,
    Host,
)

DEFINED = [value for value in vars(endpoints).values() if isinstance(value, Endpoint)]


def test_everything_defined_is_listed() -> None:
    """LISTED holds each endpoint that has a name in the module, and no other."""
    assert set(DEFINED) == LISTED
    assert len(DEFINED) == len(LISTED)


@pytest.mark.parametrize("endpoint", DEFINED, ids=str)
def test_everything_reads_or_tests(endpoint: Endpoint) -> None:
    """All are GETs, except two POSTs: a test order, and a listen key. None closes a stream."""
    assert endpoint.method == "GET" or str(endpoint) in ("POST /fapi/v1/order/test", "POST /fapi/v1/listenKey")


@pytest.mark.parametrize(
    ("request_line", "weight", "signed"),
    [
        ("GET /fapi/v1/ping", 1, False),
        ("GET /fapi/v1/time", 1, False),
        ("GET /fapi/v1/exchangeInfo", 1, False),
        ("GET /fapi/v1/premiumIndex", 1, False),
        ("GET /fapi/v1/accountConfig", 5, True),
        ("GET /fapi/v1/positionSide/dual", 30, True),
        ("POST /fapi/v1/order/test", 1, True),
        ("GET /fapi/v1/apiTradingStatus", 1, True),
        ("GET /fapi/v1/symbolConfig", 5, True),
        ("GET /sapi/v1/account/apiRestrictions", 1, True),
        ("GET /sapi/v1/account/info", 1, True),
        ("POST /fapi/v1/listenKey", 1, False),
        ("GET /private/ws", 0, False),
        ("GET /ws", 0, False),
    ],
)
def test_weights_and_signatures_are_the_documented_ones(request_line: str, weight: int, signed: bool) -> None:
    """The weights are those of the USD-M futures and Wallet API pages; no page has the test order's: 1 is assumed."""
    found = [endpoint for endpoint in DEFINED if str(endpoint) == request_line]
    assert [(endpoint.weight, endpoint.signed) for endpoint in found] == [(weight, signed)]


@pytest.mark.parametrize("endpoint", DEFINED, ids=str)
def test_a_path_belongs_to_its_host(endpoint: Endpoint) -> None:
    """/fapi is the futures API and /sapi the wallet API; a stream's path ends in /ws."""
    places = {Host.FUTURES: r"/fapi/.+", Host.WALLET: r"/sapi/.+", Host.STREAM: r"(/private)?/ws"}
    assert re.fullmatch(places[endpoint.host], endpoint.path)


def test_each_environment_has_its_stream() -> None:
    """Production's stream has the documented address, demo's the observed one; there is no third."""
    assert USER_STREAMS == {"production": USER_STREAM, "demo": DEMO_USER_STREAM}
    assert USER_STREAMS.keys() == STREAMS.keys() == ENVIRONMENTS.keys()
    assert {each for each in DEFINED if each.host is Host.STREAM} == set(USER_STREAMS.values())


def test_every_request_has_a_row_above() -> None:
    """An endpoint needs a row in this table, so that its weight is looked up."""
    assert len(DEFINED) == 14


def test_hosts_have_the_words_of_verdict_json() -> None:
    """Scripts read the names of hosts in verdict.json, so they must not change."""
    assert [host.value for host in Host] == ["futures", "wallet", "stream"]


def test_five_requests_are_in_flight_at_most() -> None:
    """Four go to the futures API and one to the wallet's; the stream is not counted."""
    assert AT_ONCE == {Host.FUTURES: 4, Host.WALLET: 1}


def test_the_hosts_are_those_of_the_documentation() -> None:
    """USD-M futures "General Info" and "Websocket User Data Streams"; the test network has no wallet API."""
    assert ENVIRONMENTS == {
        "production": ("https://fapi.binance.com", "https://api.binance.com"),
        "demo": ("https://demo-fapi.binance.com", None),
    }
    assert STREAMS == {"production": "wss://fstream.binance.com", "demo": "wss://fstream.binancefuture.com"}
    assert DEMO_HOSTS == ("https://demo-fapi.binance.com", "https://testnet.binancefuture.com")


def test_a_listen_key_takes_the_key_and_no_signature() -> None:
    """Only the request for a listen key carries the key without a signature."""
    assert [str(each) for each in DEFINED if each.keyed] == ["POST /fapi/v1/listenKey"]
    assert not any(each.keyed and each.signed for each in DEFINED)
