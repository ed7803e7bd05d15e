"""Locks the report folder for one run at a time, and removes the last run's reports from it.

The lock is the operating system's: it ends with its process, even if that crashes. This module uses the standard
library for it, and imports almost nothing: the import of filelock (with asyncio) takes 90 ms, in which a reader would
still find the last verdict.
"""

import contextlib
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from keycheck.errors import UsageProblem

VERDICT_FILE = "verdict.json"
PAGE_FILE = "report.html"
SUMMARY_FILE = "summary.md"
BESIDE = (PAGE_FILE, SUMMARY_FILE)  # these exist only beside a verdict
REPORTS = (VERDICT_FILE, *BESIDE)
LOCK_FILE = ".lock"  # never deleted: two runs could lock an old and a new file of this name
# A file in a folder of another user may be a link to one of this user's own. Windows has no such flag.
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_LONGEST_WAY = 4096  # parts of a path and of the links in it
_LONGEST_VERDICT = 2**21  # bytes; more than any reader of a verdict accepts
BEHIND_A_LINK = "is behind a link that another user made"
_REPLACED = "the report folder was removed or replaced during the run"
_OURS = '"suiteVersion"'  # every verdict of a run has this field
_OF_A_FLEET = '{"account": "'  # each line of a fleet's files begins like this

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(error.errno, error.strerror) from None
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


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
        file = _opened(path)
        try:
            _lock(file)
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
        """Whether the locked folder has been removed, or another folder has its name now."""
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


def leads_elsewhere(path: Path) -> bool:
    """Whether the path leads through another user's link to a file or folder that is not that user's.

    It may be one of this user's own. A deploy user's link to that user's own folder can be used, and so can a
    link of root's.
    """
    if sys.platform == "win32":
        return False
    try:
        return any(link.lstat().st_uid not in (0, os.getuid(), _owner(link)) for link in _links_on_the_way(path))
    except (OSError, ValueError):  # opening it says why
        return False


def _links_on_the_way(path: Path) -> Iterator[Path]:
    """Each link that the system follows to get to the path, those behind other links included."""
    left = [*reversed(path.absolute().parts)]
    at = Path(left.pop())
    for _ in range(_LONGEST_WAY):
        if not left:
            return
        part = left.pop()
        place = at.parent if part == ".." else at / part
        if place.is_symlink():
            yield place
            left += reversed(place.readlink().parts)
        else:
            at = place


def _owner(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return path.stat().st_uid
    return None  # it leads to a file that is not there yet


def _opened(path: Path) -> IO[bytes]:
    """Opens the lock's file, and makes it if it is missing. One that only another user may write can be locked, too."""
    try:
        file = open(path, "xb", opener=_open)  # noqa: SIM115  `Path.open` takes no opener; `release` closes it
    except FileExistsError:
        pass
    else:
        with contextlib.suppress(OSError):  # some file systems have no modes
            _allow_only_writers_of(path.parent, file)
        return file
    try:
        file = open(path, "ab", opener=_open)  # noqa: SIM115  as above
    except PermissionError:
        return open(path, "rb", opener=_open)
    with contextlib.suppress(OSError):
        if _was_open_to_all(path.parent, file):
            _allow_only_writers_of(path.parent, file, most=0o644)
    return file


def _was_open_to_all(folder: Path, file: IO[bytes]) -> bool:
    """Whether this user's run of an earlier version has made the lock: every user could read, and so lock it."""
    found = os.fstat(file.fileno())
    is_own = {found.st_uid, folder.stat().st_uid} == {os.geteuid()} if sys.platform != "win32" else False
    return is_own and found.st_nlink == 1 and found.st_size == 0 and bool(found.st_mode & stat.S_IROTH)


def _allow_only_writers_of(folder: Path, lock: IO[bytes], most: int = 0o666) -> None:
    """Sets the mode of the lock: only users who may write into the folder can read the lock, and so lock it.

    A lock that root makes belongs to the folder's owner, whose own runs must be able to lock it. `lock`: a file that a
    run has made. Any other may be a private file of this user's, moved here by another user who owns the folder.
    """
    if sys.platform == "win32":
        return
    place = folder.stat()
    with contextlib.suppress(OSError):  # only members of a group may give it a file
        os.fchown(lock.fileno(), place.st_uid if os.geteuid() == 0 else -1, place.st_gid)
    others = place.st_mode & stat.S_IWOTH
    has_its_group = os.fstat(lock.fileno()).st_gid == place.st_gid
    group = place.st_mode & stat.S_IWGRP if has_its_group else others << 3
    writers = group | others
    os.fchmod(lock.fileno(), most & (0o600 | writers | writers << 1))  # who may write may read, too


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | NO_LINK | getattr(os, "O_NONBLOCK", 0), 0o600)


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
