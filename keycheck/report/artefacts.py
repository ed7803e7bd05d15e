"""Writes the files of a run: each to a temporary file beside its place, which replaces the old file when complete.

The folder may belong to another user, who can put a link or a pipe in the place of the temporary file. So its text is
read back, and its mode is set, through its descriptor and not by its name.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from keycheck.errors import DirtyArtefact, UsageProblem
from keycheck.foreign_links import BEHIND_A_LINK, leads_elsewhere
from keycheck.redaction.redactor import printable


def write(path: Path, text: str, is_dirty: Callable[[str], bool], *, new: bool = False) -> None:
    """Writes `text` to `path` atomically, in UTF-8. Before that, it reads back what it has written, and checks it.

    Raises DirtyArtefact if the text holds a secret, and removes both files. Raises OSError if writing fails; then the
    old file is still there. `new`: raises FileExistsError if there is a file, and leaves it as it is.
    """
    with replacing(path, new=new) as file:
        file.write(text)
        file.seek(0)
        if is_dirty(file.read()):
            if not new:
                path.unlink(missing_ok=True)
            raise DirtyArtefact(
                f"{path.name} would have held a secret and was not kept: report this, without the key, as a bug"
            )


@contextlib.contextmanager
def replacing(
    path: Path, mode: int = 0o644, *, new: bool = False, dir_fd: int | None = None, temporary_in: Path | None = None
) -> Iterator[IO[str]]:
    """Opens a temporary file beside `path` for writing. It replaces `path` when the block ends.

    `mode`: the file's; others may read a report. `new`: as for `write`. `dir_fd`: as for `os.replace`, if `path` is
    relative to an open folder; then the temporary file is made in `temporary_in`, another folder of the same file
    system. If the block raises, or the disk is full, the old file stays and the temporary one is removed. Raises
    OSError if another user has made the folder a link.
    """
    if leads_elsewhere(path.parent):
        raise OSError(0, f"it {BEHIND_A_LINK}")
    file = tempfile.NamedTemporaryFile(  # noqa: SIM115  a full disk may raise only at close, inside the try below
        "w+",
        encoding="utf-8",
        newline="\n",
        dir=temporary_in or path.parent,
        prefix=f".{path.name[:40]}.",
        delete=False,
    )
    temporary = Path(file.name)
    try:
        with file:
            yield file
            if sys.platform != "win32":  # which has no such modes
                os.fchmod(file.fileno(), mode)
        if new:  # of several processes that come to this line, one can make the file
            path.touch(mode, exist_ok=False)
        os.replace(temporary, path, dst_dir_fd=dir_fd)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def scratch(folder: Path) -> AbstractContextManager[IO[str]]:
    """A temporary file without a name in `folder`, to write and then read. Closing removes it."""
    return tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=folder)


def make_folder(folder: Path, remedy: str) -> None:
    """Makes sure that files can be written to `folder`; raises UsageProblem with one sentence if not."""
    folder = folder.absolute()
    name = printable(folder.name, 60) or str(folder)
    if folder.parent == folder:
        raise UsageProblem(f"{name} is the root of a file system: choose another folder with {remedy}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, RecursionError) as error:  # RecursionError: folders nested too deeply for Python
        why = getattr(error, "strerror", None) or "it lies in too many folders"
        raise UsageProblem(f"nothing can be written to {name} ({why}): choose another folder with {remedy}") from None
