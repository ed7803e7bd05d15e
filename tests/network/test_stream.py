"""The stream's connection: the result of each kind of answer, the time it takes, and the hosts that it contacts."""

import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from keycheck.errors import (
    BlockedEnRoute,
    ExchangeTrouble,
    Inconclusive,
    NotBinance,
    NotListed,
    RateLimited,
    Refused,
    RestrictedLocation,
    Unreachable,
)
from keycheck.exchange.endpoints import DEMO_USER_STREAM, USER_STREAM, Endpoint
from keycheck.exchange.user_stream import ALIVE, UserStream
from keycheck.network import stream
from keycheck.network.stream import Stream
from keycheck.network.websocket import Conversation
from keycheck.redaction.redactor import Redactor
from keycheck.redaction.secret import Secret
from tests.exchange import LISTEN_KEY, LocalExchange, Scenario, StreamFault
from tests.exchange.scenario import invented_credential
from tests.exchange.streams import MUTE_ON_DEMO
from tests.matrix import mostly_slow
from tests.tls import ADDRESS, Front, Listener, Proxy, speaking

PASSWORD = "pass9word9canary"  # noqa: S105  the password of a proxy of these tests
PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "wss_proxy")
SOON = 4.0  # seconds; a stream whose time limit fails takes at least five
OTHER_KEY = invented_credential("somebody's older listen key")


@pytest.fixture(autouse=True)
def no_thread_outlives_its_test() -> Iterator[None]:
    """Asserts that no thread of the stream outlives its test."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(3)
        assert not thread.is_alive()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the stream's deadlines, so that a test does not wait ten seconds."""
    monkeypatch.setattr(stream, "OPEN_SECONDS", 0.4)
    monkeypatch.setattr(stream, "PONG_SECONDS", 0.3)


def listen(url: str, proxy: str | None = None, bundle: str | None = None, seconds: float = 30) -> UserStream:
    """Opens the stream with the exchange's listen key, and returns the observation."""
    there = Stream(url, Redactor([LISTEN_KEY]), Secret(proxy) if proxy else None, bundle)
    return there.listen(Secret(LISTEN_KEY), seconds)


def observation_with(fault: StreamFault | None) -> UserStream:
    """The observation of a stream with this fault."""
    with LocalExchange(Scenario(stream=fault)) as exchange:
        return listen(exchange.stream_url)


def failure(url: str, proxy: str | None = None, bundle: str | None = None, seconds: float = 30) -> Inconclusive:
    """The error of a stream that failed; neither it nor its cause holds the listen key or a URL."""
    with pytest.raises(Inconclusive) as caught:
        listen(url, proxy, bundle, seconds)
    error = caught.value
    for hidden in (LISTEN_KEY[:10], PASSWORD, "://", "listenKey="):
        assert hidden not in repr(error)
    assert error.__cause__ is error.__context__ is None
    return error


# -- the result --


def test_a_stream_that_pongs_is_alive(exchange: LocalExchange) -> None:
    """The one handshake carries the listen key, and no other secret: no API key, no cookie, no signature."""
    assert listen(exchange.stream_url) == UserStream(True, "the stream's host was reached, and answered a ping")
    (one,) = exchange.streams
    assert (one.method, one.path, one.body) == ("GET", "/private/ws", b"")
    assert one.raw_query == f"listenKey={LISTEN_KEY}&events=ORDER_TRADE_UPDATE/ACCOUNT_UPDATE"
    usual = {"host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version", "user-agent"}
    assert set(one.headers) == usual
    assert one.headers["user-agent"] == "keycheck"
    assert exchange.log == []
    assert exchange.stream_messages == []


def test_the_demo_network_has_an_address_of_its_own(exchange: LocalExchange) -> None:
    """On the demo network the listen key is part of the path."""
    assert Stream(exchange.stream_url, Redactor(), endpoint=DEMO_USER_STREAM).listen(Secret(LISTEN_KEY), 30).alive
    (one,) = exchange.streams
    assert (one.method, one.path, one.raw_query) == ("GET", f"/ws/{LISTEN_KEY}", "")


