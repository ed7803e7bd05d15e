"""How a question is put: stamped, signed, sent, tried once more where that helps, and never again after a 429.

Knows nothing of what the answers mean to a key; `binance.py` does.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

from keycheck import answers, budget, clock
from keycheck.answers import RawAnswer
from keycheck.credentials import KeyFacts
from keycheck.endpoints import Endpoint, Host
from keycheck.errors import CannotLook, ExchangeTrouble, OutOfTime, RateLimited, Undecided, Unreachable
from keycheck.evidence import Call
from keycheck.facts import Refusal
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


class Transport(Protocol):
    """Sends one listed request. Raises CannotLook where no answer came within `seconds`."""

    def send(self, endpoint: Endpoint, query: Secret, api_key: Secret | None, seconds: float) -> RawAnswer: ...


@dataclass(frozen=True)
class Identity:
    """Who asks: the facts of the key that may be told, and what signs for it (None where there is no key)."""

    key: KeyFacts
    api_key: Secret | None = None
    signer: Signer | None = None


class Channel:
    """One run's requests, one after the other. `stamp`: what a signed request adds, freshly for each attempt."""

    def __init__(  # noqa: PLR0913  what a request takes; there is one caller
        self,
        transport: Transport,
        identity: Identity,
        redactor: Redactor,
        journal: clock.Journal,
        stamp: Callable[[], list[tuple[str, str]]],
        *,
        waiting: Waiting,
    ) -> None:
        self.calls: list[Call] = []
        self._transport = transport
        self._identity = identity
        self._redactor = redactor
        self._journal = journal
        self._stamp = stamp
        self._waiting = waiting
        self._stopped: RateLimited | None = None
        self._watch = clock.Stopwatch()

    def ask(self, endpoint: Endpoint, params: Params = ()) -> tuple[Answer, clock.Span]:
        """One answer and its own span. A GET is tried once more, freshly stamped, after a cut connection or a 5xx."""
        try:
            return self._attempt(endpoint, params)
        except (Unreachable, ExchangeTrouble) as error:
            if endpoint.method != "GET" or error.kind in _NOT_AGAIN:
                raise
        return self._attempt(endpoint, params)

    def seconds_for(self, endpoint: Endpoint) -> float:
        """What is left of the run's own time. Raises RateLimited or OutOfTime where nothing more may be sent."""
        if self._stopped:
            raise RateLimited(f"not sent, because earlier in this run {self._stopped}")
        seconds = RUN_SECONDS - (self._watch.seconds - self._waiting.seconds)
        if seconds <= 0:
            raise OutOfTime(f"{endpoint} was not sent, as this run has waited {RUN_SECONDS:.0f} s already. Run again")
        return seconds

    def _attempt(self, endpoint: Endpoint, params: Params) -> tuple[Answer, clock.Span]:
        query = self._query(endpoint, params)
        seconds = self.seconds_for(endpoint)
        if endpoint.host is Host.FUTURES and self._waiting.for_room():
            query = self._query(endpoint, params)  # the wait has made its stamp stale
        begins = self._watch.seconds
        raw: RawAnswer | None = None
        result: Answer | CannotLook
        api_key = self._identity.api_key if endpoint.signed or endpoint.keyed else None
        watch = clock.Stopwatch()
        try:
            raw = self._transport.send(endpoint, query, api_key, seconds)
            if api_key:  # a cassette's answers are no secrets, and may be anybody's words
                self._learn(answers.secrets_in(raw, endpoint))
            result = answers.read(raw, endpoint, self._redactor.clean)
        except CannotLook as error:
            result = error
        span = watch.stop()
        # A replay tells when and how long it was then.
        times = self._journal.keep(f"call/{len(self.calls) + 1}", [round(begins * 1000), round(span.took)], vital=False)
        self.calls.append(_call(endpoint, raw, result, times))
        self._waiting.hear(self.calls[-1].used_weight, span.began + span.took)
        if isinstance(result, RateLimited):
            self._stopped = result
        if isinstance(result, CannotLook):
            raise result.with_traceback(None)
        return result, span

    def _learn(self, secrets: Iterable[str]) -> None:
        for secret in secrets:
            self._redactor.learn(secret)

    def _query(self, endpoint: Endpoint, params: Params) -> Secret:
        """What is sent, as a secret: with the header's key, a signed query is an order anybody can send again."""
        if self._identity.signer is None and (endpoint.signed or endpoint.keyed):
            raise Undecided(f"{endpoint} needs a key and a secret, and there are none. Fill in .env")
        if self._identity.signer is None or not endpoint.signed:
            return Secret(encode(params))
        query = Secret(signed_query([*params, *self._stamp()], self._identity.signer))
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
