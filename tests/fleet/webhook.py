"""A webhook on loopback that keeps all posts, and answers with given statuses."""

import json
import re
import socket
import ssl
from collections.abc import Sequence
from typing import Any

from tests.tls import PATIENCE, Listener


class Webhook(Listener):
    """Answers with one status after the other, and then always with the last. 0: no answer. `posts`: all bodies."""

    def __init__(self, statuses: Sequence[int] = (200,), headers: str = "", tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self._statuses = list(statuses)
        self._headers = headers
        self.posts: list[dict[str, Any]] = []
        self.heads: list[str] = []

    def answer(self, connection: socket.socket) -> None:
        """Reads one POST and answers it."""
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := self.take(connection)):
                return
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.findall(rb"(?i)content-length: (\d+)", head)[0])
        while len(body) < length:
            body += self.take(connection)
        self.heads.append(head.decode())
        self.posts.append(json.loads(body))
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if status:
            connection.sendall(f"HTTP/1.1 {status} Said\r\n{self._headers}Content-Length: 0\r\n\r\n".encode())
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            connection.settimeout(PATIENCE)
            self.take(connection)
