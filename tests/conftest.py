"""What all tests of the machinery share. Nothing here reaches beyond loopback, and no .env is ever read."""

import os
from collections.abc import Iterator

import pytest

from tests.exchange import LocalExchange
from tests.running import SuiteRunner


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "error")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own BINANCE_* settings never reach a test."""
    for name in [name for name in os.environ if name.startswith("BINANCE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    """A healthy local exchange; give it another scenario by assigning `exchange.scenario`."""
    with LocalExchange() as running:
        yield running


@pytest.fixture
def suite(tmp_path: object) -> SuiteRunner:
    """Runs `pytest suite/` in a process of its own, as a user would."""
    return SuiteRunner(tmp_path)  # type: ignore[arg-type]
