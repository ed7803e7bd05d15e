"""Requests pass one allow-list, end in time, and fail with an error that names the reason and quotes nothing."""

import contextlib
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3.exceptions import DecodeError, MaxRetryError, NewConnectionError, ProtocolError
from urllib3.response import GzipDecoder, HTTPResponse

from keycheck.credentials.signing import HmacSigner, encode, signed_query
from keycheck.errors import Inconclusive, NotBinance, NotListed, NotSent, Unreachable
from keycheck.exchange import answers
from keycheck.exchange.endpoints import (
    ACCOUNT_CONFIG,
    API_RESTRICTIONS,
    DEMO_USER_STREAM,
    EXCHANGE_INFO,
    LISTED,
    ORDER_TEST,
    PING,
    TIME,
    USER_STREAM,
    Endpoint,
    Host,
)
from keycheck.network import transport
from keycheck.network.cancellable_request import CancellableRequest
from keycheck.network.failures import explain
from keycheck.network.offline import no_sockets
from keycheck.network.transport import HttpTransport
from keycheck.redaction.secret import Secret
from tests.examples import examples
from tests.exchange import API_KEY, Fault, LocalExchange

NOTHING = Secret("")
CANARY = "canary9canary"
SHORT = 0.3  # seconds given to a request that will not end by itself
GRACE = 4.0  # seconds more on a busy machine


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    """A healthy exchange, on which no order is ever placed."""
    with LocalExchange() as healthy:
        yield healthy
        assert healthy.real_orders == []


@pytest.fixture
def http(exchange: LocalExchange) -> Iterator[HttpTransport]:
    """A transport to the local exchange."""
    opened = HttpTransport(urls_of(exchange))
    yield opened
    opened.close()


def urls_of(exchange: LocalExchange) -> dict[Host, str]:
    """The URLs of both hosts."""
    return {Host.FUTURES: exchange.futures_url, Host.WALLET: exchange.wallet_url}


def misbehaving(exchange: LocalExchange, fault: Fault) -> None:
    """From now on, every request meets this fault."""
    exchange.scenario = replace(exchange.scenario, faults={"*": fault})


def failure(http: HttpTransport, endpoint: Endpoint = PING, seconds: float = 5, query: str = "") -> Inconclusive:
    """The error of a failed request, without any words of a library."""
    with pytest.raises(Inconclusive) as caught:
        http.send(endpoint, Secret(query), Secret(CANARY), seconds)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    assert CANARY not in str(error)
    assert "://" not in str(error)
    assert ". " in str(error)  # the sentence has a remedy
    return error


def unused_port() -> int:
    """A loopback port on which no server listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


# -- limits --


@pytest.mark.parametrize("status", [429, 418])
def test_after_a_limit_the_transport_sends_nothing(http: HttpTransport, exchange: LocalExchange, status: int) -> None:
    """After a limit no request is sent, not even over an open connection."""
    http.send(TIME, NOTHING, None, 5)
    limit = Fault.rate_limited() if status == 429 else Fault.banned(1_790_000_000_000)
    misbehaving(exchange, limit)
    assert http.send(PING, NOTHING, None, 5).status == status
    assert isinstance(failure(http, TIME), NotSent)
    assert [one.path for one in exchange.log] == [TIME.path, PING.path]


@pytest.mark.parametrize("status", [429, 418])
@pytest.mark.parametrize("rest", ["{", None], ids=["cut short", "never comes"])
def test_a_limit_is_one_whatever_becomes_of_its_body(exchange: LocalExchange, status: int, rest: str | None) -> None:
    """A limit counts as soon as its status was read, even if its body is cut short or never comes."""
    header = (
        f"HTTP/1.1 {status} Slow Down\r\nContent-Type: application/json\r\nRetry-After: 7\r\nContent-Length: 99\r\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as pool:
        urls = urls_of(exchange) | {Host.FUTURES: f"http://127.0.0.1:{server.getsockname()[1]}"}
        with contextlib.closing(HttpTransport(urls)) as limited:
            asked = pool.submit(limited.send, PING, NOTHING, None, SHORT)
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(f"{header}\r\n{rest or ''}".encode())
                if rest:
                    connection.shutdown(socket.SHUT_WR)
                answer = asked.result(SHORT + GRACE)
            assert (answer.status, answer.headers["retry-after"], answer.body) == (status, "7", b"")
            assert isinstance(failure(limited, API_RESTRICTIONS), NotSent)
    assert exchange.log == []


def test_a_request_that_is_still_connecting_when_a_limit_is_read_never_leaves(
    http: HttpTransport, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connecting takes round trips, in which another request may get a limit; then nothing is sent."""
    connected, limit_read = threading.Event(), threading.Event()
    goes_on = CancellableRequest.has_connected

    def dawdle(request: CancellableRequest, connection: Any) -> None:
        if not connected.is_set():  # the first to connect
            connected.set()
            limit_read.wait(5)
        goes_on(request, connection)

    monkeypatch.setattr(CancellableRequest, "has_connected", dawdle)
    misbehaving(exchange, Fault.rate_limited())
    with ThreadPoolExecutor() as pool:
        dawdler = pool.submit(failure, http, EXCHANGE_INFO)
        assert connected.wait(5)
        assert http.send(PING, NOTHING, None, 5).status == 429
        limit_read.set()
        assert isinstance(dawdler.result(5), NotSent)
    assert [one.path for one in exchange.log] == [PING.path]


