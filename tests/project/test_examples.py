"""The examples of docs/ do what docs/ says."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.exchange import LocalExchange, Scenario
from tests.running import ROOT

SERVICE = (ROOT / "docs/service.md").read_text("utf-8")


@pytest.fixture
def many_accounts() -> ModuleType:
    """docs/examples/many_accounts.py."""
    spec = importlib.util.spec_from_file_location("many_accounts", ROOT / "docs/examples/many_accounts.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_twenty_accounts_are_tested_some_at_once(many_accounts: ModuleType) -> None:
    """Each account has its own verdict, with others tested at the same time."""
    with LocalExchange() as healthy, LocalExchange(Scenario(ip_allowed=False)) as refusing:
        given = [
            {name.removeprefix("BINANCE_").lower(): value for name, value in one.settings().items()}
            for one in (healthy, refusing)
        ]
        accounts = {f"account-{number}": given[number % 5 == 0] for number in range(20)}
        reports = many_accounts.check_all(accounts)
        orders = healthy.real_orders + refusing.real_orders
    assert list(reports) == list(accounts)
    assert [report.verdict for report in reports.values()] == ["OK" if n % 5 else "NOT_OK" for n in range(20)]
    assert {cause.cause for report in reports.values() for cause in report.causes[:1]} == {"ip_not_allowed"}
    assert orders == []


def test_only_settings_are_read_from_an_accounts_file(many_accounts: ModuleType, tmp_path: Path) -> None:
    """A bot's other settings are left out, as BINANCE_TIMEOUT; a file that cannot be read is a ValueError."""
    file = tmp_path / "alice.env"
    file.write_text("\ufeffBINANCE_API_KEY=k\nBINANCE_TIMEOUT=1\nBINANCE_CANCEL=no\nSYMBOL=x\n", encoding="utf-8")
    assert many_accounts.settings_of(file) == {"api_key": "k"}
    with pytest.raises(ValueError, match="cannot be read"):
        many_accounts.settings_of(tmp_path / "missing.env")
    file.write_text("BINANCE_API_KEY=k", encoding="utf-16")
    with pytest.raises(ValueError, match="is not UTF-8"):
        many_accounts.settings_of(file)


@pytest.mark.slow
def test_a_mail_is_sent_after_each_change(tmp_path: Path) -> None:
    """A mail is sent at first and after each change of verdict or causes, and again if it could not be sent.

    If no mail could be sent, the status is not 1: it would mean "not fit", which the unit counts as a success.
    """
    (script,) = re.findall(r"```sh\n(#!/bin/sh\n# keycheck-mail.*?)```", SERVICE, re.DOTALL)
    programs, state = tmp_path / "bin", tmp_path / "state"
    programs.mkdir()
    outbox, fault = tmp_path / "outbox", tmp_path / "fault"
    for name, text in {
        "keycheck-mail": script,
        "keycheck": f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m keycheck "$@"\n',
        "mail": f'#!/bin/sh\n[ ! -e {fault} ] || exit 1\n{{ echo "to: $3 subject: $2"; cat; }} >>{outbox}\n',
        "python3": f'#!/bin/sh\nexec {sys.executable} "$@"\n',
    }.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)

    def run(cassette: str, *options: str) -> tuple[int, str]:
        outbox.write_text("")
        done = subprocess.run(  # noqa: S603  our own script
            [str(programs / "keycheck-mail"), "me@example.com", "--replay", cassette, *options],
            env={"PATH": f"{programs}{os.pathsep}{os.defpath}", "STATE_DIRECTORY": str(state)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, outbox.read_text().partition("\n")[0]

    assert run("healthy") == (0, "to: me@example.com subject: keycheck: OK")
    assert run("healthy") == (0, "")
    fault.touch()
    assert run("read-only") == (3, "")
    fault.unlink()
    status, sent = run("read-only")
    assert (status, sent[:50]) == (1, "to: me@example.com subject: keycheck: NOT_OK read_")
    assert run("read-only") == (1, "")
    assert run("withdrawals-enabled", "--report-dir", str(tmp_path / "elsewhere"))[0] == 1
    assert "withdraw" in outbox.read_text().partition("## Keycheck: NOT OK")[2]  # of this run, not of an earlier one
    assert run("no such cassette")[1] == "to: me@example.com subject: keycheck: UNPROVEN run_not_finished"
    assert json.loads((state / "new.json").read_text())["ok"] is False
    assert "--replay: there is no cassette" in outbox.read_text()  # the reason, since there is no summary
    (state / "new.json").unlink()
    (state / "new.json").mkdir()  # as a file system that has become read-only: nothing can be written
    assert run("read-only") == (3, "")


def test_the_units_of_systemd_are_well_formed(tmp_path: Path) -> None:
    """systemd-analyze accepts the units, if it is installed."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed here")
    bot, nightly = re.findall(r"```ini\n(.*?)```", SERVICE, re.DOTALL)
    service, _, timer = nightly.partition("# keycheck.timer\n")
    for name, text in {"bot.service": bot, "keycheck.service": service, "keycheck.timer": timer}.items():
        (tmp_path / name).write_text(
            re.sub(r"(?m)^(Exec\w+)=\S+", r"\1=/bin/true", text).replace("User=bot", "User=root")
        )
    units = [str(tmp_path / name) for name in ("bot.service", "keycheck.service", "keycheck.timer")]
    done = subprocess.run([program, "verify", "--man=no", *units], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.stderr == ""
    assert done.returncode == 0
