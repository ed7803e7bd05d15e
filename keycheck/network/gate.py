"""What may leave, checked at the last place before the network, and the knife that ends what takes too long."""

import contextlib
import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from keycheck.endpoints import LISTED, Host
from keycheck.errors import NotListed


class Gate(HTTPAdapter):
    """Under requests, whoever asks: what is not on the list is refused before a socket is touched."""

    def __init__(self, urls: Mapping[Host, str]) -> None:
        super().__init__(pool_connections=len(urls), pool_maxsize=1, max_retries=0)
        self._allowed = {(e.method, *_origin(urls[e.host]), e.path) for e in LISTED if e.host in urls}
        self._current: Any = None

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        # A context of our own, for the usual makers of one write its secrets to SSLKEYLOGFILE.
        super().init_poolmanager(*args, **kwargs, ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        gate = self

        class Watched:
            """A pool that tells which connection is in use, so that it can be cut off in any phase."""

            def urlopen(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
                gate._let_through(method, f"{self.scheme}://{self.host}:{self.port}", url)  # type: ignore[attr-defined]
                return super().urlopen(method, url, *args, **kwargs)  # type: ignore[misc]

            def _get_conn(self, timeout: float | None = None) -> Any:
                connection = super()._get_conn(timeout)  # type: ignore[misc]
                # vcrpy wraps the connection that it records.
                gate._watch(getattr(connection, "real_connection", connection))
                return connection

        self.poolmanager.pool_classes_by_scheme = {
            "http": type("WatchedHTTPPool", (Watched, HTTPConnectionPool), {}),
            "https": type("WatchedHTTPSPool", (Watched, HTTPSConnectionPool), {}),
        }

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        url = request.url or ""
        self._let_through(request.method, url, url)
        if request.body:
            raise NotListed("no request of this suite has a body")
        return super().send(request, *args, **kwargs)

    def _let_through(self, method: str | None, origin: str, url: str) -> None:
        """Raises NotListed unless this very request is on the list; a POST must be the test order, whatever it says."""
        parts = urlsplit(url)
        listed = (method, *_origin(origin), parts.path) in self._allowed and not parts.username
        if not listed or (method == "POST" and parts.path != "/fapi/v1/order/test"):
            raise NotListed("this request is not on the list of requests that this suite may send")

    def sever(self) -> None:
        """Cuts the connection in use, whatever it is doing; its worker thread then ends by itself."""
        connection, self._current = self._current, None
        sock = getattr(connection, "sock", None)
        if isinstance(sock, socket.socket):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _watch(self, connection: Any) -> None:
        self._current = connection
        if "connect" in vars(connection):
            return
        connect = connection.connect

        def connect_in_time() -> None:
            """A name server may answer after the request was given up; then nothing must be sent any more."""
            connect()
            if self._current is not connection:
                connection.close()
                raise TimeoutError

        connection.connect = connect_in_time


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
