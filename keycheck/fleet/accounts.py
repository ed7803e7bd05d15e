"""Reads ACCOUNTS, a folder of NAME.env files or a TOML file: accounts and their lanes, checked, without secrets."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from keycheck import bounded_files, purse
from keycheck.errors import UsageProblem
from keycheck.redaction.redactor import HIDDEN, printable
from keycheck.redaction.secret import LIKE_A_KEY
from keycheck.settings import loading

_NAME = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,64}")  # the name of an account or a lane
LOCAL = "local"  # the lane of an account that names none
# The settings that a job may have. Credentials, files, hosts and the proxy are set on the lane's machine.
SETTINGS = ("BINANCE_ENVIRONMENT", "BINANCE_EXPECT", "BINANCE_RECV_WINDOW", "BINANCE_SYMBOL", "BINANCE_USER_STREAM")
_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
_LONGEST_FILE = 2**25  # bytes of TOML; 100,000 accounts have some seven million


@dataclass(frozen=True, slots=True)
class Lane:
    """An address from which keys are tested. Raises UsageProblem for a bad name or share.

    `share`: the part of the address's request weight that may be spent, 0.01 to 1.
    """

    name: str
    share: float

    def __post_init__(self) -> None:
        _check_name("a lane", self.name)
        try:
            purse.check_share(self.share)
        except ValueError as error:
            raise UsageProblem(f"lane {self.name}: {error}") from None


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the fleet. `settings`: those of SETTINGS that it sets. Raises UsageProblem if one is bad."""

    name: str
    lane: str = LOCAL
    settings: Mapping[str, str] = field(default_factory=lambda: _NO_SETTINGS)

    def __post_init__(self) -> None:
        _check_name("an account", self.name)
        if others := sorted(set(self.settings) - set(SETTINGS)):
            raise UsageProblem(
                f"{_plain(others[0])} of account {self.name} cannot be set for a job, but only "
                f"{', '.join(map(_plain, SETTINGS))}: credentials, hosts, files and the proxy are in {self.name}.env, "
                "or in the environment of the lane's machine"
            )
        if self.settings:
            try:
                _check_settings(frozenset(self.settings.items()))
            except UsageProblem as problem:
                raise UsageProblem(f"account {self.name}: {problem}") from None


@dataclass(frozen=True)
class Fleet:
    """All accounts, and the lanes that they name, by name."""

    lanes: Mapping[str, Lane]
    accounts: Sequence[Account]

    def only(self, names: Sequence[str]) -> "Fleet":
        """The fleet with these accounts only; with all if none is named. Raises UsageProblem for an unknown name."""
        known = {account.name for account in self.accounts}
        if unknown := [name for name in names if name not in known]:
            name = _shown(unknown[0]) or "with an empty name"
            raise UsageProblem(f"--only: ACCOUNTS has no account {name}: correct the name")
        wanted = set(names) or known
        chosen = [account for account in self.accounts if account.name in wanted]
        lanes = {account.lane: self.lanes[account.lane] for account in chosen}
        return Fleet(lanes, chosen)


def is_name(text: str) -> bool:
    """Whether an account or a lane may have this name. A name like a key is refused, because all files show names."""
    return bool(_NAME.fullmatch(text)) and not LIKE_A_KEY.search(text)


def read(path: Path, share: float) -> Fleet:
    """Reads the accounts of a folder of NAME.env files, without opening them, or of a TOML file.

    `share`: the share of each lane that sets none. Raises UsageProblem with one sentence.
    """
    lanes = {LOCAL: Lane(LOCAL, share)}
    try:
        found = list(_in_folder(path) if path.is_dir() else _in_file(path, share, lanes))
    except (OSError, ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, bounded_files.Unreadable) else f"cannot be read ({error})"
        raise UsageProblem(f"ACCOUNTS: {_shown(path.name)} {_shown(why, 300)}: correct it, or name another") from None
    if not found:
        raise UsageProblem(
            f"ACCOUNTS: {_shown(path.name)} has no account: put a file NAME.env for each into a folder, or a "
            "table [accounts.NAME] into a TOML file"
        )
    names: dict[str, str] = {}
    for account in found:
        if (other := names.setdefault(account.name.lower(), account.name)) is not account.name:
            raise UsageProblem(f"accounts {other} and {account.name} differ only in capitals: rename one of them")
        if account.lane not in lanes:
            raise UsageProblem(
                f"account {account.name} is of a lane that ACCOUNTS does not have: add [lanes.{account.lane}], or "
                "correct its name"
            )
    return Fleet(lanes, found)


