"""A run imports only the libraries that it uses, so that it starts quickly."""

import pytest

from tests.exchange import LocalExchange, Scenario
from tests.exit_probe import PLUGIN, left_in
from tests.keys import ED25519
from tests.running import SuiteRunner

LIVE = {"requests", "urllib3", "dotenv"}
CASSETTE = {"vcr", "yaml"}
# aiohttp is one of those that vcrpy imports to patch them, if they are installed
WATCHED = LIVE | CASSETTE | {"websockets", "cryptography", "aiohttp"}
IMPORTED: dict[str, set[str]] = {
    "live": LIVE | {"websockets"},
    "no stream": LIVE,
    "Ed25519": LIVE | {"websockets", "cryptography"},
    "record": LIVE | {"websockets"} | CASSETTE,
    "replay": CASSETTE,
}


@pytest.mark.slow
@pytest.mark.parametrize("how", IMPORTED)
def test_a_run_imports_what_it_uses(how: str, process: SuiteRunner) -> None:
    """The libraries of other kinds of runs are not imported."""
    cassette = {"record": ("--record", str(process.folder / "mine.yaml")), "replay": ("--replay", "healthy")}
    with LocalExchange(Scenario(public_key=ED25519.public if how == "Ed25519" else None)) as exchange:
        settings = exchange.settings() | {"BINANCE_USER_STREAM": "off" if how == "no stream" else "on"}
        settings |= ED25519.settings() if how == "Ed25519" else {}
        done = process(*PLUGIN, *cassette.get(how, ()), settings=settings)
    assert done.exit_status == 0
    assert {name.partition(".")[0] for name in left_in(process.report_dir).modules} & WATCHED == IMPORTED[how]
