"""The questions that a live run asks ahead of its checks: in which order, and when each may be asked.

The run's first request reads the exchange's clock and is sent alone. Then all lanes start at once; each lane asks its
questions one after the other. Dependencies are read from marks: those between checks from the marks in suite/, those
between questions from `memoized` in the session. To learn whether a check will be blocked, this module runs the test
functions of the checks that it needs.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keycheck.errors import Cancelled, NotApplicable
from keycheck.exchange.session import DEPENDENCIES
from keycheck.verdict.findings import Check

if TYPE_CHECKING:
    from keycheck.exchange.memo import Question
    from keycheck.exchange.session import Binance
    from keycheck.run.host_facts import HostFacts

Claim = Callable[..., None]  # the test function of a check


@dataclass(frozen=True)
class Ask:
    """A question to ask ahead of the checks: a method of the session, and its arguments."""

    method: Callable[..., Any]
    arguments: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        return self.method.__name__

    @property
    def question(self) -> "Question":
        """The question's key in the memo."""
        return self.name, self.arguments


Lane = tuple[Ask, ...]


def lanes_of(session: "Binance") -> tuple[Lane, ...]:
    """All lanes, one per line. The questions of one column are asked at the same time, and take one round trip.

    Each column sends at most four requests to the futures host. The orders need account, rules and price; the stream
    needs a listen key. The other questions fill the gaps. Lanes start in this order, a few milliseconds apart: first
    the exchange's rules, which take longest to read, and the listen key, on which two more round trips rest.
    """
    return (
        (Ask(session.exchange_info), Ask(session.clock_sample, (2,)), Ask(session.drift)),
        (Ask(session.stream_key), Ask(session.user_stream)),
        (Ask(session.account_answer), Ask(session.dust_answer), Ask(session.smallest_answer)),
        (Ask(session.wallet_answer), Ask(session.clock_sample, (3,)), Ask(session.locks)),
        (Ask(session.mark_price), Ask(session.ping), Ask(session.margin_type)),
    )


class Plan:
    """The questions that the selected checks need, and a rule for when each may be asked.

    `claims`: the test function of each selected check, in run order.
    """

    def __init__(self, session: "Binance", host: "HostFacts", claims: Mapping[Check, Claim]) -> None:
        self._session = session
        self._host = host
        self._selected = {check.id: check for check in claims}
        self._claims = {check.id: claim for check, claim in claims.items()}
        reached = {check.id: DEPENDENCIES.reached_from(check.asks) for check in claims}
        if session.key.not_given:  # then the checks that send requests with the key may all be blocked
            reached = {check_id: questions for check_id, questions in reached.items() if not _carry_the_key(questions)}
        self._reached = reached
        self._wanted = frozenset[str]().union(*reached.values())
        self.needs_the_clock = "clock_sample" in self._wanted
        self.looks_at_the_stream = "user_stream" in self._wanted
        self.lanes: Sequence[Lane] = [
            lane for full in lanes_of(session) if (lane := tuple(ask for ask in full if self._is_wanted(ask)))
        ]

    def may_ask(self, name: str) -> bool:
        """Whether, by the answers so far, a check that needs this question will run. Blocks until that is known.

        A question that carries no key may always be asked: at worst nobody needs the answer. A blocked check sends no
        requests, with two exceptions that save a round trip each. The listen key is requested together with the signed
        reads: that request carries the key and no signature, and changes nothing in the account. The first test order
        may be sent before the ping is answered (`_is_presumed`): it places nothing.
        """
        if name == self._session.stream_key.__name__:
            return any(name in questions for questions in self._reached.values())
        if not _carry_the_key(DEPENDENCIES.reached_from([name])):
            return True
        return any(
            self._is_clear(self._selected[check_id], name)
            for check_id, questions in self._reached.items()
            if name in questions
        )

    def _is_wanted(self, ask: Ask) -> bool:
        if ask.name == "wallet_answer" and not self._session.has_wallet:
            return False
        if ask.name == "margin_type" and not self._session.expects_margin_type:
            return False
        # Arguments mean a further clock sample: a time stamp needs only the first, the drift needs all.
        return ask.name in self._wanted and (not ask.arguments or "drift" in self._wanted)

    def _is_clear(self, check: Check, question: str) -> bool:
        """Whether no check blocks this one, by the rules of `findings.blocker`."""
        needed, decisive = (
            [self._selected[one] for one in ids if one in self._selected]
            for ids in (check.needs, check.pointless_if_failed)
        )
        return all(self._holds(one, question) for one in needed) and not any(
            self._holds(one, question) is False for one in decisive
        )

    def _holds(self, check: Check, question: str) -> bool | None:
        """Would this check pass on the answers so far? None if that is unknown."""
        if self._is_presumed(check, question):
            return True
        if not self._is_clear(check, question):
            return None
        return would_pass(self._claims[check.id], self._session, self._host)

    def _is_presumed(self, check: Check, question: str) -> bool:
        """Whether to presume that this check passes, so that `question` need not wait for it.

        True if the check sends no request with the key, some of its answers are still missing, and `question` rests on
        none of these. This is only so for the check of the ping. Its request is in the second column, beside the first
        test order, because the first column has four requests to the futures host already; to wait for it would cost
        every run a round trip. The risk is small: the same host has answered the run's first request. If the ping fails
        nevertheless, one test order has been sent although its check is then blocked; no further one is sent.
        """
        leads_to = DEPENDENCIES.reached_from(check.asks)
        if _carry_the_key(leads_to):
            return False
        others = leads_to - DEPENDENCIES.reached_from([question])
        return any(DEPENDENCIES.sends[name] and self._session.memo.seen(name) is None for name in others)


def would_pass(claim: Claim, session: "Binance", host: "HostFacts") -> bool | None:
    """Runs the check's own function: True if it would pass, None if it could not look. May send requests."""
    fixtures = {"binance": session, "host": host, "observe": lambda *_, **__: None}
    try:
        claim(**{name: fixtures[name] for name in inspect.signature(claim).parameters})
    except Cancelled:
        raise
    except NotApplicable:
        return True
    except AssertionError:
        return False
    except Exception:  # noqa: BLE001  the check itself will raise this error and report it
        return None
    return True


def _carry_the_key(questions: frozenset[str]) -> bool:
    return any(sent.signed or sent.keyed for sent in DEPENDENCIES.requests_of(questions))