# -- the request --


def test_an_answer_is_its_status_headers_and_bytes(http: HttpTransport) -> None:
    """The names of headers are in lower case, and the body is decoded."""
    raw = http.send(PING, NOTHING, None, 5)
    assert (raw.status, raw.body) == (200, b"{}")
    assert raw.headers["x-mbx-used-weight-1m"]
    assert all(name == name.lower() for name in raw.headers)


def test_the_query_is_sent_to_the_letter(http: HttpTransport, exchange: LocalExchange) -> None:
    """A query is sent exactly as it was signed."""
    query = signed_query(
        [("symbol", "币安人生USDT"), ("a", "+ ~/?#[]@!$&'()*,;=%"), ("b", "")], HmacSigner(Secret(API_KEY))
    )
    http.send(ORDER_TEST, Secret(query), Secret(API_KEY), 5)
    (received,) = exchange.log
    assert received.raw_query == query
    assert received.method == "POST"
    assert received.body == b""


@settings(max_examples=examples(50))
@given(st.lists(st.tuples(st.text(min_size=1, max_size=9), st.text(max_size=20)), min_size=1, max_size=4))
def test_requests_encodes_nothing_anew(params: list[tuple[str, str]]) -> None:
    """requests leaves a query that signing.py encoded as it is."""
    prepared = requests.Request("GET", f"https://fapi.binance.com/fapi/v1/ping?{encode(params)}").prepare()
    assert (prepared.url or "").partition("?")[2] == encode(params)


def test_the_key_is_sent_in_its_header_only(http: HttpTransport, exchange: LocalExchange) -> None:
    """The key is only in its header, and only of requests that were given one."""
    http.send(PING, NOTHING, None, 5)
    http.send(ACCOUNT_CONFIG, NOTHING, Secret(API_KEY), 5)
    http.send(PING, NOTHING, None, 5)
    assert [one.headers.get("x-mbx-apikey") for one in exchange.log] == [None, API_KEY, None]


def test_nothing_is_carried_into_the_next_request(http: HttpTransport, exchange: LocalExchange) -> None:
    """Cookies of Binance's edge are not sent with the next request."""
    assert "set-cookie" in http.send(PING, NOTHING, None, 5).headers
    http.send(PING, NOTHING, None, 5)
    assert "cookie" not in exchange.log[1].headers


def test_one_connection_a_host(http: HttpTransport, exchange: LocalExchange) -> None:
    """Any number of requests, refusals among them, use one connection to each host."""
    for endpoint in sorted(LISTED - {USER_STREAM, DEMO_USER_STREAM}, key=str):
        http.send(endpoint, NOTHING, None, 5)
    assert exchange.connections == {"futures": 1, "wallet": 1}


def test_a_stream_is_not_a_request(http: HttpTransport, exchange: LocalExchange) -> None:
    """The stream's path is listed, but the transport refuses it: only the WebSocket client may use it."""
    for endpoint in (USER_STREAM, DEMO_USER_STREAM):
        with pytest.raises(NotListed):
            http.send(endpoint, NOTHING, None, 5)
    assert exchange.log == exchange.streams == []


