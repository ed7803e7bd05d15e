""".env and environment -> Settings. Only this module and child_environment.py read `os.environ`; neither changes it."""

import contextlib
import getpass
import json
import os
import platform
import sys
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from keycheck import bounded_files
from keycheck.credentials import pasted_text, pem
from keycheck.credentials.pasted_text import Credentials
from keycheck.errors import UsageProblem
from keycheck.exchange.account_setup import MARGIN
from keycheck.exchange.endpoints import DEMO_HOSTS, ENVIRONMENTS, STREAMS, SYMBOL_CONFIG
from keycheck.exchange.evidence import System
from keycheck.exchange.hosts import Exchange, environment_of, exchange_of, is_local, route_of
from keycheck.redaction.secret import Secret
from keycheck.settings import dotenv_file, value_parsers
from keycheck.settings.child_environment import PRIVATE_KEY
from keycheck.settings.sources import sources_of
from keycheck.settings.value_parsers import DEFAULT_RECV_WINDOW, DEFAULT_SYMBOL

# Variables by which CI services name projects, people and machines.
_OF_CI = (
    "CI_",
    "GITHUB_",
    "GITLAB_",
    "BUILD_",
    "JENKINS_",
    "GIT_",
    "NODE_NAME",
    "RUNNER_",
    "TRAVIS_",
    "CIRCLE_",
    "BUILDKITE_",
)
_ALSO_CALLED = {"testnet": "demo"}  # Binance's own name for it until 2025
_NETWORKS = {"production": "production network", "demo": "test network"}
_SECRETS = (pasted_text.KEY, pasted_text.SECRET, pasted_text.PASSPHRASE)

NAMES = (
    pasted_text.KEY,
    pasted_text.SECRET,
    pasted_text.KEY_FILE,
    pasted_text.PASSPHRASE,
    "BINANCE_ENVIRONMENT",
    "BINANCE_SYMBOL",
    "BINANCE_RECV_WINDOW",
    "BINANCE_FUTURES_URL",
    "BINANCE_WALLET_URL",
    value_parsers.ALLOW_OTHERS,
    "BINANCE_STREAM_URL",
    "BINANCE_USER_STREAM",
    "BINANCE_EXPECT",
    "BINANCE_PROXY",
    "BINANCE_CA_BUNDLE",
)


@dataclass(frozen=True)
class Settings:
    """All settings of a live run. URLs have no trailing slash; `recv_window` is in ms.

    `wallet_url` is None if the environment has no wallet API, `stream_url` if the futures host's stream is unknown.
    `user_stream`: whether the user data stream may be opened. `expected`: the words of BINANCE_EXPECT. `proxy` is a
    Secret because it may hold a password. `credential_files`: the files from which a credential was read, each with
    its name for messages.
    """

    environment: str = "production"
    symbol: str = DEFAULT_SYMBOL
    recv_window: int = DEFAULT_RECV_WINDOW
    futures_url: str = ENVIRONMENTS["production"][0]
    wallet_url: str | None = ENVIRONMENTS["production"][1]
    stream_url: str | None = STREAMS["production"]
    user_stream: bool = True
    expected: tuple[str, ...] = ()
    credentials: Credentials = field(default_factory=Credentials)
    proxy: Secret | None = None
    ca_bundle: str | None = None
    credential_files: tuple[tuple[str, Path], ...] = ()

    @property
    def asked(self) -> tuple[str, ...]:
        """The URLs to which a run sends requests."""
        stream = self.stream_url if self.user_stream else None
        return tuple(url for url in (self.futures_url, self.wallet_url, stream) if url)

    @property
    def exchange(self) -> Exchange:
        """Whose hosts these are: Binance's, this machine's, or another's."""
        return exchange_of(self.asked)

    @property
    def source(self) -> tuple[str, ...]:
        """The settings that decide which host answers a public request, through which proxy, and for which contract."""
        proxy = value_parsers.proxy_host(self.proxy) or ""
        return self.environment, self.futures_url, self.symbol, proxy, self.ca_bundle or ""

    @property
    def route(self) -> str:
        """The route of the requests, as `hosts.route_of` names it; "" if Binance is asked directly."""
        return route_of(self.futures_url, self.proxy.reveal() if self.proxy else "")

    @property
    def more_weight(self) -> int:
        """The request weight that these settings add to that of a usual run: for the margin type of the contract."""
        return SYMBOL_CONFIG.weight if set(MARGIN.words) & set(self.expected) else 0

    @property
    def shown(self) -> dict[str, str]:
        """The settings that others may see, in reports or at name servers, by name; of the proxy only its host."""
        values = {
            "BINANCE_SYMBOL": self.symbol,
            "BINANCE_FUTURES_URL": self.futures_url,
            "BINANCE_WALLET_URL": self.wallet_url,
            "BINANCE_STREAM_URL": self.stream_url,
            "BINANCE_PROXY": value_parsers.proxy_host(self.proxy),
        }
        return {name: value for name, value in values.items() if value}


