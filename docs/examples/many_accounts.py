"""Tests the keys of many accounts, some at once: python many_accounts.py NAME.env ...

A run costs 15 of the 2400 of request weight that Binance grants an address each minute, so twenty of them are well
within it; for hundreds, wait between them.
"""

import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dotenv import dotenv_values

import keycheck

AT_ONCE = 4  # each is a process of its own, of some 60 MB


def check_all(accounts: Mapping[str, Mapping[str, str]]) -> dict[str, keycheck.Report]:
    """`accounts`: by name, what `keycheck.check` takes: {"alice": {"api_key": "...", "api_secret": "..."}}."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {name: pool.submit(keycheck.check, **credentials) for name, credentials in accounts.items()}
        return {name: run.result() for name, run in runs.items()}


def credentials_of(file: Path) -> dict[str, str]:
    """BINANCE_API_KEY=... of a settings file is api_key."""
    settings = dotenv_values(file, interpolate=False)
    return {name.removeprefix("BINANCE_").lower(): value for name, value in settings.items() if value}


if __name__ == "__main__":
    reports = check_all({Path(name).stem: credentials_of(Path(name)) for name in sys.argv[1:]})
    for name, report in reports.items():
        causes = ", ".join(cause.cause for cause in report.causes)
        print(f"{name:<20} {report.verdict:<9} {causes}")
    sys.exit(0 if all(report.ok for report in reports.values()) else 1)
