"""A pytest plugin that writes down what a run has at its very end: its threads, and the modules that it imported."""

import json
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

PLUGIN = ("-p", "tests.exit_probe")
_FILE = "exit_probe.json"


@dataclass(frozen=True)
class Left:
    """The names of threads and modules at a run's end."""

    threads: list[str]
    modules: list[str]


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Writes the names beside the reports."""
    left = Left([thread.name for thread in threading.enumerate()], sorted(sys.modules))
    Path(config.getoption("report_dir"), _FILE).write_text(json.dumps(asdict(left)), encoding="utf-8")


def left_in(report_dir: Path) -> Left:
    """The names that the last run with this plugin has written."""
    return Left(**json.loads((report_dir / _FILE).read_text(encoding="utf-8")))
