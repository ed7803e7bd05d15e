"""The words that all reports share: of outcomes, findings and causes. Pure.

A check's title claims the good state. Beside FAIL or BLOCKED it would say the opposite of the truth. So a report leads
with what was seen, and marks a claim that was not looked at as not known.
"""

from keycheck.diagnosis.cause import CAUSES
from keycheck.verdict.findings import Finding, Outcome

_LONGEST_HEADLINE = 120  # characters; a longer observation is a paragraph
_MEANINGS = {name: meaning for causes in CAUSES.values() for name, meaning in causes.items()}
_NAMES = ("Binance",)  # first words of claims that keep their capital inside a sentence
_MISSED = (Outcome.FAIL, Outcome.WARN)
_OPEN = (Outcome.UNPROVEN, Outcome.BLOCKED, Outcome.NOT_APPLICABLE)
# The words before a claim, unless the check passed.
BEFORE_CLAIM = {
    Outcome.FAIL: "Not so: ",
    Outcome.WARN: "Not so: ",
    Outcome.UNPROVEN: "Not known: ",
    Outcome.BLOCKED: "Not known: ",
    Outcome.NOT_APPLICABLE: "Not asked: ",
}


def capital(text: str) -> str:
    """`text` with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def word(outcome: Outcome) -> str:
    """The outcome in capitals: `NOT APPLICABLE`."""
    return outcome.value.upper().replace("_", " ")


def headline_of_cause(cause: str) -> str:
    """The meaning of a cause as a headline: `This machine's address is not on the key's list`."""
    return capital(_MEANINGS.get(cause, cause.replace("_", " ")))


def clause(title: str) -> str:
    """A claim as part of a sentence: without its full stop, and without a capital that it has only as a sentence."""
    is_name = title.startswith(_NAMES) or title[1:2].isupper()
    return (title if is_name else title[:1].lower() + title[1:]).rstrip(".")


def claim(finding: Finding) -> str:
    """What the outcome says about the claim: `Not known: whether the key may trade futures.`"""
    title, before = finding.check.title, BEFORE_CLAIM.get(finding.outcome, "")
    return f"{before}whether {clause(title)}." if finding.outcome in _OPEN else f"{before}{title}"


def headline(finding: Finding) -> str:
    """The headline of a finding: a short observation that the claim does not hold, or else `claim`."""
    seen = finding.outcome in _MISSED and 0 < len(finding.detail) <= _LONGEST_HEADLINE
    return capital(finding.detail) if seen else claim(finding)


def aside(finding: Finding) -> tuple[str, str]:
    """The label and the text below the headline: the claim if the headline is an observation, else the observation."""
    if finding.outcome in _OPEN:
        return "What stood in the way", capital(finding.detail)
    is_claim = headline(finding) == claim(finding)
    return ("Observed", capital(finding.detail)) if is_claim else ("Should be", finding.check.title)
