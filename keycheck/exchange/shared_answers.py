"""Shared answers: public answers that a run hands on, as text, to later runs from the same address.

They are the exchange's clock, and the rules and price of a contract, which are the same for every account. A run hands
them on if it has sent all the requests for them itself. A later run uses them in place of these requests, which saves a
third of its weight and 1.1 MB.

Theory of operation. Only good answers are shared: if a check could not pass with one of them, the next run sends all
requests itself. So a run uses a text as a whole or not at all. One function, `read`, checks the text twice, when it is
handed on and when it is used. The text must be strict JSON, at most MOST_SECONDS old, and of the same hosts and
contract; by its clock samples, the local clock must agree with the exchange's; and the contract must be open for
trading and have order limits. The session then reads it with the functions for live answers. A run still doubts the
text:

    before it uses the first answer     it sends its own ping, alone; if the Date header of the ping's answer does not
                                        agree with the shared clock, or does not prove by itself that the drift is under
                                        its limit, the run uses no shared answer
    if Binance refuses a time stamp     it measures the drift itself
    if a test order is refused for its  it requests rules and price itself, and sends the order that follows from them,
    form or by an order rule            unless that is the same order

No shared text can make a bad key look good: the claims about key and account rest on the run's own signed requests.
"""

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from keycheck import clock
from keycheck.errors import Inconclusive, Refused, Undecided
from keycheck.exchange.answers import strict
from keycheck.exchange.api_client import Answer, ApiClient
from keycheck.exchange.drift import DRIFT_LIMIT, Sample, drift_of
from keycheck.exchange.endpoints import EXCHANGE_INFO, PING, PREMIUM_INDEX, TIME, Endpoint
from keycheck.exchange.facts import FILTER_LIMITS, mark_price_of, rules_of, weight_limit
from keycheck.exchange.memo import Memo

MOST_SECONDS = 60.0
LONGEST = 2**15  # characters of a text; a contract's entry has some 1,500
_CLOCK = ("clock_sample", "drift", "now")
_MARKET = ("exchange_info", "symbol_rules", "nearest_symbols", "mark_price")
_STEP = 20.0  # ms; the wall clock was set if it has moved farther than this against the monotonic clock
_DATE_SLACK = 500.0  # ms; the exchange's servers have clocks of their own, and some write their Date a little later
R = TypeVar("R")


@dataclass(frozen=True)
class SharedAnswers:
    """The public answers of one run.

    `source`: whose they are (`Settings.source`). `at`: `clock.uptime` before the first of them, in seconds; `ahead`:
    how far the wall clock was ahead of that clock then, in ms. `samples`: of the exchange's clock, for `drift_of`.
    """

    source: tuple[str, ...]
    at: float
    ahead: float
    samples: tuple[Sample, ...]
    exchange_info: Mapping[str, Any]
    premium_index: Mapping[str, Any]

    @property
    def age(self) -> float:
        """The age of the oldest answer, in seconds."""
        return clock.uptime() - self.at

    @property
    def is_fresh(self) -> bool:
        """Whether answers and samples are at most MOST_SECONDS old, and nobody has set the wall clock since then."""
        began = 1000 * self.at + self.ahead
        are_of_then = all(-_STEP <= one.sent - began <= 1000 * MOST_SECONDS for one in self.samples)
        return 0 <= self.age <= MOST_SECONDS and abs(_wall_ahead() - self.ahead) <= _STEP and are_of_then


def read(text: str, source: tuple[str, ...], symbol: str, recv_window: int) -> SharedAnswers | None:
    """The answers in a text; None if a run with these settings would not pass its public checks with them."""
    try:
        shared = _parsed(strict(text.encode())) if len(text) <= LONGEST else None
        if shared is None or shared.source != source or not shared.is_fresh:
            return None
        drift = drift_of(shared.samples)
        rules = rules_of(symbol, shared.exchange_info)
        mark_price_of(symbol, shared.premium_index)
        has_good_clock = drift.agrees() and drift.inside_signing_window(recv_window)
        is_open = rules and rules.is_trading and rules.step_size and rules.min_notional and rules.market_rules()
        is_good = has_good_clock and is_open and weight_limit(shared.exchange_info)
    except (Inconclusive, ValueError, OverflowError, TypeError):  # the run then sends the requests itself
        return None
    return shared if is_good else None


def _parsed(found: object) -> SharedAnswers | None:
    match found:
        case {
            "source": list(source),
            "at": at,
            "ahead": ahead,
            "clock": [[_, _, _], *_] as clocks,
            "exchangeInfo": dict(info),
            "premiumIndex": dict(index),
            **more,
        } if len(clocks) == 3 and not more:
            samples = tuple(Sample(sent, took, server) for sent, took, server in clocks)
            if all(type(one.server) is int and 0 <= one.round_trip < 1000 * MOST_SECONDS for one in samples):
                return SharedAnswers(tuple(source), at, ahead, samples, info, index)
    return None


def _wall_ahead() -> float:
    return clock.now_ms() - 1000 * clock.uptime()


