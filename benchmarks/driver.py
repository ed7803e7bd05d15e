"""`python -m benchmarks.driver FILE ACCOUNTS`: a fleet whose runs are stubs; its peak memory in kB goes to FILE.

Each run ends at once, with the verdict in ./verdict.json and a page as long as a report.
"""

import json
import sys
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from benchmarks.peak import STATUS, peak_kb
from keycheck.fleet import command
from keycheck.fleet.accounts import Lane
from keycheck.purse import RUN
from keycheck.report import page

_PAGE = 60_000  # characters
_SLOTS = 3


class _Stubs:
    """An engine whose runs all end at once with the same verdict."""

    def __init__(self, verdict: str) -> None:
        self._rest = f'"verdict": {verdict}, "page": {json.dumps(page.beginning().ljust(_PAGE))}, "weight": {RUN}}}'
        self._pool = ThreadPoolExecutor(_SLOTS)

    def job(self, text: str) -> str:
        return f'{{"account": {json.dumps(json.loads(text)["account"])}, {self._rest}'

    def executor(self, _: Lane) -> Executor:
        return self._pool

    def slots(self, _: Lane) -> int:
        return _SLOTS

    def close(self) -> None:
        self._pool.shutdown()


def main() -> int:
    """Runs the fleet; returns its exit status."""
    kept, accounts = Path(sys.argv[1]), int(sys.argv[2])
    file = Path("accounts.toml")
    file.write_text("".join(f"[accounts.account-{number}]\n" for number in range(accounts)))
    engine = _Stubs(Path("verdict.json").read_text())
    command._engine = lambda *_: engine
    status = command.main([str(file), "--out", "out"])
    kept.write_text(str(peak_kb(STATUS.read_text()) or "") if STATUS.exists() else "")
    return status


if __name__ == "__main__":
    sys.exit(main())
