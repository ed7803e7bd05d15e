"""A run as a child process has the results of the suite, and hands them on as they come."""

import contextlib
import json
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import keycheck
from keycheck import child_process, process
from keycheck.api import Cause
from keycheck.settings import loading
from tests.exchange import API_KEY, API_SECRET, Fault, LocalExchange, Scenario
from tests.keys import ED25519
from tests.matrix import mostly_slow
from tests.process.checking import check
from tests.running import SuiteRunner

MS_AND_MOMENTS = ("startedAt", "durationMs", "driftMs")


@pytest.mark.slow
def test_a_verdict_is_that_of_the_suite(exchange: LocalExchange, tmp_path: Path) -> None:
    """A child's verdict.json differs from that of `pytest suite/` only in times, and the page is returned."""
    report = check(exchange)
    usual = SuiteRunner(tmp_path)(settings=exchange.settings()).verdict
    assert report.ok
    assert report.verdict == "OK"
    assert report.causes == ()
    assert [one.id for one in report.checks] == [one["id"] for one in usual["checks"]]
    assert {k: v for k, v in report.data.items() if k not in (*MS_AND_MOMENTS, "checks", "requests")} == {
        k: v for k, v in usual.items() if k not in (*MS_AND_MOMENTS, "checks", "requests")
    }
    assert "</html>" in report.page
    assert "OK" in report.summary


@pytest.mark.slow
def test_a_key_that_is_not_fit_has_its_causes() -> None:
    """Causes are typed, the likeliest first; a report prints no secret, and is frozen."""
    with LocalExchange(Scenario(ip_allowed=False)) as exchange:
        report = check(exchange)
    assert not report.ok
    assert report.verdict == "NOT_OK"
    assert isinstance(report.causes[0], Cause)
    assert report.causes[0].cause == "ip_not_allowed"
    assert API_KEY[:10] not in repr(report)
    assert "checks" not in repr(report)
    with pytest.raises(AttributeError):
        report.ok = True  # type: ignore[misc]


@pytest.mark.slow
def test_findings_are_passed_on_as_they_come(exchange: LocalExchange) -> None:
    """on_check gets each check once, in run order, in the calling thread, as the report has it."""
    heard: list[tuple[keycheck.CheckResult, threading.Thread]] = []
    report = check(exchange, on_check=lambda one: heard.append((one, threading.current_thread())))
    assert tuple(one for one, _ in heard) == report.checks
    assert {thread for _, thread in heard} == {threading.current_thread()}


@pytest.mark.parametrize(
    "fault", mostly_slow([None, Fault.echo()], 1), ids=["the caller's address", "the whole request"]
)
def test_the_results_of_a_run_hold_no_secret(fault: Fault | None) -> None:
    """Findings, page and verdict do not show key, signature and address, even if an answer quotes them."""
    faults = {"/sapi/v1/account/apiRestrictions": fault, "/fapi/v1/accountConfig": fault} if fault else {}
    heard: list[keycheck.CheckResult] = []
    with LocalExchange(Scenario(ip_allowed=bool(fault), faults=faults)) as exchange:
        report = check(exchange, on_check=heard.append)
    assert not report.ok
    seen = repr(heard) + json.dumps(dict(report.data)) + report.page + report.summary + repr(report)
    assert "signed_requests_are_accepted" in repr(heard)
    for text in (API_KEY, API_SECRET):
        assert not any(text[at : at + 10] in seen for at in range(len(text) - 10))
    assert not re.search(r"request ip: \d", seen)
    assert not re.search(r"signature=[0-9a-f]{8}", seen)


