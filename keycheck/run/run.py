"""One run: settings or cassette in, findings collected, verdict and reports out."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keycheck import __version__, clock
from keycheck.credentials.pasted_text import KeyFacts
from keycheck.diagnosis import remedies
from keycheck.diagnosis.cause import RUN_NOT_FINISHED
from keycheck.errors import Inconclusive, KeycheckError
from keycheck.exchange.evidence import Evidence
from keycheck.exchange.throttle import Countdown
from keycheck.redaction.redactor import Redactor, printable
from keycheck.report import artefacts
from keycheck.report.folder import ReportFolder
from keycheck.report.folder_lock import Hold
from keycheck.report.model import NOTED, RunReport
from keycheck.run import deferred_imports
from keycheck.run.catalogue import Catalogue
from keycheck.run.gather_evidence import evidence_of
from keycheck.run.open_session import OpenSession, Options, open_session
from keycheck.run.prefetch_plan import Claim, Plan
from keycheck.run.prefetcher import Prefetcher
from keycheck.settings import loading
from keycheck.verdict.findings import Check, Finding, Outcome, blocker, not_run
from keycheck.verdict.weighing import Verdict, weigh

if TYPE_CHECKING:
    from keycheck.diagnosis.cause import Diagnosis
    from keycheck.report.previous_run import PreviousRun

_LONGEST_DETAIL = 800


class NewRun:
    """A run whose session is not open yet.

    Its constructor withdraws the last run's verdict, so that no later failure can leave an old `ok` behind; it raises
    UsageProblem if it cannot. `hold`: the lock of `folder`, the report folder; `begun`: the report before any finding.
    """

    def __init__(
        self,
        options: Options,
        catalogue: Catalogue,
        redactor: Redactor,
        hold: Hold,
        countdown: Countdown = lambda *_: None,
    ) -> None:
        self._options = options
        self._catalogue = catalogue
        self._redactor = redactor
        self._countdown = countdown
        self._watch = clock.Stopwatch()
        self.folder = ReportFolder(hold, redactor)
        self.begun = RunReport(
            Verdict.UNPROVEN,
            __version__,
            clock.iso(clock.now_ms()),
            mode=options.mode,
            diagnosis=(RUN_NOT_FINISHED,),
            has_terminal=options.settings is None,  # a program that hands settings over sees only the report files
        )
        self._previous_run: "PreviousRun | None" = None  # noqa: UP037  imported below, if at all
        try:
            if options.compare is not None:
                from keycheck.report.previous_run import PreviousRun  # noqa: PLC0415  few runs are compared

                # Read before the verdict is withdrawn, which may be the same file.
                self._previous_run = PreviousRun(options.compare, hold)
        finally:
            self.folder.withdraw(self.begun)

    def open(self) -> "Run":
        """Opens the session. Raises UsageProblem if settings, files or cassettes cannot be used."""
        with contextlib.ExitStack() as resources:
            opened = open_session(self._options, self._redactor, self._countdown, self.begun.started_at, resources)
            label = opened.label
            begun = replace(
                self.begun,
                environment=label.environment,
                symbol=label.symbol,
                key=label.key if self._options.mode == "replay" else _unnamed(label.key),
                exchange=label.exchange,
                cassette=None if self._options.mode == "live" else label,
            )
            self.folder.withdraw(begun)
            if self._previous_run:
                self._previous_run.object_to(label.key, label.environment, label.symbol)
            return Run(
                opened,
                options=self._options,
                catalogue=self._catalogue,
                redactor=self._redactor,
                folder=self.folder,
                begun=begun,
                previous_run=self._previous_run,
                watch=self._watch,
                resources=resources.pop_all(),
            )


class Run:
    """An open run: gives the checks their session, collects their findings, and writes the reports.

    `begun`: the report of this run before any finding. `resources`: closed at its end.
    """

    def __init__(  # noqa: PLR0913  all parts of a run; NewRun.open is the one caller
        self,
        opened: OpenSession,
        *,
        options: Options,
        catalogue: Catalogue,
        redactor: Redactor,
        folder: ReportFolder,
        begun: RunReport,
        previous_run: "PreviousRun | None",
        watch: clock.Stopwatch,
        resources: contextlib.ExitStack,
    ) -> None:
        self.session, self.host, self.hosts = opened.session, opened.host, opened.hosts
        self.credential_files = opened.credential_files
        self.options = options
        self.catalogue = catalogue
        self.complete = catalogue.complete
        self.redactor = redactor
        self.folder = folder
        self.findings: dict[str, Finding] = {}
        self.recorded: Path | None = None
        self.remarks: list[str] = []
        self._notes: dict[str, Any] = {}
        self._recorder = opened.recorder
        self._prefetcher = Prefetcher(self.session, opened.cancel) if opened.cancel else None
        self.begun = begun
        self._previous_run = previous_run
        self._watch = watch
        self._resources = resources

    def ask_the_clock(self) -> None:
        """Sends the first request of a live run, without waiting for its answer. Call it if all checks are selected."""
        if self._prefetcher is not None:
            self._prefetcher.ask_the_clock()

    def begin(self, claims: Mapping[Check, Claim]) -> None:
        """Starts the run. `claims`: the selected checks in run order, each with its test function.

        If the checks need the exchange's clock, the run's first request is sent here, if not earlier. From here on, a
        live run prefetches the answers that the checks need.
        """
        plan = Plan(self.session, self.host, claims)
        if not plan.needs_the_clock:
            return  # the checks send two requests at most, and no signed one
        if self._prefetcher is not None:
            self._prefetcher.start(plan)
            with deferred_imports.delay_interrupts():
                self.folder.preload()
                if plan.looks_at_the_stream:
                    self.session.preload_stream()
        else:
            with contextlib.suppress(Inconclusive):  # the checks will report it
                self.session.clock_sample(1)
            self.session.memo.take_used_calls()  # this request belongs to no check

    # -- findings of checks --

    def blocker(self, check: Check) -> str | None:
        """The id of the check that keeps this one from being run, or None."""
        return blocker(check, self.findings)

    def add(self, finding: Finding, noted: Mapping[str, Any] | None = None) -> Finding:
        """Adds a check's finding, cleaned of secrets. `noted`: the facts that the check noted, by name.

        Facts with a field at the top of verdict.json are kept, others ignored. A fact of the wrong type makes the
        finding unproven. If a check is run again, its earlier failure stays.
        """
        check = replace(finding.check, fix=remedies.on(self.begun.environment or "", finding.check.fix))
        finding = replace(finding, check=check)
        used = self.session.memo.take_used_calls()  # even if this finding is dropped: they are not the next one's
        facts = {name: value for name, value in (noted or {}).items() if name in NOTED and value is not None}
        wrong = [name for name, value in facts.items() if not NOTED[name].fits(value)]
        self._notes |= {name: value for name, value in facts.items() if name not in wrong}
        if wrong:
            odd = " and ".join(f"{name}, which is not {NOTED[name].words}" for name in wrong)
            detail = f"the check itself is broken, which says nothing about the key: it noted {odd}. Correct the check"
            finding = replace(finding, outcome=Outcome.UNPROVEN, detail=detail, blocked_by=None, trouble="")
        before = self.findings.get(finding.check.id)
        if before and before.outcome is Outcome.FAIL:
            return before
        detail = printable(self._fit_to_tell(finding.detail[: 4 * _LONGEST_DETAIL]), _LONGEST_DETAIL)
        cleaned = self.findings[finding.check.id] = replace(finding, detail=detail, call_numbers=used)
        return cleaned

    def _fit_to_tell(self, text: str) -> str:
        """Removes secrets and names from a whole text, before it is cut: half of one would not be recognised."""
        return self.redactor.without_names(self.redactor.clean(text))

    # -- reports --

    def public_answers(self) -> str:
        """The text of this run's public answers, for other runs of this address; "" if they must not be used."""
        text = self.session.sharing.text()
        return "" if self.redactor.finds(text) else text

    def report(self) -> RunReport:
        """The report of the run so far."""
        verdict = weigh(self.catalogue.checks, self.findings.values(), complete=self.complete)
        evidence = self._evidence()
        return replace(
            self.begun,
            key=evidence.key if evidence.key_is_known else _unnamed(evidence.key),
            verdict=verdict,
            diagnosis=() if verdict is Verdict.OK else _diagnosis(evidence),
            duration_ms=round(self._watch.seconds * 1000),
            findings=tuple(self.findings.values()),
            notes=dict(self._notes),
            calls=evidence.calls,
            drift=evidence.drift,
            recv_window=evidence.recv_window,
            permissions=evidence.permissions,
            weight_limit=self.session.weight_limit,
            waited_s=round(self.session.waited),
            not_run=not_run(self.catalogue.checks, self.findings.values()),
            comparison=self._previous_run.beside(self.findings.values()) if self._previous_run else None,
        )

    def _evidence(self) -> Evidence:
        cassette = self.begun.cassette
        was = cassette if self.options.mode == "replay" else None
        return evidence_of(
            self.session,
            findings=tuple(self.findings.values()),
            checks=self.catalogue.checks,
            complete=self.complete,
            environment=self.begun.environment or "production",
            began=was.recorded_at if was else self.begun.started_at,
            system=was.system if was else loading.system(),
        )

    def _ask_what_decides(self) -> None:
        """Sends the requests that only the diagnosis needs, to distinguish causes of this verdict."""
        from keycheck.diagnosis import rules  # noqa: PLC0415  a run that is OK needs no rules

        for decides, ask in (
            (rules.account_info_decides, self.session.account_info),
            (rules.listen_key_decides, self.session.stream_key),
        ):
            if decides(self._evidence()):
                with contextlib.suppress(KeycheckError):  # without the answer the diagnosis is less sure
                    ask()

    def finish(self, *, whole: bool) -> RunReport:
        """Ends the session, and returns its report. `whole`: whether the run came to its end."""
        if self._prefetcher:
            self._prefetcher.stop()
        report = self.report()
        if whole and report.verdict is not Verdict.OK:
            self._ask_what_decides()
            report = self.report()
        return report

    def write(self, report: RunReport) -> None:
        """Writes the reports.

        Raises OSError if a file cannot be written, DirtyArtefact if one would have held a secret.
        """
        self.folder.write(report.masked(self.redactor.clean_shared))
        if (path := loading.step_summary()) is not None:
            try:
                self.folder.add_summary_to(path, self.options.env_file)
            except OSError as error:  # the verdict stands without it
                self.remarks.append(f"GITHUB_STEP_SUMMARY could not be written ({error.strerror}): let it name a file")

    def keep_recording(self, report: RunReport) -> None:
        """Writes the cassette of a run that was recorded and came to its end, which has this report.

        Raises OSError if it cannot be written, DirtyArtefact if it would have held a secret, and UsageProblem if a file
        of its name has appeared during the run.
        """
        recorder = self._recorder
        if recorder and self.findings:
            recorder.refuse_to_overwrite()
            text = recorder.text(report.key.last_four)
            try:
                artefacts.write(recorder.path, text, recorder.finds_secrets, new=not recorder.force)
            except FileExistsError:  # another run has made it since
                recorder.refuse_to_overwrite()
                raise
            self.recorded = recorder.path

    def close(self) -> None:
        """Ends the run's threads and connections. After a replay, the process may open connections again."""
        if self._prefetcher:
            self._prefetcher.stop()
        self._resources.close()


def _unnamed(key: KeyFacts) -> KeyFacts:
    """The facts without the key's last four characters, which belong to the secret if that was given as the key."""
    return replace(key, last_four=None)


def _diagnosis(evidence: Evidence) -> "tuple[Diagnosis, ...]":
    from keycheck.diagnosis.rules import diagnose  # noqa: PLC0415  a run that is OK needs no rules

    return diagnose(evidence)
