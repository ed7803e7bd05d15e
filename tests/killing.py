"""Runs a function in a forked process, which can be killed at any moment."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def forked(do: Callable[[], None]) -> Iterator[int]:
    """Runs `do` in a fork of this process, and yields its PID. The end of the block kills the fork (SIGKILL)."""
    number = os.fork()
    if number == 0:
        try:
            do()
        finally:
            os._exit(0)
    try:
        yield number
    finally:
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)
