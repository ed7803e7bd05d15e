"""Sample reports, made by hand: together they have everything that a page must be able to show."""

from dataclasses import replace

from keycheck.cassettes.label import Label
from keycheck.credentials.pasted_text import KeyFacts
from keycheck.diagnosis.cause import Confidence, Diagnosis
from keycheck.exchange.drift import Drift
from keycheck.exchange.endpoints import Host
from keycheck.exchange.evidence import Call
from keycheck.report.model import RunReport
from keycheck.verdict.comparison import Comparison, Previous
from keycheck.verdict.findings import Check, Finding, Outcome, Severity
from keycheck.verdict.weighing import Verdict

STARTED = "2026-11-20T08:13:00Z"
STEPS = 7
# Hostile texts that an exchange, a cassette or a settings file might hold.
HOSTILE = (
    "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">\"' onload='x' "
    "</style></script><!--]]> javascript:document.title='pwned' &{{ 7*7 }}"
)
REVERSED = "\u202egnp.exe\u2066"
LONG = "m" * 50_000 + " " + "<b>" * 17_000
PERMISSIONS = {
    **{"enableReading": True, "enableFutures": True, "ipRestrict": True, "enableWithdrawals": False},
    **{"enableInternalTransfer": False, "permitsUniversalTransfer": False, "enableSpotAndMarginTrading": False},
    **{"enableMargin": False, "enableVanillaOptions": False, "enablePortfolioMarginTrading": False},
    **{"enableFixApiTrade": False, "enableFixReadOnly": False},
}
PING = Call("GET", "/fapi/v1/ping", Host.FUTURES, 1, 200, None, "", 40, began_ms=0, used_weight=2)
ORDER = Call(
    *("POST", "/fapi/v1/order/test", Host.FUTURES, 1, 400, -4164, "Order's notional must be no smaller than 50.", 60),
    began_ms=140,
    used_weight=13,
)
CUT = Call("GET", "/fapi/v1/ping", Host.FUTURES, 1, None, None, "the connection was cut", 5, trouble="cut")


def healthy() -> RunReport:
    """A report with one passed check for each step, and two requests, the second of which is refused as expected."""
    findings = [
        Finding(Check(f"check_{n}", n, Severity.CRITICAL, f"Title {n}.", "Why.", "Fix."), Outcome.PASS, "seen")
        for n in range(1, STEPS + 1)
    ]
    findings[1] = replace(findings[1], call_numbers=(1,))
    findings[6] = replace(findings[6], call_numbers=(1, 2))
    return RunReport(
        Verdict.OK,
        "0.1.0",
        STARTED,
        duration_ms=1312,
        environment="production",
        symbol="BTCUSDT",
        key=KeyFacts(type="HMAC", last_four="Eh8A"),
        findings=findings,
        calls=[PING, ORDER],
        weight_limit=2400,
        drift=Drift(-37.2, 21),
        permissions=PERMISSIONS,
    )


def failing() -> RunReport:
    """A report with one finding of each outcome, two causes, and a request that was answered at the second attempt."""
    check = Check("check_0", 4, Severity.CRITICAL, "The key cannot withdraw funds.", "Why.", "untick it.")
    findings = [
        Finding(replace(check, id=f"check_{n}"), outcome, "the key can withdraw funds", "check_1", call_numbers=(3,))
        for n, outcome in enumerate(Outcome)
    ]
    said = ("GET /fapi/v1/accountConfig: HTTP 400, code -2015",)
    return replace(
        healthy(),
        verdict=Verdict.NOT_OK,
        findings=findings,
        calls=[CUT, PING, ORDER],
        diagnosis=[
            Diagnosis("withdrawals_enabled", Confidence.CERTAIN, "Whoever finds it has it.", said, "untick it."),
            Diagnosis("a_new_cause", Confidence.POSSIBLE, "Or so.", (*said, "and this"), "cp .env.example .env"),
        ],
        permissions={**PERMISSIONS, "enableWithdrawals": True, "enableNewThing": True},
    )


def hostile(text: str = HOSTILE) -> RunReport:
    """A report in which every text from outside is an attack, or very long."""
    check = Check(text, 4, Severity.CRITICAL, text, text, text)
    call = Call("GET", text, Host.FUTURES, 1, 400, -1, text, 5, trouble=text)
    return RunReport(
        Verdict.NOT_OK,
        text,
        text,
        mode="replay",
        cassette=Label(text, text, text, text, text, text, 5000, True, KeyFacts()),
        environment=text,
        symbol=text,
        key=KeyFacts(type="HMAC", last_four=text),
        findings=[Finding(check, outcome, text, text, call_numbers=(1, 2)) for outcome in Outcome],
        notes={"driftMs": text},
        calls=[call, replace(call, trouble=""), replace(call, message="")],
        weight_limit=2400,
        diagnosis=[Diagnosis(text, Confidence.LIKELY, text, (text, text), text)],
        drift=Drift(1e15, 1e9),
        permissions={text: True, **PERMISSIONS},
    )


def compared() -> RunReport:
    """The failing report compared with an earlier run."""
    previous = Previous(Verdict.NOT_OK, STARTED, "production", "BTCUSDT", "Eh8A", {})
    return replace(failing(), comparison=Comparison(previous, ("check_0",), ("check_1",), ("check_2",)))


BLANK = RunReport(Verdict.UNPROVEN, "0.1.0", STARTED)
REPORTS = {
    "blank": BLANK,
    "healthy": healthy(),
    "failing": failing(),
    "compared": compared(),
    "demo": replace(healthy(), environment="demo", permissions=None, drift=None, weight_limit=None),
    "hostile": hostile(),
    "reversed": hostile(REVERSED),
    "long": hostile(LONG),
}
