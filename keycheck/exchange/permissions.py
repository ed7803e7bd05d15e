"""What a key may do: the wallet API's apiRestrictions. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from keycheck.exchange.facts import flag, missing

PERMISSION = re.compile(r"(?:enable|permits)[A-Za-z]{1,60}")
TRANSFERS = ("enableInternalTransfer", "permitsUniversalTransfer")
NEEDED = ("enableReading", "enableFutures")
_EXPECTED = (*NEEDED, "enableWithdrawals", *TRANSFERS)  # what a bot needs, and what has a check of its own
_DAY = 86_400_000  # ms
_MOST = 100  # permissions; Binance has some fifteen


@dataclass(frozen=True)
class KeyPermissions:
    """`GET /sapi/v1/account/apiRestrictions`: what the key may do. Each property raises NotBinance if it is absent."""

    flags: Mapping[str, Any] = field(repr=False)  # whatever came along; a traceback prints reprs
    _where = "the wallet API (apiRestrictions)"

    @property
    def booleans(self) -> dict[str, bool]:
        """Every permission by Binance's name, those that nobody has heard of yet among them."""
        known = (
            (name, value)
            for name, value in self.flags.items()
            if isinstance(value, bool) and (name == "ipRestrict" or PERMISSION.fullmatch(name))
        )
        return dict(islice(known, _MOST))

    @property
    def futures(self) -> bool:
        return flag(self.flags, "enableFutures", self._where)

    @property
    def withdrawals(self) -> bool:
        return flag(self.flags, "enableWithdrawals", self._where)

    @property
    def ip_restricted(self) -> bool:
        return flag(self.flags, "ipRestrict", self._where)

    @property
    def transfers(self) -> tuple[str, ...]:
        """By name, the permissions to move funds between accounts that the key holds."""
        return tuple(name for name in TRANSFERS if flag(self.flags, name, self._where))

    @property
    def spare(self) -> tuple[str, ...]:
        """By name, what the key holds beyond reading and futures, and what has no check of its own."""
        flag(self.flags, "enableReading", self._where)  # an answer without it is none
        return tuple(
            name for name, on in self.booleans.items() if on and PERMISSION.fullmatch(name) and name not in _EXPECTED
        )

    def age_days(self, now: float) -> int:
        """Whole days since the key was made; `now`: the exchange's time, ms since 1970."""
        return int((now - self._moment("createTime")) // _DAY)

    def trading_days_left(self, now: float) -> int | None:
        """Whole days until the trading permission ends, negative once it has; None where no end is given.

        `tradingAuthorityExpirationTime` was announced on 2021-07-08; newer descriptions of the answer lack it.
        """
        if self.flags.get("tradingAuthorityExpirationTime") is None:
            return None
        return int((self._moment("tradingAuthorityExpirationTime") - now) // _DAY)

    def _moment(self, name: str) -> int:
        value = self.flags.get(name)
        if type(value) is not int or not 10**12 < value < 10**13:
            raise missing(name, self._where)
        return value
