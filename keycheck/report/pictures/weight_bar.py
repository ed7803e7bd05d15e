"""A picture of the used request weight against the limit of a minute. Pure."""

from collections.abc import Sequence

from keycheck.exchange.endpoints import Host
from keycheck.exchange.evidence import Call
from keycheck.report.pictures.shapes import Bar, Picture, Words, percent

_NEAR_THE_LIMIT = 80  # per cent
_MIN_WIDTH = 0.6  # per cent; a thinner bar is not visible


def weight_bar(calls: Sequence[Call], limit: int | None) -> Picture | None:
    """Draws Binance's highest count for this address, or else this run's own weight. None if no limit is known."""
    if not limit:
        return None
    used = counted(calls)
    shown = spent(calls) if used is None else used
    filled = percent(shown, limit)
    tone = "fail" if filled >= 100 else "warn" if filled >= _NEAR_THE_LIMIT else "pass"
    bars = (Bar("track", 0, 100, 22, 12), Bar("filled", 0, max(filled, _MIN_WIDTH) if shown else 0, 22, 12))
    words = (
        Words(f"{shown} used", 0, 14, "start", "value"),
        Words(f"limit {limit} a minute", 100, 14, "end"),
        Words(f"{filled:.2g} %" if filled < 100 else "100 %", 0, 50),
    )
    return Picture(description(calls, limit), tone, 56, bars, (), words)


def description(calls: Sequence[Call], limit: int | None) -> str:
    """The bar in sentences, for screen readers. The page also shows them in place of the bar if no limit is known."""
    used = counted(calls)
    texts = [f"This run spent {spent(calls)} of the futures API's request weight"]
    texts[0] += f", of {limit} that an address has per minute." if limit else ". The limit is not known."
    if used is not None:
        texts.append(f"Binance counted {used} for this address, other programs' requests included.")
    return " ".join(texts)


def spent(calls: Sequence[Call]) -> int:
    """The documented weight of this run's requests to the futures API."""
    return sum(call.weight for call in calls if call.host is Host.FUTURES and call.sent)


def counted(calls: Sequence[Call]) -> int | None:
    """The highest used weight in the futures API's answers; the last may be lower, if a new minute has begun."""
    reported = [call.used_weight for call in calls if call.host is Host.FUTURES and call.used_weight is not None]
    return max(reported, default=None)
