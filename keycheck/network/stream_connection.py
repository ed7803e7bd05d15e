"""A TCP or TLS connection to the user data stream's host. It uses the proxy and the CA bundle of the requests."""

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

_READ_SIZE = 65536  # bytes


class StreamConnection:
    """A connection to `url`, wss://HOST or ws://HOST. It reads nothing from the environment."""

    def __init__(self, url: str, proxy: Secret | None, ca_bundle: str | None) -> None:
        self._verify = ca_bundle or True
        self._is_cut = False
        self._connection = self._through_proxy(proxy, url) if proxy else self._direct(url)

    def __repr__(self) -> str:
        return "<StreamConnection>"

    def open(self, seconds: float) -> None:
        """Connects. `seconds`: the time-out of later reads.

        Raises urllib3's errors; ProxyError if the proxy is not reached.
        """
        try:
            self._connection.connect()
        except (OSError, HTTPError) as error:
            if self._connection.proxy and not self._connection.has_connected_to_proxy:
                raise ProxyError("no connection", error) from None
            raise
        if self._is_cut:  # `cut` came during a slow DNS look-up, when there was no socket to shut down
            raise TimeoutError
        self._connection.sock.settimeout(seconds)

    def write(self, data: bytes) -> None:
        self._connection.sock.sendall(data)

    def read(self) -> bytes:
        """The next bytes; empty when the host has closed the connection."""
        data: bytes = self._connection.sock.recv(_READ_SIZE)
        return data

    def cut(self) -> None:
        """Ends the connection from another thread, even during a blocked read or write."""
        self._is_cut = True
        cut(self._connection.sock)

    def close(self) -> None:
        self._connection.close()

    def _direct(self, url: str) -> Any:
        return self._new_connection(url, *_address(url))

    def _through_proxy(self, proxy: Secret, url: str) -> Any:
        """A connection through the proxy's tunnel. With wss, the proxy sees only host and port."""
        proxy_url = proxy.reveal()
        proxy_parts = urlsplit(proxy_url)
        config = ProxyConfig(
            tls_context(self._verify), use_forwarding_for_https=False, assert_hostname=None, assert_fingerprint=None
        )
        connection = self._new_connection(
            url,
            proxy_parts.hostname or "",
            proxy_parts.port or {"http": 80, "https": 443}[proxy_parts.scheme],
            proxy=parse_url(proxy_url),
            proxy_config=config,
        )
        connection.set_tunnel(*_address(url), headers=HTTPAdapter().proxy_headers(proxy_url), scheme=proxy_parts.scheme)
        blame_the_proxy(connection)
        return connection

    def _new_connection(self, url: str, host: str, port: int, **more: Any) -> Any:
        if url.startswith("wss:"):
            return HTTPSConnection(host, port, timeout=CONNECT_SECONDS, ssl_context=tls_context(self._verify), **more)
        return HTTPConnection(host, port, timeout=CONNECT_SECONDS, **more)


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or {"ws": 80, "wss": 443}[parts.scheme]
