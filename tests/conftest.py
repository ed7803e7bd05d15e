"""Fixtures of all tests. No test reaches beyond loopback or reads a .env."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

try:
    import aiohttp  # noqa: F401  the local exchange's
except ImportError:
    sys.stderr.write("tests/ needs more packages: the second command of README.md installs them\n")
    sys.exit(pytest.ExitCode.USAGE_ERROR)

from tests.exchange import LocalExchange
from tests.forked import ForkedRunner
from tests.running import ChildRunner, SuiteRunner

if TYPE_CHECKING:
    import trustme
    from playwright.sync_api import Browser

    from tests.tls import Front


# The marks of tests that take minutes; CI runs them in jobs of their own.
LONG = {
    "browser": "the page of every cassette, light and dark, takes a minute",
    "faults": "the whole fault table takes minutes",
    "installed": "an installation in a fresh environment takes half a minute",
    "leaks": "the whole leak matrix takes minutes",
    "slow": "whole runs that rarely break, or wait for real time to pass, take minutes",
}


# Without bytecode every child process would compile the package again, which takes half of its time.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background; the runs would ignore it, too
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("filterwarnings", "error")
    with contextlib.suppress(ImportError):  # the environment of tests/exchange/test_interop.py has no hypothesis
        from tests import examples  # noqa: PLC0415  as above

        examples.register(config)
    if "s" not in config.option.reportchars:
        config.option.reportchars += "s"  # the reasons of skipped tests say how to run them


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skips the tests of each long mark, unless -m names it."""
    for mark, why in LONG.items():
        if mark not in (config.option.markexpr or ""):
            skip = pytest.mark.skip(f"{why}: -m {mark}")
            for item in items:
                if item.get_closest_marker(mark):
                    item.add_marker(skip)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which child processes of runs make their temporary folders."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


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
def suite(tmp_path: Path) -> SuiteRunner:
    """Runs `pytest suite/` as a user would, in a forked process, which takes half the time."""
    return ForkedRunner(tmp_path)


@pytest.fixture
def process(tmp_path: Path) -> SuiteRunner:
    """Runs `pytest suite/` in a new process, for tests of the process itself."""
    return SuiteRunner(tmp_path)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A headless Chromium, shared by the tests of a file."""
    from tests.browser import MISSING, chromium, started  # noqa: PLC0415  it brings playwright, which most do without

    executable = chromium()
    if executable is None:
        pytest.skip(MISSING)
    with started(executable) as running:
        yield running


@pytest.fixture
def child() -> ChildRunner:
    """Runs the suite as a program would, by `keycheck.process`."""
    return ChildRunner()


@pytest.fixture(scope="session")
def authority() -> "trustme.CA":
    """A certificate authority of our own, which signs the exchange's certificates for TLS."""
    import trustme  # noqa: PLC0415  it brings cryptography, which most tests do without

    return trustme.CA()


@pytest.fixture(scope="session")
def bundle(authority: "trustme.CA", tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file that BINANCE_CA_BUNDLE names."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def front(authority: "trustme.CA", exchange: LocalExchange) -> "Iterator[Front]":
    """The futures host over TLS, with the right certificate."""
    from tests.tls import ADDRESS, Front, speaking  # noqa: PLC0415  as above

    with Front(speaking(authority.issue_cert(ADDRESS)), exchange.futures_url) as opened:
        yield opened
