"""Shutting down a connection that takes too long."""

import contextlib
import socket
from typing import Any


def cut(sock: Any) -> None:
    """Shuts down a connection, even while another thread waits for it."""
    sock = getattr(sock, "socket", sock)  # TLS within TLS, as behind an https proxy, is a wrapping of urllib3's
    if isinstance(sock, socket.socket):
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
