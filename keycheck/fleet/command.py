"""The command `keycheck fleet`: reads its options, and runs a fleet from its start to its page."""

import argparse
import contextlib
import itertools
import os
import re
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from keycheck import bounded_files, clock, option_values
from keycheck.errors import UsageProblem
from keycheck.fleet import accounts, changes, merged, results
from keycheck.fleet.accounts import Fleet
from keycheck.fleet.driver import Driver
from keycheck.fleet.engine import Engine
from keycheck.fleet.local import Local
from keycheck.fleet.notify import notify
from keycheck.fleet.out_folder import Done, OutFolder
from keycheck.fleet.progress import Progress
from keycheck.fleet.totals import Ending, verdict_of
from keycheck.network import post
from keycheck.redaction.redactor import HIDDEN, Redactor
from keycheck.settings import loading
from keycheck.verdict.weighing import Verdict

_INTERRUPTED, _INTERNAL_ERROR, _USAGE_ERROR = 2, 3, 4
_LOCAL, _DASK = "local", "dask:"
_JUNIT = re.compile(rb"(<\?xml[^>]*>\s*)?<testsuites?[\s/>]")
_LONGEST_LINE = 2**25  # bytes; pytest writes a whole JUnit file as one line
_LIKE_A_URL = re.compile(r"\S*(//|/\S*/)\S*")  # the URL of --notify may be a secret


def main(arguments: Sequence[str]) -> int:
    """Tests the accounts, and writes the page; returns the exit status."""
    given = _parser().parse_args(arguments)
    try:
        whole = accounts.read(given.accounts, given.share)
        chosen = whole.only(given.only)
        _check_what_comes_last(given)
        with contextlib.closing(OutFolder(given.out)) as out:
            return _run(given, whole, chosen, out)
    except UsageProblem as problem:
        return _refuse(str(problem))
    except KeyboardInterrupt:
        return _say("the fleet was interrupted, and its verdicts are kept: go on with --resume", _INTERRUPTED)
    except Exception as error:  # noqa: BLE001  the interpreter's own exit status, 1, means that a key is not fit
        where = "".join(traceback.format_tb(error.__traceback__))
        return _say(
            f"keycheck has failed ({type(error).__name__}): report this with the lines below, and go on with --resume\n"
            f"{where}",
            _INTERNAL_ERROR,
        )


def _run(given: argparse.Namespace, whole: Fleet, chosen: Fleet, out: OutFolder) -> int:
    """Tests the accounts; returns the exit status. Raises UsageProblem only before the first account is tested."""
    lanes = {account.name: account.lane for account in whole.accounts}
    done = out.done(lanes, chosen) if given.resume else Done()
    left = Fleet(chosen.lanes, [account for account in chosen.accounts if account.name not in done.names])
    engine = _engine(given, left)
    watch = clock.Stopwatch()
    progress = Progress(sys.stderr)
    driver = Driver(
        left, engine, out.keep, sharing=not given.no_sharing, lane_timeout=given.lane_timeout, watch=progress
    )
    driver.counts.update(done.counts)
    try:
        out.open(left.accounts, resume=given.resume)
        if given.junitxml:
            with contextlib.suppress(OSError):  # then writing fails too; the end reports it
                given.junitxml.unlink(missing_ok=True)
        with _stopped_by_signals(driver.stop):
            driver.run()
    except OSError as error:
        return _say(f"no verdict can be kept ({error.strerror}): make room, and go on with --resume", _INTERNAL_ERROR)
    finally:
        progress.end()
        engine.close()
    span = watch.stop()
    weight = {name: one.spent + done.weight[name] for name, one in driver.queues.items()}
    began = min(done.began, span.began)
    if given.resume and not left.accounts:
        kept = f"--resume has kept all verdicts, from {clock.iso(began)} on"
        bounded_files.tell(sys.stderr, f"WARNING: no account was tested: {kept}. To test again, leave it out\n")
    duration = round(span.began + span.took - began)
    ending = Ending(clock.iso(began), duration, weight, lanes.keys(), driver.not_asked)
    return _end(given, out, ending, driver.counts)


def _end(given: argparse.Namespace, out: OutFolder, ending: Ending, counts: Counter[str]) -> int:
    """Writes the page and its data files, posts the changes, and prints the totals; returns the exit status."""
    try:
        out.check()
        changed = merged.write(out.path, ending, since=given.since, junit_file=given.junitxml)
        refused = notify(given.notify, changed, format=given.notify_format) if given.notify else ""
        if not refused:
            changes.remember(out.path, changed, ending.accounts, ending.started_at)
    except (OSError, UsageProblem) as error:
        why = error.strerror if isinstance(error, OSError) else error
        return _say(f"the page could not be written ({why}): make room, and write it with --resume", _INTERNAL_ERROR)
    if refused:
        bounded_files.tell(sys.stderr, f"WARNING: {refused}\n")
    verdicts = ", ".join(f"{counts[one.value]} {one.value}" for one in Verdict)
    asked = sum(counts.values())
    bounded_files.tell(
        sys.stdout, f"{asked} account{'s' * (asked != 1)}: {verdicts}. The page is {out.path / 'index.html'}\n"
    )
    if ending.not_asked:
        bounded_files.tell(sys.stderr, f"{len(ending.not_asked)} accounts were not asked: go on with --resume\n")
    return verdict_of(counts, ending).exit_status


