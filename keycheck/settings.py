""".env and environment -> Settings. The only reader of `os.environ`; it never writes to it."""

import getpass
import io
import ipaddress
import logging
import os
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from keycheck import credentials, pem
from keycheck.cassettes.label import MAX_RECV_WINDOW
from keycheck.credentials import Credentials
from keycheck.endpoints import DEMO_HOSTS, ENVIRONMENTS, STREAMS
from keycheck.errors import UsageProblem
from keycheck.evidence import System
from keycheck.secrets import Secret

DEFAULT_SYMBOL = "BTCUSDT"
DEFAULT_RECV_WINDOW = 5000  # ms; Binance's own default

# Variables by which CI services name projects, people and machines.
_OF_CI = (
    "CI_",
    "GITHUB_",
    "GITLAB_",
    "BUILD_",
    "JENKINS_",
    "GIT_",
    "NODE_",
    "RUNNER_",
    "TRAVIS_",
    "CIRCLE_",
    "BUILDKITE_",
)
MAX_FILE = 2**18  # bytes
MAX_KEY_FILE = 2**16  # bytes; an RSA key of 16384 bits has some 13,000
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}")
_SECRETS = (credentials.KEY, credentials.SECRET, credentials.PASSPHRASE)

NAMES = (
    credentials.KEY,
    credentials.SECRET,
    credentials.KEY_FILE,
    credentials.PASSPHRASE,
    "BINANCE_ENVIRONMENT",
    "BINANCE_SYMBOL",
    "BINANCE_RECV_WINDOW",
    "BINANCE_FUTURES_URL",
    "BINANCE_WALLET_URL",
    "BINANCE_STREAM_URL",
    "BINANCE_USER_STREAM",
    "BINANCE_PROXY",
    "BINANCE_CA_BUNDLE",
)


@dataclass(frozen=True)
class Settings:
    """Everything a live run is told from outside. URLs have no trailing slash; `recv_window` is in ms.

    `wallet_url` is None where the environment has no wallet API, `stream_url` where nobody says what stream belongs to
    the futures host. `user_stream`: whether one may be opened. `proxy` may hold a password, hence a Secret.
    `credential_files`: those that a credential was read from, each with the name by which it may be told of.
    """

    environment: str = "production"
    symbol: str = DEFAULT_SYMBOL
    recv_window: int = DEFAULT_RECV_WINDOW
    futures_url: str = ENVIRONMENTS["production"][0]
    wallet_url: str | None = ENVIRONMENTS["production"][1]
    stream_url: str | None = STREAMS["production"]
    user_stream: bool = True
    credentials: Credentials = field(default_factory=Credentials)
    proxy: Secret | None = None
    ca_bundle: str | None = None
    credential_files: tuple[tuple[str, Path], ...] = ()


def system() -> System | None:
    """What this machine runs, for the commands of a remedy; None where no command is known for it."""
    known: dict[str, System] = {"linux": "linux", "win32": "windows", "darwin": "macos"}
    return known.get(sys.platform)


def step_summary() -> Path | None:
    """Where a step of GitHub Actions collects what it wants shown on the page of its run."""
    name = os.environ.get("GITHUB_STEP_SUMMARY", "").strip()
    return Path(name) if name else None


def in_the_environment() -> list[str]:
    """The credentials that the process was started with, as they stand there; of a pasted private key its lines."""
    return [part for name in _SECRETS if name in os.environ for part in pem.to_hide(os.environ[name])]


def names_of_this_machine(root: Path) -> dict[str, str]:
    """Host, user and folders as they may stand in a traceback or a JUnit file, and what stands for them when shared."""
    host = platform.node()
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        user = ""
    names = {
        value: "[environment]" for name, value in os.environ.items() if name.startswith(_OF_CI) and len(value) >= 10
    }
    names |= {str(root): "[project]", str(Path.home()): "[home]", sys.prefix: "[python]", sys.base_prefix: "[python]"}
    return {n: s for n, s in names.items() if len(n) > 3} | {
        # Short or everyday names would take words out of sentences.
        name: stand_in
        for name, stand_in in ((host, "[host]"), (user, "[user]"))
        if len(name) > 3 and name not in ("localhost", "root", "user", "admin")
    }


def load(env_file: Path, *, required: bool = False, environ: Mapping[str, str] | None = None) -> Settings:
    """Reads the settings; the process environment wins over the file, and an empty value is an absent one.

    `required`: the file was asked for by name, so it must exist. Raises UsageProblem with one sentence.
    """
    text, remarks = _read(env_file, required=required)
    from_file = _parse(text)
    outside = os.environ if environ is None else environ
    given = {name: outside[name] for name in NAMES if outside.get(name, "").strip()}
    values = {name: given.get(name) or from_file.get(name, "") for name in NAMES}
    remarks += [f"line {number} of {env_file.name} cannot be read" for number in _broken_lines(text)]
    of_file = [name for name in _SECRETS if name not in given and from_file.get(name, "").strip()]
    if not of_file and not _lacks_credentials(values):
        remarks = []  # the file has no part in this
    for name in of_file:
        remarks += _file_remarks(name, text, from_file[name])
    key_file = _key_file(values[credentials.KEY_FILE], env_file.parent)
    files = [("the settings file", env_file)] if of_file else []
    files += [("the private key's file", key_file)] if key_file else []
    return replace(_settings(values, tuple(remarks), key_file), credential_files=tuple(files))


