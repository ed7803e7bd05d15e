"""The account's stream, opened for a moment: shaken hands with, pinged, and left.

It is no request: it weighs nothing, is not counted among them, and is not tried again. No cassette holds it.
"""

import contextlib
import threading
from concurrent.futures import Future, InvalidStateError

from keycheck import answers, clock
from keycheck.answers import Clean, RawAnswer
from keycheck.endpoints import USER_STREAM
from keycheck.errors import GivenUp, KeycheckError, NotBinance, Refused, Unreachable
from keycheck.network.explain import explain
from keycheck.network.line import Line
from keycheck.secrets import Secret
from keycheck.user_stream import UserStream

OPEN_SECONDS = 10.0  # name server, proxy, connection, TLS and handshake together
PONG_SECONDS = 5.0
_LAST_SECONDS = 1.0  # whoever reads from a connection that was cut gives up at once

_Result = UserStream | RawAnswer | KeycheckError | GivenUp


class Stream:
    """Where the stream is, and the way there. `url`: wss://HOST; `clean` takes secrets out of Binance's text."""

    def __init__(self, url: str, clean: Clean, proxy: Secret | None = None, ca_bundle: str | None = None) -> None:
        self._url, self._proxy, self._ca_bundle = url, proxy, ca_bundle
        self._clean = clean
        self._visit: _Visit | None = None

    def __repr__(self) -> str:
        return "Stream()"

    def listen(self, listen_key: Secret, seconds: float) -> UserStream:
        """Opens it, waits for a pong and leaves, within `seconds` and the limits above. Raises CannotLook, GivenUp."""
        self._visit = visit = _Visit(Line(self._url, self._proxy, self._ca_bundle))
        address = Secret(f"{self._url}{USER_STREAM.path}?streams={listen_key.reveal()}")
        worker = threading.Thread(target=visit.make, args=(address,), daemon=True)
        worker.start()
        result = visit.wait(seconds)
        worker.join(_LAST_SECONDS)
        # Raised here, outside any except block, so that no library exception, whose text may hold the address, comes
        # along.
        if isinstance(result, Exception):
            raise result.with_traceback(None)
        return result if isinstance(result, UserStream) else self._unopened(result)

    @staticmethod
    def prepare() -> None:
        """Imports what speaks WebSocket, which most runs do without."""
        from keycheck.network import websocket  # noqa: F401, PLC0415  see above

    def give_up(self) -> None:
        """From another thread: whoever listens meets GivenUp, at once."""
        if self._visit is not None:
            self._visit.give_up()

    def _unopened(self, raw: RawAnswer) -> UserStream:
        """An ordinary answer came; only one that speaks of the key is an observation."""
        answer = answers.read(raw, USER_STREAM, self._clean)
        if isinstance(answer, dict):
            raise NotBinance(
                "the stream API answered as to a request, and opened no stream. Check what stands between this machine "
                "and Binance, and BINANCE_STREAM_URL"
            )
        if not answer.kind.speaks_of_the_key:
            raise Refused(f"the stream API opened no stream: {answer}. Run again")
        return UserStream(False, f"the stream API opened no stream: {answer}")


class _Visit:
    """One opening of the stream, and the two threads that it takes: one that does it, and one that waits."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._opened = threading.Event()  # or failed to
        self._result: Future[_Result] = Future()

    def wait(self, seconds: float) -> _Result:
        """What came of it, or that its time is up."""
        watch = clock.Stopwatch()
        try:
            limit = min(seconds, OPEN_SECONDS)
            if not self._opened.wait(limit):
                return _silent(f"did not open within {limit:.0f} s")
            limit = max(min(seconds - watch.seconds, PONG_SECONDS), 0)
            try:
                return self._result.result(limit)
            except TimeoutError:
                return _silent(f"opened, and did not answer a ping within {limit:.0f} s")
        finally:
            if not self._result.done():
                self._line.cut()

    def give_up(self) -> None:
        """What came of it is not wanted any more."""
        self._settle(GivenUp())
        self._line.cut()

    def make(self, address: Secret) -> None:
        """The other thread's part."""
        try:
            self._settle(self._made(address))
        except KeycheckError as error:
            self._settle(error)
        except Exception as error:  # noqa: BLE001  whatever it is, its text may hold the address
            self._settle(explain(error, USER_STREAM))
        finally:
            self._line.close()

    def _settle(self, result: _Result) -> None:
        with contextlib.suppress(InvalidStateError):
            self._result.set_result(result)
        self._opened.set()

    def _made(self, address: Secret) -> _Result:
        # See prepare.
        from keycheck.network.websocket import Conversation  # noqa: PLC0415

        self._line.open(OPEN_SECONDS + PONG_SECONDS)  # the other thread is the one that looks at the clock
        talk = Conversation(self._line, address)
        if unopened := talk.shake_hands():
            return unopened
        self._opened.set()
        heard = talk.ping()
        talk.leave()
        return heard


def _silent(what: str) -> Unreachable:
    return Unreachable(
        f"the stream {what}. A firewall or proxy that lets no WebSocket through is the usual reason, and a bot that "
        "listens from this machine meets it too: try from another network",
        "timeout",
    )
