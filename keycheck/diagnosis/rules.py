"""Applies all rules to the evidence of a run. Pure."""

from dataclasses import replace

from keycheck.diagnosis import (
    account,
    contradictions,
    intermediaries,
    key,
    local_clock,
    network,
    remedies,
    restrictions,
    unproven_claims,
)
from keycheck.diagnosis.cause import Diagnosis, most_likely_first
from keycheck.diagnosis.evidence_view import EvidenceView
from keycheck.exchange.evidence import Evidence

_RULES = (
    key.not_given,
    key.malformed,
    key.wrong_secret,
    key.not_accepted,
    key.another_address,
    account.futures_not_enabled,
    account.futures_refuses,
    account.read_only,
    account.withdrawals,
    restrictions.keys_locked,
    restrictions.barred,
    restrictions.agreement_not_signed,
    contradictions.key_type_not_taken,
    contradictions.answers_contradict,
    local_clock.clock,
    intermediaries.location_or_firewall,
    intermediaries.limits,
    intermediaries.trouble,
    network.unreachable,
    network.tls,
    network.not_binance,
    unproven_claims.contract,
    unproven_claims.request_rejected,
    unproven_claims.own_checks,
)


def diagnose(evidence: Evidence) -> tuple[Diagnosis, ...]:
    """Every cause that the evidence points to, most likely first.

    Call it only for a run whose verdict is not OK; it then returns at least one diagnosis.
    """
    seen = EvidenceView(evidence)
    found = [one for rule in _RULES for one in rule(seen)]
    not_run = list(unproven_claims.not_run(seen))
    if not found and (seen.failed or seen.lacking or not not_run):
        found += unproven_claims.left_over(seen)
    sorted_ = most_likely_first([*found, *not_run])
    return tuple(replace(one, fix=remedies.on(evidence.environment, one.fix)) for one in sorted_)


def listen_key_decides(evidence: Evidence) -> bool:
    """Whether a request for a listen key, which is not signed, would distinguish a wrong secret from an unknown key."""
    seen = EvidenceView(evidence)
    return key.signature_is_refused(seen) and seen.listen_key is None


def account_info_decides(evidence: Evidence) -> bool:
    """Whether the wallet's account/info would distinguish causes with the same evidence so far."""
    return evidence.account_info is None and EvidenceView(evidence).futures_refuses_alone
