"""An endpoint over real HTTP on loopback: the server in a thread of the test's process, and a client."""

import http.client
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from keycheck.serve.command import Server
from keycheck.serve.endpoint import Endpoint
from tests.exchange import API_KEY, API_SECRET

GIVEN = {"apiKey": API_KEY, "apiSecret": API_SECRET}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """An answer as it came; `headers` by their names in lower case."""

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


class Serving:
    """`with Serving(folder, slots=1) as serving: serving.post({...})`; options as those of Endpoint."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.endpoint = Endpoint(**{"purse_folder": folder / "purse", "share": 1.0, **options})
        self._server = Server(self.endpoint, "127.0.0.1", 0)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.url.rsplit(":", 1)[1].rstrip("/"))

    def __enter__(self) -> Self:
        self._thread.start()
        end = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.002)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._thread.join(12)
        assert not self._thread.is_alive()

    def stop(self) -> None:
        """As SIGTERM does."""
        self._server.handle_exit(0, None)

    def post(
        self, body: bytes | dict[str, Any] = GIVEN, path: str = "/binance", headers: Mapping[str, str] = JSON
    ) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", path, data, headers)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()
