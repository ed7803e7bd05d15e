"""ACCOUNTS -> accounts and their lanes. Neither holds a secret."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from keycheck import bounded_files
from keycheck.errors import UsageProblem
from keycheck.settings import loading

NAME = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,64}")
LOCAL = "local"  # the lane of an account that names none
# The settings of a job. None is a credential, a path, a host or a proxy: these are the lane's machine's own.
SETTINGS = ("BINANCE_ENVIRONMENT", "BINANCE_SYMBOL", "BINANCE_RECV_WINDOW", "BINANCE_USER_STREAM", "BINANCE_EXPECT")


@dataclass(frozen=True, slots=True)
class Lane:
    """An address from which accounts are asked. `share`: of the weight that Binance grants it a minute, 0.01 to 1."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Account:
    """An account by its name. `settings`: some of SETTINGS, by name."""

    name: str
    lane: str = LOCAL
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Fleet:
    """All accounts, and the lanes that they name. `keys`: the folder of NAME.env files on this machine, if named."""

    lanes: Mapping[str, Lane]
    accounts: Sequence[Account]
    keys: Path | None


def check_settings(settings: Mapping[str, str]) -> None:
    """Raises UsageProblem for a setting that no job may have, and for a value that cannot be used."""
    if others := sorted(set(settings) - set(SETTINGS)):
        raise UsageProblem(
            f"{', '.join(others)[:200]} is no setting of a job, which may have {', '.join(SETTINGS)} alone: "
            "credentials, hosts, files and the proxy are in NAME.env, or in the environment of the lane's machine"
        )
    loading.load(Path(bounded_files.NOWHERE), environ=settings)
