"""Runs of the suite against a scenario, and copies of the suite that a test may change."""

import json
from pathlib import Path
from typing import Any

import jsonschema

from tests.exchange import API_KEY, API_SECRET, LocalExchange, Scenario
from tests.running import ROOT, Finished, SuiteRunner

SCHEMA = json.loads((ROOT / "keycheck/report/verdict.schema.json").read_text(encoding="utf-8"))


def run(suite: SuiteRunner, scenario: Scenario, *arguments: str, all_plugins: bool = False) -> Finished:
    """Runs the suite against `scenario`, and asserts that the verdict keeps to the schema and no order was placed."""
    with LocalExchange(scenario) as exchange:
        done = suite(*arguments, settings=exchange.settings(), all_plugins=all_plugins)
        assert not exchange.real_orders
    jsonschema.validate(done.verdict, SCHEMA)
    assert API_SECRET not in done.output + done.page + json.dumps(done.verdict)
    assert API_KEY not in done.output + done.page + json.dumps(done.verdict)
    return done


def causes(verdict: dict[str, Any]) -> list[str]:
    """The names of a verdict's causes, the likeliest first."""
    return [one["cause"] for one in verdict["diagnosis"]]


def copy_of_the_suite(folder: Path) -> Path:
    """conftest.py, pytest.toml and suite/ below `folder`, with the machinery linked beside them."""
    root = folder / "copy"
    (root / "suite").mkdir(parents=True)
    for name in ("conftest.py", "pytest.toml"):
        (root / name).write_bytes((ROOT / name).read_bytes())
    (root / "keycheck").symlink_to(ROOT / "keycheck")
    for file in (ROOT / "suite").glob("*.py"):
        (root / "suite" / file.name).write_bytes(file.read_bytes())
    return root
