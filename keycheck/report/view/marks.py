"""The marks of outcomes and the shapes of verdicts on the page. Pure."""

from keycheck.verdict.findings import Outcome
from keycheck.verdict.weighing import Verdict

# Shapes besides colours: some pages are printed in grey, and some readers cannot see red.
MARKS = {
    Outcome.PASS: "✓",
    Outcome.FAIL: "✕",
    Outcome.WARN: "!",
    Outcome.UNPROVEN: "?",
    Outcome.BLOCKED: "–",
    Outcome.NOT_APPLICABLE: "∅",
}
# Silhouettes on a field of 24: a disc, an octagon and a diamond, with the sign cut out of them.
SHAPES = {
    Verdict.OK: "M12 1a11 11 0 1 0 0 22a11 11 0 1 0 0-22zM10.3 17.2L5.4 12.3l1.9-1.9l3 3l6.9-6.9l1.9 1.9z",
    Verdict.NOT_OK: "M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4zM8.1 6.3L12 10.2l3.9-3.9l1.8 1.8L13.8 12l3.9 3.9"
    "l-1.8 1.8L12 13.8l-3.9 3.9l-1.8-1.8L10.2 12L6.3 8.1z",
    Verdict.UNPROVEN: "M12 .5L23.5 12L12 23.5L.5 12zM8.6 9.6a3.4 3.4 0 1 1 5.1 2.95c-.5.3-.6.6-.6 1.2h-2.2"
    "c0-1.6.5-2.3 1.6-3a1.2 1.2 0 1 0-1.7-1.15zM10.9 15.2h2.2v2.2h-2.2z",
}
WORST_FIRST = (
    *(Outcome.FAIL, Outcome.UNPROVEN, Outcome.BLOCKED, Outcome.WARN, Outcome.PASS),
    Outcome.NOT_APPLICABLE,
)