@pytest.mark.parametrize(
    ("endpoint", "scenario"),
    [(USER_STREAM, Scenario()), (DEMO_USER_STREAM, Scenario(mute_streams=MUTE_ON_DEMO))],
    ids=["production", "demo"],
)
def test_the_stream_of_each_network_has_its_own_path(endpoint: Endpoint, scenario: Scenario) -> None:
    """Each network sends its messages at its own address; at the other's, a sick stream would look healthy."""
    with LocalExchange(replace(scenario, stream=StreamFault.expired())) as exchange:
        found = Stream(exchange.stream_url, Redactor(), endpoint=endpoint).listen(Secret(LISTEN_KEY), 30)
    assert not found.alive


@pytest.mark.parametrize(
    ("endpoint", "listen_key"),
    [
        (Endpoint(USER_STREAM.host, "GET", "/private/stream", 0), LISTEN_KEY),
        (Endpoint(USER_STREAM.host, "GET", "/ws-fapi/v1", 0), LISTEN_KEY),
        (USER_STREAM, f"{LISTEN_KEY}&events=x"),
        (DEMO_USER_STREAM, f"../{LISTEN_KEY}"),
        (DEMO_USER_STREAM, ""),
    ],
)
def test_no_other_address_is_opened(exchange: LocalExchange, endpoint: Endpoint, listen_key: str) -> None:
    """Two addresses are listed, and a listen key has a form; all else is refused before a socket is opened."""
    with pytest.raises(NotListed) as caught:
        Stream(exchange.stream_url, Redactor(), endpoint=endpoint).listen(Secret(listen_key), 30)
    assert LISTEN_KEY[:10] not in repr(caught.value)
    assert exchange.streams == []


OBSERVED = {
    "closed": (StreamFault.closed(1008), "closed with code 1008"),
    "closed without a code": (StreamFault.closed(1000, "bye"), "closed with code 1000"),
    "error": (StreamFault.error(), "sent an error (code 2)"),
    "error in a combined stream": (
        StreamFault.message('{"stream":"x","data":{"error":{}}}'),
        "sent an error (no code)",
    ),
    "expired": (StreamFault.expired(), "said that a listen key has expired"),
    "refused in Binance's words": (
        StreamFault.refused(401, '{"code":-2015,"msg":"Invalid API-key"}', "application/json"),
        "code -2015 (Invalid API-key, IP, or permissions for action.)",
    ),
}


@pytest.mark.parametrize(("fault", "said"), OBSERVED.values(), ids=OBSERVED)
def test_an_error_and_a_closed_stream_are_told_apart(fault: StreamFault, said: str) -> None:
    """An error message and a closed connection are different observations of a stream that is not alive."""
    found = observation_with(fault)
    assert not found.alive
    assert said in str(found)


@pytest.mark.parametrize(
    "message",
    ['{"e":"ORDER_TRADE_UPDATE"}', '{"e":"error","code":-1125}', "[]", "null", "error", '{"error":1}', "\ufeff{}"],
)
def test_other_messages_do_not_matter(message: str) -> None:
    """Messages about events in the account do not change the result."""
    assert observation_with(StreamFault.message(message)).alive


UNOPENED = {
    "cut": (StreamFault.cut(), Unreachable, "reset"),
    "closed without a word": (StreamFault.raw(""), Unreachable, "reset"),
    "no HTTP": (StreamFault.raw("\x15\x03\x01\x00\x02\x02\x50\r\n\r\n"), NotBinance, "not_binance"),
    "no WebSocket": (StreamFault.raw("HTTP/1.1 101 Yes\r\nUpgrade: tea\r\n\r\n"), NotBinance, "not_binance"),
    "endless": (StreamFault.endless(), NotBinance, "not_binance"),
    "portal": (StreamFault.refused(200, "<html>log in"), NotBinance, "not_binance"),
    "JSON": (StreamFault.refused(200, "{}", "application/json"), NotBinance, "not_binance"),
    "redirect": (StreamFault.refused(302), NotBinance, "not_binance"),
    "400": (StreamFault.refused(400), NotBinance, "not_binance"),
    "404": (StreamFault.refused(404), NotBinance, "not_binance"),
    "403": (StreamFault.refused(403), BlockedEnRoute, "turned_away"),
    "challenge": (StreamFault.challenge(), BlockedEnRoute, "turned_away"),
    "451": (StreamFault.refused(451), RestrictedLocation, "restricted_location"),
    "429": (StreamFault.refused(429), RateLimited, "rate_limited"),
    "502": (StreamFault.refused(502), ExchangeTrouble, "exchange_trouble"),
    "a code that says nothing": (
        StreamFault.refused(400, '{"code":-1121,"msg":"x {listen_key}"}', "application/json"),
        Refused,
        "refusal",
    ),
}


