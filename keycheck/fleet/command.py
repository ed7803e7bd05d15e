"""`keycheck fleet`: its options, and one fleet from its beginning to its page."""

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from keycheck.errors import UsageProblem
from keycheck.fleet import accounts
from keycheck.fleet.accounts import Fleet
from keycheck.fleet.driver import Driver
from keycheck.fleet.engine import Engine
from keycheck.fleet.local import Local
from keycheck.fleet.out_folder import OutFolder
from keycheck.fleet.progress import Progress
from keycheck.settings import loading
from keycheck.verdict.weighing import Verdict

_INTERRUPTED, _INTERNAL_ERROR, _USAGE_ERROR = 2, 3, 4
_LOCAL = "local"


def main(arguments: Sequence[str]) -> int:
    """Tests the accounts, and writes the page; returns the exit status."""
    given = _parser().parse_args(arguments)
    try:
        whole = accounts.read(given.accounts, given.share)
        chosen = whole.only(given.only)
        with contextlib.closing(OutFolder(given.out)) as out:
            return _run(given, whole, chosen, out)
    except UsageProblem as problem:
        return _refuse(str(problem))


def _run(given: argparse.Namespace, whole: Fleet, chosen: Fleet, out: OutFolder) -> int:
    """Raises UsageProblem, but not once an account has been asked."""
    lanes = {account.name: account.lane for account in whole.accounts}
    done, earlier = out.done(lanes) if given.resume else (set(), None)
    left = Fleet(chosen.lanes, [account for account in chosen.accounts if account.name not in done])
    engine = _engine(given, left)
    progress = Progress(sys.stderr)
    driver = Driver(
        left, engine, out.keep, sharing=not given.no_sharing, lane_timeout=given.lane_timeout, watch=progress
    )
    driver.counts.update(earlier or {})
    try:
        out.open(left.accounts, resume=given.resume)
        with _stopped_by_signals(driver.stop):
            driver.run()
    except KeyboardInterrupt:
        return _say("no page was written: go on with --resume", _INTERRUPTED)
    except OSError as error:
        return _say(
            f"a verdict could not be kept ({error.strerror}): make room, and go on with --resume", _INTERNAL_ERROR
        )
    finally:
        progress.end()
        engine.close()
    return _end(driver)


def _end(driver: Driver) -> int:
    counts, not_asked = driver.counts, len(driver.not_asked)
    if counts[Verdict.NOT_OK.value]:
        return Verdict.NOT_OK.exit_status
    return (Verdict.UNPROVEN if counts[Verdict.UNPROVEN.value] or not_asked else Verdict.OK).exit_status


def _engine(given: argparse.Namespace, fleet: Fleet) -> Engine:
    """Raises UsageProblem."""
    if given.engine != _LOCAL:
        raise UsageProblem("--engine must be local")
    keys = given.keys or (given.accounts if given.accounts.is_dir() else loading.keys_folder())
    if not keys.is_dir():
        raise UsageProblem("--keys is no folder: name the folder of the accounts' NAME.env files")
    return Local(fleet, keys)


@contextlib.contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """A first Ctrl-C, or SIGTERM, stops the driver; a second one does what it usually does."""
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
    print(f"ERROR: {sentence}", file=sys.stderr)
    return status


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.exit(_refuse(f"{message}: see keycheck fleet --help"))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "keycheck fleet",
        allow_abbrev=False,
        description="Tests the keys of many accounts, each from its own address, and writes one page.",
        epilog="Exit status: 0 where all are OK, 1 where one is NOT_OK, else 10; 4 for an option that cannot be used.",
    )
    parser.add_argument("accounts", type=Path, metavar="ACCOUNTS", help="a folder of NAME.env files, or a TOML file")
    parser.add_argument("--engine", default=_LOCAL, help="local or dask:ADDRESS (default: %(default)s)")
    parser.add_argument("--keys", type=Path, metavar="DIR", help="the folder of NAME.env files on this machine")
    parser.add_argument(
        "--share", default=0.5, type=float, help="of each address's request weight (default: %(default)s)"
    )
    parser.add_argument("--out", default=Path("fleet"), type=Path, metavar="DIR", help="(default: %(default)s/)")
    parser.add_argument("--only", default=[], nargs="+", action="extend", metavar="NAME", help="these accounts alone")
    parser.add_argument("--resume", action="store_true", help="keep the verdicts in DIR, and test the other accounts")
    parser.add_argument("--since", type=Path, metavar="VERDICTS", help="say what changed since this verdicts.jsonl")
    parser.add_argument("--notify", metavar="URL", help="post what changed there; https, or this machine")
    parser.add_argument("--notify-format", default="json", choices=("json", "slack"), help="(default: %(default)s)")
    parser.add_argument(
        "--lane-timeout", default=60.0, type=_seconds, metavar="SECONDS", help="to wait for a lane (default: 60)"
    )
    parser.add_argument("--no-sharing", action="store_true", help="each run asks for public answers itself")
    parser.add_argument("--junitxml", type=Path, metavar="PATH", help="write a JUnit file; an account is a test case")
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 86_400:
        raise argparse.ArgumentTypeError("a number of seconds above 0, at most a day")
    return seconds
