"""Keeps Python from setting the exit status of a process that only runs the suite or the command `keycheck`.

This module imports almost nothing, because a run needs it before its other imports.
"""

import contextlib
import os
import sys
from types import TracebackType
from typing import NoReturn

_INTERNAL_ERROR = 3


def keep() -> None:
    """Makes uncaught exceptions end the process with 3: Python itself would use 1, which means a failed check.

    With PYTHONINSPECT, Python calls the hook even for SystemExit, and would then go on and lose the exit status.
    """
    usual = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, SystemExit) and isinstance(error.code, int):
            end_now(error.code)
        usual(kind, error, trace)
        if issubclass(kind, Exception):
            raise SystemExit(_INTERNAL_ERROR)

    sys.excepthook = hook


def end_now(status: int) -> NoReturn:
    """Ends the process at once, from any thread, without Python's clean-up; it flushes stdout and stderr first."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or None
            stream.flush()
    os._exit(status)
