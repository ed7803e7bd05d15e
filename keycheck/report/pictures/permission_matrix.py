"""The key's permissions beside those that a trading key should have. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from keycheck.exchange.permissions import NEEDED, READS, is_way_out

# A trading key needs no other permission.
SHOULD_HAVE = (*NEEDED, "ipRestrict")
# The names on Binance's page (Edit restrictions, October 2026); other permissions keep the API's names.
WORDED = {
    "enableReading": "Enable Reading",
    "enableFutures": "Enable Futures",
    "ipRestrict": "Trusted IPs only",
    "enableWithdrawals": "Enable Withdrawals",
    "enableInternalTransfer": "Enable Internal Transfer",
    "permitsUniversalTransfer": "Permits Universal Transfer",
    "enableSpotAndMarginTrading": "Enable Spot & Margin & Stock Trading",
    "enableMargin": "Enable Margin Loan, Repay & Transfer",
    "enableVanillaOptions": "Enable European Options",
    "enablePortfolioMarginTrading": "Enable Portfolio Margin Trading",
    "enableFixApiTrade": "Enable FIX API Trading",
    "enableFixReadOnly": "Enable FIX API Reading",
}
# Boxes on that page whose names in the API are not documented, by words that these names probably contain.
_GUESSED = {
    ("alpha", "withdraw"): "Enable Alpha Withdrawals",
    ("prediction",): "Enable Prediction Trading",
    ("symbol", "whitelist"): "Enable Symbol Whitelist",
}


@dataclass(frozen=True)
class Row:
    """A permission by Binance's name. `remark`: surplus, missing, or "" if it is as it should be."""

    name: str
    label: str
    has: bool
    should: bool

    @property
    def remark(self) -> str:
        """The remark beside a wrong permission."""
        if self.has == self.should:
            return ""
        return "surplus" if self.has else "missing"

    @property
    def cells(self) -> tuple[str, str]:
        """The words in the columns has and should."""
        return "yes" if self.has else "no", "yes" if self.should else "no"

    @property
    def kind(self) -> str:
        """The outcome whose colour the row has."""
        if not self.remark:
            return "pass"
        # Without a needed permission a key cannot trade; with one to withdraw, its owner may lose everything.
        return "fail" if self.name in NEEDED or is_way_out(self.name) else "warn"


def permission_matrix(permissions: Mapping[str, bool]) -> list[Row]:
    """A row for each permission: first the wrong ones, then those that the key needs, then the rest."""
    known = [name for name in WORDED if name in permissions]
    names = [*known, *sorted(name for name in permissions if name not in WORDED)]
    rows = [_row(name, has=permissions[name] is True) for name in names]
    return sorted(rows, key=lambda row: ("fail", "warn", "pass").index(row.kind))


def _row(name: str, *, has: bool) -> Row:
    """One row. A permission of READS is right in both cases, set and not set."""
    return Row(name, _label(name), has, has if name in READS else name in SHOULD_HAVE)


def _label(name: str) -> str:
    held = name.lower()
    guessed = (label for words, label in _GUESSED.items() if all(word in held for word in words))
    return WORDED.get(name) or next(guessed, name)


def description(rows: list[Row]) -> str:
    """The matrix in a sentence, for screen readers."""
    parts = [
        f"{what}: {', '.join(row.label for row in rows if row.remark == remark)}"
        for remark, what in (("surplus", "Has but should not have"), ("missing", "Should have but does not have"))
        if any(row.remark == remark for row in rows)
    ]
    return f"{'. '.join(parts)}." if parts else "Has what it should have, and nothing else."
