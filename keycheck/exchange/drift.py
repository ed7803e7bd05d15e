"""Time samples -> drift with its uncertainty. Pure; all times in milliseconds.

The exchange's clock is `GET /fapi/v1/time`, never `exchangeInfo.serverTime`: that is the time of a cache, hours old.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from keycheck.errors import Undecided

DRIFT_LIMIT = 2000  # ms; this suite's limit for the drift of a machine's clock
SLACK = 20  # ms by which correct samples may contradict each other: stamps are whole ms, and clocks are slewed
AHEAD_LIMIT = 1000  # ms; Binance refuses a stamp this far ahead of its own clock ("Timing security")


@dataclass(frozen=True)
class Sample:
    """One sample of the exchange's clock: local time when sent, round trip, and the stamp in the answer."""

    sent: float
    round_trip: float
    server: int

    @property
    def offset(self) -> float:
        """Local clock minus exchange clock, as if the stamp were from the middle of the round trip."""
        return self.sent + self.round_trip / 2 - self.server

    @property
    def stamp_offset(self) -> float:
        """The offset to subtract from the local time for the time stamps of signed requests.

        It is `offset`, which may be wrong by half a round trip. If the round trip was long, such an error could put a
        stamp too far ahead. Then it is the largest possible offset: with it, a stamp is never ahead of the exchange's
        clock, and at most one round trip late.
        """
        return self.offset if self.round_trip < AHEAD_LIMIT else self.sent + self.round_trip - self.server


@dataclass(frozen=True)
class Drift:
    """How far the local clock is ahead of the exchange's (+) or behind it (-), give or take `uncertainty`."""

    offset: float
    uncertainty: float

    @property
    def ms(self) -> int:
        """The drift in whole milliseconds, positive if the local clock is ahead."""
        return round(self.offset)

    def __str__(self) -> str:
        way = "ahead of" if self.ms > 0 else "behind"
        shown = f"{abs(self.ms)} ms {way}" if self.ms else "level with"
        return f"the local clock is {shown} the exchange's, give or take {self.uncertainty:.0f} ms"

    def agrees(self, limit: float = DRIFT_LIMIT) -> bool:
        """Whether |drift| is certainly under `limit` (True) or certainly not (False). Raises Undecided in between."""
        size = abs(self.offset)
        if size + self.uncertainty < limit:
            return True
        if size - self.uncertainty >= limit:
            return False
        raise self._undecided(f"on which side of {limit:.0f} ms the drift lies")

    def inside_signing_window(self, recv_window: int) -> bool:
        """Whether Binance certainly accepts a stamp of this clock (True) or certainly refuses it (False).

        Binance's rule: `timestamp < serverTime + 1000 and serverTime - timestamp <= recvWindow`.
        Raises Undecided in between.
        """
        earliest, latest = self.offset - self.uncertainty, self.offset + self.uncertainty
        if latest < AHEAD_LIMIT and -earliest <= recv_window:
            return True
        if earliest >= AHEAD_LIMIT or -latest > recv_window:
            return False
        raise self._undecided("whether Binance accepts a stamp of this clock")

    def _undecided(self, what: str) -> Undecided:
        return Undecided(f"{self}: that leaves open {what}. Run again on a quieter network")


def lead_over_date(received: float, headers: Mapping[str, str]) -> int | None:
    """The local time of an answer minus its Date header (in whole seconds), in ms; None without a usable header."""
    try:
        return round(received - 1000 * parsedate_to_datetime(headers["date"]).timestamp())
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def drift_of(samples: Sequence[Sample]) -> Drift:
    """The drift: the offset of the sample with the shortest round trip, uncertain by half that round trip.

    Raises Undecided if no offset lies within half a round trip of every sample's offset. Such samples contradict each
    other: a stamp came from a cache, or a clock was set meanwhile. The quickest answer is no help then, because it is
    the likeliest to come from the cache.
    """
    lowest = max(sample.offset - sample.round_trip / 2 for sample in samples)
    highest = min(sample.offset + sample.round_trip / 2 for sample in samples)
    if lowest - highest > SLACK:
        raise Undecided(
            f"the exchange's clock was read {len(samples)} times and contradicts itself by {lowest - highest:.0f} ms: "
            "something on the way answers in its place, or a clock was just set. Run again"
        )
    best = min(samples, key=lambda sample: sample.round_trip)
    return Drift(best.offset, best.round_trip / 2)
