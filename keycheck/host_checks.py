"""Checks of this machine: can others read the files with the credentials, and is the clock synchronised?

Only this module starts other programs: git, and the operating system's program that shows the state of its clock. Each
is taken from an absolute folder of PATH, outside the current directory and the folders of the credentials. It runs in
its own folder, with a time limit and a few named environment variables; its PATH leads to no program. If it fails, the
result is "not known".

No repository is trusted, because its configuration may name programs for git to start: for a remote, a hook or a
filter. Git itself refuses a repository of another user. In any other, no protocol is allowed, hooks are off, and git
finds no folder with programs to start.
"""

import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from keycheck.redaction.secret import Secret
from keycheck.settings import child_environment, loading
from keycheck.settings.dotenv_file import MAX_FILE

_SECONDS = 3.0
_AT_ONCE = 100  # versions of a file that are held in memory
_CLOCKS = {
    "linux": ("timedatectl", "show", "--property=NTPSynchronized", "--value"),
    "win32": ("w32tm", "/query", "/status"),
    "darwin": ("systemsetup", "-getusingnetworktime"),
}
# What w32tm says if nothing sets the clock.
_FREE_RUNNING = ("local cmos clock", "free-running", "not been started", "not started")

SYNCED, UNSYNCED = "kept", "unkept"  # as cassettes hold them
NO_FILE = "no file"
NOT_TOLD = "lies in a git repository, and git could not be asked about it"
_MOVE = "move the file to a folder of your own that lies in no repository"
NO_GIT = f"PATH leads to no git outside the current directory and the file's project. Install git, or else: {_MOVE}"
FOREIGN = (
    f"it belongs to another user, whose settings git would follow. Either {_MOVE}, or, only if you trust that user "
    "with your account, git config --global --add safe.directory FOLDER"
)
SLOW = f"git did not answer within {_SECONDS:g} s, as in a very large repository: run it again, or {_MOVE}"
BROKEN = f"git gave an error, or nothing, instead of an answer: repair the repository, or {_MOVE}"


@dataclass(frozen=True)
class HostChecks:
    """Asks git and the operating system. `files`: the files with credentials, each with its name for messages.

    `credentials`: their texts, which git's history must not hold.
    """

    files: Sequence[tuple[str, Path]] = ()
    credentials: Sequence[Secret] = ()

    def open_files(self) -> list[str]:
        """One sentence for each way in which others can read the credentials' files; [NO_FILE] without such files."""
        if not self.files:
            return [NO_FILE]
        return [f"{name} {remark}" for name, path in self.files for remark in self._remarks(path)]

    def clock(self) -> list[str]:
        """[SYNCED] or [UNSYNCED], whichever the operating system says; [] if it cannot be asked."""
        command = _CLOCKS.get(sys.platform)
        program = self._program(command[0]) if command else None
        done = None
        with suppress(subprocess.TimeoutExpired):
            done = _run(program, *command[1:]) if command and program else None
        if done is None:
            return []
        output = done.stdout.strip().lower()
        if sys.platform == "win32":
            return [UNSYNCED if done.returncode or any(sign in output for sign in _FREE_RUNNING) else SYNCED]
        answers = {"yes": SYNCED, "no": UNSYNCED, "network time: on": SYNCED, "network time: off": UNSYNCED}
        return [answers[output]] if not done.returncode and output in answers else []

    def _remarks(self, path: Path) -> list[str]:
        found = []
        mode = _mode(path) or 0
        if mode & 0o077 and sys.platform != "win32":  # Windows has no such mode bits
            found.append(f"can be read by other users of this machine (mode {stat.S_IMODE(mode):03o})")
        for place in _names_of(path):
            try:
                found += self._git_remarks(place)
            except _NoGitAnswerError as error:
                found.append(f"{NOT_TOLD}: {error}")
        return list(dict.fromkeys(found))

    def _git_remarks(self, path: Path) -> list[str]:
        if not any(_repositories_around(path)):
            return []  # the file is in no repository, so git has no say
        program = self._program("git")
        if program is None:
            raise _NoGitAnswerError(NO_GIT)
        if _git(program, path, "rev-parse", "--is-inside-work-tree") != "true":
            raise _NoGitAnswerError(BROKEN)
        # Not --error-unmatch: it reports a file in an unreadable folder like an untracked file.
        if _git(program, path, "--literal-pathspecs", "ls-files", "--", path.name):
            return ["is tracked by git: whoever has the repository has the key"]
        found = []
        if self._is_in_the_history(program, path):
            found.append(
                "was committed, and this key is in git's history: whoever has the repository has it. So make a new key "
                "and delete this one"
            )
        # --no-index: whether the file is in the index was asked above.
        if not _git(program, path, "check-ignore", "--no-index", "--", f"./{path.name}", may_fail=True):
            found.append("is not ignored by git: the next commit may include it")
        return found

    def _is_in_the_history(self, program: Path, path: Path) -> bool:
        """Whether a committed version of the file holds one of the credentials."""
        # Versions that are too long for settings are left out: in a hostile repository, they may be gigabytes.
        listed = ("rev-list", "--all", "--full-history", "--objects", f"--filter=blob:limit={MAX_FILE + 1}", "--")
        objects = [
            line.partition(" ") for line in _git(program, path, "--literal-pathspecs", *listed, path.name).splitlines()
        ]
        versions = [one for one, _, name in objects if name.rpartition("/")[2] == path.name]
        for at in range(0, len(versions), _AT_ONCE):
            some = versions[at : at + _AT_ONCE]
            texts = _git(program, path, "cat-file", "--batch", lines=some)  # unlike git show, it starts no program
            texts = texts.replace("\0", "")  # of UTF-16, in which PowerShell writes files
            if any(one.reveal() in texts for one in self.credentials):
                return True
        return False

    def _program(self, name: str) -> Path | None:
        """The first program of this name in PATH, outside the current directory and the files' own projects."""
        files = [place for _, path in self.files for place in _names_of(path)]
        untrusted = [folder for file in files for folder in (file.parent, *_repositories_around(file))]
        with suppress(OSError):  # the current directory was deleted
            untrusted.append(Path.cwd())
        for folder in loading.program_folders():
            program = folder / (f"{name}.exe" if sys.platform == "win32" else name)
            mode = _mode(program) or 0
            if stat.S_ISREG(mode) and mode & 0o111 and not any(_is_inside(program, one) for one in untrusted):
                return program
        return None