def _in_folder(folder: Path) -> Iterator[Account]:
    for path in sorted(folder.iterdir()):
        if path.suffix == ".env" and not path.name.startswith("."):
            yield Account(path.stem)


def _in_file(path: Path, share: float, lanes: dict[str, Lane]) -> Iterator[Account]:
    """Yields the accounts of a TOML file; adds its lanes to `lanes`. Raises ValueError, OSError and UsageProblem."""
    document = tomllib.loads(bounded_files.read(path, _LONGEST_FILE).decode("utf-8-sig"))
    if others := sorted(document.keys() - {"lanes", "accounts"}):
        raise UsageProblem(f"ACCOUNTS may hold only [lanes.NAME] and [accounts.NAME]: take {_plain(others[0])} out")
    for name, fields in _tables(document, "lanes"):
        if others := sorted(fields.keys() - {"share"}):
            raise UsageProblem(f"lane {_shown(name)} may set only its share: take {_plain(others[0])} out")
        wanted = fields.get("share", share)
        is_share = type(wanted) in (int, float) and 0 <= wanted <= 1  # float() fails for a huge int
        lanes[name] = Lane(name, float(wanted) if is_share else -1)
    for name, fields in _tables(document, "accounts"):
        lane = fields.pop("lane", LOCAL)
        _check_name("a lane", lane)
        settings = {f"BINANCE_{one.upper()}": _text(name, one, value) for one, value in fields.items()}
        if len(settings) < len(fields):
            raise UsageProblem(f"account {_shown(name)} has a setting in two spellings: keep one of them")
        yield Account(name, lane, settings or _NO_SETTINGS)


def _tables(document: Mapping[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    tables = document.get(kind, {})
    for name, fields in tables.items() if isinstance(tables, dict) else [("", None)]:
        if not isinstance(fields, dict):
            raise UsageProblem(f"ACCOUNTS: write [{kind}.NAME] above the lines of each of the {kind}")
        yield name, fields


def _text(account: str, name: str, value: object) -> str:
    """A value of the TOML file as the text that .env would hold."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str | int):
        return str(value)
    raise UsageProblem(f"account {_shown(account)}: {_plain(name)} must be text")


@lru_cache(maxsize=100)  # many accounts have few different settings; a check takes half a millisecond
def _check_settings(settings: frozenset[tuple[str, str]]) -> None:
    """Raises UsageProblem if a value cannot be used."""
    loading.load(Path(bounded_files.NOWHERE), environ=dict(settings))


def _check_name(what: str, name: object) -> None:
    if not isinstance(name, str) or not is_name(name):
        raise UsageProblem(
            f"{_shown(str(name)) or 'an empty text'} cannot be the name of {what}: take 1 to 64 letters, digits "
            "and . _ - without a dot at the beginning, and no key"
        )


def _shown(text: str, most: int = 64) -> str:
    """A text of the user for a message, in which everything that looks like a key is hidden."""
    return printable(LIKE_A_KEY.sub(HIDDEN, text[:1000]), most)


def _plain(setting: str) -> str:
    """A setting's name as ACCOUNTS spells it. A long name is not shown, because it may be a misplaced secret."""
    name = setting.removeprefix("BINANCE_").lower()
    return name if len(name) <= 24 and name.isidentifier() else "an unknown name"
