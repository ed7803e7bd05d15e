"""Named exchanges: each a few lines that say what is wrong with the key, the account or the machine."""

from __future__ import annotations

from tests.exchange.scenario import Scenario, invented_credential
from tests.exchange.streams import StreamFault

_ALL = (
    Scenario(),
    Scenario(
        name="hedge-mode",
        description="The account holds long and short positions side by side.",
        account={"dualSidePosition": True},
    ),
    Scenario(
        name="withdrawals-enabled",
        description="The key may withdraw, far more than trading needs.",
        permissions={"enableWithdrawals": True},
    ),
    Scenario(
        name="futures-disabled",
        description="The futures permission of the key is not ticked.",
        permissions={"enableFutures": False},
    ),
    Scenario(
        name="futures-refuses",
        description="The wallet host knows the key, the futures host refuses it: it is older than the futures account.",
        futures_refuses=True,
    ),
    Scenario(
        name="portfolio-margin",
        description="The account runs in portfolio margin mode, so the futures host refuses its keys.",
        futures_refuses=True,
        account_info={"isPortfolioMarginRetailEnabled": True},
    ),
    Scenario(
        name="ip-refused",
        description="This machine's address is not on the key's list.",
        ip_allowed=False,
    ),
    Scenario(
        name="no-ip-restriction",
        description="The key works from any address.",
        permissions={"ipRestrict": False},
    ),
    Scenario(
        name="wrong-secret",
        description="The exchange knows another secret than the one configured.",
        api_secret=invented_credential("local exchange: another secret"),
    ),
    Scenario(
        name="unknown-key",
        description="The exchange has never heard of the key: deleted, or of another environment.",
        api_key=invented_credential("local exchange: another key"),
    ),
    Scenario(
        name="read-only",
        description="The key may read everything and trade nothing.",
        read_only=True,
    ),
    Scenario(
        name="clock-behind",
        description="This machine's clock is seven seconds behind the exchange's.",
        clock_offset_ms=7_000,
    ),
    Scenario(
        name="clock-ahead",
        description="This machine's clock is three seconds ahead of the exchange's.",
        clock_offset_ms=-3_000,
    ),
    Scenario(
        name="trading-barred",
        description="The account may not trade, whatever its key may do.",
        account={"canTrade": False},
    ),
    Scenario(
        name="unfunded",
        description="The futures wallet holds too little margin for an order, and a test order says so (not observed).",
        order_refusal=-2019,
    ),
    Scenario(
        name="unfunded-accepted",
        description="The futures wallet holds too little margin, and a test order is accepted all the same.",
        funded=False,
    ),
    Scenario(
        name="stream-closed",
        description="The user data stream opens, and is closed at once.",
        stream=StreamFault.closed(1008),
    ),
    Scenario(
        name="cooling-off",
        description="The owner put the account into a cooling-off period.",
        order_refusal=-4192,
    ),
)

SCENARIOS = {scenario.name: scenario for scenario in _ALL}
