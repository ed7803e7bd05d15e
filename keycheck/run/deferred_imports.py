"""How the run imports what it uses: with nothing collected meanwhile, and not torn apart by a Ctrl-C.

What is imported lives to the end, so walking it in search of garbage is time for nothing, a tenth of a replay. A plugin
of its own, since it must be read before the one that imports the rest.
"""

import contextlib
import gc
import signal
from collections.abc import Iterator
from typing import Any

gc.disable()


def pytest_configure() -> None:
    """By now all plugins are there."""
    _keep()


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """For imports after that. A Ctrl-C waits for their end: in the middle of one it may be lost, and the lock of all
    imports be left behind for other threads to wait for.
    """
    gc.disable()
    try:
        with _ctrl_c_waits():
            yield
    finally:
        _keep()


@contextlib.contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    usual, came = signal.getsignal(signal.SIGINT), list[tuple[Any, ...]]()
    try:
        signal.signal(signal.SIGINT, lambda *details: came.append(details))
    except ValueError:  # in another thread than the main one, which is the one that Ctrl-C meets
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if came and callable(usual):
            usual(*came[0])


def _keep() -> None:
    """What is there by now is never looked at again."""
    gc.freeze()
    gc.enable()
