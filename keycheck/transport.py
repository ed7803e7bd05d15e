"""The only module that opens a connection. Out of it come an answer's bytes, or a named reason why there are none.

What leaves is checked twice: callers can only name an `Endpoint`, and the adapter under requests lets through nothing
but the listed methods and paths of the two configured hosts, whoever asks.
"""

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import DecodeError, HTTPError

from keycheck.answers import RawAnswer
from keycheck.endpoints import LISTED, Endpoint, Host
from keycheck.errors import CannotLook, KeycheckError, NotBinance, NotListed, Unreachable
from keycheck.secrets import Secret

REQUEST_SECONDS = 10.0  # one request from its first packet to the last byte of its answer
CONNECT_SECONDS = 5.0
MAX_BODY = 16 * 2**20  # bytes, decoded; exchangeInfo is about 1.1 MB
KEY_HEADER = "X-MBX-APIKEY"

# urllib3 logs paths with their query at DEBUG; a query of ours ends in a signature.
logging.getLogger("urllib3").setLevel(logging.INFO)


class HttpTransport:
    """Real HTTP: kept-alive, one connection a host, nothing taken from the environment, no redirect followed."""

    def __init__(self, urls: Mapping[Host, str], proxy: Secret | None = None, ca_bundle: str | None = None) -> None:
        self._urls = dict(urls)
        self._adapter = _ListedOnly(urls)
        self._session = requests.Session()
        self._session.trust_env = False  # no HTTP_PROXY, .netrc or REQUESTS_CA_BUNDLE
        self._session.max_redirects = 0
        self._session.cookies = _NoCookies()
        self._session.adapters.clear()
        for url in urls.values():
            self._session.mount(url, self._adapter)
        self._session.headers.update({"User-Agent": "keycheck", "Accept": "application/json"})
        self._proxies = {"http": proxy.reveal(), "https": proxy.reveal()} if proxy else None
        self._verify = ca_bundle or True
        # A cassette's way to name a miss, whose own exception would come out as a lost connection.
        self.explain_first: Callable[[Exception, Endpoint], CannotLook | None] = lambda *_: None

    def __repr__(self) -> str:
        return "HttpTransport()"

    def close(self) -> None:
        self._session.close()

    def send(self, endpoint: Endpoint, query: str, api_key: Secret | None, seconds: float) -> RawAnswer:
        """Sends and reads to the end within `seconds`, whatever the other side does."""
        if endpoint not in LISTED or endpoint.host not in self._urls:
            raise NotListed(f"{endpoint} is not on the list of requests that this suite may send")
        seconds = min(seconds, REQUEST_SECONDS)
        # A thread of its own, because a name server, a handshake or dripping headers can each hold a caller for ever:
        # the socket's own time-out starts again with every byte.
        box: Future[RawAnswer | KeycheckError] = Future()
        worker = threading.Thread(target=self._work, args=(box, endpoint, query, api_key), daemon=True)
        worker.start()
        try:
            result = box.result(seconds)
        except TimeoutError:
            result = Unreachable(
                f"no complete answer to {endpoint} within {seconds:.0f} s. "
                "Check the network between this machine and Binance, then run again",
                "timeout",
            )
        finally:
            if not box.done():
                self._adapter.sever()
        # Raised here, outside any except block, so that no library exception, whose text holds the URL, rides along.
        if isinstance(result, KeycheckError):
            raise result
        worker.join()
        return result

    def _work(
        self, box: "Future[RawAnswer | KeycheckError]", endpoint: Endpoint, query: str, api_key: Secret | None
    ) -> None:
        try:
            box.set_result(self._exchange(endpoint, query, api_key))
        except KeycheckError as error:
            box.set_result(error)
        except Exception as error:  # noqa: BLE001  a header that cannot be encoded raises ValueError, with the key in it
            box.set_result(self.explain_first(error, endpoint) or explain(error, endpoint))

    def _exchange(self, endpoint: Endpoint, query: str, api_key: Secret | None) -> RawAnswer:
        url = self._urls[endpoint.host] + endpoint.path + (f"?{query}" if query else "")
        response = self._session.request(
            endpoint.method,
            url,
            headers={KEY_HEADER: api_key.reveal()} if api_key else None,
            timeout=(CONNECT_SECONDS, REQUEST_SECONDS),
            allow_redirects=False,
            stream=True,
            proxies=self._proxies,
            verify=self._verify,
        )
        with contextlib.closing(response):
            headers = {name.lower(): value for name, value in response.headers.items()}
            return RawAnswer(response.status_code, headers, _read(response.raw, endpoint))


