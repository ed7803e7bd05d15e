"""The variables of this process's environment that other programs get, by name: no credential, no setting.

Apart from loading.py, since a program that starts a run imports this alone.
"""

import os

# On Windows no program starts without the first; the others are what HOME is elsewhere.
_FOR_OTHER_PROGRAMS = ("HOME", "XDG_CONFIG_HOME", "SYSTEMROOT", "PROGRAMDATA", "USERPROFILE", "HOMEDRIVE", "HOMEPATH")
# A run as a child process needs these: to find its libraries, to ask git and the system's clock, and to write.
_FOR_A_RUN = (
    *("PATH", "USER", "LOGNAME", "USERNAME", "TMPDIR", "TEMP", "TMP", "WINDIR", "SYSTEMDRIVE", "LOCALAPPDATA"),
    *("LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
)
# The text of a private key, from a program; a person's settings name its file.
PRIVATE_KEY = "BINANCE_PRIVATE_KEY"


def for_other_programs() -> dict[str, str]:
    """The variables for git and other programs: those that lead to their user's own settings."""
    return {name: os.environ[name] for name in _FOR_OTHER_PROGRAMS if name in os.environ}


def for_a_run() -> dict[str, str]:
    """The variables for a run as a child process."""
    named = {name: os.environ[name] for name in _FOR_A_RUN if name in os.environ}
    return for_other_programs() | named | {"NO_COLOR": "1", "COLUMNS": "100"}
