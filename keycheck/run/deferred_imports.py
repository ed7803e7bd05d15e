"""Protects imports during a run from a Ctrl-C, and from pytest-timeout's alarm."""

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

_NAMES = ("SIGINT", "SIGALRM")  # Windows has no alarm


@contextlib.contextmanager
def delay_interrupts() -> Iterator[None]:
    """Delays a Ctrl-C, and the end of a time limit, until the end of the block.

    In the middle of an import, their exception could be lost, or leave the import lock held: other threads would then
    hang.
    """
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    usual = {number: handler for number in numbers if callable(handler := signal.getsignal(number))}
    came: dict[int, Any] = {}
    try:
        for number in usual:
            signal.signal(number, lambda *details: came.setdefault(details[0], details[1]))
    except ValueError:  # not the main thread: no other receives a signal
        yield
        return
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
        for number, frame in came.items():
            usual[number](number, frame)
