"""The purse: how much request weight this machine's address may still spend, shared by all programs on the machine.

Binance counts the weight of all requests of an address in a minute. Each run reserves its weight here before it starts,
and settles when it has ended. Both are transactions on one SQLite file. SQLite has what the purse needs: a lock for
threads and processes, and a file that is whole after a kill at any moment. Times are those of the monotonic clock
(`clock.uptime`). The file holds numbers, the word `production` or `demo`, and digests of routes: nothing of a key,
verdict or address.

Theory of operation. Each row is a claim on the address's minute, which ends by itself:

    a reserved run     its weight, until 60 s after the last moment at which the run can send anything
    a settled run      its weight, or what it spent if that was more, and the weight of others; until 60 s after its
                       end. A run with shared answers (exchange/shared_answers.py) has its lower weight only from its
                       end on: until then, it may doubt them, and send all requests itself
    a stop             everything, until Binance's time after a 429 or 418

The weight of others, such as a bot on the same address, is the highest used weight that a run saw, minus that of the
runs which were settled by then. Others may have begun their minute at any moment, so it counts for 60 s. If several
runs saw such a weight, the highest one counts, in addition to the sum of all runs.
"""

import contextlib
import math
import sqlite3
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from keycheck import clock, process
from keycheck.exchange.endpoints import WEIGHT_LIMITS
from keycheck.exchange.rate_limit import Limits

RUN = 15  # the weight of a run's twelve requests
SHARED_RUN = 10  # the weight of the seven requests of a run that uses shared answers, and does not doubt them
MINUTE = 60.0  # seconds; any such window holds at most the share
_LONGEST_STOP = 3 * 86_400  # seconds; Binance bans an address for at most three days
_EVERYTHING = 10**9
_PATIENCE = 2.0  # seconds for which `reserve` waits for another program's transaction; one takes milliseconds
_PATIENCE_TO_SETTLE = 10.0  # longer, because a stop must not be lost
_FILE = "purse.sqlite"
_TABLE = """create table if not exists claims (
    id integer primary key, environment text, until real, seconds real, own integer, others integer, granted integer)"""


def check_share(share: float) -> None:
    """Raises ValueError if `share` is not a number from 0.01 to 1."""
    if not 0.01 <= share <= 1:
        raise ValueError("share must be a number from 0.01 to 1, such as 0.5 for half of Binance's limit")


class Empty(Exception):
    """No weight is left for a run. `seconds`: until there may be some; the text says why, and what to do."""

    def __init__(self, seconds: float, why: str) -> None:
        self.seconds = math.ceil(seconds)
        super().__init__(f"{why}. Try again in {self.seconds} s.")


class Unusable(Empty):
    """The purse's file cannot be used. The error's text says why; waiting alone may not help."""


class _Claim(NamedTuple):
    """A row of the file: its weight, the weight of others, the limit that was read, and its end by `clock.uptime`."""

    until: float
    own: int
    others: int
    granted: int | None


