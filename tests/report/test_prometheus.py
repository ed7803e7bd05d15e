"""`--prom FILE`: the file for Prometheus' textfile collector."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from keycheck.report import prometheus, verdict_json
from keycheck.verdict.findings import Outcome
from tests.exchange import Fault, LocalExchange, Scenario
from tests.matrix import mostly_slow
from tests.running import ROOT, SuiteRunner
from tests.sample_reports import REPORTS

SCHEMA = Draft202012Validator(json.loads((ROOT / "keycheck/report/verdict.schema.json").read_text("utf-8")))
EVERY = {name: verdict_json.as_dict(report) for name, report in REPORTS.items()}
VERDICTS = {name: verdict for name, verdict in EVERY.items() if SCHEMA.is_valid(verdict)}  # some are only for the page


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Name, labels and value of each line, by Prometheus' own parser."""
    parser = pytest.importorskip("prometheus_client.parser")
    for family in parser.text_string_to_metric_families(text):
        assert (family.type, bool(family.documentation)) == ("gauge", True)
        yield from ((sample.name, sample.labels, sample.value) for sample in family.samples)


def of(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    """Labels and value of one name's lines."""
    return [(labels, value) for found, labels, value in samples(text) if found == name]


@pytest.mark.parametrize("name", VERDICTS)
def test_every_report_can_be_read(name: str) -> None:
    """The text has one line for each check and cause, none twice, and keycheck_ok is 1 only for OK."""
    verdict = VERDICTS[name]
    text = prometheus.render([({}, verdict)])
    lines = [(found, tuple(sorted(labels.items()))) for found, labels, _ in samples(text)]
    assert len(set(lines)) == len(lines)
    assert [value for _, value in of(text, "keycheck_ok")] == [float(verdict["verdict"] == "OK")]
    outcomes = {labels["check"]: labels["outcome"] for labels, _ in of(text, "keycheck_check")}
    assert outcomes == {check["id"]: check["outcome"] for check in verdict["checks"]}
    assert set(outcomes.values()) <= {one.value for one in Outcome}
    assert {labels["cause"] for labels, _ in of(text, "keycheck_cause")} == {d["cause"] for d in verdict["diagnosis"]}
    drift = of(text, "keycheck_clock_drift_seconds")
    assert [round(value * 1000) for _, value in drift] == [ms for ms in [verdict["driftMs"]] if ms is not None]


def test_one_file_can_hold_many_accounts() -> None:
    """Each metric appears once, with a line for each account; odd names are escaped by the format's rules."""
    odd = 'a"b\\c\nd'
    verdict: dict[str, Any] = next(iter(VERDICTS.values()))
    text = prometheus.render([({"account": name}, verdict) for name in ("alice", odd)])
    assert text.count("# TYPE keycheck_ok gauge") == 1
    assert [labels["account"] for labels, _ in of(text, "keycheck_ok")] == ["alice", odd]


def test_a_run_replaces_the_file(suite: SuiteRunner, tmp_path: Path) -> None:
    """A run replaces the file, readable by the collector, with its verdict and time."""
    file = tmp_path / "keycheck.prom"
    file.write_text("keycheck_ok 1\n")
    done = suite("--replay", "ip-refused", "--prom", str(file))
    text = file.read_text()
    assert done.exit_status == 1
    ((labels, value),) = of(text, "keycheck_ok")
    assert (value, labels["mode"], labels["symbol"]) == (0, "replay", "BTCUSDT")
    assert len(of(text, "keycheck_check")) == len(done.verdict["checks"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert [path.name for path in tmp_path.glob("*.prom*")] == ["keycheck.prom"]


def test_a_run_without_a_verdict_leaves_no_old_one(suite: SuiteRunner, tmp_path: Path) -> None:
    """After a run with unusable settings, keycheck_ok in the file is 0."""
    file = tmp_path / "keycheck.prom"
    file.write_text("keycheck_ok 1\n")
    assert suite("--prom", str(file), settings={"BINANCE_SYMBOL": "!!"}).exit_status == 4
    assert [value for _, value in of(file.read_text(), "keycheck_ok")] == [0]


@pytest.mark.parametrize(
    "settings", mostly_slow([{}, {"BINANCE_SYMBOL": "!!"}], 1), ids=["with a verdict", "without one"]
)
def test_a_file_of_something_else_is_not_replaced(settings: dict[str, str], suite: SuiteRunner, tmp_path: Path) -> None:
    """A file that holds anything but metrics, such as a private key named by mistake, is not replaced."""
    file = tmp_path / "key.pem"
    file.write_text("-----BEGIN PRIVATE KEY-----\n")
    done = suite(*([] if settings else ["--replay", "healthy"]), "--prom", str(file), settings=settings)
    assert done.exit_status in (3, 4)
    assert "--prom could not be written (it holds something other than metrics" in done.output
    assert file.read_text() == "-----BEGIN PRIVATE KEY-----\n"


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_is_not_replaced(suite: SuiteRunner, tmp_path: Path) -> None:
    """A run of root would put a file in the place of /dev/stdout, which is a link to what may be an empty file."""
    (tmp_path / "empty").touch()
    (tmp_path / "stdout").symlink_to("empty")
    done = suite("--replay", "healthy", "--prom", str(tmp_path / "stdout"))
    assert done.exit_status == 3
    assert "--prom could not be written (it is a link)" in done.output
    assert (tmp_path / "stdout").is_symlink()


@pytest.mark.skipif(os.name == "nt", reason="no such device")
@pytest.mark.parametrize("file", mostly_slow(["/proc/keycheck.prom", "no/such/folder/keycheck.prom"], 1))
def test_a_file_that_cannot_be_written_is_exit_3(file: str, suite: SuiteRunner) -> None:
    """If the file cannot be written, the exit status is 3, a sentence names the option, and the verdict stays."""
    done = suite("--replay", "healthy", "--prom", file)
    assert done.exit_status == 3
    assert "--prom could not be written" in done.output
    assert done.verdict["verdict"] == "OK"


@pytest.mark.slow
def test_an_exchange_in_trouble_is_not_ok(suite: SuiteRunner, tmp_path: Path) -> None:
    """An UNPROVEN run writes keycheck_ok as 0 and a line for its cause, and no line for a figure it did not learn."""
    with LocalExchange(Scenario(faults={"*": Fault.status(503)})) as exchange:
        suite("--prom", str(tmp_path / "x.prom"), settings=exchange.settings())
    text = (tmp_path / "x.prom").read_text()
    assert [value for _, value in of(text, "keycheck_ok")] == [0]
    assert [labels["cause"] for labels, _ in of(text, "keycheck_cause")] == ["exchange_trouble"]
    assert of(text, "keycheck_clock_drift_seconds") == []
