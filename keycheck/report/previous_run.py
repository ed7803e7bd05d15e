"""The earlier run of --compare, read from its verdict.json."""

import codecs
import contextlib
from collections.abc import Iterable
from pathlib import Path

from keycheck import bounded_files
from keycheck.credentials.pasted_text import KeyFacts
from keycheck.errors import UsageProblem
from keycheck.redaction.redactor import printable
from keycheck.report.folder_lock import VERDICT_FILE, Hold
from keycheck.verdict import comparison
from keycheck.verdict.comparison import Comparison, Previous
from keycheck.verdict.findings import Finding


class PreviousRun:
    """An earlier run. `path`: its verdict.json, or that file's folder; `hold` may have withdrawn this verdict.

    Raises UsageProblem if the file is not a verdict.json.
    """

    def __init__(self, path: Path, hold: Hold) -> None:
        self._previous = _previous(path, hold)

    def object_to(self, key: KeyFacts, environment: str | None, symbol: str | None) -> None:
        """Raises UsageProblem if this run cannot be compared with the earlier one."""
        if why := comparison.objection(self._previous, key, environment, symbol):
            raise UsageProblem(why)

    def beside(self, findings: Iterable[Finding]) -> Comparison:
        """The change of each check since the earlier run."""
        return comparison.compare(self._previous, tuple(findings))


def _previous(path: Path, hold: Hold) -> Previous:
    file = path
    try:
        file = path / VERDICT_FILE if path.is_dir() else path
        text = hold.withdrawn(file) or _text(bounded_files.read(file, comparison.MAX_FILE))
    except bounded_files.Unreadable as error:
        problem = str(error)
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    else:
        with contextlib.suppress(ValueError):
            return comparison.previous_from(text)
        problem = "is not a verdict.json of this suite"
    name = printable(file.name, 60)
    raise UsageProblem(f"--compare: {name} {problem}. Give the verdict.json of an earlier run, or the folder it is in")


def _text(data: bytes) -> str:
    """The text of a verdict.json, also of one that PowerShell's `>` has written in UTF-16."""
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if is_utf16 else "utf-8-sig", "replace")
