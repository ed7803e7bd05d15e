"""One HTTP request in a thread of its own, so that it can be cancelled in any phase.

A DNS look-up, a TLS handshake or headers that arrive byte by byte can block a caller for ever, because a socket's own
time-out starts again with every byte.
"""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any

from keycheck import clock
from keycheck.errors import Cancelled, KeycheckError, NotSent
from keycheck.exchange.answers import RawAnswer
from keycheck.network.socket_shutdown import cut

HELD_BACK = "not sent, because Binance had just answered another request with a limit. Wait a minute"
Result = RawAnswer | KeycheckError | Cancelled


class CancellableRequest(threading.Thread):
    """A request in its own thread, which calls `make` to send it and to read the answer. `make` raises nothing.

    `connecting_ms`: how long the connection took. `limited`: set once any answer of the run was a 429 or 418; then no
    further request is sent.
    """

    def __init__(self, make: Callable[[], Result], limited: threading.Event) -> None:
        super().__init__(daemon=True)
        self._limited = limited
        self.connecting_ms = 0.0
        self._make = make
        self._watch = clock.Stopwatch()
        self._result: Future[Result] = Future()
        self._connection: Any = None
        self._is_cancelled = False
        self._limit: RawAnswer | None = None

    def run(self) -> None:
        result = self._make()
        self._connection = None  # from now on, the connection may serve another request
        self._settle(result if isinstance(result, RawAnswer) else self._limit or result)

    def meets_a_limit(self, answer: RawAnswer) -> None:
        """Stops all further requests. `answer` is this request's result if its body does not arrive."""
        self._limit = answer
        self._limited.set()

    def result(self, seconds: float) -> Result | None:
        """Waits for the result. After `seconds` it severs the request, and returns None."""
        try:
            return self._result.result(seconds)
        except TimeoutError:
            return self._limit
        finally:
            if not self._result.done():  # after a Ctrl-C as well as after a time-out
                self.sever()

    def cancel(self) -> None:
        """Cancels the request from another thread: `result` returns Cancelled at once."""
        self._settle(Cancelled())
        self.sever()

    def sever(self) -> None:
        """Shuts the connection down in any phase; the thread then ends by itself."""
        self._is_cancelled = True
        cut(getattr(self._connection, "sock", None))

    def takes(self, connection: Any) -> None:
        """Takes the connection that the request will use. Raises TimeoutError if cancelled, NotSent after a limit."""
        self._connection = connection
        self._stop_if_cancelled_or_limited(connection)

    def has_connected(self, connection: Any) -> None:
        """Notes that the connection is open. Raises as `takes` does: a DNS look-up may outlast a cancellation."""
        self.connecting_ms = self._watch.stop().took
        self._stop_if_cancelled_or_limited(connection)

    def _stop_if_cancelled_or_limited(self, connection: Any) -> None:
        """The last check before the request's bytes are written."""
        if self._is_cancelled:
            connection.close()
            raise TimeoutError
        if self._limited.is_set():
            connection.close()
            raise NotSent(HELD_BACK)

    def _settle(self, result: Result) -> None:
        with contextlib.suppress(InvalidStateError):
            self._result.set_result(result)


def current() -> CancellableRequest | None:
    """The request that runs in this thread; None in any other thread."""
    thread = threading.current_thread()
    return thread if isinstance(thread, CancellableRequest) else None
