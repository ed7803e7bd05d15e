"""Gathers the evidence of a session for a diagnosis. Sends nothing."""

from collections.abc import Mapping
from typing import Any

from keycheck.errors import NotBinance
from keycheck.exchange.drift import Drift
from keycheck.exchange.evidence import NOT_LISTED, Evidence
from keycheck.exchange.facts import rules_of
from keycheck.exchange.permissions import KeyPermissions
from keycheck.exchange.session import Binance


def evidence_of(session: Binance, **more: Any) -> Evidence:
    """The evidence so far. `more`: the fields of Evidence that a session does not know, such as `findings`."""
    seen = session.memo.seen
    wallet, account, info, drift = map(seen, ("wallet_answer", "account_answer", "account_info", "drift"))
    rules = seen("exchange_info")
    can_trade = account.get("canTrade") if isinstance(account, Mapping) else None
    return Evidence(
        calls=tuple(session.calls),
        key=session.key,
        recv_window=session.recv_window,
        permissions=KeyPermissions(wallet).booleans if isinstance(wallet, Mapping) else None,
        account_info=info if isinstance(info, Mapping) else None,
        can_trade=can_trade if isinstance(can_trade, bool) else None,
        drift=drift if isinstance(drift, Drift) else None,
        symbol=session.symbol,
        symbol_status=_status_of(session.symbol, rules) if isinstance(rules, Mapping) else None,
        **more,
    )


def _status_of(symbol: str, exchange_info: Mapping[str, Any]) -> str | None:
    """The contract's status in the answer; None if it cannot be read."""
    try:
        rules = rules_of(symbol, exchange_info)
    except NotBinance:
        return None
    return rules.status if rules else NOT_LISTED