class Purse:
    """The weight of one address, in one environment. Threads and processes may use the same folder at once.

    `folder`: made with mode 700 if it is missing (`settings.loading.purse_folder()` is the machine's usual one).
    `share`: the part of Binance's limit that all users of the folder together may spend in any 60 s, 0.01 to 1.
    `environment`: `production` or `demo`, which are counted separately. `route`: as `exchange.hosts.route_of`. Another
    host, or a proxy, has an address of its own, and so its own count. Raises ValueError for a bad argument.

    A call takes some milliseconds; for another program's lock `reserve` waits two seconds, and `settle` ten. If the
    file cannot be used, no run gets any weight.
    """

    def __init__(self, folder: Path, share: float = 0.5, environment: str = "production", route: str = "") -> None:
        check_share(share)
        if environment not in WEIGHT_LIMITS:
            raise ValueError(f"environment must be one of {', '.join(WEIGHT_LIMITS)}")
        self._file = folder / _FILE
        self._share = share
        self._limit = WEIGHT_LIMITS[environment]
        self._count = f"{environment} {sha256(route.encode()).hexdigest()}" if route else environment
        self._whose = "this host or proxy" if route else "this machine's address"
        self._teller = "Binance, or the host in its place," if route else "Binance"

    def reserve(self, weight: int = RUN) -> int:
        """Takes the weight of a run out of the purse, before the run starts. Returns a number for `settle`.

        Raises Empty if less than `weight` is left, and its subclass Unusable if the file cannot be used.
        """
        try:
            with self._transaction(_PATIENCE) as (db, now):
                claims = self._claims(db)
                seconds = self._seconds_until(claims, now, weight)
                if not seconds:
                    return self._add(db, now, process.SECONDS + MINUTE, own=weight)
        except (sqlite3.Error, OSError) as error:
            why = getattr(error, "strerror", None) or error
            raise Unusable(
                MINUTE,
                f"{_FILE}, in which this machine counts its request weight, cannot be used ({why}): make room on its "
                "disk, remove the file, or unset XDG_RUNTIME_DIR and set XDG_STATE_HOME to a folder of this user's own",
            ) from None
        if any(claim.others == _EVERYTHING for claim in claims):
            raise Empty(seconds, f"{self._teller} has told {self._whose} to send nothing for a time")
        share = f"{100 * self._share:g} % of the request weight of {self._whose}"
        # A run that is under way may end at any moment, so its claim may end in a minute, long before its deadline.
        raise Empty(min(seconds, MINUTE), f"The {share}, which may be used in a minute, are spent")

    def spend(
        self, run: Callable[[], process.Finished], weight: int = RUN, least: int | None = None
    ) -> process.Finished:
        """Reserves `weight`, calls `run`, and settles, however it ends. Raises Empty before `run` is called.

        `least`: the weight that a run counts for after its regular end, if it has not spent more; by default `weight`.
        """
        reservation = self.reserve(weight)
        limits, own = None, None
        try:
            finished = run()
            limits, own = finished.limits, least if finished.page else None
        finally:
            self.settle(reservation, limits, own)
        return finished

    def settle(self, reservation: int, limits: Limits | None = None, own: int | None = None) -> None:
        """Records a run's end. `limits`: what the run learned about the address (`process.Finished.limits`), if known.

        `own`: the run's weight, if it has not spent more; None for the weight that it had reserved.

        A reservation that is never settled, because its program was killed, ends by itself. This raises nothing, even
        if the file cannot be written: the run has ended.
        """
        limits = limits or Limits()
        # An answer's number may have more digits than SQLite takes.
        spent, used, granted = (min(one or 0, _EVERYTHING - 1) for one in (limits.spent, limits.used, limits.granted))
        with contextlib.suppress(sqlite3.Error, OSError), self._transaction(_PATIENCE_TO_SETTLE) as (db, now):
            db.execute(
                "update claims set until = ?, seconds = ?, own = max(coalesce(?, own), ?), granted = ? where id = ?",
                (now + MINUTE, MINUTE, own, spent, granted, reservation),
            )
            settled = "select sum(own) from claims where environment = ? and seconds = ?"
            db.execute(
                f"update claims set others = max(0, ? - ({settled})) where id = ?",  # noqa: S608  our own words
                (used, self._count, MINUTE, reservation),
            )
            if limits.wait:
                self._add(db, now, min(limits.wait, _LONGEST_STOP), others=_EVERYTHING)

    def _claims(self, db: sqlite3.Connection) -> list[_Claim]:
        columns = ", ".join(_Claim._fields)
        rows = db.execute(f"select {columns} from claims where environment = ? order by until", (self._count,))  # noqa: S608  our own names
        return [_Claim(*row) for row in rows]

    def _seconds_until(self, claims: list[_Claim], now: float, weight: int) -> float:
        """Seconds until `weight` fits beside these claims; 0 if it fits now."""
        limit = min([self._limit, *(claim.granted for claim in claims if claim.granted)])
        for ended in range(len(claims) + 1):
            left = claims[ended:]
            spent = sum(claim.own for claim in left) + max((claim.others for claim in left), default=0)
            if spent + weight <= self._share * limit:
                return claims[ended - 1].until - now if ended else 0
        return MINUTE  # `weight` alone is more than the share of this low limit

    def _add(self, db: sqlite3.Connection, now: float, seconds: float, *, own: int = 0, others: int = 0) -> int:
        row = (self._count, now + seconds, seconds, own, others)
        added = db.execute("insert into claims (environment, until, seconds, own, others) values (?, ?, ?, ?, ?)", row)
        assert added.lastrowid
        return added.lastrowid

    @contextlib.contextmanager
    def _transaction(self, patience: float) -> Iterator[tuple[sqlite3.Connection, float]]:
        """Locks the file, and removes the claims that have ended. Yields the connection, and the time."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            self._file.touch(0o600, exist_ok=False)  # SQLite would make it with the umask's mode
        with contextlib.closing(sqlite3.connect(self._file, timeout=patience, isolation_level=None)) as db:
            db.execute("begin immediate")
            now = clock.uptime()
            db.execute(_TABLE)
            # A restart of the machine sets the monotonic clock back: each claim then lasts its whole time again.
            db.execute("update claims set until = ? + seconds where until > ? + seconds", (now, now))
            db.execute("delete from claims where until <= ?", (now,))
            yield db, now
            db.execute("commit")
