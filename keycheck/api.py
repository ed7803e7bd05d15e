"""`keycheck.check(...)`: one key, one verdict, from another program."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from keycheck import process
from keycheck.redaction.secret import Secret
from keycheck.settings.child_environment import PRIVATE_KEY

_OTHER_NAMES = {"private_key": PRIVATE_KEY, "passphrase": "BINANCE_PRIVATE_KEY_PASSPHRASE"}
_NO_SETTINGS = ("on_check", "timeout", "cancel", "refused")
_PATHS = ("private_key_file", "ca_bundle")


@dataclass(frozen=True)
class _FromJson:
    """Base class for an entry of a list in verdict.json: the same fields, with their names in snake_case."""

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        camel = {
            one.name: "".join([one.name.partition("_")[0], *map(str.title, one.name.split("_")[1:])])
            for one in fields(cls)
        }
        values = {name: entry[key] for name, key in camel.items()}
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


@dataclass(frozen=True)
class CheckResult(_FromJson):
    """One check: `outcome` is pass, fail, warn, unproven, blocked or not_applicable; `duration_ms` whole ms.

    `title`, `why` and `fix` are the check's own words, `detail` is what was observed this time.
    """

    id: str
    step: int
    severity: str
    outcome: str
    title: str
    why: str
    detail: str
    fix: str
    blocked_by: str | None
    duration_ms: int


@dataclass(frozen=True)
class Cause(_FromJson):
    """Why a verdict is not OK: `cause` is its fixed name, `confidence` certain, likely or possible."""

    cause: str
    confidence: str
    explanation: str
    evidence: tuple[str, ...]
    fix: str


@dataclass(frozen=True)
class Report:
    """The result of a run. `verdict`: OK, NOT_OK or UNPROVEN; `ok`: true only if the verdict is OK.

    `causes`: why the verdict is not OK, the likeliest first; `checks`: in run order. `data`: verdict.json, as a dict.
    `page`: report.html, and `summary`: a text for a ticket; both are "" if the run was cut short. Nothing here holds a
    secret, and only the last four characters of the key are shown.
    """

    ok: bool
    verdict: str
    causes: tuple[Cause, ...]
    checks: tuple[CheckResult, ...] = field(repr=False)
    data: Mapping[str, Any] = field(repr=False, compare=False)
    page: str = field(repr=False, default="")
    summary: str = field(repr=False, default="")


def check(  # noqa: PLR0913  one for each setting
    *,
    api_key: str | None = None,
    api_secret: str | None = None,
    private_key: str | None = None,
    private_key_file: str | Path | None = None,
    passphrase: str | None = None,
    environment: str | None = None,
    symbol: str | None = None,
    recv_window: int | None = None,
    futures_url: str | None = None,
    wallet_url: str | None = None,
    allow_other_hosts: bool | None = None,
    stream_url: str | None = None,
    user_stream: bool | None = None,
    expect: str | None = None,
    proxy: str | None = None,
    ca_bundle: str | Path | None = None,
    on_check: Callable[[CheckResult], None] | None = None,
    timeout: float = process.SECONDS,
    cancel: process.Event | None = None,
) -> Report:
    """Tests one key, from this machine, and says whether it is fit to trade USD-M futures.

    `private_key`: the PEM text of an Ed25519 or RSA key, instead of `api_secret`; `passphrase`: its passphrase. Each
    other setting has the name of a setting in .env, without BINANCE_. Neither a .env nor this process's environment is
    read. `on_check` is called in this thread with each finding, as soon as its check has ended. `timeout`: in seconds.
    A run that is cut off by it, or by `cancel` (such as a threading.Event), is UNPROVEN.

    The run is a process of its own, so several threads may call this function at once. It blocks: in a coroutine, write
    `await asyncio.to_thread(keycheck.check, ...)`. Raises ValueError if the settings cannot be used.
    """
    refused = ""
    try:
        settings = _settings(locals())
    except ValueError as error:
        refused = str(error)
    # Services that collect errors store the variables of each frame of a traceback, so no secret may stay in them. It
    # may have been given as another setting, which is refused.
    del api_key, api_secret, private_key, private_key_file, passphrase, proxy, ca_bundle
    del environment, symbol, expect, futures_url, wallet_url, stream_url
    if refused:
        raise ValueError(refused)
    if on_check is not None and not callable(on_check):
        raise ValueError("on_check must be a function")
    heard = None if on_check is None else lambda entry: on_check(CheckResult.of(entry))
    finished = process.run(settings, on_check=heard, timeout=timeout, cancel=cancel)
    return report_of(finished)


def report_of(finished: process.Finished) -> Report:
    """The results of a finished run as typed values."""
    data = finished.verdict
    return Report(
        ok=data["ok"] is True,
        verdict=data["verdict"],
        causes=tuple(map(Cause.of, data["diagnosis"])),
        checks=tuple(map(CheckResult.of, data["checks"])),
        data=data,
        page=finished.page,
        summary=finished.summary,
    )


def _settings(given: Mapping[str, Any]) -> Secret:
    """The parameters of `check` as JSON, by the names of the settings."""
    if given["private_key"] and given["private_key_file"]:
        raise ValueError("private_key and private_key_file are both given: leave one of them out")
    named = {name: value for name, value in given.items() if name not in _NO_SETTINGS and value is not None}
    return Secret(json.dumps({_name(name): _text(name, value) for name, value in named.items()}))


def _name(parameter: str) -> str:
    return _OTHER_NAMES.get(parameter, f"BINANCE_{parameter.upper()}")


def _text(name: str, value: object) -> str:
    """A value as the text that .env would hold. A relative path starts at this process's working directory."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if name in _PATHS and isinstance(value, str | Path):
        text = str(value).strip()
        try:
            return text if not text or text.startswith("~") else str(Path(text).absolute())
        except OSError:
            raise ValueError(f"{name} is relative, but the working directory is gone: give its whole path") from None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value
    raise ValueError(f"{name} must be text, but is {type(value).__name__}")