@pytest.mark.parametrize(("fault", "error", "kind"), UNOPENED.values(), ids=UNOPENED)
def test_a_failed_handshake_is_inconclusive(fault: StreamFault, error: type[Inconclusive], kind: str) -> None:
    """A failed handshake is inconclusive; it has the same error as a failed request, and says what to do."""
    with LocalExchange(Scenario(stream=fault)) as exchange:
        found = failure(exchange.stream_url)
    assert (type(found), found.kind) == (error, kind)
    assert str(found).count(". ") >= 1


@pytest.mark.parametrize(("status", "is_limit"), [(429, True), (418, True), (403, False), (400, False)])
def test_a_limit_is_set_before_its_error_is_raised(status: int, *, is_limit: bool) -> None:
    """After 429 or 418 the limit is set before the error is raised, so that no other request leaves."""
    limited = threading.Event()
    with LocalExchange(Scenario(stream=StreamFault.refused(status))) as exchange, pytest.raises(Inconclusive):
        Stream(exchange.stream_url, Redactor(), limited=limited).listen(Secret(LISTEN_KEY), 30)
    assert limited.is_set() is is_limit


@pytest.mark.parametrize("text", ["{listen_key}", "x{listen_key}y"])
def test_no_text_of_the_stream_is_repeated(text: str) -> None:
    """The text of a reason or a message may hold the listen key, so it is not repeated."""
    for fault in (StreamFault.closed(1008, text), StreamFault.error(text), StreamFault.expired(text)):
        assert LISTEN_KEY[:10] not in repr(observation_with(fault))


def test_a_listen_key_that_the_stream_names_is_hidden_from_then_on() -> None:
    """`listenKeyExpired` carries a listen key, perhaps another one, which is hidden from then on."""
    redactor = Redactor()
    with LocalExchange(Scenario(stream=StreamFault.expired(OTHER_KEY))) as exchange:
        Stream(exchange.stream_url, redactor).listen(Secret(LISTEN_KEY), 30)
    assert redactor.knows(OTHER_KEY)


# -- the probe --


def probed(scenario: Scenario) -> tuple[str, list[str]]:
    """The observation of a probed healthy stream, and the messages that the host received."""
    with LocalExchange(scenario) as exchange:
        there = Stream(exchange.stream_url, Redactor([LISTEN_KEY]), probe=True)
        found = there.listen(Secret(LISTEN_KEY), 30)
        assert (found.alive, found.observed) == (True, ALIVE.observed)
        return str(found), exchange.stream_messages


@pytest.fixture
def hurried_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the time for the probe's answer."""
    monkeypatch.setattr(stream, "PROBE_SECONDS", 0.4)


def test_a_probe_asks_for_the_subscriptions(exchange: LocalExchange) -> None:
    """The probe is one message; its answer is added to the observation."""
    said, sent = probed(Scenario())
    assert sent == ['{"method": "LIST_SUBSCRIPTIONS", "id": 1}']
    assert said == f'{ALIVE.observed}; LIST_SUBSCRIPTIONS was answered {{"result":[]}}'
    assert str(listen(exchange.stream_url)) == ALIVE.observed  # without `probe` nothing is sent
    assert exchange.stream_messages == []


PROBED = {
    "subscribed": (
        f'{{"result":["{{listen_key}}@ORDER_TRADE_UPDATE","{LISTEN_KEY.lower()}","{OTHER_KEY}"],"id":1}}',
        '{"result":["[hidden](ours)@ORDER_TRADE_UPDATE","[hidden]","[hidden]"]}',
    ),
    "error": (
        '{"error":{"code":-1125,"msg":"This listenKey {listen_key} does not exist."},"id":1}',
        '{"error":{"code":-1125,"msg":"This listenKey [hidden](ours) does not exist."}}',
    ),
    "account": ('{"result":["12345678901@balance"],"id":1}', '{"result":["[hidden]@balance"]}'),
    "long": (f'{{"result":["{"a b " * 400}"],"id":1}}', "…"),
}


