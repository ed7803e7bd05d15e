"""What a key may do beside what a trading key should be able to do. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from keycheck.exchange.permissions import NEEDED

# Everything else a trading key can do without.
SHOULD_HAVE = (*NEEDED, "ipRestrict")
# As Binance's page words them (Edit restrictions); a name that is not here is shown as it came.
WORDED = {
    "enableReading": "Enable Reading",
    "enableFutures": "Enable Futures",
    "ipRestrict": "Trusted IPs only",
    "enableWithdrawals": "Enable Withdrawals",
    "enableInternalTransfer": "Enable Internal Transfer",
    "permitsUniversalTransfer": "Permits Universal Transfer",
    "enableSpotAndMarginTrading": "Enable Spot & Margin Trading",
    "enableMargin": "Enable Margin Loan, Repay & Transfer",
    "enableVanillaOptions": "Enable European Options",
    "enablePortfolioMarginTrading": "Enable Portfolio Margin Trading",
    "enableFixApiTrade": "Enable FIX API Trading",
    "enableFixReadOnly": "Enable FIX API Reading",
}
# Without these a key trades nothing, or loses everything; the rest is a matter of prudence.
_GRAVE = (*NEEDED, "enableWithdrawals")


@dataclass(frozen=True)
class Row:
    """A permission by Binance's name. `remark`: surplus, missing, or nothing where all is as it should be."""

    name: str
    label: str
    has: bool
    should: bool

    @property
    def remark(self) -> str:
        """What catches the eye."""
        if self.has == self.should:
            return ""
        return "surplus" if self.has else "missing"

    @property
    def cells(self) -> tuple[str, str]:
        """What stands under has and should."""
        return "yes" if self.has else "no", "yes" if self.should else "no"

    @property
    def kind(self) -> str:
        """The outcome whose colour it has."""
        if not self.remark:
            return "pass"
        return "fail" if self.name in _GRAVE else "warn"


def permission_matrix(permissions: Mapping[str, bool]) -> list[Row]:
    """A row for each permission: what is not as it should be first, then what the key needs, then the rest."""
    known = [name for name in WORDED if name in permissions]
    names = [*known, *sorted(name for name in permissions if name not in WORDED)]
    rows = [Row(name, WORDED.get(name, name), permissions[name] is True, name in SHOULD_HAVE) for name in names]
    return sorted(rows, key=lambda row: ("fail", "warn", "pass").index(row.kind))


def told(rows: list[Row]) -> str:
    """What the matrix shows, in a sentence."""
    parts = [
        f"{what}: {', '.join(row.label for row in rows if row.remark == remark)}"
        for remark, what in (("surplus", "Has and should not have"), ("missing", "Should have and has not"))
        if any(row.remark == remark for row in rows)
    ]
    return f"{'. '.join(parts)}." if parts else "Has what it should have, and nothing else."