def _read(env_file: Path, *, required: bool) -> tuple[str, list[str]]:
    """The file's text and what was odd about its encoding."""
    name = env_file.name
    try:
        raw = env_file.read_bytes()
    except FileNotFoundError:
        if required:
            raise UsageProblem(f"there is no settings file {name}: check --env-file") from None
        return "", []
    except IsADirectoryError:
        raise UsageProblem(f"{name} is a directory: put the settings into a file of that name") from None
    except OSError:
        raise UsageProblem(f"{name} cannot be read: give yourself permission to read it (chmod u+r {name})") from None
    if len(raw) > MAX_FILE:
        raise UsageProblem(f"{name} is longer than {MAX_FILE >> 10} KiB, which no settings file is: check its name")
    marked = raw.startswith(b"\xef\xbb\xbf")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UsageProblem(
            f"{name} is not UTF-8 text (PowerShell's > writes UTF-16): save it again with encoding UTF-8"
        )
    return text, [f"{name} begins with a byte order mark"] if marked else []


def _parse(text: str) -> dict[str, str]:
    from dotenv import dotenv_values  # noqa: PLC0415  a replay reads no .env

    # It warns of lines that are no settings by number alone; such a line is simply not a setting here.
    logging.getLogger("dotenv.main").setLevel(logging.ERROR)
    return {k: v for k, v in dotenv_values(stream=io.StringIO(text), interpolate=False).items() if v is not None}


def _lacks_credentials(values: Mapping[str, str]) -> bool:
    return not (values[credentials.KEY] and (values[credentials.SECRET] or values[credentials.KEY_FILE]))


def _broken_lines(text: str) -> list[int]:
    """Numbers of the lines that python-dotenv skips, the first ten of them."""
    from dotenv.parser import parse_stream  # noqa: PLC0415  a replay reads no .env

    return [binding.original.line for binding in parse_stream(io.StringIO(text)) if binding.error][:10]


def _file_remarks(name: str, text: str, value: str) -> list[str]:
    """What python-dotenv took off silently, and another program that reads the same line may not."""
    lines = re.findall(rf"(?m)^[ \t]*(?:export[ \t]+)?{name}[ \t]*=([^\n]*)", text)
    if not lines or not value.strip() or pem.looks_like(value) or name == credentials.PASSPHRASE:
        return []  # a private key needs its quotes where it has lines, and a passphrase may have blanks
    raw = lines[-1]
    found = []
    if raw.endswith("\r"):
        found.append("a carriage return")
        raw = raw[:-1]
    if raw != raw.strip():
        found.append("blanks")
    if raw.strip()[:1] in ("'", '"') and not value.startswith(raw.strip()[0]):
        found.append("quotes")
    return [f"the line of {name} has {' and '.join(found)} around the value"] if found else []


def _key_file(raw: str, folder: Path) -> Path | None:
    """Where a private key is. A relative path starts at the folder of the settings file."""
    text = raw.strip()
    try:
        return folder / Path(text).expanduser() if text else None
    except RuntimeError:  # nobody knows whose home that is
        return folder / text


def _text_of_key(path: Path) -> Secret:
    try:
        if not path.is_file():  # nor a pipe, which might never end
            raise UsageProblem(
                f"{credentials.KEY_FILE} names no file: correct the path, which starts at the folder of the settings "
                "file where it is relative"
            )
        with path.open("rb") as file:
            raw = file.read(MAX_KEY_FILE + 1)
    except OSError:
        raise UsageProblem(
            f"the file that {credentials.KEY_FILE} names cannot be read: correct the path, or give yourself permission"
        ) from None
    if len(raw) > MAX_KEY_FILE:
        raise UsageProblem(
            f"the file that {credentials.KEY_FILE} names is longer than {MAX_KEY_FILE >> 10} KiB, which no private key "
            "is: check the path"
        )
    return Secret(raw.decode("utf-8", "replace"))


