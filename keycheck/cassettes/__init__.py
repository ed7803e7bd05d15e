"""Recording and replay: the only package that knows vcrpy and YAML.

A cassette is one file with one run: the scrubbed answers, a label (what was recorded, when, from where), the clock's
readings, and the failures that vcrpy cannot store, such as a refused connection. A cassette may come from anybody, so
it is untrusted input.
"""

import difflib
from contextlib import suppress
from pathlib import Path

from keycheck.errors import UsageProblem

ENDINGS = (".yaml", ".yml")


def path_of(name: str, folder: Path) -> Path:
    """The path of a cassette: NAME.yaml in `folder`, for the name `NAME` or `NAME.yaml`.

    A name with a path separator is used as a path, and so is a `NAME.yaml` that exists in the current directory.
    Raises UsageProblem if the name is empty.
    """
    if not name.strip() or "\0" in name:
        raise UsageProblem("a cassette needs a name: --replay healthy, for example")
    path = Path(name if name.endswith(ENDINGS) else f"{name}.yaml")
    is_path = "/" in name or "\\" in name
    with suppress(OSError):  # a name that is too long; opening the file reports it
        is_path = is_path or (name.endswith(ENDINGS) and path.is_file())
    return path if is_path else folder / path


def folder_of(name: str | None, own: Path, shipped: Path | None) -> Path:
    """The folder that holds a cassette: `shipped` if only that folder has it, or a name like it; otherwise `own`."""
    if not name or shipped is None:
        return own
    with suppress(UsageProblem, OSError):  # opening the file reports it
        in_own, in_shipped = path_of(name, own), path_of(name, shipped)
        if not in_own.exists() and (in_shipped.is_file() or (similar(in_shipped) and not similar(in_own))):
            return shipped
    return own


def similar(path: Path) -> list[str]:
    """The names of up to three cassettes in the folder of `path` that are spelt like its own."""
    return difflib.get_close_matches(path.stem, [one.stem for end in ENDINGS for one in path.parent.glob(f"*{end}")])
