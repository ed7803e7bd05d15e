"""A server for the page that answers by a script: it can hold a stream in the middle, break it off, or refuse.

with ScriptedServer() as server:
    server.answers.append(Answer([line, line, HOLD]))
    page.goto(server.url)
    ...
    server.go_on.set()
"""

import json
import select
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from keycheck.serve import page

HOLD, BREAK_OFF = "hold", "break off"  # each takes the place of a line
POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass(frozen=True)
class Answer:
    """The lines of a stream; bytes are a part of one. With another status than 200, one line: a problem's JSON."""

    lines: Sequence[Mapping[str, Any] | str | bytes] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Asked(NamedTuple):
    """A request of the page's script."""

    path: str
    headers: Mapping[str, str]
    body: Any


class ScriptedServer:
    """Serves the page's files, and `answers` to POST requests, in turn. `asked`: those requests.

    `go_on`: ends the holding of streams. `hung_up`: set when the client of a held stream has gone.
    """

    def __init__(self, **options: bool) -> None:
        self.answers: list[Answer] = []
        self.asked: list[Asked] = []
        self.go_on, self.hung_up = threading.Event(), threading.Event()
        self.files = {
            "/": ("text/html; charset=utf-8", page.index(**options)),
            "/page.css": ("text/css; charset=utf-8", page.style()),
            "/icon.svg": ("image/svg+xml", page.icon()),
            "/keycheck.js": ("text/javascript; charset=utf-8", page.script()),
        }
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}/"

    def __enter__(self) -> "ScriptedServer":
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self._http.shutdown()
        self._http.server_close()


def _text(line: Mapping[str, Any] | str) -> str:
    return line if isinstance(line, str) else json.dumps(line)


def _handler(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, text = server.files.get(self.path, ("", ""))
            self._head(200 if kind else 404, {"Content-Type": kind})
            self.wfile.write(text.encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append(Asked(self.path, dict(self.headers), body))
            answer = server.answers.pop(0)
            kind = "application/x-ndjson" if answer.status == 200 else "application/problem+json"
            self._head(answer.status, {"Content-Type": kind, **answer.headers})
            for line in answer.lines:
                if line == HOLD:
                    self._hold()
                elif line == BREAK_OFF:
                    return
                else:
                    self.wfile.write(line if isinstance(line, bytes) else _text(line).encode() + b"\n")

        def _hold(self) -> None:
            """Waits until it may go on, or until the client has hung up."""
            while not server.go_on.wait(0.05):
                readable, _, _ = select.select([self.connection], [], [], 0)
                if readable and self.connection.recv(1, socket.MSG_PEEK) == b"":
                    server.hung_up.set()
                    return

        def _head(self, status: int, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Handler
