"""One cell: a copy of the repository's files for a run, an exchange, a process, and all its output."""

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.exchange import LocalExchange
from tests.leaks.canaries import CI_VALUE, HOST_NAME, UNKNOWABLE, USER_NAME, planted
from tests.leaks.cells import Cell, Leak, Mutation
from tests.leaks.kind import Kind
from tests.leaks.modes import Mode
from tests.leaks.scanner import Canary, Scanner
from tests.malformed import MalformedHeaders
from tests.running import ROOT

LONGEST = 180  # seconds; one cell prints everything in every way at once
SHARED = ("report.html", "verdict.json", "junit.xml", "page.html", "recorded.yaml")
_ADDRESS = "address"
_stamps = itertools.count(1_600_000_000)
# Gives the machine a name that the scanner can find; Python runs this before it imports keycheck and pytest.
_SITE = f"""
import os, socket, platform
uname = os.uname()
os.uname = lambda: os.uname_result((uname.sysname, {HOST_NAME!r}, *uname[2:]))
socket.gethostname = platform.node = lambda: {HOST_NAME!r}
"""


class Bench:
    """A folder in which cells are run one by one. Its path holds the user's name, as real paths do."""

    def __init__(self, folder: Path) -> None:
        self._home = folder / USER_NAME
        self._root = self._home / "copy"
        self._site = folder / "site"
        (self._root / "suite").mkdir(parents=True)
        self._site.mkdir()
        (self._root / "keycheck").symlink_to(ROOT / "keycheck")
        for file in [ROOT / "pytest.toml", *(ROOT / "suite").glob("test_*.py")]:
            shutil.copy2(file, self._root / file.relative_to(ROOT))
        shutil.copy2(ROOT / "tests/leaks/careless.py", self._site)
        (self._site / "sitecustomize.py").write_text(_SITE, encoding="utf-8")
        (self._root / "cassettes").mkdir()
        whole = (ROOT / "cassettes/healthy.yaml").read_text(encoding="utf-8")
        (self._root / "cassettes/short.yaml").write_text(_shortened(whole), encoding="utf-8")

    def run(self, kind: Kind, mode: Mode, mutation: Mutation | None = None) -> Cell:
        """Runs one cell, and searches everything that it left."""
        out = self._prepare(kind, mutation or Mutation())
        with _exchange(kind) as (exchange, settings, front):
            command = [sys.executable, "-m", "pytest", "suite/", "-p", "pytest_timeout", *mode.arguments(out)]
            command += ["--report-dir", str(out), "--env-file", os.devnull, "-o", f"cache_dir={out / 'cache'}"]
            command += [*kind.options, *(mutation.options if mutation else ())]
            done = subprocess.run(  # noqa: S603  our own command
                command,
                cwd=self._root,
                env=self._environment(settings),
                capture_output=True,
                timeout=LONGEST,
                check=False,
            )
            signatures = [received.params.get("signature", "") for received in exchange.log]
            heard = bool(front.answers if front else exchange.log)
            opened = bool(exchange.streams)
        mark = self._home / "mark"
        own = mark.read_text(encoding="ascii").split() if mark.exists() else []
        happened = {"mark": mark.exists(), "exit": done.returncode != 0, "log": heard, "stream": opened}[kind.happens]
        found: list[Leak] = []
        canaries = planted([*signatures, *own])
        if kind.is_careless:
            canaries = [canary for canary in canaries if canary.name not in UNKNOWABLE]
        scanners = _scanners(canaries)
        for name, content in [("stdout", done.stdout), ("stderr", done.stderr), *_files(out)]:
            scanner = scanners["owner"] if name in ("stdout", "stderr") else scanners["file"]
            scanner = scanners["shared"] if name in SHARED else scanner
            found += [Leak(kind.name, mode.name, name, hit) for hit in scanner.scan(content)]
        return Cell(kind.name, mode.name, done.returncode, happened, tuple(found))

    def _prepare(self, kind: Kind, mutation: Mutation) -> Path:
        out = self._home / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        (self._home / "mark").unlink(missing_ok=True)
        plugin = (ROOT / "conftest.py").read_text(encoding="utf-8")
        self._write("conftest.py", f"{plugin}\n{mutation.conftest}")
        self._write("suite/conftest.py", kind.conftest)
        self._write("suite/test_8_careless.py", kind.check)
        return out

    def _write(self, name: str, text: str) -> None:
        path = self._root / name
        if not text:
            path.unlink(missing_ok=True)
            return
        path.write_text(text, encoding="utf-8")
        stamp = next(_stamps)  # a new time for each text, since Python recognises an outdated .pyc by it
        os.utime(path, (stamp, stamp))

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._home),
            "USER": USER_NAME,
            "LOGNAME": USER_NAME,
            "BUILD_URL": CI_VALUE,
            "PYTHONPATH": str(self._site),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONFAULTHANDLER": "1",
            "COLUMNS": "100",
            "LEAK_MARK": str(self._home / "mark"),
            **settings,
        }


@contextlib.contextmanager
def benches(number: int) -> Iterator[list[Bench]]:
    """A number of benches, whose folders are deleted afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield [Bench(Path(folder) / str(i)) for i in range(number)]


@contextlib.contextmanager
def _exchange(kind: Kind) -> Iterator[tuple[LocalExchange, dict[str, str], MalformedHeaders | None]]:
    with contextlib.ExitStack() as stack:
        exchange = stack.enter_context(LocalExchange(kind.scenario))
        settings = kind.settings(exchange)
        front = None
        if kind.malformed:
            front = stack.enter_context(MalformedHeaders(exchange.wallet_url))
            settings["BINANCE_WALLET_URL"] = front.url
        if kind.closed:
            stack.pop_all().close()
        yield exchange, settings, front


def _scanners(canaries: list[Canary]) -> dict[str, Scanner]:
    """Scanners for the owner's terminal, for files, and for all that is passed on."""
    return {
        "owner": Scanner(c for c in canaries if not c.shared_only),
        "file": Scanner(c for c in canaries if not c.shared_only or c.name == _ADDRESS),
        "shared": Scanner(canaries),
    }


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        # A name can hold a secret too.
        yield (
            str(path.relative_to(folder)),
            str(path.relative_to(folder)).encode() + b"\n" + (path.read_bytes() if path.is_file() else b""),
        )


def _shortened(cassette: str) -> str:
    """A cassette in which one answer is missing: its last request was never recorded."""
    return cassette.replace("/fapi/v1/accountConfig", "/fapi/v1/premiumIndex")
