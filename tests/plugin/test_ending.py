"""Exit 1 means that a critical check failed, whatever else fails at a run's end."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exchange import API_KEY, LocalExchange, Scenario
from tests.keys import ED25519
from tests.matrix import mostly_slow
from tests.running import ROOT, Finished, SuiteRunner

VERDICT = "OK: This key is fit to trade USD-M futures from this machine."


def replayed(process: SuiteRunner, *arguments: str, all_plugins: bool = False) -> Finished:
    """A replay of the healthy cassette."""
    return process("--replay", "healthy", *arguments, all_plugins=all_plugins)


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """A folder with paths that cannot be written: a folder, a file as a folder, a loop of links."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "name"),
    mostly_slow(
        [
            ("--junitxml", "/dev/full"),
            ("--html", "folder"),
            *(("--junitxml", name) for name in ("file/below.xml", "loop/below.xml", "a" * 300)),
            *(("--html", name) for name in ("/dev/full", "file/below.xml", "loop/below.xml", "a" * 300)),
        ],
        2,
    ),
)
def test_a_file_that_cannot_be_written_is_one_sentence(
    option: str, name: str, places: Path, process: SuiteRunner
) -> None:
    """The run ends with 3 and a sentence that names the option, and the verdict is printed and kept."""
    done = replayed(process, f"{option}={places / name}", all_plugins=True)
    assert done.exit_status == 3, done.output
    told = [line for line in done.output.splitlines() if line.startswith(f"{option} could not be written")]
    assert len(told) == 1
    assert "INTERNALERROR" not in done.output
    assert VERDICT in done.output
    assert done.verdict["verdict"] == "OK"


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--log-file=", "-olog_file="])
@pytest.mark.parametrize("name", ["folder", "file/below.log", "/dev/full", "loop/below.log", "a" * 300, "pipe"])
def test_a_log_that_cannot_be_written_ends_with_3(option: str, name: str, places: Path, process: SuiteRunner) -> None:
    """If a log cannot be written, one sentence and the verdict are printed; a pipe without a reader blocks nothing."""
    os.mkfifo(places / "pipe")
    done = replayed(process, f"{option}{places / name}", "--log-file-level=DEBUG", "-p", "logs")
    assert done.exit_status == 3
    assert done.output.count("--log-file could not be written") == 1
    assert "INTERNALERROR" not in done.output
    assert "Traceback" not in done.output
    assert VERDICT in done.output
    assert done.verdict["verdict"] == "OK"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "why"),
    [("missing.css", "is not there"), (".", "is a directory"), ("latin.css", "is not UTF-8 text")],
)
def test_a_style_that_cannot_be_read_ends_with_3(name: str, why: str, process: SuiteRunner) -> None:
    """If a style cannot be read, one sentence and the verdict are printed, and --html's page lacks the style."""
    page = process.folder / "page.html"
    (process.folder / "latin.css").write_bytes("/* für */".encode("latin-1"))
    done = replayed(process, f"--html={page}", f"--css={process.folder / name}", all_plugins=True)
    assert done.exit_status == 3
    assert done.output.count(f"--css cannot be used (its file {why}") == 1
    assert "INTERNALERROR" not in done.output
    assert VERDICT in done.output
    assert "Keycheck" in page.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("looks", [(), ("--collect-only",)])
def test_the_settings_file_is_no_style(looks: tuple[str, ...], process: SuiteRunner) -> None:
    """pytest-html would copy it into its page, also if pytest only lists the checks."""
    page, settings = process.folder / "page.html", process.folder / "x.env"
    settings.write_text("BINANCE_API_SECRET=canary-canary\n", encoding="utf-8")
    options = (f"--html={page}", "--self-contained-html", f"--css={settings}")
    done = process("--replay", "healthy", *options, *looks, env_file=settings, all_plugins=True)
    assert done.exit_status == (0 if looks else 3)
    assert "canary" not in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_another_file_with_a_key_is_no_style(process: SuiteRunner) -> None:
    """The run does not know the secrets in another account's file, and could not clean them out of its page."""
    page, other = process.folder / "page.html", process.folder / "other.env"
    other.write_text(f"BINANCE_API_SECRET={'canary' * 10}\n", encoding="utf-8")
    done = replayed(process, f"--html={page}", "--self-contained-html", f"--css={other}", all_plugins=True)
    assert (done.exit_status, VERDICT in done.output) == (3, True), done.output
    assert "canary" not in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_run_without_pytests_logging_needs_no_log(process: SuiteRunner) -> None:
    """Under -p no:logging there is no option for a log, and the run is as usual."""
    done = replayed(process, "-p", "no:logging")
    assert (done.exit_status, done.verdict["verdict"]) == (0, "OK")


