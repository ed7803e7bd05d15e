"""`python -m benchmarks.caller FILE RUNS THREADS`: a program that calls `keycheck.check`; what it saw goes to FILE.

Settings are its BINANCE_* variables, which it hands over itself. Nothing of keycheck is imported before it looks at its
own memory, and nothing but what the standard library needs to look.
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
    """0 if every run was OK."""
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
