"""The command `keycheck`: runs the suite on the key in the working directory's .env.

The command adds three options to those of the suite and of pytest. In a clone it runs the clone's own suite/.
"""

import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keycheck import __version__, bounded_files, last_verdict
from keycheck.caller import objection_to_place
from keycheck.credentials import pem
from keycheck.redaction.secret import LIKE_A_KEY

_USAGE_ERROR, _INTERNAL_ERROR = 4, 3
_HELP = """\
usage: keycheck [OPTIONS]

Is the Binance API key in this folder's .env fit to trade USD-M futures from this machine? Places no order.

  keycheck                            test the key, live; report.html, summary.md and verdict.json go to reports/
  keycheck --env-file ~/keys/bot.env  settings from another file
  keycheck --replay healthy           see a recorded run, offline and without a key
  keycheck --json                     only verdict.json on stdout, all else on stderr
  keycheck --explain account_may_trade    what a check claims, why, and what it sends
  keycheck serve                      a page "Test your API key", and its endpoint; see keycheck serve --help
  keycheck fleet keys/                the keys of many accounts, and one page; see keycheck fleet --help

  --env-file PATH     settings, as lines NAME=VALUE (default: .env); the process environment wins
  --report-dir DIR    where the reports go (default: reports/)
  --replay NAME       offline, from cassettes/NAME.yaml, from a path, or a run that comes with keycheck
  --record NAME       live, and keep a scrubbed cassette as cassettes/NAME.yaml; --force replaces an older one
  --compare VERDICT   what changed since an earlier verdict.json of the same key
  --explain ID        what a check claims and sends, or what a cause means and what to do; runs nothing
  --prom FILE         write the verdict for Prometheus' textfile collector
  --json, --version, --help

Exit status: 0 OK, 1 NOT_OK, 10 UNPROVEN; 2 to 5 are pytest's own, 4 is a setting or an option that cannot be used;
11 a file held a secret and was deleted.
pytest's options work as well, such as -v, -x, -k NAME, -m critical, --lf, --junitxml FILE and --html FILE:
pytest --help has them all. Other pytest plugins that are installed here are loaded only if -p NAME names them.
"""
_KEY = "BINANCE_API_KEY"
_NO_KEY = """\
No key was given. Put these two lines into a file .env here that only you can read (or into --env-file PATH):
BINANCE_API_KEY=...
BINANCE_API_SECRET=...       # for an Ed25519 or RSA key instead: BINANCE_PRIVATE_KEY_FILE=private.pem
"""
_XDIST = re.compile(r"-n\d*|-nauto|-nlogical|--numprocesses(=.*)?|--dist(=.*)?")


def main(arguments: Sequence[str]) -> int:
    """Runs the command with these arguments, and returns its exit status, as README lists them."""
    try:
        return _command(arguments)
    finally:
        _let_go_of_full_streams()


def _command(arguments: Sequence[str]) -> int:
    subcommand = {"fleet": _fleet, "serve": _serve}.get(arguments[0] if arguments else "")
    if subcommand and not _have_key(arguments):
        return subcommand(arguments[1:])
    if {"-h", "--help"} & set(arguments):
        return _show(_HELP)
    if {"-V", "--version"} & set(arguments):
        return _show(f"keycheck {__version__}\n")
    if refusal := _refusal(arguments):
        if not subcommand:
            last_verdict.withdraw(arguments)
        return _refuse(refusal)
    _leave_the_working_directory_out()
    _open_if_closed("stderr", 2)
    to_json = "--json" in arguments
    stdout = _stdout_for_json() if to_json else None
    _open_if_closed("stdout", 1)
    left = _Left((lambda text: _write(stdout, text, 0)) if to_json else None)
    status = _run([one for one in arguments if one != "--json"], left)
    if left.has_no_key:
        bounded_files.tell(sys.stderr, _NO_KEY)
    return _write(stdout, left.text, status) if to_json else status


def _show(text: str) -> int:
    bounded_files.tell(sys.stdout, text)
    return 0


def _refuse(sentence: str) -> int:
    bounded_files.tell(sys.stderr, f"ERROR: {sentence}\n")
    return _USAGE_ERROR


def _let_go_of_full_streams() -> None:
    """Replaces streams that take no more data with the null device: otherwise the interpreter would exit with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (ValueError, AttributeError):  # closed, or None
            pass
        except OSError:
            bounded_files.lead_nowhere(stream.fileno())


def _have_key(arguments: Sequence[str]) -> bool:
    """Whether an argument looks like a key. A fleet's URLs are not searched: that of --notify may hold such a text."""
    texts = [one for one in arguments if "://" not in one] if arguments[:1] == ["fleet"] else arguments
    return any(LIKE_A_KEY.search(one) or pem.looks_like(one) or pem.BARE_ED25519 in one for one in texts)


def _refusal(arguments: Sequence[str]) -> str:
    """Why the command refuses these arguments, in one sentence; "" if it leaves them to pytest."""
    if _have_key(arguments):
        return (
            "an argument looks like a key or a secret, and all users of this machine can read command lines: put it "
            "into .env, or rename the file that it names"
        )
    if any(map(_XDIST.fullmatch, arguments)):
        return "-n does not go with keycheck: its checks share one session, one clock and one rate budget. Leave it out"
    for one in arguments:
        if one == "--" or one.startswith("@"):  # pytest would read paths after --, and options in a file @NAME
            return f"keycheck takes only options, and {one} is not one: see keycheck --help"
    return objection_to_place()


