"""The suite's own words: all texts that are in reports of any key. Read from its own files, when they are needed.

A secret that consists of them (a placeholder, or a listen key by chance) is not revealed by them. A credential in a
file does not become such a word: texts longer than any name are left out, and so are rows of sixteen letters and digits
in a check's sentences.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from keycheck.run.catalogue import Catalogue

_ROOT = Path(__file__).parents[1]
_KINDS = (".py", ".html", ".css", ".json", ".js", ".jinja2")
_OF_THE_PROJECT = ("suite", "project", "recorded")  # an installation has them in the package as well
_LITERALS_SIDE_BY_SIDE = re.compile(r"[\"']\s*\n\s*f?[\"']")
_AROUND_SIGNS = re.compile(r"\s*([{};,])\s*")  # removed from style sheets in report.html
# The lines that pytest draws on the terminal, in JUnit's file and in tables; a placeholder may be one.
_LINES = " ".join(sign * 80 for sign in "=-_!.*#")
_LONGER_THAN_NAMES = re.compile(r"[a-z0-9+/]{33,}")  # the longest name of ours has 30 letters
# A credential that was pasted into a check's docstring does not become a word by that.
_CREDENTIAL = re.compile(r"(?=[a-z_]*\d)[a-z0-9_+]{24,}")
# Matches a piece of a credential in a sentence; names of files and checks are longer.
_PIECE_OF_ONE = re.compile(r"(?=[a-z_]*\d)[a-z0-9_+]{10,}|[a-z0-9]{16,}")


def of(catalogue: Catalogue | None = None, beside: Iterable[Path] = ()) -> str:
    """All texts in lower case: the package's, the claims of `catalogue`, and the sources in the folders `beside`."""
    claims = "\n".join(_claims(catalogue)) if catalogue else ""
    texts = (_LINES, _in_folder(_ROOT), _CREDENTIAL.sub("", claims.lower()), *map(_in_folder, beside))
    return "\n".join(_LONGER_THAN_NAMES.sub("", text) for text in texts)


@cache
def _in_folder(folder: Path) -> str:
    ours = [path for path in sorted(folder.iterdir()) if path.name not in _OF_THE_PROJECT]
    paths = [path for one in ours for path in (sorted(one.rglob("*")) if one.is_dir() else [one])]
    files = {path: path.read_text(encoding="utf-8") for path in paths if path.suffix in _KINDS}
    styles = [_AROUND_SIGNS.sub(r"\1", text) for path, text in files.items() if path.suffix == ".css"]
    # Without line ends: docstrings and literals have line breaks that reports do not have.
    return " ".join([*_LITERALS_SIDE_BY_SIDE.sub("", "\n".join(files.values())).split(), *styles]).lower()


def _claims(catalogue: Catalogue) -> Iterator[str]:
    for check in catalogue.checks:
        yield from (f"suite/{check.file}::test_{check.id}", f"suite.{check.file.removesuffix('.py')}")
        yield from (_PIECE_OF_ONE.sub("", text.lower()) for text in (check.title, check.why, check.fix))
