"""Runs one check in this process against a local exchange: the same function, without pytest around it."""

import importlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keycheck import clock
from keycheck.credentials.pasted_text import facts_of
from keycheck.credentials.signing import signer_of
from keycheck.diagnosis import rules
from keycheck.diagnosis.cause import Diagnosis
from keycheck.errors import Inconclusive, KeycheckError, NotApplicable
from keycheck.exchange.api_client import Identity, Listener
from keycheck.exchange.endpoints import USER_STREAMS, WEIGHT_LIMITS, Host
from keycheck.exchange.session import Binance
from keycheck.exchange.throttle import Throttle
from keycheck.host_checks import SYNCED, HostChecks
from keycheck.network.stream import Stream
from keycheck.network.transport import HttpTransport
from keycheck.redaction.redactor import Redactor
from keycheck.run import catalogue
from keycheck.run.gather_evidence import evidence_of
from keycheck.run.host_facts import HostFacts
from keycheck.settings import loading
from keycheck.settings.loading import Settings
from keycheck.verdict.findings import Check, Finding, Outcome, blocker, missed
from keycheck.verdict.weighing import Verdict, weigh
from tests.exchange import LocalExchange
from tests.running import ROOT

CATALOGUE = catalogue.read(ROOT / "suite")


@dataclass(frozen=True)
class FakeHost(HostChecks):
    """A machine with these answers; healthy by default."""

    lies_open: tuple[str, ...] = ()
    clock_is: tuple[str, ...] = (SYNCED,)

    def open_files(self) -> list[str]:
        return list(self.lies_open)

    def clock(self) -> list[str]:
        return list(self.clock_is)


def host_facts(host: HostChecks | None = None) -> HostFacts:
    """The facts of a live run on this host; by default a healthy one."""
    return HostFacts(host or FakeHost(), clock.NoJournal())


@contextmanager
def session(exchange: LocalExchange, throttle: Throttle | None = None, **extra: str) -> Iterator[Binance]:
    """A live session with the exchange's own settings; `extra` replaces or adds some. By default it never waits."""
    read = loading.load(Path("no such file"), environ=exchange.settings() | extra)
    key, signer = read.credentials.api_key, signer_of(read.credentials)
    urls = {Host.FUTURES: read.futures_url} | ({Host.WALLET: read.wallet_url} if read.wallet_url else {})
    redactor = Redactor()
    with closing(HttpTransport(urls, read.proxy, read.ca_bundle)) as transport:
        yield Binance(
            transport,
            Identity(facts_of(read.credentials, signer.type if signer else None), key, signer),
            symbol=read.symbol,
            recv_window=read.recv_window,
            has_wallet=read.wallet_url is not None,
            expected=read.expected,
            journal=clock.NoJournal(),
            redactor=redactor,
            listener=_listener(read, redactor),
            throttle=throttle or Throttle(clock.NoSleep(), WEIGHT_LIMITS[read.environment]),
        )


def _listener(read: Settings, redactor: Redactor) -> Listener | None:
    if read.stream_url is None or not read.user_stream:
        return None
    return Stream(read.stream_url, redactor, read.proxy, read.ca_bundle, endpoint=USER_STREAMS[read.environment])


def check_function(check_id: str) -> Callable[..., None]:
    """The check of suite/ with this id."""
    step = CATALOGUE[check_id].step
    (file,) = (ROOT / "suite").glob(f"test_{step}_*.py")
    function: Callable[..., None] = getattr(importlib.import_module(f"suite.{file.stem}"), f"test_{check_id}")
    return function


def outcome_of(check_id: str, binance: Binance, host: HostChecks | None = None) -> tuple[Outcome, dict[str, Any]]:
    """The outcome and the notes of this check, as the plugin would have them. `host`: by default a healthy one."""
    noted: dict[str, Any] = {}

    def observe(sentence: str = "", /, **values: Any) -> None:
        noted.update({"observed": sentence} if sentence else {}, **values)

    try:
        claim = check_function(check_id)
        handed = {"binance": binance, "host": host_facts(host), "observe": observe}
        claim(**{name: handed[name] for name in inspect.signature(claim).parameters})
    except AssertionError:
        return missed(CATALOGUE[check_id].severity), noted
    except NotApplicable:
        return Outcome.NOT_APPLICABLE, noted
    except Inconclusive as error:
        return Outcome.UNPROVEN, noted | {"error": str(error), "kind": error.kind}
    return Outcome.PASS, noted


def run_of(exchange: LocalExchange, **extra: str) -> tuple[Verdict, tuple[Diagnosis, ...]]:
    """A whole run of suite/ without pytest around it: its verdict and its diagnosis. `extra`: further settings."""
    findings: dict[str, Finding] = {}
    with session(exchange, None, **extra) as binance:
        for check in CATALOGUE.checks:
            findings[check.id] = _finding_of(check, binance, findings)
        verdict = weigh(CATALOGUE.checks, findings.values())
        if verdict is Verdict.OK:
            return verdict, ()
        seen = {"findings": tuple(findings.values()), "checks": CATALOGUE.checks}
        for decides, ask in (
            (rules.account_info_decides, binance.account_info),
            (rules.listen_key_decides, binance.stream_key),
        ):
            if decides(evidence_of(binance, **seen)):
                with suppress(KeycheckError):
                    ask()
        return verdict, rules.diagnose(evidence_of(binance, **seen))


def _finding_of(check: Check, binance: Binance, findings: dict[str, Finding]) -> Finding:
    if by := blocker(check, findings):
        return Finding(check, Outcome.BLOCKED, blocked_by=by)
    outcome, noted = outcome_of(check.id, binance)
    return Finding(check, outcome, noted.get("error") or noted.get("observed", ""), trouble=noted.get("kind", ""))
