"""Helpers for tests of child processes: finds them, and waits for a condition."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

linux = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")


def children(folder: Path) -> list[int]:
    """The processes with `folder`, or one in it, as working directory, or with `folder` in their command."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            cwd = (entry / "cwd").readlink()
            if entry.name.isdigit() and (
                folder in (cwd, *cwd.parents) or str(folder) in (entry / "cmdline").read_text("latin-1")
            ):
                found.append(int(entry.name))
    return found


def wait_until(is_so: Callable[[], object], seconds: float = 10) -> None:
    """Waits until a condition holds."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "the condition did not hold in time"
        time.sleep(0.005)