@pytest.mark.slow
def test_a_log_that_can_be_written_is_written_as_pytest_does(places: Path, process: SuiteRunner) -> None:
    """A log is written as pytest does: in a new folder, over or after an old text, or to a pipe with a reader."""
    log = places / "new" / "folder" / "run.log"
    options = (f"--log-file={log}", "--log-file-level=DEBUG", "-p", "logs")
    assert [replayed(process, *options).exit_status for _ in range(2)] == [0, 0]
    assert log.read_text(encoding="utf-8").count("the end") == 1
    assert replayed(process, *options, "--log-file-mode=a").exit_status == 0
    assert log.read_text(encoding="utf-8").count("the end") == 2
    pipe = places / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:  # noqa: S603, S607
        assert replayed(process, f"--log-file={pipe}", *options[1:]).exit_status == 0
        assert "the end" in reader.communicate(timeout=10)[0]


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--junitxml", "--html"])
def test_a_pipe_that_nobody_reads_is_not_waited_for(option: str, places: Path, process: SuiteRunner) -> None:
    """With a pipe that nobody reads, a run ends with 3, one sentence and the verdict; one with a reader is filled."""
    pipe = places / "pipe"
    os.mkfifo(pipe)
    done = replayed(process, f"{option}={pipe}", "--self-contained-html", all_plugins=True)
    assert (done.exit_status, done.verdict["verdict"]) == (3, "OK")
    assert done.output.count(f"{option} could not be written") == 1
    assert VERDICT in done.output
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:  # noqa: S603, S607
        assert replayed(process, f"{option}={pipe}", "--self-contained-html", all_plugins=True).exit_status == 0
        assert "test_withdrawals_are_disabled" in reader.communicate(timeout=10)[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [
        ["--timeout=0.0001"],
        *(["-o", setting] for setting in ("timeout=0.5", "timeout=long", "timeout_method=none", "session_timeout=x")),
        ["--timeout=0.9"],
        ["--timeout=inf"],
    ],
)
def test_a_timeout_that_would_end_the_run_is_refused(given: list[str], process: SuiteRunner) -> None:
    """A time-out of less than a second, too long for a timer, or no number is refused: it would end the whole run."""
    done = replayed(process, *given)
    assert done.exit_status == 4
    assert len([line for line in done.output.splitlines() if line.startswith("ERROR: ") and "-timeout" in line]) == 1
    assert "Traceback" not in done.output
    assert replayed(process, "--timeout=0").exit_status == 0  # which switches it off


def test_an_empty_pytest_timeout_is_refused(process: SuiteRunner) -> None:
    """CI services set a variable without a value to an empty text, for which pytest-timeout ends with a traceback."""
    done = process("--replay", "healthy", settings={"PYTEST_TIMEOUT": ""})
    assert done.exit_status == 4
    assert "ERROR: pytest-timeout cannot use its settings (Invalid timeout from PYTEST_TIMEOUT" in done.output


@pytest.mark.slow
def test_a_check_that_takes_too_long_does_not_end_with_1(process: SuiteRunner) -> None:
    """A time-out by the method `thread`, Windows' only one, ends the process as UNPROVEN, like its verdict.json."""
    prom = process.folder / "keycheck.prom"
    prom.write_text('keycheck_ok{mode="live"} 1\n', encoding="utf-8")
    with LocalExchange(Scenario(latency_ms=2600)) as exchange:
        done = process("--timeout=1", "--timeout-method=thread", f"--prom={prom}", settings=exchange.settings())
    assert (done.exit_status, done.verdict["verdict"]) == (10, "UNPROVEN"), done.output
    assert "test_futures_api_answers was not over after 1 s, and the run ended there: run again" in done.output
    (ok,) = [line for line in prom.read_text(encoding="utf-8").splitlines() if line.startswith("keycheck_ok{")]
    assert ok.endswith(" 0")


