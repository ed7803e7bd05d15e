"""The evidence of a run, indexed for the rules: the last result of each request. Pure."""

from dataclasses import dataclass
from functools import cached_property

from keycheck.diagnosis.refusal_codes import AMBIGUOUS
from keycheck.exchange.endpoints import (
    ACCOUNT_CONFIG,
    ACCOUNT_INFO,
    API_RESTRICTIONS,
    LISTEN_KEY,
    ORDER_TEST,
    SYMBOL_CONFIG,
    TRADING_STATUS,
    Endpoint,
)
from keycheck.exchange.error_codes import Kind, kind_of
from keycheck.exchange.evidence import Call, Evidence
from keycheck.verdict.findings import Check, Finding, Outcome, Severity

_NEVER_ASIDE = ("rate_limited", "orders_limited", "restricted_location")
_SETTLED = (Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.FAIL)


@dataclass(frozen=True)
class EvidenceView:
    """Looks up the evidence for the rules. If a request was sent twice, its last answer counts."""

    evidence: Evidence

    @cached_property
    def final(self) -> dict[str, Call]:
        """The last answer to each request, by its method and path."""
        return {call.name: call for call in self.evidence.calls}

    def _answer(self, endpoint: Endpoint) -> Call | None:
        call = self.final.get(str(endpoint))
        return None if call is None or call.trouble else call

    @property
    def wallet(self) -> Call | None:
        """The wallet API's answer about the key, if there is one."""
        return self._answer(API_RESTRICTIONS)

    @property
    def account(self) -> Call | None:
        """The futures API's answer about the account, if there is one."""
        return self._answer(ACCOUNT_CONFIG)

    @property
    def order(self) -> Call | None:
        """The result of the last test order, if it was answered."""
        return self._answer(ORDER_TEST)

    @property
    def listen_key(self) -> Call | None:
        """The futures API's answer to the listen-key request, which carries the key but no signature."""
        return self._answer(LISTEN_KEY)

    @property
    def answered(self) -> list[Call]:
        """The answers to signed requests, in order."""
        return [call for call in (self.wallet, self.account, self.order) if call]

    def refusals(self, *kinds: Kind) -> list[Call]:
        """The refusals of signed requests, of these kinds."""
        return [call for call in self.answered if refused(call) and kind_of(call.code) in kinds]

    def in_trouble(self, *kinds: str) -> list[Call]:
        """The requests without a usable answer because of these kinds of trouble; not those of informational checks."""
        return [call for call in self.final.values() if call.trouble in kinds and not _is_aside(call)]

    def refused_as(self, *kinds: Kind) -> list[Call]:
        """The requests refused with a code of these kinds; not those of informational checks."""
        return [
            call
            for call in self.final.values()
            if refused(call) and kind_of(call.code) in kinds and not _is_aside(call)
        ]

    @cached_property
    def failed(self) -> list[Finding]:
        """The critical claims that were observed not to hold."""
        return [found for found in self._critical if found.outcome is Outcome.FAIL]

    @cached_property
    def lacking(self) -> list[Finding]:
        """The findings that leave critical claims open: of the check itself, or of the check that blocked it."""
        by_id = {found.check.id: found for found in self.evidence.findings}
        open_ = [found for found in self._critical if found.outcome not in _SETTLED]
        roots = [by_id.get(found.blocked_by or "", found) for found in open_]
        return list({root.check.id: root for root in roots if root.outcome is not Outcome.FAIL}.values())

    @property
    def not_run(self) -> list[Check]:
        """The critical checks without a finding."""
        found = {one.check.id for one in self.evidence.findings}
        return [one for one in self.evidence.checks if one.severity is Severity.CRITICAL and one.id not in found]

    @property
    def _critical(self) -> list[Finding]:
        return [found for found in self.evidence.findings if found.check.severity is Severity.CRITICAL]

    def flag(self, name: str) -> bool | None:
        """A permission of the key; None if it was not seen."""
        return _flag((self.evidence.permissions or {}).get(name))

    def account_flag(self, name: str) -> bool | None:
        """A fact of the account; None if it was not seen."""
        return _flag((self.evidence.account_info or {}).get(name))

    @property
    def one_host_accepts(self) -> bool:
        """Whether either API accepted a signed request, which proves key, secret and address."""
        return any(call.accepted for call in (self.wallet, self.account) if call)

    @property
    def futures_refuses_alone(self) -> bool:
        """Whether the wallet API accepts the key and shows the futures box ticked, while the futures API refuses it."""
        wallet, account = self.wallet, self.account
        if wallet is None or account is None or not wallet.accepted or self.flag("enableFutures") is False:
            return False
        return refused(account) and account.code in AMBIGUOUS


def _is_aside(call: Call) -> bool:
    """Whether this request's failure has no part in the verdict."""
    # account/info is sent only for the diagnosis; the others for informational checks. But a rate limit ends the run,
    # and a restricted location fails the checks of orders.
    advice = (str(LISTEN_KEY), str(TRADING_STATUS), str(SYMBOL_CONFIG))
    return call.name == str(ACCOUNT_INFO) or (call.name in advice and call.trouble not in _NEVER_ASIDE)


def refused(call: Call) -> bool:
    """Whether Binance refused the request with an error code."""
    return not call.trouble and call.status != 200 and call.code is not None


def described(calls: list[Call]) -> tuple[str, ...]:
    """Calls as evidence: request, status, code and message."""
    return tuple(map(str, calls))


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
