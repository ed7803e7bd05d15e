"""The model of a report: all facts of one run. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from keycheck.cassettes.label import Label
from keycheck.credentials.pasted_text import KEY, KeyFacts
from keycheck.diagnosis.cause import Diagnosis
from keycheck.exchange.drift import Drift
from keycheck.exchange.endpoints import Host
from keycheck.exchange.evidence import Call, overcome
from keycheck.exchange.facts import is_figure
from keycheck.exchange.hosts import Exchange
from keycheck.redaction.redactor import HIDDEN_IP, HIDDEN_IPV6
from keycheck.verdict.findings import Finding, Outcome
from keycheck.verdict.weighing import Verdict

if TYPE_CHECKING:
    from keycheck.verdict.comparison import Comparison

SCHEMA_VERSION = 1
Mode = Literal["live", "record", "replay"]


@dataclass(frozen=True)
class FactType:
    """The type of a fact that checks note. `words`: its description; `fits`: whether a value has this type."""

    words: str
    fits: Callable[[object], bool]


_FLAG = FactType("true or false", lambda value: isinstance(value, bool))
_MILLISECONDS = FactType("a whole number", lambda value: type(value) is int and abs(value) < 2**53)  # exact in JSON
_FIGURE = FactType("a decimal number as text", is_figure)
_MODE = FactType(
    "HEDGE or ONE_WAY", lambda value: isinstance(value, str) and str.__str__(value) in ("HEDGE", "ONE_WAY")
)

# The facts that checks may note. They are top-level fields of verdict.json and of its schema.
NOTED: Mapping[str, FactType] = {
    "pingOk": _FLAG,
    "driftOk": _FLAG,
    "driftMs": _MILLISECONDS,
    "futuresPermission": _FLAG,
    "withdrawEnabled": _FLAG,
    "withdrawSafe": _FLAG,
    "ipRestrictEnabled": _FLAG,
    "positionMode": _MODE,
    "canTrade": _FLAG,
    "stepSize": _FIGURE,
    "minNotional": _FIGURE,
    "testOrderOk": _FLAG,
}

# Reports show this beside the environment's name, so that nobody takes a demo run for one on production.
NO_REAL_FUNDS = "Binance's test network, no real funds"

# Every report of a run on such hosts shows this sentence, so that nobody takes its verdict for one on Binance.
ELSEWHERE: dict[Exchange, str] = {
    "local": "These answers came from a local exchange on this machine, not from Binance.",
    "other": "These answers came from another host, not from Binance.",
}

SENTENCES = {
    Verdict.OK: "This key is fit to trade USD-M futures from this machine.",
    Verdict.NOT_OK: "This key is not fit to trade USD-M futures from this machine.",
    Verdict.UNPROVEN: "This run could not show whether the key is fit to trade USD-M futures from this machine.",
}
# The fixes of a shared report say one of these in place of the address that Binance saw.
HIDDEN_HERE = "hidden here, shown on the terminal that ran this"
HIDDEN_FROM_ALL = "hidden here; to see it, run keycheck in a terminal on the machine that ran this"
_REPLAYED = "This is a replay: no key was tested now."
_CLOCK = "No key is fit to trade USD-M futures from this machine while its clock is wrong."
_NO_KEY = "No key was given, so none was tested."
_SECRETLESS = "The key's secret was not given, so the key was not tested."
_UNREACHED = "This machine does not reach Binance, so nothing is known about the key."
# The causes that mean "not reached" if no answer came at all.
ON_THE_WAY = ("blocked_by_firewall", "network_unreachable", "tls_failure", "not_binance")
# The sentences that replace those of SENTENCES if no cause lies in the key, by verdict and first cause.
OUTSIDE_THE_KEY: Mapping[Verdict, Mapping[str, str]] = {
    Verdict.NOT_OK: {
        "no_credentials": _NO_KEY,
        "clock_ahead": _CLOCK,
        "clock_behind": _CLOCK,
        "restricted_location": "Binance does not serve USD-M futures in the place where this machine is.",
    },
    Verdict.UNPROVEN: {
        "no_credentials": _NO_KEY,
        "unknown_contract": "The exchange does not list the contract under test, so no USD-M futures order was tested.",
        **dict.fromkeys(ON_THE_WAY, _UNREACHED),
    },
}


@dataclass(frozen=True)
class RunReport:
    """One run, with facts that only its owner may see; `masked` makes a report that may be shared.

    `started_at`: ISO 8601, UTC; `duration_ms`: whole ms; `findings`: in run order; `notes`: values by name in NOTED.

    `permissions`: flags by Binance's names (`enableFutures`). They and `drift` are None if the run did not learn them.
    `recv_window`: ms. `comparison`: with an earlier run, if the user asked for it.
    `waited_s`: seconds that the run waited for the rate limit's next minute.
    `not_run`: how many checks were not run, in words; "" if all critical ones were.
    `has_terminal`: whether a terminal shows this report to the owner; another program's run has none.
    `exchange`: whose hosts the run asked. It, `environment` and `symbol` are None if the run ended before it had read
    its settings.
    """

    verdict: Verdict
    suite_version: str
    started_at: str
    duration_ms: int = 0
    mode: Mode = "live"
    cassette: Label | None = None
    environment: str | None = None
    symbol: str | None = None
    exchange: Exchange | None = None
    key: KeyFacts = field(default_factory=KeyFacts)
    findings: Sequence[Finding] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)
    calls: Sequence[Call] = ()
    weight_limit: int | None = None
    diagnosis: Sequence[Diagnosis] = ()
    drift: Drift | None = None
    recv_window: int = 5000
    permissions: Mapping[str, bool] | None = None
    waited_s: int = 0
    comparison: "Comparison | None" = None
    not_run: str = ""
    has_terminal: bool = True

    @property
    def sentence(self) -> str:
        """The verdict in one sentence. A demo run never reads as if it were production.

        It speaks of the key only if a cause lies in the key. If checks were left out, it counts them.
        """
        sentence = self._outside_the_key or SENTENCES[self.verdict]
        if self.verdict is Verdict.UNPROVEN and self.not_run:
            sentence = f"{sentence.removesuffix('.')}: {self.not_run}."
        if self.environment == "demo":
            return sentence.replace("USD-M futures", "USD-M futures on Binance's test network")
        return sentence

    @property
    def _outside_the_key(self) -> str:
        sentences = OUTSIDE_THE_KEY.get(self.verdict, {})
        causes = [one.cause for one in self.diagnosis if one.cause != "checks_not_run"]
        if not sentences.keys() >= set(causes) or (self.notes.get("pingOk") and set(causes) & set(ON_THE_WAY)):
            return ""
        is_without_secret = causes[:1] == ["no_credentials"] and KEY not in self.key.missing
        return _SECRETLESS if is_without_secret else next((sentences[cause] for cause in causes), "")

    @property
    def elsewhere(self) -> str:
        """The warning that no key was tested now, or that the answers were not Binance's; "" if neither is the case."""
        sentence = ELSEWHERE.get(self.exchange, "") if self.exchange else ""
        if self.mode == "replay":
            of_then = sentence.replace("on this machine", "on the machine that recorded them")
            return f"{_REPLAYED} {of_then}".rstrip()
        return sentence

    def masked(self, mask: Callable[[str], str]) -> "RunReport":
        """The same report for sharing: `mask` removes from a text what only the owner may see."""
        findings = tuple(replace(finding, detail=mask(finding.detail)) for finding in self.findings)
        calls = tuple(replace(call, message=mask(call.message)) for call in self.calls)
        # The names of permissions come from Binance, so they are masked too.
        permissions = None if self.permissions is None else {mask(name): on for name, on in self.permissions.items()}
        diagnosis = tuple(_masked(found, mask, self._hidden) for found in self.diagnosis)
        return replace(self, findings=findings, calls=calls, permissions=permissions, diagnosis=diagnosis)

    @property
    def _hidden(self) -> str:
        return HIDDEN_HERE if self.has_terminal else HIDDEN_FROM_ALL

    @property
    def overcome(self) -> list[Call]:
        """The requests that failed once and were answered on the retry: no fault of the key, but worth a mention."""
        return overcome(self.calls)

    def with_outcome(self, *outcomes: Outcome) -> list[Finding]:
        """The findings with these outcomes, in run order."""
        return [finding for finding in self.findings if finding.outcome in outcomes]

    @property
    def waiting(self) -> dict[str, list[Finding]]:
        """The blocked findings, in run order, by the id of the check that blocks them."""
        by_blocker: dict[str, list[Finding]] = {}
        for finding in self.with_outcome(Outcome.BLOCKED):
            by_blocker.setdefault(finding.blocked_by or "", []).append(finding)
        return by_blocker

    def weight_spent(self, host: Host) -> int:
        """The documented request weight of all requests to `host`, retries included."""
        return sum(call.weight for call in self.calls if call.host is host and call.sent)

    @property
    def requests_sent(self) -> int:
        """How many requests left this machine, retries included."""
        return sum(call.sent for call in self.calls)


def _masked(found: Diagnosis, mask: Callable[[str], str], hidden: str) -> Diagnosis:
    """The diagnosis for sharing. `hidden`: words for the fix that say where the masked address is shown."""
    fix = mask(found.fix)
    if fix != found.fix:
        for sign in (HIDDEN_IP, HIDDEN_IPV6):
            fix = fix.replace(sign, hidden)
    return replace(found, explanation=mask(found.explanation), evidence=tuple(map(mask, found.evidence)), fix=fix)
