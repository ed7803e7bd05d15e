"""Tests the keys of many accounts, some at once: python many_accounts.py NAME.env ...

A run costs 15 of the 2400 of request weight that Binance grants an address each minute, so twenty of them are well
within it; for hundreds, wait between them.
"""

import inspect
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

import keycheck

AT_ONCE = 4  # each is a process of its own, of some 60 MB
SETTINGS = set(inspect.signature(keycheck.check).parameters) - {"on_check", "timeout", "cancel"}


def check_all(accounts: Mapping[str, Mapping[str, str]]) -> dict[str, keycheck.Report | ValueError]:
    """`accounts`: by name, what `keycheck.check` takes: {"alice": {"api_key": "...", "api_secret": "..."}}.

    If an account's settings cannot be used, a ValueError takes the place of its report.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(accounts, pool.map(_check, accounts.values()), strict=True))


def _check(settings: Mapping[str, str]) -> keycheck.Report | ValueError:
    try:
        return keycheck.check(**settings)
    except ValueError as error:
        return error


def settings_of(file: Path) -> dict[str, str]:
    """The settings in a file, by the names of `keycheck.check`: BINANCE_API_KEY=... is api_key.

    Raises ValueError if the file cannot be read.
    """
    try:
        text = file.read_text("utf-8-sig")
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}): correct its name, or its permissions") from None
    except UnicodeError:
        raise ValueError("is not UTF-8 text (PowerShell's > writes UTF-16): save it again as UTF-8") from None
    settings = dotenv_values(stream=StringIO(text), interpolate=False)
    named = {
        name.removeprefix("BINANCE_").lower(): value
        for name, value in settings.items()
        if value and name.startswith("BINANCE_")
    }
    if "private_key_passphrase" in named:
        named["passphrase"] = named.pop("private_key_passphrase")
    if "private_key_file" in named:  # which is relative to this file
        named["private_key_file"] = str(file.parent / Path(named["private_key_file"]).expanduser())
    return {name: value for name, value in named.items() if name in SETTINGS}


if __name__ == "__main__":
    if sys.stdout:  # a name may have letters that a redirect on Windows lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    accounts: dict[str, dict[str, str]] = {}
    unreadable: dict[str, keycheck.Report | ValueError] = {}
    for name in sys.argv[1:]:
        try:
            accounts[name] = settings_of(Path(name))
        except ValueError as error:
            unreadable[name] = error
    reports = check_all(accounts) | unreadable
    for name, report in reports.items():
        if isinstance(report, ValueError):
            print(f"{name:<20} {report}")
        else:
            print(f"{name:<20} {report.verdict:<9} {', '.join(cause.cause for cause in report.causes)}")
    verdicts = {report.verdict if isinstance(report, keycheck.Report) else "UNPROVEN" for report in reports.values()}
    sys.exit(1 if "NOT_OK" in verdicts else 0 if verdicts == {"OK"} else 10)  # as keycheck's own
