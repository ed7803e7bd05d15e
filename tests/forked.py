"""Runs `pytest suite/` like tests/running.py, but in a fork of a process that has imported pytest already.

A forked run differs from a new process in three ways. A test about one of them uses SuiteRunner:

- Third-party modules, and the modules of keycheck that read nothing at import, are imported before the fork, in the
  environment of the first such run. So the tests' environment decides what they and the interpreter read at
  their start (PYTHONWARNINGS, PYTHONOPTIMIZE, PYTHONHASHSEED, sitecustomize). os.environ is set again for each run, and
  each run imports keycheck's plugins and suite/ itself.
- stdout and stderr are files instead of pipes, stdin is empty, and there is no terminal.
- The process ends without the interpreter's shutdown: daemon threads die, and no module's finalizers are called.

The process that forks is the fork server of multiprocessing, because it has no threads. The tests' own process has
some, such as those of the local exchange, and forking a process with threads is unsafe.
"""

import gc
import io
import multiprocessing
import os
import subprocess
import sys
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from _pytest.config import default_plugins

from tests.running import LONGEST, ROOT, SuiteRunner

# Not pytest_timeout: pytest rewrites its asserts, and would warn that it was imported too early.
PRELOADED = (
    *("requests", "urllib3.http2", "encodings.idna", "jinja2.ext", "dotenv", "vcr", "yaml", "tomllib", "readline"),
    "websockets.client",
    *("asyncio", "concurrent.futures", "decimal", "html", "hmac", "getpass", "packaging.version", "pdb"),
    *("pygments.lexers.python", "pygments.formatters.terminal", "xml.etree.ElementTree"),
    *(f"_pytest.{name}" for name in default_plugins),
    *("keycheck.exchange.session", "keycheck.diagnosis", "keycheck.report.page", "keycheck.report.verdict_json"),
    *("keycheck.redaction.redactor", "keycheck.credentials.signing", "keycheck.network.transport", "tests.forked"),
    *("keycheck.run.run", "keycheck.run.vocabulary", "keycheck.cassettes.player", "keycheck.diagnosis.rules"),
    *("keycheck.report.summary", "keycheck.report.terminal", "keycheck.network.stream", "keycheck.network.websocket"),
)
OURS = ("suite", "tests", "conftest", "__mp_main__")


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


class ForkedRunner(SuiteRunner):
    """Does the same as SuiteRunner in half the time. Only one run at a time may use a folder."""

    def _run(self, arguments: list[str], environment: dict[str, str]) -> tuple[int, str]:
        left = tuple(str(self.folder / f"forked.{name}") for name in ("stdout", "stderr", "status"))
        for path in left:
            Path(path).unlink(missing_ok=True)
        process = _context().Process(
            target=_run_pytest, args=(str(self.root), arguments, environment, left), daemon=True
        )
        process.start()
        process.join(LONGEST)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(["pytest", *arguments], LONGEST)
        process.close()
        out, err, status = map(_text, left)
        if not status:
            raise RuntimeError(f"the run died without an exit status\n{out}{err}")
        return int(status), out + err


def _text(path: str) -> str:
    return Path(path).read_text("utf-8", "replace") if Path(path).exists() else ""


def _run_pytest(root: str, arguments: list[str], environment: dict[str, str], left: tuple[str, ...]) -> None:
    """In the child process: sets it up as `python -m pytest` would, runs pytest, and writes its status to a file."""
    for stream, name in zip((sys.stdout, sys.stderr), left, strict=False):
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, stream.fileno())
        os.close(file)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=stream is sys.stderr)  # as if it had been opened as a file
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(root)
    _forget(root)
    gc.freeze()  # pytest collects garbage when it ends, and would look through all that was imported beforehand
    sys.argv = [pytest.__file__.replace("__init__", "__main__"), *arguments]
    code = int(pytest.main())
    sys.stdout.flush()
    sys.stderr.flush()
    Path(left[2]).write_text(str(code), encoding="ascii")


def _forget(root: str) -> None:
    """Removes the test modules and paths that multiprocessing has inherited."""
    ours = OURS if root == str(ROOT) else (*OURS, "keycheck")
    for name in [name for name in sys.modules if name.partition(".")[0] in ours]:
        del sys.modules[name]
    strangers = {"", str(ROOT), str(Path(sys.executable).parent)}
    sys.path[:] = [root, *(path for path in sys.path if path not in strangers)]