def test_a_redirect_is_not_followed(http: HttpTransport, exchange: LocalExchange) -> None:
    """A redirect is returned as it is, and the key does not go to its target."""
    exchange.scenario = replace(
        exchange.scenario, faults={ACCOUNT_CONFIG.path: Fault.redirect(exchange.wallet_url + "/elsewhere")}
    )
    assert http.send(ACCOUNT_CONFIG, NOTHING, Secret(API_KEY), 5).status == 302
    assert len(exchange.log) == 1


def test_nothing_is_taken_from_the_environment(
    http: HttpTransport, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies and CA files of other programs are not used."""
    nowhere = f"http://127.0.0.1:{unused_port()}"
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, nowhere)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    assert http.send(PING, NOTHING, None, 5).status == 200
    assert len(exchange.log) == 1


def test_a_packed_body_is_unpacked(http: HttpTransport, exchange: LocalExchange) -> None:
    """A body in gzip, as exchangeInfo's is, is decompressed."""
    raw = http.send(EXCHANGE_INFO, NOTHING, None, 5)
    assert raw.headers["content-encoding"] == "gzip"
    assert raw.body.startswith(b'{"timezone"')
    packed = Fault.status(200, "", {"Content-Encoding": "gzip"})
    misbehaving(exchange, replace(packed, answer=replace(packed.answer, body=gzip.compress(b"{}"))))
    assert http.send(PING, NOTHING, None, 5).body == b"{}"


@pytest.mark.parametrize("coding", ["br", "zstd"])
def test_an_unrequested_content_encoding_is_decoded_if_possible(
    coding: str, http: HttpTransport, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unrequested coding is decoded if the library can do it; otherwise the body is not JSON, and is not used."""
    packed = Fault.status(200, "", {"Content-Encoding": coding})
    misbehaving(exchange, replace(packed, answer=replace(packed.answer, body=gzip.compress(b"{}"))))
    known = [one for one in HTTPResponse.CONTENT_DECODERS if one != coding]
    monkeypatch.setattr(HTTPResponse, "CONTENT_DECODERS", known)
    with pytest.raises(NotBinance):
        answers.read(http.send(PING, NOTHING, None, 5), PING, str)
    monkeypatch.setattr(HTTPResponse, "CONTENT_DECODERS", [*known, coding])
    monkeypatch.setattr("urllib3.response._get_decoder", lambda _: GzipDecoder())  # replaces that coding's decoder
    assert http.send(PING, NOTHING, None, 5).body == b"{}"


# -- the allow-list --

STRANGERS = [
    Endpoint(Host.FUTURES, "POST", "/fapi/v1/order", 1, signed=True),
    Endpoint(Host.FUTURES, "DELETE", "/fapi/v1/ping", 1),
    Endpoint(Host.FUTURES, "GET", "/fapi/v1/order/test", 1),
    Endpoint(Host.WALLET, "POST", "/sapi/v1/capital/withdraw/apply", 1, signed=True),
    Endpoint(Host.WALLET, "GET", "/fapi/v1/ping", 1),
    Endpoint(Host.FUTURES, "GET", "/fapi/v1/accountConfig", 1, signed=True),  # not the listed one: another weight
]


@pytest.mark.parametrize("stranger", STRANGERS, ids=str)
def test_only_a_listed_endpoint_is_sent(http: HttpTransport, exchange: LocalExchange, stranger: Endpoint) -> None:
    """An endpoint outside the list is refused before a socket is opened."""
    with pytest.raises(NotListed):
        http.send(stranger, NOTHING, None, 5)
    assert exchange.connections == {"futures": 0, "wallet": 0}


def test_a_host_that_is_not_configured_gets_no_request(exchange: LocalExchange) -> None:
    """Demo has no wallet API, and no other host is used instead."""
    http = HttpTransport({Host.FUTURES: exchange.futures_url})
    with pytest.raises(NotListed):
        http.send(next(e for e in LISTED if e.host is Host.WALLET), NOTHING, None, 5)
    http.close()


@pytest.mark.parametrize(
    ("method", "target", "more"),
    [
        ("POST", "{}/fapi/v1/order", {}),
        ("POST", "{}/fapi/v1/ping", {}),
        ("get", "{}/fapi/v1/listenKey", {}),
        ("GET", "{}/fapi/v1/ping/", {}),
        ("GET", "{}//fapi/v1/ping", {}),
        ("GET", "{}/fapi/v1/ping/../order", {}),
        ("GET", "{}/fapi/v1/ping%2F..%2Forder", {}),
        ("GET", "{}/sapi/v1/account/apiRestrictions", {}),
        ("POST", "{}/fapi/v1/order/test", {"data": "quantity=1"}),
        ("POST", "{}/fapi/v1/order/test", {"json": {"quantity": 1}}),
        ("GET", "{}@127.0.0.1/fapi/v1/ping", {}),
        ("GET", "http://127.0.0.1:1/fapi/v1/ping", {}),
        ("GET", "https://127.0.0.1/fapi/v1/ping", {}),
    ],
)
def test_the_inner_session_lets_nothing_else_through(
    http: HttpTransport, exchange: LocalExchange, method: str, target: str, more: dict[str, Any]
) -> None:
    """Even the transport's inner session sends only listed requests."""
    with pytest.raises((NotListed, requests.exceptions.InvalidSchema)):
        http._session.request(method, target.format(exchange.futures_url), timeout=1, **more)
    assert exchange.log == []


def test_user_information_in_an_address_is_refused(http: HttpTransport, exchange: LocalExchange) -> None:
    """requests would make a header of user information, so such an address is refused."""
    url = exchange.futures_url.replace("http://", f"http://user:{CANARY}@")
    http._session.mount("http://user", http._adapter)
    with pytest.raises(NotListed):
        http._session.get(url + PING.path, timeout=1)
    assert exchange.log == []


def test_the_repr_of_the_transport_shows_no_host(exchange: LocalExchange) -> None:
    """The transport's repr holds neither host nor proxy."""
    http = HttpTransport(urls_of(exchange), Secret(f"http://u:{CANARY}@127.0.0.1:1"))
    assert repr(http) == "HttpTransport()"
    http.close()


# -- deadlines --


@pytest.mark.parametrize(
    "fault", [Fault.stall(), Fault.drip(0.05), Fault.drip_headers(0.02)], ids=["stall", "drip", "drip headers"]
)
def test_a_request_ends_in_time(http: HttpTransport, exchange: LocalExchange, fault: Fault) -> None:
    """A request ends in time even if the server sends a byte now and then, which restarts a socket's own time-out."""
    misbehaving(exchange, fault)
    began = time.monotonic()
    error = failure(http, TIME, SHORT)
    assert time.monotonic() - began < SHORT + GRACE
    assert isinstance(error, Unreachable)
    assert error.kind == "timeout"


def test_no_worker_outlives_its_request(http: HttpTransport, exchange: LocalExchange) -> None:
    """The connection of an abandoned request is shut, so that its thread ends."""
    before = set(threading.enumerate())
    misbehaving(exchange, Fault.stall())
    failure(http, PING, 0.1)
    for worker in set(threading.enumerate()) - before:
        worker.join(GRACE)
        assert not worker.is_alive()


def test_after_a_cut_the_next_request_is_answered(http: HttpTransport, exchange: LocalExchange) -> None:
    """The request after a cut one has a new connection, and gets its own answer."""
    misbehaving(exchange, Fault.stall(times=1))
    failure(http, PING, 0.1)
    assert b"serverTime" in http.send(TIME, NOTHING, None, 5).body
    assert http.send(PING, NOTHING, None, 5).body == b"{}"


def test_a_request_whose_time_is_up_is_not_sent_later(
    http: HttpTransport, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request whose time was up during a slow DNS look-up is not sent afterwards."""
    resolve = socket.getaddrinfo

    def slowly(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.4)
        return resolve(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    before = set(threading.enumerate())
    failure(http, ORDER_TEST, 0.1)
    for worker in set(threading.enumerate()) - before:
        worker.join(3)
    assert exchange.log == []


def test_ten_seconds_are_the_most_for_any_request(
    http: HttpTransport, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request gets ten seconds at most, even if the run has more time left."""
    assert transport.REQUEST_SECONDS == 10
    monkeypatch.setattr(transport, "REQUEST_SECONDS", 0.1)
    misbehaving(exchange, Fault.stall())
    began = time.monotonic()
    failure(http, PING, 40)
    assert time.monotonic() - began < GRACE


# -- unusable answers --


@pytest.mark.parametrize("fault", [Fault.endless(64), Fault.gzip_bomb(64)], ids=["endless", "gzip bomb"])
def test_a_body_has_an_end(http: HttpTransport, exchange: LocalExchange, fault: Fault) -> None:
    """A body may have at most 16 MiB, packed or unpacked; that of exchangeInfo has about one."""
    misbehaving(exchange, fault)
    error = failure(http, EXCHANGE_INFO)
    assert isinstance(error, NotBinance)
    assert "16 MiB" in str(error)


@pytest.mark.parametrize(
    "fault",
    [Fault.reset(), Fault.reset_after_headers(), Fault.truncated()],
    ids=["reset", "reset after headers", "truncated"],
)
def test_a_cut_answer_is_not_an_answer(http: HttpTransport, exchange: LocalExchange, fault: Fault) -> None:
    """Half a body is not taken for a whole one."""
    misbehaving(exchange, fault)
    error = failure(http, TIME)
    assert isinstance(error, Unreachable)
    assert error.kind == "reset"


def test_a_body_with_a_wrong_content_encoding_is_not_binances(http: HttpTransport, exchange: LocalExchange) -> None:
    """A body that is labelled gzip, but is plain text, counts as not from Binance."""
    misbehaving(exchange, Fault.status(200, "{}", {"Content-Encoding": "gzip"}))
    assert isinstance(failure(http), NotBinance)


def test_a_closed_port_is_named() -> None:
    """A closed port is reported as a refused connection."""
    http = HttpTransport({Host.FUTURES: f"http://127.0.0.1:{unused_port()}"})
    error = failure(http, query=f"signature={CANARY}")
    assert isinstance(error, Unreachable)
    assert error.kind == "refused"
    http.close()


def test_an_unknown_name_is_named(http: HttpTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown host name is reported as such; the name server is simulated."""
    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    error = failure(http)
    assert isinstance(error, Unreachable)
    assert error.kind == "dns"


def test_plain_http_in_place_of_tls_is_named(exchange: LocalExchange) -> None:
    """Plain http on the https port, as from a proxy that tampers with TLS, is reported as a TLS failure."""
    http = HttpTransport({Host.FUTURES: exchange.futures_url.replace("http:", "https:")})
    error = failure(http)
    assert isinstance(error, Unreachable)
    assert error.kind == "tls"
    http.close()


def test_a_dead_proxy_is_named_and_not_shown() -> None:
    """The setting is named; user and password are not."""
    proxy = Secret(f"http://user:{CANARY}@127.0.0.1:{unused_port()}")
    http = HttpTransport({Host.FUTURES: "http://127.0.0.1:1"}, proxy)
    error = failure(http)
    assert isinstance(error, Unreachable)
    assert error.kind == "proxy"
    assert "BINANCE_PROXY" in str(error)
    http.close()


def test_an_unknown_proxy_is_not_taken_for_an_unknown_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the proxy's name cannot be resolved, the message names BINANCE_PROXY and not Binance."""
    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    http = HttpTransport({Host.FUTURES: "http://127.0.0.1:1"}, Secret("http://proxy.invalid:3128"))
    assert "BINANCE_PROXY" in str(failure(http))
    http.close()


def test_a_key_that_no_header_carries_is_not_quoted(http: HttpTransport, exchange: LocalExchange) -> None:
    """A key that cannot be sent in a header is not quoted; http.client's own error would quote all of it."""
    for key in ("Ж" + CANARY, CANARY + "\r\nX: y"):
        with pytest.raises(Inconclusive) as caught:
            http.send(ACCOUNT_CONFIG, NOTHING, Secret(key), 5)
        assert CANARY not in str(caught.value)
        assert caught.value.__context__ is None
    assert exchange.log == []


def no_such_name(*_: object, **__: object) -> None:
    """A name server that knows no name."""
    raise socket.gaierror(-2, "Name or service not known")


def chained(outer: Exception, inner: BaseException) -> Exception:
    """An exception that hides its reason, as libraries do."""
    outer.__context__ = inner
    return outer


def refused_certificate() -> ssl.SSLCertVerificationError:
    """A certificate error as OpenSSL raises it."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (chained(requests.exceptions.SSLError(), refused_certificate()), "tls"),
        (requests.exceptions.SSLError(ssl.SSLError(1, "WRONG_VERSION_NUMBER")), "tls"),
        (requests.ConnectionError(socket.gaierror(-2, "x")), "dns"),
        (requests.exceptions.ProxyError(), "proxy"),
        (chained(requests.ConnectionError(), ConnectionRefusedError(111, "x")), "refused"),
        (requests.exceptions.ConnectTimeout(), "timeout"),
        (requests.exceptions.ReadTimeout(), "timeout"),
        (chained(requests.ConnectionError(), TimeoutError()), "timeout"),
        (requests.ConnectionError(ProtocolError("x", ConnectionResetError(104, "x"))), "reset"),
        (requests.ConnectionError(ProtocolError("x", BrokenPipeError(32, "x"))), "reset"),
        (requests.exceptions.ChunkedEncodingError(ProtocolError("x")), "reset"),
        (chained(requests.ConnectionError(), OSError(101, "Network is unreachable")), "no_route"),
        (chained(requests.ConnectionError(), OSError(113, "No route to host")), "no_route"),
        (requests.ConnectionError(MaxRetryError(None, "/x", OSError(101, "x"))), "no_route"),  # type: ignore[arg-type]
        (ValueError(CANARY), "other"),
    ],
)
def test_a_librarys_exception_becomes_a_named_reason(error: Exception, kind: str) -> None:
    """A library's exception becomes a named error, however deep its reason is hidden."""
    explained = explain(error, PING)
    assert isinstance(explained, Unreachable)
    assert explained.kind == kind
    assert CANARY not in str(explained)


def test_a_refused_certificate_names_the_usual_reason() -> None:
    """The message has OpenSSL's own reason, which holds no address, and names BINANCE_CA_BUNDLE."""
    text = str(explain(chained(requests.exceptions.SSLError(), refused_certificate()), PING))
    assert "self-signed certificate" in text
    assert "BINANCE_CA_BUNDLE" in text


def test_a_broken_packing_is_not_binances() -> None:
    """An answer that cannot be decompressed counts as not from Binance."""
    assert isinstance(explain(requests.exceptions.ContentDecodingError(DecodeError("x")), PING), NotBinance)


def test_an_exception_that_contains_itself_is_explained() -> None:
    """The search for the reason ends."""
    error = requests.ConnectionError()
    error.args = (error, NewConnectionError(None, "x"))  # type: ignore[arg-type]
    assert explain(error, PING)


# -- replay --


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: socket.create_connection(("127.0.0.1", 9), 1),
        lambda: on_socket(socket.SOCK_STREAM, lambda s: s.connect(("127.0.0.1", 9))),
        lambda: on_socket(socket.SOCK_STREAM, lambda s: s.connect_ex(("127.0.0.1", 9))),
        lambda: on_socket(socket.SOCK_DGRAM, lambda s: s.sendto(b"x", ("127.0.0.1", 9))),
        lambda: on_socket(socket.SOCK_DGRAM, lambda s: s.sendmsg([b"x"], [], 0, ("127.0.0.1", 9))),
        lambda: socket.getaddrinfo("localhost", 9),
        lambda: socket.gethostbyname("localhost"),
        lambda: socket.gethostbyname_ex("localhost"),
        lambda: socket.gethostbyaddr("127.0.0.1"),
    ],
    ids=["create", "connect", "connect_ex", "sendto", "sendmsg", "getaddrinfo", "byname", "byname_ex", "byaddr"],
)
def test_a_replay_opens_nothing(attempt: Any) -> None:
    """A replay opens no connection, sends no datagram and asks no name server."""
    with no_sockets(), pytest.raises(NotListed):
        attempt()


def on_socket(kind: socket.SocketKind, act: Any) -> Any:
    """Uses a socket and closes it."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.settimeout(1)
        return act(sock)


def test_a_request_in_a_replay_does_not_get_out(http: HttpTransport, exchange: LocalExchange) -> None:
    """In a replay the transport sends nothing, either."""
    with no_sockets(), pytest.raises(NotListed, match="replay"):
        http.send(PING, NOTHING, None, 5)
    assert exchange.connections["futures"] == 0


def test_afterwards_the_network_is_back(http: HttpTransport) -> None:
    """After nested blocks and after an exception, the socket module is as it was before."""
    before = dict(vars(socket.socket)), dict(vars(socket))
    with pytest.raises(ZeroDivisionError), no_sockets(), no_sockets():
        _ = 1 / 0
    assert (dict(vars(socket.socket)), dict(vars(socket))) == before
    assert http.send(PING, NOTHING, None, 5).status == 200
