"""The caller of a run that `pytest suite/` did not start: the command `keycheck`, or another program.

The plugin that reads it is another module: the caller imports this one before pytest starts, which is too early to
import a plugin.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from keycheck.redaction.secret import Secret

SUITE = "suite"
_MARKS = ("[", "::")  # in an argument of pytest, they end the path


def objection_to_place() -> str:
    """Why pytest cannot be started on the suite where Keycheck lies, in one sentence; "" if it can."""
    if not any(mark in str(Path(__file__).parent) for mark in _MARKS):
        return ""
    return (
        f"the path of Keycheck's own folder holds {' or '.join(_MARKS)}, and pytest takes what follows for a part of a "
        "test's name: move Keycheck to another folder"
    )


@dataclass(frozen=True)
class Caller:
    """The folders and settings that a caller gives a run; a plugin object, passed to `pytest.main`.

    `home`: the folder of .env, reports/ and cassettes/. `shipped`: the folder of the shipped cassettes. `settings`:
    JSON of all settings by name, used instead of the process environment. `shared`: public answers of another run.
    """

    home: Path
    shipped: Path
    settings: "Secret | None" = None
    shared: str = ""

    @staticmethod
    def of(plugins: "pytest.PytestPluginManager") -> "Caller | None":
        """The caller of this run; None for `pytest suite/`."""
        return next((plugin for plugin in plugins.get_plugins() if isinstance(plugin, Caller)), None)
