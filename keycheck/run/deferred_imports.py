"""Imports during a run that a Ctrl-C does not interrupt."""

import contextlib
import signal
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Delays a Ctrl-C to the end of the block.

    In the middle of an import it could be lost, and leave the import lock behind for other threads to wait for.
    """
    handler, interrupts = signal.getsignal(signal.SIGINT), list[tuple[Any, ...]]()
    try:
        signal.signal(signal.SIGINT, lambda *details: interrupts.append(details))
    except ValueError:  # not the main thread, and only the main thread receives a Ctrl-C
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if interrupts and callable(handler):
            handler(*interrupts[0])
