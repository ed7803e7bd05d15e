"""Starts pytest on the suite, with the plugins of a run and no others, for `keycheck` and `keycheck.check`.

The suite, pytest's settings and the shipped cassettes lie beside this package in a clone, and inside it in an
installation: pyproject.toml puts them there. There must be no `pytest11` entry point: the guard, which cleans all that
pytest prints, would then be active in every test run of an environment in which Keycheck is installed.
"""

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from keycheck.caller import SUITE, Caller
from keycheck.redaction.secret import Secret

PLUGINS = ("keycheck.withdrawal", "keycheck.plugin")  # as in conftest.py
_LIVE = ("keycheck.network.transport", "keycheck.network.stream", "keycheck.network.websocket", "keycheck.report.page")
_HTML = ("pytest_metadata.plugin", "pytest_html.fixtures", "pytest_html.plugin")
# pytest's own variables, meant for another project's tests. They may load its plugins, which must not see a secret.
_PYTEST_VARIABLES = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DEBUG", "PYTEST_TIMEOUT")
_PACKAGE = Path(__file__).parent
_INSTALLED = (_PACKAGE / SUITE).is_dir()
_ROOT = _PACKAGE if _INSTALLED else _PACKAGE.parent
_SETTINGS = (_PACKAGE / "project" if _INSTALLED else _ROOT) / "pytest.toml"
_SHIPPED = _PACKAGE / "recorded" if _INSTALLED else _ROOT / "cassettes"


def preload() -> None:
    """Imports the modules of a live run. None of them reads settings or files when it is imported."""
    for name in (*PLUGINS, *_LIVE):
        importlib.import_module(name)


def run(arguments: Sequence[str], home: Path, *more: Any, settings: Secret | None = None, shared: str = "") -> int:
    """Runs the suite in this process, which does nothing else. Returns the exit status of pytest or of the verdict.

    `arguments`: options of the suite and of pytest, and no paths. `home`: the folder of .env, reports/ and cassettes/.
    `settings`, `shared`: as in Caller. `more`: further plugin objects, which observe the run.
    """
    for name in _PYTEST_VARIABLES:
        os.environ.pop(name, None)
    if sys.platform != "win32":  # if the parent process ignored it, every child would seem to exit with 0
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    caller = Caller(home, _SHIPPED, settings, shared)
    return int(pytest.main([*arguments, *_own_options(arguments, home)], [caller, _Paths(), *more]))


def _own_options(arguments: Sequence[str], home: Path) -> list[str]:
    """Our options. They follow the user's: plugins that are registered last have the outermost hook wrappers."""
    html = _HTML if any(one.startswith(("--html", "--css", "--self-contained-html")) for one in arguments) else ()
    plugins = [part for name in ("pytest_timeout", *html, *PLUGINS) for part in ("-p", name)]
    place = ["-c", str(_SETTINGS), "--rootdir", str(_ROOT), "--noconftest"]
    settings = ["-o", "pythonpath=", "-o", f"cache_dir={home / '.pytest_cache'}"]
    return ["--disable-plugin-autoload", *plugins, *place, *settings, str(_ROOT / SUITE)]


class _Paths:
    """Refuses paths, because pytest would run the conftest.py there. Shows the suite's own paths as in a clone."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> None:
        named = early_config.known_args_namespace.file_or_dir
        if foreign := [one for one in named if one != str(_ROOT / SUITE)]:
            # With `-o addopts=@FILE`, it is a line of that file, which may hold a secret: it is not repeated.
            one = foreign[0] if foreign[0] in early_config.invocation_params.args else "a text in addopts"
            raise pytest.UsageError(
                f"keycheck takes only options, and {one} is not one: choose checks with -k NAME, and see "
                "keycheck --help"
            )

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.startpath = config.rootpath
        config.cwd_relative_nodeid = lambda nodeid: nodeid  # type: ignore[method-assign]