@pytest.mark.parametrize(("answer", "said"), PROBED.values(), ids=PROBED)
def test_the_answer_to_a_probe_is_scrubbed(answer: str, said: str) -> None:
    """Listen keys, texts of their form and account numbers are hidden in the probe's answer, which stays short."""
    told, _ = probed(Scenario(subscriptions=answer))
    assert said in told
    assert len(told) < 400
    for hidden in (LISTEN_KEY, LISTEN_KEY.lower(), OTHER_KEY):
        assert hidden[:10] not in told


@pytest.mark.usefixtures("hurried_probe")
@pytest.mark.parametrize(
    "answer",
    mostly_slow(
        [None, '{"e":"ACCOUNT_UPDATE","a":{"B":[{"wb":"1234.5"}]}}', "rubbish", "[]", '{"result":[],"id":7}'],
        2,
    ),
)
def test_a_probe_without_an_answer_says_so(answer: str | None) -> None:
    """Events of the account are not taken for the probe's answer, and are not quoted."""
    began = time.monotonic()
    assert probed(Scenario(subscriptions=answer))[0].endswith("; LIST_SUBSCRIPTIONS was not answered within 0.4 s")
    assert time.monotonic() - began < SOON


def test_a_probe_that_breaks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the probe fails in any way, the stream is still alive."""

    def fail(_: Conversation) -> str:
        raise RuntimeError(LISTEN_KEY)

    monkeypatch.setattr(Conversation, "subscriptions", fail)
    assert probed(Scenario())[0].endswith("; LIST_SUBSCRIPTIONS was followed by the end of the connection")


@pytest.mark.parametrize("fault", [StreamFault.closed(), StreamFault.error(), StreamFault.challenge()])
def test_a_sick_stream_is_not_probed(fault: StreamFault) -> None:
    """The probe is sent only after the pong, so it cannot change the result."""
    with LocalExchange(Scenario(stream=fault)) as exchange:
        with contextlib.suppress(Inconclusive):
            Stream(exchange.stream_url, Redactor(), probe=True).listen(Secret(LISTEN_KEY), 30)
        assert exchange.stream_messages == []


# -- deadlines --


def test_limits_are_the_promised_ones() -> None:
    """Ten seconds to open, five for the pong."""
    assert (stream.OPEN_SECONDS, stream.PONG_SECONDS) == (10, 5)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (StreamFault.stalled(), "did not open"),
        (StreamFault.silent(), "did not answer a ping"),
    ],
)
def test_a_silent_stream_is_abandoned(fault: StreamFault, said: str) -> None:
    """A stream that does not answer in time is inconclusive."""
    with LocalExchange(Scenario(stream=fault)) as exchange:
        began = time.monotonic()
        found = failure(exchange.stream_url)
        assert time.monotonic() - began < SOON
    assert (type(found), found.kind) == (Unreachable, "timeout")
    assert said in str(found)


@pytest.mark.parametrize("seconds", [0.2, 0.0])
def test_a_run_that_has_no_time_left_gives_up_sooner(seconds: float) -> None:
    """If the run has little time left, the limits are shorter."""
    with LocalExchange(Scenario(stream=StreamFault.stalled())) as exchange:
        began = time.monotonic()
        assert failure(exchange.stream_url, seconds=seconds).kind == "timeout"
        assert time.monotonic() - began < SOON


@pytest.mark.usefixtures("hurried")
def test_a_name_that_is_found_too_late_is_not_called(exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time-out the listen key is not sent, even if the name is resolved later."""
    usual = socket.getaddrinfo

    def slow(*args: object, **kwargs: object) -> object:
        time.sleep(0.6)
        return usual(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    assert failure(exchange.stream_url).kind == "timeout"
    time.sleep(0.4)
    assert exchange.streams == []


class Dripping(Listener):
    """A server that answers a byte at a time, so that a socket's own time-out never comes."""

    def answer(self, connection: socket.socket) -> None:
        """Sends a header byte by byte, until the client has gone."""
        self.head(connection)
        for byte in b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 200:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)


