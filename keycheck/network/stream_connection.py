"""A connection to the stream's host, with the same proxy and the same trust as a request."""

from typing import Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.exceptions import HTTPError, ProxyError
from urllib3.util import parse_url

from keycheck.network.allow_list import blame_the_proxy, tls_context
from keycheck.network.socket_shutdown import cut
from keycheck.network.transport import CONNECT_SECONDS
from keycheck.redaction.secret import Secret

_PIECE = 65536  # bytes


class StreamConnection:
    """A connection to `url`, wss://HOST or ws://HOST. Nothing of it is taken from the environment."""

    def __init__(self, url: str, proxy: Secret | None, ca_bundle: str | None) -> None:
        self._verify = ca_bundle or True
        self._is_cut = False
        self._connection = self._by(proxy, url) if proxy else self._straight(url)

    def __repr__(self) -> str:
        return "Line()"

    def open(self, seconds: float) -> None:
        """Sets the time-out of later reads, in seconds. Raises urllib3's errors, of a proxy ProxyError."""
        try:
            self._connection.connect()
        except (OSError, HTTPError) as error:
            if self._connection.proxy and not self._connection.has_connected_to_proxy:
                raise ProxyError("no connection", error) from None
            raise
        if self._is_cut:  # the name may be resolved after the visit was cancelled
            raise TimeoutError
        self._connection.sock.settimeout(seconds)

    def write(self, data: bytes) -> None:
        self._connection.sock.sendall(data)

    def read(self) -> bytes:
        """The next bytes; empty at the end."""
        data: bytes = self._connection.sock.recv(_PIECE)
        return data

    def cut(self) -> None:
        """Shuts the connection from another thread, in any phase."""
        self._is_cut = True
        cut(self._connection.sock)

    def close(self) -> None:
        self._connection.close()

    def _straight(self, url: str) -> Any:
        return self._made(url, *_address(url))

    def _by(self, proxy: Secret, url: str) -> Any:
        """The proxy manager: a tunnel, so that the proxy sees host and port, or none for ws to this very machine."""
        by = proxy.reveal()
        way = urlsplit(by)
        config = ProxyConfig(
            tls_context(self._verify), use_forwarding_for_https=False, assert_hostname=None, assert_fingerprint=None
        )
        connection = self._made(
            url,
            way.hostname or "",
            way.port or {"http": 80, "https": 443}[way.scheme],
            proxy=parse_url(by),
            proxy_config=config,
        )
        connection.set_tunnel(*_address(url), headers=HTTPAdapter().proxy_headers(by), scheme=way.scheme)
        blame_the_proxy(connection)
        return connection

    def _made(self, url: str, host: str, port: int, **more: Any) -> Any:
        if url.startswith("wss:"):
            return HTTPSConnection(host, port, timeout=CONNECT_SECONDS, ssl_context=tls_context(self._verify), **more)
        return HTTPConnection(host, port, timeout=CONNECT_SECONDS, **more)


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or {"ws": 80, "wss": 443}[parts.scheme]