class Sharing:
    """A session's part in sharing: uses shared answers, doubts them, and keeps the session's own for the next run.

    `ping`, `drift`: the session's methods.
    """

    def __init__(self, client: ApiClient, memo: Memo, ping: Callable[[], object], drift: Callable[[], object]) -> None:
        self._client = client
        self._memo = memo
        self._ping = ping
        self._drift = drift
        self._settings: tuple[tuple[str, ...], str, int] | None = None  # None: this session does not share
        self._shared: SharedAnswers | None = None
        self._samples: list[Sample] = []
        self._taken: set[Endpoint] = set()
        self._doubts_so_far = 0
        self._lock = threading.Lock()
        self._own: dict[Endpoint, list[tuple[Answer, clock.Span]]] = {TIME: [], EXCHANGE_INFO: [], PREMIUM_INDEX: []}
        self._at, self._ahead = clock.uptime(), _wall_ahead()

    def join(self, text: str, source: tuple[str, ...], symbol: str, recv_window: int) -> None:
        """Turns sharing on. Call it before the session sends anything. `text`: another run's answers; "" for none."""
        self._settings = source, symbol, recv_window
        self._shared = read(text, *self._settings)
        self._samples = list(self._shared.samples) if self._shared else []

    def ask(self, endpoint: Endpoint, params: Any) -> tuple[Answer, clock.Span]:
        """The answer to a request without a signature: shared, or the session's own. Otherwise like `ApiClient.ask`."""
        if (taken := self._take(endpoint)) is not None:
            return taken
        answer = self._client.ask(endpoint, params)
        if endpoint in self._own:
            self._own[endpoint].append(answer)
        return answer

    def doubt_the_clock(self) -> None:
        """Measures the drift again if it came from shared answers. Called when Binance has refused a time stamp."""
        if self._doubts(_CLOCK, TIME):
            with suppress(Inconclusive):  # the clock's checks report it
                self._drift()

    def ordered(self, order: Callable[[], R]) -> R:
        """Sends a test order. If its answer proves nothing, and it was made from shared rules or a shared price, then
        forgets these, and sends the order that follows from the session's own. Another thread's order may have led to
        the same doubt a moment before.
        """
        before = self._doubts_so_far
        try:
            return order()
        except (Refused, Undecided):
            if not self._doubts(_MARKET, EXCHANGE_INFO, PREMIUM_INDEX) and self._doubts_so_far == before:
                raise
        return order()

    def text(self) -> str:
        """The session's own public answers for the next run; "" if it did not request all of them, or one failed."""
        answers = [(body, span) for asked in self._own.values() for body, span in asked if isinstance(body, dict)]
        if self._settings is None or [len(asked) for asked in self._own.values()] != [3, 1, 1] or len(answers) != 5:
            return ""
        if any(call.trouble for call in self._client.calls):
            return ""
        *times, (info, _), (price, _) = answers
        fields = {
            "source": self._settings[0],
            "at": self._at,
            "ahead": self._ahead,
            "clock": [[span.began, span.took, body.get("serverTime")] for body, span in times],
            "exchangeInfo": _part_of(info, self._settings[1]),
            "premiumIndex": {name: price.get(name) for name in ("symbol", "markPrice")},
        }
        text = json.dumps(fields)
        return text if read(text, *self._settings) else ""

    def _take(self, endpoint: Endpoint) -> tuple[Answer, clock.Span] | None:
        if self._shared is None or endpoint not in self._own or (endpoint is TIME and not self._samples):
            return None
        try:
            self._ping()
        except Inconclusive:
            return None  # the request itself will meet the same trouble
        shared = self._shared
        if shared is None or not (shared.is_fresh and self._agrees_with_ping(shared)):
            self._shared = None
            return None
        body: Mapping[str, Any]
        span = clock.Span(0, 0)
        if endpoint is TIME:
            sample = self._samples.pop()
            body, span = {"serverTime": sample.server}, clock.Span(sample.sent, sample.round_trip)
        else:
            body = shared.exchange_info if endpoint is EXCHANGE_INFO else shared.premium_index
        self._taken.add(endpoint)
        self._client.note_shared(endpoint, round(shared.age))
        return dict(body), span

    def _agrees_with_ping(self, shared: SharedAnswers) -> bool:
        """Whether the Date of the ping's answer agrees with the shared clock, and proves a drift under the limit."""
        call = next((call for call in self._client.calls if call.name == str(PING) and call.accepted), None)
        if call is None or call.lead_ms is None:
            return False
        lowest, highest = call.lead_ms - 1000 - call.duration_ms, call.lead_ms
        offset = drift_of(shared.samples).offset
        is_proved = max(-lowest, highest) < DRIFT_LIMIT
        return is_proved and lowest - _DATE_SLACK <= offset <= highest + _DATE_SLACK

    def _doubts(self, questions: tuple[str, ...], *endpoints: Endpoint) -> bool:
        """Stops using shared answers. If an answer of `endpoints` was used, forgets `questions`, and returns True."""
        with self._lock:
            self._shared = None
            if self._taken.isdisjoint(endpoints):
                return False
            self._taken.difference_update(endpoints)
            self._memo.forget(*questions)
            self._doubts_so_far += 1
            return True


def _part_of(info: Mapping[str, Any], symbol: str) -> dict[str, Any]:
    """The part of exchangeInfo that a run reads: the limit of request weight, and the contract's status and limits."""
    entries = [one for one in _dicts(info.get("symbols")) if one.get("symbol") == symbol]
    return {
        "rateLimits": [{"rateLimitType": "REQUEST_WEIGHT", "limit": weight_limit(info)}],
        "symbols": [
            {
                "symbol": symbol,
                "status": one.get("status"),
                "filters": list(map(_limits_of, _dicts(one.get("filters")))),
            }
            for one in entries
        ],
    }


def _limits_of(listed: Mapping[str, Any]) -> dict[str, Any]:
    return {name: listed[name] for name in ("filterType", *FILTER_LIMITS) if name in listed}


def _dicts(found: object) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
