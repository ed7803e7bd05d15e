"""The limits that the system sets to this process: on core dumps and on memory. Windows has none of them."""

import contextlib
import sys

LEAST_MEMORY = 256  # MiB; a run took 150 where all its threads shared one heap
_M_ARENA_MAX = -8  # of mallopt in glibc's malloc.h


def dump_no_core() -> None:
    """Switches core dumps off.

    On Linux the limit is 1 byte: with any other, even 0, a program such as systemd-coredump may get the dump.
    """
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415  Windows has no such module

        limit = 1 if sys.platform == "linux" else 0
        resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def lack_of_memory() -> str:
    """Why a run may not begin under this process's limit on memory, in one sentence; "" if it may.

    A thread of CPython that has no memory left for an exception may never end, holds the interpreter's lock, and so is
    deaf to every signal and time limit. If there is any limit, all threads of this process share one heap from now on:
    glibc would reserve 64 MiB of addresses for each.
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
