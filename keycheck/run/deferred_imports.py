"""Protects imports during a run from a Ctrl-C."""

import contextlib
import signal
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def delay_interrupts() -> Iterator[None]:
    """Delays a Ctrl-C until the end of the block.

    In the middle of an import, a Ctrl-C could be lost, or leave the import lock held: other threads would then hang.
    """
    handler, interrupts = signal.getsignal(signal.SIGINT), list[tuple[Any, ...]]()
    try:
        signal.signal(signal.SIGINT, lambda *details: interrupts.append(details))
    except ValueError:  # not the main thread: no other receives a Ctrl-C
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if interrupts and callable(handler):
            handler(*interrupts[0])
