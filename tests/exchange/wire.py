"""Writes answers and faults to the connection of one aiohttp request."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
from dataclasses import replace
from functools import cache
from typing import Any

from aiohttp import web

from tests.exchange.answers import Answer, document
from tests.exchange.faults import Fault, Kind

HARD_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER, zero seconds: close() sends RST instead of FIN
CHUNK = b" " * (64 << 10)  # white space is legal before a JSON value: a reader has no reason to stop early
MOMENT = 0.02  # seconds for a header to reach the client before the reset overtakes it


class Spent(web.StreamResponse):
    """Stands for an answer that was written by hand, or withheld: there is nothing left to send."""

    async def prepare(self, request: web.BaseRequest) -> Any:  # noqa: ARG002 - the base class's signature
        """Write no header."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Write no end."""


def response(answer: Answer) -> web.Response:
    """Make an ordinary answer; 451 comes without a reason phrase, as it does from the real gateway."""
    headers = {"Content-Type": answer.content_type, **answer.headers}
    return web.Response(
        status=answer.status, reason="" if answer.status == 451 else None, body=answer.body, headers=headers
    )


async def misbehave(request: web.BaseRequest, fault: Fault, answer: Answer) -> web.StreamResponse:
    """Carry out a fault. `answer`: what the client would get without the fault."""
    if fault.kind in {Kind.ANSWER, Kind.ECHO, Kind.ALTERED}:
        return response(answer)
    if fault.kind is Kind.INTERIM:
        if request.transport is not None:
            request.transport.write(f"HTTP/1.1 {fault.answer.status} Interim\r\n\r\n".encode())
        return response(answer)
    if fault.kind is Kind.STALL:
        await asyncio.Event().wait()
    if fault.kind in {Kind.DRIP, Kind.ENDLESS}:
        return await _stream(request, fault, answer)
    if fault.kind is Kind.GZIP_BOMB:
        headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-encoding"}
        headers["Content-Encoding"] = "gzip"
        return response(Answer(200, _bomb(fault.size), headers=headers))
    return await _break(request, fault, answer)


def unpacked(answer: Answer) -> Answer:
    """Undo the compression of an answer."""
    if answer.headers.get("Content-Encoding") != "gzip":
        return answer
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Encoding"}
    return replace(answer, body=gzip.decompress(answer.body), headers=headers)


def echo(request: web.BaseRequest, status: int) -> Answer:
    """An answer that repeats the request, as a debugging proxy or a careless error page does."""
    headers = dict(request.headers)
    told = document({"method": request.method, "target": request.raw_path, "headers": headers})
    return Answer(status, told.body)


async def _stream(request: web.BaseRequest, fault: Fault, answer: Answer) -> web.StreamResponse:
    stream = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type, **answer.headers})
    if fault.kind is Kind.DRIP:
        stream.content_length = len(answer.body)
        await stream.prepare(request)
        for place in range(len(answer.body)):
            await stream.write(answer.body[place : place + 1])
            await asyncio.sleep(fault.seconds)
        return stream
    stream.enable_chunked_encoding()
    await stream.prepare(request)
    for _ in range(fault.size // len(CHUNK)):
        await stream.write(CHUNK)
    return stream


@cache
def _bomb(size: int) -> bytes:
    return gzip.compress(b" " * size + b"{}", compresslevel=1)


async def _break(request: web.BaseRequest, fault: Fault, answer: Answer) -> web.StreamResponse:
    """Write raw bytes, then end the connection in a way no well-behaved server would."""
    transport = request.transport
    spent = Spent()
    spent.force_close()
    if transport is None:
        return spent
    if fault.kind is Kind.DRIP_HEADERS:
        transport.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
        while not transport.is_closing():
            transport.write(b"x")
            await asyncio.sleep(fault.seconds)
        return spent
    if fault.kind is Kind.RAW:
        transport.write(fault.answer.body)
        return spent
    if fault.kind in {Kind.RESET_AFTER_HEADERS, Kind.TRUNCATED}:
        transport.write(_head(answer))
    if fault.kind is Kind.TRUNCATED:
        transport.write(answer.body[: len(answer.body) // 2])
        return spent
    if fault.kind is Kind.RESET_AFTER_HEADERS:
        await asyncio.sleep(MOMENT)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, HARD_CLOSE)
    transport.abort()
    return spent


def _head(answer: Answer) -> bytes:
    headers = {"Content-Type": answer.content_type, **answer.headers, "Content-Length": str(len(answer.body))}
    lines = [f"HTTP/1.1 {answer.status} OK", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
