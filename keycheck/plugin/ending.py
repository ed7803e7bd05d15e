"""The end of a run of suite/: the right exit status and the verdict, even if another plugin fails there.

Exit status 1 always means that a critical check failed. An exception of another plugin becomes one sentence and exit
status 3, and the verdict is still printed.
"""

import contextlib
import io
import json
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

from keycheck import exit_status, withdrawal
from keycheck.foreign_links import BEHIND_A_LINK, leads_elsewhere
from keycheck.plugin.tracebacks import leave_out_unknown_lines
from keycheck.redaction.redactor import printable

EXIT_DIRTY = 11
_ENDING = "keycheck-ending"
# The modules that write files for options.
_OPTION_BY_WRITER = {
    "_pytest.junitxml": "--junitxml",
    "_pytest.logging": "--log-file",
    "_pytest.helpconfig": "--debug",
    "pytest_html": "--html",
}

_LONGEST_CACHED = 2**26  # bytes; that of a project with 200,000 tests has a quarter
# Other forms end pytest with a traceback. Of "stepwise", it takes any: older versions wrote a list or a text.
_FORMS_IN_THE_CACHE = {"lastfailed": dict, "nodeids": list, "stepwise": object}


class Ending:
    """A plugin that wraps the run, and the end of its session, so that pytest's summary is printed in any case."""

    def __init__(self) -> None:
        self._notes: list[str] = []
        # Called if the process must end at once, where pytest calls no more hooks.
        self.last_acts: list[Callable[[], None]] = []

    @staticmethod
    def of(config: pytest.Config) -> "Ending":
        """The Ending of this run."""
        ending = config.pluginmanager.get_plugin(_ENDING)
        assert isinstance(ending, Ending)
        return ending

    @staticmethod
    def register(pluginmanager: pytest.PytestPluginManager) -> None:
        """Registers the plugin. Call it before any other plugin of ours is registered."""
        pluginmanager.register(Ending(), _ENDING)

    def note(self, trouble: str | BaseException) -> None:
        """Notes a trouble. The end of the run prints it after the verdict, and the exit status is 3."""
        sentence = trouble if isinstance(trouble, str) else _sentence(trouble)
        if sentence not in self._notes:
            self._notes.append(sentence)

    def so_far(self, status: int) -> int:
        """The run's exit status, if nothing more is noted. `status`: what it would be without the notes."""
        return int(pytest.ExitCode.INTERNAL_ERROR) if self._notes else status

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        leave_out_unknown_lines(excinfo.value)

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.note(excinfo.value)

    @pytest.hookimpl(wrapper=True, trylast=True)  # inside the terminal's wrapper, which prints the summary
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        try:
            yield
        except (KeyboardInterrupt, pytest.exit.Exception):
            raise  # pytest has an exit status for each of them
        except BaseException as error:  # noqa: BLE001  SystemExit and pytest.fail among them
            self.note(error)
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, Any, Any]:
        if not withdrawal.is_suite_run(config, config.args):
            return (yield)
        _refuse_a_damaged_cache(config)
        if withdrawal.looks_only(config.option):
            return (yield)
        _leave_finalizers_to_python(config)
        status: Any = pytest.ExitCode.INTERNAL_ERROR
        try:
            status = yield
        except KeyboardInterrupt:  # while the run was ending: pytest itself has caught an earlier one
            say(config, "Ctrl-C came while the run was ending, so its reports may not say all: run it again")
            status = pytest.ExitCode.INTERRUPTED
        except pytest.UsageError:
            self._end(config, status)
            raise
        except BaseException as error:  # noqa: BLE001  as above
            self.note(error)
        status = self._end(config, status)
        if isinstance(status, int):
            _end_soon_after_clean_up(config, status)
        return status

    def _end(self, config: pytest.Config, status: Any) -> Any:
        """Prints the verdict, unless it was printed, and the notes. Returns the exit status."""
        artefact_scan: Any = config.pluginmanager.get_plugin("keycheck-artefact-scan")
        suite_run: Any = config.pluginmanager.get_plugin("keycheck-suite")
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        try:
            if artefact_scan is not None:
                artefact_scan.scan()
            if suite_run is not None and isinstance(reporter, TerminalReporter):
                suite_run.tell(reporter)
        except Exception as error:  # noqa: BLE001  such as a closed terminal
            self.note(error)
        for note in self._notes:
            say(config, note)
        _detach_closed_streams()
        if artefact_scan is not None and artefact_scan.is_dirty:
            return EXIT_DIRTY
        if self._notes:
            return pytest.ExitCode.INTERNAL_ERROR
        if suite_run is None:  # the run ended before its plugin was registered
            return pytest.ExitCode.INTERNAL_ERROR if status == pytest.ExitCode.TESTS_FAILED else status
        return suite_run.settled(status)