@pytest.mark.usefixtures("hurried")
def test_a_handshake_that_arrives_byte_by_byte_is_abandoned() -> None:
    """The limit is for the whole handshake."""
    with Dripping() as there:
        began = time.monotonic()
        assert failure(there.url.replace("http", "ws")).kind == "timeout"
        assert time.monotonic() - began < SOON


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (socket.gaierror(-2, "Name or service not known"), "dns"),
        (ConnectionRefusedError(), "refused"),
        (OSError(113, "No route to host"), "no_route"),
        (TimeoutError(), "timeout"),
    ],
)
def test_the_reason_of_a_failed_connection_is_named(monkeypatch: pytest.MonkeyPatch, made: OSError, kind: str) -> None:
    """A failed connection has the same kinds of error as a failed request."""

    def fail(*_: object, **__: object) -> None:
        raise made

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert failure("wss://fstream.binance.com").kind == kind


# -- hosts and proxies --


@pytest.fixture
def there(authority: trustme.CA, exchange: LocalExchange) -> Iterator[Front]:
    """The stream's host over TLS."""
    with Front(speaking(authority.issue_cert(ADDRESS)), exchange.stream_url) as opened:
        yield opened


def wss(front: Front) -> str:
    """The front's address as BINANCE_STREAM_URL has it."""
    return front.url.replace("https", "wss")


def with_password(proxy: Proxy) -> str:
    """The proxy's address as BINANCE_PROXY has it."""
    return proxy.url.replace("://", f"://somebody:{PASSWORD}@")


def test_a_certificate_is_examined(there: Front, bundle: str, exchange: LocalExchange) -> None:
    """The stream's certificate is verified with BINANCE_CA_BUNDLE, and refused without it."""
    assert listen(wss(there), bundle=bundle).alive
    assert failure(wss(there)).kind == "tls"
    assert len(exchange.streams) == 1


def test_a_strangers_certificate_is_refused(exchange: LocalExchange, authority: trustme.CA, bundle: str) -> None:
    """A certificate of another authority or for another name is refused."""
    for certificate in (trustme.CA().issue_cert(ADDRESS), authority.issue_cert("stream.invalid")):
        with Front(speaking(certificate), exchange.stream_url) as front:
            assert failure(wss(front), bundle=bundle).kind == "tls"
    assert exchange.streams == []