@pytest.mark.slow
def test_a_dump_of_threads_does_not_end_the_run(process: SuiteRunner) -> None:
    """The setting with which pytest's faulthandler would end the process with 1 is refused."""
    done = replayed(process, "-o", "faulthandler_timeout=60", "-o", "faulthandler_exit_on_timeout=true")
    assert done.exit_status == 4
    assert "faulthandler_exit_on_timeout" in done.output


@pytest.fixture
def plugin(process: SuiteRunner, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of another plugin, `-p stranger`."""
    monkeypatch.setenv("PYTHONPATH", str(process.folder))
    return process.folder / "stranger.py"


@pytest.fixture(autouse=True)
def logs(process: SuiteRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that logs something when no test runs."""
    monkeypatch.setenv("PYTHONPATH", str(process.folder))
    (process.folder / "logs.py").write_text(
        "import logging\n\ndef pytest_sessionfinish():\n    logging.info('the end')\n", encoding="utf-8"
    )


@pytest.mark.slow
def test_the_reports_of_a_later_run_are_kept(plugin: Path, process: SuiteRunner) -> None:
    """If the report folder is removed during a run, the next run may be using a new one: this run writes none."""
    plugin.write_text(
        f"import pathlib, shutil\n\nfolder = pathlib.Path({str(process.report_dir)!r})\n\n"
        "def pytest_collection_finish():\n    shutil.rmtree(folder)\n    folder.mkdir()\n"
        "    (folder / 'verdict.json').write_text('{\"of\": \"the next run\"}')\n"
    )
    done = replayed(process, "-p", "stranger")
    assert (done.exit_status, done.verdict, done.page) == (3, {"of": "the next run"}, "")
    assert "the report folder was removed or replaced during the run" in done.output


@pytest.mark.parametrize(
    ("meanwhile", "why"),
    mostly_slow(
        [
            ("path.write_text('notes of mine')", "not kept: mine.yaml is there already and is not a cassette"),
            ("path.parent.rmdir()", "could not be written (No such file or directory)"),
            (
                "shutil.copy('cassettes/healthy.yaml', path)",
                "not kept: mine.yaml is there already: choose another name",
            ),
        ],
        1,
    ),
)
def test_a_cassette_that_cannot_be_kept_takes_no_verdict_away(
    meanwhile: str, why: str, plugin: Path, process: SuiteRunner, exchange: LocalExchange
) -> None:
    """The reports and the terminal have the verdict, the exit status is 3, and a file that appeared meanwhile stays."""
    cassette = process.folder / "recorded" / "mine.yaml"
    cassette.parent.mkdir()
    plugin.write_text(
        "import pathlib, shutil\n\n"
        f"path = pathlib.Path({str(cassette)!r})\n\ndef pytest_collection_finish():\n    {meanwhile}\n"
    )
    done = process("--record", str(cassette), "-p", "stranger", settings=exchange.settings())
    assert (done.exit_status, done.verdict["verdict"]) == (3, "OK"), done.output
    assert VERDICT in done.output
    assert done.output.count(f"the cassette {'was ' * why.startswith('not')}{why}") == 1
    assert "reports could not" not in done.output
    if "notes" in meanwhile:
        assert cassette.read_text() == "notes of mine"


AT_ONCE = """\
import shutil
from keycheck.cassettes.recorder import Recorder

text = Recorder.text

def slowly(recorder, *last_four):
    shutil.copy("cassettes/withdrawals-enabled.yaml", recorder.path)
    return text(recorder, *last_four)

Recorder.text = slowly
"""


def test_of_two_runs_that_record_at_once_one_keeps_its_cassette(
    plugin: Path, process: SuiteRunner, exchange: LocalExchange
) -> None:
    """The other run's cassette stays, which was not there when this run looked last."""
    cassette = process.folder / "mine.yaml"
    plugin.write_text(AT_ONCE, encoding="utf-8")
    done = process("--record", str(cassette), "-p", "stranger", settings=exchange.settings())
    assert (done.exit_status, done.verdict["verdict"]) == (3, "OK"), done.output
    assert "the cassette was not kept: mine.yaml is there already" in done.output
    assert cassette.read_bytes() == (ROOT / "cassettes/withdrawals-enabled.yaml").read_bytes()


FULL_DISK = """\
import errno
from keycheck.report.folder import ReportFolder

def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")

def pytest_collection_finish():
    ReportFolder.write = full
"""


@pytest.mark.parametrize(
    ("cassette", "verdict"),
    mostly_slow([("withdrawals-enabled", "NOT_OK: This key is not fit"), ("healthy", VERDICT)], 1),
)
def test_reports_that_cannot_be_written_take_no_verdict_away(
    cassette: str, verdict: str, plugin: Path, process: SuiteRunner
) -> None:
    """On a full disk the terminal has the verdict and its causes, the exit status is 3, and no file says OK."""
    plugin.write_text(FULL_DISK, encoding="utf-8")
    done = process("--replay", cassette, "-p", "stranger")
    assert (done.exit_status, done.verdict["verdict"]) == (3, "UNPROVEN"), done.output
    assert done.output.count(verdict) == 1
    assert "The reports could not be written (No space left on device): make room, or use --report-dir." in done.output
    assert "Report: none, because it could not be written" in done.output
    assert ("WHY:" in done.output) == (cassette != "healthy")


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk without room."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = [str(shutil.which("mount")), "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:  # noqa: S603  ours
        pytest.skip("only root of a Linux machine may mount a disk")
    try:
        with contextlib.suppress(OSError), (folder / "rest").open("wb", buffering=0) as rest:
            rest.write(bytes(2**15))
        yield folder
    finally:
        subprocess.run([str(shutil.which("umount")), str(folder)], check=True)  # noqa: S603  ours


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--self-contained-html",)])
def test_a_page_on_a_full_disk_takes_no_verdict_away(
    more: tuple[str, ...], full_disk: Path, process: SuiteRunner
) -> None:
    """Such a disk takes the empty file of pytest-html's styles; its text would end the run before the first check."""
    done = replayed(process, f"--html={full_disk / 'page.html'}", *more, all_plugins=True)
    assert (done.exit_status, done.verdict["verdict"]) == (3, "OK"), done.output
    assert VERDICT in done.output
    assert done.output.count("--html could not be written (No space left on device)") == 1
    assert "INTERNALERROR" not in done.output


HOOKS = ("pytest_sessionfinish()", "pytest_terminal_summary()", "pytest_unconfigure()")
RAISED = (
    "raise MemoryError",
    "raise SystemExit(1)",
    "pytest.fail('no')",
    "pytest.exit('no', 1)",
    "raise OSError(28, 'x')",
)


@pytest.mark.slow
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("raised", RAISED)
def test_an_exception_of_another_plugin_at_the_end_is_not_a_verdict(
    hook: str, raised: str, plugin: Path, process: SuiteRunner
) -> None:
    """If another plugin raises at the end, the exit status is 3; terminal and verdict.json have the verdict."""
    plugin.write_text(f"import pytest\n\ndef {hook}:\n    {raised}\n", encoding="utf-8")
    done = replayed(process, "-p", "stranger")
    assert done.exit_status == (3 if "exit" not in raised or "System" in raised else done.exit_status), done.output
    assert done.exit_status in (0, 3)
    assert done.output.count(VERDICT) == 1
    assert done.verdict["verdict"] == "OK"
    assert "Traceback" not in done.output
    assert ("stranger" in done.output) == (done.exit_status == 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    mostly_slow(
        [
            "@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_sessionfinish():\n"
            "    yield\n    raise MemoryError",
            "@pytest.hookimpl(wrapper=True)\ndef pytest_sessionfinish():\n    yield\n    raise MemoryError",
            "@pytest.fixture(scope='session', autouse=True)\ndef torn():\n    yield\n    raise MemoryError",
            "def pytest_configure(config):\n    config.add_cleanup(lambda: 1 / 0)",
            "def pytest_runtest_logreport(report):\n    assert 'smallest_order' not in report.nodeid",
            "def pytest_configure():\n    raise MemoryError",
            "def pytest_load_initial_conftests():\n    raise MemoryError",
            "def pytest_collection_modifyitems():\n    raise MemoryError",
            "def pytest_keyboard_interrupt():\n    1 / 0\n\ndef pytest_collection():\n    raise KeyboardInterrupt",
            "def pytest_sessionfinish(session):\n    session.exitstatus = 1\n    session.testsfailed = 7",
            "def pytest_cmdline_main():\n    return 1",
        ],
        3,
    ),
)
def test_nothing_of_another_plugin_ends_with_1(text: str, plugin: Path, process: SuiteRunner) -> None:
    """No failure of another plugin ends with 1, and no file says OK with another exit status."""
    plugin.write_text(f"import pytest\n\n{text}\n", encoding="utf-8")
    done = replayed(process, "-p", "stranger")
    assert done.exit_status not in (1, 10), done.output
    assert done.exit_status != 0 or done.verdict["verdict"] == "OK"


WHILE_IT_ENDS = {
    "its reports are written": (
        "from keycheck.run.run import Run\n\ndef stop(*_, **__):\n    raise KeyboardInterrupt\n\nRun.finish = stop",
        "UNPROVEN",
    ),
    "its session ends": ("def pytest_sessionfinish():\n    raise KeyboardInterrupt", "OK"),
    "it prints": ("def pytest_terminal_summary():\n    raise KeyboardInterrupt", "OK"),
    "its plugins end": ("def pytest_unconfigure():\n    raise KeyboardInterrupt", "OK"),
}


@pytest.mark.parametrize("moment", mostly_slow(WHILE_IT_ENDS, 1))
def test_ctrl_c_while_a_run_ends(moment: str, plugin: Path, process: SuiteRunner) -> None:
    """Ctrl-C ends the run with 2 and a sentence, without pytest's traceback; a verdict that was written stays."""
    text, verdict = WHILE_IT_ENDS[moment]
    plugin.write_text(f"{text}\n", encoding="utf-8")
    done = replayed(process, "-p", "stranger")
    assert (done.exit_status, done.verdict["verdict"]) == (2, verdict), done.output
    assert done.output.count("Ctrl-C came while the run was ending") == 1
    assert "Traceback" not in done.output


def test_ctrl_c_while_a_run_starts(plugin: Path, process: SuiteRunner) -> None:
    """Before pytest catches it, too, it ends the run with 2 and a sentence; the last verdict is gone by then."""
    process.report_dir.mkdir()
    (process.report_dir / "verdict.json").write_text('{"ok": true, "suiteVersion": ""}', encoding="utf-8")
    plugin.write_text("def pytest_load_initial_conftests():\n    raise KeyboardInterrupt\n", encoding="utf-8")
    done = replayed(process, "-p", "stranger")
    assert (done.exit_status, done.verdict) == (2, {}), done.output
    assert done.output == "Interrupted by Ctrl-C: run it again\n"


INTERRUPTS = """\
import pytest

def interrupt(item):
    if "{check}" in item.name:
        raise {error}

# Some instructions belong to no line, and Ctrl-C may come at one: here, no instruction has a line.
interrupt.__code__ = interrupt.__code__.replace(co_linetable=b"\\xff" * 100)

@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    interrupt(item)
    return (yield)
"""


@pytest.mark.parametrize(
    ("error", "exit_status"),
    mostly_slow([("KeyboardInterrupt", 2), ("pytest.exit.Exception('enough')", 2), ("OSError", 10)], 1),
)
def test_an_interrupt_at_an_instruction_without_a_line(
    error: str, exit_status: int, plugin: Path, process: SuiteRunner
) -> None:
    """pytest itself fails on such a traceback: on a busy machine, one Ctrl-C in a hundred ended a run with 3."""
    plugin.write_text(INTERRUPTS.format(check="futures_api_answers", error=error), encoding="utf-8")
    done = replayed(process, "-p", "stranger", "--tb=long")
    assert (done.exit_status, done.verdict["verdict"]) == (exit_status, "UNPROVEN"), done.output
    assert "TypeError" not in done.output


@pytest.mark.slow
def test_an_exception_in_a_finalizer_changes_no_exit_status(plugin: Path, process: SuiteRunner) -> None:
    """If a finalizer of another plugin raises, even under `-W error`, Python prints it, and the run ends as usual."""
    finalizer = "class Loud:\n    def __del__(self):\n        raise ValueError('at the end')\n"
    plugin.write_text(f"{finalizer}\ndef pytest_sessionfinish():\n    Loud()\n", encoding="utf-8")
    done = replayed(process, "-p", "stranger", "-W", "error")
    assert (done.exit_status, done.verdict["verdict"]) == (0, "OK"), done.output
    assert "ValueError: at the end" in done.output


@pytest.mark.slow
def test_a_plugin_that_sets_exit_status_0_hides_no_failure(plugin: Path, process: SuiteRunner) -> None:
    """A plugin that sets the exit status to 0 does not hide a failure."""
    plugin.write_text(
        "import pytest\n\n@pytest.hookimpl(trylast=True)\n"
        "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n",
        encoding="utf-8",
    )
    assert process("--replay", "withdrawals-enabled", "-p", "stranger").exit_status == 1


@pytest.mark.slow
def test_a_failed_check_and_a_file_that_cannot_be_written(process: SuiteRunner) -> None:
    """If junit.xml cannot be written, the exit status is 3, even after a failed check, and the verdict is printed."""
    done = process("--replay", "withdrawals-enabled", "--junitxml=/dev/full")
    assert (done.exit_status, done.verdict["verdict"]) == (3, "NOT_OK")
    assert "NOT_OK: " in done.output


@pytest.mark.parametrize(
    "option",
    mostly_slow(
        [
            "--debug=/nonexistent/debug.log",
            "--noconftest",
            "--confcutdir=suite",
            "-pno:keycheck.plugin",
            "-pno:keycheck-written",
        ],
        2,
    ),
)
def test_a_run_that_cannot_begin_does_not_end_with_1(option: str, process: SuiteRunner) -> None:
    """A run that cannot begin ends with 3 or 4, says why, and leaves no old verdict."""
    process.report_dir.mkdir()
    (process.report_dir / "verdict.json").write_text('{"ok": true, "suiteVersion": "0.1.0"}', encoding="utf-8")
    done = replayed(process, option)
    assert done.exit_status in (3, 4)
    assert done.output
    assert not done.verdict.get("ok")


@pytest.mark.parametrize("place", mostly_slow(["at its import", "in its hook"], 1))
def test_a_conftest_that_exits_with_0_is_not_ok(place: str, tmp_path: Path) -> None:
    """A conftest.py in suite/ that calls sys.exit(0) ends the run with 3 or 4: exit 0 is a verdict."""
    for name in ("pytest.toml", "conftest.py", "suite", "keycheck", "cassettes"):
        link = tmp_path / name
        link.symlink_to(ROOT / name) if name != "suite" else shutil.copytree(ROOT / name, link)
    hook = "" if place == "at its import" else "def pytest_addoption():\n    "
    (tmp_path / "suite/conftest.py").write_text(f"import sys\n\n{hook}sys.exit(0)\n", encoding="utf-8")
    done = replayed(SuiteRunner(tmp_path / "out", tmp_path))
    assert done.exit_status in (3, 4), done.output
    assert "SystemExit" in done.output


@pytest.mark.slow
def test_a_run_without_a_stdout_ends_with_a_sentence(tmp_path: Path) -> None:
    """`>&-`: pytest itself breaks without a stdout, so the run ends with 3 and a sentence."""
    command = [sys.executable, "-m", "pytest", "suite/", "--replay=healthy", f"--report-dir={tmp_path / 'reports'}"]
    shell = ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *command, "-o", f"cache_dir={tmp_path / 'cache'}"]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(shell, cwd=ROOT, env=environment, stderr=subprocess.PIPE, timeout=60, check=False)  # noqa: S603
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].endswith(b"report it to its makers")


