"""The facts of a run in the page's words. Pure."""

from collections.abc import Iterator

from keycheck.exchange.endpoints import Host
from keycheck.report.model import NO_REAL_FUNDS, RunReport
from keycheck.report.wording import capital

Pair = tuple[str, str]


def about(report: RunReport) -> str:
    """The tested key and environment, in one line; a demo run says so."""
    parts = [_environment(report, "environment unknown"), report.symbol or "no symbol"]
    if report.key.last_four:
        parts.append(f"{report.key.type or ''} key ending in {report.key.last_four}".strip())
    how = _replayed(report) if report.mode == "replay" else f"{_live(report)}, {readable(report.started_at)}"
    return " · ".join([*parts, how])


def facts(report: RunReport) -> Iterator[Pair]:
    """The rows of the page's table of facts: label and text."""
    yield "Environment", _environment(report, "unknown")
    yield "Symbol", report.symbol or "unknown"
    yield "Key", _key(report)
    yield "Clock drift", capital(str(report.drift)) if report.drift else "not measured"
    yield "Signing window", f"recvWindow {report.recv_window} ms"
    shared = sum(bool(call.source) for call in report.calls)
    handed = f"; {shared} answers shared by the lane" if shared else ""
    yield "Requests", f"{report.requests_sent} sent, {_weight(report)}{handed}"
    for call in report.overcome:
        yield "Asked again", f"{call.name} ({call.trouble}), and then it was answered: no fault of the key"
    if report.waited_s:
        yield "Waited", f"{report.waited_s} s for the rate limit's next minute"
    yield "When", f"{readable(report.started_at)}, took {report.duration_ms} ms"
    yield "How", _replayed(report) if report.mode == "replay" else _live(report)
    yield "Suite version", report.suite_version


def no_permissions(report: RunReport) -> str:
    """The sentence on why the key's permissions are not known."""
    if report.environment == "demo":
        return "Not known: the test network has no wallet API, and only that API says what a key may do."
    return "Not known: only the wallet API says what a key may do, and it gave no usable answer."


def readable(timestamp: str) -> str:
    """`2026-11-20T08:13:00Z` as people write it: `2026-11-20 08:13:00 UTC`."""
    return f"{timestamp[:-1].replace('T', ' ')} UTC" if timestamp.endswith("Z") else timestamp


def _environment(report: RunReport, unknown: str) -> str:
    return f"{report.environment or unknown}{f' ({NO_REAL_FUNDS})' if report.environment == 'demo' else ''}"


def _key(report: RunReport) -> str:
    if not report.key.last_four:
        unknown = f"{report.key.type}, its last characters not shown: no answer shows that Binance knows it"
        return unknown if report.key.type else "none"
    return f"{report.key.type or 'no secret given'}, ending in {report.key.last_four}"


def _weight(report: RunReport) -> str:
    limit = f" of {report.weight_limit} a minute" if report.weight_limit else ""
    futures, wallet = report.weight_spent(Host.FUTURES), report.weight_spent(Host.WALLET)
    return f"futures weight {futures}{limit}, wallet weight {wallet}"


def _live(report: RunReport) -> str:
    return "live, recorded as it ran" if report.mode == "record" else "live"


def _replayed(report: RunReport) -> str:
    label = report.cassette
    if label is None:
        return "replay"
    when, version = readable(label.recorded_at), label.suite_version
    return f"replay of {label.name}, recorded {when} from {label.recorded_from} by version {version}"
