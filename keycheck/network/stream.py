"""Opens the account's user data stream, sends a ping, and closes it.

Opening the stream is not an API request: it has no request weight, is not in the list of requests, and is not retried.
A cassette holds nothing of it except the answer to a probe, and a limit or a refused location that ended the run.
"""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import replace

from keycheck import clock
from keycheck.errors import Cancelled, KeycheckError, NotBinance, NotSent, Refused, Unreachable
from keycheck.exchange import answers
from keycheck.exchange.answers import RawAnswer
from keycheck.exchange.endpoints import USER_STREAM, Endpoint
from keycheck.exchange.user_stream import UserStream, target
from keycheck.network.cancellable_request import HELD_BACK
from keycheck.network.failures import explain
from keycheck.network.stream_connection import StreamConnection
from keycheck.redaction.redactor import Redactor
from keycheck.redaction.secret import Secret

OPEN_SECONDS = 10.0  # name server, proxy, connection, TLS and handshake together
PONG_SECONDS = 5.0
PROBE_SECONDS = 2.0  # for the answer to a probe, after the pong
_LAST_SECONDS = 1.0  # until the worker thread has ended after its connection was shut down

_Result = UserStream | RawAnswer | KeycheckError | Cancelled


class Stream:
    """Opens the user data stream. `url`: wss://HOST; `endpoint`: one of its two endpoints.

    `redactor`: takes secrets out of Binance's text, and learns the secrets that the stream sends.
    `probe`: after the pong, also asks the stream for its subscriptions. The answer is reported, but decides nothing.
    `limited`: is set as soon as any host, including the stream's, answers with a rate limit. From then on, nothing may
    be sent.
    """

    def __init__(  # noqa: PLR0913  all that a connection needs
        self,
        url: str,
        redactor: Redactor,
        proxy: Secret | None = None,
        ca_bundle: str | None = None,
        *,
        endpoint: Endpoint = USER_STREAM,
        probe: bool = False,
        limited: threading.Event | None = None,
    ) -> None:
        self._limited = limited or threading.Event()
        self._url, self._proxy, self._ca_bundle = url, proxy, ca_bundle
        self._redactor = redactor
        self._endpoint = endpoint
        self._probe = probe
        self._visit: _Visit | None = None

    def __repr__(self) -> str:
        return "Stream()"

    def listen(self, listen_key: Secret, seconds: float) -> UserStream:
        """Opens the stream, waits for a pong and closes it, within `seconds` and the time limits of this module.

        Raises Inconclusive, Cancelled, or NotListed if the URL is not on the allow-list.
        """
        address = Secret(self._url + target(self._endpoint, listen_key).reveal())
        line = StreamConnection(self._url, self._proxy, self._ca_bundle)
        probing = listen_key if self._probe else None
        self._visit = visit = _Visit(line, self._endpoint, self._redactor.learn, probing, self._limited)
        worker = threading.Thread(target=visit.make, args=(address,), daemon=True)
        worker.start()
        result = visit.wait(seconds)
        if self._probe and isinstance(result, UserStream) and result.alive:
            result = replace(result, probe=self._redactor.clean(visit.probe_answer(min(PROBE_SECONDS, seconds))))
        worker.join(_LAST_SECONDS)
        # Raised outside any except block: a library's exception would be attached to it otherwise, and that text may
        # hold the URL with the listen key.
        if isinstance(result, Exception):
            raise result.with_traceback(None)
        return result if isinstance(result, UserStream) else self._unopened(result)

    @staticmethod
    def preload() -> None:
        """Imports the WebSocket library, which most runs do not need. If the import fails, `listen` reports it."""
        # The library reads WEBSOCKETS_... from the environment, and raises if one of them is not a number.
        with contextlib.suppress(Exception):
            from keycheck.network import websocket  # noqa: F401, PLC0415  see above

    def cancel(self) -> None:
        """Cancels from another thread: `listen` raises Cancelled at once."""
        if self._visit is not None:
            self._visit.cancel()

    def _unopened(self, raw: RawAnswer) -> UserStream:
        """The result if Binance answers the handshake with HTTP: an observation if the answer is about the key.

        Otherwise it raises Inconclusive.
        """
        answer = answers.read(raw, self._endpoint, self._redactor.clean)
        if isinstance(answer, dict):
            raise NotBinance(
                "the stream API answered as an HTTP API does, and opened no stream. Check what stands between this "
                "machine and Binance, and BINANCE_STREAM_URL"
            )
        if not answer.kind.speaks_of_the_key:
            raise Refused(f"the stream API opened no stream: {answer}. Run again")
        return UserStream(False, f"the stream API opened no stream: {answer}")


