"""Only listed requests leave: the allow-list of method, host and path holds against each of these attacks.

Proxies, .netrc and redirects lead a key elsewhere; spellings, look-alikes and inner libraries lead to other
paths. Each test has a server that must not be contacted.
"""

import ast
import contextlib
import functools
import importlib
import importlib.util
import pkgutil
import re
import types
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
import urllib3

import keycheck
from keycheck.errors import Inconclusive, NotListed, Unreachable
from keycheck.exchange import endpoints
from keycheck.exchange.endpoints import (
    ACCOUNT_CONFIG,
    API_RESTRICTIONS,
    AT_ONCE,
    DEMO_USER_STREAM,
    LISTED,
    ORDER_TEST,
    PING,
    USER_STREAM,
    Endpoint,
    Host,
)
from keycheck.network.transport import HttpTransport
from keycheck.redaction.secret import Secret
from tests.exchange import API_KEY, LISTEN_KEY, Fault, LocalExchange, Received
from tests.matrix import mostly_slow
from tests.running import ROOT, Finished, SuiteRunner
from tests.tls import ADDRESS, Front, Listener, Proxy, hosts, settings_for, speaking

CANARY = "canary9canary"
PASSWORD = "pass9word9canary"  # noqa: S105  the password of a proxy that is not there
NOTHING = Secret("")
ORDER = "/fapi/v1/order"
KEY = {"X-MBX-APIKEY": CANARY}
# A library may raise one of these before it asks our list; nothing was sent then either.
REFUSALS = (
    NotListed,
    Inconclusive,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    ValueError,
    AttributeError,
)
PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def no_ways_of_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the proxies, .netrc and CA bundles of this machine's owner; the control requests do without them, too."""
    for name in (*PROXY_NAMES, "NO_PROXY", "no_proxy", "NETRC", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def wallet(authority: trustme.CA, exchange: LocalExchange) -> Iterator[Front]:
    """The wallet host over TLS."""
    with Front(speaking(authority.issue_cert(ADDRESS)), exchange.wallet_url) as opened:
        yield opened


@pytest.fixture
def stranger() -> Iterator[Listener]:
    """A third host, which accepts any request."""
    with Listener() as listening:
        yield listening


@pytest.fixture
def http(exchange: LocalExchange) -> Iterator[HttpTransport]:
    """A transport to the exchange."""
    with contextlib.closing(HttpTransport(hosts(exchange.futures_url, exchange.wallet_url))) as opened:
        yield opened


@contextlib.contextmanager
def by_way_of(proxy: str, url: str, bundle: str | None = None) -> Iterator[HttpTransport]:
    """A transport with this BINANCE_PROXY."""
    with contextlib.closing(HttpTransport(hosts(url), Secret(proxy), bundle)) as opened:
        yield opened


def with_password(proxy: Proxy, user: str = "somebody", password: str = PASSWORD) -> str:
    """The proxy's address as BINANCE_PROXY has it."""
    return proxy.url.replace("://", f"://{user}:{password}@")


# -- proxies of other programs --


@pytest.mark.parametrize("name", PROXY_NAMES)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_proxy_of_other_programs_is_not_used(  # noqa: PLR0913, PLR0917  fixtures
    exchange: LocalExchange, front: Front, bundle: str, monkeypatch: pytest.MonkeyPatch, name: str, scheme: str
) -> None:
    """The proxy of other programs is used by other clients, and not by this one."""
    url = front.url if scheme == "https" else exchange.futures_url
    with Proxy() as proxy:
        monkeypatch.setenv(name, proxy.url)
        requests.get(url + PING.path, timeout=5, verify=bundle)
        others = proxy.connections
        with contextlib.closing(HttpTransport(hosts(url), None, bundle)) as http:
            assert http.send(ACCOUNT_CONFIG, NOTHING, Secret(API_KEY), 5).status == 400
        assert others == (name.lower() in (f"{scheme}_proxy", "all_proxy"))
        assert proxy.connections == others
    assert [one.path for one in exchange.log] == [PING.path, ACCOUNT_CONFIG.path]


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("value", ["*", "127.0.0.1", "localhost,127.0.0.0/8"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_setting_of_other_programs_bypasses_our_proxy(  # noqa: PLR0913, PLR0917  fixtures
    exchange: LocalExchange,
    front: Front,
    bundle: str,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    scheme: str,
) -> None:
    """NO_PROXY is for other programs: a key may work only from the proxy's address, so our proxy is always used."""
    monkeypatch.setenv(name, value)
    url = front.url if scheme == "https" else exchange.futures_url
    with Proxy() as proxy, by_way_of(proxy.url, url, bundle) as http:
        assert http.send(PING, NOTHING, None, 5).status == 200
        assert proxy.connections == 1


@pytest.mark.parametrize("where", ["HOME", "NETRC"])
@pytest.mark.parametrize("entry", [f"machine {ADDRESS}", "default"])
def test_a_netrc_is_not_read(  # noqa: PLR0913, PLR0917  fixtures
    http: HttpTransport,
    exchange: LocalExchange,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    where: str,
    entry: str,
) -> None:
    """Other clients send the password of .netrc; this one sends no Authorization header."""
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"{entry} login somebody password {PASSWORD}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv(where, str(tmp_path if where == "HOME" else netrc))
    requests.get(exchange.futures_url + PING.path, timeout=5)
    http.send(PING, NOTHING, None, 5)
    http.send(ACCOUNT_CONFIG, NOTHING, Secret(API_KEY), 5)
    assert ["authorization" in one.headers for one in exchange.log] == [True, False, False]


# -- our own proxy --


def test_a_tunnels_proxy_sees_host_and_port(exchange: LocalExchange, front: Front, bundle: str) -> None:
    """Through a TLS tunnel a proxy sees neither path nor header nor key, only the address to connect to."""
    with Proxy() as proxy:
        with by_way_of(proxy.url, front.url, bundle) as http:
            http.send(ACCOUNT_CONFIG, Secret(f"signature={CANARY}"), Secret(API_KEY), 5)
            http.send(PING, NOTHING, None, 5)
        (head,) = proxy.heads
        seen = proxy.received
    first, *lines = head.decode().split("\r\n")
    assert first.startswith(f"CONNECT {ADDRESS}:{front.port} HTTP/1.")
    assert {line.partition(":")[0].lower() for line in lines if line} <= {"host"}
    for hidden in (API_KEY, CANARY, "APIKEY", "fapi/", "keycheck", "signature"):
        assert hidden.encode().lower() not in seen.lower()
        assert hidden.encode().lower() in front.received.lower()
    assert [one.headers.get("x-mbx-apikey") for one in exchange.log] == [API_KEY, None]


def test_an_https_proxy_is_reached_over_tls(
    exchange: LocalExchange, front: Front, authority: trustme.CA, bundle: str
) -> None:
    """The password of an https proxy travels inside TLS."""
    with Proxy(speaking(authority.issue_cert(ADDRESS)), user=f"somebody:{PASSWORD}") as proxy:
        with by_way_of(with_password(proxy), front.url, bundle) as http:
            assert http.send(PING, NOTHING, None, 5).status == 200
        assert proxy.connections == 1
    assert len(exchange.log) == 1


def test_an_https_proxy_with_an_untrusted_certificate_gets_no_password(front: Front, bundle: str) -> None:
    """An https proxy with an untrusted certificate gets no password, and the error names the proxy."""
    with Proxy(speaking(trustme.CA().issue_cert(ADDRESS))) as proxy:
        with by_way_of(with_password(proxy), front.url, bundle) as http:
            error = failure(http)
        assert proxy.connections == 1
        assert proxy.received == b""
    assert error.kind == "proxy"
    assert front.connections == 0


def test_http_on_loopback_goes_through_the_proxy_too(exchange: LocalExchange) -> None:
    """A proxy sees all of an http request, which is why such a proxy must be on loopback itself."""
    with Proxy() as proxy:
        with by_way_of(proxy.url, exchange.futures_url) as http:
            assert http.send(PING, NOTHING, None, 5).status == 200
        (head,) = proxy.heads
    assert head.startswith(f"GET {exchange.futures_url}{PING.path} HTTP/1.1\r\n".encode())
    assert len(exchange.log) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(("typed", "meant"), [(PASSWORD, PASSWORD), ("p%40ss%3Aword%2F9", "p@ss:word/9")])
def test_the_proxy_gets_its_password(  # noqa: PLR0913, PLR0917  fixtures
    exchange: LocalExchange, front: Front, bundle: str, scheme: str, typed: str, meant: str
) -> None:
    """The proxy's password may be percent-encoded, and the exchange does not see it."""
    url = front.url if scheme == "https" else exchange.futures_url
    with Proxy(user=f"somebody:{meant}") as proxy:
        with by_way_of(with_password(proxy, password=typed), url, bundle) as http:
            assert http.send(PING, NOTHING, None, 5).status == 200
        assert proxy.connections == 1
    if scheme == "https":
        assert "proxy-authorization" not in exchange.log[0].headers


def failure(http: HttpTransport) -> Unreachable:
    """The error of a failed request; neither it nor its causes hold the proxy's address or its password."""
    with pytest.raises(Inconclusive) as caught:
        http.send(ACCOUNT_CONFIG, Secret(f"signature={CANARY}"), Secret(CANARY), 5)
    error = caught.value
    assert isinstance(error, Unreachable)
    for hidden in (CANARY, PASSWORD, "somebody", ADDRESS, "://"):
        assert hidden not in repr(error)
    assert error.__cause__ is error.__context__ is None
    return error


REFUSING = {
    "wrong password": b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
    "forbidden": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
    "bad gateway": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: http://somebody:" + PASSWORD.encode() + b"@127.0.0.1/\r\n\r\n",
    "its password in its words": b"HTTP/1.1 407 somebody:" + PASSWORD.encode() + b"\r\nContent-Length: 0\r\n\r\n",
    "silence": b"",
    "rubbish": b"no proxy at all\r\n\r\n",
}


@pytest.mark.parametrize("refusal", REFUSING.values(), ids=REFUSING)
def test_a_proxy_that_refuses_is_named(front: Front, bundle: str, refusal: bytes) -> None:
    """The error names the proxy without its credentials, and the key was not sent to the proxy."""
    with Proxy(refusal=refusal) as proxy:
        with by_way_of(with_password(proxy), front.url, bundle) as http:
            error = failure(http)
        assert proxy.connections
        assert CANARY.encode() not in proxy.received
    assert error.kind == "proxy"
    assert "BINANCE_PROXY" in str(error)
    assert front.connections == 0


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_dead_proxy_is_named(exchange: LocalExchange, front: Front, bundle: str, scheme: str) -> None:
    """If the proxy is dead, no request goes straight to the exchange."""
    with Proxy() as gone:
        pass
    url = front.url if scheme == "https" else exchange.futures_url
    with by_way_of(with_password(gone), url, bundle) as http:
        assert failure(http).kind == "proxy"
    assert exchange.log == []


def test_a_wrong_proxy_password_is_named_if_the_exchange_is_http(exchange: LocalExchange) -> None:
    """The status 407 shows that the proxy refused: no exchange answers with it."""
    with Proxy(user="somebody:else") as proxy, by_way_of(with_password(proxy), exchange.futures_url) as http:
        assert failure(http).kind == "proxy"
    assert exchange.log == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_our_own_proxy_gets_no_unlisted_request(exchange: LocalExchange, front: Front, scheme: str) -> None:
    """The pool that speaks to a proxy has the same allow-list as the one that does not."""
    url = front.url if scheme == "https" else exchange.futures_url
    with Proxy() as proxy, by_way_of(proxy.url, url) as http:
        pools = http._adapter.proxy_manager_for(proxy.url, cert_reqs="CERT_NONE", assert_hostname=False)
        for method, path in (("POST", ORDER), ("DELETE", ORDER), ("GET", "/fapi/v2/account"), ("POST", ORDER + "/")):
            with contextlib.suppress(*REFUSALS):
                pools.urlopen(method, url + path, retries=False, timeout=2)
    assert exchange.log == []
    assert exchange.real_orders == []


# -- redirects --

ELSEWHERE = {
    "another host": "http://localhost:{stranger}/",
    "another port": "http://127.0.0.1:{stranger}/fapi/v1/time",
    "no scheme": "//127.0.0.1:{stranger}/fapi/v1/time",
    "another path": "/fapi/v1/order",
    "a listed path": "/fapi/v1/ping",
    "a relative path": "../v1/order",
    "a query": "?symbol=BTCUSDT",
    "the other host of the two": "{wallet}/sapi/v1/account/apiRestrictions",
    "with a user": "http://somebody:secret@127.0.0.1:{stranger}/",
}
REDIRECTS = (301, 302, 303, 307, 308)


@pytest.mark.parametrize("location", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_redirect_is_never_followed(
    http: HttpTransport, exchange: LocalExchange, stranger: Listener, location: str
) -> None:
    """A redirect of any status, to a GET or a POST, is returned as it is; its target gets no connection."""
    target = location.format(stranger=stranger.port, wallet=exchange.wallet_url)
    for status in REDIRECTS:
        exchange.scenario = replace(exchange.scenario, faults={"*": Fault.redirect(target, status)})
        for endpoint in (ACCOUNT_CONFIG, ORDER_TEST):
            assert http.send(endpoint, NOTHING, Secret(CANARY), 5).status == status
    assert [one.path for one in exchange.log] == [ACCOUNT_CONFIG.path, ORDER_TEST.path] * len(REDIRECTS)
    assert stranger.connections == 0


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_from_tls_to_http_is_never_followed(
    front: Front, exchange: LocalExchange, stranger: Listener, bundle: str, status: int
) -> None:
    """A redirect leads neither to a third host nor to the exchange itself over plain http."""
    with contextlib.closing(HttpTransport(hosts(front.url), None, bundle)) as http:
        for target in (stranger.url, exchange.futures_url):
            exchange.scenario = replace(exchange.scenario, faults={"*": Fault.redirect(target + PING.path, status)})
            assert http.send(ACCOUNT_CONFIG, NOTHING, Secret(CANARY), 5).status == status
    assert len(exchange.log) == 2
    assert exchange.connections["futures"] == 1
    assert stranger.connections == 0


@pytest.mark.parametrize("location", ELSEWHERE.values(), ids=ELSEWHERE)
def test_the_libraries_inside_follow_no_redirect_off_the_list(
    http: HttpTransport, exchange: LocalExchange, stranger: Listener, location: str
) -> None:
    """requests and urllib3 follow no redirect to an unlisted address even if a call allows redirects."""
    target = location.format(stranger=stranger.port, wallet=exchange.wallet_url)
    url = exchange.futures_url + ACCOUNT_CONFIG.path
    pools = http._adapter.poolmanager
    for status in REDIRECTS:
        exchange.scenario = replace(exchange.scenario, faults={ACCOUNT_CONFIG.path: Fault.redirect(target, status)})
        for follow in (
            lambda: http._session.get(url, headers=KEY, timeout=2, allow_redirects=True),
            lambda: pools.urlopen("GET", url, headers=KEY, timeout=2, redirect=True),
            lambda: pools.connection_from_url(url).urlopen(
                "GET", ACCOUNT_CONFIG.path, headers=KEY, timeout=2, redirect=True, assert_same_host=False
            ),
        ):
            with contextlib.suppress(*REFUSALS):
                follow()
    assert len(exchange.log) >= 3 * len(REDIRECTS)
    assert_listed(exchange, exchange.log)
    assert stranger.connections == 0


def assert_listed(exchange: LocalExchange, received: list[Received]) -> None:
    """Asserts that each request is on the list, letter for letter, and reached its own host."""
    listed = {(each.host.value, each.method, each.path) for each in LISTED}
    assert {(one.host, one.method, one.path) for one in received} <= listed
    assert exchange.real_orders == []


# -- tricks --


class Passport:
    """An endpoint that compares equal to a listed one and prints another path."""

    weight, signed = 1, True

    def __init__(self, method: str, path: str, host: Any = Host.FUTURES, like: Endpoint = ORDER_TEST) -> None:
        self.method, self.path, self.host, self._like = method, path, host, like

    def __eq__(self, other: object) -> bool:
        return other == self._like

    def __hash__(self) -> int:
        return hash(self._like)


class Alias(str):
    """A text that compares equal to another."""

    __slots__ = ("_like",)
    _like: str

    def __new__(cls, text: str, like: str) -> "Alias":
        made = super().__new__(cls, text)
        made._like = like
        return made

    def __eq__(self, other: object) -> bool:
        return other == self._like

    def __hash__(self) -> int:
        return hash(self._like)

    def upper(self) -> "Alias":
        return self


def raw(method: str, url: str) -> requests.PreparedRequest:
    """A prepared request whose method and address were not normalised."""
    prepared = requests.Request("GET", "http://127.0.0.1/", headers=KEY).prepare()
    prepared.method, prepared.url = method, url
    return prepared


Door = Callable[[HttpTransport, str, str, str], object]
DOORS: dict[str, Door] = {
    "send": lambda http, method, _, path: http.send(Passport(method, path), NOTHING, Secret(CANARY), 5),  # type: ignore[arg-type]
    "session": lambda http, method, base, path: http._session.request(method, base + path, headers=KEY, timeout=2),
    "prepared": lambda http, method, base, path: http._session.send(raw(method, base + path), timeout=2),
    "adapter": lambda http, method, base, path: http._adapter.send(raw(method, base + path), timeout=2),
    "pool manager": lambda http, method, base, path: http._adapter.poolmanager.urlopen(
        method, base + path, headers=KEY, timeout=2, retries=False
    ),
    "pool": lambda http, method, base, path: http._adapter.poolmanager.connection_from_url(base).urlopen(
        method, path, headers=KEY, timeout=2, retries=False, assert_same_host=False
    ),
}
each_door = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)


def leaks(  # noqa: PLR0913  what a request consists of
    http: HttpTransport, exchange: LocalExchange, method: str, base: str, path: str, *, without: tuple[str, ...] = ()
) -> dict[str, list[str]]:
    """What went wrong with each way to send: a line that the exchange received, or a request that was not refused."""
    found = {}
    for name, door in DOORS.items():
        if name in without:
            continue
        before, objected = len(exchange.log), False
        try:
            door(http, method, base, path)
        except REFUSALS:
            objected = True
        received = [f"{one.method} {one.path}" for one in exchange.log[before:]]
        if received or not objected:
            found[name] = received or ["nobody objected"]
    assert exchange.real_orders == []
    return found


# Spellings that one reader may take for the test order and another for an order, or for neither.
NEVER = (
    *(ORDER, f"{ORDER}/", f"/{ORDER}", "/fapi//v1/order", "/fapi/v1/./order", "/fapi/v1/order/.", f"{ORDER}?/test"),
    *(f"{ORDER}/test/..", f"{ORDER}/test/../", f"{ORDER}/test/../../order", "/fapi/v1/x/../order", f"{ORDER}#/test"),
    *(f"{ORDER}%2ftest", f"{ORDER}%2Ftest", f"{ORDER}%252ftest", f"{ORDER}/test%2f..", f"{ORDER}/test%2F%2E%2E"),
    *(f"{ORDER}/test/%2e%2e", f"{ORDER}/test/.%2e", f"{ORDER}/test/%2E.", "/fapi/v1/%6frder", "/%66api/v1/order"),
    *("/FAPI/v1/order", "/fapi/v1/ORDER", "/fapi/v1/Order/Test", "/fapi/V1/order/test", "/fapi/v1/order/TEST"),
    *(f"{ORDER}/test/", f"{ORDER}/test//", f"{ORDER}//test", f"/{ORDER}/test", f"{ORDER}/test;", f"{ORDER};/test"),
    *(f"{ORDER}\\test", f"{ORDER}/test\\..", f"{ORDER}%00/test", f"{ORDER}/test%00", f"{ORDER}/test%20"),
    *(
        f"{ORDER}%3f/test",
        f"{ORDER}%23/test",
        f"{ORDER}/test%3Fx=1",
        f"{ORDER}?x={ORDER}/test",
        f"{ORDER}?{ORDER}/test",
    ),
    *("/fapi/v1/order／test", "/fapi/v1/ｏrder", f"{ORDER}\u200b/test", f"{ORDER}/tеst"),
    *(f"//127.0.0.1{ORDER}/test", f"///127.0.0.1{ORDER}/test", f"//x:y@127.0.0.1{ORDER}/test"),
    *("/fapi/v1/batchOrders", "/fapi/v1/allOpenOrders", "/fapi/v2/order", "/fapi/v1/order/testing", "/", ""),
    *(f"{ORDER} HTTP/1.1\r\nX: ", f"{ORDER}/test HTTP/1.1\r\n\r\nPOST {ORDER} HTTP/1.1\r\n\r\n"),
)
# Some readers remove white space, which leaves a listed path. Such a path may be sent as the listed path only.
ALMOST = (
    *("/fapi/v1/or\tder/test", f"{ORDER}/\ttest", f"{ORDER}/te\nst", f"{ORDER}\r/test", f"{ORDER}\r\n/test"),
    *(f"{ORDER}/test ", f"{ORDER}/./test", f"{ORDER}/x/../test", f"{ORDER}/test/../test", "/fapi/v1/order/%74est"),
    *(f"{ORDER}/test/%2e%2e/test", f"{ORDER}/test#{ORDER}", f"{ORDER}/test?x=/../../order", f"{ORDER}/test?#/../order"),
    *("\t/fapi/v1/order/test", "\x00/fapi/v1/order/test", " /fapi/v1/order/test"),
)


@pytest.mark.parametrize("path", NEVER, ids=ascii)
def test_no_spelling_of_another_path_leaves(http: HttpTransport, exchange: LocalExchange, path: str) -> None:
    """No way to send lets such a path reach the exchange."""
    assert leaks(http, exchange, "POST", exchange.futures_url, path) == {}


@pytest.mark.parametrize("path", ALMOST, ids=ascii)
def test_a_listed_path_in_disguise_leaves_as_itself(http: HttpTransport, exchange: LocalExchange, path: str) -> None:
    """A listed path in another spelling is sent as the listed path or not at all."""
    leaked = leaks(http, exchange, "POST", exchange.futures_url, path)
    assert {door: lines for door, lines in leaked.items() if lines != [str(ORDER_TEST)]} == {}


@each_door
def test_every_way_to_send_lets_a_listed_request_through(
    http: HttpTransport, exchange: LocalExchange, door: Door
) -> None:
    """Each way to send lets a listed request through, so the refusals of the other tests come from the list."""
    door(http, "POST", exchange.futures_url, ORDER_TEST.path)
    (one,) = exchange.log
    assert (one.method, one.path, one.headers["x-mbx-apikey"]) == ("POST", ORDER_TEST.path, CANARY)


@pytest.fixture
def over_ipv6() -> Iterator[Listener]:
    """A host with an IPv6 address; the test is skipped on a machine without one."""
    with contextlib.ExitStack() as stack:
        try:
            host = stack.enter_context(Listener(address="::1"))
        except OSError:
            pytest.skip("this machine has no IPv6")
        yield host


@pytest.mark.parametrize("way", ["direct", "proxy"])
def test_a_host_may_be_an_ipv6_address(over_ipv6: Listener, way: str) -> None:
    """A listed request reaches an IPv6 address, directly or through a proxy; an unlisted one does not."""
    url = over_ipv6.url
    with (
        Proxy() as proxy,
        contextlib.closing(HttpTransport(hosts(url), Secret(proxy.url) if way == "proxy" else None)) as http,
    ):
        assert http.send(PING, NOTHING, None, 5).status == 200
        assert proxy.connections == (way == "proxy")
        received = over_ipv6.received
        assert f"\r\nHost: [::1]:{over_ipv6.port}\r\n".encode() in received
        for door in DOORS.values():
            with pytest.raises(REFUSALS):
                door(http, "POST", url, ORDER)
        assert over_ipv6.received == received


VERBS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "post", "Get", "PO\tST", "X")


@pytest.mark.parametrize("verb", VERBS, ids=ascii)
def test_no_other_verb_leaves(http: HttpTransport, exchange: LocalExchange, verb: str) -> None:
    """No other verb leaves, neither on a listed path nor on an order, which PUT changes and DELETE cancels."""
    for path in {ORDER, *(each.path for each in LISTED)}:
        leaked = leaks(http, exchange, verb, exchange.futures_url, path)
        assert {line for lines in leaked.values() for line in lines} <= {f"{verb.upper()} {path}"}
    assert_listed(exchange, exchange.log)
    assert all(one.path != ORDER for one in exchange.log)


LISTEN = "/fapi/v1/listenKey"


@pytest.mark.parametrize(
    "path", [LISTEN, f"{LISTEN}/", f"{LISTEN}/.", "/fapi/v1/%6cistenKey", f"{LISTEN}?listenKey=x", LISTEN.lower()]
)
@pytest.mark.parametrize("verb", ["DELETE", "PUT", "PATCH"])
def test_no_listen_key_can_be_deleted(http: HttpTransport, exchange: LocalExchange, verb: str, path: str) -> None:
    """A listen key can be requested and not be deleted: DELETE would end the stream of a running bot."""
    assert leaks(http, exchange, verb, exchange.futures_url, path) == {}


@each_door
@pytest.mark.parametrize("query", ["?listenKey=x", "?_method=DELETE", "?timestamp=1&signature=0"])
def test_a_listen_key_is_requested_without_parameters(
    http: HttpTransport, exchange: LocalExchange, door: Door, query: str
) -> None:
    """The request for a listen key needs no parameters, so one with a query is refused."""
    with pytest.raises(REFUSALS):
        door(http, "POST", exchange.futures_url, LISTEN + query)
    assert exchange.log == []


@each_door
def test_the_streams_path_is_not_for_requests(http: HttpTransport, exchange: LocalExchange, door: Door) -> None:
    """The stream's path is listed only for the WebSocket, which has a host of its own."""
    for base in (exchange.futures_url, exchange.wallet_url, exchange.stream_url.replace("ws:", "http:")):
        for path in (USER_STREAM.path, DEMO_USER_STREAM.path, f"{DEMO_USER_STREAM.path}/{LISTEN_KEY}"):
            with pytest.raises(REFUSALS):
                door(http, "GET", base, path)
    assert exchange.log == exchange.streams == []


BASES = {
    "another port": "http://127.0.0.1:{stranger}",
    "another name of this machine": "http://localhost:{port}",
    "another address of this machine": "http://127.0.0.2:{port}",
    "a short address": "http://127.1:{port}",
    "a number": "http://2130706433:{port}",
    "a hexadecimal address": "http://0x7f.0.0.1:{port}",
    "a mapped address": "http://[::ffff:127.0.0.1]:{port}",
    "a longer port": "http://127.0.0.1:{port}0",
    "the host as user": "http://127.0.0.1:{port}@127.0.0.1:{stranger}",
    "a backslash": "http://127.0.0.1:{stranger}\\@127.0.0.1:{port}",
    "a backslash after it": "http://127.0.0.1:{port}\\@127.0.0.1:{stranger}",
    "a fragment": "http://127.0.0.1:{stranger}#@127.0.0.1:{port}",
    "a query": "http://127.0.0.1:{stranger}?@127.0.0.1:{port}",
    "https": "https://127.0.0.1:{port}",
    "another scheme": "ws://127.0.0.1:{port}",
    "a packed scheme": "http+unix://127.0.0.1:{port}",
    "no host": "http://",
    "a file": "file://",
}


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_no_other_host_gets_a_request(
    http: HttpTransport, exchange: LocalExchange, stranger: Listener, base: str
) -> None:
    """A full URL of another host is refused, even with a listed path at its end."""
    port = int(exchange.futures_url.rpartition(":")[2])
    address = base.format(port=port, stranger=stranger.port)
    assert leaks(http, exchange, "GET", address, PING.path, without=("send", "pool")) == {}
    assert stranger.connections == 0


@pytest.mark.parametrize("user", ["somebody:secret", "somebody", "somebody:", ":secret", ":"])
def test_user_information_does_not_leave(http: HttpTransport, exchange: LocalExchange, user: str) -> None:
    """The library requests would make a header of user information, and Binance's addresses have none."""
    base = exchange.futures_url.replace("://", f"://{user}@")
    http._session.mount(base, http._adapter)
    prepared = requests.Request("GET", base + PING.path).prepare()
    for send in (http._session.send, http._adapter.send):
        for one in (prepared, raw("GET", base + PING.path)):
            with contextlib.suppress(*REFUSALS):
                send(one, timeout=2)
    assert leaks(http, exchange, "GET", base, PING.path, without=("send", "session", "pool", "pool manager")) == {}
    for door in ("session", "pool manager"):  # both may drop the user information, and send the listed request
        with contextlib.suppress(*REFUSALS):
            DOORS[door](http, "GET", base, PING.path)
    assert_listed(exchange, exchange.log)
    assert all("authorization" not in one.headers for one in exchange.log)


def test_a_full_url_is_not_a_path(http: HttpTransport, exchange: LocalExchange, stranger: Listener) -> None:
    """A full URL in place of the path, as clients send it to a proxy, is not sent to this host either."""
    for path in (stranger.url + PING.path, f"@127.0.0.1:{stranger.port}{PING.path}", f"//x{PING.path}"):
        assert leaks(http, exchange, "GET", exchange.futures_url, path) == {}
    assert stranger.connections == 0


@pytest.mark.parametrize("path", sorted({each.path for each in LISTED if each.host is Host.FUTURES}))
def test_a_path_of_one_host_does_not_leave_for_the_other(
    http: HttpTransport, exchange: LocalExchange, path: str
) -> None:
    """The list is of method, host and path together, so a path of one host is refused for the other."""
    for method in ("GET", "POST"):
        assert leaks(http, exchange, method, exchange.wallet_url, path, without=("send",)) == {}


@pytest.mark.parametrize("door", ["session", "prepared", "adapter", "pool manager", "pool"])
def test_no_request_has_a_body(http: HttpTransport, exchange: LocalExchange, door: str) -> None:
    """A request with a body is refused: Binance would read parameters from it that nothing has checked."""
    url, body = exchange.futures_url + ORDER_TEST.path, "symbol=BTCUSDT&side=BUY"
    prepared = requests.Request("POST", url, data=body).prepare()
    pools = http._adapter.poolmanager
    attempts: dict[str, Callable[[], Any]] = {
        "session": lambda: http._session.post(url, data=body, timeout=2),
        "prepared": lambda: http._session.send(prepared, timeout=2),
        "adapter": lambda: http._adapter.send(prepared, timeout=2),
        "pool manager": lambda: pools.urlopen("POST", url, body=body, retries=False, timeout=2),
        "pool": lambda: pools.connection_from_url(url).urlopen(
            "POST", ORDER_TEST.path, body=body, retries=False, timeout=2
        ),
    }
    with pytest.raises(REFUSALS):
        attempts[door]()
    assert exchange.log == []


@pytest.mark.parametrize("how", ["argument", "session.proxies", "adapter"])
def test_a_caller_cannot_give_the_session_a_proxy(
    http: HttpTransport, exchange: LocalExchange, stranger: Listener, how: str
) -> None:
    """A proxy in front of http would read the key; only BINANCE_PROXY can name one."""
    proxies, url = {"http": stranger.url, "all": stranger.url}, exchange.futures_url + ACCOUNT_CONFIG.path
    if how == "session.proxies":
        http._session.proxies = dict(proxies)
    attempts: dict[str, Callable[[], Any]] = {
        "argument": lambda: http._session.get(url, headers=KEY, timeout=2, proxies=proxies),
        "session.proxies": lambda: http._session.get(url, headers=KEY, timeout=2),
        "adapter": lambda: http._adapter.send(raw("GET", url), timeout=2, proxies=proxies),
    }
    with contextlib.suppress(*REFUSALS):
        attempts[how]()
    with contextlib.suppress(Inconclusive):
        http.send(ACCOUNT_CONFIG, NOTHING, Secret(CANARY), 5)
    assert stranger.connections == 0


# -- look-alikes --


class Turncoat(Endpoint):
    """An endpoint that has another path each time it is read."""

    def __getattribute__(self, name: str) -> Any:
        if name != "path":
            return super().__getattribute__(name)
        reads = self.__dict__.setdefault("reads", [])
        reads.append(1)
        return ORDER_TEST.path if len(reads) < TURN["after"] else ORDER


TURN = {"after": 1}


@pytest.mark.parametrize("after", range(1, 9))
def test_an_endpoint_whose_path_changes_sends_no_order(
    http: HttpTransport, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """An endpoint whose path changes while it is read sends no order, whichever read the change comes after."""
    monkeypatch.setitem(TURN, "after", after)
    turncoat = Turncoat(Host.FUTURES, "POST", ORDER_TEST.path, 1, signed=True)
    with contextlib.suppress(*REFUSALS):
        http.send(turncoat, NOTHING, Secret(CANARY), 5)
    assert len(vars(turncoat)["reads"])
    assert_listed(exchange, exchange.log)


OTHERS: dict[str, Callable[[], Any]] = {
    "subclass": lambda: type("Mine", (Endpoint,), {})(Host.FUTURES, "POST", ORDER, 1, signed=True),
    "subclass that is equal": lambda: type(
        "Equal", (Endpoint,), {"__eq__": lambda *_: True, "__hash__": lambda _: hash(ORDER_TEST)}
    )(Host.FUTURES, "POST", ORDER, 1, signed=True),
    "passport": lambda: Passport("POST", ORDER),
    "passport of a reader": lambda: Passport("POST", ORDER, like=PING),
    "passport with another verb": lambda: Passport("DELETE", PING.path, like=PING),
    "passport to the other host": lambda: Passport("POST", ORDER_TEST.path, host=Host.WALLET),
    "passport with a query": lambda: Passport("POST", f"{ORDER}?x={ORDER}/test"),
    "passport with an address": lambda: Passport("POST", "@127.0.0.1:1" + ORDER_TEST.path),
    "alias of a path": lambda: Endpoint(Host.FUTURES, "POST", Alias(ORDER, ORDER_TEST.path), 1, signed=True),
    "alias of a verb": lambda: Endpoint(Host.FUTURES, Alias("DELETE", "GET"), PING.path, 1),
    "alias of a verb on the test order": lambda: Endpoint(
        Host.FUTURES, Alias("DELETE", "POST"), ORDER_TEST.path, 1, signed=True
    ),
    "a namespace": lambda: types.SimpleNamespace(host=Host.FUTURES, method="POST", path=ORDER, weight=1, signed=True),
    "a text": lambda: f"POST {ORDER}",
    "nothing": lambda: None,
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_a_look_alike_of_an_endpoint_is_refused(
    http: HttpTransport, exchange: LocalExchange, other: Callable[[], Any]
) -> None:
    """An object that looks like a listed endpoint is refused even if it compares equal to one."""
    with pytest.raises((*REFUSALS, TypeError)):
        http.send(other(), NOTHING, Secret(CANARY), 5)
    assert exchange.log == []
    assert exchange.real_orders == []


@pytest.mark.parametrize("door", ["session", "prepared", "adapter", "pool manager", "pool"])
def test_a_verb_that_compares_equal_to_another_is_refused(
    http: HttpTransport, exchange: LocalExchange, door: str
) -> None:
    """A verb that compares equal to another is compared by the letters that would be sent."""
    with contextlib.suppress(*REFUSALS):
        DOORS[door](http, Alias("DELETE", "POST"), exchange.futures_url, ORDER_TEST.path)
    assert_listed(exchange, exchange.log)


def test_an_endpoint_is_frozen() -> None:
    """A listed endpoint cannot be changed by an ordinary assignment."""
    for endpoint in LISTED:
        with pytest.raises(FrozenInstanceError):
            endpoint.path = ORDER  # type: ignore[misc]


@pytest.mark.parametrize(("method", "path"), [("POST", ORDER), ("DELETE", ORDER), ("PUT", ORDER), ("GET", "/x/secret")])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_listed_endpoint_that_was_changed_sends_nothing(
    exchange: LocalExchange, method: str, path: str, when: str
) -> None:
    """A listed endpoint that was changed by force, before or after the transport was made, sends nothing in any way."""
    for endpoint in sorted(LISTED, key=str):
        with changed(endpoint, method, path) if when == "before" else contextlib.nullcontext():
            http = HttpTransport(hosts(exchange.futures_url, exchange.wallet_url))
            base = exchange.wallet_url if endpoint.host is Host.WALLET else exchange.futures_url
            with contextlib.closing(http), changed(endpoint, method, path):
                assert leaks(http, exchange, method, base, path) == {}
                with pytest.raises(REFUSALS):
                    http.send(endpoint, NOTHING, Secret(CANARY), 5)
    assert exchange.log == []


@contextlib.contextmanager
def changed(endpoint: Endpoint, method: str, path: str) -> Iterator[None]:
    """Changes an endpoint by force, until the block ends."""
    before = endpoint.method, endpoint.path
    for name, value in zip(("method", "path"), (method, path), strict=True):
        object.__setattr__(endpoint, name, value)
    try:
        yield
    finally:
        for name, value in zip(("method", "path"), before, strict=True):
            object.__setattr__(endpoint, name, value)


SMUGGLED = (
    f"x=1\r\n\r\nPOST {ORDER} HTTP/1.1\r\nHost: x\r\n\r\n",
    f"x=1 HTTP/1.1\r\n\r\nPOST {ORDER}",
    "/../../order",
    "#/../order",
    "\x00",
    f"@127.0.0.1{ORDER}",
    "х=ы",
)


@pytest.mark.parametrize("query", SMUGGLED, ids=ascii)
def test_a_query_stays_a_query(http: HttpTransport, exchange: LocalExchange, query: str) -> None:
    """A query cannot become a path, a header or a second request."""
    with contextlib.suppress(*REFUSALS):
        http.send(ORDER_TEST, Secret(query), Secret(CANARY), 5)
    assert len(exchange.log) <= 1
    assert_listed(exchange, exchange.log)


# -- the package --


def modules() -> list[types.ModuleType]:
    """Every module of the package; the engine on Dask only if Dask is installed."""
    names = [each.name for each in pkgutil.walk_packages(keycheck.__path__, "keycheck.")]
    if importlib.util.find_spec("distributed") is None:
        names.remove("keycheck.fleet.dask")
    return [keycheck, *map(importlib.import_module, names)]


def ours(thing: object) -> bool:
    """Whether a module, class or function belongs to the package or to this file, and not to a library."""
    home = thing.__name__ if isinstance(thing, types.ModuleType) else getattr(thing, "__module__", None)
    return isinstance(home, str) and (home == __name__ or home.partition(".")[0] == "keycheck")


def parts_of(thing: object) -> list[Any]:  # noqa: PLR0911  a table
    """The parts of an object: its items, attributes, code, defaults and closure."""
    match thing:
        case dict() | types.MappingProxyType():
            return [*thing.keys(), *thing.values()]
        case list() | tuple() | set() | frozenset():
            return list(thing)
        case types.CodeType():
            return list(thing.co_consts)
        case types.CellType():
            return [thing.cell_contents]
        case property():
            return [thing.fget, thing.fset]
        case staticmethod() | classmethod() | types.MethodType():
            return [thing.__func__]
        case functools.partial():
            return [thing.func, thing.args, thing.keywords]
        case types.FunctionType() if ours(thing):
            return [thing.__code__, thing.__defaults__, thing.__kwdefaults__, thing.__closure__, vars(thing)]
    if isinstance(thing, types.ModuleType | type):
        return [vars(thing)] if ours(thing) else []
    return [vars(thing)] if ours(type(thing)) and hasattr(thing, "__dict__") else []


def texts(root: object) -> list[str]:
    """Every text that can be reached from an object."""
    seen: dict[int, object] = {}
    waiting, found = [root], []
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        if isinstance(thing, str):
            found.append(thing)
        elif isinstance(thing, bytes | bytearray):
            found.append(bytes(thing).decode("latin-1"))
        else:
            waiting += parts_of(thing)
    return found


# "/order" that is not followed by "/test", in whatever case.
REAL_ORDER = re.compile(r"/order\b(?!/test(?![\w/]))", re.IGNORECASE)


def hidden_orders() -> list[Any]:
    """Ways in which a module might hold the path of an order."""

    def closed(path: str) -> Callable[[], str]:
        return lambda: path

    def default(path: str = ORDER) -> str:
        return path

    def inside() -> str:
        def deeper() -> str:
            return "/fapi/v1/order"

        return deeper()

    klass = type("Holder", (), {"__module__": __name__, "path": property(lambda _: "/fapi/v1/order")})
    endpoint = Endpoint(Host.FUTURES, "POST", ORDER, 1)
    return [ORDER, ORDER.encode(), {ORDER: 1}, [(ORDER,)], closed(ORDER), default, inside, klass, endpoint]


@pytest.mark.parametrize("thing", hidden_orders(), ids=lambda thing: type(thing).__name__)
def test_the_search_finds_an_order(thing: object) -> None:
    """The search finds the path of a real order in constants, attributes, closures and defaults."""
    assert [text for text in texts(thing) if REAL_ORDER.search(text)]


@pytest.mark.parametrize("text", [ORDER_TEST.path, f"POST {ORDER_TEST.path}", f"{ORDER_TEST.path}?x=1", "no order"])
def test_the_search_does_not_find_the_test_order(text: str) -> None:
    """The path of the test order does not count as the path of a real order."""
    assert not REAL_ORDER.search(text)


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_nothing_importable_names_an_order(module: types.ModuleType) -> None:
    """No attribute, constant, default or closure of a module holds an order's path, except the test order's."""
    found = texts(module)
    assert found
    assert [text for text in found if REAL_ORDER.search(text)] == []


def test_no_file_of_the_package_or_the_suite_names_an_order() -> None:
    """No file has the path of a real order; the only string in the code with "/order" in it is the test order's."""
    files = [path for folder in ("keycheck", "suite") for path in (ROOT / folder).rglob("*") if path.is_file()]
    files = [path for path in files if path.parent.name != "__pycache__"]
    assert len(files) > len(modules())
    assert [path for path in files if REAL_ORDER.search(path.read_text(encoding="utf-8"))] == []
    strings = [
        (path.relative_to(ROOT).as_posix(), node.value)
        for path in files
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert {text for _, text in strings if text.endswith(("/order", "/v1/", "/v1", "order/test"))} == {ORDER_TEST.path}
    holders = {path for path, text in strings if text == ORDER_TEST.path}
    assert holders <= {"keycheck/exchange/endpoints.py", "keycheck/network/allow_list.py"}


def test_the_list_has_only_two_requests_that_are_not_get() -> None:
    """All endpoints but two are GETs: the exceptions are the test order and the request for a listen key."""
    held = {each for module in modules() for each in vars(module).values() if isinstance(each, Endpoint)}
    assert held == LISTED == endpoints.LISTED
    assert {str(each) for each in held if each.method != "GET"} == {f"POST {ORDER}/test", f"POST {LISTEN}"}


def test_only_the_network_package_can_send() -> None:
    """Only these modules hold an object of a library that opens connections.

    Those of serve/ only listen; fleet/dask.py, where Dask is installed, speaks only to Dask's scheduler.
    """
    libraries = {"requests", "urllib3", "socket", "http", "aiohttp", "httpx", "asyncio", "ssl", "websockets"}
    holders = {
        module.__name__
        for module in modules()
        for thing in vars(module).values()
        if str(getattr(thing, "__module__", None) or getattr(thing, "__name__", "")).partition(".")[0] in libraries
    }
    assert holders - {"keycheck.fleet.dask"} == {
        "keycheck.network.socket_shutdown",
        "keycheck.network.failures",
        "keycheck.network.allow_list",
    } | {
        "keycheck.network.offline",
        "keycheck.network.post",
        "keycheck.network.stream_connection",
        "keycheck.network.transport",
        "keycheck.network.websocket",
    } | {
        "keycheck.serve.listening",
        "keycheck.serve.command",
        "keycheck.serve.endpoint",
        "keycheck.serve.guards",
        "keycheck.serve.request_body",
    }


# -- whole runs --


def assert_not_ok(done: Finished) -> None:
    """Asserts that the run is not OK, and reveals nothing that it must hide."""
    assert done.exit_status != 0
    assert done.verdict["verdict"] in ("UNPROVEN", "NOT_OK")
    for text in (done.output, done.page, str(done.verdict)):
        assert text
        assert PASSWORD not in text


def test_a_run_in_a_hostile_environment_contacts_two_hosts_only(  # noqa: PLR0913, PLR0917  fixtures
    suite: SuiteRunner,
    exchange: LocalExchange,
    front: Front,
    wallet: Front,
    stranger: Listener,
    bundle: str,
    tmp_path: Path,
) -> None:
    """With hostile proxies, .netrc and CAs in the environment a run is OK, and the third host gets no connection."""
    (tmp_path / ".netrc").write_text(f"default login somebody password {PASSWORD}\n")
    (tmp_path / ".netrc").chmod(0o600)
    keylog = tmp_path / "keylog.txt"
    hostile = {
        **dict.fromkeys(PROXY_NAMES, stranger.url),
        **dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"), "/nowhere"),
        "HOME": str(tmp_path),
        "NETRC": str(tmp_path / ".netrc"),
        "SSLKEYLOGFILE": str(keylog),
    }
    done = suite(settings=settings_for(exchange, front, wallet, BINANCE_CA_BUNDLE=bundle, **hostile))
    assert (done.exit_status, done.verdict["verdict"]) == (0, "OK")
    assert stranger.connections == 0
    assert not keylog.exists()
    assert {one.host for one in exchange.log if "x-mbx-apikey" in one.headers} == {"futures", "wallet"}
    assert all("authorization" not in one.headers for one in exchange.log)
    assert_listed(exchange, exchange.log)


def test_the_third_host_notices_a_request(stranger: Listener) -> None:
    """The third host of these tests would notice a request that carries the key."""
    requests.get(stranger.url, headers=KEY, timeout=5)
    assert stranger.connections == 1
    assert CANARY.encode() in stranger.received


@pytest.mark.parametrize("status", mostly_slow([302, 308], 1))
def test_a_run_follows_no_redirect_to_another_host(
    suite: SuiteRunner, exchange: LocalExchange, stranger: Listener, status: int
) -> None:
    """If every answer redirects to a third host, that host gets no connection."""
    exchange.scenario = replace(exchange.scenario, faults={"*": Fault.redirect(stranger.url + PING.path, status)})
    assert_not_ok(suite(settings=exchange.settings()))
    assert stranger.connections == 0
    assert exchange.log
    assert_listed(exchange, exchange.log)


def test_a_run_through_a_proxy_is_ok(
    suite: SuiteRunner, exchange: LocalExchange, front: Front, wallet: Front, bundle: str
) -> None:
    """With BINANCE_PROXY every connection is a tunnel through it, the stream's included."""
    with Proxy(user=f"somebody:{PASSWORD}") as proxy:
        more = {"BINANCE_PROXY": with_password(proxy), "BINANCE_CA_BUNDLE": bundle, "NO_PROXY": "*"}
        done = suite(settings=settings_for(exchange, front, wallet, **more))
        tunnels = Counter(head.split()[1].decode() for head in proxy.heads)
        assert tunnels.keys() == {front.url[8:], wallet.url[8:], exchange.stream_url[5:]}
        assert tunnels[front.url[8:]] <= AT_ONCE[Host.FUTURES]
        assert (tunnels[wallet.url[8:]], tunnels[exchange.stream_url[5:]]) == (1, 1)
        for hidden in (API_KEY, "fapi/", "sapi/", "signature"):
            assert hidden.encode() not in proxy.received
    assert (done.exit_status, done.verdict["verdict"]) == (0, "OK")
    assert PASSWORD not in done.output + done.page + str(done.verdict)


@pytest.mark.parametrize("scheme", mostly_slow(["http", "https"], 1))
@pytest.mark.parametrize("wrong", mostly_slow(["password", "dead"], 1))
def test_a_run_through_a_proxy_that_refuses_is_never_ok(  # noqa: PLR0913, PLR0917  fixtures
    suite: SuiteRunner,
    exchange: LocalExchange,
    front: Front,
    wallet: Front,
    bundle: str,
    scheme: str,
    wrong: str,
) -> None:
    """The message names the setting without its password, and no request goes straight to the exchange."""
    with Proxy(user="somebody:else") as proxy:
        if wrong == "dead":
            with Proxy() as gone:
                address = with_password(gone)
        else:
            address = with_password(proxy)
        more = {"BINANCE_PROXY": address, "BINANCE_CA_BUNDLE": bundle}
        over_tls = settings_for(exchange, front, wallet, **more)
        done = suite(settings=over_tls if scheme == "https" else {**exchange.settings(), **more})
    assert_not_ok(done)
    assert "BINANCE_PROXY" in done.output
    assert exchange.log == []


def test_each_listed_request_reaches_its_own_host_only(http: HttpTransport, exchange: LocalExchange) -> None:
    """Each listed request reaches its own host only."""
    for endpoint in (ACCOUNT_CONFIG, API_RESTRICTIONS):
        http.send(endpoint, NOTHING, Secret(API_KEY), 5)
    assert [(one.host, one.path) for one in exchange.log] == [
        ("futures", ACCOUNT_CONFIG.path),
        ("wallet", API_RESTRICTIONS.path),
    ]
