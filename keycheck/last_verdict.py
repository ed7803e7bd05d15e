"""Removes the last run's reports if a command ends before its run: an old OK must not pass for a new one."""

import argparse
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from keycheck.errors import UsageProblem
from keycheck.report.folder_lock import Hold


def withdraw(arguments: Sequence[str]) -> None:
    """Removes the reports that a run with these arguments would replace, unless another run is using their folder."""
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    options.add_argument("--report-dir", type=os.path.expanduser, nargs="?")
    with contextlib.suppress(argparse.ArgumentError, OSError, UsageProblem):
        given = options.parse_known_args(arguments)[0].report_dir
        hold = Hold(Path.cwd() / (given or "reports"))
        hold.begin()
        hold.release()