@pytest.mark.slow
def test_a_private_key_is_handed_over_as_text(tmp_path: Path) -> None:
    """A private key is given as its text, or as a path relative to the caller's working directory."""
    with LocalExchange(Scenario(public_key=ED25519.public)) as exchange:
        settings = {"api_secret": None, "private_key": ED25519.private}
        report = check(exchange, **settings)
        (tmp_path / "private.pem").write_text(ED25519.private)
        with contextlib.chdir(tmp_path):
            other = check(exchange, api_secret=None, private_key_file="private.pem")
    assert (report.verdict, report.data["key"]["type"]) == ("OK", "ED25519")
    assert other.verdict == "OK"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        *mostly_slow(
            [
                ({"symbol": "!!"}, "BINANCE_SYMBOL is not a contract's name"),
                ({"api_key": "ä" * 64 + "\n1"}, "BINANCE_API_KEY holds a line break"),
                ({"ca_bundle": "no such file"}, "BINANCE_CA_BUNDLE"),
                ({"private_key": "no PEM", "api_secret": None}, "no private key"),
                ({"recv_window": 0}, "BINANCE_RECV_WINDOW must be"),
            ],
            1,
        ),
        ({"timeout": 0}, "timeout must be"),
        ({"timeout": float("nan")}, "timeout must be"),
        ({"api_key": b"bytes"}, "api_key must be text, but is bytes"),
        ({"private_key": "a", "private_key_file": "b"}, "leave one of them out"),
    ],
)
def test_settings_that_cannot_be_used_raise_their_sentence(
    settings: dict[str, Any], sentence: str, exchange: LocalExchange
) -> None:
    """Settings that cannot be used raise ValueError with the run's sentence, without a secret."""
    with pytest.raises(ValueError, match=sentence) as raised:
        check(exchange, **settings)
    assert API_SECRET[:10] not in str(raised.value)
    assert exchange.log == []


def test_each_setting_has_its_parameter() -> None:
    """`check` has a parameter for each setting, and besides these only parameters about watching the run."""
    parameters = set(keycheck.check.__annotations__) - {"return", "on_check", "timeout", "cancel", "private_key"}
    named = {"passphrase": "BINANCE_PRIVATE_KEY_PASSPHRASE"}
    assert {named.get(name, f"BINANCE_{name.upper()}") for name in parameters} == set(loading.NAMES)


@pytest.mark.slow
def test_nothing_is_a_setting_but_what_is_given(exchange: LocalExchange, tmp_path: Path) -> None:
    """A run reads neither the caller's environment nor a .env in the working directory."""
    (tmp_path / ".env").write_text("BINANCE_SYMBOL=ETHUSDT\n")
    outside = {"BINANCE_SYMBOL": "ETHUSDT", "PYTEST_ADDOPTS": "-k nothing", "HTTPS_PROXY": "http://127.0.0.1:9"}
    with contextlib.chdir(tmp_path), pytest.MonkeyPatch.context() as patched:
        for name, value in outside.items():
            patched.setenv(name, value)
        report = check(exchange)
    assert (report.verdict, report.data["symbol"]) == ("OK", "BTCUSDT")


@pytest.mark.slow
def test_a_file_of_settings_is_read_by_the_child(exchange: LocalExchange, tmp_path: Path) -> None:
    """A child reads credentials from a file of settings, and takes the other settings from the caller."""
    lines = [f"{name}={value}" for name, value in exchange.settings().items()]
    (tmp_path / "alice.env").write_text("\n".join(lines))
    (tmp_path / "alice.env").chmod(0o600)
    done = process.run({"BINANCE_SYMBOL": "ETHUSDT"}, env_file=tmp_path / "alice.env")
    assert (done.verdict["verdict"], done.verdict["symbol"]) == ("OK", "ETHUSDT")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        (None, range(1)),
        (Fault.rate_limited(37), range(37, 38)),
        (Fault.banned(until_ms=round(1000 * time.time()) + 36_000_000), range(30_000, 36_000)),  # this test may be late
    ],
    ids=["healthy", "429", "418"],
)
def test_limits_have_used_weight_own_weight_and_wait(fault: Fault | None, wait: range) -> None:
    """`limits` has the highest used weight, the weight that the run spent, and how long Binance says to wait."""
    faults = {"/fapi/v1/order/test": fault} if fault else {}
    with LocalExchange(Scenario(used_weight=700, faults=faults)) as exchange:
        done = process.run(exchange.settings())
    assert done.limits.spent == done.verdict["requests"]["futuresWeight"]
    assert done.limits.granted == 2400
    assert 710 <= done.limits.used <= 720
    assert done.limits.wait in wait


