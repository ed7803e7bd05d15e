"""The lock's file: only users who may write into its folder can lock it.

The lock is the operating system's: it ends with its process, even if that crashes. This module uses the standard
library for it, and imports almost nothing: the import of filelock (with asyncio) takes 90 ms, in which a reader would
still find the last verdict.
"""

import contextlib
import os
import stat
import sys
from pathlib import Path
from typing import IO

from keycheck.foreign_links import NO_LINK

if sys.platform == "win32":
    import msvcrt

    def lock(file: IO[bytes]) -> None:
        """Locks the file. Raises BlockingIOError if another process has locked it."""
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(error.errno, error.strerror) from None
else:
    import fcntl

    def lock(file: IO[bytes]) -> None:
        """Locks the file. Raises BlockingIOError if another process has locked it."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def opened(path: Path) -> IO[bytes]:
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
    """Whether an earlier version of Keycheck made this user's lock: then every user can read it, and so lock it."""
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
