"""Causes between this machine and Binance: name look-up, connection, TLS, and answers from other hosts. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from keycheck.diagnosis.cause import Confidence, Diagnosis
from keycheck.diagnosis.evidence_view import EvidenceView, described
from keycheck.diagnosis.remedies import AGAIN, NOT_THE_KEY, look_up


class FailureMode(NamedTuple):
    """One way in which a connection fails: what happened, what to do, and whether the cause is then certain."""

    what: str
    fix: str
    certain: bool = False


def _failure_mode(kind: str, seen: EvidenceView) -> FailureMode:
    firewall = "check that no firewall keeps this machine from port 443 of fapi.binance.com and api.binance.com"
    modes = {
        "dns": FailureMode(
            "its name could not be resolved",
            f"check that the name server works ({look_up(seen.evidence.system)}), or use another",
            certain=True,
        ),
        "proxy": FailureMode(
            "the proxy did not connect", "correct the line BINANCE_PROXY=... of .env, or take it out", certain=True
        ),
        "no_route": FailureMode("no network route leads there", "connect this machine to the network", certain=True),
        "refused": FailureMode("the connection was refused", f"{firewall}, and that no setting names another host"),
        "timeout": FailureMode("no answer came in time", firewall),
        "reset": FailureMode("the connection was cut off", f"try without VPN or proxy, and {firewall}"),
        "out_of_time": FailureMode("the network is too slow", "try from another network"),
    }
    return modes.get(kind, FailureMode("the request could not be sent", firewall))


def unreachable(seen: EvidenceView) -> Iterator[Diagnosis]:
    """No answer came. The failure mode decides what to do."""
    kinds = ("dns", "proxy", "no_route", "refused", "timeout", "reset", "out_of_time", "other")
    if calls := seen.in_trouble(*kinds):
        kind = min((call.trouble for call in calls), key=kinds.index)
        mode, calls = _failure_mode(kind, seen), [call for call in calls if call.trouble == kind]
        hosts = " and ".join(sorted({f"the {call.host.value} API" for call in calls}))
        yield Diagnosis(
            "network_unreachable",
            Confidence.CERTAIN if mode.certain else Confidence.LIKELY,
            f"This machine could not reach {hosts}: {mode.what}. {NOT_THE_KEY}",
            described(calls),
            f"{mode.fix}; then {AGAIN}.",
        )


def tls(seen: EvidenceView) -> Iterator[Diagnosis]:
    """The certificate was refused, or the other side speaks no TLS."""
    if calls := seen.in_trouble("tls"):
        yield Diagnosis(
            "tls_failure",
            Confidence.CERTAIN,
            "The connection could not be made private. A proxy or virus scanner that opens TLS is the usual reason; "
            "a wrong clock and a missing list of certificate authorities are others.",
            described(calls),
            "if the network belongs to a company, write the line BINANCE_CA_BUNDLE=... with its CA file into .env; "
            f"otherwise switch off the scanner's inspection of TLS, or leave that network; then {AGAIN}.",
        )


def not_binance(seen: EvidenceView) -> Iterator[Diagnosis]:
    """An answer came that Binance does not give, so another host sent it."""
    calls = seen.in_trouble("not_binance")
    lacking = [found for found in seen.lacking if found.trouble == "not_binance"]
    if not (calls or lacking):
        return
    alone = bool(calls) and all(call.trouble for call in seen.final.values())  # no answer came from Binance
    yield Diagnosis(
        "not_binance",
        Confidence.CERTAIN if alone else Confidence.LIKELY,
        "An answer came that Binance does not give: from a captive portal, a proxy, a poisoned name server, or the "
        f"host of a wrong setting. {NOT_THE_KEY}",
        described(calls) or tuple(f"{found.check.id}: {found.detail}" for found in lacking),
        "open https://fapi.binance.com/fapi/v1/ping in a browser on this machine: it must show {} and nothing else. "
        "Log in to the network if it asks for that, and take BINANCE_FUTURES_URL, BINANCE_WALLET_URL and BINANCE_PROXY "
        f"out of .env; then {AGAIN}.",
    )
