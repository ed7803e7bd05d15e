"""This machine as far as a key's safety hangs on it: who can read its files, and who keeps the clock.

The only module that starts other programs: git, and what the operating system has to ask after its clock. Each has its
own short time, and whatever goes wrong with it means: not known.
"""

import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keycheck import settings

_SECONDS = 3.0
# A repository's own settings may name programs that git would start.
# It may be somebody else's, as in most containers; nothing of it is run or changed.
_GIT = ("git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_CLOCKS = {
    "linux": ("timedatectl", "show", "--property=NTPSynchronized", "--value"),
    "win32": ("w32tm", "/query", "/status"),
    "darwin": ("systemsetup", "-getusingnetworktime"),
}
_UNKEPT = ("local cmos clock", "free-running", "not been started", "not started")  # w32tm, where nobody sets the clock

KEPT, UNKEPT = "kept", "unkept"
NO_FILE = "no file"
NOT_TOLD = "lies in a repository of git, which could not be asked"


@dataclass(frozen=True)
class Machine:
    """`files`: those that hold a credential, each with the name by which it is told of."""

    files: Sequence[tuple[str, Path]] = ()

    def open_files(self) -> list[str]:
        """What lies open of the credentials' files, in a sentence each; [NO_FILE] where they are in none."""
        if not self.files:
            return [NO_FILE]
        return [f"{name} {remark}" for name, path in self.files for remark in _remarks(path)]

    def clock(self) -> list[str]:
        """[KEPT] or [UNKEPT], as the operating system says; [] where it cannot be asked."""
        command = _CLOCKS.get(sys.platform)
        done = _run(*command) if command else None
        if done is None:
            return []
        told = done.stdout.strip().lower()
        if sys.platform == "win32":
            return [UNKEPT if done.returncode or any(sign in told for sign in _UNKEPT) else KEPT]
        answers = {"yes": KEPT, "no": UNKEPT, "network time: on": KEPT, "network time: off": UNKEPT}
        return [answers[told]] if not done.returncode and told in answers else []


def _remarks(path: Path) -> list[str]:
    found = []
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0
    if mode & 0o077 and sys.platform != "win32":  # Windows keeps its permissions elsewhere
        found.append(f"can be read by other users of this machine (mode {mode:03o})")
    for place in dict.fromkeys((path.absolute(), path.resolve())):  # a link and what it leads to are two files to git
        found += _said_by_git(place)
    return list(dict.fromkeys(found))


def _said_by_git(path: Path) -> list[str]:
    if not any((folder / ".git").exists() for folder in path.parents):
        return []  # in no repository, whatever git would say
    if _git(path, "rev-parse", "--is-inside-work-tree") != 0:
        return [NOT_TOLD]
    if _git(path, "ls-files", "--error-unmatch", "--", path.name) == 0:
        return ["is tracked by git: whoever has the repository has the key"]
    if _git(path, "check-ignore", "--quiet", "--", path.name) == 1:
        return ["is not ignored by git: the next commit may take it along"]
    return []


def _git(path: Path, *arguments: str) -> int | None:
    done = _run(*_GIT, "-C", str(path.parent), *arguments)
    return None if done is None else done.returncode


def _run(*command: str) -> "subprocess.CompletedProcess[str] | None":
    try:
        return subprocess.run(  # noqa: S603  fixed commands; a file's name is an argument behind "--"
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            env=settings.without_git(),
            check=False,
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
