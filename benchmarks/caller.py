"""`python -m benchmarks.caller FILE RUNS THREADS`: calls `keycheck.check`, and writes its own measurements to FILE.

It passes its BINANCE_* variables on as settings. Before it measures its own memory, it imports nothing of keycheck, and
of the standard library only what that measurement needs.
"""

import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PROC = Path("/proc/self")


def main() -> int:
    """Runs the suite RUNS times in THREADS threads. Returns 0 if every run was OK."""
    file, runs, threads = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    settings: dict[str, Any] = {
        k.removeprefix("BINANCE_").lower(): v for k, v in os.environ.items() if k.startswith("BINANCE_")
    }
    tempfile.tempdir = str(file.parent)
    resident = _kb("VmRSS")
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(time.sleep, [0.01] * threads))  # starts the threads, so that `_left` counts them
        began = _left()
        before = time.perf_counter()
        import keycheck  # noqa: PLC0415  part of what it costs

        found = list(pool.map(lambda _: keycheck.check(**settings).verdict, range(runs)))
        seconds = time.perf_counter() - before
        left = _left()
    grown = {name: left[name] - began[name] for name in began}
    grown["kB"] = _kb("VmHWM") - resident
    file.write_text(json.dumps({"seconds": seconds, "grown": grown}), encoding="utf-8")
    return int(set(found) != {"OK"})


def _kb(name: str) -> int:
    """A line of /proc/self/status; 0 if it is missing."""
    if not (PROC / "status").exists():
        return 0
    return next(int(line.split()[1]) for line in (PROC / "status").read_text().splitlines() if line.startswith(name))


def _left() -> dict[str, int]:
    """The number of each kind of object that a run might leave behind."""
    folders = {"threads": PROC / "task", "descriptors": PROC / "fd", "files": Path(tempfile.gettempdir())}
    counts = {name: len(list(folder.iterdir())) if folder.exists() else 0 for name, folder in folders.items()}
    return counts | {"processes": children(os.getpid())}


def children(pid: int) -> int:
    """How many processes this process has started that are still there, zombies included."""
    mine = f"PPid:\t{pid}\n"
    found = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            found += mine in status.read_text()
        except OSError:
            continue
    return found


if __name__ == "__main__":
    sys.exit(main())
