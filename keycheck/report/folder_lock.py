"""Locks the report folder for one run at a time, and removes the last run's reports from it.

This module imports almost nothing: until it has removed the last verdict, a reader would still find that.
"""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from keycheck.errors import UsageProblem
from keycheck.foreign_links import BEHIND_A_LINK, leads_elsewhere
from keycheck.report import lock_file

VERDICT_FILE = "verdict.json"
PAGE_FILE = "report.html"
SUMMARY_FILE = "summary.md"
BESIDE = (PAGE_FILE, SUMMARY_FILE)  # these exist only beside a verdict
REPORTS = (VERDICT_FILE, *BESIDE)
LOCK_FILE = ".lock"  # never deleted: two runs could lock an old and a new file of this name
_LONGEST_VERDICT = 2**21  # bytes; more than any reader of a verdict accepts
_REPLACED = "the report folder was removed or replaced during the run"
_OURS = '"suiteVersion"'  # every verdict of a run has this field
_OF_A_FLEET = '{"account": "'  # each line of a fleet's files begins like this


class Replaced(OSError):
    """The folder of this name is not the locked one: what lies in it belongs to others."""


class Hold:
    """A run's lock on its report folder, which `option` names.

    `written`: the files that the run will replace; other programs may use the same names. `marks`: files that show,
    like the lock, that the folder belongs to runs of keycheck. A file counts only if it reads as if a run wrote it.
    """

    def __init__(
        self,
        folder: Path,
        option: str = "--report-dir",
        written: Iterable[str] = REPORTS,
        marks: Iterable[str] = (VERDICT_FILE,),
    ) -> None:
        self.folder = folder
        self._option = option
        self._written = written
        self._marks = (LOCK_FILE, *marks)
        self._file: IO[bytes] | None = None
        self._identity: tuple[int, int] | None = None
        self._withdrawn: str | None = None

    def begin(self, *, keep: bool = False) -> None:
        """Locks the folder if it exists, and withdraws the last run's reports, also on a file system without locks.

        `keep`: as for `withdraw`. Raises UsageProblem if another run has locked it, or if it holds files of another
        program. `take` will raise any other problem again.
        """
        with contextlib.suppress(OSError):
            if self.folder.is_dir():
                try:
                    self.take()
                except (PermissionError, Replaced):  # another user's lock, which a run of that user may hold
                    return
                except OSError:
                    pass
                self.withdraw(keep=keep)

    def take(self) -> None:
        """Locks the folder, unless this run has locked it already. Raises OSError if that fails.

        Raises Replaced if the locked folder has been removed or replaced: another run may hold the new one.
        Raises UsageProblem if another run has locked it, if it holds files of another program, or if it is a link of
        another user's.
        """
        if self._file is not None:
            if self.is_lost:
                raise Replaced(0, _REPLACED)
            return
        if leads_elsewhere(self.folder):
            raise UsageProblem(f"{self.folder.name} {BEHIND_A_LINK}: choose another folder with {self._option}")
        foreign = next((name for name in self._written if (self.folder / name).exists()), None)
        if foreign and not any(_is_of_a_run(self.folder / name) for name in self._marks):
            raise UsageProblem(
                f"{self.folder.name or 'the report folder'} holds {foreign}, which keycheck has not written: choose "
                f"another folder with {self._option}"
            )
        path = self.folder / LOCK_FILE
        if path.exists() and not path.is_file():
            raise OSError(0, f"{LOCK_FILE} is not a file")
        file = lock_file.opened(path)
        try:
            lock_file.lock(file)
        except BlockingIOError:
            file.close()
            raise UsageProblem(
                f"another run is using {self.folder.name or 'the report folder'}: wait until it has ended, or choose "
                f"another folder with {self._option}"
            ) from None
        except BaseException:
            file.close()
            raise
        self._file, self._identity = file, _identity(os.fstat(file.fileno()))
        if self.is_lost or leads_elsewhere(self.folder):  # it was exchanged for another while it was opened
            self.release()
            raise Replaced(0, _REPLACED)

    @property
    def is_taken(self) -> bool:
        """Whether this run holds the lock of the folder that has this name now: the locked one may have been moved."""
        with contextlib.suppress(OSError):
            return self._file is not None and _identity((self.folder / LOCK_FILE).stat()) == self._identity
        return False

    @property
    def is_lost(self) -> bool:
        """Whether the folder that this run locked was removed, or replaced by another one of its name."""
        return self._file is not None and not self.is_taken

    def withdraw(self, *, keep: bool = False) -> None:
        """Removes the last run's reports, the verdict first. `keep`: keeps its text in memory, for a comparison.

        Raises OSError if a file cannot be removed.
        """
        verdict = self.folder / VERDICT_FILE
        if keep:
            with contextlib.suppress(OSError):  # then there is no text to compare; the file is removed anyway
                self._withdrawn = _text(verdict)
        for name in REPORTS:
            (self.folder / name).unlink(missing_ok=True)

    def withdrawn(self, path: Path) -> str | None:
        """The text of the removed verdict if `path` is its file; None for any other file."""
        with contextlib.suppress(OSError, RuntimeError, ValueError):  # a loop of links, or an impossible file name
            if path.resolve() == (self.folder / VERDICT_FILE).resolve():
                return self._withdrawn
        return None

    def release(self) -> None:
        """Unlocks the folder."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _identity(found: os.stat_result) -> tuple[int, int]:
    """The device and inode of a file: no other file has both while this one is open."""
    return found.st_dev, found.st_ino


def _is_of_a_run(path: Path) -> bool:
    """Whether there is such a file, and a run may have written it: a lock is empty, the others have a run's fields."""
    if path.name == LOCK_FILE:
        return path.is_file() and path.stat().st_size == 0
    try:
        text = (path.exists() and _text(path)) or ""
        return _OURS in text if path.name == VERDICT_FILE else text.startswith(_OF_A_FLEET)
    except PermissionError:  # another user's: a run's own files may be read by everybody
        return False
    except OSError:  # in doubt, it is an old verdict, which the run must remove
        return True


def _text(path: Path) -> str | None:
    if not path.is_file():  # a pipe may never end
        return None
    with path.open("rb") as file:
        return file.read(_LONGEST_VERDICT).decode("utf-8", "replace")
