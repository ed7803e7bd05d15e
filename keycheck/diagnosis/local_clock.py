"""Causes in this machine's clock. Pure."""

import contextlib
from collections.abc import Iterator

from keycheck.diagnosis.cause import Confidence, Diagnosis
from keycheck.diagnosis.evidence_view import EvidenceView
from keycheck.diagnosis.remedies import set_the_clock
from keycheck.errors import Undecided
from keycheck.exchange.error_codes import Kind
from keycheck.exchange.evidence import Evidence


def clock(seen: EvidenceView) -> Iterator[Diagnosis]:
    """The clock is fast or slow: the measured drift shows it, or Binance refused a time stamp (-1021)."""
    drift = seen.evidence.drift
    if drift is not None and (broken := _broken_limit(seen.evidence)):
        confidence, limit = broken
        if seen.refusals(Kind.CLOCK):
            confidence = Confidence.LIKELY  # Binance refused stamps corrected by this drift, so it may be wrong
        yield Diagnosis(
            "clock_ahead" if drift.offset > 0 else "clock_behind",
            confidence,
            f"{str(drift).capitalize()}, {limit}.",
            (f"drift is {drift.ms:+d} ms, give or take {drift.uncertainty:.0f} ms",),
            f"{set_the_clock(seen.evidence.system)}. Until then have the bot correct its stamps by GET /fapi/v1/time.",
        )
        return
    for call in seen.refusals(Kind.CLOCK):
        ahead = "ahead" in call.message
        yield Diagnosis(
            "clock_ahead" if ahead else "clock_behind",
            Confidence.LIKELY if drift is None else Confidence.POSSIBLE,
            f"Binance refused a stamp as {'from the future' if ahead else 'too old'}, though stamps here are corrected "
            "by the exchange's clock: this machine's clock was set meanwhile, or the request took long to arrive.",
            (str(call), f"recvWindow is {seen.evidence.recv_window} ms"),
            f"{set_the_clock(seen.evidence.system)}. On a slow network write BINANCE_RECV_WINDOW=10000 into .env.",
        )


def _broken_limit(evidence: Evidence) -> tuple[Confidence, str] | None:
    """The limit that the drift breaks, in words, and how sure the clock is the cause; None if it breaks none."""
    drift = evidence.drift
    if drift is None:
        return None
    with contextlib.suppress(Undecided):
        if not drift.agrees():
            return (
                Confidence.CERTAIN,
                "and signed requests of a program that does not correct for it are refused (-1021)",
            )
    with contextlib.suppress(Undecided):
        if not drift.inside_signing_window(evidence.recv_window):
            # No critical check asserts this limit, but it matters if the drift is too uncertain for the first one.
            return Confidence.LIKELY, "which is more than Binance accepts in a stamp (-1021)"
    return None
