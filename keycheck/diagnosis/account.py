"""Causes that lie in the key's permissions or in the account behind it. Pure."""

from collections.abc import Iterator

from keycheck.diagnosis.cause import Confidence, Diagnosis
from keycheck.diagnosis.evidence_view import EvidenceView, refused
from keycheck.diagnosis.key import list_may_refuse
from keycheck.diagnosis.refusal_codes import AMBIGUOUS
from keycheck.diagnosis.remedies import EDIT, NEW_KEY
from keycheck.exchange.permissions import is_way_out

_OPEN = "log in and open Derivatives > USD-M Futures > Open Futures Account"
_OLDER = "Binance gives the futures permission only to keys that were made after that account was opened"


def futures_not_enabled(seen: EvidenceView) -> Iterator[Diagnosis]:
    """The wallet API shows that the futures permission is off, or does not show it and the futures API refuses."""
    if seen.flag("enableFutures") is False:
        refusals = [call for call in (seen.account, seen.order) if call and refused(call)]
        yield Diagnosis(
            "futures_not_enabled",
            Confidence.CERTAIN,
            "The key is good, but lacks the futures permission: Binance refuses every futures order with -2015.",
            ("enableFutures is false", *map(str, refusals)),
            f"{EDIT} > tick Enable Futures and save. If the box cannot be ticked, the key is older than the futures "
            f"account: {NEW_KEY}.",
        )
    elif _perhaps_not_enabled(seen):
        yield Diagnosis(
            "futures_not_enabled",
            Confidence.POSSIBLE,
            "The futures API refuses the key, and this run could not see whether the key may trade futures.",
            ("enableFutures is unknown", str(seen.account)),
            f"{EDIT}: see that Enable Futures is ticked.",
        )


def _perhaps_not_enabled(seen: EvidenceView) -> bool:
    wallet_objects = seen.wallet is not None and not seen.wallet.accepted
    account = seen.account
    return seen.flag("enableFutures") is None and not wallet_objects and account is not None and account.code == -2015


def futures_refuses(seen: EvidenceView) -> Iterator[Diagnosis]:
    """The wallet API accepts the key and the futures API refuses it: no account, portfolio margin, or an older key."""
    if not seen.futures_refuses_alone or seen.account is None:
        return
    refusal, permission = str(seen.account), f"enableFutures is {_quoted(seen)}"
    opened = seen.account_flag("isFutureEnabled")
    retail, permitted = seen.account_flag("isPortfolioMarginRetailEnabled"), seen.flag("enablePortfolioMarginTrading")
    if opened is not True:
        yield _not_opened(permission, refusal, certain=opened is False)
    if retail or permitted or (retail is None and opened is None):
        yield _portfolio_margin(refusal, retail=bool(retail), permitted=bool(permitted))
    if opened is not False and not retail:
        yield _older_key(permission, refusal, likely=opened is True and not permitted)


def _not_opened(permission: str, refusal: str, *, certain: bool) -> Diagnosis:
    return Diagnosis(
        "futures_account_not_opened",
        Confidence.CERTAIN if certain else Confidence.POSSIBLE,
        f"The key may trade futures, but the account behind it has no futures account. {_OLDER}, so you will also need "
        "a new key.",
        ("isFutureEnabled is false" if certain else "isFutureEnabled is unknown", permission, refusal),
        f"{_OPEN}; then {NEW_KEY}.",
    )


def _portfolio_margin(refusal: str, *, retail: bool, permitted: bool) -> Diagnosis:
    seen = ["isPortfolioMarginRetailEnabled is true"] * retail + ["enablePortfolioMarginTrading is true"] * permitted
    return Diagnosis(
        "portfolio_margin_account",
        Confidence.CERTAIN if retail else Confidence.LIKELY if permitted else Confidence.POSSIBLE,
        "The account is in portfolio margin mode, and the futures API refuses the keys of such accounts; they trade "
        "through an API of their own.",
        (*seen, refusal),
        "use a bot that is made for portfolio margin, with a key made after that mode was turned on; or trade futures "
        "from an account, or a sub-account, without it.",
    )


def _older_key(permission: str, refusal: str, *, likely: bool) -> Diagnosis:
    return Diagnosis(
        "key_older_than_futures_account",
        Confidence.LIKELY if likely else Confidence.POSSIBLE,
        "The wallet API takes the key, its permissions are right, and the futures API refuses it all the same. A key "
        "that was made before the futures account was opened behaves like this.",
        (permission, refusal),
        f"{NEW_KEY}, with Enable Futures ticked; then delete the old one.",
    )


def read_only(seen: EvidenceView) -> Iterator[Diagnosis]:
    """The futures API answers a signed read, and refuses the test order with a code that may mean "not permitted"."""
    account, order = seen.account, seen.order
    if account is None or order is None or not account.accepted or not refused(order):
        return
    if order.code in AMBIGUOUS and seen.flag("enableFutures") is not False:
        tick = f"{EDIT} > tick Enable Futures and save. If it is ticked, {NEW_KEY}"
        yield Diagnosis(
            "read_only_key",
            Confidence.POSSIBLE if list_may_refuse(order, seen) else Confidence.LIKELY,
            "This key can read everything, but its test order was refused as not permitted: the key may read, but not "
            "trade.",
            (f"enableFutures is {_quoted(seen)}", str(account), str(order)),
            f"{f'{NEW_KEY}, with Enable Futures ticked' if seen.flag('enableFutures') else tick}. The key of a "
            "sub-account gets the permission from its master account.",
        )


def _quoted(seen: EvidenceView) -> str:
    return {True: "true", False: "false", None: "unknown"}[seen.flag("enableFutures")]


def withdrawals(seen: EvidenceView) -> Iterator[Diagnosis]:
    """A permission with "withdraw" in its name is set."""
    held = [name for name in seen.evidence.permissions or {} if is_way_out(name) and seen.flag(name)]
    if held:
        yield Diagnosis(
            "withdrawals_enabled",
            Confidence.CERTAIN,
            "The key can withdraw funds. No bot needs that, and whoever finds the key has the whole account.",
            tuple(f"{name} is true" for name in held),
            f"{EDIT} > untick Enable Withdrawals and Enable Alpha Withdrawals, and save. If the key was ever shared, "
            "delete it and make a new one.",
        )
