"""Causes between this machine and the account: limits, bans, locations, firewalls, trouble at Binance. Pure."""

from collections.abc import Iterator
from datetime import datetime

from keycheck.diagnosis.cause import Confidence, Diagnosis
from keycheck.diagnosis.evidence_view import EvidenceView, described
from keycheck.diagnosis.remedies import AGAIN, NOT_THE_KEY
from keycheck.exchange.answers import utc
from keycheck.exchange.error_codes import INVALID_ACCOUNT, Kind, kind_of
from keycheck.exchange.evidence import Call


def location_or_firewall(seen: EvidenceView) -> Iterator[Diagnosis]:
    """Binance does not serve this location (451, or a 403 that says so), or a firewall answered (403, 202)."""
    if barred := seen.in_trouble("restricted_location"):
        yield Diagnosis(
            "restricted_location",
            Confidence.CERTAIN,
            "Binance does not serve the place in which this machine's public address lies"
            f"{_status_of(barred[0])}. {NOT_THE_KEY}",
            described(barred),
            "run the bot, and this suite, from a country where Binance serves futures. Cloud machines usually "
            "count as being in the country of their data centre, and hosted CI as in the United States.",
        )
    if blocked := seen.in_trouble("turned_away"):
        yield Diagnosis(
            "blocked_by_firewall",
            Confidence.LIKELY,
            f"A firewall answered in Binance's place{_status_of(blocked[0])}: Binance's own, after too many requests "
            f"from this address, or one of this network. {NOT_THE_KEY}",
            described(blocked),
            f"stop every program that calls Binance from this address, wait ten minutes, {AGAIN}. If that does not "
            "help, use another network, without VPN or proxy.",
        )


def limits(seen: EvidenceView) -> Iterator[Diagnosis]:
    """A rate limit or a ban: HTTP 429, 418 and the codes of both."""
    # A limit stops the run, so one call is enough.
    for call in seen.in_trouble("rate_limited", "orders_limited")[:1]:
        until = _until(call, seen.evidence.began)
        if call.trouble == "orders_limited":
            yield _too_many_orders(call, until)
        else:
            yield _too_many_requests(call, until)


def _too_many_orders(call: Call, until: str) -> Diagnosis:
    return Diagnosis(
        "rate_limited",
        Confidence.CERTAIN,
        f"Binance has counted too many orders from this account in this minute{until}. Orders from all machines "
        f"count together. {NOT_THE_KEY}",
        described([call]),
        f"stop every program that trades with this account, on all machines, {_wait_for(call)}, then {AGAIN}.",
    )


def _too_many_requests(call: Call, until: str) -> Diagnosis:
    banned = call.status == 418 or call.banned_until is not None
    return Diagnosis(
        "ip_banned" if banned else "rate_limited",
        Confidence.CERTAIN if kind_of(call.code) is Kind.RATE else Confidence.LIKELY,
        (
            f"Binance has banned this machine's public address{until}."
            if banned
            else f"Binance has counted too many requests from this address in this minute{until}."
        )
        + f" All programs at this address count together. {NOT_THE_KEY}",
        described([call]),
        f"stop every program that calls Binance from this address, {_wait_for(call, banned=banned)}, then {AGAIN}. "
        "Bots that poll should use streams instead.",
    )


def trouble(seen: EvidenceView) -> Iterator[Diagnosis]:
    """Trouble at Binance: 5xx, 408, a notice of maintenance, and the codes that mean "try again"."""
    if calls := seen.in_trouble("exchange_trouble"):
        coded = any(kind_of(call.code) is Kind.TROUBLE and call.code != INVALID_ACCOUNT for call in calls)
        invalid = any(call.code == INVALID_ACCOUNT for call in calls)
        gone = invalid and seen.evidence.environment == "demo"
        yield Diagnosis(
            "exchange_trouble",
            Confidence.CERTAIN if coded else Confidence.LIKELY,
            f"Binance, or a gateway in front of it, has trouble of its own. {NOT_THE_KEY}"
            + (f" If it answers code {INVALID_ACCOUNT} for hours, the demo account may be gone." if gone else ""),
            described(calls),
            f"wait some minutes, {AGAIN}. If that does not help, "
            + (
                "log in at demo.binance.com, see that there is a futures account, and make a new key there."
                if gone
                else "look at Binance's announcements of maintenance."
            ),
        )


def _status_of(call: Call) -> str:
    return f" (HTTP {call.status})" if call.status else ""


def _wait_for(call: Call, *, banned: bool = False) -> str:
    if call.banned_until is not None:
        return "wait until then"
    if call.retry_after:
        return f"wait {call.retry_after} s"
    return "wait ten minutes, and longer each time it comes again" if banned else "wait a minute"


def _until(call: Call, began: str) -> str:
    """When a limit ends: in UTC, and in minutes from the start of the run."""
    if call.banned_until is not None:
        minutes = _minutes_between(began, call.banned_until)
        after = f", {minutes} minute{'s' * (minutes != 1)} after this run began" if minutes else ""
        return f" until {utc(call.banned_until)}{after}"
    if call.retry_after is not None:
        return f", and asks to wait {call.retry_after} s"
    return ""


def _minutes_between(began: str, until_ms: int) -> int | None:
    try:
        start = datetime.fromisoformat(began).timestamp()
    except ValueError:
        return None
    minutes = -((start - until_ms / 1000) // 60)
    return int(minutes) if minutes > 0 else None
