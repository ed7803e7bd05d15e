"""Another process that does something, and is killed while it does."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def forked(do: Callable[[], None]) -> Iterator[int]:
    """The process number of a fork of this one; it is killed (SIGKILL) at the end of the block, if not before."""
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
