"""An endpoint over real HTTP on loopback: the server in a thread of the test's process, and a client.

with Serving(folder, slots=1) as serving:
    assert serving.post({"apiKey": ...}).status == 200
"""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from keycheck import process
from keycheck.report import verdict_json
from keycheck.serve.command import Server
from keycheck.serve.endpoint import Endpoint
from tests.children import wait_until
from tests.exchange import API_KEY, API_SECRET
from tests.sample_reports import REPORTS

GIVEN = {"apiKey": API_KEY, "apiSecret": API_SECRET}
JSON = {"Content-Type": "application/json"}
LINES = JSON | {"Accept": "application/x-ndjson"}
TOKEN = "0123456789abcdef" * 2


@dataclass(frozen=True)
class Answer:
    """An answer of the endpoint. `headers`: by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.body.splitlines()]


def instant(*_: Any, **__: Any) -> process.Finished:
    """A stub for `process.run` that returns OK at once."""
    return process.Finished(verdict_json.as_dict(REPORTS["healthy"]))


def until_cancelled(*_: Any, cancel: Any, **__: Any) -> process.Finished:
    """A stub for `process.run` that lasts until it is cancelled."""
    wait_until(cancel.is_set, 30)
    return process.Finished(verdict_json.as_dict(REPORTS["blank"]))


class _Brisk(Server):
    """A server that ends at once: uvicorn's own looks ten times a second, and many tests start and end one."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            await asyncio.sleep(0.01)


class Serving:
    """Serves an endpoint in a thread, within a block. `tls`: a PEM of a certificate and its key.

    `options`: those of Endpoint.
    """

    def __init__(self, folder: Path, tls: Path | None = None, **options: Any) -> None:
        self.endpoint = Endpoint(**{"purse_folder": folder / "purse", "share": 1.0, **options})
        self._server = _Brisk(self.endpoint, "127.0.0.1", 0, **({"ssl_certfile": tls} if tls else {}))
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.url.rpartition(":")[2].rstrip("/"))

    @property
    def connections(self) -> int:
        return len(self._server.server_state.connections)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self._server.started)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._thread.join(12)
        assert not self._thread.is_alive(), "the server did not end"

    def stop(self) -> None:
        """Ends the server as a first SIGTERM does; after a second one it would not wait for runs."""
        if not self._server.should_exit:
            self._server.handle_exit(0, None)

    def post(
        self, body: bytes | Mapping[str, Any] = GIVEN, headers: Mapping[str, str] = JSON, path: str = "/binance"
    ) -> Answer:
        return self.ask("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode(), headers)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers or {}))
            return read(connection.getresponse())
        finally:
            connection.close()

    def connect(self, data: bytes = b"") -> socket.socket:
        """Opens a connection, and sends `data`."""
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        opened.sendall(data)
        return opened

    def exchange(self, data: bytes) -> Answer:
        """Sends exactly these bytes; returns the answer."""
        with self.connect(data) as opened:
            answer = http.client.HTTPResponse(opened)
            answer.begin()
            return read(answer)


def read(answer: http.client.HTTPResponse) -> Answer:
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


def head(length: int | None, *more: str, path: str = "/binance") -> bytes:
    """The head of a POST as bytes."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *more]
    return "\r\n".join([*lines, *([] if length is None else [f"Content-Length: {length}"]), "\r\n"]).encode()


def holds_secret(data: bytes) -> bool:
    """Whether the data holds ten characters in a row of the secret, or of the key without its last four."""
    texts = (API_KEY, API_SECRET)
    return any(text[at : at + 10].encode() in data for text in texts for at in range(len(text) - 9))