@pytest.mark.slow
@pytest.mark.parametrize(("cassette", "status"), [("healthy", 0), ("ip-refused", 1)])
def test_an_interpreter_that_would_go_on_changes_no_exit_status(
    cassette: str, status: int, process: SuiteRunner
) -> None:
    """With PYTHONINSPECT, Python itself would end with 1, or on a terminal with 0, whatever the verdict is."""
    done = process("--replay", cassette, settings={"PYTHONINSPECT": "1"})
    assert done.exit_status == status
    assert "Traceback" not in done.output


@pytest.mark.slow
@pytest.mark.parametrize("stdout", ["closed early", "/dev/full"])
def test_a_terminal_that_takes_no_more_changes_no_exit_status(stdout: str, tmp_path: Path) -> None:
    """With `| head` or on a full disk, the exit status and verdict.json still give the verdict."""
    reports = tmp_path / "reports"
    command = [sys.executable, "-m", "pytest", "suite/", "--replay=withdrawals-enabled", f"--report-dir={reports}"]
    command += ["-o", f"cache_dir={tmp_path / 'cache'}"]
    if stdout == "/dev/full":
        with Path(stdout).open("wb") as file:
            status = subprocess.run(command, cwd=ROOT, stdout=file, stderr=file, timeout=60, check=False).returncode  # noqa: S603
    else:
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603
            assert process.stdout
            assert process.stderr
            process.stdout.close()
            assert process.stderr.read() == b""
            status = process.wait(60)
    assert status == 1
    assert json.loads((reports / "verdict.json").read_text("utf-8"))["verdict"] == "NOT_OK"


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--junitxml", "--html", "--log-file", "--prom"])
@pytest.mark.parametrize("name", ["verdict.json", "report.html", ".lock"])
def test_no_other_writer_takes_the_place_of_a_report(option: str, name: str, process: SuiteRunner) -> None:
    """A file that the suite itself writes, named for another writer, is a usage error, and no verdict.json is OK."""
    done = replayed(process, f"{option}={process.report_dir / name}", all_plugins=True)
    assert done.exit_status == 4, done.output
    assert f"{name} in the report folder is written by the suite itself" in " ".join(done.output.split())
    is_refused = option == "--log-file" and name != ".lock"  # pytest makes folder and file before the run can
    assert done.verdict.get("verdict") == (None if is_refused else "UNPROVEN")


