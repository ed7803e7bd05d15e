"""The local exchange itself: three listening sockets on loopback, one thread, one event loop."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import Counter
from dataclasses import replace
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.exchange import endpoints, faults, headers, streams, wire
from tests.exchange.answers import Answer
from tests.exchange.parameters import merged, readable
from tests.exchange.scenario import API_KEY, API_SECRET, LISTEN_KEY, Received, Scenario

HOSTS = ("futures", "wallet")
STREAM = "stream"
PATIENCE = 5.0  # seconds the caller waits for the thread to start or stop; both take milliseconds
_K = faults.Kind
WITHOUT_ANSWER = {_K.RESET, _K.STALL, _K.DRIP_HEADERS, _K.RAW, _K.CLOSED_DOOR}
LIMITS = (418, 429)
# Seconds for which the exchange delays all other answers after it has answered with a limit. The run reads the limit
# within this time. So a request that still arrives was under way already; no later answer has caused it.
HOLDS_BACK = 0.5
SPOILS_THE_ANSWER = {_K.RESET_AFTER_HEADERS, _K.TRUNCATED, _K.DRIP, _K.ALTERED, _K.INTERIM}


class LocalExchange:
    """A local exchange that runs as long as a `with` block."""

    def __init__(self, scenario: Scenario | None = None) -> None:
        """Prepare an exchange; it opens its sockets when the with block is entered."""
        self._scenario = scenario or Scenario()
        self._lock = threading.Lock()
        self._log: list[Received] = []
        self._unanswered: dict[int, str] = {}  # paths, by place in the log
        self._streams: list[Received] = []
        self._accepted = Counter(dict.fromkeys(HOSTS, 0))
        self._hits: dict[str, int] = {}
        self._meters = headers.Meters(self._scenario.used_weight, self._scenario.minute)
        self._failures: list[Exception] = []
        self._limited_at = -HOLDS_BACK  # seconds on the monotonic clock
        self._urls: dict[str, str] = {}
        self.stream_messages: list[str] = []  # the messages of clients on the stream, in order
        self.real_orders: list[Received] = []  # orders other than test orders; must stay empty

    # ------------------------------------------------------------------ for tests to inspect

    @property
    def futures_url(self) -> str:
        """Root of the futures host (/fapi)."""
        return self._urls["futures"]

    @property
    def wallet_url(self) -> str:
        """Root of the wallet host (/sapi)."""
        return self._urls["wallet"]

    @property
    def stream_url(self) -> str:
        """Root of the stream host (/private, /ws)."""
        return self._urls[STREAM].replace("http:", "ws:")

    @property
    def streams(self) -> list[Received]:
        """All handshakes with the stream host so far, which `log` does not hold; a copy."""
        with self._lock:
            return list(self._streams)

    @property
    def log(self) -> list[Received]:
        """All requests so far, in order of arrival; a copy."""
        with self._lock:
            return list(self._log)

    @property
    def connections(self) -> dict[str, int]:
        """TCP connections accepted so far, by host."""
        return {host: self._accepted[host] for host in HOSTS}

    @property
    def scenario(self) -> Scenario:
        """The state of the exchange; assign another one to change it between two requests."""
        return self._scenario

    @scenario.setter
    def scenario(self, scenario: Scenario) -> None:
        with self._lock:
            if scenario.faults != self._scenario.faults:
                self._hits = {}
            if scenario.used_weight != self._scenario.used_weight:
                self._meters.used_weight = scenario.used_weight
            self._scenario = scenario

    def heaviest(self, seconds: float) -> int:
        """The most weight that the futures host has counted in any such span of time."""
        spent = self._meters.spent
        return max((sum(w for at, w in spent if begin <= at < begin + seconds) for begin, _ in spent), default=0)

    def requests_to(self, path: str) -> list[Received]:
        """All requests to one path, in order of arrival."""
        return [one for one in self.log if one.path == path]

    def settings(self, no_credentials: bool = False) -> dict[str, str]:
        """A user's settings: the hosts and, unless `no_credentials`, API_KEY and API_SECRET."""
        hosts = {"BINANCE_FUTURES_URL": self.futures_url, "BINANCE_WALLET_URL": self.wallet_url}
        hosts["BINANCE_STREAM_URL"] = self.stream_url
        return hosts if no_credentials else {"BINANCE_API_KEY": API_KEY, "BINANCE_API_SECRET": API_SECRET, **hosts}

    # ------------------------------------------------------------------ start and stop

    def __enter__(self) -> Self:
        """Open the sockets and serve them; returns once requests will be answered."""
        self._sockets = {host: socket.create_server(("127.0.0.1", 0), backlog=128) for host in (*HOSTS, STREAM)}
        self._urls = {host: f"http://127.0.0.1:{each.getsockname()[1]}" for host, each in self._sockets.items()}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="local exchange", daemon=True)
        self._thread.start()
        if not self._ready.wait(PATIENCE):
            raise RuntimeError("the local exchange did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop every connection and end the thread. Raises the first error that happened inside the exchange."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise RuntimeError("the local exchange did not stop")
        if error is None and self._failures:
            raise self._failures[0]

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._doors = {host: await self._open(host) for host in (*HOSTS, STREAM)}
        self._ready.set()
        await self._stopping.wait()
        for each in self._sockets.values():
            if each.fileno() >= 0:  # a fault may have closed it
                self._loop.remove_reader(each)
        for _ in range(3):
            await asyncio.sleep(0)  # turns a client that has just arrived into a connection, which can be closed
        for door, connections in self._doors.values():
            door.close()
            for connection in connections.connections:
                if connection.transport is not None:
                    connection.transport.abort()  # ends stalls and drips: their handlers are cancelled with it

    async def _open(self, host: str) -> tuple[asyncio.Server, web.Server]:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            try:
                return await (self._serve_stream(request) if host == STREAM else self._handle(host, request))
            except (ConnectionError, web.RequestPayloadError):
                raise  # the client left
            except Exception as error:
                self._failures.append(error)
                raise

        # TCP_NODELAY is aiohttp's own default.
        connections = web.Server(handle, handler_cancellation=True, access_log=None)

        def accept() -> asyncio.Protocol:
            self._accepted[host] += 1
            return connections()

        return await self._loop.create_server(accept, sock=self._sockets[host]), connections

    # ------------------------------------------------------------------ one request

    async def _handle(self, host: str, request: web.BaseRequest) -> web.StreamResponse:
        scenario = self._scenario
        call = await _read(host, request)
        place = self._note(call, request)
        try:
            return await self._answer(replace(call, scenario=scenario), place, request)
        finally:
            with self._lock:
                del self._unanswered[place]

    async def _answer(self, call: endpoints.Call, place: int, request: web.BaseRequest) -> web.StreamResponse:
        scenario = call.scenario
        with self._lock:
            fault = faults.due(scenario.faults, self._hits, call.method, call.path)
            turn = sum(one.path == call.path for one in self._log[:place])
        await asyncio.sleep(scenario.latency_ms / 2000)
        now_ms = time.time_ns() // 1_000_000 + scenario.clock_offset_ms
        answer = self._decide(replace(call, now_ms=now_ms), fault, request)
        answer = replace(answer, headers=headers.spelt(answer.headers, place))
        jitter_ms = scenario.jitter_ms[turn % len(scenario.jitter_ms)] if scenario.jitter_ms else 0
        await asyncio.sleep(scenario.latency_ms / 2000 + jitter_ms / 1000)
        if fault is None or fault.kind not in WITHOUT_ANSWER:
            with self._lock:
                self._log[place] = replace(self._log[place], status=answer.status, code=answer.code)
        await self._hold_back(answer)
        if fault is not None and fault.kind is _K.CLOSED_DOOR:
            self._doors[call.host][0].close()
        return wire.response(answer) if fault is None else await wire.misbehave(request, fault, answer)

    async def _hold_back(self, answer: Answer) -> None:
        if answer.status in LIMITS:
            self._limited_at = time.monotonic()
        else:
            await asyncio.sleep(max(0.0, self._limited_at + HOLDS_BACK - time.monotonic()))

    async def _serve_stream(self, request: web.BaseRequest) -> web.StreamResponse:
        call = await _read(STREAM, request)
        received = Received(STREAM, call.method, call.path, call.params, call.headers, call.query.decode(), call.body)
        with self._lock:
            self._streams.append(received)
        scenario = self._scenario
        host = streams.StreamHost(scenario.stream, scenario.mute_streams, scenario.subscriptions, self.stream_messages)
        return await streams.serve(request, LISTEN_KEY, host, latency=scenario.latency_ms / 1000)

    def _note(self, call: endpoints.Call, request: web.BaseRequest) -> int:
        raw_query = request.raw_path.partition("?")[2]
        received = Received(call.host, call.method, call.path, call.params, call.headers, raw_query, call.body)
        with self._lock:
            place = len(self._log)
            self._log.append(replace(received, in_flight=tuple(self._unanswered.values())))
            self._unanswered[place] = call.path
            if call.method == "POST" and call.path == endpoints.ORDER_PATH:
                self.real_orders.append(received)
            return place

    def _decide(self, call: endpoints.Call, fault: faults.Fault | None, request: web.BaseRequest) -> Answer:
        if fault is None or fault.kind in SPOILS_THE_ANSWER:
            answer, weight = endpoints.respond(call)
            if fault is not None and fault.change is not None:
                answer = fault.change(wire.unpacked(answer))
        else:
            answer, weight = (fault.answer, 0)
            if fault.kind is _K.ECHO:
                answer = wire.echo(request, fault.answer.status)
        self._meters.add(call.host, call.path, weight)
        usual = headers.common(call.now_ms)
        if fault is None or (answer.code or 0) < 0:
            signed = "signature" in call.params
            usual |= headers.from_exchange(call.host, call.path, self._meters, call.scenario, signed=signed)
        return replace(answer, headers={**usual, **answer.headers})


async def _read(host: str, request: web.BaseRequest) -> endpoints.Call:
    """Take a request in, its target exactly as sent: decoding and encoding again would change what was signed."""
    target = request.raw_path
    path, _, raw_query = target.partition("?")
    query = raw_query.encode("utf-8", "surrogateescape")
    body = await request.read()
    names = {name.lower(): value for name, value in request.headers.items()}
    params = merged(query, readable(body, names))
    return endpoints.Call(host, request.method, path, params, names, query, body)
