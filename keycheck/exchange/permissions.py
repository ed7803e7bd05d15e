"""The key's permissions: the wallet API's apiRestrictions. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from keycheck.exchange.facts import flag, missing

PERMISSION = re.compile(r"(?:enable|permits)[A-Za-z]{1,60}")
TRANSFERS = ("enableInternalTransfer", "permitsUniversalTransfer")
NEEDED = ("enableReading", "enableFutures")
READS = ("enableFixReadOnly",)  # neither needed nor superfluous: it allows nothing that enableReading does not
OTHER_WAY_OUT = "withdrawalUnderAnOddName"  # stands for a permission to withdraw whose name is not safe to show
_EXPECTED = (*NEEDED, *READS, *TRANSFERS)  # a bot needs these, or another check is about them
_WORD = re.compile(r"[A-Za-z0-9_]{1,66}")
_DAY = 86_400_000  # ms
_MOST = 100  # permissions; Binance has some fifteen


def is_way_out(name: str) -> bool:
    """Whether a permission of this name lets funds leave the account: it contains "withdraw", in any letter case.

    Besides Enable Withdrawals, the menu of 2026 has Enable Alpha Withdrawals, whose API name is not documented.
    """
    return "withdraw" in name.lower()


def shown_name(name: str) -> str | None:
    """The name to show for a permission, usually Binance's own; None if this is not the name of a permission."""
    if PERMISSION.fullmatch(name):
        return name
    if not is_way_out(name):
        return None
    return name if _WORD.fullmatch(name) else OTHER_WAY_OUT


def permissions_in(body: Mapping[str, Any]) -> dict[str, bool]:
    """The permissions in a JSON object, by the names to show for them.

    In the objects inside it, which Binance does not document, only permissions to withdraw count.
    """
    found: dict[str, bool] = {}
    for one in _objects_and_texts_in(body)[0]:
        for name, value in one.items():
            counts = one is body or (value is True and is_way_out(name))
            if counts and isinstance(value, bool) and (shown := shown_name(name)):
                found[shown] = value or found.get(shown, False)  # several names may be shown alike
    return found


def unreadable_ways_out(body: Mapping[str, Any]) -> list[str]:
    """The permissions to withdraw in a JSON object, and inside it, that are neither true nor false.

    They have the names to show for them. A text that speaks of withdrawals, as in `"permissions": ["WITHDRAW"]`, is
    such a permission without a name.
    """
    objects, texts = _objects_and_texts_in(body)
    values = [pair for one in objects for pair in one.items() if is_way_out(pair[0])]
    unreadable = [name for name, value in values if not isinstance(value, bool)]
    spoken = [OTHER_WAY_OUT] if not unreadable and any(map(is_way_out, texts)) else []
    return [shown for name in unreadable if (shown := shown_name(name))] + spoken


def _objects_and_texts_in(body: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The JSON object and each one inside it, and all texts that are values."""
    objects, texts, waiting = [], [], [body]
    while waiting:
        one: Any = waiting.pop()
        if isinstance(one, Mapping):
            objects.append(one)
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str):
            texts.append(one)
    return objects, texts


@dataclass(frozen=True)
class KeyPermissions:
    """The key's permissions, from `GET /sapi/v1/account/apiRestrictions`.

    Each property raises NotBinance if the answer lacks its field, unless the other fields settle it.
    """

    flags: Mapping[str, Any] = field(repr=False)  # may hold anything; a traceback prints reprs
    _where = "the wallet API (apiRestrictions)"

    @property
    def booleans(self) -> dict[str, bool]:
        """All permissions by Binance's names, including names that this suite does not know, and ipRestrict."""
        known = permissions_in(self.flags)
        ways_out = (name for name, on in known.items() if on and is_way_out(name))
        listed = self.flags.get("ipRestrict")
        found = ({"ipRestrict": listed} if isinstance(listed, bool) else {}) | dict(islice(known.items(), _MOST))
        return found | dict.fromkeys(islice(ways_out, _MOST), True)

    @property
    def futures(self) -> bool:
        return flag(self.flags, "enableFutures", self._where)

    @property
    def withdrawals(self) -> tuple[str, ...]:
        """The names of the permissions to withdraw that the key has, including names that this suite does not know."""
        held = tuple(name for name, on in self.booleans.items() if on and is_way_out(name))
        for name in () if held else unreadable_ways_out(self.flags):
            raise missing(name, self._where)
        return held or (("enableWithdrawals",) if flag(self.flags, "enableWithdrawals", self._where) else ())

    @property
    def ip_restricted(self) -> bool:
        return flag(self.flags, "ipRestrict", self._where)

    @property
    def transfers(self) -> tuple[str, ...]:
        """The names of the key's permissions to move funds between accounts."""
        held = tuple(name for name in TRANSFERS if self.flags.get(name) is True)
        return held or tuple(name for name in TRANSFERS if flag(self.flags, name, self._where))

    @property
    def spare(self) -> tuple[str, ...]:
        """The names of the key's permissions beyond reading and futures that have no check of their own."""
        held = tuple(
            name
            for name, on in self.booleans.items()
            if on and name not in (*_EXPECTED, "ipRestrict") and not is_way_out(name)
        )
        if not held:
            flag(self.flags, "enableReading", self._where)  # an answer without it does not show that there is none
        return held

    def age_days(self, now: float) -> int:
        """Whole days since the key was made; `now`: the exchange's time, ms since 1970."""
        return int((now - self._moment("createTime")) // _DAY)

    def trading_days_left(self, now: float) -> int | None:
        """Whole days until the permission for Spot & Margin ends, negative afterwards; None without a known end.

        `tradingAuthorityExpirationTime` was announced on 2021-07-08, only for Spot & Margin; newer documentation of
        the answer lacks it. For keys without an address list, 30 days were announced; two real keys had some 90.
        """
        if self.flags.get("tradingAuthorityExpirationTime") is None:
            return None
        return int((self._moment("tradingAuthorityExpirationTime") - now) // _DAY)

    def trading_ends(self, now: float) -> str:
        """The end of the trading permission in words."""
        left = self.trading_days_left(now)
        if left is None:
            return "has no known end"
        whole = left if left >= 0 else -left - 1  # whole days, rounded down on both sides of now
        days = f"{whole} day{'' if whole == 1 else 's'}"
        if left < 0:
            return f"ended {days} ago" if whole else "ended within the last day"
        return f"ends in {days}" if whole else "ends within a day"

    def _moment(self, name: str) -> int:
        value = self.flags.get(name)
        if type(value) is not int or not 10**12 < value < 10**13:
            raise missing(name, self._where)
        return value