class _NoGitAnswerError(Exception):
    """Git gave no answer; the text says why, and what to do."""


def _git(program: Path, path: Path, *arguments: str, may_fail: bool = False, lines: Sequence[str] = ()) -> str:
    """Runs git in the folder of `path`; returns its output. `may_fail`: exit status 1 is an answer, not an error.

    `lines`: its input.
    """
    # For an allowed protocol NAME, git would run the program git-remote-NAME, so the name here cannot be guessed.
    guarded = {"GIT_ALLOW_PROTOCOL": token_hex(16), "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}
    guarded["GIT_NO_REPLACE_OBJECTS"] = "1"  # the repository still holds an object that was replaced
    silent = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": ""}
    options = ["--no-pager", f"--exec-path={program}", "-C", str(path.parent)]  # a file, so git finds no program in it
    for setting in ("core.fsmonitor=", "core.hooksPath=/dev/null", "safe.bareRepository=explicit"):
        options += ["-c", setting]
    try:
        done = _run(program, *options, *arguments, lines=lines, **guarded, **silent)
    except subprocess.TimeoutExpired:
        raise _NoGitAnswerError(SLOW) from None
    if done is None:
        raise _NoGitAnswerError(BROKEN)
    if any(words in done.stderr for words in ("dubious ownership", "unsafe repository")):  # git's older wording
        raise _NoGitAnswerError(FOREIGN)
    failed = any(line.startswith(("error:", "fatal:")) for line in done.stderr.splitlines())
    if failed or done.returncode not in ((0, 1) if may_fail else (0,)):
        raise _NoGitAnswerError(BROKEN)
    return done.stdout.strip()


def _run(
    program: Path, *arguments: str, lines: Sequence[str] = (), **variables: str
) -> "subprocess.CompletedProcess[str] | None":
    """Runs a program; None if that fails. Raises TimeoutExpired after _SECONDS."""
    environment = child_environment.for_other_programs() | variables
    try:
        return subprocess.run(  # noqa: S603  fixed commands; a file's name is an argument after "--"
            [str(program), *arguments],
            input="".join(f"{line}\n" for line in lines),
            capture_output=True,
            encoding=sys.getfilesystemencoding(),  # git writes names as bytes, and a name must equal that of the file
            errors="surrogateescape",
            timeout=_SECONDS,
            cwd=program.parent,
            env={**environment, "LC_ALL": "C", "PATH": str(program)},  # a file, so no program is found in it
            check=False,
        )
    except (OSError, ValueError):
        return None


def _names_of(path: Path) -> tuple[Path, ...]:
    """The path and, if it is a link, the path that it leads to: git treats them as two files. Neither has a `..`."""
    return tuple(dict.fromkeys((path.parent.resolve() / path.name, path.resolve())))


def _repositories_around(path: Path) -> Iterator[Path]:
    return (folder for folder in path.parents if _mode(folder / ".git") is not None)


def _is_inside(program: Path, folder: Path) -> bool:
    """Whether a program, or the file that it links to, lies in a folder or below it. Below the root does not count."""
    is_root = folder == folder.parent
    places = (program, program.resolve())
    return any(folder == place.parent or (not is_root and folder in place.parents) for place in places)


def _mode(path: Path) -> int | None:
    """The mode of a file; None if there is none, and 0 (no kind of file) if it cannot be read."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError:
        return 0
