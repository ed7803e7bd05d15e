"""The suite's own words: all that reports say whatever the key is. Read from its own files, where they are needed.

A secret that is made of them (somebody's placeholder, or a listen key by chance) tells nothing where they stand.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from keycheck.run.catalogue import Catalogue

_ROOT = Path(__file__).parents[1]
_KINDS = (".py", ".html", ".css", ".json")
_OF_THE_PROJECT = ("suite", "project", "recorded")  # in an installation they lie in the package as well
_LITERALS_SIDE_BY_SIDE = re.compile(r"[\"']\s*\n\s*f?[\"']")
_AROUND_SIGNS = re.compile(r"\s*([{};,])\s*")  # removed from style sheets in report.html
# A credential that was pasted into a check's docstring does not become a word by that.
_CREDENTIAL = re.compile(r"(?=[a-z_]*\d)[a-z0-9_+]{24,}")
_PIECE_OF_ONE = re.compile(r"(?=[a-z_]*\d)[a-z0-9_+]{10,}")  # in sentences; names of files and checks are longer


def of(catalogue: Catalogue | None = None) -> str:
    """In lower case: the texts of the package, and the claims of `catalogue`."""
    claims = "\n".join(_claims(catalogue)) if catalogue else ""
    return f"{_of_the_package()}\n{_CREDENTIAL.sub('', claims.lower())}"


@cache
def _of_the_package() -> str:
    ours = [folder for folder in sorted(_ROOT.iterdir()) if folder.name not in _OF_THE_PROJECT]
    paths = [path for one in ours for path in (sorted(one.rglob("*")) if one.is_dir() else [one])]
    files = {path: path.read_text(encoding="utf-8") for path in paths if path.suffix in _KINDS}
    styles = [_AROUND_SIGNS.sub(r"\1", text) for path, text in files.items() if path.suffix == ".css"]
    # Without line ends: docstrings and literals go over several lines, and what is made of them does not.
    return " ".join([*_LITERALS_SIDE_BY_SIDE.sub("", "\n".join(files.values())).split(), *styles]).lower()


def _claims(catalogue: Catalogue) -> Iterator[str]:
    for check in catalogue.checks:
        yield from (f"suite/{check.file}::test_{check.id}", f"suite.{check.file.removesuffix('.py')}")
        yield from (_PIECE_OF_ONE.sub("", text.lower()) for text in (check.title, check.why, check.fix))
