"""Files that a run leaves behind: written beside their place, and moved there only whole."""

import tempfile
from pathlib import Path

from keycheck.errors import UsageProblem


def write(path: Path, text: str) -> None:
    """Replaces `path` atomically, as UTF-8. Raises OSError; then what was there before is still there."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(text)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    try:
        temporary.chmod(0o644)  # a temporary file is 0600; a report is meant to be read
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
