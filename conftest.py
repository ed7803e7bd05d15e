"""Names the plugins of a run, unless this Python, pytest or environment cannot run them: then one sentence says so.

Every Python since 2.7 must be able to read this file: a pytest older than 9 does not know pytest.toml, and begins here.
"""

import sys

import pytest

pytest_plugins = ["keycheck.withdrawal", "keycheck.plugin"]

trouble = ""
if sys.version_info < (3, 11):  # noqa: UP036  the reason for this file's care
    trouble = "this is Python " + sys.version.split()[0]
elif [int(part) for part in pytest.__version__.split(".")[:2]] < [9, 2]:
    trouble = "this is pytest " + pytest.__version__
else:
    from importlib.util import find_spec

    needed = ("requests", "vcr", "websockets", "dotenv", "jinja2", "pytest_timeout")
    absent = [name for name in needed if find_spec(name) is None]
    trouble = "this environment lacks " + ", ".join(absent) if absent else ""

if trouble:
    program = r".venv\Scripts\pytest" if sys.platform == "win32" else ".venv/bin/pytest"
    sys.stderr.write("Keycheck needs Python 3.11 or later and its own packages, and " + trouble)
    sys.stderr.write(": run " + program + " suite/ (the first command of README.md makes .venv)\n")
    sys.exit(4)  # wrong use, as pytest itself ends; an exception would come with a traceback
