"""Recording and replay: the only package that knows vcrpy and YAML.

One file a run. Beside the scrubbed answers it keeps a label (what was recorded, when, from where), the clock's
readings, and the failures that vcrpy cannot keep, such as a refused connection. A file that comes from elsewhere is
untrusted input.
"""

from contextlib import suppress
from pathlib import Path

from keycheck.errors import UsageProblem

ENDINGS = (".yaml", ".yml")


def path_of(name: str, folder: Path) -> Path:
    """The path of `NAME` or `NAME.yaml` in `folder`, or here if it exists; a name with a separator is a path already.

    Raises UsageProblem for an empty name.
    """
    if not name.strip() or "\0" in name:
        raise UsageProblem("a cassette needs a name: --replay healthy, for example")
    path = Path(name if name.endswith(ENDINGS) else f"{name}.yaml")
    in_place = "/" in name or "\\" in name
    with suppress(OSError):  # a name that is too long; opening the file reports it
        in_place = in_place or (name.endswith(ENDINGS) and path.is_file())
    return path if in_place else folder / path


def folder_of(name: str | None, own: Path, shipped: Path | None) -> Path:
    """The folder of a cassette by its name: `own`, or `shipped` if only that has it."""
    if not name or shipped is None:
        return own
    with suppress(UsageProblem, OSError):  # opening the file reports it
        if not path_of(name, own).exists() and path_of(name, shipped).is_file():
            return shipped
    return own
