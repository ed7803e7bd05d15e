"""`--explain ID`: a check's own words and the requests that it may send, or what a cause means and what to do.

The requests follow from the questions that the check asks `binance`, and from the questions that those rest on.
"""

import textwrap
from collections.abc import Iterable

from keycheck.diagnosis.cause import CAUSES
from keycheck.diagnosis.examples import example_of
from keycheck.exchange import endpoints
from keycheck.exchange.endpoints import Endpoint
from keycheck.exchange.session import DEPENDENCIES
from keycheck.verdict.findings import Check


def explain(check: Check) -> str:
    """The text for a check: its claim, why it matters, its fix, the checks that it needs, and its possible requests."""
    sent = requests_of(check)
    parts = [
        f"{check.id} (step {check.step}, {check.severity.value})",
        check.title,
        check.why,
        f"Fix: {check.fix}",
        f"Waits for: {', '.join((*check.needs, *check.pointless_if_failed)) or 'nothing'}.",
        f"Sends at most, once a run: {', '.join(map(_described, sent)) or 'nothing'}.",
    ]
    return _wrapped(parts)


def explain_cause(name: str) -> str:
    """The text for a cause: its meaning, and the explanation and the fix of an example."""
    example = example_of(name)
    (where, meaning), *_ = [(area, causes[name]) for area, causes in CAUSES.items() if name in causes]
    return _wrapped(
        [
            f"{name} (a cause; it lies with {where})",
            f"{meaning[0].upper()}{meaning[1:]}.",
            f"For example: {example.explanation}",
            f"Do: {example.fix}",
        ]
    )


def _wrapped(parts: Iterable[str]) -> str:
    return "\n\n".join(textwrap.fill(part, 100, break_on_hyphens=False) for part in parts)


def requests_of(check: Check) -> list[Endpoint]:
    """The requests that a check may send, in the order in which endpoints.py lists them."""
    sent = DEPENDENCIES.requests_of(check.asks)
    return [one for one in vars(endpoints).values() if isinstance(one, Endpoint) and one in sent]


def _described(endpoint: Endpoint) -> str:
    return f"{endpoint} (weight {endpoint.weight}{', signed' if endpoint.signed else ''})"
