"""The caller of a run that is not `pytest suite/`: the command `keycheck`, or another program.

In a module of its own, since pytest ignores a plugin module that was imported before pytest started.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from keycheck.redaction.secret import Secret

SUITE = "suite"


@dataclass(frozen=True)
class Caller:
    """A plugin object, handed to `pytest.main`.

    `home`: the folder of .env, reports/ and cassettes/. `shipped`: the folder of the shipped cassettes. `settings`:
    JSON of all settings by name, instead of the process environment.
    """

    home: Path
    shipped: Path
    settings: "Secret | None" = None

    @staticmethod
    def of(plugins: "pytest.PytestPluginManager") -> "Caller | None":
        """The caller of this run; None for `pytest suite/`."""
        return next((plugin for plugin in plugins.get_plugins() if isinstance(plugin, Caller)), None)