class _Visit:
    """One opening of the stream, in a worker thread, while the calling thread waits with a deadline.

    `learn` is called with each secret that the stream sends. `probing`: the listen key, to take it out of the probe's
    answer; None if no probe is sent.
    """

    def __init__(
        self,
        line: StreamConnection,
        endpoint: Endpoint,
        learn: Callable[[str], None],
        probing: Secret | None,
        limited: threading.Event,
    ) -> None:
        self._limited = limited
        self._line = line
        self._endpoint = endpoint
        self._learn = learn
        self._probing = probing
        self._opened = threading.Event()  # set when the stream is open, or has failed to open
        self._result: Future[_Result] = Future()
        self._probe_answer: Future[str] = Future()

    def wait(self, seconds: float) -> _Result:
        """Waits for the worker thread's result; after `seconds`, the result is an error that says so."""
        watch = clock.Stopwatch()
        try:
            limit = min(seconds, OPEN_SECONDS)
            if not self._opened.wait(limit):
                return _silent(f"did not open within {limit:.0f} s")
            limit = max(min(seconds - watch.seconds, PONG_SECONDS), 0)
            try:
                return self._result.result(limit)
            except TimeoutError:
                return _silent(f"opened, but did not answer a ping within {limit:.0f} s")
        finally:
            if not self._result.done():
                self._line.cut()

    def probe_answer(self, seconds: float) -> str:
        """Waits for the answer to the probe, and returns it as a sentence. Call it after a pong."""
        try:
            return f"LIST_SUBSCRIPTIONS {self._probe_answer.result(seconds)}"
        except TimeoutError:
            return f"LIST_SUBSCRIPTIONS was not answered within {seconds:.1f} s"
        finally:
            self._line.cut()

    def cancel(self) -> None:
        """Cancels this opening of the stream: `wait` returns Cancelled."""
        self._settle(Cancelled())
        self._line.cut()

    def make(self, address: Secret) -> None:
        """Opens the stream and sets the result; runs in the worker thread."""
        try:
            self._make(address)
        except KeycheckError as error:
            self._settle(error)
        except Exception as error:  # noqa: BLE001  the text of any of them may hold the URL
            self._settle(explain(error, self._endpoint))
        finally:
            with contextlib.suppress(InvalidStateError):
                self._probe_answer.set_result("was followed by the end of the connection")
            self._line.close()

    def _settle(self, result: _Result) -> None:
        with contextlib.suppress(InvalidStateError):
            self._result.set_result(result)
        self._opened.set()

    def _make(self, address: Secret) -> None:
        # See `preload`.
        from keycheck.network.websocket import Conversation  # noqa: PLC0415

        self._line.open(OPEN_SECONDS + PONG_SECONDS)  # the waiting thread has the stricter deadline
        if self._limited.is_set():
            raise NotSent(HELD_BACK)
        talk = Conversation(self._line, address, self._learn)
        if unopened := talk.shake_hands():
            if unopened.status in (418, 429):
                self._limited.set()
            self._settle(unopened)
            return
        self._opened.set()
        heard = talk.ping()
        if heard.alive and self._probing:
            self._settle(heard)  # first, so that the probe cannot change it
            self._probe_answer.set_result(f"was answered {talk.subscriptions(self._probing)}")
        talk.leave()
        self._settle(heard)


def _silent(what: str) -> Unreachable:
    return Unreachable(
        f"the stream {what}. A firewall or proxy that lets no WebSocket through is the usual reason, and a bot that "
        "listens from this machine meets it too: try from another network",
        "timeout",
    )
