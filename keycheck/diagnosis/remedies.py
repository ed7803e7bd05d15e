"""The texts of fixes: menu paths, lines of .env, commands. Pure."""

import re

from keycheck.exchange.evidence import System

MENU = "Profile > Account > API Management"
EDIT = f"{MENU} > Edit restrictions"
NEW_KEY = f"make a new key ({MENU} > Create API) and put it into .env as BINANCE_API_KEY and BINANCE_API_SECRET"
AGAIN = "run again"
NOT_THE_KEY = "This says nothing about the key."

_DEMO = "demo.binance.com"
# Menus and hosts of production in a fix's text -> those of the test network.
_ON_DEMO = {
    re.escape(MENU): f"{_DEMO} > API Management",
    r"\bfapi\.binance\.com and api\.binance\.com": "demo-fapi.binance.com",
    r"(?<!-)\bfapi\.binance\.com": "demo-fapi.binance.com",
    r"\b([Ll]og in)\b(?! at | to )": rf"\1 at {_DEMO}",
}

_SET_CLOCK = {
    "linux": "sudo timedatectl set-ntp true",
    "windows": "w32tm /resync (as administrator)",
    "macos": "sudo sntp -sS time.apple.com",
}
_NAMES = {"linux": "Linux", "windows": "Windows", "macos": "macOS"}
_LOOK_UP = {
    "linux": "getent hosts fapi.binance.com",
    "windows": "nslookup fapi.binance.com",
    "macos": "dscacheutil -q host -a name fapi.binance.com",
}


def on(environment: str, fix: str) -> str:
    """A fix's text, written for production, with this environment's menus and hosts."""
    for pattern, text in _ON_DEMO.items() if environment == "demo" else ():
        fix = re.sub(pattern, text, fix)
    return fix


def set_the_clock(system: System | None) -> str:
    """The fix for a wrong clock: the system's own command that synchronises it."""
    if system:
        return (
            f"let the system set its clock: {_SET_CLOCK[system]}. In a container or virtual machine, do it on the host"
        )
    commands = "; ".join(f"{_NAMES[name]}: {command}" for name, command in _SET_CLOCK.items())
    return f"let the system set its clock. {commands}. In a container or virtual machine, do it on the host"


def new_settings_file(system: System | None) -> str:
    """The command that makes a .env that only its owner can read. It leaves an existing .env as it is."""
    if system == "windows":  # a folder of the user's own is closed to other users
        return "if (!(Test-Path .env)) { copy .env.example .env }"
    return "cp -n .env.example .env && chmod 600 .env"


def look_up(system: System | None) -> str:
    """The command that asks the name server for Binance's address."""
    return _LOOK_UP[system or "linux"]
