"""The invariants of every run, with any fault. Each returns a sentence about a violation, or None."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

from jsonschema.validators import validator_for

from keycheck.exchange.endpoints import AT_ONCE
from tests.exchange import API_KEY, API_SECRET, LISTEN_KEY
from tests.faults.bench import Ran
from tests.faults.wellformed import fault_of
from tests.leaks.scanner import Canary, Scanner
from tests.running import ROOT

Invariant = Callable[[Ran], str | None]

LONGEST = 60.0  # seconds
EXIT = {"OK": 0, "NOT_OK": 1, "UNPROVEN": 10}
# If Binance does not serve this machine's place, that is an observation, and the claim that needs the answer fails.
OF_THE_PLACE = ("451", "403 of the country")
OBSERVED = frozenset({"futures_api_answers", "signed_requests_are_accepted", "order_gate_checks_orders"})
PYTHON = re.compile(r"Traceback|INTERNALERROR|\b[A-Za-z_.]*(?:Error|Exception|Warning)\b|0x[0-9a-f]{6,}|<class |Errno")
_SCHEMA = json.loads((ROOT / "keycheck/report/verdict.schema.json").read_text(encoding="utf-8"))
_VALIDATOR = validator_for(_SCHEMA)(_SCHEMA)


def ends_in_time(ran: Ran) -> str | None:
    """A run ends within a minute."""
    return None if ran.seconds <= LONGEST else f"it took {ran.seconds:.0f} s"


def status_is_the_verdicts(ran: Ran) -> str | None:
    """The exit status is the verdict's."""
    verdict = ran.done.verdict.get("verdict")
    return None if EXIT.get(str(verdict)) == ran.done.exit_status else f"exit {ran.done.exit_status} with {verdict}"


def json_keeps_to_its_schema(ran: Ran) -> str | None:
    """verdict.json is valid by its schema."""
    wrong = next(iter(_VALIDATOR.iter_errors(ran.done.verdict)), None)
    return f"{wrong.json_path}: {wrong.message[:200]}" if wrong else None


def page_is_whole(ran: Ran) -> str | None:
    """report.html is well formed and shows the verdict."""
    verdict = str(ran.done.verdict.get("verdict")).replace("_", " ")
    if verdict not in ran.done.page:
        return f"the page does not say {verdict}"
    return fault_of(ran.done.page)


def junit_is_xml(ran: Ran) -> str | None:
    """The JUnit file is well-formed XML."""
    try:
        ET.fromstring(ran.junit)  # noqa: S314  our own
    except ET.ParseError as error:
        return f"JUnit: {error}"
    return None


def nothing_of_python_shows(ran: Ran) -> str | None:
    """No output has a traceback or the name of an exception."""
    for name, text in ran.texts.items():
        if found := PYTHON.search(text):
            return f"{name}: {text[max(0, found.start() - 60) : found.end() + 60]!r}"
    return None


def no_secret_shows(ran: Ran) -> str | None:
    """No output holds the key, the secret, the listen key or a signature, in any encoding."""
    signatures = [Canary("signature", text) for one in ran.received if (text := one.params.get("signature"))]
    secrets = [Canary("key", API_KEY), Canary("secret", API_SECRET), Canary("listen key", LISTEN_KEY)]
    scanner = Scanner([*secrets, *signatures])
    hits = [f"{name}: {hit}" for name, text in ran.texts.items() for hit in scanner.scan(text)]
    return hits[0] if hits else None


def doubt_is_not_a_pass(ran: Ran) -> str | None:
    """OK needs every critical check, passed or not applicable, and at least one that passed."""
    critical = [check["outcome"] for check in ran.done.verdict.get("checks", []) if check["severity"] == "critical"]
    if ran.done.verdict.get("verdict") != "OK" or ({"pass"} <= set(critical) <= {"pass", "not_applicable"}):
        return None
    return f"OK with {sorted(set(critical))}"


def verdict_is_what_was_seen(ran: Ran) -> str | None:
    """If a critical answer was unreadable, the verdict is not OK; if none was, it is the same as without the fault."""
    verdict, healthy = ran.done.verdict.get("verdict"), ran.case.path.verdict
    if ran.case.readable:
        return None if verdict == healthy else f"{verdict}, although nothing was hidden from it"
    spoiled = ran.case.path.decides and verdict == "OK"
    return "OK, although a critical answer was spoiled" if spoiled else None


def only_proof_convicts(ran: Ran) -> str | None:
    """No check about the key fails because of a fault of the exchange or of the way to it."""
    if ran.base is None:
        return None  # the run is the base itself
    observed = OBSERVED if ran.case.name in OF_THE_PLACE else frozenset()
    wrong = ran.failed - observed - ran.base.failed
    return f"convicted by {', '.join(sorted(wrong))}" if wrong else None


def nothing_is_placed(ran: Ran) -> str | None:
    """No order is placed; only test orders are sent."""
    return f"{ran.real_orders} real orders" if ran.real_orders else None


def requests_are_few(ran: Ran) -> str | None:
    """A run sends at most twice as many requests as without the fault, and repeats no test order."""
    if ran.base is None:
        return None
    sent, usual = len(ran.received), len(ran.base.received)
    if sent > 2 * usual:
        return f"{sent} requests, usually {usual}"
    orders, often = (sum(one.path.endswith("/order/test") for one in of.received) for of in (ran, ran.base))
    return f"{orders} test orders, usually {often}" if orders > often else None


def silent_after_a_limit(ran: Ran) -> str | None:
    """After 429 and 418 nothing more is sent; requests in flight may arrive later."""
    behind = next((n for n, one in enumerate(ran.received, 1) if one.status in (418, 429)), len(ran.received))
    late = len(ran.received) - behind
    return f"{late} requests after a limit" if late >= sum(AT_ONCE.values()) else None


def overcome_is_told(ran: Ran) -> str | None:
    """The terminal and the page mention a request that was answered at the second attempt."""
    if not ran.case.overcome:
        return None
    silent = [name for name in ("output", "page") if "asked again" not in " ".join(ran.texts[name].split())]
    return f"not a word of it in {', '.join(silent)}" if silent else None


INVARIANTS: tuple[Invariant, ...] = (
    *(ends_in_time, status_is_the_verdicts, json_keeps_to_its_schema, page_is_whole, junit_is_xml),
    *(nothing_of_python_shows, no_secret_shows, doubt_is_not_a_pass, verdict_is_what_was_seen, only_proof_convicts),
    *(nothing_is_placed, requests_are_few, silent_after_a_limit, overcome_is_told),
)


def broken(ran: Ran) -> list[str]:
    """Each invariant that this run broke, with its sentence."""
    return [f"{one.__name__}: {text}" for one in INVARIANTS if (text := one(ran))]
