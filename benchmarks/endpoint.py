"""`keycheck serve` as a process of its own, and clients that measure its answers."""

import json
import os
import re
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import urlsplit

from benchmarks import process
from benchmarks.caller import children
from benchmarks.peak import peak_kb
from benchmarks.process import DidNotRun
from tests.exchange import API_KEY, API_SECRET, LocalExchange

GIVEN = json.dumps({"apiKey": API_KEY, "apiSecret": API_SECRET})
BAD = ("{}", "[" * 5000, GIVEN.replace("}", ', "url": "x"}'), "x" * 20_000, GIVEN.replace(API_SECRET, ""))
SLOTS = 4
_READY = 2.0  # seconds after its start until a server has the child process for its next run ready


@dataclass(frozen=True)
class Answer:
    """An answer to a POST. `first`: seconds until its first line came; `seconds`: until its end."""

    status: int
    first: float
    seconds: float
    last: str

    @property
    def is_right(self) -> bool:
        """Whether it is OK, or 429 because no slot was free."""
        return self.status == 429 or (self.status == 200 and json.loads(self.last)["verdict"]["ok"] is True)


class Served:
    """`with Served(folder, python, exchange, log) as served: served.post()`: an endpoint that asks this exchange."""

    def __init__(self, folder: Path, python: str, exchange: LocalExchange, log: IO[str]) -> None:
        folder.mkdir(exist_ok=True)
        hosts = exchange.settings(no_credentials=True)
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in hosts.items()))
        own = {"XDG_RUNTIME_DIR": str(folder), "PYTHONPATH": str(Path(__file__).parents[1])}
        command = [python, "-m", "keycheck", "serve", "--port", "0", "--slots", str(SLOTS), "--share", "1"]
        self._server = subprocess.Popen(  # noqa: S603  a list, no shell; all parts are ours
            command, cwd=folder, env=process.environment(os.environ, own), stdout=subprocess.PIPE, stderr=log, text=True
        )

    def __enter__(self) -> Self:
        assert self._server.stdout
        found = re.search(r"http://\S+", self._server.stdout.readline())
        if not found:
            self._server.kill()
            raise DidNotRun("keycheck serve did not start: install requirements-serve.txt for its Python")
        self._netloc = urlsplit(found[0]).netloc
        time.sleep(_READY)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.terminate()
        with self._server:
            self._server.wait(15)

    def post(self, body: str = GIVEN) -> Answer:
        """Sends one POST over a new connection, and reads its answer line by line."""
        began = time.perf_counter()
        with closing(HTTPConnection(self._netloc, timeout=100)) as connection:
            headers = {"Content-Type": "application/json", "Accept": "application/x-ndjson"}
            connection.request("POST", "/binance", body, headers)
            answer = connection.getresponse()
            line = answer.readline()
            first = time.perf_counter() - began
            last = (line + answer.read()).splitlines()[-1]
        return Answer(answer.status, first, time.perf_counter() - began, last.decode())

    def at_once(self, many: int) -> Sequence[Answer]:
        """Sends `many` POSTs at the same time."""
        with ThreadPoolExecutor(many) as pool:
            return list(pool.map(lambda _: self.post(), range(many)))

    def bad(self, many: int) -> None:
        """Sends bad requests, one after the other. Raises DidNotRun if one of them is not refused."""
        for number in range(many):
            if not 400 <= self.post(BAD[number % len(BAD)]).status < 500:
                raise DidNotRun("a bad request was not refused")

    def peak(self) -> float | None:
        """Peak resident memory of the server so far, in MB; None if the kernel does not report it."""
        status = Path(f"/proc/{self._server.pid}/status")
        kb = peak_kb(status.read_text()) if status.exists() else None
        return kb * 1024 / 1e6 if kb else None

    def children(self) -> int:
        """How many processes the server has started that are still there, zombies included."""
        return children(self._server.pid)
