"""The account's stream as the exchange serves it: one WebSocket endpoint, and what can be wrong with it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from enum import Enum

from aiohttp import web

PATH = "/private/stream"
PIECE = json.dumps({"e": "ORDER_TRADE_UPDATE", "filler": "x" * 2000})


class Kind(Enum):
    """What becomes of a stream."""

    REFUSED = "an ordinary answer in the place of a handshake"
    STALLED = "no answer to the handshake, ever"
    RAW = "bytes in the place of an answer, and the end of the connection"
    SILENT = "a handshake, and no pong, ever"
    CLOSED = "a handshake, and a close frame"
    TOLD = "a handshake, then a message; pings are answered"
    ENDLESS = "a handshake, then messages without an end"
    CUT = "a handshake, and the end of the connection without a close frame"


@dataclass(frozen=True)
class StreamFault:
    """One misbehaviour; build it with the class methods below."""

    kind: Kind
    code: int = 0  # HTTP status, or close code
    text: str = ""  # body, message, or reason for the close; {listen_key} stands for the key that was sent
    content_type: str = "text/html"

    @classmethod
    def refused(cls, status: int, body: str = "no", content_type: str = "text/html") -> StreamFault:
        """Answer the handshake with this HTTP status."""
        return cls(Kind.REFUSED, status, body, content_type)

    @classmethod
    def stalled(cls) -> StreamFault:
        """Take the handshake and say nothing."""
        return cls(Kind.STALLED)

    @classmethod
    def raw(cls, text: str) -> StreamFault:
        """Write this, and close."""
        return cls(Kind.RAW, text=text)

    @classmethod
    def silent(cls) -> StreamFault:
        """Never pong."""
        return cls(Kind.SILENT)

    @classmethod
    def closed(cls, code: int = 1008, reason: str = "") -> StreamFault:
        """Close at once."""
        return cls(Kind.CLOSED, code, reason)

    @classmethod
    def told(cls, message: str) -> StreamFault:
        """Say this before anything else."""
        return cls(Kind.TOLD, text=message)

    @classmethod
    def error(cls, text: str = "This listenKey does not exist.", code: int = -1125) -> StreamFault:
        """Say that something is wrong."""
        return cls.told(json.dumps({"e": "error", "code": code, "msg": text}))

    @classmethod
    def endless(cls) -> StreamFault:
        """Send messages without an end."""
        return cls(Kind.ENDLESS)

    @classmethod
    def cut(cls) -> StreamFault:
        """Drop the connection after the handshake."""
        return cls(Kind.CUT)


async def serve(
    request: web.BaseRequest, listen_key: str, fault: StreamFault | None, *, latency: float = 0.0
) -> web.StreamResponse:
    """Serve one connection to its end; `listen_key` is the one that was given out, `latency` in seconds."""
    await asyncio.sleep(latency)
    given = request.query.get("streams", "")
    if request.path != PATH:
        fault = StreamFault.refused(404)
    elif fault is None and given != listen_key:
        fault = StreamFault.error()
    kind, text = (fault.kind, fault.text.replace("{listen_key}", given)) if fault else (None, "")
    if kind is Kind.STALLED:
        await asyncio.Event().wait()
    if fault and kind is Kind.REFUSED:
        return web.Response(status=fault.code, text=text, content_type=fault.content_type)
    if request.transport is not None and kind is Kind.RAW:
        request.transport.write(text.encode("latin-1"))
        request.transport.close()
        return web.Response()
    return await _talk(request, fault, text, latency)


async def _talk(request: web.BaseRequest, fault: StreamFault | None, text: str, latency: float) -> web.StreamResponse:
    kind = fault.kind if fault else None
    stream = web.WebSocketResponse(autoping=False, compress=False)
    await stream.prepare(request)
    if request.transport is not None and kind is Kind.CUT:
        request.transport.abort()
    if fault and kind is Kind.CLOSED:
        await stream.close(code=fault.code, message=text.encode())
    if kind is Kind.TOLD:
        await stream.send_str(text)
    with contextlib.suppress(ConnectionError):  # the client has heard enough
        while kind is Kind.ENDLESS:
            await stream.send_str(PIECE)
    async for message in stream:
        if message.type is web.WSMsgType.PING and kind is not Kind.SILENT:
            await asyncio.sleep(latency)
            await stream.pong(message.data)
    return stream
