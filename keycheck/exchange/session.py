"""The session that all checks share. Each method returns one fact, or raises an exception that says why it cannot.

Each method runs once in a run; its result, or its exception, is kept. Signed requests carry the exchange's time (the
local clock, corrected by the offset of the first clock sample), so that a wrong clock fails only the clock's checks.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from typing import Any

from keycheck import clock
from keycheck.credentials.signing import Params
from keycheck.errors import (
    Inconclusive,
    NotApplicable,
    RateLimited,
    Refused,
    RestrictedLocation,
    Undecided,
)
from keycheck.exchange.account_setup import (
    ASSETS,
    MARGIN,
    POSITION,
    AccountSetup,
    Aspect,
    asset_mode_word,
    expected_of,
    margin_type_word,
    position_mode_word,
)
from keycheck.exchange.api_client import Answer, ApiClient, Identity, Listener, Transport
from keycheck.exchange.drift import Drift, Sample, drift_of
from keycheck.exchange.endpoints import (
    ACCOUNT_CONFIG,
    ACCOUNT_INFO,
    API_RESTRICTIONS,
    EXCHANGE_INFO,
    LISTEN_KEY,
    ORDER_TEST,
    PING,
    POSITION_SIDE,
    PREMIUM_INDEX,
    SYMBOL_CONFIG,
    TIME,
    TRADING_STATUS,
    Endpoint,
    Host,
)
from keycheck.exchange.error_codes import ORDER_REJECTED, Kind
from keycheck.exchange.evidence import Call
from keycheck.exchange.facts import (
    Account,
    OrderAnswer,
    PositionMode,
    Reachability,
    Refusal,
    SignedReads,
    SymbolRules,
    mark_price_of,
    missing,
    nearest_names,
    position_mode,
    rules_of,
    weight_limit,
)
from keycheck.exchange.memo import Dependencies, Memo, derived, memoized
from keycheck.exchange.orders import OrderRules, dust_quantity, plain, smallest_quantity
from keycheck.exchange.permissions import KeyPermissions
from keycheck.exchange.quantitative_rules import Lock, locks_of
from keycheck.exchange.rate_limit import Limits
from keycheck.exchange.shared_answers import Sharing
from keycheck.exchange.throttle import Throttle
from keycheck.exchange.user_stream import StreamKey, UserStream, listen_key
from keycheck.exchange.weight import Weight, limits_of, weight_of_others
from keycheck.redaction.redactor import Redactor

CLOCK_SAMPLES = 3
CLOSED_STREAM = "stream/closed"  # journal key: the HTTP status with which the stream's host refused this location
# Journal keys: the attributes of the RateLimited with which the stream's host ended the run. 0 stands for None.
LIMITED_STREAM = {name: f"stream/limited/{name}" for name in ("status", "code", "banned_until", "retry_after")}
FRESH_SAMPLE = CLOCK_SAMPLES + 1  # taken only if Binance has refused a time stamp


class Binance:
    """Asks the futures API and the wallet API with one key. A method raises Inconclusive if it cannot get its fact."""

    def __init__(  # noqa: PLR0913  all parts of a run; there is one caller
        self,
        transport: Transport,
        identity: Identity,
        *,
        symbol: str,
        recv_window: int,
        has_wallet: bool,
        journal: clock.Journal,
        redactor: Redactor,
        throttle: Throttle,
        listener: Listener | None,
        expected: tuple[str, ...] = (),
    ) -> None:
        self.key = identity.key
        self.symbol = symbol
        self.recv_window = recv_window
        self.has_wallet = has_wallet
        self._expected = expected_of(expected)
        self._journal = journal
        self._listener = listener  # None: BINANCE_USER_STREAM is off
        self._throttle = throttle
        self._fresh_sample: Sample | None = None
        self.memo = Memo()
        self._client = ApiClient(
            transport, identity, redactor, journal, self.memo, throttle=throttle, recv_window=recv_window
        )
        self.sharing = Sharing(self._client, self.memo, self.ping, self.drift)

    def __repr__(self) -> str:
        return f"<Binance session, {len(self.calls)} requests so far>"

    @property
    def calls(self) -> list[Call]:
        """The requests so far, in the order in which they were sent."""
        return self._client.calls

    @property
    def expects_margin_type(self) -> bool:
        """Whether BINANCE_EXPECT names a margin type, so that the session must ask for it."""
        return MARGIN in self._expected

    @property
    def waited(self) -> float:
        """Seconds that the run has waited so far for the next minute of the exchange's rate limit."""
        return self._throttle.seconds

    # -- facts; each method stands below the methods that it calls --

    @memoized(sends=PING)
    def ping(self) -> Reachability:
        """Whether the futures API answers this machine.

        It does not if Binance does not serve this machine's location. Raises Inconclusive if no answer came, or if a
        firewall, a portal or a gateway answered. Two cases need no ping: if the run's first request failed, the ping
        fails in the same way; if a later request met a rate limit, the API had answered before.
        """
        if self._client.is_limited:
            self.memo.note_call(1)
            return Reachability(True, "the futures API answered, before it set a limit")
        try:
            if self._client.first_error:
                self.memo.note_call(1)
                raise self._client.first_error.with_traceback(None)
            self._fact(PING)
        except RestrictedLocation as error:
            return Reachability(False, str(error))
        return Reachability(True, "the futures API answered")

    @memoized(sends=TIME)
    def clock_sample(self, number: int) -> Sample:
        """A sample of the exchange's clock and the local one. `number`: 1 to CLOCK_SAMPLES, or FRESH_SAMPLE."""
        answer, span = self._ask(TIME)
        began, took = self._journal.keep(f"clock/{number}", [span.began, span.took])
        server = self._unless_refused(answer).get("serverTime")
        if type(server) is not int or not 10**12 < server < 10**13:
            raise missing("serverTime", "the futures API (time)")
        sample = Sample(began, took, server)
        if number in (1, FRESH_SAMPLE):
            self._throttle.offset = sample.offset
        return sample

    @memoized(rests_on=(clock_sample,))
    def drift(self) -> Drift:
        """The local clock's drift from the exchange's, by the quickest of three samples."""
        drift = drift_of([self.clock_sample(number) for number in range(1, CLOCK_SAMPLES + 1)])
        self._throttle.offset = drift.offset
        return drift

    @memoized(rests_on=(drift,))
    def now(self) -> float:
        """The exchange's time in ms since 1970; in a replay, the time of the recording."""
        return self._journal.keep("now", [clock.now_ms() - self.drift().offset, 0], vital=False)[0]

    @memoized(sends=EXCHANGE_INFO)
    def exchange_info(self) -> Mapping[str, Any]:
        """The exchange's rules for all contracts, some 1.1 MB: the API has no parameter for a single contract."""
        info = self._fact(EXCHANGE_INFO)
        self._throttle.limit = weight_limit(info) or self._throttle.limit
        return info

    @memoized(sends=API_RESTRICTIONS)
    def wallet_answer(self) -> Answer:
        """The wallet API's answer to the signed request for the key's permissions."""
        return self._ask_for_the_key(API_RESTRICTIONS)

    @memoized(sends=ACCOUNT_CONFIG)
    def account_answer(self) -> Answer:
        """The futures API's answer to the signed request for the account's configuration."""
        return self._ask_for_the_key(ACCOUNT_CONFIG)

    @memoized(rests_on=(ping, exchange_info, account_answer))
    def weight_of_others(self) -> Weight:
        """The request weight of other programs at this IP address in this minute: the highest of all answers so far.

        With a key, it waits for a signed answer: the test network counts signed requests separately, and their counter
        was hundreds above that of unsigned requests in the same second (observed 2026-09-04).
        """
        self.ping()
        limit = weight_limit(self.exchange_info())
        with suppress(Inconclusive):
            self.account_answer()
        found = weight_of_others(self.calls, limit)
        if found is None:
            raise Undecided("the futures API does not tell how much of its request weight is used. Run again")
        return found

    @memoized(sends=LISTEN_KEY)
    def stream_key(self) -> StreamKey:
        """The listen key, which opens the user data stream for an hour. If there is one already, Binance returns it."""
        if self._listener is None:
            raise NotApplicable("BINANCE_USER_STREAM is off, so the user data stream was left alone")
        answer = self._ask(LISTEN_KEY)[0]
        if isinstance(answer, Refusal) and answer.kind.speaks_of_the_key:
            return StreamKey(None, answer)
        return StreamKey(listen_key(self._unless_refused(answer)))

    @memoized(rests_on=(wallet_answer, account_answer))
    def signed_reads(self) -> SignedReads:
        """Sends one signed request to each host. Raises Inconclusive if no answer is evidence about the key."""
        hosts = {Host.WALLET: self.wallet_answer} if self.has_wallet else {}
        found: dict[Host, Refusal | None] = {}
        failed: Inconclusive | None = None
        for host, ask in {**hosts, Host.FUTURES: self.account_answer}.items():
            try:
                answer = ask()
            except Inconclusive as error:
                failed = failed or error
                continue
            found[host] = answer if isinstance(answer, Refusal) else None
        reads = SignedReads(found)
        if reads.accepted or reads.refused:
            return reads
        raise failed or Refused(f"{reads}, which says nothing about the key. Run again")

    @memoized(rests_on=(wallet_answer,))
    def key_permissions(self) -> KeyPermissions:
        """The key's permissions, from the wallet API. Raises NotApplicable if there is no wallet API."""
        if not self.has_wallet:
            raise NotApplicable("the demo network has no wallet API, and only that API knows a key's permissions")
        return KeyPermissions(self._unless_refused(self.wallet_answer()))

    @memoized(rests_on=(account_answer,))
    def account(self) -> Account:
        """The account's configuration, or the futures API's refusal of this key or account."""
        answer = self.account_answer()
        if isinstance(answer, Refusal) and answer.kind.speaks_of_the_key:
            return Account({}, answer)
        return Account(self._unless_refused(answer))

    @memoized(sends=ACCOUNT_INFO)
    def account_info(self) -> Mapping[str, Any]:
        """The wallet API's account/info: whether the account has futures, and whether it has portfolio margin."""
        return self._fact(ACCOUNT_INFO)

    @memoized(sends=POSITION_SIDE, rests_on=(account_answer,))
    def position_mode(self) -> PositionMode:
        """The position mode: from accountConfig (weight 5), or if that lacks it, positionSide/dual (weight 30)."""
        fields = self._unless_refused(self.account_answer())
        if "dualSidePosition" in fields:
            return position_mode(fields, "the futures API (accountConfig)")
        return position_mode(self._fact(POSITION_SIDE), "the futures API (positionSide/dual)")

    @memoized(sends=SYMBOL_CONFIG)
    def margin_type(self) -> str:
        """The margin type of the contract under test: isolated or cross."""
        return margin_type_word(self._fact(SYMBOL_CONFIG, [("symbol", self.symbol)]), self.symbol)

    @memoized(rests_on=(account_answer, position_mode, margin_type))
    def account_setup(self) -> AccountSetup:
        """The account's settings that BINANCE_EXPECT names. Raises NotApplicable if it names none.

        A setting that differs is enough to know; otherwise, a setting that cannot be read raises Inconclusive.
        """
        if not self._expected:
            raise NotApplicable("BINANCE_EXPECT is empty: it may name what the bot needs of the account")
        ask_for = {
            POSITION: lambda: position_mode_word(self.position_mode()),
            ASSETS: lambda: asset_mode_word(self._unless_refused(self.account_answer())),
            MARGIN: self.margin_type,
        }
        found: dict[Aspect, str] = {}
        failed: Inconclusive | None = None
        for aspect in self._expected:
            try:
                found[aspect] = ask_for[aspect]()
            except Inconclusive as error:
                failed = failed or error
        setup = AccountSetup.of({aspect: self._expected[aspect] for aspect in found}, found)
        if failed and setup.as_expected:
            raise failed
        return setup

    @memoized(sends=TRADING_STATUS)
    def locks(self) -> tuple[Lock, ...]:
        """The locks that the futures quantitative rules put on the contract under test, or on the account."""
        return locks_of(self._fact(TRADING_STATUS, [("symbol", self.symbol)]))

    @memoized(rests_on=(exchange_info,))
    def symbol_rules(self) -> SymbolRules | None:
        """The rules of the contract under test; None if the exchange does not list it."""
        return rules_of(self.symbol, self.exchange_info())

    @memoized(rests_on=(exchange_info,))
    def nearest_symbols(self) -> tuple[str, ...]:
        """Up to three contracts with names similar to the one under test."""
        return nearest_names(self.symbol, self.exchange_info())

    @memoized(sends=PREMIUM_INDEX)
    def mark_price(self) -> Decimal:
        """The price against which Binance measures the notional of a MARKET order, in quote asset."""
        return mark_price_of(self.symbol, self._fact(PREMIUM_INDEX, [("symbol", self.symbol)]))

    # -- test orders: nothing is placed --

    @memoized(sends=ORDER_TEST, rests_on=(position_mode,))
    def _test_order(self, quantity: str) -> Answer:
        """The answer to a MARKET order that buys `quantity`, in base asset."""
        order = [
            ("symbol", self.symbol),
            ("side", "BUY"),
            ("positionSide", self.position_mode().buy_side),
            ("type", "MARKET"),
            ("quantity", quantity),
        ]
        return self._ask_for_the_key(ORDER_TEST, order)

    @memoized(rests_on=(symbol_rules, mark_price, _test_order))
    def dust_answer(self) -> OrderAnswer:
        """The answer to a test order below the smallest allowed value."""
        return self.sharing.ordered(self._ask_dust)

    def _ask_dust(self) -> OrderAnswer:
        rules, price = self._market_rules(), self.mark_price()
        quantity = dust_quantity(rules, price)
        below = Fraction(quantity) * Fraction(price) < rules.min_notional
        what = "an order below the minimum" if below else "one step, which already reaches the minimum"
        return self._order_answer(what, quantity, self._test_order(plain(quantity)))

    @memoized(rests_on=(symbol_rules, mark_price, _test_order))
    def smallest_answer(self) -> OrderAnswer:
        """The answer to the smallest valid test order."""
        return self.sharing.ordered(self._ask_smallest)

    def _ask_smallest(self) -> OrderAnswer:
        quantity = smallest_quantity(self._market_rules(), self.mark_price())
        answer = self._order_answer("the smallest valid order", quantity, self._test_order(plain(quantity)))
        if not answer.accepted and answer.was_checked:
            if answer.refusal and answer.refusal.code == ORDER_REJECTED:
                raise Refused(f"{answer}. The order broke a rule, or the contract is not on the key's own list")
            raise Refused(f"{answer}. The order that this suite built broke a rule, which says nothing about the key")
        return answer

    @derived(rests_on=(dust_answer,))
    def dust_order(self) -> OrderAnswer:
        """Like `dust_answer`; but a refusal if any answer so far says that this location is not served."""
        return self._order_from_here(self.dust_answer)

    @derived(rests_on=(smallest_answer,))
    def smallest_order(self) -> OrderAnswer:
        """Like `smallest_answer`; but a refusal if any answer so far says that this location is not served."""
        return self._order_from_here(self.smallest_answer)

    def _order_from_here(self, ask: Callable[[], OrderAnswer]) -> OrderAnswer:
        refused = self._client.restricted_location()
        try:
            if refused is None:
                return ask()
        except RestrictedLocation as error:
            refused = error
        return OrderAnswer("no test order counts", _refused_location(refused))

    # -- the user data stream --

    @memoized(rests_on=(stream_key,))
    def user_stream(self) -> UserStream:
        """Opens the user data stream, and tells whether it answers a ping.

        The stream is then closed. The listen key is not, since other programs may be using it.
        """
        given = self.stream_key()
        if self._listener is None or given.listen_key is None:
            raise Undecided(f"{given}, so no stream could be opened")
        try:
            found = self._client.listen(self._listener, given.listen_key)
        # Both decide the verdict, so a replay must know of them.
        except RestrictedLocation as error:
            self._journal.keep(CLOSED_STREAM, [error.status, 0], vital=False)
            raise
        except RateLimited as error:
            for name, key in LIMITED_STREAM.items():
                self._journal.keep(key, [getattr(error, name) or 0, 0], vital=False)
            raise
        if found.probe:
            self._journal.remember("stream/probe", lambda: [found.probe])  # a cassette keeps it for people to read
        return found

    def preload_stream(self) -> None:
        """Imports the WebSocket library, without sending anything."""
        if self._listener is not None:
            self._listener.preload()

    # -- answers so far; these methods send nothing --

    @property
    def weight_limit(self) -> int | None:
        """The limit of request weight per minute; None until this run has read exchangeInfo."""
        kept = self.memo.seen("exchange_info")
        return weight_limit(kept) if isinstance(kept, Mapping) else None

    @property
    def limits(self) -> Limits:
        """What this run has learned about its address's request weight so far."""
        return limits_of(self.calls, self.weight_limit, clock.now_ms() - self._throttle.offset)

    # -- how a request is sent --

    def _ask(self, endpoint: Endpoint, params: Params = ()) -> tuple[Answer, clock.Span]:
        """Sends a request and returns its answer. Before a signed request, it takes a clock sample for the time stamp.

        If Binance refuses the time stamp, it takes a fresh sample, once in a run, and sends the request again: the
        local clock may just have been set, or the first sample may have been inexact because its answer was slow.
        """
        if not endpoint.signed:
            return self.sharing.ask(endpoint, params)
        self._client.require_key_for(endpoint)
        sample = self._fresh_sample or self.clock_sample(1)
        answer, span = self._client.ask(endpoint, params, sample.stamp_offset)
        if not (isinstance(answer, Refusal) and answer.kind is Kind.CLOCK) or sample is self._fresh_sample:
            return answer, span
        self.sharing.doubt_the_clock()
        try:
            self._fresh_sample = self.clock_sample(FRESH_SAMPLE)
        except Inconclusive:
            return answer, span
        return self._client.ask(endpoint, params, self._fresh_sample.stamp_offset)

    def _ask_for_the_key(self, endpoint: Endpoint, params: Params = ()) -> Answer:
        """Like `_ask`, for claims about key and machine: a refused location is a Refusal, not an exception."""
        try:
            return self._ask(endpoint, params)[0]
        except RestrictedLocation as error:
            return _refused_location(error)

    def _fact(self, endpoint: Endpoint, params: Params = ()) -> dict[str, Any]:
        return self._unless_refused(self._ask(endpoint, params)[0])

    def _unless_refused(self, answer: Answer) -> dict[str, Any]:
        if isinstance(answer, Refusal):
            raise Refused(f"{answer}, so this could not be looked at")
        return answer

    def _market_rules(self) -> OrderRules:
        rules = self.symbol_rules()
        if rules is None:
            raise Undecided(f"the exchange lists no contract {self.symbol}. Set BINANCE_SYMBOL to one that it lists")
        return rules.market_rules()

    def _order_answer(self, what: str, quantity: Decimal, answer: Answer) -> OrderAnswer:
        refusal = answer if isinstance(answer, Refusal) else None
        found = OrderAnswer(f"{what} (buy {plain(quantity)} {self.symbol})", refusal)
        if not found.speaks_of_the_key:
            raise Refused(f"{found}, which says nothing about the key. Run again")
        return found


def _refused_location(error: RestrictedLocation) -> Refusal:
    return Refusal(error.status, error.code, str(error), Kind.LOCATION)


DEPENDENCIES = Dependencies(Binance, stamp="clock_sample")
