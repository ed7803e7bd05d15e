"""The API client: stamps, signs and sends a request, retries a GET once if that may help, and stops at a limit.

Several threads may use it at once. It does not judge what an answer says about a key; the session does.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import unquote

from keycheck import clock
from keycheck.credentials.pasted_text import KeyFacts
from keycheck.credentials.signing import Params, Signer, encode, signed_query
from keycheck.errors import (
    BlockedEnRoute,
    ExchangeTrouble,
    Inconclusive,
    NotBinance,
    OutOfTime,
    RateLimited,
    RestrictedLocation,
    Undecided,
    Unreachable,
)
from keycheck.exchange import answers, rate_limit
from keycheck.exchange.answers import RawAnswer
from keycheck.exchange.drift import lead_over_date
from keycheck.exchange.endpoints import AT_ONCE, USER_STREAM, Endpoint, Host
from keycheck.exchange.error_codes import INVALID_ACCOUNT
from keycheck.exchange.evidence import Call
from keycheck.exchange.facts import Refusal
from keycheck.exchange.throttle import Throttle
from keycheck.exchange.user_stream import UserStream
from keycheck.redaction.redactor import Redactor
from keycheck.redaction.secret import Secret

# No request is sent after this time, so that a run ends within a minute even if the exchange does not answer. Waits for
# the rate limit's next minute are not counted; they have a limit of their own.
RUN_SECONDS = 45.0
# A retry after one of these would only wait for the same failure.
_NOT_RETRIED = ("timeout", "tls", "dns")
# If the run's first request ends in one of these errors, no other is sent: a ban or a portal costs one request.
_FATAL_AT_FIRST = (RateLimited, BlockedEnRoute, NotBinance, ExchangeTrouble, Unreachable)

Answer = dict[str, Any] | Refusal


class Listener(Protocol):
    """Opens the user data stream for a moment. Raises NotApplicable if that is not allowed, Inconclusive on failure."""

    def listen(self, listen_key: Secret, seconds: float) -> UserStream: ...

    def preload(self) -> None:
        """Imports the WebSocket library, which `listen` would do otherwise."""

    def cancel(self) -> None:
        """Makes `listen` raise Cancelled. Another thread calls it."""


class Transport(Protocol):
    """Sends one listed request. Raises Inconclusive if no answer came within `seconds`."""

    def send(self, endpoint: Endpoint, query: Secret, api_key: Secret | None, seconds: float) -> RawAnswer: ...


@dataclass(frozen=True)
class Identity:
    """The API key as the client uses it: its facts, the key itself, and its signer (both None without a key)."""

    key: KeyFacts
    api_key: Secret | None = None
    signer: Signer | None = None


class Requester(Protocol):
    """The part of the memo that the client calls."""

    def note_call(self, number: int) -> None:
        """Notes that request `number`, counted from 1, is about to be sent."""
        ...

    def check_cancelled(self, *, must_wait: bool) -> None:
        """Raises Cancelled if the request is no longer needed, or if it must wait for the rate limit and may not."""
        ...


@dataclass
class _Sending:
    """One attempt to send a request: its number, when it began (seconds since the run began), and its result."""

    endpoint: Endpoint
    number: int
    began: float
    watch: clock.Stopwatch
    raw: RawAnswer | None = None
    result: Answer | Inconclusive = field(default_factory=lambda: Undecided("the run was ended before an answer came"))


class ApiClient:
    """Sends one run's requests and keeps a record of each."""

    def __init__(  # noqa: PLR0913  all that a request needs; there is one caller
        self,
        transport: Transport,
        identity: Identity,
        redactor: Redactor,
        journal: clock.Journal,
        requester: Requester,
        *,
        throttle: Throttle,
        recv_window: int,
    ) -> None:
        self.first_error: Inconclusive | None = None  # of the run's first request; if set, no other is sent
        self._transport = transport
        self._identity = identity
        self._redactor = redactor
        self._journal = journal
        self._requester = requester
        self._throttle = throttle
        self._recv_window = recv_window
        self._slots = {host: threading.Semaphore(most) for host, most in AT_ONCE.items()}
        self._counting = threading.Lock()
        self._begun = 0
        self._calls: dict[int, Call] = {}
        self._stopped: Inconclusive | None = None
        self._restricted: tuple[int, RestrictedLocation] | None = (
            None  # of the first such request: its number, and the error
        )
        self._watch = clock.Stopwatch()

    @property
    def calls(self) -> list[Call]:
        """All requests that have ended, in the order in which they were sent."""
        return [self._calls[number] for number in sorted(self._calls)]

    @property
    def is_limited(self) -> bool:
        """Whether a request after the first one met a limit, so that no more are sent."""
        return self._stopped is not None and self.first_error is None

    def restricted_location(self) -> RestrictedLocation | None:
        """The first answer so far that says that Binance does not serve this machine's location."""
        if self._restricted is None:
            return None
        number, error = self._restricted
        self._requester.note_call(number)
        return error

    def note_shared(self, endpoint: Endpoint, age: int) -> None:
        """Records that this run uses another run's answer, `age` seconds old, instead of sending a request."""
        began = round(self._watch.seconds * 1000)
        self._calls[self._next_number()] = Call(
            endpoint.method, endpoint.path, endpoint.host, 0, 200, None, "", 0, began_ms=began, shared_s=age
        )

    def require_key_for(self, endpoint: Endpoint) -> None:
        """Raises Undecided if the request needs a key and there is none."""
        if self._identity.signer is None and (endpoint.signed or endpoint.keyed):
            raise Undecided(f"{endpoint} needs a key and a secret, and there are none. Fill in .env")

    def ask(self, endpoint: Endpoint, params: Params = (), offset: float = 0.0) -> tuple[Answer, clock.Span]:
        """Sends a request; returns its answer, and its span without the time to connect. Raises Inconclusive.

        `offset`: local clock minus the exchange's in ms, for the time stamp of a signed request. A GET is retried once,
        with a new stamp, after a cut connection or a 5xx. Any request is retried once after "Invalid account.", an
        error that comes and goes.
        """
        self.require_key_for(endpoint)
        is_first = not self._begun
        retries = 1
        while True:
            with self._slots[endpoint.host]:
                # Only now, after the wait for a slot: meanwhile another answer may have stopped the run, and the time
                # stamp must be new.
                seconds = self._seconds_once_due(endpoint)
                query = self._query(endpoint, params, offset)
                sending = self._begin(endpoint)
                try:
                    sending.raw = self._transport.send(endpoint, query, self._key_for(endpoint), seconds)
                    sending.result = self._read(sending.raw, endpoint)
                except Inconclusive as error:
                    sending.result = error
                finally:  # a request that Ctrl-C interrupts was sent, too
                    span = self._end(sending)
            if not isinstance(sending.result, Inconclusive):
                return sending.result, span
            if not (retries and _is_worth_a_retry(endpoint, sending.result)):
                if is_first and isinstance(sending.result, _FATAL_AT_FIRST):
                    self.first_error = self._stopped = sending.result
                raise sending.result.with_traceback(None)
            retries -= 1

    def listen(self, listener: Listener, listen_key: Secret) -> UserStream:
        """Opens the user data stream, within the rest of the run's time.

        It is not recorded as a call, unless its host answers the handshake with a limit or a restricted location, which
        count like those of any other request.
        """
        seconds = self.seconds_for(USER_STREAM)
        sending = _Sending(USER_STREAM, 0, self._watch.seconds, clock.Stopwatch())
        try:
            return listener.listen(listen_key, seconds)
        except (RateLimited, RestrictedLocation) as error:
            sending.number, sending.result = self._next_number(), error
            self._end(sending)
            raise

    def seconds_for(self, endpoint: Endpoint) -> float:
        """The seconds left of the run's time. Raises RateLimited, OutOfTime and so on if nothing may be sent."""
        if isinstance(self._stopped, RateLimited):
            raise RateLimited(f"not sent, because earlier in this run {self._stopped}")
        if self._stopped:
            raise self._stopped.with_traceback(None)
        seconds = RUN_SECONDS - (self._watch.seconds - self._throttle.seconds)
        if seconds <= 0:
            raise OutOfTime(f"{endpoint} was not sent: this run has waited {RUN_SECONDS:.0f} s already. Run again")
        return seconds

    def _seconds_once_due(self, endpoint: Endpoint) -> float:
        """Waits for the rate limit's next minute if that is due; then returns `seconds_for`."""
        seconds = self.seconds_for(endpoint)
        must_wait = endpoint.host is Host.FUTURES and self._throttle.is_due
        self._requester.check_cancelled(must_wait=must_wait)
        if not must_wait:
            return seconds
        self._throttle.wait_for_room()
        return self.seconds_for(endpoint)

    def _key_for(self, endpoint: Endpoint) -> Secret | None:
        return self._identity.api_key if endpoint.signed or endpoint.keyed else None

    def _query(self, endpoint: Endpoint, params: Params, offset: float) -> Secret:
        """The query, as a secret: anybody who has a signed query and the key's header can send that request again."""
        if self._identity.signer is None or not endpoint.signed:
            return Secret(encode(params))
        stamp = round(clock.now_ms() - offset)
        stamped = [*params, ("recvWindow", str(self._recv_window)), ("timestamp", str(stamp))]
        query = Secret(signed_query(stamped, self._identity.signer))
        signature = query.reveal().rpartition("signature=")[2]
        self._learn(dict.fromkeys((signature, unquote(signature))))
        return query

    def _read(self, raw: RawAnswer, endpoint: Endpoint) -> Answer:
        if self._key_for(endpoint):  # not in a replay: a cassette holds no secrets, and its texts are not trusted
            self._learn(answers.secrets_in(raw, endpoint))
        return answers.read(raw, endpoint, self._redactor.clean)

    def _begin(self, endpoint: Endpoint) -> _Sending:
        return _Sending(endpoint, self._next_number(), self._watch.seconds, clock.Stopwatch())

    def _next_number(self) -> int:
        with self._counting:
            self._begun += 1
            number = self._begun
        self._requester.note_call(number)
        return number

    def _end(self, sending: _Sending) -> clock.Span:
        """Records a request that has ended. Returns its span, without the time to connect."""
        span, result, raw = sending.watch.stop(), sending.result, sending.raw
        # A replay returns the times of the recorded run.
        times = self._journal.keep(
            f"call/{sending.number}", [round(sending.began * 1000), round(span.took)], vital=False
        )
        lead = lead_over_date(span.began + span.took, raw.headers) if raw else None
        call = self._calls[sending.number] = replace(_call(sending.endpoint, raw, result, times), lead_ms=lead)
        self._throttle.update(call.used_weight, span.began + span.took)
        if isinstance(result, RateLimited):
            self._stopped = result
        if isinstance(result, RestrictedLocation) and self._restricted is None:
            self._restricted = sending.number, result
        connecting = raw.connecting_ms if raw else 0.0
        return clock.Span(span.began + connecting, span.took - connecting)

    def _learn(self, secrets: Iterable[str]) -> None:
        for secret in secrets:
            self._redactor.learn(secret)


