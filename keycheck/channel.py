"""How a question is put: stamped, signed, sent, tried once more where that helps, and never again after a 429.

Several threads may ask at once. Knows nothing of what the answers mean to a key; `binance.py` does.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

from keycheck import answers, budget, clock
from keycheck.answers import RawAnswer
from keycheck.credentials import KeyFacts
from keycheck.endpoints import Endpoint, Host
from keycheck.errors import (
    CannotLook,
    ExchangeTrouble,
    NotBinance,
    OutOfTime,
    RateLimited,
    TurnedAway,
    Undecided,
    Unreachable,
)
from keycheck.evidence import Call
from keycheck.facts import Refusal
from keycheck.overlap.room import Room
from keycheck.redaction import Redactor
from keycheck.secrets import Secret
from keycheck.signing import Params, Signer, encode, signed_query
from keycheck.user_stream import UserStream
from keycheck.waiting import Waiting

# After this nothing more is sent, so that a run against a dead exchange ends within a minute. Waits for the exchange's
# next minute are not counted: they have a limit of their own.
RUN_SECONDS = 45.0
# Trying these again only waits once more for the same.
_NOT_AGAIN = ("timeout", "tls", "dns")

Answer = dict[str, Any] | Refusal


class Listener(Protocol):
    """Opens the account's stream for a moment. Raises NotApplicable where it may not, CannotLook where it cannot."""

    def listen(self, listen_key: Secret, seconds: float) -> UserStream: ...

    def prepare(self) -> None:
        """Gets hold of what it takes, which `listen` does too."""

    def give_up(self) -> None:
        """From another thread: whoever listens meets GivenUp."""


class Transport(Protocol):
    """Sends one listed request. Raises CannotLook where no answer came within `seconds`."""

    def send(self, endpoint: Endpoint, query: Secret, api_key: Secret | None, seconds: float) -> RawAnswer: ...


@dataclass(frozen=True)
class Identity:
    """Who asks: the facts of the key that may be told, and what signs for it (None where there is no key)."""

    key: KeyFacts
    api_key: Secret | None = None
    signer: Signer | None = None


class Asking(Protocol):
    """On whose behalf a request is sent."""

    def note_call(self, number: int) -> None:
        """It is this one, counted from 1."""
        ...

    def go_on(self, *, must_wait: bool) -> None:
        """Raises GivenUp where it is not wanted any more, or not now that it would have to wait."""
        ...


