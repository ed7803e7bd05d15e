"""The environment variables that other programs get: a list of names, without credentials and settings.

This is a module apart from loading.py, because a program that starts a run imports only this one.
"""

import os

# All but HOME and XDG_CONFIG_HOME belong to Windows: no program starts without SYSTEMROOT, the others are its HOME.
_FOR_OTHER_PROGRAMS = ("HOME", "XDG_CONFIG_HOME", "SYSTEMROOT", "PROGRAMDATA", "USERPROFILE", "HOMEDRIVE", "HOMEPATH")
# A run as a child process needs these to find its libraries, to ask git and the system's clock, and to write files.
_FOR_A_RUN = (
    *("PATH", "USER", "LOGNAME", "USERNAME", "TMPDIR", "TEMP", "TMP", "WINDIR", "SYSTEMDRIVE", "LOCALAPPDATA"),
    *("LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
)
# The text of a private key. Only a program passes it on; a person names the key's file instead, in another setting.
PRIVATE_KEY = "BINANCE_PRIVATE_KEY"


def for_other_programs() -> dict[str, str]:
    """The variables for git and the like: the folders of the user's own settings."""
    return {name: os.environ[name] for name in _FOR_OTHER_PROGRAMS if name in os.environ}


def for_a_run() -> dict[str, str]:
    """The variables for a run that is a child process."""
    named = {name: os.environ[name] for name in _FOR_A_RUN if name in os.environ}
    return for_other_programs() | named | {"NO_COLOR": "1", "COLUMNS": "100"}
