"""The first plugin of a run: locks the report folder and withdraws the last verdict before other imports.

pytest.toml names it, so that it is loaded before every other plugin; conftest.py names it again, for a run with other
`addopts`. Before it, only Python and pytest itself have started, and no code of ours can run. It adds all options,
because it needs them to understand the command line.
"""

import argparse
import contextlib
import copy
import itertools
import os
import shlex
import sys
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest

from keycheck import exit_status
from keycheck.caller import SUITE, Caller
from keycheck.errors import UsageProblem
from keycheck.process_limits import shortage
from keycheck.report.folder_lock import Hold

NO_DEBUG = "--debug does not go with suite/: its file would hold answers, addresses and folders. Leave it out"
_HOLD = "keycheck-hold"
# The plugins without which a run or its checks would fail, and pytest would exit with 1.
_NEEDED = ("keycheck.plugin", "keycheck-suite", "keycheck-ending", "keycheck-written", _HOLD)
# Options with which pytest only lists something: it runs nothing, and the last reports stay.
_LISTING_OPTIONS = ("collectonly", "showfixtures", "show_fixtures_per_test", "cacheshow", "markers", "help", "version")


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    group = parser.getgroup("keycheck")
    if group.options:  # -p no:keycheck.withdrawal took this plugin out, and another -p put it in again
        return
    group.addoption("--force", action="store_true", help="let --record replace an older cassette")
    group.addoption("--explain", metavar="ID", help="what a check claims and sends, or a cause means; runs nothing")
    for name, metavar, meaning in (
        ("--replay", "NAME", "offline, from cassettes/NAME.yaml or from a path"),
        ("--record", "NAME", "live, and keep a scrubbed cassette as cassettes/NAME.yaml"),
        ("--compare", "VERDICT", "what changed since an earlier verdict.json of the same key"),
        ("--env-file", "PATH", "settings file (default: .env beside conftest.py)"),
        ("--report-dir", "DIR", "where reports go (default: reports/ beside conftest.py)"),
        ("--prom", "FILE", "write the verdict for Prometheus' textfile collector"),
    ):
        # A shell expands `~` after a blank, and most do not after `=`. An option without a value, as an unset variable
        # leaves it, has an empty one: the run refuses it, and by then has withdrawn the last verdict.
        group.addoption(name, type=os.path.expanduser, nargs="?", const="", metavar=metavar, help=meaning)
    config = pluginmanager.get_plugin("pytestconfig")
    if not isinstance(config, pytest.Config):
        return
    given = [*config.getini("addopts"), *shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))]
    given += config.invocation_params.args
    try:
        option, unknown = parser.parse_known_and_unknown_args(given, namespace=copy.copy(config.option))
    except pytest.UsageError:
        return  # pytest will report it
    _refuse_another_root(config, option)
    readings = (option.file_or_dir, _surely_paths(option.file_or_dir, given, unknown))
    if all(is_suite_run(config, _paths(config, option, named)) for named in readings):
        _start(config, option)
    _refuse_credentials_as_arguments(given)


def _refuse_credentials_as_arguments(given: list[str]) -> None:
    """Raises UsageError for `@.env`: pytest takes the lines of such a file for arguments, and repeats unknown ones."""
    for argument in given:
        if argument.startswith("@"):
            from keycheck.settings.dotenv_file import holds_credentials  # noqa: PLC0415  an ordinary run has no @

            if holds_credentials(Path(argument[1:])):
                raise pytest.UsageError("@ before a settings file makes pytest show its lines: use --env-file=FILE")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Starts the run, unless it has started. Only now are all options known, and so which arguments are paths."""
    option = early_config.known_args_namespace
    is_run = is_suite_run(early_config, _paths(early_config, option, option.file_or_dir))
    if is_run:
        for name in _NEEDED:
            if early_config.pluginmanager.is_blocked(name) and not looks_only(option):
                raise pytest.UsageError(f"-p no:{name} takes a part of the suite's own plugin away: leave it out")
        _start(early_config, option)
        if option.debug and not looks_only(option):  # pytest empties its file as soon as all plugins are loaded
            raise pytest.UsageError(NO_DEBUG)
        _refuse_a_full_disk(option)
    else:
        _refuse_a_misspelt_suite(early_config, option.file_or_dir)
    try:
        yield
    except SystemExit as end:
        if not is_run or end.code == pytest.ExitCode.USAGE_ERROR:  # the latter is the project's own conftest.py
            raise
        raise pytest.UsageError("a conftest.py raised SystemExit, so nothing was run: take that out") from None


def _refuse_a_full_disk(option: argparse.Namespace) -> None:
    """Raises UsageError if pytest cannot capture into a temporary file: its own traceback would name folders."""
    import tempfile  # noqa: PLC0415  pytest has imported it by now

    if getattr(option, "capture", "") == "fd":
        try:
            tempfile.gettempdir()
        except FileNotFoundError:
            raise pytest.UsageError(
                "no folder for temporary files can be used: make room on the disk, or set TMPDIR to a folder"
            ) from None


def _refuse_a_misspelt_suite(config: pytest.Config, named: list[str]) -> None:
    """Raises UsageError for a misspelt suite/: for a missing path, pytest loads tests/conftest.py, which may fail."""
    import difflib  # noqa: PLC0415  a run of the suite does not need it here

    from keycheck.redaction.redactor import printable  # noqa: PLC0415  as above

    for argument in named:
        place = Path(argument.partition("::")[0])
        is_close = difflib.get_close_matches(place.parts[0].lower() if place.parts else "", [SUITE])
        if is_close and not (config.invocation_params.dir / place).exists():
            raise pytest.UsageError(f"there is no {printable(argument, 60)} here: did you mean {SUITE}/?")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Refuses a run whose options keep pytest from reading the conftest.py that names the suite's own plugin."""
    is_run = is_suite_run(config, config.args) and not looks_only(config.option)
    if is_run and not config.pluginmanager.has_plugin("keycheck.plugin"):
        raise pytest.UsageError("--noconftest or --confcutdir takes the suite's own plugin away: leave it out")