@pytest.mark.parametrize(
    ("option", "name"),
    mostly_slow(
        [
            *((option, name) for option in ("--junitxml", "--log-file") for name in ("x.env", "x.pem", "other.env")),
            ("--html", "other.env"),
        ],
        1,
    ),
)
def test_no_writer_takes_the_place_of_a_file_with_credentials(
    option: str, name: str, process: SuiteRunner, tmp_path: Path
) -> None:
    """If an option names a file with credentials as its output, the run is refused and the file is unchanged."""
    nowhere = "BINANCE_FUTURES_URL=http://127.0.0.1:9\nBINANCE_WALLET_URL=http://127.0.0.1:9\n"
    settings = f"BINANCE_API_KEY=x\nBINANCE_PRIVATE_KEY_FILE=x.pem\n{nowhere}"
    other = f"# of another account\nexport BINANCE_API_KEY='{API_KEY}'\n"
    files = {"x.env": settings, "x.pem": ED25519.private, "other.env": other}
    for file, text in files.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    done = process(f"{option}={tmp_path / name}", env_file=tmp_path / "x.env", all_plugins=option == "--html")
    assert done.exit_status == 4
    assert f"{name} holds credentials" in done.output or "names a file that holds credentials" in done.output
    assert {file: (tmp_path / file).read_text(encoding="utf-8") for file in files} == files


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--junitxml", "--log-file", "--html"])
def test_no_writer_empties_the_settings_by_a_hard_link(option: str, process: SuiteRunner, tmp_path: Path) -> None:
    """Two names of one file have nothing in common but the file."""
    nowhere = "BINANCE_FUTURES_URL=http://127.0.0.1:9\nBINANCE_WALLET_URL=http://127.0.0.1:9\n"
    (tmp_path / "x.env").write_text(nowhere, encoding="utf-8")
    os.link(tmp_path / "x.env", tmp_path / "other.log")
    done = process(f"{option}={tmp_path / 'other.log'}", env_file=tmp_path / "x.env", all_plugins=True)
    assert (done.exit_status, (tmp_path / "x.env").read_text(encoding="utf-8")) == (4, nowhere)
    assert "x.env holds credentials" in done.output


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a link away")
def test_another_users_link_is_no_style(process: SuiteRunner, tmp_path: Path) -> None:
    """--css copies no file behind another user's link into a page: it may be a private file of one's own."""
    (tmp_path / "private.json").write_text("canary-canary", encoding="utf-8")
    link, page = tmp_path / "mine.css", tmp_path / "page.html"
    link.symlink_to(tmp_path / "private.json")
    os.lchown(link, 12345, 12345)
    done = replayed(process, f"--html={page}", "--self-contained-html", f"--css={link}", all_plugins=True)
    assert (done.exit_status, VERDICT in done.output) == (3, True), done.output
    assert "--css cannot be used (its file is behind a link that another user made)" in done.output
    assert "canary" not in page.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a link away")
