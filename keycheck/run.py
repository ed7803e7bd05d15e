"""One run, put together: settings or cassette in, findings collected, verdict and reports out."""

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from keycheck import __version__, cassettes, clock, settings
from keycheck.binance import Binance
from keycheck.cassettes import scrubbing
from keycheck.cassettes.label import Label
from keycheck.cassettes.player import Player
from keycheck.cassettes.recorder import Recorder
from keycheck.catalogue import Catalogue
from keycheck.channel import Identity, Transport
from keycheck.credentials import KeyFacts, facts_of
from keycheck.endpoints import Host
from keycheck.errors import UsageProblem
from keycheck.findings import Check, Finding, Outcome, blocker
from keycheck.network.inert import no_sockets
from keycheck.network.transport import HttpTransport
from keycheck.redaction import Redactor, printable
from keycheck.report import artefacts, page, verdict_json
from keycheck.report.model import NOTED, Mode, RunReport
from keycheck.settings import Settings
from keycheck.signing import HmacSigner
from keycheck.verdict import Verdict, weigh

VERDICT_FILE = "verdict.json"
PAGE_FILE = "report.html"
_LONGEST_DETAIL = 800


@dataclass(frozen=True)
class Options:
    """What the command line asks for. `cassettes`: the folder in which a cassette is found by its name."""

    env_file: Path
    env_file_required: bool
    report_dir: Path
    cassettes: Path
    replay: str | None = None
    record: str | None = None

    @property
    def mode(self) -> Mode:
        return "replay" if self.replay is not None else "record" if self.record is not None else "live"


