"""A run first removes the last run's verdict, and one run at a time holds a report folder."""

import errno
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import IO

import pytest

from keycheck.errors import UsageProblem
from keycheck.foreign_links import leads_elsewhere
from keycheck.redaction.redactor import Redactor
from keycheck.report import folder_lock, lock_file
from keycheck.report.folder import ReportFolder
from keycheck.report.folder_lock import Hold
from tests.exchange import API_KEY, API_SECRET, LocalExchange, Scenario
from tests.exchange.faults import Fault
from tests.matrix import mostly_slow
from tests.running import ROOT, SuiteRunner
from tests.sample_reports import BLANK
from tests.suite_runs import copy_of_the_suite

REPLAY = ("suite/", "--replay", "healthy")
OLD = {
    "verdict.json": '{"ok": true, "verdict": "OK", "suiteVersion": "0.1.0"}',
    "report.html": "<h1>OK</h1>",
    "summary.md": "OK",
}
# The modules that Python and pytest import to start, and those of keycheck that come before all others.
BEFORE = re.compile(
    r"(_pytest|pytest|pluggy|iniconfig|packaging|pygments)(\.|$)"
    r"|keycheck(\.(withdrawal|exit_status|caller|errors|process_limits|foreign_links|report(\.(folder_lock|lock_file))?))?$"
)
DIES = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
DIES_IN = "import os, signal\n\ndef {}():\n    os.kill(os.getpid(), signal.SIGKILL)\n"


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A folder with the reports of a run that was OK."""
    folder = tmp_path / "reports"
    folder.mkdir()
    put_old_reports(folder)
    return folder


def put_old_reports(folder: Path) -> None:
    """Writes the reports of an earlier run."""
    for name, text in OLD.items():
        (folder / name).write_text(text, encoding="utf-8")


def is_old(folder: Path) -> bool:
    """Whether an earlier run's verdict or page is still there."""
    return any((folder / name).exists() and (folder / name).read_text(encoding="utf-8") == OLD[name] for name in OLD)


def command(folder: Path, *arguments: str, python: tuple[str, ...] = ()) -> list[str]:
    """The command line of a run in its own process."""
    more = (f"--env-file={os.devnull}", "-o", f"cache_dir={folder.parent / 'cache'}", f"--report-dir={folder}")
    return [sys.executable, *python, "-m", "pytest", *(arguments or REPLAY), *more]