def _settings(values: Mapping[str, str], remarks: tuple[str, ...], key_file: Path | None) -> Settings:
    environment = values["BINANCE_ENVIRONMENT"].strip() or "production"
    if environment not in ENVIRONMENTS:
        raise UsageProblem(f"BINANCE_ENVIRONMENT must be one of {', '.join(ENVIRONMENTS)}: correct it or leave it out")
    futures, wallet = ENVIRONMENTS[environment]
    futures = _url("BINANCE_FUTURES_URL", values) or futures
    if environment == "demo" and not (futures in DEMO_HOSTS or is_local(futures)):
        # Demo has no wallet API, so withdrawals are not looked at: a real key must not pass by this door.
        raise UsageProblem(
            "BINANCE_FUTURES_URL is not a host of Binance's futures test network, and BINANCE_ENVIRONMENT is demo: "
            "leave one of them out"
        )
    stream = None if values["BINANCE_FUTURES_URL"].strip() else STREAMS[environment]
    stream = _url("BINANCE_STREAM_URL", values, "ws") or stream
    read = credentials.read(
        values[credentials.KEY],
        values[credentials.SECRET],
        _text_of_key(key_file) if key_file else None,
        values[credentials.PASSPHRASE],
    )
    return Settings(
        environment=environment,
        symbol=_symbol(values["BINANCE_SYMBOL"]),
        recv_window=_recv_window(values["BINANCE_RECV_WINDOW"]),
        futures_url=futures,
        wallet_url=_url("BINANCE_WALLET_URL", values) or wallet,
        stream_url=stream,
        user_stream=_user_stream(values["BINANCE_USER_STREAM"]),
        credentials=replace(read, remarks=(*remarks, *read.remarks)),
        proxy=_proxy(values["BINANCE_PROXY"], futures, stream),
        ca_bundle=_ca_bundle(values["BINANCE_CA_BUNDLE"]),
    )


def _symbol(raw: str) -> str:
    symbol = raw.strip().upper() or DEFAULT_SYMBOL
    # Contracts are letters and digits (some in Chinese), with _YYMMDD behind a delivery contract.
    if len(symbol) > 40 or not symbol.replace("_", "").isalnum():
        raise UsageProblem("BINANCE_SYMBOL is not a contract's name: write it as Binance does, such as BTCUSDT")
    return symbol


def _user_stream(raw: str) -> bool:
    text = raw.strip() or "on"
    if text not in ("on", "off"):
        raise UsageProblem("BINANCE_USER_STREAM must be on or off: correct it or leave it out")
    return text == "on"


def _recv_window(raw: str) -> int:
    text = raw.strip()
    if not text:
        return DEFAULT_RECV_WINDOW
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MAX_RECV_WINDOW):
        raise UsageProblem(
            f"BINANCE_RECV_WINDOW must be a whole number of milliseconds from 1 to {MAX_RECV_WINDOW}: "
            "correct it or leave it out"
        )
    return int(text)


def _url(name: str, values: Mapping[str, str], scheme: str = "http") -> str | None:
    text = values[name].strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageProblem(f"{name} is not a URL: write {scheme}s://HOST, and nothing behind the host") from None
    host = parts.hostname or ""
    beyond = not text.isprintable() or parts.path.rstrip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if not _HOST.fullmatch(host) or parts.scheme not in (scheme, f"{scheme}s") or beyond or port == 0:
        raise UsageProblem(
            f"{name} must be {scheme}s://HOST or {scheme}s://HOST:PORT, with no user, path or query: correct it"
        )
    if parts.scheme == scheme and not _is_loopback(host):
        raise UsageProblem(
            f"{name} is {scheme} to another machine, where anybody on the way reads the key: use {scheme}s"
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")


def is_local(url: str) -> bool:
    """Whether a URL names this very machine."""
    return _is_loopback(urlsplit(url).hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _proxy(raw: str, futures_url: str, stream_url: str | None) -> Secret | None:
    text = raw.strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageProblem("BINANCE_PROXY must be http://HOST:PORT or https://HOST:PORT: correct it or leave it out")
    if futures_url.startswith("http:") and not is_local(text):
        raise UsageProblem(
            "BINANCE_PROXY is on another machine and BINANCE_FUTURES_URL is http, so the key would travel in clear: "
            "leave one of them out"
        )
    if stream_url and stream_url.startswith("ws:") and not is_local(text):
        raise UsageProblem(
            "BINANCE_PROXY is on another machine and BINANCE_STREAM_URL is ws, so the listen key would travel in "
            "clear: leave one of them out"
        )
    return Secret(text)


def proxy_password(proxy: Secret | None) -> Secret | None:
    """The one part of a proxy's address that is a secret of its own."""
    password = urlsplit(proxy.reveal()).password if proxy else None
    return Secret(unquote(password)) if password else None


def _ca_bundle(raw: str) -> str | None:
    text = raw.strip()
    try:
        usable = not text or Path(text).is_file()
    except (OSError, ValueError):
        usable = False
    if not usable:
        raise UsageProblem("BINANCE_CA_BUNDLE names no file: give the path of a PEM file, or leave it out")
    return text or None
