"""The knife that ends what takes too long."""

import contextlib
import socket
from typing import Any


def cut(sock: Any) -> None:
    """Ends a connection, also while another thread waits for it."""
    sock = getattr(sock, "socket", sock)  # TLS within TLS, as behind an https proxy, is a wrapping of urllib3's
    if isinstance(sock, socket.socket):
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
