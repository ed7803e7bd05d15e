"""Files that a run leaves behind: written beside their place, and moved there only whole."""

import os
import tempfile
from pathlib import Path

from keycheck.errors import UsageProblem


def write(path: Path, text: str) -> None:
    """Replaces `path` atomically, as UTF-8. Raises OSError; then what was there before is still there."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        temporary.chmod(0o644)  # mkstemp makes it 0600; a report is meant to be read
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def make_folder(folder: Path) -> None:
    """Makes sure that reports can be written; raises UsageProblem with one sentence if not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageProblem(
            f"reports cannot be written to {folder.name} ({error.strerror}): choose another folder with --report-dir"
        ) from None