def system() -> System | None:
    """This machine's system, for the commands of a fix; None for a system without known commands."""
    known: dict[str, System] = {"linux": "linux", "win32": "windows", "darwin": "macos"}
    return known.get(sys.platform)


def step_summary() -> Path | None:
    """The file in which a step of GitHub Actions collects text for the page of its run; None elsewhere."""
    name = os.environ.get("GITHUB_STEP_SUMMARY", "").strip()
    return Path(name) if name else None


def purse_folder() -> Path:
    """The usual folder of this machine's purse (`keycheck/purse.py`), by the XDG Base Directory Specification.

    Raises UsageProblem for a user who has neither of its variables, nor a home.
    """
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if runtime.is_absolute() and _is_own(runtime):  # systemd makes it at login, and removes it at the last logout
        return runtime / "keycheck"
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    try:
        return (state if state.is_absolute() else Path.home() / ".local/state") / "keycheck"
    except RuntimeError:
        raise UsageProblem("this user has no home folder: set XDG_STATE_HOME to a folder of the user's own") from None


def _is_own(folder: Path) -> bool:
    """Whether this user owns the folder. After `su`, XDG_RUNTIME_DIR still names the folder of the user before."""
    with contextlib.suppress(OSError):
        return folder.is_dir() and (sys.platform == "win32" or folder.stat().st_uid == os.getuid())
    return False


def keys_folder() -> Path:
    """The folder of the NAME.env files that this machine may use for a fleet (`keycheck/fleet/`): KEYCHECK_KEYS.

    Raises UsageProblem if it is not named.
    """
    name = os.environ.get("KEYCHECK_KEYS", "").strip()
    if not name:
        raise UsageProblem(
            "no folder of keys is named: say with --keys, or in KEYCHECK_KEYS on a lane's machine, where the accounts' "
            "NAME.env files are"
        )
    return bounded_files.expanded(name).absolute()


def job_command() -> str:
    """The command that runs a fleet's jobs on this machine (`keycheck/fleet/job_command.py`): KEYCHECK_JOB, or ""."""
    return os.environ.get("KEYCHECK_JOB", "").strip()


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):  # only on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def program_folders() -> list[Path]:
    """The absolute folders of PATH. Relative and empty entries are left out: they lead to the current directory."""
    folders = map(Path, os.environ.get("PATH", os.defpath).split(os.pathsep))
    return [folder for folder in folders if folder.is_absolute()]


def in_the_environment(handed: Secret | None = None) -> list[str]:
    """The credentials in the environment of this process, unchanged; a pasted private key is split into its lines.

    `handed`: as in `load`.
    """
    outside = _outside(handed)
    return [part for name in (*_SECRETS, PRIVATE_KEY) if name in outside for part in pem.to_hide(outside[name])]


def _outside(handed: Secret | None) -> Mapping[str, str]:
    if handed is None:
        return os.environ
    values: dict[str, str] = json.loads(handed.reveal())
    return values


