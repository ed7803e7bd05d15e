"""The checks of this machine's files and clock: real files, real git, and fake programs in PATH."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keycheck import host_checks
from keycheck.host_checks import BROKEN, NO_FILE, NO_GIT, NOT_TOLD, SYNCED, UNSYNCED, HostChecks
from keycheck.redaction.secret import Secret

GIT = shutil.which("git")
needs_git = pytest.mark.skipif(GIT is None, reason="git is not installed")
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps its permissions elsewhere")


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """A file that only its owner can read, outside any repository."""
    path = tmp_path / ".env"
    path.write_text("BINANCE_API_KEY=\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def git(folder: Path, *arguments: str) -> None:
    """Runs git without anybody's configuration."""
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run([str(GIT), *arguments], cwd=folder, check=True, capture_output=True, env={**os.environ, **nobody})  # noqa: S603


def remarks(path: Path) -> list[str]:
    """The remarks on one file."""
    return HostChecks([("the settings file", path)]).open_files()


def test_a_private_file_outside_of_git_is_private(settings_file: Path) -> None:
    """A private file outside any repository has no remark."""
    assert remarks(settings_file) == []


def test_credentials_that_are_in_no_file_have_a_remark() -> None:
    """If credentials are in no file, there is one remark that says so."""
    assert HostChecks().open_files() == [NO_FILE]


@posix
@pytest.mark.parametrize(("mode", "told"), [(0o644, "644"), (0o640, "640"), (0o604, "604"), (0o400, ""), (0o600, "")])
def test_a_file_that_others_can_read_is_reported_with_its_mode(mode: int, told: str, settings_file: Path) -> None:
    """Rights of the group and of others are named; the owner's own rights do not matter."""
    settings_file.chmod(mode)
    found = remarks(settings_file)
    assert len(found) == bool(told)
    assert told in "".join(found)
    assert str(settings_file) not in "".join(found)


@needs_git
def test_a_file_that_git_may_commit_has_a_remark(settings_file: Path) -> None:
    """There is a remark on a file that git does not ignore, and on an ignored file that it tracks."""
    folder = settings_file.parent
    git(folder, "init", "-q")
    assert ["not ignored by git" in remark for remark in remarks(settings_file)] == [True]
    (folder / ".gitignore").write_text(".env\n", encoding="utf-8")
    assert remarks(settings_file) == []
    git(folder, "add", "-f", ".env")
    assert ["tracked by git" in remark for remark in remarks(settings_file)] == [True]


@needs_git
def test_a_file_beside_a_repository_is_in_none(settings_file: Path) -> None:
    """`--env-file=../x.env`, given inside a repository, names a file outside it."""
    folder = settings_file.parent / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    assert remarks(folder / ".." / ".env") == []


COMMIT = ("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "x")


@needs_git
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_key_in_the_history_has_a_remark_until_it_is_another(encoding: str, settings_file: Path) -> None:
    """After `git rm --cached`, the history still holds the key; a new key is not in it. PowerShell writes UTF-16."""
    folder = settings_file.parent
    settings_file.write_text("BINANCE_API_SECRET=a-secret-that-was-committed\n", encoding=encoding)
    git(folder, "init", "-q")
    git(folder, "add", "-f", ".env")
    git(folder, *COMMIT)
    git(folder, "rm", "-q", "--cached", ".env")
    (folder / ".gitignore").write_text(".env\n", encoding="utf-8")
    git(folder, "add", ".gitignore")
    git(folder, *COMMIT)

    def remarks_on(value: str) -> list[str]:
        return HostChecks([("the settings file", settings_file)], [Secret(value)]).open_files()

    (told,) = remarks_on("a-secret-that-was-committed")
    assert "in git's history" in told
    assert "make a new key" in told
    assert remarks_on("a-new-secret") == []
    git(folder, "replace", "HEAD~1:.env", "HEAD:.gitignore")  # git shows another text; the old one is still there
    assert "in git's history" in remarks_on("a-secret-that-was-committed")[0]


@needs_git
@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="all names are Unicode there")
def test_the_history_of_a_name_that_is_not_utf_8_is_searched(settings_file: Path) -> None:
    """Git writes a name's own bytes, whatever the locale's encoding is."""
    file = settings_file.rename(settings_file.with_name(os.fsdecode(b"t\xe9l.env")))
    file.write_text("BINANCE_API_SECRET=a-secret-that-was-committed\n", encoding="utf-8")
    git(file.parent, "init", "-q")
    git(file.parent, "add", ".")
    git(file.parent, *COMMIT)
    git(file.parent, "rm", "-q", "--cached", file.name)
    found = HostChecks([("the settings file", file)], [Secret("a-secret-that-was-committed")]).open_files()
    assert "in git's history" in found[0]


