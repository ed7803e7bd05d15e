"""The evidence of a run: its requests, and all other facts that a diagnosis uses. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from keycheck.credentials.pasted_text import KeyFacts
from keycheck.errors import NotSent
from keycheck.exchange.drift import Drift
from keycheck.exchange.endpoints import LISTED, Host
from keycheck.verdict.findings import Check, Finding

_WITH_KEY = frozenset(str(one) for one in LISTED if one.signed or one.keyed)
_OF_A_KNOWN_KEY = (-1022, -2017)  # its signature is wrong; it is locked
NOT_LISTED = "not listed"  # in place of a contract's status
System = Literal["linux", "windows", "macos"]


@dataclass(frozen=True)
class Call:
    """One request of the run. `status` and `code`: None if the answer had none.

    `began_ms`: when it began, counted from the run's start; `duration_ms`: how long it took. Both are whole ms; in a
    replay they are those of the recorded run.

    `trouble`: the `kind` of the Inconclusive that was raised in place of an answer, or "". `banned_until` (ms since
    1970) and `retry_after` (seconds): when a limit ends, as its answer says. `used_weight`: the address's weight in
    this minute, as the answer's header says.

    `lead_ms`: the local clock when the answer came, minus its Date header, which is in whole seconds; None without that
    header. `shared_s`: the age in seconds of another run's answer, used in place of a request; None for a request.
    """

    method: str
    path: str
    host: Host
    weight: int
    status: int | None
    code: int | None
    message: str
    duration_ms: int
    began_ms: int = 0
    trouble: str = ""
    banned_until: int | None = None
    retry_after: int | None = None
    used_weight: int | None = None
    lead_ms: int | None = None
    shared_s: int | None = None

    @property
    def name(self) -> str:
        """Method and path: `GET /fapi/v1/ping`."""
        return f"{self.method} {self.path}"

    @property
    def sent(self) -> bool:
        """Whether the request was sent, or may have been. It was not if a limit stopped it while it was connecting."""
        return self.trouble != NotSent.kind and self.shared_s is None

    @property
    def accepted(self) -> bool:
        """Whether the answer was a readable HTTP 200."""
        return self.status == 200 and not self.trouble

    @property
    def source(self) -> str:
        """The origin of another run's answer: `shared by the lane, 12 s old`; "" for the answer to a request."""
        return "" if self.shared_s is None else f"shared by the lane, {self.shared_s} s old"

    def __str__(self) -> str:
        text = self.source or (f"HTTP {self.status}" if self.status is not None else "no answer")
        text += f", code {self.code}" if self.code is not None else ""
        return f"{self.name}: {text}" + (f" ({self.message})" if self.message else "")


def overcome(calls: Sequence[Call]) -> list[Call]:
    """The requests that failed at first, and got a usable answer when they were sent again."""
    answered = {call.name: number for number, call in enumerate(calls) if not call.trouble}
    return [call for number, call in enumerate(calls) if call.trouble and answered.get(call.name, -1) > number]


@dataclass(frozen=True)
class Evidence:
    """All facts of one run that point to a cause. A fact that the run did not learn is None.

    `checks`: all checks of suite/, run or not; `complete`: whether none is missing from suite/. `permissions`: from
    apiRestrictions; `account_info`: the wallet's account/info; `symbol_status`: of the contract under test, or
    NOT_LISTED; `began`: when the run began, in ISO 8601 (in a replay, when it was recorded); `system`: the operating
    system, for the commands in a remedy.
    """

    calls: Sequence[Call] = ()
    findings: Sequence[Finding] = ()
    checks: Sequence[Check] = ()
    complete: bool = True
    key: KeyFacts = field(default_factory=KeyFacts)
    environment: str = "production"
    recv_window: int = 5000
    permissions: Mapping[str, bool] | None = None
    account_info: Mapping[str, Any] | None = None
    can_trade: bool | None = None
    drift: Drift | None = None
    symbol: str = ""
    symbol_status: str | None = None
    began: str = ""
    system: System | None = None

    @property
    def key_is_known(self) -> bool:
        """Whether an answer shows that Binance knows the given key. If none does, the "key" may be the secret."""
        with_key = (call for call in self.calls if call.name in _WITH_KEY)
        return any((call.accepted and call.code is None) or call.code in _OF_A_KNOWN_KEY for call in with_key)
