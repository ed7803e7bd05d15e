"""All rules on the evidence of a run. Pure."""

from keycheck.diagnosis import account, intermediaries, key, local_clock, network, restrictions
from keycheck.diagnosis.cause import Diagnosis, most_likely_first
from keycheck.diagnosis.evidence_view import EvidenceView
from keycheck.exchange.evidence import Evidence

_RULES = (
    key.not_given,
    key.malformed,
    key.wrong_secret,
    key.not_accepted,
    account.futures_not_enabled,
    account.futures_refuses,
    account.read_only,
    account.withdrawals,
    restrictions.barred,
    restrictions.agreement_not_signed,
    local_clock.clock,
    intermediaries.location_or_firewall,
    intermediaries.limits,
    intermediaries.trouble,
    network.unreachable,
    network.tls,
    network.stranger,
)


def diagnose(evidence: Evidence) -> tuple[Diagnosis, ...]:
    """Every cause that the evidence points to, most likely first. For a run where all is well there is none to ask."""
    seen = EvidenceView(evidence)
    return tuple(most_likely_first([found for rule in _RULES for found in rule(seen)]))


def listen_key_decides(evidence: Evidence) -> bool:
    """Whether the answer to the unsigned request for a listen key would tell a wrong secret from an unknown key."""
    seen = EvidenceView(evidence)
    return key.signature_is_refused(seen) and seen.listen_key is None


def account_info_decides(evidence: Evidence) -> bool:
    """Whether the wallet's account/info would tell causes apart that are one to everything asked so far."""
    return evidence.account_info is None and EvidenceView(evidence).futures_refuses_alone
