"""pytest's options and settings that do not go with a run of suite/: each is refused in a sentence.

Those that would publish a run uncleaned are disarmed first, because pytest and its plugins act before the refusal.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from keycheck import withdrawal
from keycheck.errors import UsageProblem
from keycheck.redaction.redactor import printable

_LONGEST_TIMEOUT = 10**6  # seconds; timers fail with much larger numbers
_LEAST_TIMEOUT = 1  # second; with less, pytest-timeout may strike between two checks, and end the whole run
_ONE_DASH = re.compile(r"-(replay|record|report-dir)(=|$)")
_STDIN = ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")  # pytest's capture replaces what these names lead to


def disarm(config: pytest.Config) -> None:
    """Disarms the options that would publish a run uncleaned, until `refuse` refuses them.

    `--debug` writes every hook's arguments to a file, even before this plugin is loaded: the file is emptied.
    `--pastebin` publishes the terminal's text, which may show the address that Binance saw.
    """
    if config.option.debug:
        file = getattr(config.trace.root._writer, "__self__", None)
        config.trace.root.setwriter(None)
        if file is not None:
            file.seek(0)
            file.truncate()
    if _option(config, "pastebin"):
        config.pluginmanager.unregister(name="pastebin")


def refuse(config: pytest.Config, suite: Path) -> None:
    """Raises UsageProblem for the first option or setting with which the run cannot be. `suite`: the folder suite/."""
    _refuse_lost_asserts()
    _refuse_other_tests(config, suite)
    _refuse_parallel_checks(config)
    _refuse_misspelt_options(config)
    _refuse_an_empty_stdin(config)
    _refuse_wrong_time_limits(config)
    _refuse_publishing(config)


def _refuse_lost_asserts() -> None:
    if not __debug__:
        raise UsageProblem("Python runs with -O or PYTHONOPTIMIZE, which takes the asserts out: run it without")


def _refuse_other_tests(config: pytest.Config, suite: Path) -> None:
    if not all(suite in (place, *place.parents) for place in withdrawal.places(config, config.args)):
        raise UsageProblem("suite/ and other tests do not run together: name suite/ alone, and tests/ in another run")


def _refuse_parallel_checks(config: pytest.Config) -> None:
    if _option(config, "numprocesses") or _option(config, "dist", "no") != "no":
        raise UsageProblem(
            "-n does not go with suite/: its checks share one session, one clock and one rate budget. Leave it out"
        )


def _refuse_misspelt_options(config: pytest.Config) -> None:
    for argument in map(str, config.invocation_params.args):
        if _ONE_DASH.match(argument):  # pytest reads -replay as -r with the value eplay, and the run would be live
            option = printable(argument.partition("=")[0], 60)
            raise UsageProblem(f"{option} has one dash: write -{option}")
    for name in ("replay", "record", "env_file", "report_dir", "compare", "prom"):
        if _option(config, name) == "":
            option = f"--{name.replace('_', '-')}"
            raise UsageProblem(f"{option} is empty, perhaps from an unset variable: give it a value, or leave it out")


def _refuse_an_empty_stdin(config: pytest.Config) -> None:
    if _option(config, "env_file") in _STDIN and _option(config, "capture") == "fd":
        raise UsageProblem(
            "--env-file cannot be stdin, in whose place pytest puts an empty file: add -s, or let the shell make a "
            "pipe with --env-file=<(COMMAND)"
        )


def _refuse_wrong_time_limits(config: pytest.Config) -> None:
    seconds = getattr(config, "_env_timeout", None)  # pytest-timeout's: of its option, variable or setting
    if seconds and not (seconds < 0 or _LEAST_TIMEOUT <= seconds <= _LONGEST_TIMEOUT):
        raise UsageProblem(
            f"--timeout must be {_LEAST_TIMEOUT} to {_LONGEST_TIMEOUT} s, or 0 for none: correct it or leave it out"
        )
    if config.pluginmanager.has_plugin("faulthandler") and config.getini("faulthandler_exit_on_timeout"):
        raise UsageProblem(
            "faulthandler_exit_on_timeout does not go with suite/: it would end the run with 1, which says that a key "
            "is not fit. Leave it out"
        )


def _refuse_publishing(config: pytest.Config) -> None:
    if config.option.debug:
        raise UsageProblem(withdrawal.NO_DEBUG)
    if _option(config, "pastebin"):
        raise UsageProblem(
            "--pastebin does not go with suite/: it would publish what this terminal shows. Leave it out"
        )


def _option(config: pytest.Config, name: str, default: Any = None) -> Any:
    return getattr(config.option, name, default)  # -p no: removes a plugin's options
