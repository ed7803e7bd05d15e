"""Scans every file that a run has written for secrets, including encoded ones, as the last step of the run.

A file with a secret is deleted, or only reported if there was a file of that name before the run; the exit status is
then 11. In the files of other plugins, the names of this machine and its user are replaced, too.
"""

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from keycheck.plugin.ending import EXIT_DIRTY, Ending, say
from keycheck.plugin.written_files import Stamp, Written, is_same, stamp
from keycheck.redaction.decoded_forms import rewritten
from keycheck.redaction.redactor import Redactor, printable
from keycheck.report.folder_lock import REPORTS
from keycheck.run.open_session import Options

_HOSTNAME = re.compile(r'\bhostname="[^"]*"')  # JUnit's attribute; elsewhere, a short host name is left alone


class ArtefactScan:
    """Scans after all other plugins have written; it is registered last, so that its hook wrapper is the outermost.

    `is_dirty`: whether a secret was found. A second scan follows when pytest has closed all files; it reads only files
    that have changed since the first.
    """

    def __init__(self, redactor: Redactor, options: Options, config: pytest.Config) -> None:
        self.is_dirty = False
        self._redactor = redactor
        self._options = options
        self._config = config
        self._seen: dict[Path, Stamp] = {}
        self._written = Written.of(config)
        self._written.begin(config, options.env_file)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        self._written.note_paths_of_plugins(self._config)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        try:
            yield
        finally:  # the files of a plugin that raises at its end are scanned, too
            self.scan()
            if self.is_dirty:
                session.exitstatus = EXIT_DIRTY

    def scan(self) -> None:
        """Scans all files written since the last scan, and says on the terminal which held a secret."""
        shared = self._written.shared(self._config)
        deleted, left = list[str](), list[str]()
        for path, is_ours in [*((path, True) for path in self._own()), *((path, False) for path in self._others())]:
            if stamp(path) in (None, self._seen.get(path)):
                continue
            try:
                # In a folder of another user, a file may have become a link, whose target is not ours.
                keeps_target = is_ours or self._written.is_swapped(path)
                if path in shared and not keeps_target:
                    self._take_names_out(path)
                if self._holds_a_secret(path):
                    is_mine = is_ours or not self._written.was_there(path)
                    file = path if keeps_target else path.resolve()
                    (deleted if is_mine and _is_gone(file) else left).append(printable(path.name, 60))
            except (OSError, MemoryError) as error:
                why = getattr(error, "strerror", None) or type(error).__name__
                self._ending.note(
                    f"{printable(path.name, 60)} could not be looked at ({why}): nobody knows whether it holds a "
                    "secret, so do not share it"
                )
            self._seen[path] = stamp(path)
        self.is_dirty = self.is_dirty or bool(deleted or left)
        report = "Report this, without the key, as a bug."
        if deleted:
            say(self._config, f"{', '.join(sorted(deleted))}: held a secret when scanned, so deleted. {report}")
        if left:
            names = ", ".join(sorted(left))
            say(
                self._config,
                f"{names}: held a secret when scanned. It was there before this run, or cannot be deleted, so it is "
                f"left: take the secret out before you share it. {report}",
            )

    @property
    def _ending(self) -> Ending:
        return Ending.of(self._config)

    def _own(self) -> Iterator[Path]:
        """The reports that this run has written while it held the folder's lock."""
        suite_run: Any = self._config.pluginmanager.get_plugin("keycheck-suite")
        run = getattr(suite_run, "run", None)
        if run is not None and suite_run.hold.is_taken:
            yield from (self._options.report_dir / name for name in REPORTS)
            if run.recorded:
                yield run.recorded

    def _others(self) -> Iterator[Path]:
        """The files that pytest and other plugins wrote, without those that may hold a credential."""
        suite_run = self._config.pluginmanager.get_plugin("keycheck-suite")
        held = [self._options.env_file, *getattr(getattr(suite_run, "run", None), "credential_files", ())]
        yield from (path for path in self._written if not any(is_same(path, one) for one in held))

    def _holds_a_secret(self, path: Path) -> bool:
        return _is_readable(path) and self._redactor.finds(path.read_text(encoding="utf-8", errors="replace"))

    def _take_names_out(self, path: Path) -> None:
        if not _is_readable(path):
            return
        text = path.read_text(encoding="utf-8", errors="replace")
        cleaned = _HOSTNAME.sub('hostname=""', rewritten(text, self._redactor.without_names))
        if cleaned != text:
            path.write_text(cleaned, encoding="utf-8")


def _is_readable(path: Path) -> bool:
    """Whether it is a regular file: a device or a pipe keeps no text. Raises OSError if that cannot be known."""
    path.stat()
    return path.is_file()


def _is_gone(path: Path) -> bool:
    """Deletes a file. Returns False if that failed."""
    try:
        path.unlink()
    except OSError:
        return False
    return True
