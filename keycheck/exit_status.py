"""The end of a process that only runs the suite or the command `keycheck`: its exit status, and a quick way out.

This module imports almost nothing, because a run needs it before its other imports.
"""

import atexit
import contextlib
import os
import sys
from types import FrameType, TracebackType
from typing import NoReturn

_INTERRUPTED, _INTERNAL_ERROR = 2, 3


def keep() -> None:
    """Makes uncaught exceptions end the process with 3: Python itself would use 1, which means a failed check.

    Ctrl-C that pytest does not catch, as during imports, ends it with 2, as pytest does, and without a traceback. With
    PYTHONINSPECT, Python calls the hook even for SystemExit, and would then go on and lose the exit status.
    """
    usual = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, SystemExit) and isinstance(error.code, int):
            end_now(error.code)
        if issubclass(kind, KeyboardInterrupt):
            with contextlib.suppress(OSError, ValueError, AttributeError):  # stderr is closed, or None
                sys.stderr.write("Interrupted by Ctrl-C: run it again\n")
            raise SystemExit(_INTERRUPTED)
        usual(kind, error, trace)
        if issubclass(kind, Exception):
            raise SystemExit(_INTERNAL_ERROR)

    sys.excepthook = hook


def end_soon(status: int, main: str) -> None:
    """Ends the process at once if nothing is left to do but free the interpreter's memory, which takes 0.2 s.

    `main`: the name of the program's main function. Functions registered with atexit still run. Returns, so that the
    interpreter ends as usual, in three cases: something other than the program's own script, such as a profiler, has
    called `main`; other threads are alive; or a plugin has left a file open, which the interpreter flushes at its end,
    and removes if it is a temporary file.
    """
    frame: FrameType | None = sys._getframe()
    while frame and frame.f_code.co_name != main:
        frame = frame.f_back
    callers = list[str | None]()
    while frame := frame and frame.f_back:
        callers.append(frame.f_globals.get("__name__"))
    if callers[:1] == ["__main__"] and set(callers[1:]) <= {"runpy"} and len(sys._current_frames()) == 1:
        atexit._run_exitfuncs()
        if not _has_open_files():
            end_now(status)


def _has_open_files() -> bool:
    """Whether a file, pipe or socket is open besides the standard streams; True if the system cannot say."""
    try:
        numbers = [int(name) for name in os.listdir("/dev/fd")]  # noqa: PTH208  this module imports almost nothing
    except OSError:
        return True
    for number in numbers:
        with contextlib.suppress(OSError):  # the number of the listed folder itself
            os.fstat(number)
            if number > 2:
                return True
    return False


def end_now(status: int) -> NoReturn:
    """Ends the process at once, from any thread, without Python's clean-up; it flushes stdout and stderr first."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or None
            stream.flush()
    os._exit(status)