def _refuse_another_root(config: pytest.Config, option: argparse.Namespace) -> None:
    """Withdraws the last verdict, and raises UsageError, if pytest takes another folder than this project for the root.

    It does so inside another project, since it reads `--env-file ../.env` before it knows the option, and thinks that
    the run has two paths.
    """
    home = Path(os.path.realpath(Path(__file__).parents[1]))
    named = places(config, option.file_or_dir)
    is_in_suite = any(home / SUITE in (place, *place.parents) for place in named)
    if not is_in_suite or Path(os.path.realpath(config.rootpath)) == home or looks_only(option):
        return
    if option.explain is None:
        hold = Hold(config.invocation_params.dir / option.report_dir if option.report_dir else home / "reports")
        with contextlib.suppress(UsageProblem):
            hold.begin()
        hold.release()
    raise pytest.UsageError(
        "pytest takes another folder for the root of this project, because an option names a path there: write the "
        "option with = and without a blank, as in --env-file=PATH, and leave --rootdir out"
    )


def _surely_paths(named: list[str], given: list[str], unknown: list[str]) -> list[str]:
    """The arguments that are certainly paths: all but those after an unknown option, which may be its value.

    An option is unknown if its plugin is not loaded yet.
    """
    sure = list(named)
    for before, argument in itertools.pairwise(given):
        if before in unknown and "=" not in before and argument in sure:
            sure.remove(argument)
    return sure


def _paths(config: pytest.Config, option: argparse.Namespace, named: list[str]) -> list[str]:
    """The paths of a run, decided by the function that pytest itself uses."""
    return config._decide_args(
        args=named,
        pyargs=option.pyargs,
        testpaths=config.getini("testpaths"),
        invocation_dir=config.invocation_params.dir,
        rootpath=config.rootpath,
        warn=False,
    )[0]


def _start(config: pytest.Config, option: argparse.Namespace) -> None:
    if looks_only(option) or option.explain is not None or config.pluginmanager.has_plugin(_HOLD):
        return
    # True if this process runs the suite and nothing else.
    if Caller.of(config.pluginmanager) or list(config.invocation_params.args) == sys.argv[1:]:
        exit_status.keep()
    hold = hold_of(config, option)
    try:
        hold.begin(keep=option.compare is not None)
        message = shortage()
    except UsageProblem as problem:
        message = str(problem)
    if message:
        raise pytest.UsageError(message)


# -- functions that other modules of the plugin use as well --


def hold_of(config: pytest.Config, option: argparse.Namespace) -> Hold:
    """The lock of this run's report folder, the same at each call. pytest's cleanup releases it."""
    hold = config.pluginmanager.get_plugin(_HOLD)
    if not isinstance(hold, Hold):
        given = getattr(option, "report_dir", None)
        hold = Hold(config.invocation_params.dir / given if given else home_of(config) / "reports")
        config.pluginmanager.register(hold, _HOLD)
        config.add_cleanup(hold.release)
    return hold


def home_of(config: pytest.Config) -> Path:
    """The folder of .env, reports/ and cassettes/."""
    caller = Caller.of(config.pluginmanager)
    return caller.home if caller else config.rootpath


def looks_only(option: argparse.Namespace) -> bool:
    """Whether pytest only lists, such as under --collect-only, and runs nothing."""
    return any(getattr(option, name, None) for name in _LISTING_OPTIONS)


def is_suite_run(config: pytest.Config, arguments: Iterable[str]) -> bool:
    """Whether one of these paths and node ids is suite/, lies in it, or contains it."""
    suite = Path(os.path.realpath(config.rootpath / SUITE))
    return any(suite in (place, *place.parents) or place in suite.parents for place in places(config, arguments))


def places(config: pytest.Config, arguments: Iterable[str]) -> list[Path]:
    """The files and folders that these paths and node ids name."""
    here = config.invocation_params.dir
    return [Path(os.path.realpath(here / str(argument).partition("::")[0])) for argument in arguments]
