"""Runs `pytest suite/` as a user would: another process, its own reports folder, settings from the environment.

ChildRunner runs it as a program would: by `keycheck.process`, as the command, the function and the endpoint do.
tests/forked.py has a quicker SuiteRunner.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from keycheck import process

ROOT = Path(__file__).parents[1]
T = TypeVar("T")
LONGEST = 100  # seconds; a run against a dead exchange ends within 60


@dataclass(frozen=True)
class Finished:
    """The results of a run: exit status, terminal output, verdict.json and report.html (empty if missing)."""

    exit_status: int
    output: str
    verdict: dict[str, Any]
    page: str

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcomes by check id."""
        return {check["id"]: check["outcome"] for check in self.verdict["checks"]}

    def check(self, check_id: str) -> dict[str, Any]:
        """The entry of a check in verdict.json."""
        found: dict[str, Any] = next(check for check in self.verdict["checks"] if check["id"] == check_id)
        return found

    def with_outcome(self, outcome: str) -> list[str]:
        """Ids of the checks with this outcome, in run order."""
        return [check_id for check_id, found in self.outcomes.items() if found == outcome]


class SuiteRunner:
    """`runner("suite/", "-x", settings={...})` runs the suite; the run makes its report folder in `folder`."""

    def __init__(self, folder: Path, root: Path = ROOT) -> None:
        self.folder = folder
        self.root = root
        self.report_dir = folder / "reports"

    def __call__(
        self,
        *arguments: str,
        settings: Mapping[str, str] | None = None,
        env_file: Path | None = None,
        all_plugins: bool = False,
    ) -> Finished:
        """Runs pytest with `arguments` (`suite/` if none names a path) and these BINANCE_* settings.

        `all_plugins`: loads every installed plugin, as pytest does by default. Otherwise pytest-timeout is the only
        one: the plugins of the development environment take half of a run's start-up time.
        """
        paths = [] if arguments and arguments[0].startswith("suite") else ["suite/"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BINANCE_", "PYTEST_"))}
        # An empty PATH: the host's checks find no program such as git to ask, so no test depends on this machine.
        inherited["PATH"] = str(self.folder / "no programs")
        if not all_plugins:
            inherited["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
            arguments = (*arguments, "-p", "pytest_timeout")
        whole = [*paths, *arguments, "-o", f"cache_dir={self.folder / 'cache'}"]
        whole += ["--report-dir", str(self.report_dir), "--env-file", str(env_file or os.devnull)]
        status, output = self._run(whole, {**inherited, "COLUMNS": "100", "NO_COLOR": "1", **(settings or {})})
        return Finished(status, output, json.loads(self._left("verdict.json") or "{}"), self._left("report.html"))

    def _run(self, arguments: list[str], environment: dict[str, str]) -> tuple[int, str]:
        """The exit status, and the text of stdout and stderr. Raises TimeoutExpired after LONGEST."""
        done = subprocess.run(  # noqa: S603  our own command
            [sys.executable, "-m", "pytest", *arguments],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def _left(self, name: str) -> str:
        path = self.report_dir / name
        return path.read_text(encoding="utf-8") if path.exists() else ""


class ChildRunner:
    """`child("--replay", "healthy")` runs the suite by `keycheck.process`. The output is the text for a ticket."""

    def __call__(
        self, *arguments: str, settings: Mapping[str, str] | None = None, env_file: Path | None = None
    ) -> Finished:
        """Runs the suite with these options and BINANCE_* settings."""
        done = process.run(settings or {}, arguments, env_file=env_file)
        status = {"OK": 0, "NOT_OK": 1, "UNPROVEN": 10}[done.verdict["verdict"]]
        return Finished(status, done.summary, dict(done.verdict), done.page)
