"""The last gate: every file that a run leaves is read once more at its very end, its encodings undone.

One that holds a secret is deleted, and the run exits 11. Files of other plugins, which know nothing of sharing, also
lose this machine's names.
"""

import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

from keycheck.opening import Options
from keycheck.redaction import Redactor

EXIT_DIRTY = 11
# Options of pytest and its plugins that name a file they write.
_SHARED = ("xmlpath", "htmlpath")
_WRITTEN = (*_SHARED, "log_file", "debug", "report_log", "json_report_file")


_HOSTNAME = re.compile(r'\bhostname="[^"]*"')  # JUnit's attribute; a short name is not looked for elsewhere


class Gate:
    """Scans when everybody else has written; registered after all others, so that its wrapper is the outermost."""

    def __init__(self, redactor: Redactor, options: Options, config: pytest.Config) -> None:
        self._redactor = redactor
        self._options = options
        self._config = config
        # What lies there before is its owner's, whatever is in it.
        self._before = {path: _stamp(path) for path in self._places()}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        try:
            yield
        finally:  # whatever another plugin's end raises, what it wrote is looked at
            self._scan(session)

    def _scan(self, session: pytest.Session) -> None:
        for path in self._named(_SHARED):
            self._take_names_out(path)
        dirty = [path for path in self._files() if self._is_dirty(path)]
        for path in dirty:
            path.unlink(missing_ok=True)
        if dirty:
            session.exitstatus = EXIT_DIRTY
            names = ", ".join(sorted({path.name for path in dirty}))
            self._say(f"{names}: held a secret when scanned, and deleted. Report this, without the key, as a bug.")

    def _named(self, options: tuple[str, ...]) -> Iterator[Path]:
        for option in options:
            name = getattr(self._config.option, option, None)
            if isinstance(name, str) and name:
                path = Path(self._config.invocation_params.dir, Path(name).expanduser())
                if path.is_file():
                    yield path

    def _files(self) -> Iterator[Path]:
        """What this run has written, or may have: never a file that holds a credential rightly."""
        held = [path.resolve() for path in self._credential_files() if path.exists()]
        written = [path for path in self._places() if _stamp(path) != self._before.get(path)]
        yield from (path for path in (*self._named(_WRITTEN), *written) if path.resolve() not in held)

    def _places(self) -> Iterator[Path]:
        folders = [self._options.report_dir]
        if (cache := getattr(self._config, "cache", None)) is not None:
            folders.append(Path(cache._cachedir))
        for folder in folders:
            yield from (path for path in folder.rglob("*") if path.is_file())

    def _credential_files(self) -> Iterator[Path]:
        yield self._options.env_file
        suite_run = self._config.pluginmanager.get_plugin("keycheck-suite")
        yield from getattr(getattr(suite_run, "run", None), "credential_files", ())

    def _is_dirty(self, path: Path) -> bool:
        try:
            return self._redactor.finds(path.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return False

    def _take_names_out(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8", errors="replace")
        cleaned = _HOSTNAME.sub('hostname=""', self._redactor.without_names(text))
        if cleaned != text:
            path.write_text(cleaned, encoding="utf-8")

    def _say(self, text: str) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if isinstance(reporter, TerminalReporter):
            reporter.write_line(text, red=True)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes with a file; None for one that cannot be looked at."""
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_mtime_ns, told.st_size, told.st_ino
