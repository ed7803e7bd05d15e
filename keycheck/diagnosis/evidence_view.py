"""The evidence of a run as the rules ask for it: what became of each question in the end. Pure."""

from dataclasses import dataclass
from functools import cached_property

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


@dataclass(frozen=True)
class EvidenceView:
    """Calls by what they ask; a question that was put again counts by its last answer."""

    evidence: Evidence

    @cached_property
    def final(self) -> dict[str, Call]:
        """The last answer to each question, by its method and path."""
        return {call.name: call for call in self.evidence.calls}

    def _answer(self, endpoint: Endpoint) -> Call | None:
        call = self.final.get(str(endpoint))
        return None if call is None or call.trouble else call

    @property
    def wallet(self) -> Call | None:
        """What the wallet API answered of the key, if it did."""
        return self._answer(API_RESTRICTIONS)

    @property
    def account(self) -> Call | None:
        """What the futures API answered of the account, if it did."""
        return self._answer(ACCOUNT_CONFIG)

    @property
    def order(self) -> Call | None:
        """How the last test order fared, if it was answered."""
        return self._answer(ORDER_TEST)

    @property
    def listen_key(self) -> Call | None:
        """What the futures API answered to the request for a listen key, which carries the key and no signature."""
        return self._answer(LISTEN_KEY)

    @property
    def answered(self) -> list[Call]:
        """Answers that Binance gave to signed questions, in their order."""
        return [call for call in (self.wallet, self.account, self.order) if call]

    def refusals(self, *kinds: Kind) -> list[Call]:
        """Refusals of signed questions, of these kinds."""
        return [call for call in self.answered if refused(call) and kind_of(call.code) in kinds]

    def in_trouble(self, *kinds: str) -> list[Call]:
        """Questions that never got a usable answer, for one of these kinds of trouble."""
        return [call for call in self.final.values() if call.trouble in kinds and not _is_aside(call)]

    def flag(self, name: str) -> bool | None:
        """A permission of the key; None where it was not seen."""
        return _flag((self.evidence.permissions or {}).get(name))

    def account_flag(self, name: str) -> bool | None:
        """A fact of the account; None where it was not seen."""
        return _flag((self.evidence.account_info or {}).get(name))

    @property
    def one_host_accepts(self) -> bool:
        """Whether either API took the key, which proves key, secret and address."""
        return any(call.accepted for call in (self.wallet, self.account) if call)

    @property
    def futures_refuses_alone(self) -> bool:
        """Whether the wallet API takes the key, and the futures API does not, though the permission is not missing."""
        wallet, account = self.wallet, self.account
        if wallet is None or account is None or not wallet.accepted or self.flag("enableFutures") is False:
            return False
        return refused(account) and kind_of(account.code) is Kind.AUTHENTICATION


def _is_aside(call: Call) -> bool:
    """Whether what befell a question is no cause of the verdict."""
    # account/info is asked for the diagnosis alone. The others are advice; but a limit that they met ended the run.
    advice = (str(LISTEN_KEY), str(TRADING_STATUS), str(SYMBOL_CONFIG))
    return call.name == str(ACCOUNT_INFO) or (call.name in advice and call.trouble != "rate_limited")


def refused(call: Call) -> bool:
    """Whether Binance refused it with a code."""
    return not call.trouble and call.status != 200 and call.code is not None


def told(calls: list[Call]) -> tuple[str, ...]:
    """Calls as evidence: request, status, code and message."""
    return tuple(map(str, calls))


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