@pytest.mark.slow
def test_a_run_that_is_cut_short_has_limits() -> None:
    """After a run that was cut short, `limits` counts the requests of its checks until then."""
    with LocalExchange(Scenario(used_weight=700, faults={"/fapi/v1/order/test": Fault.stall()})) as exchange:
        done = process.run(exchange.settings(), timeout=4)
    assert done.verdict["diagnosis"][0]["cause"] == process.CUT_SHORT
    assert done.limits.used >= 700


FAKE = """
import json, os, pathlib, sys
sys.stdin.readline()
folder = pathlib.Path(json.loads(sys.stdin.readline())["folder"])
(folder / "reports").mkdir(parents=True)
(folder / "reports/verdict.json").write_text({verdict!r})
os.write(1, {lines!r})
"""
EMPTY_OK = '{"verdict": "OK", "ok": true, "checks": [], "diagnosis": []}'


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        (b'5\n{"exit": 0}\n', EMPTY_OK),
        (b'null\n{"exit": 0}\n', EMPTY_OK),
        (b'"check"\n{"exit": 0}\n', EMPTY_OK),
        (b'half of a {"exit": 0}\n{"exit": 0}\n', EMPTY_OK),
        (b"[" * 100_000 + b'\n{"exit": 0}\n', EMPTY_OK),
        (b'{"check": 5}\n{"exit": 0}\n', EMPTY_OK),
        (b'{"check": {"id": "one that verdict.json lacks"}}\n{"exit": 0}\n', EMPTY_OK),
        (b'{"problem": 5}\n{"exit": 0}\n', EMPTY_OK),
        (b'{"limits": {}}\n{"exit": 0}\n', EMPTY_OK),
        (b'{"limits": {"spent": 1, "used": -1, "granted": null, "wait": true}}\n{"exit": 0}\n', EMPTY_OK),
        (b'{"exit": []}\n', EMPTY_OK),
        (b'{"exit": false}\n', EMPTY_OK),
        (b'{"exit": 0.0}\n', EMPTY_OK),
        (b'{"exit": 10}\n{"exit": 0}\n', EMPTY_OK),
        (b'{"exit": 0}\n', '{"verdict": "OK", "ok": true}'),
        (b'{"exit": 0}\n', '{"verdict": "OK", "ok": 1, "checks": [], "diagnosis": []}'),
        (b'{"exit": 0}\n', "[" * 100_000),
        (b'{"exit": 10}\n', '{"verdict": "UNPROVEN", "ok": false, "checks": 5}'),
    ],
)
def test_a_child_that_contradicts_itself_is_unproven(
    lines: bytes, verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child with lines that no run writes, two exit statuses, or a verdict without findings is UNPROVEN."""
    (tmp_path / "child.py").write_text(FAKE.format(verdict=verdict, lines=lines))
    monkeypatch.setattr(child_process, "_PROGRAM", tmp_path / "child.py")
    report = keycheck.check(api_key=API_KEY, api_secret=API_SECRET, timeout=20)
    assert (report.ok, report.verdict) == (False, "UNPROVEN")
    assert report.causes[0].cause == process.CUT_SHORT


def test_a_child_whose_lines_and_file_agree_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child with one exit status, and a verdict and findings that agree with it, is believed."""
    (tmp_path / "child.py").write_text(FAKE.format(verdict=EMPTY_OK, lines=b'{"exit": 0}\n'))
    monkeypatch.setattr(child_process, "_PROGRAM", tmp_path / "child.py")
    assert keycheck.check(api_key=API_KEY, api_secret=API_SECRET, timeout=20).ok


@pytest.mark.slow
def test_a_run_that_has_ended_is_not_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ended in time is OK, even if its caller notices that late, because it was stopped or is slow."""
    entry = dict.fromkeys(process._FIELDS, "")
    verdict = json.dumps(json.loads(EMPTY_OK) | {"checks": [entry]})
    lines = f'{json.dumps({"check": entry})}\n{{"exit": 0}}\n'.encode()
    (tmp_path / "child.py").write_text(FAKE.format(verdict=verdict, lines=lines))
    monkeypatch.setattr(child_process, "_PROGRAM", tmp_path / "child.py")
    report = keycheck.check(api_key=API_KEY, api_secret=API_SECRET, timeout=2, on_check=lambda _: time.sleep(3))
    assert report.ok