@pytest.mark.parametrize(
    ("option", "file"),
    [("--log-file", "file"), ("--junitxml", "file"), ("--html", "file"), ("--html", "assets/style.css")],
)
def test_no_writer_follows_a_link_of_another_user(option: str, file: str, process: SuiteRunner, tmp_path: Path) -> None:
    """In a folder of another user, a name may lead to a file of one's own; a link of one's own is followed."""
    own, shared = tmp_path / "own", tmp_path / "shared"
    mine = "#results-table {}"  # as in the styles of an earlier page
    own.write_text(mine, encoding="utf-8")
    link = shared / file
    link.parent.mkdir(parents=True)
    link.symlink_to(own)
    os.lchown(link, 12345, 12345)
    options = (f"{option}={shared / 'file'}", "--log-file-level=DEBUG", "-p", "logs")
    done = replayed(process, *options, all_plugins=True)
    assert (done.exit_status, own.read_text(encoding="utf-8")) == (3, mine), done.output
    assert f"{option} could not be written (it is behind a link that another user made)" in done.output
    assert VERDICT in done.output
    os.lchown(link, os.geteuid(), os.getegid())
    assert replayed(process, *options, all_plugins=True).exit_status == 0
    assert own.read_text(encoding="utf-8") != mine


@pytest.mark.slow
def test_styles_of_another_program_are_not_replaced(process: SuiteRunner, tmp_path: Path) -> None:
    """pytest-html writes assets/style.css beside its page, where a site of the user's may have its own."""
    styles, page = tmp_path / "assets/style.css", f"--html={tmp_path / 'page.html'}"
    styles.parent.mkdir()
    styles.write_text("body { color: red }", encoding="utf-8")
    done = replayed(process, page, all_plugins=True)
    assert (done.exit_status, styles.read_text(encoding="utf-8")) == (4, "body { color: red }"), done.output
    assert "add --self-contained-html, or let --html name a page in another folder" in done.output
    assert replayed(process, page, "--self-contained-html", all_plugins=True).exit_status == 0
    styles.unlink()
    for _ in range(2):
        assert replayed(process, page, all_plugins=True).exit_status == 0
    assert styles.stat().st_size


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a link away")
@pytest.mark.parametrize("option", ["--log-file", "--junitxml", "--html", "--prom"])
def test_no_writer_uses_a_folder_behind_a_link_of_another_user(
    option: str, process: SuiteRunner, tmp_path: Path
) -> None:
    """The folder of a named file may lead to a folder of one's own, too."""
    own, link = tmp_path / "own", tmp_path / "link"
    own.mkdir()
    (own / "file").touch()
    link.symlink_to(own)
    os.lchown(link, 12345, 12345)
    done = replayed(process, f"{option}={link / 'file'}", "--self-contained-html", all_plugins=True)
    assert (done.exit_status, [(one.name, one.stat().st_size) for one in own.iterdir()]) == (3, [("file", 0)])
    assert f"{option} could not be written (it is behind a link that another user made)" in done.output
    assert VERDICT in done.output


@pytest.mark.slow
@pytest.mark.parametrize("looks", ["--collect-only", "--fixtures", "--cache-show"])
@pytest.mark.parametrize("name", ["x.env", "x.pem"])
def test_no_writer_takes_the_place_of_credentials_under_a_listing(
    looks: str, name: str, process: SuiteRunner, tmp_path: Path
) -> None:
    """pytest writes JUnit's file also if it only lists something."""
    files = {"x.env": "BINANCE_SYMBOL=ETHUSDT\n", "x.pem": ED25519.private}
    for file, text in files.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    done = process(looks, f"--junitxml={tmp_path / name}", env_file=tmp_path / "x.env")
    assert done.exit_status == 4
    assert f"ERROR: {name} holds credentials" in done.output
    assert {file: (tmp_path / file).read_text(encoding="utf-8") for file in files} == files