def _check_what_comes_last(given: argparse.Namespace) -> None:
    """Raises UsageProblem now for an option that would otherwise fail only at the end."""
    if given.notify is not None and (why := post.refusal(given.notify)):
        raise UsageProblem(f"--notify {why}")
    if given.since and given.since.absolute() != (given.out / results.VERDICTS_FILE).absolute():
        try:
            changes.earlier(given.since)
        except UsageProblem as problem:
            raise UsageProblem(f"--since: {problem}") from None
    if given.junitxml:
        with contextlib.suppress(OSError, RuntimeError):  # then writing fails too; the end reports it
            _refuse_other_files(given.junitxml, given.out)


def _refuse_other_files(junit_file: Path, out: Path) -> None:
    """Raises UsageProblem if the JUnit file would replace another file, such as an account's settings."""
    if junit_file.parent.resolve() == out.resolve() and junit_file.suffix != ".xml":
        raise UsageProblem("--junitxml must end in .xml in the folder of --out, whose other files are the fleet's own")
    if not os.path.lexists(junit_file):
        return
    if junit_file.is_symlink() or not junit_file.is_file():  # a link may be /dev/stdout, and the fleet runs as root
        raise UsageProblem("--junitxml must name a file: this name is taken by something else")
    if not _is_junit(junit_file):
        raise UsageProblem("--junitxml would replace a file that is not a JUnit file: name another")


def _is_junit(path: Path) -> bool:
    """Whether a file is empty or begins like a JUnit file."""
    try:
        written = (line for line in bounded_files.lines(path, _LONGEST_LINE) if line.strip())
        beginning = b"".join(itertools.islice(written, 2))
    except bounded_files.Unreadable:
        return False
    return not beginning or _JUNIT.match(beginning) is not None


def _engine(given: argparse.Namespace, fleet: Fleet) -> Engine:
    """The engine that --engine names. Raises UsageProblem if it cannot be used."""
    if given.engine.startswith(_DASK):
        if given.keys:
            raise UsageProblem("--keys is for --engine local: KEYCHECK_KEYS names the folder on each lane's machine")
        return _dask(given.engine.removeprefix(_DASK), given.lane_timeout)
    if given.engine != _LOCAL:
        raise UsageProblem("--engine must be local, or dask:tls://HOST:PORT")
    keys = given.keys or (given.accounts if given.accounts.is_dir() else loading.keys_folder())
    is_folder = False
    with contextlib.suppress(OSError):  # this user may not read a folder above it
        is_folder = keys.is_dir()
    if not is_folder:
        raise UsageProblem("--keys is not a folder: name the folder of the accounts' NAME.env files")
    return Local(fleet, keys)


def _dask(address: str, timeout: float) -> Engine:
    """The engine on Dask. Raises UsageProblem if its libraries are missing, or the address cannot be used."""
    try:
        from keycheck.fleet.dask import Dask  # noqa: PLC0415  its libraries come with an extra
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "keycheck":
            raise
        raise UsageProblem('--engine dask needs its extra. In the folder of Keycheck: pip install ".[dask]"') from None
    return Dask(address, timeout)


@contextlib.contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Within this block, a first Ctrl-C or SIGTERM calls `stop`; a second one has its usual effect."""
    usual = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for one, handler in usual.items():
            signal.signal(one, handler)

    def handle(_: int, __: FrameType | None) -> None:
        restore()
        stop()

    for one in usual:
        signal.signal(one, handle)
    try:
        yield
    finally:
        restore()


def _refuse(sentence: str) -> int:
    return _say(sentence, _USAGE_ERROR)


def _say(sentence: str, status: int) -> int:
    bounded_files.tell(sys.stderr, f"ERROR: {sentence}\n")
    return status


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        shown = Redactor().clean(_LIKE_A_URL.sub(HIDDEN, message))
        sys.exit(_refuse(f"{shown}: see keycheck fleet --help"))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "keycheck fleet",
        allow_abbrev=False,
        description="Tests the keys of many accounts, each from its own address, and writes one page.",
        epilog="Exit status: 0 if all are OK, 1 if one is NOT_OK, otherwise 10; 4 for an option that cannot be used.",
    )
    parser.add_argument(
        "accounts", type=option_values.path, metavar="ACCOUNTS", help="a folder of NAME.env files, or a TOML file"
    )
    parser.add_argument("--engine", default=_LOCAL, help="local or dask:ADDRESS (default: %(default)s)")
    parser.add_argument(
        "--keys", type=option_values.path, metavar="DIR", help="the folder of NAME.env files on this machine"
    )
    parser.add_argument(
        "--share", default=0.5, type=float, help="part of each address's request weight to spend (default: %(default)s)"
    )
    parser.add_argument(
        "--out", default=Path("fleet"), type=option_values.path, metavar="DIR", help="(default: %(default)s/)"
    )
    parser.add_argument(
        "--only", default=[], nargs="+", action="extend", metavar="NAME", help="test only these accounts"
    )
    parser.add_argument("--resume", action="store_true", help="keep the verdicts in DIR, and test the other accounts")
    parser.add_argument(
        "--since", type=option_values.path, metavar="VERDICTS", help="say what changed since this verdicts.jsonl"
    )
    parser.add_argument("--notify", metavar="URL", help="post the changes there; https, or this machine")
    parser.add_argument("--notify-format", default="json", choices=("json", "slack"), help="(default: %(default)s)")
    parser.add_argument(
        "--lane-timeout", default=60.0, type=_seconds, metavar="SECONDS", help="time to wait for a lane (default: 60)"
    )
    parser.add_argument("--no-sharing", action="store_true", help="each run sends all its requests itself")
    parser.add_argument(
        "--junitxml", type=option_values.path, metavar="PATH", help="write a JUnit file; an account is a test case"
    )
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 86_400:
        raise argparse.ArgumentTypeError("a number of seconds above 0, at most a day")
    return seconds
