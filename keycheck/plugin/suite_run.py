"""The main plugin of a run of suite/: translates pytest's hooks into calls of `run.Run`."""

import contextlib
import functools
import sys
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from _pytest.outcomes import Failed
from _pytest.terminal import TerminalReporter

from keycheck import cassettes, withdrawal
from keycheck.caller import SUITE, Caller
from keycheck.errors import DirtyArtefact, UsageProblem
from keycheck.plugin import refused_options
from keycheck.plugin.countdown import Countdown
from keycheck.plugin.ending import EXIT_DIRTY, Ending, cannot_be_written, say
from keycheck.plugin.junit import add_verdict
from keycheck.plugin.outcomes import Blocked, apply_outcome, finding_of, status_of
from keycheck.plugin.tracebacks import leave_out_unknown_lines
from keycheck.plugin.written_files import Written
from keycheck.redaction.redactor import Redactor, printable
from keycheck.report import table, terminal
from keycheck.report.folder import ReportFolder
from keycheck.report.folder_lock import LOCK_FILE, PAGE_FILE, REPORTS, SUMMARY_FILE, VERDICT_FILE
from keycheck.report.model import RunReport
from keycheck.run import catalogue, vocabulary
from keycheck.run.open_session import Options
from keycheck.run.run import NewRun, Run
from keycheck.settings import loading, sources
from keycheck.verdict.findings import Check, Outcome


def _sources_of_pages() -> list[Path]:
    """The folder of pytest-html's templates and styles, if it is loaded: their texts are in each of its pages."""
    module = sys.modules.get("pytest_html")
    return [Path(module.__file__).parent] if module and module.__file__ else []


