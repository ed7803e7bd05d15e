"""The commands, units and scripts in docs/alerts.md and docs/fleet.md work as the pages say."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from keycheck.fleet import changes, command
from keycheck.fleet.changes import Change, Changes
from keycheck.fleet.notify import notify
from tests.fleet.fleets import MIXED, entry
from tests.fleet.webhook import Webhook
from tests.running import ROOT

FLEET = (ROOT / "docs/fleet.md").read_text("utf-8")
ALERTS = (ROOT / "docs/alerts.md").read_text("utf-8")


def test_its_commands_have_existing_options() -> None:
    """`keycheck fleet` takes all options of the page's command lines."""
    lines = re.findall(r"keycheck fleet (/.*)", ALERTS)
    assert len(lines) == 2
    for line in lines:
        assert command._parser().parse_args(shlex.split(line)).notify


def test_its_units_are_well_formed(tmp_path: Path) -> None:
    """systemd-analyze accepts the units, if it is installed."""
    if (program := shutil.which("systemd-analyze")) is None:
        pytest.skip("systemd-analyze is not installed here")
    (units,) = re.findall(r"```ini\n(.*?)```", ALERTS, re.DOTALL)
    files = [tmp_path / "keycheck-fleet.service", tmp_path / "keycheck-fleet.timer"]
    for file, text in zip(files, units.split("# keycheck-fleet.timer\n"), strict=True):
        file.write_text(
            re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", text).replace("User=keycheck", "User=root")
        )
    verify = [program, "verify", "--man=no", *map(str, files)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)  # noqa: S603  systemd's own program
    assert (done.returncode, done.stderr) == (0, "")


def test_the_relay_passes_a_post_on(tmp_path: Path) -> None:
    """The script passes a change on to the webhook whose URL is in its file."""
    (script,) = re.findall(r"```python\n(.*?)```", ALERTS, re.DOTALL)
    (tmp_path / "relay.py").write_text(script.replace('HTTPServer(("127.0.0.1", 8766), Relay).', LISTEN))
    was, now = (changes.state_of(one) for one in (entry("alice"), MIXED[1]))
    with Webhook([204]) as hook:
        (tmp_path / "url").write_text(f"{hook.url}/x\n")
        relay = subprocess.Popen(  # noqa: S603  the script of our own page
            [sys.executable, str(tmp_path / "relay.py"), str(tmp_path / "url")], stdout=subprocess.PIPE, text=True
        )
        with relay:
            assert relay.stdout
            port = int(relay.stdout.readline())
            assert notify(f"http://127.0.0.1:{port}/", Changes("then", (Change("alice", was, now),), {})) == ""
            relay.kill()
    assert hook.posts == [{"content": "alice: OK -> NOT_OK ['withdrawals_enabled']"}]


def test_tasks_of_celery_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each task has its own report folder, since Celery runs several in one working directory at once."""
    (script,) = re.findall(r"```python\n(.*?)```", FLEET, re.DOTALL)
    ran: list[list[str]] = []

    def run(command: list[str], **_: Any) -> SimpleNamespace:
        ran.append(command)
        return SimpleNamespace(stdout="")

    app = SimpleNamespace(conf={}, task=lambda **_: lambda function: function)
    monkeypatch.setitem(sys.modules, "celery", SimpleNamespace(Celery=lambda *_, **__: app))
    monkeypatch.setattr(subprocess, "run", run)
    page: dict[str, Any] = {}
    exec(script, page)  # noqa: S102  the script of our own page
    for name in ("alice", "bob"):
        page["check"](name)
    folders = {next(one for one in command if one.startswith("--report-dir=")) for command in ran}
    assert len(folders) == 2


# The script's last line, on a free port, which it prints.
LISTEN = 'server = HTTPServer(("127.0.0.1", 0), Relay); print(server.server_port, flush=True); server.'