def _read(raw: Any, endpoint: Endpoint) -> bytes:
    """The decoded body, at most MAX_BODY bytes of it, however small or fast it comes."""
    # read1 hands over what has come; vcrpy's stand-in for a response has it without decoding.
    read: Callable[..., bytes] = raw.read1 if hasattr(raw, "enforce_content_length") else raw.read
    body = bytearray()
    while chunk := read(65536, decode_content=True):
        body += chunk
        if len(body) > MAX_BODY:
            raise NotBinance(
                f"the answer to {endpoint} is longer than {MAX_BODY >> 20} MiB. Check what stands between this "
                "machine and Binance: a proxy, a captive portal, a wrong URL in the settings"
            )
    return bytes(body)


class _NoCookies(RequestsCookieJar):
    """Binance's edge sets cookies; nothing of one run is carried into its next request."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Keeps none."""


class _ListedOnly(HTTPAdapter):
    """The gate under requests: what is not on the list is refused before a socket is touched."""

    def __init__(self, urls: Mapping[Host, str]) -> None:
        super().__init__(pool_connections=len(urls), pool_maxsize=1, max_retries=0)
        self._allowed = {(e.method, *_origin(urls[e.host]), e.path) for e in LISTED if e.host in urls}
        self._current: Any = None

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        adapter = self

        class Watched:
            """Remembers the connection in use, so that a request whose time is up can be cut off in any phase."""

            def _get_conn(self, timeout: float | None = None) -> Any:
                adapter._current = super()._get_conn(timeout)  # type: ignore[misc]
                return adapter._current

        self.poolmanager.pool_classes_by_scheme = {
            "http": type("WatchedHTTPPool", (Watched, HTTPConnectionPool), {}),
            "https": type("WatchedHTTPSPool", (Watched, HTTPSConnectionPool), {}),
        }

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        if (request.method, *_origin(request.url or ""), parts.path) not in self._allowed or parts.username:
            raise NotListed("this request is not on the list of requests that this suite may send")
        if request.body:
            raise NotListed("no request of this suite has a body")
        return super().send(request, *args, **kwargs)

    def sever(self) -> None:
        """Cuts the connection in use, whatever it is doing; its worker thread then ends by itself."""
        sock = getattr(self._current, "sock", None)
        if isinstance(sock, socket.socket):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and everything it was made of: urllib3 hides the reason in attributes and arguments."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [getattr(one, "reason", None), one.__cause__, one.__context__, *one.args]


def explain(error: Exception, endpoint: Endpoint) -> CannotLook:
    """A library's exception -> ours. Its text is not used: it holds the URL, and with it a signature."""
    causes = list(_causes(error))
    host = f"the {endpoint.host.value} API"
    again = "Check the network between this machine and Binance, then run again"
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unreachable(
                f"the certificate of {host} was refused ({cause.verify_message}). A proxy that intercepts TLS is the "
                "usual reason: give its CA file as BINANCE_CA_BUNDLE, or leave that network",
                "tls",
            )
    for kinds, kind, text in (
        ((ssl.SSLError,), "tls", f"{host} does not speak TLS as it should. {again}, without a proxy"),
        ((socket.gaierror,), "dns", f"the host name of {host} could not be resolved. {again}"),
        ((requests.exceptions.ProxyError,), "proxy", f"the proxy did not connect to {host}. Check BINANCE_PROXY"),
        ((ConnectionRefusedError,), "refused", f"{host} refused the connection. {again}"),
        ((TimeoutError, requests.exceptions.Timeout), "timeout", f"{host} did not answer in time. {again}"),
        ((ConnectionError,), "reset", f"{host} cut the connection off. {again}"),
    ):
        if any(isinstance(cause, kinds) for cause in causes):
            return Unreachable(text, kind)
    if any(isinstance(cause, DecodeError | requests.exceptions.ContentDecodingError) for cause in causes):
        return NotBinance(f"{host} sent a body that is not packed as its headers say. {again}")
    if any(isinstance(cause, OSError) and not isinstance(cause, requests.RequestException) for cause in causes):
        return Unreachable(f"there is no way to {host} from this machine. {again}", "no_route")
    if any(isinstance(cause, HTTPError | requests.RequestException) for cause in causes):
        return Unreachable(f"{host} broke off in the middle of its answer. {again}", "reset")
    return Unreachable(f"{endpoint} could not be sent ({type(error).__name__}). {again}")


@contextlib.contextmanager
def no_sockets() -> Iterator[None]:
    """Inside, no connection can be opened and no name resolved: a replay is inert, not merely well-behaved."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise NotListed("a replay opens no connection")

    patched: list[tuple[Any, str]] = [
        (socket.socket, "connect"),
        (socket.socket, "connect_ex"),
        (socket.socket, "sendto"),
        (socket, "getaddrinfo"),
        (socket, "gethostbyname"),
        (socket, "create_connection"),
    ]
    own = [(owner, name, owner.__dict__.get(name)) for owner, name in patched]
    for owner, name in patched:
        setattr(owner, name, refuse)
    try:
        yield
    finally:
        for owner, name, original in own:
            if original is None:
                delattr(owner, name)  # it was inherited from the C type
            else:
                setattr(owner, name, original)