class Run:
    """Opens the session that the checks share, remembers what they found, and leaves the reports behind.

    Constructing it withdraws the last run's verdict, so that whatever goes wrong from here on, no old `ok` is left.
    Raises UsageProblem where that cannot be done.
    """

    def __init__(self, options: Options, catalogue: Catalogue, redactor: Redactor) -> None:
        self.options = options
        self.catalogue = catalogue
        self.complete = catalogue.complete
        self.redactor = redactor
        self.findings: dict[str, Finding] = {}
        self.hosts: tuple[str, ...] = ()
        self.recorded: Path | None = None
        self._notes: dict[str, Any] = {}
        self._recorder: Recorder | None = None
        self._watch = clock.Stopwatch()
        self._open = contextlib.ExitStack()
        self._blank = RunReport(Verdict.UNPROVEN, __version__, clock.iso(clock.now_ms()), mode=options.mode)
        self._withdraw_old_reports()

    def open(self) -> None:
        """Opens the session. Raises UsageProblem for settings, files or cassettes that cannot be used."""
        if self.options.replay is not None and self.options.record is not None:
            raise UsageProblem("--replay and --record exclude each other: leave one of them out")
        if self.options.replay is not None:
            self.session = self._replay(cassettes.path_of(self.options.replay, self.options.cassettes))
        else:
            self.session = self._live()
        self._withdraw_old_reports()

    def _replay(self, path: Path) -> Binance:
        self._open.enter_context(no_sockets())
        player = self._open.enter_context(contextlib.closing(Player(path)))
        label = player.label
        self._describe(label.environment, label.symbol, label.key, label)
        identity = Identity(label.key, signer=None if label.key.missing else _NoSigner())
        return self._binance(player, player, identity, label)

    def _live(self) -> Binance:
        loaded = settings.load(self.options.env_file, required=self.options.env_file_required)
        held = loaded.credentials
        for secret in (held.api_key, held.api_secret, settings.proxy_password(loaded.proxy)):
            if secret is not None:
                self.redactor.learn(secret.reveal())
        key = facts_of(held)
        urls = {Host.FUTURES: loaded.futures_url} | ({Host.WALLET: loaded.wallet_url} if loaded.wallet_url else {})
        self.hosts = tuple(urls.values())
        label = self._label(loaded, key)
        self._describe(loaded.environment, loaded.symbol, key, label if self.options.record is not None else None)
        http = self._open.enter_context(contextlib.closing(HttpTransport(urls, loaded.proxy, loaded.ca_bundle)))
        signer = HmacSigner(held.api_secret) if held.api_key and held.api_secret else None
        identity = Identity(key, held.api_key, signer)
        if self.options.record is None:
            return self._binance(http, _NoJournal(), identity, label)
        path = cassettes.path_of(self.options.record, self.options.cassettes)
        artefacts.make_folder(path.parent, "--record FOLDER/NAME")
        self._recorder = Recorder(path, label, self.redactor, http)
        return self._binance(self._recorder, self._recorder, identity, label)

    def _label(self, loaded: Settings, key: KeyFacts) -> Label:
        name = cassettes.path_of(self.options.record, Path()).stem if self.options.record is not None else ""
        return Label(
            name=printable(name, 60),
            recorded_at=self._blank.started_at,
            recorded_from="local exchange" if settings.is_local(loaded.futures_url) else loaded.environment,
            suite_version=__version__,
            environment=loaded.environment,
            symbol=loaded.symbol,
            recv_window=loaded.recv_window,
            has_wallet=loaded.wallet_url is not None,
            key=key,
        )

    def _binance(self, transport: Transport, journal: clock.Journal, identity: Identity, label: Label) -> Binance:
        return Binance(
            transport,
            identity,
            symbol=label.symbol,
            recv_window=label.recv_window,
            has_wallet=label.has_wallet,
            journal=journal,
            redactor=self.redactor,
        )

    def _describe(self, environment: str, symbol: str, key: KeyFacts, cassette: Label | None) -> None:
        self._blank = replace(self._blank, environment=environment, symbol=symbol, key=key, cassette=cassette)

    # -- what checks find --

    def blocker(self, check: Check) -> str | None:
        """The id of the check that keeps this one from being run, or None."""
        return blocker(check, self.findings)

    def add(self, finding: Finding) -> Finding:
        """Remembers a finding, cleaned of secrets. A check that is run again may not take back what it saw fail."""
        before = self.findings.get(finding.check.id)
        if before and before.outcome is Outcome.FAIL:
            return before
        detail = printable(self._fit_to_tell(finding.detail[: 4 * _LONGEST_DETAIL]), _LONGEST_DETAIL)
        cleaned = self.findings[finding.check.id] = replace(finding, detail=detail)
        return cleaned

    def _fit_to_tell(self, text: str) -> str:
        """Cleaned whole, and cut afterwards: half a secret or half a name would be known to nobody."""
        return self.redactor.without_names(self.redactor.clean(text))

    def note(self, name: str, value: Any) -> None:
        """Keeps a value for the top of verdict.json; names that are not in the contract are let go."""
        if name in NOTED:
            self._notes[name] = value

    # -- what is left behind --

    def report(self) -> RunReport:
        """The run as it stands."""
        return replace(
            self._blank,
            verdict=weigh(self.catalogue.checks, self.findings.values(), complete=self.complete),
            duration_ms=round(self._watch.seconds * 1000),
            findings=tuple(self.findings.values()),
            notes=dict(self._notes),
            calls=tuple(self.session.calls),
            weight_limit=self.session.weight_limit,
        )

    def finish(self, *, whole: bool) -> RunReport:
        """Ends the session and writes report.html, verdict.json and, after a whole recording, the cassette.

        Raises OSError where a file cannot be written, DirtyArtefact where one would have held a secret.
        """
        report = self.report()
        shared = report.masked(self.redactor.clean_shared)
        try:
            self._write_report(PAGE_FILE, page.render(shared))
            self._write_report(VERDICT_FILE, verdict_json.render(shared))
        except BaseException:
            (self.options.report_dir / PAGE_FILE).unlink(missing_ok=True)  # no page without its verdict
            raise
        if self._recorder and whole and self.findings:
            artefacts.write(self._recorder.path, self._recorder.text(), self.redactor.finds)
            self.recorded = self._recorder.path
        return report

    def close(self) -> None:
        """Gives back the network, and what a replay had shut."""
        self._open.close()

    def _withdraw_old_reports(self) -> None:
        artefacts.make_folder(self.options.report_dir, "--report-dir")
        verdict = self.options.report_dir / VERDICT_FILE
        try:
            self._write_report(VERDICT_FILE, verdict_json.render(self._blank))
            (self.options.report_dir / PAGE_FILE).unlink(missing_ok=True)
        except OSError as error:
            reason = error.strerror
        else:
            return
        with contextlib.suppress(OSError):
            verdict.unlink(missing_ok=True)  # rather none than an old one
        raise UsageProblem(
            f"the last run's reports cannot be replaced ({reason}): make room, or choose another --report-dir"
        )

    def _write_report(self, name: str, text: str) -> None:
        artefacts.write(self.options.report_dir / name, self.redactor.without_secrets(text), self.redactor.finds)


class _NoJournal:
    """Live, nobody asks for yesterday's clock."""

    def keep(self, key: str, fresh: list[float], *, vital: bool = True) -> list[float]:  # noqa: ARG002  the interface
        return fresh


class _NoSigner:
    """In replay there is no secret, and cassettes hold a constant in the signature's place."""

    def sign(self, payload: bytes) -> str:  # noqa: ARG002  the interface of a signer
        return scrubbing.CONSTANT
