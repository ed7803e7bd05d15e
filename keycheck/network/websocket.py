"""WebSocket over a line: a handshake, a ping, what comes before its pong, and one probe. The only user of websockets.

Of that library it takes the protocol alone (its Sans-I/O layer), so that connection, proxy and trust are those of every
other request, no redirect is followed, and no thread of its own is at work. Its own client (tried: 17.4) waits for the
socket before it reads: behind an https proxy it never hears a pong that TLS has read already.
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

MAX_BYTES = 2**20  # all that is read, however it is cut into frames; what happens in an account is far less

# A logger outside the tree: at DEBUG the library logs addresses and frames.
_MUTE = logging.Logger(__name__, logging.CRITICAL + 1)


class Conversation:
    """One conversation. Raises the connection's errors, ConnectionResetError if it breaks off, and NotBinance.

    `learn` is given the secrets that come in messages, before anything is made of them.
    """

    def __init__(self, line: StreamConnection, address: Secret, learn: Callable[[str], None]) -> None:
        self._line = line
        self._learn = learn
        self._protocol = ClientProtocol(parse_uri(address.reveal()), max_size=MAX_BYTES, logger=_MUTE)
        self._came: list[Any] = []  # frames that were not read yet
        self._bytes = 0

    def __repr__(self) -> str:
        return "Conversation()"

    def shake_hands(self) -> RawAnswer | None:
        """None, or the ordinary answer that came instead of a handshake."""
        request = self._protocol.connect()
        request.headers["User-Agent"] = "keycheck"
        self._protocol.send_request(request)
        while not self._came and self._protocol.handshake_exc is None:
            self._exchange()
        problem = self._protocol.handshake_exc
        if isinstance(problem, InvalidStatus):
            response = problem.response
            headers = {name.lower(): value for name, value in response.headers.raw_items()}
            return RawAnswer(response.status_code, headers, bytes(response.body or b""))
        if problem is not None:
            raise _no_websocket()
        del self._came[0]  # the answer to the handshake; frames may have come along with it
        return None

    def ping(self) -> UserStream:
        """Sends a ping; the result is the first of a pong, an error and the end."""
        mark = secrets.token_bytes(8)
        heard = self._heard(mark)
        if heard is None:
            self._protocol.send_ping(mark)
        while heard is None:
            self._exchange()
            heard = self._heard(mark)
        return heard

    def subscriptions(self, listen_key: Secret) -> str:
        """The answer to LIST_SUBSCRIPTIONS, scrubbed; other messages are ignored."""
        self._protocol.send_text(LIST_SUBSCRIPTIONS.encode())
        while True:
            self._exchange()
            for message in _texts(self._take()):
                if answer := user_stream.subscriptions_in(message, listen_key):
                    return answer

    def leave(self) -> None:
        """Sends a close frame, if that still works, and does not wait."""
        with contextlib.suppress(Exception):
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._send()

    def _heard(self, mark: bytes) -> UserStream | None:
        came = self._take()
        for message in _texts(came):
            if trouble := user_stream.trouble_in(message):
                return trouble
        if self._protocol.close_rcvd and any(frame.opcode is Opcode.CLOSE for frame in came):
            return user_stream.closed(int(self._protocol.close_rcvd.code))
        if self._protocol.parser_exc is not None:
            raise _no_websocket()
        # Comes last: if trouble came together with it, the stream is not alive.
        ponged = any(frame.opcode is Opcode.PONG and frame.data == mark for frame in came)
        return user_stream.ALIVE if ponged else None

    def _take(self) -> list[Any]:
        """The frames since the last call, after their secrets were learned."""
        came, self._came = self._came, []
        for message in _texts(came):
            for secret in user_stream.secrets_in(message):
                self._learn(secret)
        return came

    def _exchange(self) -> None:
        """Sends pending frames, pongs among them, and receives some."""
        with contextlib.suppress(ConnectionError):  # the close frame may say why
            self._send()
        data = self._line.read()
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
        came = self._protocol.events_received()
        if not data and not came:
            raise ConnectionResetError
        self._came += came

    def _send(self) -> None:
        for data in self._protocol.data_to_send():
            if data:  # empty data means to close one half of the connection
                self._line.write(data)


def _texts(frames: list[Any]) -> list[bytes]:
    return [bytes(frame.data) for frame in frames if frame.opcode is Opcode.TEXT]


def _no_websocket() -> NotBinance:
    return NotBinance(
        "the stream API does not speak WebSocket as it should. Check what stands between this machine and Binance: a "
        "captive portal, a proxy, or a wrong BINANCE_STREAM_URL"
    )
