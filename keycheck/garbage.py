"""No garbage is collected while modules are imported: they live to the end, and walking them is a tenth of a replay.

A plugin of its own, since it must be read before the one that imports the rest.
"""

import contextlib
import gc
from collections.abc import Iterator

gc.disable()


def pytest_configure() -> None:
    """By now all plugins are there."""
    _keep()


@contextlib.contextmanager
def spared() -> Iterator[None]:
    """What is imported in here is spared too."""
    gc.disable()
    try:
        yield
    finally:
        _keep()


def _keep() -> None:
    """What is there by now is never looked at again."""
    gc.freeze()
    gc.enable()