class Channel:
    """One run's requests. `offset`: local clock minus the exchange's in ms, for the stamp of a signed request."""

    def __init__(  # noqa: PLR0913  what a request takes; there is one caller
        self,
        transport: Transport,
        identity: Identity,
        redactor: Redactor,
        journal: clock.Journal,
        asking: Asking,
        *,
        waiting: Waiting,
        offset: Callable[[], float],
        recv_window: int,
    ) -> None:
        self.barred: CannotLook | None = None  # what the run's first request met in Binance's place
        self._transport = transport
        self._identity = identity
        self._redactor = redactor
        self._journal = journal
        self._asking = asking
        self._waiting = waiting
        self._offset = offset
        self._recv_window = recv_window
        self._room = Room()
        self._begun = 0
        self._calls: dict[int, Call] = {}
        self._stopped: CannotLook | None = None
        self._watch = clock.Stopwatch()

    @property
    def calls(self) -> list[Call]:
        """All requests that have ended, in the order in which they were sent."""
        return [self._calls[number] for number in sorted(self._calls)]

    @property
    def is_limited(self) -> bool:
        """Whether nothing more is sent, as an answer behind the first one told of a limit."""
        return self._stopped is not None and self.barred is None

    def ask(self, endpoint: Endpoint, params: Params = ()) -> tuple[Answer, clock.Span]:
        """One answer, and its own span once a connection stood. The run's first request tells whether there is a way:
        where it met a ban, a block, a portal, trouble, or nobody, it stays the only one.
        """
        offset = self._offset_for(endpoint)
        is_first = not self._begun
        try:
            return self._ask(endpoint, params, offset)
        except (RateLimited, TurnedAway, NotBinance, ExchangeTrouble, Unreachable) as error:
            if is_first:
                self.barred = self._stopped = error
            raise

    def _offset_for(self, endpoint: Endpoint) -> float:
        """What the stamp is corrected by; to know that may take a request of its own."""
        if self._identity.signer is None and (endpoint.signed or endpoint.keyed):
            raise Undecided(f"{endpoint} needs a key and a secret, and there are none. Fill in .env")
        return self._offset() if endpoint.signed else 0.0

    def _ask(self, endpoint: Endpoint, params: Params, offset: float) -> tuple[Answer, clock.Span]:
        """A GET is tried once more, freshly stamped, after a cut connection or a 5xx."""
        try:
            return self._attempt(endpoint, params, offset)
        except (Unreachable, ExchangeTrouble) as error:
            if endpoint.method != "GET" or error.kind in _NOT_AGAIN:
                raise
        return self._attempt(endpoint, params, offset)

    def seconds_for(self, endpoint: Endpoint) -> float:
        """What is left of the run's own time. Raises what forbids another request: RateLimited, OutOfTime and so on."""
        if isinstance(self._stopped, RateLimited):
            raise RateLimited(f"not sent, because earlier in this run {self._stopped}")
        if self._stopped:
            raise self._stopped.with_traceback(None)
        seconds = RUN_SECONDS - (self._watch.seconds - self._waiting.seconds)
        if seconds <= 0:
            raise OutOfTime(f"{endpoint} was not sent, as this run has waited {RUN_SECONDS:.0f} s already. Run again")
        return seconds

    def _attempt(self, endpoint: Endpoint, params: Params, offset: float) -> tuple[Answer, clock.Span]:
        with self._room.place(endpoint.host):
            # Only now: whatever came back meanwhile may forbid this one, and a stamp grows stale.
            seconds = self.seconds_for(endpoint)
            must_wait = endpoint.host is Host.FUTURES and self._waiting.is_due
            self._asking.go_on(must_wait=must_wait)
            if must_wait:
                self._waiting.for_room()
                seconds = self.seconds_for(endpoint)
            return self._send(endpoint, self._query(endpoint, params, offset), seconds)

    def _send(self, endpoint: Endpoint, query: Secret, seconds: float) -> tuple[Answer, clock.Span]:
        number, begins = self._begin()
        raw: RawAnswer | None = None
        result: Answer | CannotLook = Undecided("the run was ended before an answer came")
        api_key = self._identity.api_key if endpoint.signed or endpoint.keyed else None
        watch = clock.Stopwatch()
        try:
            raw = self._transport.send(endpoint, query, api_key, seconds)
            if api_key:  # a cassette's answers are no secrets, and may be anybody's words
                self._learn(answers.secrets_in(raw, endpoint))
            result = answers.read(raw, endpoint, self._redactor.clean)
        except CannotLook as error:
            result = error
        finally:  # what is cut short by Ctrl-C was sent all the same
            span = watch.stop()
            # A replay tells when and how long it was then.
            times = self._journal.keep(f"call/{number}", [round(begins * 1000), round(span.took)], vital=False)
            self._end(number, _call(endpoint, raw, result, times), result, span)
        if isinstance(result, CannotLook):
            raise result.with_traceback(None)
        connecting = raw.connecting_ms if raw else 0.0
        return result, clock.Span(span.began + connecting, span.took - connecting)

    def _begin(self) -> tuple[int, float]:
        """The number of a new request, and the seconds of the run at which it begins."""
        with self._room.alone:
            self._begun += 1
            number = self._begun
        self._asking.note_call(number)
        return number, self._watch.seconds

    def _end(self, number: int, call: Call, result: Answer | CannotLook, span: clock.Span) -> None:
        self._calls[number] = call
        self._waiting.hear(call.used_weight, span.began + span.took)
        if isinstance(result, RateLimited):
            self._stopped = result

    def _learn(self, secrets: Iterable[str]) -> None:
        for secret in secrets:
            self._redactor.learn(secret)

    def _query(self, endpoint: Endpoint, params: Params, offset: float) -> Secret:
        """What is sent, as a secret: with the header's key, a signed query is an order anybody can send again."""
        if self._identity.signer is None or not endpoint.signed:
            return Secret(encode(params))
        stamp = round(clock.now_ms() - offset)
        stamped = [*params, ("recvWindow", str(self._recv_window)), ("timestamp", str(stamp))]
        query = Secret(signed_query(stamped, self._identity.signer))
        signature = query.reveal().rpartition("signature=")[2]
        self._learn(dict.fromkeys((signature, unquote(signature))))
        return query


def _call(endpoint: Endpoint, raw: RawAnswer | None, result: Answer | CannotLook, times: list[float]) -> Call:
    error = result if isinstance(result, CannotLook) else None
    refusal = result if isinstance(result, Refusal) else None
    limit = error if isinstance(error, RateLimited) else None
    return Call(
        method=endpoint.method,
        path=endpoint.path,
        host=endpoint.host,
        weight=endpoint.weight,
        status=raw.status if raw else None,
        code=error.code if error else refusal.code if refusal else None,
        message=str(error) if error else refusal.message if refusal else "",
        began_ms=round(times[0]),
        duration_ms=round(times[1]),
        trouble=error.kind if error else "",
        banned_until=limit.banned_until if limit else None,
        retry_after=limit.retry_after if limit else None,
        # The wallet host counts each of its paths apart, and against other limits.
        used_weight=budget.used_weight(raw.headers) if raw and endpoint.host is Host.FUTURES else None,
    )