def ended(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end, in a process of its own."""
    return subprocess.run(  # noqa: S603  our own command
        command(folder, *arguments),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(folder.parent), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# -- removing the last verdict --


def refuse(*flags: int) -> Callable[[str, int], int]:
    """An opener that the system refuses one of these flags, as it does for the file of another user."""

    def opener(path: str, wanted: int) -> int:
        if not wanted & os.O_EXCL and any(wanted & flag == flag for flag in flags):
            raise PermissionError(errno.EACCES, "Permission denied")
        return os.open(path, wanted)

    return opener


def test_a_lock_that_another_user_made_is_locked(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a run as root, the user's own run locks root's .lock, which the user may only read."""
    (reports / ".lock").touch()
    monkeypatch.setattr(lock_file, "_open", refuse(os.O_WRONLY))
    hold = Hold(reports)
    hold.begin()
    assert hold.is_taken
    assert not is_old(reports)
    with pytest.raises(UsageProblem, match="another run is using reports"):
        Hold(reports).begin()
    hold.release()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize(
    ("folder", "group", "lock"),
    [
        (0o755, 0, 0o600),
        (0o775, 0, 0o660),
        (0o2775, 0, 0o660),
        (0o775, 1, 0o600),
        (0o1777, 0, 0o666),
        (0o1777, 1, 0o666),
    ],
)
def test_only_those_who_may_write_into_the_folder_can_lock_it(
    folder: int, group: int, lock: int, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can read a file can lock it, and a lock of another user would keep every run away, and the old OK."""
    reports.chmod(folder)
    if group:
        fstat = os.fstat
        monkeypatch.setattr(os, "fstat", lambda number: _with_another_group(fstat(number)))
    hold = Hold(reports)
    hold.take()
    assert stat.S_IMODE((reports / ".lock").stat().st_mode) == lock
    hold.release()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize(("folder", "lock"), [(0o755, 0o600), (0o775, 0o640), (0o777, 0o644)])
def test_a_lock_of_an_earlier_version_is_closed_to_others(folder: int, lock: int, reports: Path) -> None:
    """Earlier versions made .lock with the mode 644, so every user could lock it."""
    reports.chmod(folder)
    (reports / ".lock").touch()
    (reports / ".lock").chmod(0o644)
    hold = Hold(reports)
    hold.take()
    hold.release()
    assert stat.S_IMODE((reports / ".lock").stat().st_mode) == lock


def _with_another_group(found: os.stat_result) -> os.stat_result:
    return os.stat_result([*found[:5], found.st_gid + 1, *found[6:10]])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a file away")
def test_a_lock_of_root_belongs_to_the_folders_owner(reports: Path) -> None:
    """After one run as root in a user's folder, that user's own runs lock it as before."""
    os.chown(reports, 12345, 12345)
    hold = Hold(reports)
    hold.take()
    hold.release()
    found = (reports / ".lock").stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (12345, 0o600)


@pytest.mark.parametrize("text", ["", "BINANCE_API_SECRET=..."])
def test_a_lock_that_was_there_keeps_mode_and_owner(text: str, reports: Path) -> None:
    """The owner of a shared folder may have moved a private file of this user's, such as .env, to the lock's place."""
    lock = reports / ".lock"
    lock.write_text(text, encoding="utf-8")
    lock.chmod(0o600)
    reports.chmod(0o777)
    if os.geteuid() == 0:
        os.chown(reports, 12345, 12345)
    hold = Hold(reports)
    hold.take()
    hold.release()
    found = lock.stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (os.geteuid(), 0o600)
    assert lock.read_text(encoding="utf-8") == text


def test_another_users_link_to_ones_own_folder_is_refused(
    reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a working directory of another user, reports may be a link of that user's to reports of one's own."""
    link = tmp_path / "link"
    link.symlink_to(reports)
    own = Hold(link)
    own.begin()
    assert not is_old(reports)
    own.release()
    put_old_reports(reports)
    lstat = Path.lstat
    of_another = SimpleNamespace(st_mode=stat.S_IFLNK, st_uid=4711)
    monkeypatch.setattr(Path, "lstat", lambda path: of_another if path == link else lstat(path))
    (reports / "inner").mkdir()
    with pytest.raises(UsageProblem, match="inner is behind a link that another user made"):
        Hold(link / "inner").begin()
    with pytest.raises(UsageProblem, match="link is behind a link that another user made: choose another folder with"):
        Hold(link).begin()
    behind = tmp_path / "behind"
    behind.symlink_to("reports/../link")  # one's own, on the way to that of the other user
    with pytest.raises(UsageProblem, match="behind is behind a link that another user made"):
        Hold(behind).begin()
    assert is_old(reports)


def test_a_loop_of_links_leads_nowhere(tmp_path: Path) -> None:
    """A path through a loop of links is not refused here: the system will not open it."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert not leads_elsewhere(tmp_path / "loop" / "file")


def test_a_verdict_of_another_user_that_cannot_be_read_is_no_runs(
    reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run's own verdict.json may be read by everybody, so this one is another program's."""
    monkeypatch.setattr(folder_lock, "_text", lambda _: (_ for _ in ()).throw(PermissionError))
    with pytest.raises(UsageProblem, match=r"reports holds verdict\.json, which keycheck has not written"):
        Hold(reports).begin()
    assert is_old(reports)


def test_a_folder_that_is_exchanged_while_it_is_locked_is_left_alone(
    reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user who may rename the folder can put another one in its place at any moment."""
    real = lock_file.lock

    def exchange(file: IO[bytes]) -> None:
        real(file)
        reports.rename(reports.with_name("moved"))
        reports.mkdir()
        (reports / ".lock").touch()
        put_old_reports(reports)

    monkeypatch.setattr(lock_file, "lock", exchange)
    hold = Hold(reports)
    hold.begin()
    assert not hold.is_taken
    assert {name: (reports / name).read_text(encoding="utf-8") for name in OLD} == OLD


def test_a_folder_in_the_locked_ones_place_is_left_alone(reports: Path) -> None:
    """While a run waits for its settings, its report folder may be replaced, and the new one may be another run's."""
    hold = Hold(reports)
    hold.begin()
    shutil.rmtree(reports)
    reports.mkdir()
    put_old_reports(reports)
    with pytest.raises(UsageProblem, match="was removed or replaced during the run: start it again when nothing else"):
        ReportFolder(hold, Redactor()).withdraw(BLANK)
    with pytest.raises(OSError, match="was removed or replaced during the run"):
        ReportFolder(hold, Redactor()).write(BLANK)
    assert {name: (reports / name).read_text(encoding="utf-8") for name in OLD} == OLD
    hold.release()


def test_a_lock_that_cannot_be_opened_keeps_the_reports(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of the other user may hold the lock, and the reports may be its own."""
    (reports / ".lock").touch()
    monkeypatch.setattr(lock_file, "_open", refuse(os.O_RDONLY))
    hold = Hold(reports)
    hold.begin()
    assert not hold.is_taken
    with pytest.raises(UsageProblem, match=r"\(Permission denied\), and stay: .* or remove \.lock there"):
        ReportFolder(hold, Redactor()).withdraw(BLANK)
    assert {name: (reports / name).read_text(encoding="utf-8") for name in OLD} == OLD


def test_a_file_system_without_locks_keeps_no_old_report(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a run is refused, and no old OK stays beside the refusal."""

    def no_lock(_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock_file, "lock", no_lock)
    hold = Hold(reports)
    hold.begin()
    assert not is_old(reports)
    put_old_reports(reports)
    with pytest.raises(UsageProblem, match=r"\(No locks available\): make room, or choose another --report-dir"):
        ReportFolder(hold, Redactor()).withdraw(BLANK)
    assert not is_old(reports)


def test_a_plugin_that_kills_the_process_finds_no_old_verdict(reports: Path) -> None:
    """The old verdict is removed before any plugin of the command line is imported."""
    (reports.parent / "dies.py").write_text(DIES, encoding="utf-8")
    assert ended(reports, *REPLAY, "-p", "dies").returncode == -signal.SIGKILL
    assert not is_old(reports)


@pytest.mark.slow
def test_conftest_removes_the_old_verdict_without_pytest_ini(reports: Path) -> None:
    """`-o addopts=` removes the early plugin, but conftest.py names it first as well."""
    (reports.parent / "dies.py").write_text(DIES_IN.format("pytest_configure"), encoding="utf-8")
    assert ended(reports, *REPLAY, "-p", "dies", "-o", "addopts=").returncode == -signal.SIGKILL
    assert not is_old(reports)


@pytest.mark.slow
def test_an_unknown_option_leaves_no_old_verdict(reports: Path) -> None:
    """A run that is refused for an unknown option removes the earlier verdict."""
    assert ended(reports, *REPLAY, "--no-such-option").returncode == 4
    assert not is_old(reports)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["PYTEST_ADDOPTS", "the command line"])
@pytest.mark.parametrize("looks", ["--co", "--explain=account_may_trade", "--help", "--markers", "--fixtures"])
def test_options_that_only_list_leave_the_last_reports(where: str, looks: str, reports: Path) -> None:
    """Options that only list leave the last reports, in any place of the command line."""
    done = ended(reports, PYTEST_ADDOPTS=looks) if where == "PYTEST_ADDOPTS" else ended(reports, *REPLAY, looks)
    assert done.returncode == 0
    assert {name: (reports / name).read_text(encoding="utf-8") for name in OLD} == OLD


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [("tests/exchange/test_error_codes.py", "--co"), ("tests/exchange/test_error_codes.py", "--html", ".", "--co")],
)
def test_a_run_of_other_tests_leaves_the_last_reports(arguments: tuple[str, ...], reports: Path) -> None:
    """A run of other tests keeps the reports, even if a value of an unknown option looks like a path of suite/."""
    ended(reports, *arguments)
    assert is_old(reports)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (("--replay", "healthy"), {}),
        (("--replay=healthy", "--html", "page.html"), {}),
        (("-n", "2"), {}),
        ((), {"PYTEST_ADDOPTS": "suite/ --replay healthy"}),
    ],
)
def test_a_run_of_the_suite_is_recognised_in_any_command_line(
    arguments: tuple[str, ...], environment: dict[str, str], reports: Path
) -> None:
    """A run of the suite is recognised without a path, with path-like option values, and from PYTEST_ADDOPTS."""
    (reports.parent / "dies.py").write_text(DIES_IN.format("pytest_configure"), encoding="utf-8")
    assert ended(reports, "-p", "dies", *arguments, **environment).returncode == -signal.SIGKILL
    assert not is_old(reports)


