"""Causes of an UNPROVEN verdict that no refusal names: the contract, the suite's own requests, the run. Pure."""

from collections.abc import Iterator

from keycheck.diagnosis.cause import Confidence, Diagnosis
from keycheck.diagnosis.evidence_view import EvidenceView, described
from keycheck.diagnosis.remedies import AGAIN, EDIT, NOT_THE_KEY
from keycheck.errors import Refused
from keycheck.exchange.error_codes import ORDER_REJECTED, Kind
from keycheck.exchange.evidence import NOT_LISTED
from keycheck.verdict.findings import Finding, Outcome
from keycheck.verdict.findings import not_run as not_run_in_words
from keycheck.verdict.weighing import INDISPENSABLE, Verdict, weigh

_WHOLE = "; correct the files of suite/ that pytest could not collect, or take them from the repository again"
# Kinds of refusal that no other rule explains. Each says something about the request, and none about the key.
_OF_THE_REQUEST = (Kind.FORMAT, Kind.ORDER_RULE, Kind.FUNDS, Kind.UNKNOWN)


def contract(seen: EvidenceView) -> Iterator[Diagnosis]:
    """The contract under test is not listed, or takes no orders now, so that no order on it could be tested."""
    symbol, status = seen.evidence.symbol, seen.evidence.symbol_status
    if status in (None, "TRADING"):
        return
    warned = [found for found in seen.lacking if found.outcome is Outcome.WARN]
    is_listed = status != NOT_LISTED
    yield Diagnosis(
        "contract_not_tradable" if is_listed else "unknown_contract",
        Confidence.CERTAIN,
        (
            f"The contract under test, {symbol}, takes no orders now: its status is {status}. {NOT_THE_KEY}"
            if is_listed
            else f"The exchange lists no contract {symbol}, so no order on it could be tested. {NOT_THE_KEY}"
        ),
        _details(warned) or (f"the status of {symbol} is {status}",),
        f"write a contract that trades into .env, as Binance writes it: BINANCE_SYMBOL=BTCUSDT; then {AGAIN}.",
    )


def request_rejected(seen: EvidenceView) -> Iterator[Diagnosis]:
    """A critical claim is open because Binance refused the request itself: its form, its path, its order."""
    lacking = [found for found in seen.lacking if found.trouble == Refused.kind]
    if lacking and (calls := seen.refused_as(*_OF_THE_REQUEST)):
        may_be_the_list = any(call.code == ORDER_REJECTED for call in calls)
        look = f"{EDIT}: where Enable Symbol Whitelist is ticked, see that {seen.evidence.symbol} is on its list. Then "
        yield Diagnosis(
            "request_rejected",
            Confidence.LIKELY,
            "Binance refused a request of this suite for what it asks or how it is written, or with a code that this "
            "version does not know. "
            + ("Or the key may trade only the contracts of its own list." if may_be_the_list else NOT_THE_KEY),
            described(calls),
            f"{look * may_be_the_list}{AGAIN}. If that does not help, take BINANCE_FUTURES_URL and BINANCE_WALLET_URL "
            "out of .env, use the newest version of this suite, try another contract as BINANCE_SYMBOL, and report it "
            "with this page.",
        )


def not_run(seen: EvidenceView) -> Iterator[Diagnosis]:
    """Critical checks were left out or never reached, or a file of suite/ could not be read.

    It yields nothing if a critical claim failed: that decides the verdict without the other checks.
    """
    left_out, whole = seen.not_run, seen.evidence.complete
    if seen.failed or (whole and not left_out):
        return
    evidence = [f"not run: {', '.join(check.id for check in left_out)}"] * bool(left_out)
    evidence += ["not all checks of suite/ could be read"] * (not whole)
    counted = not_run_in_words(seen.evidence.checks, seen.evidence.findings) or "Not all checks are there"
    yield Diagnosis(
        "checks_not_run",
        Confidence.CERTAIN,
        f"{counted}: they were left out (-k, -m, --lf, --deselect, a path), the run was ended before them (-x, Ctrl-C, "
        "a time limit), or their file could not be read.",
        tuple(evidence),
        f"run all of suite/, without such an option, and let the run come to its end{_WHOLE * (not whole)}.",
    )


def own_checks(seen: EvidenceView) -> Iterator[Diagnosis]:
    """A critical check that is not the project's own failed: no rule knows it, so its own fix is the advice."""
    if own := [found for found in seen.failed if found.check.id not in INDISPENSABLE]:
        yield _does_not_hold(own)


def left_over(seen: EvidenceView) -> Iterator[Diagnosis]:
    """Names the critical claims themselves, if no rule has found a cause: those that failed, or else the open ones."""
    evidence = seen.evidence
    if seen.failed:
        yield _does_not_hold(seen.failed)
    elif weigh(evidence.checks, evidence.findings, complete=evidence.complete) is not Verdict.OK and evidence.checks:
        yield Diagnosis(
            "left_undecided",
            Confidence.CERTAIN,
            f"The answers leave open whether a critical claim holds. {NOT_THE_KEY}",
            _details(seen.lacking) or ("no critical check has passed",),
            f"do what the evidence says, if it names a remedy, and {AGAIN}; if that does not help, report it with this "
            "page.",
        )


def _does_not_hold(failed: list[Finding]) -> Diagnosis:
    fixes = {found.check.id: found.check.fix or f"see what it observed, mend it, and {AGAIN}." for found in failed}
    return Diagnosis(
        "claim_does_not_hold",
        Confidence.CERTAIN,
        f"A critical claim was seen not to hold, and no other answer says why: {failed[0].check.title}",
        _details(failed),
        next(iter(fixes.values())) if len(fixes) == 1 else " ".join(f"{name}: {fix}" for name, fix in fixes.items()),
    )


def _details(findings: list[Finding]) -> tuple[str, ...]:
    return tuple(f"{found.check.id}: {found.detail or found.outcome.value}" for found in findings)
