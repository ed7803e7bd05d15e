"""The suite's vocabulary: the words that reports contain for any key, read from the project's own files.

If a secret consists of such words (a placeholder, or by chance a listen key), a report that contains them does not give
it away. A credential that was pasted into one of the files does not become vocabulary: words longer than any name are
left out, and so is each sequence of sixteen letters and digits in a check's sentences.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from keycheck.run.catalogue import Catalogue

_ROOT = Path(__file__).parents[1]
_SUFFIXES = (".py", ".html", ".css", ".json", ".js", ".jinja2")
_OF_THE_PROJECT = ("suite", "project", "recorded")  # folders that an installation has inside the package
_LITERALS_SIDE_BY_SIDE = re.compile(r"[\"']\s*\n\s*f?[\"']")
_AROUND_SIGNS = re.compile(r"\s*([{};,])\s*")  # removed from style sheets in report.html
# The lines that pytest draws on the terminal, in JUnit's file and in tables; a placeholder may look like one.
_LINES = " ".join(sign * 80 for sign in "=-_!.*#")
_LONGER_THAN_NAMES = re.compile(r"[a-z0-9+/]{33,}")  # the longest name of ours has 30 letters
# A credential that was pasted into a check's docstring is removed.
_CREDENTIAL = re.compile(r"(?=[a-z_]*\d)[a-z0-9_+]{24,}")
# Part of a credential, removed from sentences; names of files and checks may be as long as this.
_CREDENTIAL_PART = re.compile(r"(?=[a-z_]*\d)[a-z0-9_+]{10,}|[a-z0-9]{16,}")


def of(catalogue: Catalogue | None = None, beside: Iterable[Path] = ()) -> str:
    """The vocabulary in lower case: the texts of the package, of the claims in `catalogue`, and of folders `beside`."""
    claims = "\n".join(_claims(catalogue)) if catalogue else ""
    texts = (_LINES, _in_folder(_ROOT), _CREDENTIAL.sub("", claims.lower()), *map(_in_folder, beside))
    return "\n".join(_LONGER_THAN_NAMES.sub("", text) for text in texts)


def words_of_claims(catalogue: Catalogue) -> frozenset[str]:
    """The words of all checks, in lower case. Every report has them."""
    texts = (f"{check.id} {check.title} {check.why} {check.fix}" for check in catalogue.checks)
    return frozenset(re.findall(r"[a-z]+", " ".join(texts).lower()))


@cache
def _in_folder(folder: Path) -> str:
    ours = [path for path in sorted(folder.iterdir()) if path.name not in _OF_THE_PROJECT]
    paths = [path for one in ours for path in (sorted(one.rglob("*")) if one.is_dir() else [one])]
    files = {path: path.read_text(encoding="utf-8") for path in paths if path.suffix in _SUFFIXES}
    styles = [_AROUND_SIGNS.sub(r"\1", text) for path, text in files.items() if path.suffix == ".css"]
    # Without line ends: docstrings and literals span several lines in the source, but not in the reports.
    return " ".join([*_LITERALS_SIDE_BY_SIDE.sub("", "\n".join(files.values())).split(), *styles]).lower()


def _claims(catalogue: Catalogue) -> Iterator[str]:
    for check in catalogue.checks:
        yield from (f"suite/{check.file}::test_{check.id}", f"suite.{check.file.removesuffix('.py')}")
        yield from (_CREDENTIAL_PART.sub("", text.lower()) for text in (check.title, check.why, check.fix))