@pytest.mark.slow
def test_the_verdict_that_is_withdrawn_can_be_compared_with(suite: SuiteRunner) -> None:
    """The earlier verdict is read for --compare before it is removed."""
    assert suite("--replay", "withdrawals-enabled").exit_status == 1
    done = suite("--replay", "withdrawals-enabled", "--compare", str(suite.report_dir))
    assert done.exit_status == 1
    assert "SINCE " in done.output


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_signals_leave_no_old_verdict(reports: Path) -> None:
    """A signal leaves an old OK only if nothing but Python and pytest had been imported by then."""
    left, gone = 0, 0
    began = time.monotonic()
    subprocess.run(command(reports, python=("-X", "importtime")), cwd=ROOT, capture_output=True, check=True)  # noqa: S603
    whole = time.monotonic() - began  # the signals are spread over a run's length, which a busy machine stretches
    for number in range(45):
        put_old_reports(reports)
        sent = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)[number % 3]
        with subprocess.Popen(  # noqa: S603  our own command
            command(reports, python=("-X", "importtime")),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        ) as process:
            timer = threading.Timer(whole * (number + 1) / 46, process.send_signal, (sent,))
            timer.start()
            told = process.communicate(timeout=60)[1].decode("utf-8", "replace")
            timer.cancel()
        if not is_old(reports):
            gone += 1
            continue
        left += 1
        names = re.findall(r"\| +(\S+)$", told, re.MULTILINE)
        behind = names[names.index("_pytest.config") :] if "_pytest.config" in names else []
        strangers = [name for name in behind if name.partition(".")[0] not in sys.stdlib_module_names]
        assert [name for name in strangers if not BEFORE.match(name)] == [], (number, sent)
    assert gone
    assert left  # otherwise every signal came too late to show anything


