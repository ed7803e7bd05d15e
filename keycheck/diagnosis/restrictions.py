"""An account that may not trade, or not now: Binance's codes in plain words. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from keycheck.diagnosis.cause import Confidence, Diagnosis
from keycheck.diagnosis.evidence_view import EvidenceView, described
from keycheck.diagnosis.refusal_codes import LOCKED
from keycheck.exchange.error_codes import Kind
from keycheck.exchange.evidence import Call

_SUPPORT = "ask Binance support, naming the code"
_REDUCE = "close or reduce positions only, until Binance lifts it; the notice in Futures > Notifications says when"


class Restriction(NamedTuple):
    """The meaning of an error code about the account, and the owner's remedy."""

    meaning: str
    fix: str


# Source: USD-M futures "Error Codes" and its changelog.
BARS = {
    # Seen on a futures order of a key that did not trade elsewhere either: binance-us/binance-us-api-docs#106.
    -1135: Restriction(
        "Binance calls the account's status invalid", f"log in, read what Binance asks for, and {_SUPPORT}"
    ),
    -2023: Restriction(
        "the account is being liquidated", "wait for its end, then transfer margin to the futures wallet"
    ),
    -4087: Restriction("the account may only reduce positions", f"{_REDUCE}, or {_SUPPORT}"),
    -4088: Restriction(
        "the account cannot place orders at present", f"log in, read the notice on the futures page, or {_SUPPORT}"
    ),
    -4109: Restriction("the futures account is inactive", "transfer any amount of any asset to the futures wallet"),
    -4189: Restriction(
        "this contract takes only orders that reduce a position", "choose another contract as BINANCE_SYMBOL"
    ),
    -4192: Restriction(
        "trading is forbidden during a cooling-off period, which the owner, or a rule, has set",
        "wait for its end: Futures > Preference > Cooling-off Period shows it",
    ),
    -4400: Restriction("the futures quantitative rules were violated: too many orders led to too few trades", _REDUCE),
    -4401: Restriction("the position is so large that only orders that reduce it are accepted", "reduce the position"),
    -4402: Restriction(
        "Binance does not offer this in the owner's region", f"complete the identity verification, or {_SUPPORT}"
    ),
}


def _taken(seen: EvidenceView) -> list[Call]:
    """The test order's call, if it was accepted: it shows that key and account can trade. Empty if it was not."""
    return [seen.order] if seen.order and seen.order.accepted else []


def keys_locked(seen: EvidenceView) -> Iterator[Diagnosis]:
    """A signed request was refused with -2017: Binance has locked the account's API keys."""
    if refusals := [call for call in seen.refusals(Kind.AUTHENTICATION) if call.code == LOCKED]:
        yield Diagnosis(
            "keys_locked",
            Confidence.POSSIBLE if _taken(seen) else Confidence.CERTAIN,
            f"Binance has locked the API keys of this account (code {LOCKED}): it accepts none of them, whatever their "
            "permissions.",
            described([*refusals, *_taken(seen)]),
            f"log in, look for a security notice, and do what it asks for; then {_SUPPORT} if the keys stay locked.",
        )


def barred(seen: EvidenceView) -> Iterator[Diagnosis]:
    """`canTrade` is false, or an order or a read was refused because of the account."""
    refusals = seen.refusals(Kind.BARRED)
    can_trade = seen.evidence.can_trade
    if not refusals and can_trade is not False:
        return
    bar = BARS.get(refusals[0].code or 0) if refusals else None
    meaning, fix = bar or (
        "Binance says that this account may not trade, but not why",
        "log in, open Derivatives > USD-M Futures, and do what it asks for there; if it asks for nothing, ask Binance "
        "support why canTrade is false",
    )
    evidence = ["canTrade is false"] * (can_trade is False) + [str(call) for call in (*refusals, *_taken(seen))]
    sure = Confidence.CERTAIN if seen.one_host_accepts else Confidence.LIKELY
    code = f" (code {refusals[0].code})" if refusals else " (canTrade)"
    yield Diagnosis(
        "trading_barred",
        Confidence.POSSIBLE if _taken(seen) and can_trade is not False else sure,
        f"{'The key is good, and the' if seen.one_host_accepts else 'The'} account behind it is kept from trading: "
        f"{meaning}{code}.",
        tuple(evidence),
        f"{fix}.",
    )


def agreement_not_signed(seen: EvidenceView) -> Iterator[Diagnosis]:
    """An order was refused because its contract is a TradFi perpetual. This suite never signs the agreement itself."""
    if refusals := seen.refusals(Kind.AGREEMENT):
        yield Diagnosis(
            "agreement_not_signed",
            Confidence.CERTAIN,
            "The contract under test is a TradFi perpetual, such as those on metals and shares. Binance takes orders "
            "on these only once the account's owner has signed an agreement; orders on other contracts need none.",
            tuple(map(str, refusals)),
            "log in, open Derivatives > USD-M Futures, choose this contract there, and sign the TradFi-Perps agreement "
            "that Binance shows; or choose another contract as BINANCE_SYMBOL.",
        )
