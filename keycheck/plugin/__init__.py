"""pytest glue: it translates between pytest and a Run, and decides nothing about keys.

This module has the fixtures, and decides whether this is a run of suite/ at all. `suite_run.py` has the hooks of such a
run, and `outcomes.py` translates findings into pytest's reports.
"""

import difflib
from collections.abc import Generator
from typing import Any, Protocol

import pytest

from keycheck import withdrawal
from keycheck.caller import SUITE, Caller
from keycheck.exchange.session import Binance
from keycheck.plugin import refused_options, time_limit
from keycheck.plugin.artefact_scan import ArtefactScan
from keycheck.plugin.clean_streams import bare, replace_streams
from keycheck.plugin.ending import Ending
from keycheck.plugin.guard import Guard
from keycheck.plugin.junit import JunitTexts
from keycheck.plugin.outcomes import OBSERVED, WithoutTracebacks
from keycheck.plugin.prometheus_file import PrometheusFile
from keycheck.plugin.suite_run import SuiteRun
from keycheck.plugin.written_files import WRITTEN, Written
from keycheck.redaction.redactor import Redactor, printable
from keycheck.run import vocabulary
from keycheck.run.host_facts import HostFacts
from keycheck.run.run import Run
from keycheck.settings import loading


class Observe(Protocol):
    """The type of the fixture `observe`: notes one sentence for people, and values by their names in verdict.json."""

    def __call__(self, sentence: str = "", /, **values: Any) -> None: ...


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    # pytest calls this before it reads any conftest.py but the root's. So the guard already hides the environment's
    # credentials when such a file prints or raises something.
    Ending.register(pluginmanager)
    pluginmanager.register(Written(), WRITTEN)
    if not pluginmanager.is_blocked("keycheck-guard"):
        caller = Caller.of(pluginmanager)
        known = loading.in_the_environment(caller.settings if caller else None)
        guard = Guard(Redactor(known, vocabulary=vocabulary.of))
        guard.wrap_streams(pluginmanager.get_plugin("capturemanager"))


def pytest_configure(config: pytest.Config) -> None:
    if _is_suite_run(config):
        refused_options.disarm(config)
        time_limit.refuse_unusable_settings(config)
        suite_run = SuiteRun(config)
        config.pluginmanager.register(suite_run, "keycheck-suite")
        if not suite_run.tracebacks:
            config.pluginmanager.register(WithoutTracebacks(suite_run.is_check), "keycheck-brief")
        config.pluginmanager.register(Guard(suite_run.redactor), "keycheck-guard")
        config.pluginmanager.register(time_limit.TimeLimit(), "keycheck-time-limit")
        config.pluginmanager.register(JunitTexts(suite_run.redactor.clean_shared), "keycheck-junit")
        if prom := config.getoption("prom", None):
            file = PrometheusFile(config.invocation_params.dir / prom, suite_run)
            config.pluginmanager.register(file, "keycheck-prometheus")
        gate = ArtefactScan(suite_run.redactor, suite_run.options, config)
        config.pluginmanager.register(gate, "keycheck-artefact-scan")
    elif config.args:  # empty with --help
        replace_streams(bare, config.pluginmanager.get_plugin("capturemanager"))  # for other tests, the bare streams


@pytest.hookimpl(wrapper=True)
def pytest_report_header(config: pytest.Config) -> Generator[None, list[Any], list[Any]]:
    """Leaves two things out of the header: the time-outs of suite/, and the pytest.ini that only older pytests read."""
    config._ignored_config_files = [name for name in config._ignored_config_files if name != "pytest.ini"]
    headers = yield
    return [one for one in headers if not (_is_suite_run(config) and str(one).startswith("['timeout: "))]


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Answers `--explain`, without a run, a request or a change of the reports."""
    wanted = config.getoption("explain", None)
    if wanted is None:
        return None
    from keycheck.diagnosis.cause import CAUSES  # noqa: PLC0415  a run does not need them
    from keycheck.run import catalogue, explain  # noqa: PLC0415  as above

    checks = catalogue.read(config.rootpath / SUITE)
    causes = [cause for names in CAUSES.values() for cause in names]
    name = wanted.removeprefix("test_")
    if name not in checks and name not in causes:
        known = [*(check.id for check in checks.checks), *causes]
        similar = [one for one in known if name and name in one] or difflib.get_close_matches(name, known, n=3)
        raise pytest.UsageError(f"there is no check or cause {printable(name, 60)}: {_suggestion(similar)}")
    print(explain.explain(checks[name]) if name in checks else explain.explain_cause(name))
    return pytest.ExitCode.OK


def _suggestion(similar: list[str]) -> str:
    return f"did you mean {', '.join(similar)}?" if similar else "docs/checks.md lists the checks and the causes"


@pytest.hookimpl(optionalhook=True)
def pytest_metadata(metadata: dict[str, Any], config: pytest.Config) -> None:
    """Empties pytest-html's environment table: platform, paths and CI variables do not belong in a shared file."""
    if _is_suite_run(config):
        metadata.clear()


@pytest.fixture(scope="session")
def binance(pytestconfig: pytest.Config) -> Binance:
    """The session of the run, shared by all checks: it asks Binance."""
    return _run(pytestconfig).session


@pytest.fixture(scope="session")
def host(pytestconfig: pytest.Config) -> HostFacts:
    """The facts about this machine."""
    return _run(pytestconfig).host


def _run(config: pytest.Config) -> Run:
    suite_run = config.pluginmanager.get_plugin("keycheck-suite")
    if not isinstance(suite_run, SuiteRun) or suite_run.run is None:
        pytest.exit("suite/ is run without its plugin: leave --rootdir and -p no: out", pytest.ExitCode.USAGE_ERROR)
    return suite_run.run


@pytest.fixture
def observe(record_property: Any) -> Observe:
    """Records an observation through pytest's `record_property`, which puts it into JUnit XML, too."""

    def note(sentence: str = "", /, **values: Any) -> None:
        for name, value in (({OBSERVED: sentence} if sentence else {}) | values).items():
            if value is not None:
                record_property(name, value)

    return note


def _is_suite_run(config: pytest.Config) -> bool:
    return withdrawal.is_suite_run(config, config.args)
