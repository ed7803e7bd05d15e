"""`--explain ID`: a check's own words, and the requests that it may send, read from the source of the session.

What is asked is not written down a second time: it follows from the questions that the check puts to `binance`, and
from what those questions ask in turn.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterable

from keycheck import binance, endpoints
from keycheck.catalogue import attributes_of
from keycheck.endpoints import LISTED, Endpoint
from keycheck.findings import Check

_SIGNED_NEEDS = "_offset"  # a signed request reads the exchange's clock first


def explain(check: Check) -> str:
    """Title, reason, remedy, what it waits for, and the requests that it sends at most."""
    sent = requests_of(check)
    parts = [
        f"{check.id} (step {check.step}, {check.severity.value})",
        check.title,
        check.why,
        f"Fix: {check.fix}",
        f"Waits for: {', '.join((*check.needs, *check.pointless_if_failed)) or 'nothing'}.",
        f"Sends at most, once a run: {', '.join(map(_told, sent)) or 'nothing'}.",
    ]
    return "\n\n".join(textwrap.fill(part, 100, break_on_hyphens=False) for part in parts)


def requests_of(check: Check) -> list[Endpoint]:
    """The requests that a check may send, in the order in which endpoints.py lists them."""
    reached = reached_from(check.asks)
    names = [name for name, value in vars(endpoints).items() if isinstance(value, Endpoint) and value in LISTED]
    return [getattr(endpoints, name) for name in names if name in reached]


def reached_from(asked: Iterable[str]) -> set[str]:
    """Names of all that these methods of the session use, directly or through other methods."""
    (session,) = [
        node
        for node in ast.parse(inspect.getsource(binance)).body
        if isinstance(node, ast.ClassDef) and node.name == binance.Binance.__name__
    ]
    methods = {node.name: node for node in session.body if isinstance(node, ast.FunctionDef)}
    reached: set[str] = set()
    waiting = set(asked)
    while waiting:
        name = waiting.pop()
        method = methods.get(name)
        if method is None or name in reached:
            continue
        used = {node.id for node in ast.walk(method) if isinstance(node, ast.Name)}
        reached |= {name, *used}
        waiting |= set(attributes_of(method, "self"))
        if any(getattr(getattr(endpoints, one, None), "signed", False) for one in used):
            waiting.add(_SIGNED_NEEDS)
    return reached


def _told(endpoint: Endpoint) -> str:
    return f"{endpoint} (weight {endpoint.weight}{', signed' if endpoint.signed else ''})"
