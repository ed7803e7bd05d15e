"""Shuts down a connection that takes too long."""

import contextlib
import socket
from typing import Any


def cut(sock: Any) -> None:
    """Shuts down a connection, even while another thread is waiting for data from it."""
    sock = getattr(sock, "socket", sock)  # behind an https proxy, urllib3 wraps the socket for TLS within TLS
    if isinstance(sock, socket.socket):
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
