"""The fixed names of all causes, and a diagnosis: one cause with its confidence, evidence and fix. Pure."""

from dataclasses import dataclass
from enum import Enum


class Confidence(Enum):
    """How sure a diagnosis is. CERTAIN: the evidence allows no other explanation."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


@dataclass(frozen=True)
class Diagnosis:
    """One cause of a failure: how sure it is, its explanation, the evidence, and the fix."""

    cause: str
    confidence: Confidence
    explanation: str
    evidence: tuple[str, ...]
    fix: str


# Area -> name -> meaning. Equally sure causes are sorted in this order.
CAUSES = {
    "the settings": {
        "no_credentials": "no key or no secret was given",
        "malformed_key": "the key or the secret is cut, or has something around it",
        "mixed_sources": "key and secret come from two places, and do not belong together",
        "swapped_credentials": "the key was given as the secret, and the secret as the key",
    },
    "the key": {
        "wrong_secret": "the secret, or the private key, does not belong to the API key",
        "unknown_key": "Binance does not know the key: mistyped, deleted or expired",
        "ip_not_allowed": "this machine's address is not on the key's list",
        "wrong_environment": "a key of the test network used on production, or the other way round",
        "futures_not_enabled": "the key lacks the futures permission",
        "read_only_key": "the key may read, but not trade",
        "key_type_not_taken": "the futures API does not take keys of this type",
    },
    "the account": {
        "futures_account_not_opened": "the account has no futures account yet",
        "portfolio_margin_account": "a portfolio margin account, whose keys the futures API refuses",
        "key_older_than_futures_account": "the key was made before the futures account was opened",
        "keys_locked": "Binance has locked the API keys of this account",
    },
    "the clock": {
        "clock_ahead": "this machine's clock is fast",
        "clock_behind": "this machine's clock is slow",
    },
    "what it may do": {
        "withdrawals_enabled": "the key can take money out",
        "trading_barred": "Binance does not let this account trade, or not now",
        "agreement_not_signed": "the contract is a TradFi perpetual, whose agreement is not signed",
        "unknown_contract": "the exchange lists no contract of that name",
        "contract_not_tradable": "the contract under test takes no orders now",
    },
    "what stands between": {
        "restricted_location": "Binance does not serve futures where this machine's address is",
        "blocked_by_firewall": "a firewall answered in Binance's place",
        "rate_limited": "too many requests came from this address, or too many orders from this account",
        "ip_banned": "this address is banned for a time",
        "exchange_trouble": "Binance has trouble of its own",
        "network_unreachable": "Binance could not be reached from this machine",
        "tls_failure": "the connection is not private: the certificate was refused",
        "not_binance": "something that is not Binance answered",
        "answers_contradict": "one answer accepts the key, and another one denies it",
        "request_rejected": "Binance refused a request of this suite for its form, or with a code that is not known",
        # Causes in the run itself, not at the exchange.
        "claim_does_not_hold": "a critical claim was seen not to hold, and nothing else says why",
        "left_undecided": "what was observed leaves a critical claim open",
        "checks_not_run": "not all critical checks were run",
        "run_not_finished": "the run has not come to its end",
    },
}
# The diagnosis in verdict.json from a run's start until its end; it stays if the run is cut off.
RUN_NOT_FINISHED = Diagnosis(
    "run_not_finished",
    Confidence.CERTAIN,
    "This was written when the run began, and nothing was seen yet: the run is still going on, it was cut off, or its "
    "settings could not be used.",
    ("the run has not come to its end",),
    "wait for the end of the run, or see what it printed last, and run again.",
)
_ORDER = [name for causes in CAUSES.values() for name in causes]
_CONFIDENCES = list(Confidence)


def most_likely_first(found: list[Diagnosis]) -> list[Diagnosis]:
    """Sorts by confidence, then in the order of CAUSES. Of several diagnoses with one cause, it keeps the surest."""
    found = sorted(found, key=lambda one: (_CONFIDENCES.index(one.confidence), _ORDER.index(one.cause)))
    return list({one.cause: one for one in reversed(found)}.values())[::-1]
