"""The folder and the environment of a caller."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def temporary(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty folder in which child processes make their folders. The caller's environment holds a secret."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another secret of the caller's")
    return temporary