def _leave_finalizers_to_python(config: pytest.Config) -> None:
    """Lets Python print an exception that a finalizer raises: it says nothing about the key.

    A plugin of pytest makes it a warning, which is an error under `-W error`. To find it, the plugin searches the whole
    memory twice at the end of a run, which takes 0.05 s.
    """
    if config.pluginmanager.has_plugin("unraisableexception"):
        config.pluginmanager.unregister(name="unraisableexception")


def _refuse_a_damaged_cache(config: pytest.Config) -> None:
    """Raises UsageError for a file of pytest's cache that pytest would wait for (a pipe), or fail on as it starts."""
    if not config.pluginmanager.has_plugin("cacheprovider"):
        return
    folder = pytest.Cache.cache_dir_from_config(config, _ispytest=True)
    if leads_elsewhere(folder):  # --cache-clear would empty the folder behind it
        raise pytest.UsageError(f"{printable(folder.name, 60)} {BEHIND_A_LINK}: remove the link")
    for name, form in _FORMS_IN_THE_CACHE.items():
        place = folder / "v" / "cache" / name
        if not _is_sound(place, form):
            raise pytest.UsageError(f"{name} in pytest's cache is damaged: remove {printable(folder.name, 60)}")


def _is_sound(place: Path, form: type[Any]) -> bool:
    """Whether pytest can start with this file of its cache. pytest ignores one that is missing or no JSON."""
    try:
        if not place.exists():
            return True
        if not place.is_file() or place.stat().st_size > _LONGEST_CACHED:
            return False
        found: Any = json.loads(place.read_text("utf-8"))
        return form is object or (isinstance(found, form) and all(isinstance(one, str) for one in found))
    except (OSError, ValueError):
        return True
    except RecursionError:  # nested too deeply; pytest would not catch it
        return False


def _end_soon_after_clean_up(config: pytest.Config, status: int) -> None:
    """Makes pytest's own program end as soon as pytest has cleaned up after this run."""
    clean_up = config._ensure_unconfigure

    def clean_up_and_end() -> None:
        clean_up()
        if sys.exc_info()[0] is None:
            exit_status.end_soon(status, "_console_main")

    config._ensure_unconfigure = clean_up_and_end  # type: ignore[method-assign]


def say(config: pytest.Config, text: str) -> None:
    """Prints one sentence on the terminal; nothing under `-p no:terminal` or on a closed terminal."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    with contextlib.suppress(OSError):
        if isinstance(reporter, TerminalReporter):
            reporter.write_line(text, red=True)
        elif not config.pluginmanager.is_blocked("terminal"):  # it is not registered yet
            print(text, file=sys.stderr)


def _sentence(error: BaseException) -> str:
    module = _raised_in(error)
    for writer, option in _OPTION_BY_WRITER.items():
        if isinstance(error, OSError) and (module == writer or module.startswith(f"{writer}.")):
            return cannot_be_written(option, error)
    return (
        f"{printable(module, 60)} broke down ({printable(why(error), 60)}), which says nothing about the key: what it "
        "was to do may be missing. Leave it out, or report it to its makers"
    )


def cannot_be_written(option: str, error: BaseException) -> str:
    """The sentence about a file that an option asks for."""
    return f"{option} could not be written ({why(error)}): name another file for it, or make room"


def why(error: BaseException) -> str:
    """The system's words for an error of a file; for any other error, the name of its type."""
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__


def _raised_in(error: BaseException) -> str:
    """The module to blame: the innermost in the traceback, except the standard library, pluggy and _pytest.outcomes."""
    module, trace = "another plugin", error.__traceback__
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__"))
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "pluggy"} and name != "_pytest.outcomes":
            module = name
        trace = trace.tb_next
    return module


def _detach_closed_streams() -> None:
    """Replaces closed streams: pytest and Python would flush them again, fail, and exit with 1 or 120."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except (OSError, ValueError, AttributeError):  # None, if it was closed before Python started
            setattr(sys, name, io.StringIO())
