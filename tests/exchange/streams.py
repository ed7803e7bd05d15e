"""The user data stream as Binance serves it, and what can be wrong with it.

Observed (four independent reports, 2026-06 to 2026-09): the host opens a stream for any listen key, even a made-up one,
answers pings, refuses nobody, and sends no error of its own. On some addresses it opens a stream and never delivers
anything: on production `/ws/<key>` (2026-09-30), on the demo network `/private/stream` (2026-09-22).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

# Paths on which a stream opens and stays mute.
MUTE_ON_PRODUCTION = ("/ws",)
MUTE_ON_DEMO = ("/private/ws", "/private/stream")
# The market streams' documentation shows this answer to LIST_SUBSCRIPTIONS; nobody has tried it on a user stream.
NO_SUBSCRIPTIONS = '{"result":[],"id":1}'
PIECE = json.dumps({"e": "ORDER_TRADE_UPDATE", "filler": "x" * 2000})
_BY_QUERY = {"/private/ws": "listenKey", "/private/stream": "streams"}
_BY_PATH = re.compile(r"(/private/ws|/ws)/([^/]*)")


class Kind(Enum):
    """The behaviours of a stream."""

    REFUSED = "an ordinary answer in place of a handshake"
    STALLED = "no answer to the handshake, ever"
    RAW = "bytes in place of an answer, and the end of the connection"
    SILENT = "a handshake, and no pong, ever"
    CLOSED = "a handshake, and a close frame"
    MESSAGE = "message"
    ENDLESS = "a handshake, then messages without an end"
    CUT = "a handshake, and the end of the connection without a close frame"


@dataclass(frozen=True)
class StreamFault:
    """A fault of the stream; build it with the class methods below."""

    kind: Kind
    code: int = 0  # HTTP status, or close code
    text: str = ""  # body, message, or reason for the close; {listen_key} stands for the key that was sent
    content_type: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def refused(cls, status: int, body: str = "no", content_type: str = "text/html") -> StreamFault:
        """Answer the handshake with this HTTP status."""
        return cls(Kind.REFUSED, status, body, content_type)

    @classmethod
    def challenge(cls) -> StreamFault:
        """Answer the handshake as the firewall in front of Binance does: a puzzle for a browser, in an empty body."""
        return cls(Kind.REFUSED, 202, headers={"x-amzn-waf-action": "challenge"})

    @classmethod
    def stalled(cls) -> StreamFault:
        """Take the handshake and say nothing."""
        return cls(Kind.STALLED)

    @classmethod
    def raw(cls, text: str) -> StreamFault:
        """Write this text, and close the connection."""
        return cls(Kind.RAW, text=text)

    @classmethod
    def silent(cls) -> StreamFault:
        """Never answer a ping."""
        return cls(Kind.SILENT)

    @classmethod
    def closed(cls, code: int = 1008, reason: str = "") -> StreamFault:
        """Close the stream at once."""
        return cls(Kind.CLOSED, code, reason)

    @classmethod
    def message(cls, text: str) -> StreamFault:
        """Deliver this message before anything else, to the listen key that was given out, unless the path is mute."""
        return cls(Kind.MESSAGE, text=text)

    @classmethod
    def error(cls, text: str = "Invalid request", code: int = 2) -> StreamFault:
        """Deliver an error object; the host sends none unasked."""
        return cls.message(json.dumps({"error": {"code": code, "msg": text}}))

    @classmethod
    def expired(cls, listen_key: str = "{listen_key}") -> StreamFault:
        """Deliver the event that a listen key has expired, as go-binance#510 shows it (2023-08-30)."""
        return cls.message(json.dumps({"e": "listenKeyExpired", "E": "1693427319838", "listenKey": listen_key}))

    @classmethod
    def endless(cls) -> StreamFault:
        """Send messages without an end."""
        return cls(Kind.ENDLESS)

    @classmethod
    def cut(cls) -> StreamFault:
        """Drop the connection after the handshake."""
        return cls(Kind.CUT)


@dataclass(frozen=True)
class StreamHost:
    """The stream's host. `fault`: the stream's fault, if it has one; `mute`: the paths that deliver nothing.

    `subscriptions`: the answer to LIST_SUBSCRIPTIONS, which may hold {listen_key}; None: no answer. `received`: the
    messages that clients sent, in their order.
    """

    fault: StreamFault | None = None
    mute: tuple[str, ...] = MUTE_ON_PRODUCTION
    subscriptions: str | None = NO_SUBSCRIPTIONS
    received: list[str] = field(default_factory=list)


async def serve(
    request: web.BaseRequest, listen_key: str, host: StreamHost, *, latency: float = 0.0
) -> web.StreamResponse:
    """Serve one connection to its end. `listen_key`: the one that the API gave out; `latency`: in seconds."""
    await asyncio.sleep(latency)
    path, given = _listen_key_of(request)
    fault = host.fault if path else StreamFault.refused(404)
    text = fault.text.replace("{listen_key}", given) if fault else ""
    if fault and fault.kind is Kind.STALLED:
        await asyncio.Event().wait()
    if fault and fault.kind is Kind.REFUSED:
        return web.Response(status=fault.code, text=text, content_type=fault.content_type, headers=fault.headers)
    if fault and fault.kind is Kind.RAW and request.transport is not None:
        request.transport.write(text.encode("latin-1"))
        request.transport.close()
        return web.Response()
    stream = web.WebSocketResponse(autoping=False, compress=False)
    await stream.prepare(request)
    is_mute = path in host.mute
    if fault and not (fault.kind is Kind.MESSAGE and (is_mute or given != listen_key)):
        await _misbehave(request, stream, fault, text)
    answer = None if is_mute or host.subscriptions is None else host.subscriptions.replace("{listen_key}", given)
    async for message in stream:
        if message.type is web.WSMsgType.PING and not (fault and fault.kind is Kind.SILENT):
            await asyncio.sleep(latency)
            await stream.pong(message.data)
        if message.type is web.WSMsgType.TEXT:
            host.received.append(message.data)
            if answer is not None:
                await stream.send_str(answer)
    return stream


def _listen_key_of(request: web.BaseRequest) -> tuple[str, str]:
    """The path that opens a stream, and the listen key that was sent; two empty texts if the path opens no stream."""
    if request.path in _BY_QUERY:
        return request.path, request.query.get(_BY_QUERY[request.path], "")
    by_path = _BY_PATH.fullmatch(request.path)
    return (by_path[1], by_path[2]) if by_path else ("", "")


async def _misbehave(request: web.BaseRequest, stream: web.WebSocketResponse, fault: StreamFault, text: str) -> None:
    if fault.kind is Kind.CUT and request.transport is not None:
        request.transport.abort()
    if fault.kind is Kind.CLOSED:
        await stream.close(code=fault.code, message=text.encode())
    if fault.kind is Kind.MESSAGE:
        await stream.send_str(text)
    with contextlib.suppress(ConnectionError):  # the client has closed the connection
        while fault.kind is Kind.ENDLESS:
            await stream.send_str(PIECE)
