"""The command `keycheck` runs the suite from any folder, with its own plugins only."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import conftest
from keycheck import __main__, __version__, command, invocation, option_values
from keycheck.redaction.redactor import Redactor
from keycheck.report.folder import ReportFolder
from keycheck.report.folder_lock import Hold
from tests.exchange import API_KEY, API_SECRET, LocalExchange, Scenario
from tests.keys import ED25519
from tests.matrix import mostly_slow
from tests.running import LONGEST, ROOT
from tests.sample_reports import BLANK
from tests.suite_runs import copy_of_the_suite

Done = subprocess.CompletedProcess[str]
Command = Callable[..., Done]
REPLAY = ("--replay", "healthy", "-q")


@pytest.fixture
def keycheck(tmp_path: Path) -> Command:
    """Runs `python -m keycheck` in a folder of its own; `settings` are variables of its environment."""
    here = tmp_path / "here"
    here.mkdir()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BINANCE_", "PYTEST_"))}

    def run(*arguments: str, cwd: Path = here, shell: str = "", **settings: str) -> Done:
        command = [sys.executable, "-m", "keycheck", *arguments]
        return subprocess.run(  # noqa: S603  our own command
            ["/bin/sh", "-c", f'exec "$@" {shell}', "sh", *command] if shell else command,
            cwd=cwd,
            env=inherited | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "100"} | settings,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )

    return run


def test_version_is_name_and_version(keycheck: Command) -> None:
    """`--version` prints only name and version, and does not import pytest."""
    done = keycheck("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"keycheck {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        (API_KEY,),
        (f"--api-secret={API_SECRET}",),
        ("serve", "--token", API_SECRET),
        (f"--private-key={ED25519.private}",),
        ("--private-key", ED25519.body),
        ("fleet", "keys", "--api-key", API_KEY, f"--api-secret={API_SECRET}"),
        ("fleet", "keys", "--share", API_SECRET, "--notify", "https://hooks.example/x"),
    ],
)
def test_a_key_in_the_command_line_is_refused_and_not_repeated(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """All users of a machine can read its command lines; the refusal of a key says where it belongs."""
    assert command._command([*arguments]) == 4
    written = "".join(capsys.readouterr())
    assert ".env" in written
    assert API_KEY not in written
    assert API_SECRET not in written
    assert ED25519.body not in written


@pytest.mark.parametrize("argument", [API_KEY, "-n2"], ids=["key", "-n2"])
def test_a_refused_command_leaves_no_old_verdict(
    argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that refuses its arguments removes the last run's OK, as a run that is refused does."""
    monkeypatch.chdir(tmp_path)
    folders = [tmp_path / "reports", tmp_path / "alice"]
    for folder in folders:
        folder.mkdir()
        (folder / "verdict.json").write_text('{"suiteVersion": "0.1.0", "ok": true}')
    assert [command._command([argument, *options]) for options in ((), ("--report-dir", "alice"))] == [4, 4]
    assert not [folder for folder in folders if (folder / "verdict.json").exists()]


def test_a_refusal_that_cannot_be_printed_leaves_no_old_verdict(keycheck: Command, tmp_path: Path) -> None:
    """If stderr takes no more, such as a log on a full disk, a refused command still ends with 4, and leaves no OK."""
    verdict = tmp_path / "here/reports/verdict.json"
    verdict.parent.mkdir()
    verdict.write_text('{"suiteVersion": "0.1.0", "ok": true}')
    assert keycheck("-n2", shell="2>/dev/full").returncode == 4  # noqa: S604  our own words
    assert not verdict.exists()


def test_the_help_is_short_and_has_examples(keycheck: Command) -> None:
    """The help fits a terminal, has examples, and says how to get pytest's options."""
    done = keycheck("--help")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 115
    assert "keycheck --replay healthy" in done.stdout
    assert "pytest --help" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("serve",), ("fleet", "keys")])
