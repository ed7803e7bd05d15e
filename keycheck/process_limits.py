"""The limits that the system sets to this process: on core dumps, memory and open files. Windows has none of them."""

import contextlib
import sys

LEAST_MEMORY = 256  # MiB; a run took 150 where all its threads shared one heap
LEAST_FILES = 64  # open files; a run has some 20 at a time, and without them its modules cannot be imported
_M_ARENA_MAX = -8  # of mallopt in glibc's malloc.h


def dump_no_core() -> None:
    """Switches core dumps off.

    On Linux the limit is 1 byte: with any other, even 0, a program such as systemd-coredump may get the dump.
    """
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415  Windows has no such module

        limit = 1 if sys.platform == "linux" else 0
        resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def shortage() -> str:
    """Why a run may not begin under this process's limits, in one sentence; "" if it may.

    Call it before the first thread is started.
    """
    return _lack_of_memory() or _lack_of_files()


def _lack_of_memory() -> str:
    """If there is a limit, all threads of this process share one heap from now on: glibc would reserve 64 MiB for each.

    A thread of CPython that has no memory left for an exception may never end, holds the interpreter's lock, and so is
    deaf to every signal and time limit.
    """
    limit = _memory_limit()
    if limit is None:
        return ""
    _share_one_heap()
    if limit >= LEAST_MEMORY * 2**20:
        return ""
    return (
        f"this process may use only {limit // 2**20} MiB of memory, and a run needs {LEAST_MEMORY}: raise the limit "
        f"(ulimit -v {LEAST_MEMORY * 2**10}), and run again"
    )


def _lack_of_files() -> str:
    try:
        import resource  # noqa: PLC0415  as above
    except ImportError:
        return ""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY or limit >= LEAST_FILES:
        return ""
    return (
        f"this process may open only {limit} files at a time, and a run needs {LEAST_FILES}: raise the limit "
        f"(ulimit -n {LEAST_FILES}), and run again"
    )


def _memory_limit() -> int | None:
    """Bytes of addresses or data that this process may have, whichever are fewer; None if it has no such limit."""
    try:
        import resource  # noqa: PLC0415  as above
    except ImportError:
        return None
    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    return min((limit for limit in limits if limit != resource.RLIM_INFINITY), default=None)


def _share_one_heap() -> None:
    with contextlib.suppress(ImportError, OSError, AttributeError):  # a system without glibc
        import ctypes  # noqa: PLC0415  few processes have such a limit

        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
