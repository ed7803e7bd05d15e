"""`pytest suite/` as tests/running.py runs it, in a fork of a process that has imported pytest and its like already.

Where it differs from a process of its own, so that a test which is about one of these takes SuiteRunner:

- Third-party modules are imported beforehand, under the environment in which the first such run was started. So what
  they, or the interpreter, read of the environment as they start (PYTHONWARNINGS, PYTHONOPTIMIZE, PYTHONHASHSEED,
  sitecustomize) is that of the tests; os.environ itself is built anew for each run. So are the modules of keycheck that
  read nothing as they are imported; its plugins and suite/ are imported by each run itself.
- stdout and stderr are files and no pipes, stdin is empty, and there is no terminal to ask about.
- It ends without the interpreter's own shutdown: daemon threads die, but no finalizer of a module is called.

It is the fork server of multiprocessing, which has no threads, since the tests have some: the local exchange.
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
)
OURS = ("suite", "tests", "conftest", "__mp_main__")


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


class ForkedRunner(SuiteRunner):
    """Like SuiteRunner, in half of its time. One run at a time in one folder."""

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
    """In the child: sets up what `python -m pytest` would have, runs it, and leaves its exit status in a file."""
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
    gc.freeze()  # pytest collects garbage as it ends, and would look through all that was imported beforehand
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
