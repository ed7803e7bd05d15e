"""The folder of --out while a fleet runs: its lock, verdicts.jsonl as it grows, and each account's report.

Each line is on the disk before the driver goes on. If the fleet is killed at any moment, only the file's last line can
be incomplete: readers ignore such a line, and --resume removes it.
"""

import contextlib
import json
import math
import os
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from keycheck import process
from keycheck.errors import UsageProblem
from keycheck.fleet import changes, results
from keycheck.fleet.accounts import Account, Fleet
from keycheck.fleet.answer import Result, is_of_a_run
from keycheck.foreign_links import NO_LINK
from keycheck.report import artefacts
from keycheck.report.folder_lock import PAGE_FILE, Hold

_MADE_AT_THE_END = ("index.html", "fleet.json")
_REPORTS = "accounts"
_KEPT = (results.VERDICTS_FILE, changes.KNOWN_FILE)
_WRITTEN = (*_MADE_AT_THE_END, *_KEPT, "keycheck.prom", _REPORTS)
_OPTION = "--out"


@dataclass
class Done:
    """The accounts that have a verdict already. `names`: their names; `counts`: how many have each verdict.

    `weight`: the request weight that their runs cost, by lane. `began`: when the first of these runs began, in ms since
    1970.
    """

    began: float = math.inf
    names: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    weight: Counter[str] = field(default_factory=Counter)


class OutFolder:
    """The folder of --out. If it is missing, makes it, readable only by its owner. Locks it. Raises UsageProblem."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._verdicts = path / results.VERDICTS_FILE
        self._file: IO[bytes] | None = None
        self._unfinished: set[str] = set()
        with contextlib.suppress(OSError):  # make_folder says why
            path.mkdir(mode=0o700, parents=True)
        artefacts.make_folder(path, _OPTION)
        self._hold = Hold(path, _OPTION, _WRITTEN, _KEPT)
        try:
            self._hold.take()
        except OSError as error:
            raise self._unusable(error) from None

    def done(self, lanes: Mapping[str, str], chosen: Fleet) -> "Done":
        """The accounts that have a verdict in verdicts.jsonl. `lanes`: the lane of each account, by the account's name.

        A chosen account whose run was cut short, because its lane was lost for example, does not count: it is tested
        again, and `open` removes its line. Raises UsageProblem for a line of an unknown account or of another lane, for
        a second line of an account, and for a line without a verdict.
        """
        done = Done()
        wanted = {account.name for account in chosen.accounts}
        for line in self._lines():
            name, lane = line.pop("account"), line.pop("lane", None)
            if name in done.names or lanes.get(name, "") != lane or not is_of_a_run(line):
                raise UsageProblem(
                    f"the line of account {name} in verdicts.jsonl of {_OPTION} does not fit ACCOUNTS: leave --resume "
                    "out to start again, or name the same ACCOUNTS"
                )
            if name in wanted and any(cause["cause"] == process.CUT_SHORT for cause in line["diagnosis"]):
                self._unfinished.add(name)
                continue
            done.began = min(done.began, 1000 * datetime.fromisoformat(line["startedAt"]).timestamp())
            done.names.add(name)
            done.counts[line["verdict"]] += 1
            done.weight[lane] += line["requests"]["futuresWeight"]
        return done

    def open(self, asked: Collection[Account], *, resume: bool) -> None:
        """Removes the old page and these accounts' old reports, and opens verdicts.jsonl. `resume`: keeps its lines.

        Raises UsageProblem.
        """
        try:
            with contextlib.suppress(FileNotFoundError), _entered(self.path / _REPORTS):
                pass  # another user's folder, which cannot be entered, is a reason to stop before anything is removed
            for name in _MADE_AT_THE_END:
                (self.path / name).unlink(missing_ok=True)
            if resume and self._unfinished:
                self._take_out(self._unfinished)
            if not resume:
                self._verdicts.unlink(missing_ok=True)  # after a fleet as root, it is a file of root's
            flags = os.O_RDWR | os.O_CREAT | NO_LINK
            self._file = os.fdopen(os.open(self._verdicts, flags, 0o600), "r+b", buffering=0)
            self._file.truncate(_end_of_lines(self._file))
            self._file.seek(0, os.SEEK_END)
            # Last, since there may be many: after a kill here, --resume must see no old verdict.
            self._remove_reports(asked)
        except OSError as error:
            raise self._unusable(error) from None

    def _lines(self) -> Iterator[dict[str, Any]]:
        return results.read(self._verdicts) if self._verdicts.exists() else iter(())

    def _take_out(self, names: Collection[str]) -> None:
        with artefacts.replacing(self._verdicts, 0o600) as file:
            for line in self._lines():
                if line["account"] not in names:
                    file.write(json.dumps(line) + "\n")

    def keep(self, account: Account, answer: Result) -> None:
        """Writes an account's report, and then its line; returns when the line is on the disk. Raises OSError."""
        self.check()
        if answer.page:
            self._write_report(account, answer.page)
        line = {"account": account.name, "lane": account.lane} | dict(answer.verdict)
        data = json.dumps(line).encode() + b"\n"
        assert self._file
        while data:
            data = data[self._file.write(data) :]
        os.fsync(self._file.fileno())

    def check(self) -> None:
        """Raises OSError if the folder was removed or replaced: another fleet may be using the new one."""
        self._hold.take()

    def close(self) -> None:
        """Closes verdicts.jsonl, and releases the lock."""
        if self._file:
            self._file.close()
        self._hold.release()

    def _remove_reports(self, accounts: Collection[Account]) -> None:
        with contextlib.suppress(FileNotFoundError), _entered(self.path / _REPORTS) as (reports, at):
            for account in accounts:
                with contextlib.suppress(FileNotFoundError), _entered(reports / account.name, at) as (folder, inside):
                    os.unlink(folder / PAGE_FILE, dir_fd=inside)

    def _write_report(self, account: Account, page: str) -> None:
        with (
            _entered(self.path / _REPORTS, make=True) as (reports, at),
            _entered(reports / account.name, at, make=True) as (folder, inside),
            artefacts.replacing(folder / PAGE_FILE, dir_fd=inside, temporary_in=self.path) as file,
        ):
            file.write(page)

    def _unusable(self, error: OSError) -> UsageProblem:
        remedy = "remove what other users have made there" if isinstance(error, PermissionError) else "make room"
        return UsageProblem(
            f"the files of {self.path.name} cannot be replaced ({error.strerror}): {remedy}, or choose another folder "
            f"with {_OPTION}"
        )


@contextlib.contextmanager
def _entered(folder: Path, dir_fd: int | None = None, *, make: bool = False) -> Iterator[tuple[Path, int | None]]:
    """Opens a folder. Yields the path and the `dir_fd` with which functions of `os` find its files.

    Another user who owns the folder above it can replace it by a link at any time. So a link is refused, and the
    descriptor stays with the folder that was opened. Windows has no descriptors of folders. `make`: makes the folder if
    it is missing. Raises OSError.
    """
    if make:
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700, dir_fd=dir_fd)
    if sys.platform == "win32":
        yield folder, None
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | NO_LINK, dir_fd=dir_fd)
    try:
        yield Path(), descriptor
    finally:
        os.close(descriptor)


def _end_of_lines(file: IO[bytes]) -> int:
    """The position at which the last complete line ends."""
    at = file.seek(0, os.SEEK_END)
    while at:
        step = min(at, 2**16)
        file.seek(at - step)
        if (found := file.read(step).rfind(b"\n")) >= 0:
            return at - step + found + 1
        at -= step
    return 0
