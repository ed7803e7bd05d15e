"""The allow-list of requests, checked immediately before a request reaches the network."""

import re
import ssl
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ProxyError

from keycheck.errors import NotListed
from keycheck.exchange.endpoints import AT_ONCE, LISTED, Host
from keycheck.network import cancellable_request
from keycheck.redaction.secret import Secret

# A copy made at import, on purpose: a later change of LISTED must not widen the list.
_ROUTES = frozenset((e.host, e.method, e.path) for e in LISTED)
_PLAIN = re.compile(r"[!-~]*")  # urlsplit drops some other characters, so the checked URL would not be the sent one


def tls_context(ca_bundle: str | bool = False) -> ssl.SSLContext:
    """A TLS context that writes no session keys to SSLKEYLOGFILE, unlike ssl.create_default_context()."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False
    if ca_bundle:
        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH if ca_bundle is True else ca_bundle)
    return context


class AllowListAdapter(HTTPAdapter):
    """An adapter for the library requests that refuses every request not on the list, before a socket is opened."""

    def __init__(self, urls: Mapping[Host, str], proxy: Secret | None = None, ca_bundle: str | None = None) -> None:
        self._proxy, self._verify = proxy, ca_bundle or True
        super().__init__(pool_connections=len(urls), pool_maxsize=max(AT_ONCE.values()), max_retries=0)
        self._allowed = {(method, *_origin(urls[host]), path) for host, method, path in _ROUTES if host in urls}

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=tls_context())
        self.poolmanager.pool_classes_by_scheme = self._pool_classes()

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(
            proxy, **{"ssl_context": tls_context(), "proxy_ssl_context": tls_context(self._verify), **kwargs}
        )
        manager.pool_classes_by_scheme = self._pool_classes()
        return manager

    def _pool_classes(self) -> dict[str, Any]:
        adapter = self

        class Watched:
            """A connection pool that passes each connection to a CancellableRequest, which can then shut it down."""

            def urlopen(self, method: str, url: str, body: Any = None, *args: Any, **kwargs: Any) -> Any:
                # urllib3 takes the brackets off an IPv6 address.
                host = f"[{self.host}]" if ":" in self.host else self.host  # type: ignore[attr-defined]
                here = f"{self.scheme}://{host}:{self.port}"  # type: ignore[attr-defined]
                # Without TLS, a proxy receives the whole URL instead of the path.
                proxy = self.proxy  # type: ignore[attr-defined]
                if proxy and here.startswith(f"{proxy.scheme}://{proxy.host}:") and url.startswith("http://"):
                    adapter._refuse_unlisted(method, url, url, body)
                else:
                    adapter._refuse_unlisted(method, here, here + url, body)
                return super().urlopen(method, url, body, *args, **kwargs)  # type: ignore[misc]

            def _get_conn(self, timeout: float | None = None) -> Any:
                connection = super()._get_conn(timeout)  # type: ignore[misc]
                _watch(connection)
                return connection

        return {
            "http": type("WatchedHTTPPool", (Watched, HTTPConnectionPool), {}),
            "https": type("WatchedHTTPSPool", (Watched, HTTPSConnectionPool), {}),
        }

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, timeout: Any = None, *_: Any, **__: Any
    ) -> requests.Response:
        """Sends a listed request, with the CA bundle and the proxy of the settings, not the caller's."""
        url = request.url or ""
        self._refuse_unlisted(request.method, url, url, request.body)
        proxies = {"http": self._proxy.reveal(), "https": self._proxy.reveal()} if self._proxy else None
        response = super().send(request, stream, timeout, self._verify, None, proxies)
        if self._proxy and response.status_code == 407:
            response.close()
            raise requests.exceptions.ProxyError
        return response

    def _refuse_unlisted(self, method: Any, origin: str, url: Any, body: Any = None) -> None:
        """Raises NotListed if a request is not on the list, has a body, or is a POST other than the two known ones."""
        if type(method) is not str or type(url) is not str or not _PLAIN.fullmatch(url):
            raise NotListed("this request is not on the list of requests that this suite may send")
        parts = urlsplit(url)
        listed = (method, *_origin(origin), parts.path) in self._allowed and "@" not in parts.netloc
        if not listed or (method == "POST" and not _may_be_posted(parts.path, parts.query)):
            raise NotListed("this request is not on the list of requests that this suite may send")
        if body:
            raise NotListed("no request of this suite has a body")


def _watch(connection: Any) -> None:
    """Passes a connection to this thread's CancellableRequest: now, and again each time it is opened."""
    request = cancellable_request.current()
    if request is not None:
        request.takes(connection)
    if "connect" in vars(connection):
        return
    blame_the_proxy(connection)
    connect = connection.connect

    def connect_and_report() -> None:
        connect()
        if (user := cancellable_request.current()) is not None:
            user.has_connected(connection)

    connection.connect = connect_and_report


def _may_be_posted(path: str, query: str) -> bool:
    """Whether a POST is a test order, or the request for a listen key, which has no parameters."""
    return path == "/fapi/v1/order/test" or (path == "/fapi/v1/listenKey" and not query)


def blame_the_proxy(connection: Any) -> None:
    """Makes the connection raise ProxyError for every error while it opens its tunnel."""
    tunnel = connection._tunnel

    def tunnel_or_blame() -> None:
        try:
            tunnel()
        except (OSError, HTTPException) as error:
            raise ProxyError("no tunnel", error) from None

    connection._tunnel = tunnel_or_blame


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