def test_no_key_of_tls_is_written_down(
    there: Front, bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other programs write TLS keys to the file of SSLKEYLOGFILE; this one does not."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert ssl.create_default_context().keylog_filename  # the control: Python itself has opened the file
    assert listen(wss(there), bundle=bundle).alive
    assert "CLIENT" not in (tmp_path / "keys").read_text()


@pytest.mark.parametrize("name", PROXY_NAMES)
def test_the_proxy_of_other_programs_is_not_the_streams(
    there: Front, bundle: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The stream does not use the proxy of other programs, which the library would use by default."""
    with Listener() as stranger:
        monkeypatch.setenv(name, stranger.url)
        assert listen(wss(there), bundle=bundle).alive
        assert stranger.connections == 0


@pytest.mark.parametrize("over_tls", [True, False])
def test_our_own_proxy_gets_a_tunnel(there: Front, bundle: str, exchange: LocalExchange, over_tls: bool) -> None:
    """The proxy sees host and port, and nothing else of a wss stream."""
    url = wss(there) if over_tls else exchange.stream_url
    with Proxy(user=f"somebody:{PASSWORD}") as proxy:
        assert listen(url, with_password(proxy), bundle).alive
        (head,) = proxy.heads
        seen = proxy.received
    assert head.startswith(f"CONNECT {url.partition('://')[2]} HTTP/1.".encode())
    assert (LISTEN_KEY.encode() in seen) is not over_tls
    assert len(exchange.streams) == 1
    assert "proxy-authorization" not in exchange.streams[0].headers


def test_an_https_proxy_is_reached_over_tls(there: Front, authority: trustme.CA, bundle: str) -> None:
    """A wss stream behind an https proxy works: TLS within TLS."""
    with Proxy(speaking(authority.issue_cert(ADDRESS)), user=f"somebody:{PASSWORD}") as proxy:
        assert listen(wss(there), with_password(proxy), bundle).alive
        assert len(proxy.heads) == 1


class Busy(Listener):
    """A stream with events all the time."""

    def answer(self, connection: socket.socket) -> None:
        """A handshake; then an event and a pong, in two TLS records of one packet."""
        server = ServerProtocol()
        while data := self.take(connection):
            event = b"\x81\x02{}" if server.state is State.OPEN else b""
            server.receive_data(data)
            for request in server.events_received():
                if isinstance(request, Request):
                    server.send_response(server.accept(request))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            for piece in (event, *server.data_to_send()):
                connection.sendall(piece)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)


@pytest.mark.skipif(not hasattr(socket, "TCP_CORK"), reason="only Linux can be told what goes into one packet")
def test_a_pong_that_shares_a_packet_is_heard_behind_an_https_proxy(authority: trustme.CA, bundle: str) -> None:
    """A pong that arrives in one packet with the handshake is read at once, behind an https proxy, too.

    TLS within TLS reads ahead: bytes that it has decrypted already do not make the socket readable, so a client that
    waits for the socket would wait for ever.
    """
    certificate = authority.issue_cert(ADDRESS)
    with Busy(speaking(certificate)) as there, Proxy(speaking(certificate)) as proxy:
        assert listen(there.url.replace("https", "wss"), proxy.url, bundle).alive


@pytest.mark.usefixtures("hurried")
def test_a_silent_stream_behind_an_https_proxy_is_abandoned_too(authority: trustme.CA, bundle: str) -> None:
    """A stream within two layers of TLS is cut off, too."""
    certificate = authority.issue_cert(ADDRESS)
    with contextlib.ExitStack() as stack:
        exchange = stack.enter_context(LocalExchange(Scenario(stream=StreamFault.stalled())))
        front = stack.enter_context(Front(speaking(certificate), exchange.stream_url))
        proxy = stack.enter_context(Proxy(speaking(certificate)))
        assert failure(wss(front), proxy.url, bundle).kind == "timeout"


@pytest.mark.parametrize("how", ["password", "refusal", "rubbish", "dead", "certificate"])
def test_a_proxy_that_refuses_is_named(there: Front, bundle: str, exchange: LocalExchange, how: str) -> None:
    """If the proxy refuses, no connection goes straight to the exchange."""
    proxies: dict[str, Callable[[], Proxy]] = {
        "password": lambda: Proxy(user="somebody:else"),
        "refusal": lambda: Proxy(refusal=b"HTTP/1.1 403 " + PASSWORD.encode() + b"\r\nContent-Length: 0\r\n\r\n"),
        "rubbish": lambda: Proxy(refusal=b"no proxy at all\r\n\r\n"),
        "dead": Proxy,
        "certificate": lambda: Proxy(speaking(trustme.CA().issue_cert(ADDRESS))),
    }
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(proxies[how]())
        if how == "dead":
            stack.close()
        found = failure(wss(there), with_password(proxy), bundle)
    assert (type(found), found.kind) == (Unreachable, "proxy")
    assert "BINANCE_PROXY" in str(found)
    assert exchange.streams == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_the_stream_is_not_followed(status: int) -> None:
    """A redirect is an error. The library would follow it by itself."""
    with Listener() as stranger, Redirecting(stranger.url, status) as there:
        assert failure(there.url.replace("http", "ws")).kind == "not_binance"
        assert there.connections == 1
        assert stranger.connections == 0


class Redirecting(Listener):
    """A server that redirects every client."""

    def __init__(self, to: str, status: int) -> None:
        """`to`: the base URL of the redirect's target."""
        super().__init__()
        self._answer = f"HTTP/1.1 {status} No\r\nLocation: {to}/private/ws\r\nContent-Length: 0\r\n\r\n".encode()

    def answer(self, connection: socket.socket) -> None:
        """Answers one request with the redirect."""
        self.head(connection)
        connection.sendall(self._answer)


def test_nothing_is_logged(exchange: LocalExchange, caplog: pytest.LogCaptureFixture) -> None:
    """The WebSocket library logs no address and no frame, not even at DEBUG."""
    for name in (None, "websockets", "websockets.client", "keycheck.network.websocket", "urllib3"):
        caplog.set_level(logging.DEBUG, name)
    assert listen(exchange.stream_url).alive
    assert [record for record in caplog.records if not record.name.startswith(("aiohttp", "asyncio"))] == []


def test_a_stream_shows_nothing_of_itself() -> None:
    """Neither the repr nor the attributes of a stream show the proxy's password."""
    shown = Stream("wss://fstream.binance.com", Redactor(), Secret(f"http://somebody:{PASSWORD}@127.0.0.1:1"))
    assert repr(shown) == "Stream()"
    assert PASSWORD not in repr(vars(shown))
