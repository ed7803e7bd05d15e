"""Servers on loopback that keep what they receive: a foreign host, a proxy, and TLS in front of the local exchange."""

import base64
import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import trustme

from keycheck.exchange.endpoints import Host
from tests.exchange import LocalExchange

PATIENCE = 5.0  # seconds of silence after which a connection is closed
LONGEST_HEAD = 65536  # bytes
ADDRESS = "127.0.0.1"


class Listener:
    """Accepts connections until the block ends, each in a thread. `received`: all bytes that came, decrypted."""

    def __init__(self, tls: ssl.SSLContext | None = None, address: str = ADDRESS) -> None:
        """With `tls`, the server speaks only TLS. `address`: of loopback, IPv4 or IPv6."""
        self._tls = tls
        self._address = address
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._closing = False
        self.connections = 0
        self.received = b""

    @property
    def url(self) -> str:
        """The server's URL."""
        host = f"[{self._address}]" if ":" in self._address else self._address
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    def __enter__(self) -> Self:
        """Starts to listen."""
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        self._door = socket.create_server((self._address, 0), family=family, backlog=128)
        self.port: int = self._door.getsockname()[1]
        self._threads.append(threading.Thread(target=self._accept, daemon=True))
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drops every connection and ends every thread."""
        self._closing = True
        socket.create_connection((self._address, self.port), PATIENCE).close()  # wakes the thread that accepts
        self._threads[0].join(PATIENCE)
        self._door.close()
        for each in self._open:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while True:
            connection, _ = self._door.accept()
            if self._closing:
                connection.close()
                return
            self.connections += 1
            connection.settimeout(PATIENCE)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._open.append(connection)
        with connection, contextlib.suppress(OSError):  # a client that refuses leaves during the handshake
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            self.answer(connection)

    def take(self, connection: socket.socket) -> bytes:
        """Received bytes; empty at the end."""
        data = connection.recv(65536)
        self.received += data
        return data

    def head(self, connection: socket.socket) -> bytes:
        """The head of one request without a body; empty at the end."""
        head = b""
        while b"\r\n\r\n" not in head and len(head) < LONGEST_HEAD:
            data = self.take(connection)
            if not data:
                return b""
            head += data
        return head

    def relay(self, client: socket.socket, server: socket.socket) -> None:
        """Relays bytes both ways, until one side ends or both are silent."""
        while ready := select.select([client, server], [], [], PATIENCE)[0]:
            for one in ready:
                data = self.take(client) if one is client else server.recv(65536)
                if not data:
                    return
                (server if one is client else client).sendall(data)

    def answer(self, connection: socket.socket) -> None:
        """Answers any request with 200 and an empty object."""
        while self.head(connection):
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
                b"Access-Control-Allow-Origin: *\r\n\r\n{}"
            )


class Front(Listener):
    """TLS in front of a port of the local exchange."""

    def __init__(self, tls: ssl.SSLContext, to: str) -> None:
        """`to`: the URL of the port behind it."""
        super().__init__(tls)
        self._to = urlsplit(to)

    def answer(self, connection: socket.socket) -> None:
        """Relays the connection, unless the client sends nothing."""
        if first := self.take(connection):
            with socket.create_connection((self._to.hostname, self._to.port or 0), PATIENCE) as behind:
                behind.sendall(first)
                self.relay(connection, behind)


class Proxy(Listener):
    """A forward proxy. `received`: all bytes that it read; those of a tunnel are encrypted."""

    def __init__(
        self, tls: ssl.SSLContext | None = None, *, user: str | None = None, refusal: bytes | None = None
    ) -> None:
        """`user`: NAME:PASSWORD, required of every client. `refusal`: the only answer to all clients."""
        super().__init__(tls)
        self._pass = base64.b64encode(user.encode()) if user is not None else None
        self._refusal = refusal
        self.heads: list[bytes] = []

    def answer(self, connection: socket.socket) -> None:
        """Serves one request or one tunnel per connection."""
        head = self.head(connection)
        self.heads.append(head)
        if self._refusal is not None or not head:
            connection.sendall(self._refusal or b"")
            return
        if self._pass is not None and b"Proxy-Authorization: Basic " + self._pass + b"\r\n" not in head:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        method, target, _ = head.split(b"\r\n")[0].split(b" ")
        to = urlsplit(b"//" + target if method == b"CONNECT" else target)
        with socket.create_connection(((to.hostname or b"").decode(), to.port or 80), PATIENCE) as server:
            if method == b"CONNECT":
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                origin_form = head.replace(b"http://" + to.netloc, b"", 1)
                server.sendall(origin_form.replace(b"Connection: keep-alive", b"Connection: close"))
            self.relay(connection, server)


def speaking(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """The TLS context of a server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def trusting_anybody() -> ssl.SSLContext:
    """A client's context without any verification, to prove that the verification is what refuses a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def shakes_hands(listener: Listener, context: ssl.SSLContext, name: str = ADDRESS) -> bool:
    """Whether a client with this context accepts the server's certificate for `name`."""
    with socket.create_connection((ADDRESS, listener.port), PATIENCE) as plain:
        try:
            context.wrap_socket(plain, server_hostname=name).close()
        except OSError:
            return False
        return True


def hosts(url: str, wallet: str | None = None) -> dict[Host, str]:
    """The hosts of a transport; without `wallet` both have one URL."""
    return {Host.FUTURES: url, Host.WALLET: wallet or url}


def settings_for(exchange: LocalExchange, futures: Listener, wallet: Listener, **more: str) -> Mapping[str, str]:
    """The exchange's settings with these two in front of its hosts."""
    return {**exchange.settings(), "BINANCE_FUTURES_URL": futures.url, "BINANCE_WALLET_URL": wallet.url, **more}
