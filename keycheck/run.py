"""One run, put together: settings or cassette in, findings collected, verdict and reports out."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from keycheck import __version__, cassettes, clock, comparison, settings
from keycheck.binance import Binance
from keycheck.cassettes import scrubbing
from keycheck.cassettes.label import Label
from keycheck.cassettes.player import Player
from keycheck.cassettes.recorder import Recorder
from keycheck.catalogue import Catalogue
from keycheck.channel import Identity, Listener, Transport
from keycheck.comparison import Previous
from keycheck.credentials import KeyFacts, facts_of
from keycheck.diagnosis import account_info_decides, diagnose
from keycheck.endpoints import WEIGHT_LIMITS, Host
from keycheck.errors import CannotLook, NotApplicable, UsageProblem
from keycheck.evidence import Evidence
from keycheck.findings import Check, Finding, Outcome, blocker
from keycheck.machine import Machine
from keycheck.network.inert import no_sockets
from keycheck.redaction import Redactor, printable
from keycheck.report import artefacts
from keycheck.report.folder import VERDICT_FILE, ReportFolder
from keycheck.report.model import NOTED, Mode, RunReport
from keycheck.secrets import Secret
from keycheck.settings import Settings
from keycheck.signing import signer_of
from keycheck.verdict import Verdict, weigh
from keycheck.waiting import Countdown, Waiting

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
    compare: Path | None = None

    @property
    def mode(self) -> Mode:
        return "replay" if self.replay is not None else "record" if self.record is not None else "live"


class Run:
    """Opens the session that the checks share, remembers what they found, and leaves the reports behind.

    Constructing it withdraws the last run's verdict, so that whatever goes wrong from here on, no old `ok` is left.
    Raises UsageProblem where that cannot be done.
    """

    def __init__(
        self, options: Options, catalogue: Catalogue, redactor: Redactor, countdown: Countdown = lambda *_: None
    ) -> None:
        self.options = options
        self.catalogue = catalogue
        self.complete = catalogue.complete
        self.redactor = redactor
        self.findings: dict[str, Finding] = {}
        self.hosts: tuple[str, ...] = ()
        self.recorded: Path | None = None
        self.remarks: list[str] = []
        self._countdown = countdown
        self._notes: dict[str, Any] = {}
        self._recorder: Recorder | None = None
        self._watch = clock.Stopwatch()
        self._open = contextlib.ExitStack()
        self.folder = ReportFolder(options.report_dir, redactor)
        self._blank = RunReport(Verdict.UNPROVEN, __version__, clock.iso(clock.now_ms()), mode=options.mode)
        try:
            self._previous = _earlier(options.compare)  # which may be the very file that is withdrawn now
        finally:
            self.folder.withdraw(self._blank)

    def open(self) -> None:
        """Opens the session. Raises UsageProblem for settings, files or cassettes that cannot be used."""
        if self.options.replay is not None and self.options.record is not None:
            raise UsageProblem("--replay and --record exclude each other: leave one of them out")
        if self.options.replay is not None:
            self.session = self._replay(cassettes.path_of(self.options.replay, self.options.cassettes))
        else:
            self.session = self._live()
        self.folder.withdraw(self._blank)
        if self._previous and (why := comparison.objection(self._previous, self._blank.key, self._blank.environment)):
            raise UsageProblem(why)

    def _replay(self, path: Path) -> Binance:
        self._open.enter_context(no_sockets())
        player = Player(path)
        label = player.label
        self._describe(label.environment, label.symbol, label.key, label)
        identity = Identity(label.key, signer=None if label.key.missing else _NoSigner())
        deaf = _NoStream("a replay opens no connection, so it cannot tell whether the stream is alive")
        return self._binance(player, player, identity, label, Machine(), deaf if label.has_stream else None)

    def _live(self) -> Binance:
        loaded = settings.load(self.options.env_file, required=self.options.env_file_required)
        held = loaded.credentials
        password = settings.proxy_password(loaded.proxy)
        for text in [*held.to_hide(), *([password.reveal()] if password else [])]:
            self.redactor.learn(text)
        signer = signer_of(held)  # which may be the first to look into a private key: all of it is known by now
        key = facts_of(held, signer.type if signer else None)
        urls = {Host.FUTURES: loaded.futures_url} | ({Host.WALLET: loaded.wallet_url} if loaded.wallet_url else {})
        self.hosts = tuple(urls.values())
        label = self._label(loaded, key)
        self._describe(loaded.environment, loaded.symbol, key, label if self.options.record is not None else None)
        from keycheck.network.transport import HttpTransport  # noqa: PLC0415  a replay does without any HTTP library

        http = self._open.enter_context(contextlib.closing(HttpTransport(urls, loaded.proxy, loaded.ca_bundle)))
        identity = Identity(key, held.api_key, signer if held.api_key else None)
        machine, listener = Machine(loaded.credential_files), self._listener(loaded)
        if self.options.record is None:
            return self._binance(http, _NoJournal(), identity, label, machine, listener)
        path = cassettes.path_of(self.options.record, self.options.cassettes)
        artefacts.make_folder(path.parent, "--record FOLDER/NAME")
        self._recorder = Recorder(path, label, self.redactor, http)
        return self._binance(self._recorder, self._recorder, identity, label, machine, listener)

    def _listener(self, loaded: Settings) -> Listener | None:
        if not loaded.user_stream:
            return None
        if loaded.stream_url is None:
            return _NoStream("BINANCE_FUTURES_URL names another host; BINANCE_STREAM_URL would say where its stream is")
        from keycheck.network.stream import Stream  # noqa: PLC0415  as HttpTransport

        self.hosts += (loaded.stream_url,)
        return Stream(loaded.stream_url, self.redactor.clean, loaded.proxy, loaded.ca_bundle)

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
            system=settings.system(),
            has_stream=loaded.user_stream,
        )

    def _binance(  # noqa: PLR0913, PLR0917  what differs between a replay, a run and a recording
        self,
        transport: Transport,
        journal: clock.Journal,
        identity: Identity,
        label: Label,
        machine: Machine,
        listener: Listener | None,
    ) -> Binance:
        pause = clock.NoSleep() if self.options.mode == "replay" else clock.Sleep()
        return Binance(
            transport,
            identity,
            symbol=label.symbol,
            recv_window=label.recv_window,
            has_wallet=label.has_wallet,
            journal=journal,
            redactor=self.redactor,
            machine=machine,
            listener=listener,
            waiting=Waiting(pause, WEIGHT_LIMITS[label.environment], self._countdown),
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
        used = self.session.take_used_calls()
        cleaned = self.findings[finding.check.id] = replace(finding, detail=detail, call_numbers=used)
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
        verdict = weigh(self.catalogue.checks, self.findings.values(), complete=self.complete)
        evidence = self._evidence()
        return replace(
            self._blank,
            verdict=verdict,
            diagnosis=() if verdict is Verdict.OK else diagnose(evidence),
            duration_ms=round(self._watch.seconds * 1000),
            findings=tuple(self.findings.values()),
            notes=dict(self._notes),
            calls=evidence.calls,
            drift=evidence.drift,
            recv_window=evidence.recv_window,
            permissions=evidence.permissions,
            weight_limit=self.session.weight_limit,
            waited_s=round(self.session.waited),
            comparison=comparison.compare(self._previous, tuple(self.findings.values())) if self._previous else None,
        )

    def _evidence(self) -> Evidence:
        cassette = self._blank.cassette
        was = cassette if self.options.mode == "replay" else None
        return replace(
            self.session.evidence,
            findings=tuple(self.findings.values()),
            environment=self._blank.environment or "production",
            began=was.recorded_at if was else self._blank.started_at,
            system=was.system if was else settings.system(),
        )

    def finish(self, *, whole: bool) -> RunReport:
        """Ends the session, writes the reports and, after a whole recording, the cassette.

        Raises OSError where a file cannot be written, DirtyArtefact where one would have held a secret.
        """
        if whole and account_info_decides(self._evidence()):
            with contextlib.suppress(CannotLook):  # then the diagnosis is less sure
                self.session.account_info()
        report = self.report()
        shared = report.masked(self.redactor.clean_shared)
        self.folder.write(shared)
        if (path := settings.step_summary()) is not None:
            try:
                self.folder.add_summary_to(path)
            except OSError as error:  # the verdict stands without it
                self.remarks.append(f"GITHUB_STEP_SUMMARY could not be written ({error.strerror})")
        if self._recorder and whole and self.findings:
            artefacts.write(self._recorder.path, self._recorder.text(), self.redactor.finds)
            self.recorded = self._recorder.path
        return report

    def close(self) -> None:
        """Gives back the network, and what a replay had shut."""
        self._open.close()


def _earlier(path: Path | None) -> Previous | None:
    """The run to compare with. Raises UsageProblem for a file that tells of none."""
    if path is None:
        return None
    file = path / VERDICT_FILE if path.is_dir() else path
    try:
        with file.open("rb") as opened:
            text = opened.read(comparison.MAX_FILE + 1).decode("utf-8", "replace")
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    else:
        with contextlib.suppress(ValueError):
            return comparison.previous_from(text if len(text) <= comparison.MAX_FILE else "")
        problem = "is no verdict.json of this suite"
    name = printable(file.name, 60)
    raise UsageProblem(f"--compare: {name} {problem}. Give the verdict.json of an earlier run, or the folder it is in")


class _NoJournal:
    """Live, nobody asks for yesterday's clock."""

    def keep(self, key: str, fresh: list[float], *, vital: bool = True) -> list[float]:  # noqa: ARG002  the interface
        return fresh

    def remember(self, key: str, ask: Callable[[], list[str]]) -> list[str]:  # noqa: ARG002  the interface
        return ask()


class _NoStream:
    """Where there is a listen key, and nothing that could listen."""

    def __init__(self, why: str) -> None:
        self._why = why

    def listen(self, listen_key: Secret, seconds: float) -> NoReturn:  # noqa: ARG002  the interface of a listener
        raise NotApplicable(self._why)


class _NoSigner:
    """In replay there is no secret, and cassettes hold a constant in the signature's place."""

    def sign(self, payload: bytes) -> str:  # noqa: ARG002  the interface of a signer
        return scrubbing.CONSTANT
