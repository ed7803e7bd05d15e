"""The sockets on which the server listens. They hold a limited number of connections between them."""

import contextlib
import socket
import sys
from typing import Any


def listen(host: str, port: int, most: int) -> list[socket.socket]:
    """A socket for each address of `host`, for asyncio to listen on; together they hold `most` connections.

    `port` 0: the system chooses one. Raises OSError, or UnicodeError for a text that is no host's name.
    """
    held = list[socket.socket]()
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with contextlib.ExitStack() as undo:
        opened = list[socket.socket]()
        for family, kind, protocol, _, address in dict.fromkeys(found):
            try:
                opened.append(undo.enter_context(_Listener(family, kind, protocol, held, most)))
            except OSError:  # no IPv6 in the kernel, for example
                continue
            if sys.platform != "win32":  # there, it would let another program take the port over
                opened[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                opened[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            opened[-1].bind(address)
        if not opened:
            raise OSError("no address of this host can be used")
        undo.pop_all()
    return opened


class _Listener(socket.socket):
    """Closes a connection beyond the limit as it is accepted.

    asyncio calls the protocol only after the TLS handshake, and for a burst of connections only after it has accepted
    many. Until then they would take all descriptors, and asyncio would log thousands of tracebacks each second. On
    Windows, asyncio accepts in another way; there, descriptors do not run out.
    """

    def __init__(self, family: int, kind: int, protocol: int, held: list[socket.socket], most: int) -> None:
        super().__init__(family, kind, protocol)
        self._held, self._most = held, most

    def accept(self) -> tuple[socket.socket, Any]:
        accepted, address = super().accept()
        self._held[:] = [one for one in self._held if one.fileno() >= 0]  # the others are closed
        if len(self._held) >= self._most:
            accepted.close()
            raise ConnectionAbortedError  # to asyncio, a client that has gone already
        self._held.append(accepted)
        return accepted, address