def names_of_this_machine(*roots: Path, words: Container[str] = ()) -> dict[str, str]:
    """The names of host, user and folders that a traceback may contain, and their replacements in shared reports.

    `words`: those of the claims, in lower case. A CI job may be named after one, such as credentials, which then stays.
    """
    host = platform.node()
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        user = ""
    names = {
        value: "[environment]"
        for name, value in os.environ.items()
        if name.startswith(_OF_CI) and len(value) >= 10 and value not in ENVIRONMENTS and value.lower() not in words
    }
    names |= {str(root): "[project]" for root in roots}
    names |= {sys.prefix: "[python]", sys.base_prefix: "[python]"}
    with contextlib.suppress(RuntimeError):  # such a user may have no home, either
        names |= {str(Path.home()): "[home]"}
    return {n: s for n, s in names.items() if len(n) > 3} | {
        # Short and everyday names stay: replacing them would damage sentences.
        name: stand_in
        for name, stand_in in ((host, "[host]"), (user, "[user]"), (user and f"pytest-of-{user}", "pytest-of-[user]"))
        if len(name) > 3 and name not in ("localhost", "root", "user", "admin")
    }


def load(
    env_file: Path,
    *,
    required: bool = False,
    environ: Mapping[str, str] | None = None,
    handed: Secret | None = None,
) -> Settings:
    """Reads the settings. The process environment overrides the file, and an empty value counts as not given.

    `required`: the user has named the file, so it must exist. `handed`: JSON of settings by name, which a program
    hands over instead of the environment. Raises UsageProblem with one sentence.
    """
    text, remarks = dotenv_file.read(env_file, required=required, owners=None if required else _trusted_users())
    from_file = dotenv_file.parse(text)
    outside = _outside(handed) if environ is None else environ
    given = {name: outside[name] for name in NAMES if outside.get(name, "").strip()}
    values = {name: given.get(name) or from_file.get(name, "") for name in NAMES}
    remarks += [f"line {number} of {env_file.name} cannot be read" for number in dotenv_file.broken_lines(text)]
    of_file = [name for name in _SECRETS if name not in given and from_file.get(name, "").strip()]
    if not of_file and not _lacks_credentials(values):
        remarks = []  # the credentials do not come from the file
    for name in of_file:
        remarks += dotenv_file.remarks_on_line(name, text, from_file[name])
    key_file = dotenv_file.place_of_key(values[pasted_text.KEY_FILE], env_file.parent)
    files = [("the settings file", env_file)] if of_file else []
    files += [("the private key's file", key_file)] if key_file else []
    pem_text = dotenv_file.text_of_key(key_file) if key_file else None
    if handed is not None and outside.get(PRIVATE_KEY, "").strip():
        pem_text = Secret(outside[PRIVATE_KEY])
    read = _settings(values, tuple(remarks), pem_text)
    credentials = replace(
        read.credentials,
        sources=sources_of(env_file, from_file, outside, settings=NAMES, handed=handed is not None, used=values),
    )
    return replace(read, credentials=credentials, credential_files=tuple(files))


def _trusted_users() -> set[int]:
    """The users whose .env is read without being named: this one, root, and the user who became root with sudo."""
    own = os.geteuid() if sys.platform != "win32" else 0  # on Windows, every file seems to be root's
    caller = os.environ.get("SUDO_UID", "") if own == 0 else ""
    return {0, own} | ({int(caller)} if caller.isascii() and caller.isdigit() else set())


def of_a_server(env_file: Path, *, required: bool) -> dict[str, str]:
    """The settings, by name, of runs that this process starts for others. Each run brings its own credentials.

    `required`: as in `load`. Raises UsageProblem with one sentence.
    """
    text, _ = dotenv_file.read(env_file, required=required, owners=None if required else _trusted_users())
    from_file = dotenv_file.parse(text)
    names = [name for name in NAMES if name not in (*_SECRETS, pasted_text.KEY_FILE)]
    values = {name: os.environ.get(name, "").strip() or from_file.get(name, "").strip() for name in names}
    given = {name: value for name, value in values.items() if value}
    if bundle := load(Path(bounded_files.NOWHERE), environ=given).ca_bundle:
        given["BINANCE_CA_BUNDLE"] = bundle
    return given


