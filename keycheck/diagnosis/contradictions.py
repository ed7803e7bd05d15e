"""Causes for a key that one answer accepts and another refuses: its type, or contradictory answers. Pure."""

from collections.abc import Iterator

from keycheck.diagnosis.cause import Confidence, Diagnosis
from keycheck.diagnosis.evidence_view import EvidenceView, described, refused
from keycheck.diagnosis.refusal_codes import ADDRESS, AMBIGUOUS, DENIALS, FORMAT, KEY_TYPE, SIGNATURE
from keycheck.diagnosis.remedies import AGAIN, MENU
from keycheck.exchange.evidence import Call

_ONE_NETWORK = (
    "take BINANCE_FUTURES_URL, BINANCE_WALLET_URL and BINANCE_PROXY out of .env, so that both APIs are asked directly "
    f"and belong to one network; then {AGAIN}. If that does not help, ask Binance support, naming the request and the "
    "code"
)
_NOT_SEEN = f". No check could see whether the key may trade futures or withdraw: look under {MENU} yourself"


def key_type_not_taken(seen: EvidenceView) -> Iterator[Diagnosis]:
    """Only the futures API refuses the key, with a code about key types, or a code that fits an Ed25519 key.

    Source: the futures pages describe HMAC and RSA keys, not Ed25519 keys, though Binance's own library signs
    with them.
    """
    if (pair := _refused_only_by_futures(seen)) and _is_about_key_type(pair[1], seen):
        kind = "Ed25519 keys" if seen.evidence.key.type == "ED25519" else "keys of this type"
        yield Diagnosis(
            "key_type_not_taken",
            Confidence.LIKELY,
            "The wallet API accepts this key and its signatures, so neither is wrong, but the futures API refuses "
            f"them: the futures API may not take {kind}.",
            described(list(pair)),
            f"make a key of another type ({MENU} > Create API > System generated), put it into .env as BINANCE_API_KEY "
            "and BINANCE_API_SECRET, and take the line BINANCE_PRIVATE_KEY_FILE=... out.",
        )


def answers_contradict(seen: EvidenceView) -> Iterator[Diagnosis]:
    """Two answers about the key contradict each other, and no known state of a key explains both."""
    wallet, account, order = seen.wallet, seen.account, seen.order
    if wallet and account and account.accepted and _is_refused(wallet, DENIALS | AMBIGUOUS):
        yield _contradiction(
            "The futures API accepts the key, but the wallet API refuses it", account, wallet, _NOT_SEEN
        )
    if (pair := _refused_only_by_futures(seen)) and not _is_about_key_type(pair[1], seen):
        yield _contradiction("The wallet API accepts the key, but the futures API refuses it", *pair)
    if account and order and account.accepted and _is_refused(order, DENIALS) and not _is_explained(order, seen):
        yield _contradiction("Reads are accepted, but the test order is refused", account, order)


def _refused_only_by_futures(seen: EvidenceView) -> tuple[Call, Call] | None:
    """The wallet API's acceptance of the key and the futures API's refusal; None if they do not contradict."""
    wallet, account = seen.wallet, seen.account
    if wallet and account and wallet.accepted and _is_refused(account, DENIALS) and not _is_explained(account, seen):
        return wallet, account
    return None


def _is_explained(refusal: Call, seen: EvidenceView) -> bool:
    """Whether the key's own flags explain a refusal: no futures permission, or an address list."""
    return seen.flag("enableFutures") is False or (refusal.code == ADDRESS and seen.flag("ipRestrict") is True)


def _is_about_key_type(refusal: Call, seen: EvidenceView) -> bool:
    """Whether the futures API may have refused the key because of its type."""
    is_ed25519 = seen.evidence.key.type == "ED25519"
    return refusal.code in KEY_TYPE or (is_ed25519 and refusal.code in (SIGNATURE, FORMAT))


def _is_refused(call: Call, codes: frozenset[int]) -> bool:
    return refused(call) and call.code in codes


def _contradiction(text: str, accepted: Call, refusal: Call, advice: str = "") -> Diagnosis:
    return Diagnosis(
        "answers_contradict",
        Confidence.LIKELY,
        f"{text} (code {refusal.code}), though both were asked with the same key, from the same machine: these answers "
        "contradict each other. The hosts may belong to two networks, something on the way may change requests, or one "
        "host may see another address of this machine.",
        described([accepted, refusal]),
        f"{_ONE_NETWORK}{advice}.",
    )
