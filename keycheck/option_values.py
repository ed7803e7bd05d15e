"""Values of the options of `keycheck serve` and `keycheck fleet` that may not be empty, as from an unset variable."""

import argparse
from pathlib import Path


def text(value: str) -> str:
    """The value itself. Raises ArgumentTypeError if it is empty: the option would count as not given."""
    if not value:
        raise argparse.ArgumentTypeError("empty, perhaps from an unset variable")
    return value


def path(value: str) -> Path:
    """The value as a path. Raises ArgumentTypeError if it is empty: Path("") is the working directory.

    A shell expands `~` after a blank, and most do not after `=`.
    """
    given = Path(text(value))
    try:
        return given.expanduser()
    except RuntimeError:  # there is no such user
        return given