def _serve(arguments: Sequence[str]) -> int:
    """Runs `keycheck serve`, whose libraries no other command needs."""
    _leave_the_working_directory_out()
    try:
        from keycheck.serve import command  # noqa: PLC0415  see above
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "keycheck":
            raise
        return _refuse(
            'keycheck serve needs its extra. In the folder of Keycheck: pip install ".[serve]" '
            '(or pipx install --force ".[serve]"); docs/endpoint.md has more'
        )
    return _run_long(command.main, arguments)


def _fleet(arguments: Sequence[str]) -> int:
    """Runs `keycheck fleet`."""
    _leave_the_working_directory_out()
    from keycheck.fleet import command  # noqa: PLC0415  no other command needs it

    _open_if_closed("stderr", 2)
    _open_if_closed("stdout", 1)
    return _run_long(command.main, arguments)


def _run_long(main: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    """Runs a command that starts threads of its own, unless this process's limits are too low for them."""
    from keycheck.process_limits import dump_no_core, shortage  # noqa: PLC0415  --help needs none of it

    dump_no_core()
    objection = shortage()
    return _refuse(objection) if objection else main(arguments)


def _leave_the_working_directory_out() -> None:
    """Removes the working directory from sys.path, unless this package lies there, as in a clone.

    Ends the process if the working directory cannot be used, for example because it was removed.
    """
    try:
        here = Path.cwd()
    except OSError as error:
        sys.exit(_refuse(f"the working directory cannot be used ({error.strerror}): go to another one"))
    if Path(__file__).parents[1] != here:
        sys.path[:] = [folder for folder in sys.path if folder and Path(folder) != here]


def _run(arguments: Sequence[str], left: "_Left") -> int:
    from keycheck import invocation  # noqa: PLC0415  --help needs no pytest
    from keycheck.process_limits import dump_no_core  # noqa: PLC0415

    dump_no_core()
    return invocation.run(arguments, Path.cwd(), left)


class _Left:
    """A pytest plugin that takes the text of this run's verdict.json at its end.

    It does not read the file: another run, or another user, may have replaced it. A run that could not replace the last
    run's verdict has not begun, and has no text. `write`: called with the text if the process must end at once, because
    a check takes too long.
    """

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        self.text = ""
        self._write = write

    def pytest_sessionstart(self, session: Any) -> None:
        from keycheck.plugin.ending import Ending  # noqa: PLC0415  as below

        if self._write is not None:
            Ending.of(session.config).last_acts.append(lambda: self._end_at_once(session.config))

    def _end_at_once(self, config: Any) -> None:
        assert self._write
        self.pytest_unconfigure(config)
        self._write(self.text)

    def pytest_unconfigure(self, config: Any) -> None:
        from keycheck.report.folder_lock import VERDICT_FILE  # noqa: PLC0415  it is imported by now

        suite_run = config.pluginmanager.get_plugin("keycheck-suite")
        if suite_run is not None and suite_run.folder is not None:
            self.text = suite_run.folder.texts.get(VERDICT_FILE, "")

    @property
    def has_no_key(self) -> bool:
        """Whether the run had no API key. If only the secret is missing, the diagnosis says what to add."""
        with contextlib.suppress(ValueError):
            verdict = json.loads(self.text)
            missing = {one["id"]: one["detail"] for one in verdict["checks"] if one["outcome"] == "fail"}
            detail = str(missing.get("credentials_are_present"))
            return verdict["mode"] != "replay" and detail.startswith(_KEY)
        return False


def _open_if_closed(name: str, number: int) -> None:
    """Opens the null device as a stream that is closed: otherwise the next opened file would take its place."""
    with contextlib.suppress(OSError):
        os.fstat(number)
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    if nothing != number:
        os.dup2(nothing, number)
        os.close(nothing)
    _take_for(name, number)


def _stdout_for_json() -> int | None:
    """Redirects stdout to stderr, and returns a new descriptor of the real stdout; None if stdout is closed."""
    stdout = None
    with contextlib.suppress(OSError):
        stdout = os.dup(1)
    os.dup2(2, 1)
    if sys.stdout is None:
        _take_for("stdout", 1)
    return stdout


def _take_for(name: str, number: int) -> None:
    stream = open(number, "w", encoding="utf-8")  # noqa: SIM115  open until the process ends
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)


def _write(stdout: int | None, text: str, status: int) -> int:
    """Writes verdict.json, last of all; returns the exit status, which is 3 if that failed."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    why: str | None = "it is closed"
    try:
        if stdout is not None:
            bounded_files.write_whole(stdout, text.encode())
            return status
    except OSError as error:
        why = error.strerror
    with contextlib.suppress(OSError, ValueError, AttributeError):
        print(f"ERROR: the verdict could not be written to stdout ({why}): redirect it to a file", file=sys.stderr)
    return _INTERNAL_ERROR