@needs_git
def test_a_huge_version_in_the_history_is_not_read(settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a clone of a hostile repository, an old .env may be gigabytes long; the other versions are searched."""
    run, answers = host_checks._run, list[int]()

    def noting(*arguments: Any, **more: Any) -> Any:
        done = run(*arguments, **more)
        answers.append(len(done.stdout) if done else 0)
        return done

    monkeypatch.setattr(host_checks, "_run", noting)
    git(settings_file.parent, "init", "--quiet")
    for text in ("\0" * 2**22, "BINANCE_API_KEY=of-a-committed-key\n"):
        settings_file.write_text(text, encoding="utf-8")
        git(settings_file.parent, "add", "--force", settings_file.name)
        git(settings_file.parent, *COMMIT)
    git(settings_file.parent, "rm", "--quiet", "--cached", settings_file.name)
    found = HostChecks([("the settings file", settings_file)], [Secret("of-a-committed-key")]).open_files()
    assert "in git's history" in found[0]
    assert max(answers) < 2**16


@needs_git
@posix
def test_a_repository_starts_no_program_of_its_own(settings_file: Path, tmp_path: Path) -> None:
    """A repository's configuration may name a program, which is not run."""
    folder = settings_file.parent
    git(folder, "init", "-q")
    mark = tmp_path / "mark"
    git(folder, "add", ".env")
    git(folder, *COMMIT)
    git(folder, "rm", "-q", "--cached", ".env")
    (folder / ".gitattributes").write_text("* diff=x filter=x\n", encoding="utf-8")
    git(folder, "config", "log.showSignature", "true")
    for setting in ("core.fsmonitor", "gpg.program", "diff.x.textconv", "diff.external", "filter.x.smudge"):
        git(folder, "config", setting, f"touch {mark}")
    mark.unlink(missing_ok=True)
    remarks(settings_file)
    assert not mark.exists()


def test_a_deleted_file_has_no_remark(tmp_path: Path) -> None:
    """A file that was deleted after it was read has no remark."""
    assert remarks(tmp_path / "gone") == []


@posix
@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("echo yes", [SYNCED]),
        ("echo no", [UNSYNCED]),
        ("echo perhaps", []),
        ("echo yes; exit 1", []),
        ("exit 127", []),
        ("printf '\\377\\376'", []),
        ("echo 'System has not been booted with systemd' >&2; exit 1", []),
    ],
)
def test_the_state_of_the_clock_is_the_systems_answer(
    script: str, answer: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's answer about its clock is yes, no, or unknown."""
    program = tmp_path / "timedatectl"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert HostChecks().clock() == answer


def test_a_machine_without_such_a_program_cannot_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container or on an unknown system the clock check has no result."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for platform in ("linux", "darwin", "win32", "plan9"):
        monkeypatch.setattr(sys, "platform", platform)
        assert HostChecks().clock() == []


@posix
def test_a_program_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that hangs is stopped, and the result is unknown."""
    program = tmp_path / "timedatectl"
    program.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(30)\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(host_checks, "_SECONDS", 0.2)
    assert HostChecks().clock() == []


@posix
def test_a_git_that_takes_too_long_is_no_broken_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To search the history of a very large repository may take longer than a run can wait."""
    programs, project = tmp_path / "programs", tmp_path / "project"
    programs.mkdir()
    (project / ".git").mkdir(parents=True)
    git = programs / "git"
    git.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(30)\n", encoding="utf-8")
    git.chmod(0o755)
    (project / ".env").touch(0o600)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(host_checks, "_SECONDS", 0.2)
    asked = HostChecks([("the settings file", project / ".env")])
    assert asked.open_files() == [f"the settings file {host_checks.NOT_TOLD}: {host_checks.SLOW}"]


@posix
@pytest.mark.parametrize(
    ("told", "status", "answer"),
    [
        ("Source: time.windows.com,0x8", 0, [SYNCED]),
        ("Source: Local CMOS Clock", 0, [UNSYNCED]),
        ("Source: Free-running System Clock", 0, [UNSYNCED]),
        ("The service has not been started. (0x80070426)", 38, [UNSYNCED]),
    ],
)
def test_the_time_service_of_windows_is_read_as_it_answers(
    told: str, status: int, answer: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Windows time service has a source, or the clock is not synchronised."""
    program = tmp_path / "w32tm.exe"
    program.write_text(f"#!/bin/sh\necho '{told}'\nexit {status}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "win32")
    assert HostChecks().clock() == answer


@needs_git
@posix
def test_a_missing_git_is_reported(settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If no git is found, a file in a repository is not called private."""
    git(settings_file.parent, "init", "-q")
    monkeypatch.setenv("PATH", str(settings_file.parent))
    assert remarks(settings_file) == [f"the settings file {NOT_TOLD}: {NO_GIT}"]


@needs_git
@posix
def test_a_link_to_a_tracked_file_is_a_tracked_file(settings_file: Path, tmp_path: Path) -> None:
    """A link to a tracked file counts as tracked."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    settings_file.rename(folder / "keys.env")
    git(folder, "add", "keys.env")
    settings_file.symlink_to(folder / "keys.env")
    assert ["tracked by git" in remark for remark in remarks(settings_file)] == [True]


def _split_index(folder: Path) -> Path:
    git(folder, "update-index", "--split-index")
    return folder


def _sparse_index(folder: Path) -> Path:
    git(folder, "sparse-checkout", "set", "--cone", "--sparse-index", "near")
    return folder


def _another_work_tree(folder: Path) -> Path:
    git(folder, "worktree", "add", "-q", str(folder.parent / "other"))
    return folder.parent / "other"


def _git_elsewhere(folder: Path) -> Path:
    (folder / ".git").rename(folder.parent / "git")
    (folder / ".git").write_text(f"gitdir: {folder.parent / 'git'}\n", encoding="utf-8")
    return folder


@needs_git
@pytest.mark.parametrize("arrange", [_split_index, _sparse_index, _another_work_tree, _git_elsewhere])
def test_git_answers_however_the_repository_is_kept(arrange: Callable[[Path], Path], tmp_path: Path) -> None:
    """git's answer is right with a split or sparse index, another work tree, or a .git folder elsewhere."""
    folder = tmp_path / "repository"
    for name in ("near", "far"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").touch()
    (folder / ".env").touch(0o600)
    git(folder, "init", "-q")
    git(folder, "add", "-f", ".")
    git(folder, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "x")
    (folder / ".git" / "info" / "exclude").write_text("other.env\n", encoding="utf-8")
    arranged = arrange(folder)
    (arranged / ".env").chmod(0o600)
    assert ["tracked by git" in remark for remark in remarks(arranged / ".env")] == [True]
    for name, told in (("other.env", []), ("third.env", [True])):
        (arranged / name).touch(0o600)
        assert ["not ignored by git" in remark for remark in remarks(arranged / name)] == told


@needs_git
def test_a_folder_that_cannot_be_looked_into_may_be_a_repository(
    settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a folder cannot be searched, its files are not called private.

    The error is simulated, since root may search every folder.
    """
    looked = Path.stat

    def refuse(path: Path, **how: bool) -> os.stat_result:
        if path.name == ".git":
            raise PermissionError(13, "Permission denied")
        return looked(path, **how)

    monkeypatch.setattr(Path, "stat", refuse)
    assert remarks(settings_file) == [f"the settings file {NOT_TOLD}: {BROKEN}"]


@needs_git
def test_inside_a_git_hook_the_same_is_seen(settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables such as GIT_DIR, which git sets for its hooks, do not lead to another repository."""
    git(settings_file.parent, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(settings_file.parent / "elsewhere"))
    assert ["not ignored by git" in remark for remark in remarks(settings_file)] == [True]