def _is_worth_a_retry(endpoint: Endpoint, error: Inconclusive) -> bool:
    """Whether a retry is allowed for this request and may succeed after this error."""
    if endpoint.method != "GET" and error.code != INVALID_ACCOUNT:
        return False
    return isinstance(error, Unreachable | ExchangeTrouble) and error.kind not in _NOT_RETRIED


def _call(endpoint: Endpoint, raw: RawAnswer | None, result: Answer | Inconclusive, times: list[float]) -> Call:
    error = result if isinstance(result, Inconclusive) else None
    refusal = result if isinstance(result, Refusal) else None
    limit = error if isinstance(error, RateLimited) else None
    return Call(
        method=endpoint.method,
        path=endpoint.path,
        host=endpoint.host,
        weight=endpoint.weight,
        status=raw.status if raw else limit.status if limit else None,
        code=error.code if error else refusal.code if refusal else None,
        message=str(error) if error else refusal.message if refusal else "",
        began_ms=round(times[0]),
        duration_ms=round(times[1]),
        trouble=error.kind if error else "",
        banned_until=limit.banned_until if limit else None,
        retry_after=limit.retry_after if limit else None,
        # The wallet host counts each path separately, against other limits.
        used_weight=rate_limit.used_weight(raw.headers) if raw and endpoint.host is Host.FUTURES else None,
    )