def _lacks_credentials(values: Mapping[str, str]) -> bool:
    return not (values[pasted_text.KEY] and (values[pasted_text.SECRET] or values[pasted_text.KEY_FILE]))


def _settings(values: Mapping[str, str], remarks: tuple[str, ...], pem_text: Secret | None) -> Settings:
    environment = values["BINANCE_ENVIRONMENT"].strip().lower() or "production"
    environment = _ALSO_CALLED.get(environment, environment)
    if environment not in ENVIRONMENTS:
        raise UsageProblem(f"BINANCE_ENVIRONMENT must be one of {', '.join(ENVIRONMENTS)}: correct it or leave it out")
    value_parsers.switch_of(value_parsers.ALLOW_OTHERS, values, default=False)  # refuses a bad value, URL or not
    futures, wallet = ENVIRONMENTS[environment]
    futures = value_parsers.url_of("BINANCE_FUTURES_URL", values) or futures
    stream = None if values["BINANCE_FUTURES_URL"].strip() else STREAMS[environment]
    stream = value_parsers.url_of("BINANCE_STREAM_URL", values, "ws") or stream
    wallet = value_parsers.url_of("BINANCE_WALLET_URL", values) or wallet
    urls = {"BINANCE_FUTURES_URL": futures, "BINANCE_WALLET_URL": wallet, "BINANCE_STREAM_URL": stream}
    _refuse_the_other_environment(environment, urls)
    read = pasted_text.read(
        values[pasted_text.KEY],
        values[pasted_text.SECRET],
        pem_text,
        values[pasted_text.PASSPHRASE],
    )
    return Settings(
        environment=environment,
        symbol=value_parsers.symbol_of(values["BINANCE_SYMBOL"]),
        recv_window=value_parsers.recv_window_of(values["BINANCE_RECV_WINDOW"]),
        futures_url=futures,
        wallet_url=wallet,
        stream_url=stream,
        user_stream=value_parsers.switch_of("BINANCE_USER_STREAM", values, default=True),
        expected=value_parsers.expected_of(values["BINANCE_EXPECT"]),
        credentials=replace(read, remarks=(*remarks, *read.remarks)),
        proxy=value_parsers.proxy_of(values["BINANCE_PROXY"], urls),
        ca_bundle=value_parsers.ca_bundle_of(values["BINANCE_CA_BUNDLE"]),
    )


def _refuse_the_other_environment(environment: str, urls: Mapping[str, str | None]) -> None:
    """Raises UsageProblem if a host belongs to Binance's other network, which does not know the key.

    The test network has no wallet API, so withdrawals are not checked under `demo`. Its futures API must have one of
    two names, or be on this machine: otherwise `demo` would pass a real key unchecked.
    """
    for name, url in urls.items():
        whose = environment_of(url) if url else None
        if whose is not None and whose != environment:
            raise UsageProblem(
                f"{name} is a host of Binance's {_NETWORKS[whose]}, and BINANCE_ENVIRONMENT is {environment}: leave "
                "one of them out"
            )
        if whose == "demo" and name == "BINANCE_WALLET_URL":
            raise UsageProblem(
                f"{name} is a host of Binance's test network, which has no wallet API: leave it out where "
                "BINANCE_ENVIRONMENT is demo"
            )
    futures = urls["BINANCE_FUTURES_URL"]
    if environment == "demo" and not (futures in DEMO_HOSTS or (futures and is_local(futures))):
        raise UsageProblem(
            "BINANCE_FUTURES_URL is not a host of Binance's futures test network, and BINANCE_ENVIRONMENT is demo: "
            "leave one of them out"
        )
