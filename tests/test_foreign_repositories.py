"""A hostile repository around the credentials' file: no program that it names is run, and doubt is not a pass."""

import os
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keycheck import host_checks
from keycheck.host_checks import BROKEN, FOREIGN, NO_GIT, NOT_TOLD, HostChecks
from tests.exchange import LocalExchange
from tests.matrix import mostly_slow
from tests.running import SuiteRunner

GIT = shutil.which("git")
pytestmark = [
    pytest.mark.skipif(GIT is None, reason="git is not installed"),
    pytest.mark.skipif(sys.platform == "win32", reason="the payloads are shell scripts"),
]
needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a file to another user"
)


@pytest.fixture(autouse=True)
def nobodys_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the git configuration of the user who runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose index needs a tree that is missing; copying it is quicker than nine calls of git."""
    folder = tmp_path_factory.mktemp("model") / "repository"
    for name in ("far", "near"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_text(name, encoding="utf-8")
    (folder / "far" / ".env").write_text("", encoding="utf-8")

    def git(*arguments: str) -> str:
        environment = os.environ | {"HOME": str(folder.parent)}
        command = [str(GIT), *arguments]
        return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout  # noqa: S603

    git("init", "-q")
    git("add", "-f", ".")
    git("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "x")
    git("sparse-checkout", "set", "--cone", "--sparse-index", "near")
    tree = git("rev-parse", "HEAD:far").strip()
    (folder / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    for place in (folder / ".env", folder / "far" / ".env"):
        place.parent.mkdir(exist_ok=True)
        place.write_text("", encoding="utf-8")
        place.chmod(0o600)
    git("config", "extensions.partialClone", "origin")
    git("config", "remote.origin.promisor", "true")
    return folder


class Trap:
    """A repository whose index needs a tree from a remote, and a payload that leaves a mark when it is run."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder = folder / "repository"
        self.file = self.folder / ".env"
        self.mark = folder / "mark"
        self.payload = folder / "payload"
        self.payload.write_text(f"#!/bin/sh\necho ran > {shlex.quote(str(self.mark))}\nexit 1\n", encoding="utf-8")
        self.payload.chmod(0o755)
        shutil.copytree(model, self.folder, symlinks=True)
        self.config("remote.origin.url", str(self.folder))

    def git(self, *arguments: str) -> str:
        """Runs git in the repository as its owner would."""
        command = [str(GIT), *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout  # noqa: S603

    def config(self, name: str, value: str) -> None:
        """Sets a setting of the repository."""
        self.git("config", name, value)

    def remarks(self, path: Path | None = None) -> list[str]:
        """The remarks on a file, by default the one at the top; afterwards `mark` exists if the payload was run."""
        self.mark.unlink(missing_ok=True)
        return HostChecks([("the settings file", path or self.file)]).open_files()

    def bites_plain_git(self) -> bool:
        """Whether plain git runs the payload."""
        self.mark.unlink(missing_ok=True)
        for question in (("ls-files", "--", ".env"), ("check-ignore", "-q", "--", ".env"), ("status",)):
            subprocess.run([str(GIT), *question], cwd=self.folder, check=False, capture_output=True)  # noqa: S603
        return self.mark.exists()


@pytest.fixture
def trap(tmp_path: Path, model: Path) -> Trap:
    return Trap(tmp_path, model)


def _upload_pack(trap: Trap) -> None:
    trap.config("remote.origin.uploadpack", str(trap.payload))


def _allowed_by_name(trap: Trap) -> None:
    _upload_pack(trap)
    trap.config("protocol.file.allow", "always")


def _of_an_included_file(trap: Trap) -> None:
    _upload_pack(trap)
    (trap.folder / ".git" / "config").rename(trap.folder / "settings")
    trap.git("init", "-q")
    trap.config("core.repositoryFormatVersion", "1")
    trap.config("extensions.partialClone", "origin")
    trap.config("include.path", "../settings")


def _behind_a_gitfile(trap: Trap) -> None:
    _upload_pack(trap)
    (trap.folder / ".git").rename(trap.folder / "elsewhere")
    (trap.folder / ".git").write_text("gitdir: elsewhere\n", encoding="ascii")


def _ssh_command(trap: Trap) -> None:
    trap.config("remote.origin.url", "ssh://localhost/x")
    trap.config("core.sshCommand", str(trap.payload))


def _proxy_command(trap: Trap) -> None:
    trap.config("remote.origin.url", "git://localhost/x")
    trap.config("core.gitProxy", str(trap.payload))


def _external_protocol(trap: Trap) -> None:
    trap.config("remote.origin.url", f"ext::{trap.payload}")
    trap.config("protocol.ext.allow", "always")


def _aliased_helper(name: str) -> Callable[[Trap], None]:
    def set_up(trap: Trap) -> None:
        trap.config("remote.origin.url", f"{name}::x")
        trap.config(f"protocol.{name}.allow", "always")
        trap.config(f"alias.remote-{name}", f"!{trap.payload}")

    return set_up


def _file_system_monitor(trap: Trap) -> None:
    trap.config("core.fsmonitor", str(trap.payload))


ATTACKS: dict[str, Callable[[Trap], None]] = {
    "upload-pack": _upload_pack,
    "upload-pack, with its protocol allowed by name": _allowed_by_name,
    "upload-pack, in an included file": _of_an_included_file,
    "upload-pack, behind a gitfile": _behind_a_gitfile,
    "ssh command": _ssh_command,
    "proxy command": _proxy_command,
    "external protocol": _external_protocol,
    "an alias for the helper of a protocol": _aliased_helper("none"),
    "an alias for the helper of the protocol without a name": _aliased_helper(""),
    "file system monitor": _file_system_monitor,
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_program_that_a_repository_names_is_run(attack: str, trap: Trap) -> None:
    """keycheck runs no payload that plain git runs, even in the same user's repository, such as an unpacked archive."""
    ATTACKS[attack](trap)
    assert trap.bites_plain_git()
    trap.remarks()
    assert not trap.mark.exists()


def test_no_hook_filter_or_helper_of_a_repository_is_run(trap: Trap) -> None:
    """Hooks, filters, pagers and helpers of a repository, all set at once, are not run either."""
    for name in (
        *("credential.helper", "core.askPass", "core.pager", "pager.ls-files", "pager.check-ignore", "core.editor"),
        *("diff.external", "diff.x.textconv", "filter.x.clean", "filter.x.smudge", "filter.x.process", "gpg.program"),
        *("core.alternateRefsCommand", "remote.origin.receivepack", "uploadpack.packObjectsHook", "sequence.editor"),
    ):
        trap.config(name, str(trap.payload))
    for name in ("ls-files", "check-ignore", "rev-parse", "fetch"):
        trap.config(f"alias.{name}", f"!{trap.payload}")
    (trap.folder / ".git" / "info" / "attributes").write_text("* diff=x filter=x\n", encoding="ascii")
    for hook in ("post-index-change", "pre-auto-gc", "reference-transaction", "post-checkout", "fsmonitor-watchman"):
        shutil.copy(trap.payload, trap.folder / ".git" / "hooks" / hook)
    trap.config("core.hooksPath", str(trap.folder / ".git" / "hooks"))
    trap.remarks()
    assert not trap.mark.exists()


NO_LAZY_FETCH = "GIT_NO_LAZY_FETCH"
NO_PROTOCOL = "GIT_ALLOW_PROTOCOL"
NO_PROGRAM = "--exec-path"


@pytest.mark.parametrize("layer", [NO_LAZY_FETCH, NO_PROTOCOL, NO_PROGRAM])
@pytest.mark.parametrize("attack", mostly_slow([name for name in ATTACKS if name != "file system monitor"], 2))
def test_each_layer_of_protection_suffices_alone(
    layer: str, attack: str, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each layer of protection suffices alone; Git before 2.45, for example, lacks the first."""
    run = subprocess.run

    def run_with_this_layer_alone(command: list[str], *, env: dict[str, str], **how: Any) -> Any:
        kept = {name: value for name, value in env.items() if name == layer or not name.startswith("GIT_")}
        if layer != NO_PROGRAM:
            kept["PATH"] = os.defpath
            command = [part for part in command if not part.startswith(NO_PROGRAM)]
        return run(command, env=kept, check=False, **{name: value for name, value in how.items() if name != "check"})

    ATTACKS[attack](trap)
    assert trap.bites_plain_git()
    monkeypatch.setattr(host_checks.subprocess, "run", run_with_this_layer_alone)  # type: ignore[attr-defined]
    trap.remarks()
    assert not trap.mark.exists()


@needs_root
@pytest.mark.parametrize("whose", ["all of it", "only the repository", "only the folder"])
def test_a_repository_of_another_user_is_not_asked(whose: str, trap: Trap) -> None:
    """A repository of another user has a remark with a remedy, without a folder's name, and is not read."""
    if "safe.directory" in trap.git("config", "--list"):
        pytest.skip("this machine's git trusts other users' repositories")
    _upload_pack(trap)
    inside = [trap.folder / ".git", *(trap.folder / ".git").rglob("*")]
    given = {"all of it": [trap.folder, *trap.folder.rglob("*")], "only the repository": inside}
    for place in given.get(whose, [trap.folder]):
        os.chown(place, 12345, 12345)
    found = trap.remarks()
    assert found == [f"the settings file {NOT_TOLD}: {FOREIGN}"]
    assert not trap.mark.exists()
    assert str(trap.folder) not in found[0]


def test_an_index_that_git_cannot_read_counts_as_unknown(trap: Trap) -> None:
    """If git cannot read its index, the result is unknown: the missing tree may hold the file."""
    assert trap.remarks(trap.folder / "far" / ".env") == [f"the settings file {NOT_TOLD}: {BROKEN}"]


@pytest.mark.parametrize("spoil", ["index", "HEAD", "config"])
def test_a_broken_repository_counts_as_unknown(spoil: str, trap: Trap) -> None:
    """A repository with a broken index, HEAD or config counts as unknown."""
    (trap.folder / ".git" / spoil).write_text("broken [", encoding="ascii")
    assert trap.remarks() == [f"the settings file {NOT_TOLD}: {BROKEN}"]


def test_a_work_tree_elsewhere_counts_as_unknown(trap: Trap, tmp_path: Path) -> None:
    """A work tree elsewhere has another file of that name, so the result is unknown."""
    trap.config("core.worktree", str(tmp_path / "home"))
    assert trap.remarks() == [f"the settings file {NOT_TOLD}: {BROKEN}"]


def test_a_folder_that_looks_like_a_bare_repository_is_not_asked(trap: Trap) -> None:
    """Git would use the settings of a folder that looks like a bare repository, so git is not asked there."""
    shutil.rmtree(trap.folder / ".git")
    trap.git("init", "-q")
    inner = trap.folder / "inner"
    inner.mkdir()
    trap.git("init", "-q", "--bare", str(inner))
    (inner / ".env").touch(0o600)
    assert trap.remarks(inner / ".env") == [f"the settings file {NOT_TOLD}: {BROKEN}"]


def test_a_file_name_is_not_a_pattern(trap: Trap) -> None:
    """A file's name is not a pattern: other files that it would match do not count."""
    shutil.rmtree(trap.folder / ".git")
    trap.git("init", "-q")
    (trap.folder / "keys.env").touch()
    trap.git("add", "keys.env")
    for name in ("k*.env", ":keys.env", ":(glob)keys.env"):
        (trap.folder / name).touch(0o600)
        assert ["not ignored" in remark for remark in trap.remarks(trap.folder / name)] == [True], name
    (trap.folder / ".gitignore").write_text("*\n", encoding="ascii")
    for name in ("k*.env", ":keys.env", ":(glob)keys.env"):
        assert trap.remarks(trap.folder / name) == [], name


@pytest.mark.parametrize("entries", [".", "", "bin", "{repository}", "{repository}/bin", "{link}"])
@pytest.mark.parametrize("inside", ["the repository", "another folder"])
def test_no_git_beside_the_file_or_in_the_current_directory_is_run(
    entries: str, inside: str, trap: Trap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs of the current directory or of the project's folder are not run, even if PATH names the folder."""
    (trap.folder / "bin").mkdir()
    (tmp_path / "link").symlink_to(trap.folder / "bin")
    for folder in (trap.folder, trap.folder / "bin"):
        shutil.copy(trap.payload, folder / "git")
        shutil.copy(trap.payload, folder / "timedatectl")
    here = trap.folder if inside == "the repository" else tmp_path
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", entries.format(repository=trap.folder, link=tmp_path / "link"))
    assert trap.remarks() == [f"the settings file {NOT_TOLD}: {NO_GIT}"]
    assert HostChecks([("the settings file", trap.file)]).clock() == []
    assert not trap.mark.exists()


def test_a_program_of_the_current_directory_is_not_run(trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of the current directory is not run for the clock check either, without any credentials' file."""
    shutil.copy(trap.payload, trap.folder / "timedatectl")
    monkeypatch.chdir(trap.folder)
    monkeypatch.setattr(sys, "platform", "linux")
    for path in (str(trap.folder), ".", ""):
        monkeypatch.setenv("PATH", path)
        assert HostChecks().clock() == []
    assert not trap.mark.exists()


@pytest.mark.slow
def test_a_whole_run_says_why_git_was_not_asked(trap: Trap, suite: SuiteRunner, exchange: LocalExchange) -> None:
    """If git was not asked, the check is unproven with the reason, and all other checks run."""
    _upload_pack(trap)
    trap.file.write_text("".join(f"{name}={value}\n" for name, value in exchange.settings().items()), encoding="utf-8")
    trap.file.rename(trap.folder / "far" / ".env")  # git cannot read this folder
    done = suite(env_file=trap.folder / "far" / ".env", settings={"PATH": os.environ["PATH"]})
    assert done.with_outcome("unproven") == ["credentials_file_is_private"]
    assert BROKEN in done.check("credentials_file_is_private")["detail"]
    assert done.exit_status == 0
    assert not trap.mark.exists()


def test_another_program_gets_a_few_named_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git gets a few named variables: no credential, no option of git, no library; it starts in its own folder."""
    program = tmp_path / "programs" / "timedatectl"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\n{{ /usr/bin/env; pwd; }} > {shlex.quote(str(tmp_path / 'seen'))}\n", encoding="ascii"
    )
    program.chmod(stat.S_IRWXU)
    for name in (
        "BINANCE_API_SECRET",
        "GIT_DIR",
        "GIT_SSH_COMMAND",
        "LD_LIBRARY_PATH",
        "PYTHONPATH",
        "SSH_ASKPASS",
        "X",
    ):
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setattr(sys, "platform", "linux")
    HostChecks().clock()
    *lines, folder = (tmp_path / "seen").read_text(encoding="utf-8").splitlines()
    assert {line.partition("=")[0] for line in lines} - {"PWD", "SHLVL", "_", "OLDPWD"} == {"HOME", "LC_ALL", "PATH"}
    assert folder == str(program.parent)
