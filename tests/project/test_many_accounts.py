"""docs/examples/many_accounts.py tests one account after the other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exchange import LocalExchange
from tests.running import ROOT


def example(folder: Path, *files: str, streams: str = "") -> "subprocess.CompletedProcess[str]":
    """Runs the example on these files of a folder. `streams`: what a shell does with its streams, such as `>&-`."""
    command = [sys.executable, str(ROOT / "docs/examples/many_accounts.py"), *files]
    command = ["/bin/sh", "-c", f'exec "$@" {streams}', "sh", *command]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603


@pytest.mark.slow
def test_many_accounts_are_each_tested(exchange: LocalExchange, tmp_path: Path) -> None:
    """In the example, two files of one name are two accounts; a bad file is not a NOT_OK, and stops no other."""
    lines = "\n".join(f"{name}={value}" for name, value in exchange.settings().items())
    for folder, more in {"a": "", "b": "\nBINANCE_SYMBOL=!!\nOTHER=1\nBINANCE_PRIVATE_KEY_PASSPHRASE=p"}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "bot.env").write_text(lines + more)
    done = example(tmp_path, "a/bot.env", "b/bot.env")
    assert done.returncode == 10
    assert "Traceback" not in done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["a/bot.env", "OK"],
        ["b/bot.env", "BINANCE_SYMBOL"],
    ]
    assert example(tmp_path, "a/bot.env").returncode == 0
    assert example(tmp_path).returncode == 10


@pytest.mark.slow
def test_a_name_may_have_letters_that_stdout_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example's own exit status stays: Python would end with 1, which stands for NOT_OK."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    (tmp_path / "\u0444.env").write_text("BINANCE_API_KEY=x\nBINANCE_SYMBOL=!!")
    done = example(tmp_path, "\u0444.env")
    assert (done.returncode, done.stdout.split()[:2]) == (10, ["\\u0444.env", "BINANCE_SYMBOL"])


@pytest.mark.slow
def test_a_closed_stdout_is_not_a_verdict(tmp_path: Path) -> None:
    """With stdout closed, the example still ends with its own exit status."""
    (tmp_path / "a.env").write_text("BINANCE_API_KEY=x\nBINANCE_SYMBOL=!!")
    assert example(tmp_path, "a.env", streams=">&-").returncode == 10
