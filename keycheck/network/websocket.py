"""WebSocket over a stream connection: handshake, ping, pong and one probe. The only user of websockets.

It uses only that library's protocol (its Sans-I/O layer): the connection, its proxy and its certificates are those of
HTTP requests, no redirect is followed, and the library starts no thread. The library's own client (tried: 17.4)
waits for the socket before it reads: behind an https proxy it misses a pong that TLS has read already.
"""

import contextlib
import logging
import secrets
from collections.abc import Callable
from typing import Any

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import CloseCode, Opcode
from websockets.uri import parse_uri

from keycheck.errors import NotBinance
from keycheck.exchange import user_stream
from keycheck.exchange.answers import RawAnswer
from keycheck.exchange.user_stream import LIST_SUBSCRIPTIONS, UserStream
from keycheck.network.stream_connection import StreamConnection
from keycheck.redaction.secret import Secret

MAX_BYTES = 2**20  # the most that is read in all, over all frames; an account's events are far fewer

# A logger without parents, because the library logs addresses and frames at DEBUG.
_MUTE = logging.Logger(__name__, logging.CRITICAL + 1)


class Conversation:
    """One WebSocket conversation. Raises the connection's errors, ConnectionResetError if it ends, and NotBinance.

    `learn`: a function that receives each secret in a message, before the message is used.
    """

    def __init__(self, connection: StreamConnection, address: Secret, learn: Callable[[str], None]) -> None:
        self._connection = connection
        self._learn = learn
        self._protocol = ClientProtocol(parse_uri(address.reveal()), max_size=MAX_BYTES, logger=_MUTE)
        self._unread: list[Any] = []  # received frames that `_take` has not returned yet
        self._bytes = 0

    def __repr__(self) -> str:
        return "Conversation()"

    def shake_hands(self) -> RawAnswer | None:
        """Opens the WebSocket. Returns None, or the HTTP answer if the host answers with one instead."""
        request = self._protocol.connect()
        request.headers["User-Agent"] = "keycheck"
        self._protocol.send_request(request)
        while not self._unread and self._protocol.handshake_exc is None:
            self._exchange()
        problem = self._protocol.handshake_exc
        if isinstance(problem, InvalidStatus):
            response = problem.response
            headers = {name.lower(): value for name, value in response.headers.raw_items()}
            return RawAnswer(response.status_code, headers, bytes(response.body or b""))
        if problem is not None:
            raise _no_websocket()
        del self._unread[0]  # the answer to the handshake; the first frames may follow it in the list
        return None

    def ping(self) -> UserStream:
        """Sends a ping. Returns the first observation: a pong, an error, or the end of the stream."""
        mark = secrets.token_bytes(8)
        observed = self._observation(mark)
        if observed is None:
            self._protocol.send_ping(mark)
        while observed is None:
            self._exchange()
            observed = self._observation(mark)
        return observed

    def subscriptions(self, listen_key: Secret) -> str:
        """The answer to LIST_SUBSCRIPTIONS, scrubbed. Other messages are dropped."""
        self._protocol.send_text(LIST_SUBSCRIPTIONS.encode())
        while True:
            self._exchange()
            for message in _texts(self._take()):
                if answer := user_stream.subscriptions_in(message, listen_key):
                    return answer

    def leave(self) -> None:
        """Sends a close frame if that is still possible. It does not wait for the answer."""
        with contextlib.suppress(Exception):
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._send()

    def _observation(self, mark: bytes) -> UserStream | None:
        frames = self._take()
        for message in _texts(frames):
            if trouble := user_stream.trouble_in(message):
                return trouble
        if self._protocol.close_rcvd and any(frame.opcode is Opcode.CLOSE for frame in frames):
            return user_stream.closed(int(self._protocol.close_rcvd.code))
        if self._protocol.parser_exc is not None:
            raise _no_websocket()
        # The pong comes last: if trouble came together with it, the stream is not alive.
        ponged = any(frame.opcode is Opcode.PONG and frame.data == mark for frame in frames)
        return user_stream.ALIVE if ponged else None

    def _take(self) -> list[Any]:
        """The frames since the last call. Their secrets go to `learn`."""
        frames, self._unread = self._unread, []
        for message in _texts(frames):
            for secret in user_stream.secrets_in(message):
                self._learn(secret)
        return frames

    def _exchange(self) -> None:
        """Sends pending data, such as pongs, and reads the next data."""
        with contextlib.suppress(ConnectionError):  # the close frame may say why
            self._send()
        data = self._connection.read()
        self._bytes += len(data)
        if self._bytes > MAX_BYTES:
            raise NotBinance(
                f"the stream API sent more than {MAX_BYTES >> 20} MiB and no pong. Check what stands between this "
                "machine and Binance, and BINANCE_STREAM_URL"
            )
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        frames = self._protocol.events_received()
        if not data and not frames:
            raise ConnectionResetError
        self._unread += frames

    def _send(self) -> None:
        for data in self._protocol.data_to_send():
            if data:  # empty data means: close the sending half
                self._connection.write(data)


def _texts(frames: list[Any]) -> list[bytes]:
    return [bytes(frame.data) for frame in frames if frame.opcode is Opcode.TEXT]


def _no_websocket() -> NotBinance:
    return NotBinance(
        "the stream API does not speak WebSocket as it should. Check what stands between this machine and Binance: a "
        "captive portal, a proxy, or a wrong BINANCE_STREAM_URL"
    )
