"""A server in front of one host that spoils the headers of every answer, as a broken proxy does."""

import socket
import threading
from types import TracebackType
from urllib.parse import urlsplit


class MalformedHeaders:
    """Forwards one request at a time to `url`, and inserts a line without a colon after the status line."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._behind = (parts.hostname or "", parts.port or 0)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.answers = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "MalformedHeaders":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with client, socket.create_connection(self._behind, timeout=5) as behind:
                client.settimeout(5)
                request = b""
                while b"\r\n\r\n" not in request and (more := client.recv(65536)):
                    request += more
                behind.sendall(request.replace(b"keep-alive", b"close"))
                answer = b""
                while more := behind.recv(65536):
                    answer += more
                status, _, rest = answer.partition(b"\r\n")
                client.sendall(status + b"\r\nno colon here\r\nConnection: close\r\n" + rest)
                self.answers += 1
