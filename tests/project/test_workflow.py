"""The workflow in ci.yml uses a key, so nothing in it may change without a commit here."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.running import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTION = re.compile(r"^\s*(?:- )?uses:\s*(\S+)(.*)$", re.MULTILINE)


def test_each_action_is_named_by_commit() -> None:
    """Each action is pinned to a commit, which cannot be moved like a tag; its version stands beside it for people."""
    found = [action for path in WORKFLOWS for action in ACTION.findall(path.read_text("utf-8"))]
    assert found
    for action, comment in found:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


CI: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))["jobs"]
NIGHTLY = CI["nightly"]["steps"]


def step_using(action: str) -> dict[str, Any]:
    """The arguments of the nightly step that uses this action."""
    found: dict[str, Any] = next(one["with"] for one in NIGHTLY if one.get("uses", "").startswith(f"{action}@"))
    return found


@pytest.mark.parametrize(("status", "red", "warns"), [(0, 0, False), (1, 1, False), (3, 3, False), (10, 0, True)])
def test_a_night_without_binance_is_a_warning(status: int, red: int, warns: bool, tmp_path: Path) -> None:
    """Exit status 10, such as when Binance is unreachable, becomes a green run with a warning; others are kept."""
    program = tmp_path / ".venv/bin/pytest"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\nexit {status}\n")
    program.chmod(0o755)
    (script,) = [one["run"] for one in NIGHTLY if one.get("name") == "Test the key"]
    command = ["bash", "-e", "-c", script]  # as GitHub runs it
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603  our own
    assert done.returncode == red
    assert done.stdout.startswith("::warning ") == warns


def test_the_night_tests_the_key_and_nothing_else() -> None:
    """The nightly run tests only the key, and only if a switch is on, which a comment in ci.yml explains."""
    assert CI["tests"]["if"] == "github.event_name != 'schedule'"
    switch = re.fullmatch(r"github\.event_name == 'schedule' && vars\.(\w+) == 'on'", CI["nightly"]["if"])
    assert switch
    assert f"Variables: {switch[1]}, with the value on" in (ROOT / ".github/workflows/ci.yml").read_text("utf-8")


def test_the_night_has_a_python_of_its_own_and_keeps_junit() -> None:
    """The nightly run installs a fixed Python, and uploads JUnit's file with the reports."""
    assert step_using("actions/setup-python")["python-version"] == "3.13"
    assert "reports/junit.xml" in step_using("actions/upload-artifact")["path"].split()