class SuiteRun:
    """The hooks of a run of suite/."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.suite = (config.rootpath / SUITE).resolve()
        self.catalogue = catalogue.read(self.suite)
        caller = Caller.of(config.pluginmanager)
        self._shipped = caller.shipped if caller else None
        self._settings = caller.settings if caller else None
        self._shared = caller.shared if caller else ""
        words = vocabulary.words_of_claims(self.catalogue)
        names = loading.names_of_this_machine(withdrawal.home_of(config), config.rootpath, words=words)
        # Until the settings are read, the redactor knows the environment's credentials. Replays never read more.
        known = loading.in_the_environment(self._settings)
        self.redactor = Redactor(known, names, lambda: vocabulary.of(self.catalogue, _sources_of_pages()))
        self.hold = withdrawal.hold_of(config, config.option)
        self.options = self._options()
        self.run: Run | None = None  # None until its session is open
        # None until the last verdict is withdrawn: the report folder, and the report without findings.
        self.folder: ReportFolder | None = None
        self.begun: RunReport | None = None
        self.report: RunReport | None = None
        self._unwritten: RunReport | None = None  # a report that could not be written: only the terminal shows it
        self._begun = self._is_printed = False
        self._reported: dict[str | None, Any] = {}  # the node ids of the checks that were reported, by check id
        self._ended: set[Check] = set()  # the checks whose functions ran to their last line
        # A failed check is shown as one sentence at the end, and with its traceback under -vv or an explicit --tb.
        self.tracebacks = self._option("verbose", 0) >= 2 or self._option("tbstyle", "auto") != "auto"

    def _option(self, name: str, default: Any = None) -> Any:
        return getattr(self.config.option, name, default)  # -p no:terminal removes the terminal's options

    @property
    def _looks_only(self) -> bool:
        return withdrawal.looks_only(self.config.option)

    # -- begin --

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        try:
            if self._looks_only:  # pytest and its plugins write their files all the same
                self._refuse_lost_credentials([self.options.env_file])
                return
            try:
                new_run = NewRun(self.options, self.catalogue, self.redactor, self.hold, Countdown(self.config))
            finally:  # if the folder is refused, a log file that pytest has just opened in it may be the reason
                self._refuse_lost_reports()
            self.folder, self.begun = new_run.folder, new_run.begun
            refused_options.refuse(self.config, self.suite)
            self.run = run = new_run.open()
            self.begun = run.begun
            self._refuse_lost_credentials([self.options.env_file, *run.credential_files])
        except UsageProblem as problem:
            message = str(problem)
        else:
            if self._will_run_all:  # pytest collects the checks while the answer is under way
                self.run.ask_the_clock()
            return
        raise pytest.UsageError(message)

    @property
    def _will_run_all(self) -> bool:
        """Whether this run has all checks: each file can be read, and no path or option of pytest leaves one out."""
        leaves_out = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise", "setuponly")
        places = withdrawal.places(self.config, self.config.args)
        return self.catalogue.complete and self.suite in places and not any(map(self._option, leaves_out))

    def _refuse_lost_reports(self) -> None:
        reports = [self.options.report_dir / name for name in (*REPORTS, LOCK_FILE)]
        if (file := Written.of(self.config).overwritten(reports)) is not None:
            raise UsageProblem(
                f"{file.name} in the report folder is written by the suite itself: let --junitxml, --html, --log-file "
                "and --prom name other files"
            )

    def _refuse_lost_credentials(self, files: list[Path]) -> None:
        written = Written.of(self.config)
        if (file := written.overwritten_file(files) or written.credentials()) is not None:
            raise UsageProblem(
                f"{printable(file.name, 60)} holds credentials, and another file would take its place: let --junitxml, "
                "--html, --log-file and --prom name other files"
            )

    def _options(self) -> Options:
        home, here = withdrawal.home_of(self.config), self.config.invocation_params.dir
        env_file, replay = self._option("env_file"), self._option("replay")
        return Options(
            env_file=here / env_file if env_file else home / ".env",
            env_file_required=bool(env_file),
            report_dir=self.hold.folder,
            cassettes=cassettes.folder_of(replay, home / "cassettes", self._shipped),
            settings=self._settings,
            shared=self._shared,
            replay=replay,
            record=self._option("record"),
            force=bool(self._option("force")),
            compare=here / compare if (compare := self._option("compare")) else None,
            probe=self._option("verbose", 0) >= 2,
        )

    def pytest_report_header(self) -> list[str]:
        if self.run is None:
            return []
        key, env_file = self.run.begun.key, self.options.env_file
        here = self.config.invocation_params.dir
        folder = str(_shown(env_file.parent, here))
        from_ = "as recorded; a replay reads no settings file and no credentials"
        if self.options.mode != "replay":
            kind = "private key" if key.has_private_key else "secret"
            folder = "this folder" if folder == "." else folder
            from_ = sources.header(key.sources, str(_shown(env_file, here)), folder, kind)
        return [*terminal.header(self.run.begun, self.run.hosts), f"settings: {from_}"]

    # -- collect --

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        if isinstance(collector, pytest.Module) and self._is_inside(collector.path) and report.passed:
            wrong = [*self.catalogue.faults.get(collector.path.name, []), *self._not_checks(collector, report.result)]
            if wrong:
                report.outcome, report.longrepr, report.result = "failed", "\n".join(dict.fromkeys(wrong)), []
        if report.failed and self.run:
            self.run.complete = False
        return report

    @functools.cached_property
    def _is_inside(self) -> Callable[[Path], bool]:
        """A function that says whether a file lies in suite/. It caches its answers: hooks call it for each test."""
        return functools.cache(lambda path: self.suite in path.resolve().parents)

    def _not_checks(self, module: pytest.Module, nodes: list[Any]) -> list[str]:
        names = [getattr(node, "originalname", node.name).removeprefix("test_") for node in nodes]
        return [
            catalogue.no_plain_function(name)
            for name in dict.fromkeys(names)
            if names.count(name) > 1 or name not in self.catalogue or self.catalogue[name].file != module.path.name
        ]

    # -- run --

    def _check(self, item: pytest.Item) -> Check | None:
        name = getattr(item, "originalname", item.name).removeprefix("test_")
        if not self._is_inside(item.path) or name not in self.catalogue:
            return None
        return self.catalogue[name] if self.catalogue[name].file == item.path.name else None

    def is_check(self, item: pytest.Item) -> bool:
        """Whether this test is one of the claims of suite/."""
        return self._check(item) is not None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Before the first check, hands the selected checks to the run."""
        if self.run and not self._begun and not self._option("setuponly"):
            self._begun = True
            with contextlib.suppress(Failed):  # raised by pytest-timeout; the checks will report the slow request
                functions = [one for one in item.session.items if isinstance(one, pytest.Function)]
                self.run.begin({check: one.function for one in functions if (check := self._check(one))})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        check = self._check(item)
        if self.run and check and (by := self.run.blocker(check)):
            raise Blocked(by)
        if check and isinstance(item, pytest.Function):
            self._ended.discard(check)
            item.obj = self._noting_its_end(check, item.obj)

    def _noting_its_end(self, check: Check, claim: Callable[..., None]) -> Callable[..., None]:
        """Wraps a check's function to note that it ran to its end. If a user quits a debugger, pytest sees a pass."""

        @functools.wraps(claim)
        def wrapped(**fixtures: Any) -> None:
            __tracebackhide__ = True
            claim(**fixtures)
            self._ended.add(check)

        return wrapped

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        if call.excinfo:
            leave_out_unknown_lines(call.excinfo.value)
        report = yield
        check = self._check(item)
        if self.run and check and call.when != "teardown" and (call.when == "call" or call.excinfo):
            noted = {name: value for name, value in item.user_properties if isinstance(name, str)}
            finding = self.run.add(finding_of(check, call, noted, self.suite, ended=check in self._ended), noted)
            finding = replace(finding, detail=self.redactor.clean_shared(finding.detail))
            apply_outcome(report, finding, item, tracebacks=self.tracebacks)
            if finding.outcome is Outcome.NOT_APPLICABLE:
                call.excinfo = None  # --pdb would stop here
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Makes --lf rerun a blocked or unproven check, and its blocker: pytest itself does not keep skipped tests."""
        finding = getattr(report, "keycheck", None)
        last_failed = getattr(self.config.pluginmanager.get_plugin("lfplugin"), "lastfailed", None)
        if finding is None or last_failed is None:
            return
        self._reported[finding.check.id] = report.id
        if finding.outcome in (Outcome.BLOCKED, Outcome.UNPROVEN):
            names = (finding.check.id, finding.blocked_by)
            last_failed.update({self._reported[name]: True for name in names if name in self._reported})

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        return status_of(report)

    # -- end --

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self.run is not None:
            self._finish(self.run, session, exitstatus)
            status = Ending.of(self.config).so_far(int(session.exitstatus))
            add_verdict(self.config, self.report or self.run.begun, status)

    def _finish(self, run: Run, session: pytest.Session, exitstatus: int) -> None:
        done = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        report = None
        try:
            report = run.finish(whole=done)
            run.write(report)
        except OSError as error:
            self._unwritten = report
            self._fail(session, f"The reports could not be written ({error.strerror}): make room, or use --report-dir.")
            return
        except DirtyArtefact as dirt:
            self._fail(session, str(dirt), EXIT_DIRTY)
            return
        except Exception as error:  # noqa: BLE001  otherwise pytest would exit with 1 and print no verdict
            self._fail(session, f"The reports could not be written ({type(error).__name__}): report this as a bug.")
            return
        self.report = report
        if done:
            session.exitstatus = report.verdict.exit_status
            self._keep_recording(run, report, session)
        elif run.options.record is not None:
            run.remarks.append("no cassette, because the run did not come to its end")

    def _keep_recording(self, run: Run, report: RunReport, session: pytest.Session) -> None:
        """Writes the cassette. If that fails, the verdict and the reports stand, and the exit status tells of it."""
        try:
            run.keep_recording(report)
        except OSError as error:
            Ending.of(self.config).note(cannot_be_written("the cassette", error))
        except UsageProblem as problem:
            Ending.of(self.config).note(f"the cassette was not kept: {problem}")
        except DirtyArtefact as dirt:
            self._fail(session, str(dirt), EXIT_DIRTY)

    def _fail(self, session: pytest.Session, text: str, exit_status: int = pytest.ExitCode.INTERNAL_ERROR) -> None:
        """Prints why a file could not be written. If it is a report, verdict.json is still that of the run's start."""
        session.exitstatus = exit_status
        say(self.config, text)

    def settled(self, status: int) -> int:
        """The run's exit status. `status`: that of pytest or another plugin; 0 and 1 are replaced by the verdict's."""
        if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return status
        if self.report is not None:
            return self.report.verdict.exit_status
        return pytest.ExitCode.INTERNAL_ERROR if self.run or status == pytest.ExitCode.TESTS_FAILED else status

    def pytest_unconfigure(self) -> None:
        if self.run:
            self.run.close()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> Generator[None, None, None]:
        # pytest's own list of failures would repeat the findings. Its lists of other problems stay.
        failed = [] if self.tracebacks else terminalreporter.stats.pop("failed", [])
        try:
            yield
        except (KeyboardInterrupt, pytest.exit.Exception):
            raise
        except BaseException as error:  # noqa: BLE001  from another plugin, so it does not affect the verdict
            Ending.of(self.config).note(error)
        if failed:
            terminalreporter.stats["failed"] = failed
        self.tell(terminalreporter)

    def tell(self, terminalreporter: TerminalReporter) -> None:
        """Prints the verdict and the findings behind it, once."""
        report = self.report or self._unwritten
        if self.run is None or report is None or self._is_printed:
            return
        self._is_printed = True
        terminalreporter.section("keycheck")
        folder = _shown(self.run.options.report_dir, self.config.invocation_params.dir)
        written = f"{folder / PAGE_FILE} and {folder / VERDICT_FILE}; for a ticket: {folder / SUMMARY_FILE}"
        if self.report is None:
            written = "none, because it could not be written"
        if self.run.recorded:
            written += f"; cassette: {_shown(self.run.recorded, self.config.invocation_params.dir)}"
        written = "; ".join([written, *self.run.remarks])
        for text, style in terminal.summary(report, written, terminalreporter._tw.fullwidth - 1):
            terminalreporter.write_line(text, **({style: True} if style else {}))

    # -- pytest-html --

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        if self.report is not None:
            from keycheck.report import page  # noqa: PLC0415  the run has imported it by now

            shared = self.report.masked(self.redactor.clean_shared)
            prefix.append(page.render_section(shared, self.redactor.without_secrets))

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        report.title = "Keycheck"

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        cells[1:2] = table.HEAD

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        if len(cells) > 1:
            cells[1:2] = table.cells(getattr(report, "keycheck", None), report.nodeid)


def _shown(folder: Path, here: Path) -> Path:
    """A path as it is shown: relative if it is in the working directory, else absolute; never with a `..`."""
    try:
        return folder.resolve().relative_to(here.resolve())
    except ValueError:
        return folder.resolve()
