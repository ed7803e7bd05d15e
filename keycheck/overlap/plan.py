"""Which questions a live run asks ahead of its checks, in which order, and what each waits for. Pure.

The run's first look at the exchange's clock goes alone: it tells whether there is a way, and gives the stamps. Behind
it, each lane asks one question after the other, all lanes at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from keycheck.errors import CannotLook, NotApplicable
from keycheck.facts import Reachability
from keycheck.findings import Check

if TYPE_CHECKING:
    from keycheck.binance import Binance
    from keycheck.overlap.memory import Question

# In each column at most three of the futures API's, as many as may be in flight to it; what nothing waits for fills the
# gaps. Orders hang on account, rules and price, the stream on a listen key, and that on account and permissions.
LANES: tuple[tuple["Question", ...], ...] = (
    (("account_answer", ()), ("dust_order", ()), ("smallest_order", ())),
    (("wallet_answer", ()), ("stream_key", ()), ("clock_sample", (3,)), ("locks", ())),
    (("exchange_info", ()), ("user_stream", ())),
    (("mark_price", ()), ("ping", ()), ("clock_sample", (2,)), ("drift", ())),
)
# These carry no key, and wait for no check.
PUBLIC = frozenset({"exchange_info", "mark_price", "ping", "clock_sample", "drift"})
_KEYED = frozenset(name for lane in LANES for name, _ in lane) - PUBLIC

# What a question rests on: the questions that send its requests.
_SIGNED = ("clock_sample",)
_ORDER = ("account_answer", "exchange_info", "mark_price", *_SIGNED)
RESTS_ON: Mapping[str, tuple[str, ...]] = {
    "weight_at_start": ("ping", "exchange_info"),
    "symbol_rules": ("exchange_info",),
    "nearest_symbols": ("exchange_info",),
    "drift": ("clock_sample",),
    "now": ("drift",),
    "wallet_answer": _SIGNED,
    "account_answer": _SIGNED,
    "signed_reads": ("wallet_answer", "account_answer"),
    "key_permissions": ("wallet_answer",),
    "account": ("account_answer",),
    "account_info": _SIGNED,
    "position_mode": ("account_answer",),
    "locks": _SIGNED,
    "user_stream": ("stream_key",),
    "dust_order": _ORDER,
    "smallest_order": _ORDER,
}


def _rules_trade(session: "Binance") -> bool:
    rules = session.symbol_rules()
    return rules is not None and rules.is_trading


def _nothing_speaks_against_the_api(session: "Binance") -> bool:
    """The run's first request was answered; the ping may still be on its way.

    Should it fail behind an answered first request, something was sent in vain. To wait for it would cost each run a
    round trip.
    """
    ping = session.seen("ping")
    return ping is None or (isinstance(ping, Reachability) and ping.answered)


# Whether what a check claims was seen to hold, for those that others wait for. A test holds it against the checks: were
# one of these wrong, a request would be sent in vain, or late, and no verdict would change.
HOLDS: Mapping[str, Callable[["Binance"], bool]] = {
    "credentials_are_present": lambda session: not session.key.not_given,
    "futures_api_answers": _nothing_speaks_against_the_api,
    "signed_requests_are_accepted": lambda session: session.signed_reads().accepted,
    "futures_trading_is_enabled": lambda session: session.key_permissions().futures,
    "account_may_trade": lambda session: session.account().can_trade is True,
    "position_mode_is_known": lambda session: bool(session.position_mode()),
    "symbol_is_trading": _rules_trade,
    "order_gate_checks_orders": lambda session: session.dust_order().was_weighed,
    "user_stream_can_be_opened": lambda session: session.stream_key().listen_key is not None,
}


def reached_from(questions: Iterable[str]) -> set[str]:
    """These, and all that they rest on."""
    reached: set[str] = set()
    waiting = list(questions)
    while waiting:
        question = waiting.pop()
        if question not in reached:
            reached.add(question)
            waiting += RESTS_ON.get(question, ())
    return reached


class Plan:
    """What the selected checks will ask, as far as that can be said before they do."""

    def __init__(self, session: "Binance", checks: Sequence[Check]) -> None:
        self._session = session
        self._selected = {check.id: check for check in checks}
        reached = {check.id: reached_from(check.asks) for check in checks}
        if session.key.not_given:  # then nothing is sent for a check that leads to what carries the key
            reached = {one: questions for one, questions in reached.items() if not questions & _KEYED}
        self._reached = reached
        self._wanted = set().union(*reached.values())
        self.needs_the_clock = "clock_sample" in self._wanted
        self.looks_at_the_stream = "user_stream" in self._wanted
        self.lanes = [lane for full in LANES if (lane := [question for question in full if self._is_wanted(*question)])]

    def _is_wanted(self, name: str, arguments: tuple[int, ...]) -> bool:
        if name == "wallet_answer" and not self._session.has_wallet:
            return False
        # A stamp takes the first look at the clock alone.
        return name in self._wanted and (not arguments or "drift" in self._wanted)

    def may_ask(self, name: str) -> bool:
        """Whether a check that leads to this question is certain to be run, as all that it waits for holds."""
        if name in PUBLIC:
            return True
        return any(self._is_clear(self._selected[one]) for one, reached in self._reached.items() if name in reached)

    def _is_clear(self, check: Check) -> bool:
        """As `findings.blocker` has it, of checks that have not been run yet."""
        needed, decisive = (
            [one for one in of if one in self._selected] for of in (check.needs, check.pointless_if_failed)
        )
        return all(self._holds(one) for one in needed) and not any(self._holds(one) is False for one in decisive)

    def _holds(self, check_id: str) -> bool | None:
        """None where it cannot be told."""
        if check_id not in HOLDS or not self._is_clear(self._selected[check_id]):
            return None
        try:
            return HOLDS[check_id](self._session)
        except NotApplicable:
            return True
        except CannotLook:
            return None