@pytest.mark.parametrize("option", ["--replay ../old.yaml", "--compare ..", "--rootdir .."])
def test_another_project_around_this_one_is_no_reason_for_an_old_ok(option: str, tmp_path: Path) -> None:
    """pytest takes the folder around both paths for the root, and would not find the suite's plugin and settings."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "bot"\n', encoding="utf-8")
    shutil.copy(ROOT / "cassettes/healthy.yaml", tmp_path / "old.yaml")
    root = copy_of_the_suite(tmp_path)
    (root / "reports").mkdir()
    put_old_reports(root / "reports")
    done = subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", "pytest", "suite/", *option.split()],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert done.stderr.count("ERROR: pytest takes another folder for the root of this project") == 1
    assert "INTERNALERROR" not in done.stdout + done.stderr
    assert not is_old(root / "reports")


@pytest.mark.parametrize("option", ["--compare", "--prom", "--record", "--replay"])
def test_an_option_without_its_value_leaves_no_old_ok(option: str, reports: Path) -> None:
    """An unset variable of a script leaves the option alone."""
    done = ended(reports, "suite/", option)
    assert done.returncode == 4
    assert f"ERROR: {option} is empty, perhaps from an unset variable" in done.stderr
    assert not is_old(reports)


@pytest.mark.parametrize("arguments", mostly_slow([["suite/", "{}"], ["suite/", "-n", "{}"], ["{}"]], 1))
def test_a_settings_file_of_arguments_is_not_repeated(arguments: list[str], reports: Path) -> None:
    """pytest takes the lines of a file @NAME for arguments, and its errors show those that it does not know."""
    settings = reports.parent / "bot.env"
    settings.write_text(f"BINANCE_API_KEY={API_KEY}\nBINANCE_API_SECRET={API_SECRET}\n", encoding="utf-8")
    done = ended(reports, *(one.format(f"@{settings}") for one in arguments))
    assert done.returncode == 4
    assert "ERROR: @ before a settings file makes pytest show its lines: use --env-file=FILE" in done.stderr
    assert not any(secret[:10] in done.stdout + done.stderr for secret in (API_KEY, API_SECRET))
    assert is_old(reports) is ("suite/" not in arguments)


# -- one run at a time --


@pytest.mark.slow
def test_a_second_run_is_refused_and_touches_nothing(reports: Path) -> None:
    """A second run ends with exit 4 and one sentence that names --report-dir; the first run's files are unchanged."""
    with LocalExchange(Scenario(faults={"/fapi/v1/time": Fault.stall()})) as exchange:
        first = subprocess.Popen(  # noqa: S603  our own command
            command(reports, "suite/"), cwd=ROOT, env=os.environ | exchange.settings(), stdout=subprocess.DEVNULL
        )
        try:
            _wait_for_request(exchange)
            log = reports / "run.log"
            log.write_text("the first run's", encoding="utf-8")
            before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in reports.iterdir()}
            second = ended(reports, *REPLAY, f"--log-file={log}")
            after = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in reports.iterdir()}
        finally:
            first.kill()
            first.wait(10)
    assert second.returncode == 4
    (line,) = [line for line in second.stderr.splitlines() if line.startswith("ERROR: ")]
    assert "--report-dir" in line
    assert "another run" in line
    assert "Traceback" not in second.stdout + second.stderr
    assert after == before
    assert "verdict.json" in before


