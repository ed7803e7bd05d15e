"""`python -m benchmarks.peak FILE ARGUMENT...`: pytest in this process; its peak memory in kB goes to FILE.

VmHWM of /proc/self/status starts again at exec. `ru_maxrss` does not: a child starts at its parent's peak.
"""

import re
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_kb(status: str) -> int | None:
    """Peak resident memory in kB (1024 bytes) by /proc/PID/status; None if the kernel does not say."""
    found = re.search(r"(?m)^VmHWM:\s+(\d+) kB$", status)
    return int(found[1]) if found else None


if __name__ == "__main__":
    import pytest  # modules that import this file do not need it

    outcome = pytest.main(sys.argv[2:])
    Path(sys.argv[1]).write_text(str(peak_kb(STATUS.read_text()) or "") if STATUS.exists() else "")
    sys.exit(outcome)