def test_a_missing_working_directory_is_refused_in_a_sentence(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a working directory the exit status is 4, and not Python's 1, which would mean that a check failed."""
    monkeypatch.setattr(sys, "argv", ["keycheck", *arguments])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # which the command replaces
    monkeypatch.setattr(os, "getcwd", lambda: os.stat("no such folder"))  # noqa: PTH116  raises what getcwd does
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 4
    assert capsys.readouterr().err.startswith("ERROR: the working directory cannot be used (No such file or directory)")


@pytest.mark.parametrize(
    ("arguments", "unbuffered"),
    mostly_slow([(("--help",), ""), (("--version",), "1"), (("fleet", "--help"), ""), (("serve", "--help"), "1")], 2),
)
def test_a_help_that_nobody_reads_is_not_an_error(
    arguments: tuple[str, ...], unbuffered: str, keycheck: Command
) -> None:
    """If stdout cannot be written, as in `keycheck --help | head -1`, the exit status is 0, without a traceback."""
    done = keycheck(*arguments, shell=">/dev/full", PYTHONUNBUFFERED=unbuffered)  # noqa: S604  our own words
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_a_run_uses_the_working_directory(keycheck: Command, exchange: LocalExchange, tmp_path: Path) -> None:
    """.env, reports/ and cassettes/ are those of the working directory; a cassette there is replayed by its name."""
    here = tmp_path / "here"
    (here / ".env").write_text("\n".join(f"{name}={value}" for name, value in exchange.settings().items()))
    (here / ".env").chmod(0o600)
    done = keycheck("--record", "mine")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((here / "reports/verdict.json").read_text())["verdict"] == "OK"
    assert (here / "cassettes/mine.yaml").is_file()
    assert sorted(path.name for path in here.iterdir()) == [".env", ".pytest_cache", "cassettes", "reports"]
    assert "suite/test_1_credentials.py" in done.stdout
    assert f" {ROOT}" not in done.stdout.replace(f"rootdir: {ROOT}", "")
    again = keycheck("--replay", "mine", "-q")
    assert again.returncode == 0
    assert "replay of mine" not in again.stderr


@pytest.mark.slow
def test_a_shipped_cassette_is_found_by_its_name(keycheck: Command) -> None:
    """A shipped cassette is found from any folder, and an unknown name is refused in a sentence."""
    assert keycheck("--replay", "ip-refused").returncode == 1
    done = keycheck("--replay", "nobodys")
    assert done.returncode == 4
    assert "there is no cassette nobodys.yaml" in done.stderr
    assert "did you mean healthy?" in keycheck("--replay", "healhty").stderr


@pytest.mark.slow
def test_in_a_clone_it_runs_the_clones_suite(keycheck: Command, tmp_path: Path) -> None:
    """In a clone the command runs the clone's suite, as `python -m keycheck` does."""
    done = keycheck(*REPLAY, "--report-dir", str(tmp_path / "reports"), cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_options_of_pytest_pass_through(keycheck: Command, tmp_path: Path) -> None:
    """Options of pytest keep their meaning, write files in the working directory, and cause no warning."""
    done = keycheck(
        "--replay",
        "healthy",
        "-v",
        "-k",
        "present",
        "--junitxml=junit.xml",
        "--html=page.html",
        "--self-contained-html",
    )
    assert done.returncode == 10  # a single check proves nothing
    assert "suite/test_1_credentials.py::test_credentials_are_present PASSED" in done.stdout
    assert (tmp_path / "here/junit.xml").is_file()
    assert "Keycheck" in (tmp_path / "here/page.html").read_text()
    assert "warning" not in done.stdout


@pytest.mark.parametrize("arguments", mostly_slow(["fleet --zzz", "serve --port x", "-n 2"], 1))
def test_the_exit_status_is_its_own_under_pythoninspect(arguments: str, keycheck: Command) -> None:
    """Python itself would end with 1, which means that a critical check failed, or on a terminal with 0."""
    done = keycheck(*arguments.split(), PYTHONINSPECT="1")
    assert done.returncode == 4
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_first_plugin_cannot_be_taken_out(keycheck: Command) -> None:
    """-p no:keycheck.withdrawal changes nothing: the command loads the plugin all the same, and its options once."""
    done = keycheck(*REPLAY, "-p", "no:keycheck.withdrawal")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [("-n", "2"), ("-n2",), ("--numprocesses=2",)])
def test_more_processes_are_refused(arguments: tuple[str, ...], keycheck: Command) -> None:
    """-n is refused in a sentence, with or without pytest-xdist."""
    done = keycheck(*arguments)
    assert done.returncode == 4
    assert "-n does not go with keycheck" in done.stderr


@pytest.mark.parametrize("path", mostly_slow(["conftest.py", ".", "suite/", "--", "@here.txt"], 1))
def test_paths_are_refused(path: str, keycheck: Command, tmp_path: Path) -> None:
    """A path is refused before a file in it is imported."""
    (tmp_path / "here/conftest.py").write_text("print('STRANGER')")
    (tmp_path / "here/here.txt").write_text("--")
    done = keycheck(*REPLAY, path)
    assert done.returncode == 4
    assert f"keycheck takes only options, and {path} is not one" in done.stderr
    assert "STRANGER" not in done.stdout + done.stderr


@pytest.mark.parametrize("option", mostly_slow(["addopts=@here.txt", "addopts=--env-file @here.txt"], 1))
def test_a_line_of_a_file_that_addopts_names_is_not_repeated(option: str, keycheck: Command, tmp_path: Path) -> None:
    """pytest reads options from a file @NAME, and the user may have named one with secrets."""
    (tmp_path / "here/here.txt").write_text(f"{API_KEY}\n{API_SECRET}\n")
    done = keycheck("-o", option)
    assert done.returncode == 4
    assert "keycheck takes only options, and a text in addopts is not one" in done.stderr
    assert not any(secret[:10] in done.stdout + done.stderr for secret in (API_KEY, API_SECRET))


@pytest.mark.parametrize(("missing", "arguments"), [("pytest", REPLAY), ("requests", ("fleet", "keys"))])
def test_a_broken_installation_is_not_a_verdict(
    missing: str, arguments: tuple[str, ...], keycheck: Command, tmp_path: Path
) -> None:
    """The exit status of an error is 3, not Python's own 1, which means that a key is not fit."""
    (tmp_path / f"{missing}.py").write_text("raise ImportError('it is broken')")
    done = keycheck(*arguments, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.endswith("ImportError: it is broken\n")


@pytest.mark.parametrize(("module", "arguments"), [("pytest", REPLAY), ("requests", ("fleet", "keys"))])
def test_ctrl_c_during_the_imports_ends_with_2(
    module: str, arguments: tuple[str, ...], keycheck: Command, tmp_path: Path
) -> None:
    """Ctrl-C in the first tenths of a second ends the command as it does later: no traceback, and no old OK."""
    (tmp_path / f"{module}.py").write_text("raise KeyboardInterrupt")
    old = tmp_path / "here/reports/verdict.json"
    old.parent.mkdir()
    old.write_text('{"ok": true, "suiteVersion": "0.1.0"}')
    done = keycheck(*arguments, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "Interrupted by Ctrl-C: run it again\n")
    assert old.exists() is (arguments != REPLAY)


@pytest.mark.slow
def test_files_in_the_working_directory_have_no_effect_on_a_run(keycheck: Command, tmp_path: Path) -> None:
    """A conftest.py, pytest settings and modules named like libraries in the working directory have no effect."""
    here = tmp_path / "here"
    for name in ("conftest", "requests", "vcr", "jinja2", "stranger", "test_stranger", "usercustomize"):
        (here / f"{name}.py").write_text("print('STRANGER')\nraise SystemExit(7)")
    (here / "pytest.ini").write_text("[pytest]\naddopts = -p stranger\n")
    (here / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '-p stranger'\n")
    done = keycheck(*REPLAY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "STRANGER" not in done.stdout + done.stderr


@pytest.mark.slow
def test_no_plugin_of_other_projects_takes_part(keycheck: Command, tmp_path: Path) -> None:
    """Installed plugins and those of pytest's own variables are not loaded; a plugin given with -p is."""
    packages = tmp_path / "packages"
    metadata = packages / "stranger-1.dist-info"
    metadata.mkdir(parents=True)
    (packages / "stranger.py").write_text("print('STRANGER')")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\nstranger = stranger\n")
    settings = {"PYTHONPATH": f"{ROOT}{os.pathsep}{packages}"}
    named = {"PYTEST_PLUGINS": "stranger", "PYTEST_ADDOPTS": "-p stranger", "PYTEST_DEBUG": "1", "PYTEST_TIMEOUT": ""}
    done = keycheck(*REPLAY, **settings, **named)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "STRANGER" not in done.stdout + done.stderr
    assert "STRANGER" in keycheck(*REPLAY, "-p", "stranger", **settings).stdout


def test_the_plugins_are_those_of_the_clone() -> None:
    """conftest.py and the command name the same plugins, in the same order."""
    assert tuple(conftest.pytest_plugins) == invocation.PLUGINS


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bots [1]", "bots::live"])
def test_a_folder_whose_name_pytest_cannot_read_is_one_sentence(name: str, keycheck: Command, tmp_path: Path) -> None:
    """pytest takes what follows for a part of a test's name, finds no check, and would blame the options."""
    sentence = "the path of Keycheck's own folder holds [ or ::"
    root = copy_of_the_suite(tmp_path / name)
    old = root / "reports/verdict.json"
    old.parent.mkdir()
    old.write_text('{"ok": true, "suiteVersion": "0.1.0"}', encoding="utf-8")
    done = keycheck("--replay", "healthy", cwd=root)
    assert (done.returncode, done.stdout, done.stderr.count(f"ERROR: {sentence}")) == (4, "", 1)
    assert not old.exists()
    check = [sys.executable, "-c", "import keycheck; keycheck.check()"]
    called = subprocess.run(check, cwd=root, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603  ours
    assert called.stderr.splitlines()[-1].startswith(f"keycheck.process.UnusableSettings: {sentence}")


def test_a_tilde_after_an_equals_sign_is_the_home(keycheck: Command, tmp_path: Path) -> None:
    """A shell leaves it: the reports would lie in a folder of that name, and an older OK where the run says."""
    settings = tmp_path / "bot.env"
    settings.write_text("BINANCE_SYMBOL=!!\n", encoding="utf-8")
    done = keycheck("--env-file=~/bot.env", "--report-dir=~/reports", HOME=str(tmp_path))
    assert done.returncode == 4
    assert "BINANCE_SYMBOL is not" in done.stderr
    assert (tmp_path / "reports/verdict.json").exists()
    assert option_values.path("~/fleet") == Path.home() / "fleet"


# -- --json --


@pytest.mark.slow
def test_json_is_only_the_verdict(keycheck: Command, tmp_path: Path) -> None:
    """With --json stdout holds only verdict.json; all else goes to stderr, even if printed past Python's streams."""
    done = keycheck("--json", "--replay", "ip-refused", "-vv")
    assert done.returncode == 1
    assert done.stdout == (tmp_path / "here/reports/verdict.json").read_text()
    assert json.loads(done.stdout)["verdict"] == "NOT_OK"
    assert "NOT_OK: This key is not fit" in done.stderr


@pytest.mark.slow
def test_json_of_settings_that_cannot_be_used(keycheck: Command) -> None:
    """Settings that cannot be used give an UNPROVEN verdict and exit 4; options unknown to pytest give no verdict."""
    done = keycheck("--json", BINANCE_SYMBOL="!!")
    assert done.returncode == 4
    assert json.loads(done.stdout)["verdict"] == "UNPROVEN"
    assert "BINANCE_SYMBOL is not" in done.stderr
    done = keycheck("--json", "--no-such-option")
    assert (done.returncode, done.stdout) == (4, "")


@pytest.mark.slow
@pytest.mark.parametrize(("shell", "status"), [(">&-", 3), (">/dev/full", 3), ("2>&-", 0), ("<&-", 0), (">&- 2>&-", 3)])
def test_json_with_a_stream_that_cannot_be_written(shell: str, status: int, keycheck: Command) -> None:
    """The exit status is 0 only if the whole verdict was written; a stderr that cannot be written is not an error."""
    done = keycheck("--json", *REPLAY, shell=shell)
    assert done.returncode == status, done.stdout + done.stderr
    if status == 0:
        assert '"verdict": "OK"' in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("shell", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_run_needs_no_open_stream(shell: str, keycheck: Command, tmp_path: Path) -> None:
    """A script that wants the exit status alone may close the streams."""
    assert keycheck(*REPLAY, shell=shell).returncode == 0
    assert json.loads((tmp_path / "here/reports/verdict.json").read_text(encoding="utf-8"))["ok"] is True


@pytest.mark.slow
def test_json_of_a_run_that_its_time_limit_ends(keycheck: Command) -> None:
    """A time limit by the method `thread`, the only one on Windows, ends the process; the verdict is printed first."""
    limit = ("--timeout=1", "--timeout-method=thread", "--junitxml=junit.xml")
    with LocalExchange(Scenario(latency_ms=2600)) as exchange:
        done = keycheck("--json", *limit, **exchange.settings())
    assert done.returncode == 10
    assert json.loads(done.stdout)["verdict"] == "UNPROVEN"
    assert "the run ended there, without the files of --junitxml and --html: run again" in done.stderr


@pytest.mark.slow
def test_json_of_a_folder_in_use_is_nothing(keycheck: Command, tmp_path: Path) -> None:
    """If another run holds the folder, its verdict is not printed."""
    folder = tmp_path / "here/reports"
    folder.mkdir()
    hold = Hold(folder)
    hold.take()
    (folder / "verdict.json").write_text('{"ok": true}')
    done = keycheck("--json", *REPLAY)
    hold.release()
    assert (done.returncode, done.stdout) == (4, "")


def test_the_verdict_is_that_of_this_run(tmp_path: Path) -> None:
    """The file may hold another run's by now, or that of a last run that this one could not replace."""
    hold = Hold(tmp_path)
    folder = ReportFolder(hold, Redactor())
    folder.withdraw(BLANK)
    hold.release()
    (tmp_path / "verdict.json").write_text('{"ok": true}')
    for of_this_run, verdict in ((folder, "UNPROVEN"), (None, None)):
        plugins = pytest.PytestPluginManager()
        plugins.register(argparse.Namespace(folder=of_this_run), "keycheck-suite")
        left = command._Left()
        left.pytest_unconfigure(argparse.Namespace(pluginmanager=plugins))
        assert (json.loads(left.text)["verdict"] if left.text else None) == verdict


# -- an old Python --


def test_an_old_python_does_not_end_with_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In a clone, `python3 -m keycheck` may start Python 3.10: it ends with 4; a program gets an ImportError."""
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    monkeypatch.setattr(sys, "version", "3.10.13 (main) [GCC]")
    monkeypatch.setattr(sys, "argv", ["-m"])
    package = (ROOT / "keycheck/__init__.py").read_text(encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        exec(package)  # noqa: S102  ours
    assert ended.value.code == 4
    needed = "Keycheck needs Python 3.11 or later, and this is Python 3.10.13"
    assert capsys.readouterr().err.startswith(f"ERROR: {needed}: README.md says")
    monkeypatch.setattr(sys, "argv", ["program.py"])
    with pytest.raises(ImportError, match=needed):
        exec(package)  # noqa: S102  ours


# -- no key --


@pytest.mark.slow
def test_without_a_key_three_lines_say_how_to_give_one(keycheck: Command, exchange: LocalExchange) -> None:
    """Without a key the last three lines on stderr say how to give one; the verdict is as usual."""
    done = keycheck("-q", **exchange.settings(no_credentials=True))
    assert done.returncode == 1
    assert [line.partition("=")[0] for line in done.stderr.splitlines()][1:] == [
        "BINANCE_API_KEY",
        "BINANCE_API_SECRET",
    ]
    assert len(done.stderr.splitlines()) == 3
    assert max(map(len, done.stderr.splitlines())) < 116
    for secret in ("", exchange.settings()["BINANCE_API_SECRET"]):  # without it, a key was given all the same
        assert keycheck("-q", **exchange.settings() | {"BINANCE_API_SECRET": secret}).stderr == ""


# -- secrets --


def test_nothing_shows_the_secret(keycheck: Command, exchange: LocalExchange) -> None:
    """Neither the terminal nor the JSON shows the secret; the guard works as in `pytest suite/`."""
    done = keycheck("--json", "-vv", "-s", "--showlocals", "--tb=long", **exchange.settings())
    assert done.returncode == 0
    for text in (API_KEY, API_SECRET):
        assert not any(text[at : at + 10] in done.stdout + done.stderr for at in range(len(text) - 10))


# -- pipes and devices --


@pytest.mark.slow
def test_prom_replaces_no_pipe_and_no_device(keycheck: Command, tmp_path: Path) -> None:
    """A pipe or a device, such as /dev/null for root, is not replaced by a file: exit 3, in a sentence."""
    pipe = tmp_path / "here/pipe.prom"
    os.mkfifo(pipe)
    done = keycheck(*REPLAY, "--prom", str(pipe))
    assert pipe.is_fifo()
    assert done.returncode == 3
    assert "--prom could not be written" in done.stdout + done.stderr


# -- the GitHub Action --

ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("printed", "status", "outputs"),
    [
        ('{"verdict": "OK", "ok": true}', 0, ["verdict=OK", "ok=true"]),
        ('{"verdict": "NOT_OK", "ok": false}', 1, ["verdict=NOT_OK", "ok=false"]),
        ('{"verdict": "OK", "ok": true}', 11, ["verdict=UNPROVEN", "ok=false"]),
        ('{"verdict": "OK", "ok": true}', 137, ["verdict=UNPROVEN", "ok=false"]),
        ('{"verdict": "OK", "ok": false}', 0, ["verdict=UNPROVEN", "ok=false"]),
        ('{"verdict": "NOT_OK", "ok": true}', 0, ["verdict=UNPROVEN", "ok=false"]),
        ("", 0, ["verdict=UNPROVEN", "ok=false"]),
        ('{"verdict": "OK", "o', 0, ["verdict=UNPROVEN", "ok=false"]),
        ("[]", 0, ["verdict=UNPROVEN", "ok=false"]),
    ],
)
def test_the_action_is_ok_only_if_file_and_status_agree(
    printed: str, status: int, outputs: list[str], tmp_path: Path
) -> None:
    """The Action is ok only if file and exit status say OK; no line that a run prints is a command to its runner."""
    programs = tmp_path / "keycheck/venv/bin"
    programs.mkdir(parents=True)
    line = "::set-output name=ok::true"
    (programs / "keycheck").write_text(f"#!/bin/sh\necho '{line}' >&2\nprintf %s '{printed}'\nexit {status}\n")
    (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    (script,) = [step["run"] for step in ACTION["runs"]["steps"] if step.get("id") == "run"]
    done = subprocess.run(  # noqa: S603  our own script
        ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env={"PATH": os.defpath, "RUNNER_TEMP": str(tmp_path), "PRIVATE_KEY": ""}
        | {"GITHUB_OUTPUT": str(tmp_path / "out")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert (tmp_path / "out").read_text().splitlines() == outputs
    assert (done.returncode == 0) == (outputs[1] == "ok=true")
    begin, said, end = filter(None, done.stdout.splitlines())
    token = begin.removeprefix("::stop-commands::")
    assert len(token) >= 32
    assert (said, end) == (line, f"::{token}::")
