"""A Python, pytest or environment that cannot run Keycheck is refused in one sentence, by conftest.py."""

import ast
import configparser
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.matrix import mostly_slow
from tests.running import ROOT, SuiteRunner

CONFTEST = ROOT / "conftest.py"


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """The sentence with which conftest.py ends pytest, as wrong use."""
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(CONFTEST))
    assert ended.value.code == pytest.ExitCode.USAGE_ERROR
    sentence = capsys.readouterr().err
    assert sentence.startswith("Keycheck needs Python 3.11 or later and its own packages, ")
    assert ".venv" in sentence
    assert sentence.count("\n") == 1
    return sentence


def test_it_parses_on_old_versions_of_python() -> None:
    """conftest.py has no syntax that Python 2.7 or 3.6 lacks: no annotation, no f-string."""
    text = CONFTEST.read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 4))
    new = (ast.AnnAssign, ast.JoinedStr, ast.NamedExpr, ast.AsyncFunctionDef, ast.FunctionDef)
    assert not [node for node in ast.walk(tree) if isinstance(node, new)]
    assert text.isascii()


def test_a_python_that_is_too_old_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence names the version of the Python that was started."""
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    monkeypatch.setattr(sys, "version", "3.10.13 (main) [GCC]")
    assert "this is Python 3.10.13: run" in refusal(capsys)


def test_a_pytest_that_is_too_old_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence names the version of the pytest that was started, which is often the system's."""
    monkeypatch.setattr(pytest, "__version__", "7.2.1")
    assert "this is pytest 7.2.1: run" in refusal(capsys)


def test_a_pytest_without_the_packages_is_refused(process: SuiteRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an environment with only pytest, the sentence names a missing package, and there is no traceback."""
    (process.folder / "sitecustomize.py").write_text("import sys\n\nsys.modules['vcr'] = None\n")
    monkeypatch.setenv("PYTHONPATH", str(process.folder))
    done = process("--replay", "healthy")
    assert done.exit_status == pytest.ExitCode.USAGE_ERROR
    assert len(done.output.splitlines()) == 1
    assert "this environment lacks vcr: run" in done.output


def test_no_older_pytest_reads_the_settings() -> None:
    """An older pytest reads pytest.ini, which names no plugin: a plugin would fail before conftest.py can refuse."""
    assert not [name for name in (".pytest.ini", "tox.ini", "setup.cfg") if (ROOT / name).exists()]
    assert "[tool.pytest" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    settings = configparser.ConfigParser()
    settings.read(ROOT / "pytest.ini", encoding="utf-8")
    assert dict(settings["pytest"]) == {"testpaths": "suite"}
    assert (ROOT / "pytest.toml").is_file()


@pytest.mark.slow
def test_the_older_pytests_settings_are_not_a_warning(tmp_path: Path) -> None:
    """`pytest suite/` names the settings file that it reads, and says nothing of the one for older pytests."""
    command = [sys.executable, "-m", "pytest", "suite/", "--collect-only", f"--report-dir={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603  our own
    assert "configfile: pytest.toml\n" in done.stdout


@pytest.mark.parametrize("named", mostly_slow(["suit/", "Suite/test_1_credentials.py"], 1))
def test_a_misspelt_suite_is_named(tmp_path: Path, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`pytest suit/` says only that suite/ was meant, even if the packages that tests/ needs are not installed."""
    (tmp_path / "sitecustomize.py").write_text("import sys\n\nsys.modules['aiohttp'] = None\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", "pytest", named], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stdout == ""
    assert done.stderr.strip() == f"ERROR: there is no {named} here: did you mean suite/?"
