"""Links that another user of this machine made: this user's files must not be written or read through them.

This module imports almost nothing, because a run needs it before its other imports.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

BEHIND_A_LINK = "is behind a link that another user made"
# A file in a folder of another user may be a link to one of this user's own. Windows has no such flag.
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_LONGEST_WAY = 4096  # parts of a path and of the links in it


def leads_elsewhere(path: Path) -> bool:
    """Whether another user's link on the way leads the path to a file or folder that is not that user's own.

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