def _wait_for_request(exchange: LocalExchange) -> None:
    for _ in range(400):
        if exchange.requests_to("/fapi/v1/time"):
            return
        threading.Event().wait(0.05)
    pytest.fail("no request within 20 s")


@pytest.mark.slow
def test_a_killed_run_leaves_no_lock(reports: Path) -> None:
    """A killed run leaves neither a lock nor a file that hinders the next run."""
    (reports.parent / "dies.py").write_text(DIES_IN.format("pytest_sessionfinish"), encoding="utf-8")
    assert ended(reports, *REPLAY, "-p", "dies").returncode == -signal.SIGKILL
    assert ended(reports).returncode == 0
    assert json.loads((reports / "verdict.json").read_text(encoding="utf-8"))["ok"] is True


@pytest.mark.slow
def test_two_runs_in_two_folders_do_not_block_each_other(reports: Path, tmp_path: Path) -> None:
    """Runs in two folders each hold the lock of their own folder."""
    other = tmp_path / "other"
    runs = [
        subprocess.Popen(command(folder), cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: S603  our own command
        for folder in (reports, other)
    ]
    assert [run.wait(60) for run in runs] == [0, 0]


@pytest.mark.slow
def test_two_runs_of_one_process_follow_each_other(reports: Path) -> None:
    """Two runs of one process can follow each other: the first releases the folder at its end."""
    arguments = command(reports)[3:]
    code = f"import pytest, sys; sys.exit(10 * pytest.main({arguments!r}) + pytest.main({arguments!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, capture_output=True, check=False)  # noqa: S603
    assert done.returncode == 0


# -- folders that cannot be used --


DEEP = "/".join("a" * 1900)


@pytest.mark.parametrize(
    "files",
    mostly_slow(
        [
            {"verdict.json": '{"verdict": "guilty"}', "report.html": "mine"},
            {"verdict.json": '{"verdict": "guilty"}'},
            {"summary.md": "mine", ".lock": "process 7"},
            {"summary.md": "mine"},
        ],
        2,
    ),
)
def test_a_file_of_another_program_is_left(files: dict[str, str], tmp_path: Path) -> None:
    """A folder with another program's verdict.json or summary.md is refused, and its files stay as they are."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    done = ended(tmp_path)
    assert done.returncode == 4, done.stdout
    assert f"holds {next(iter(files))}, which keycheck has not written: choose another folder with" in done.stderr
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == files


@pytest.mark.slow
@pytest.mark.parametrize("name", ["/", "a" * 300, "loop/below", "file/below", DEEP])
def test_a_folder_that_cannot_be_used_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    """An unusable folder ends the run with exit 4 and one short sentence that names --report-dir."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").touch()
    done = ended(Path(name) if name == "/" else tmp_path / name)
    assert done.returncode == 4, done.stdout
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    assert "--report-dir" in line
    assert len(line) < 250
    assert "INTERNALERROR" not in done.stdout + done.stderr


@pytest.mark.slow
def test_where_no_temporary_folder_is_a_sentence_names_one(reports: Path) -> None:
    """pytest captures into a temporary file: on a full disk, it would end in a traceback that names folders."""
    (reports.parent / "full.py").write_text(
        "import tempfile\ntempfile._candidate_tempdir_list = lambda: ['/nowhere/alice']\n", encoding="utf-8"
    )
    done = ended(reports, *REPLAY, "-p", "full")
    assert (done.returncode, done.stderr.count("\n")) == (4, 2), done.stderr
    assert "TMPDIR" in done.stderr
    assert "alice" not in done.stderr
    assert not is_old(reports)
    assert ended(reports, *REPLAY, "-p", "full", "-s").returncode == 0
