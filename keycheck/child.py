"""One run as a child process. `keycheck/process.py` starts this file by its path, and is the only one to do so.

    argument  the folder that this process makes for itself; the reports go to reports/ in it
    stdin     one line of JSON, the job, settings and credentials among it; then silence for as long as the caller lives
    stdout    the lines of `plugin/progress.py`, and last `{"exit": STATUS}`

At the end of stdin the caller is gone: this process is then killed with all that it has started, and its folder is
removed. Core dumps are switched off before any credential is read.
"""

import contextlib
import importlib.util
import json
import os
import select
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

_GONE = 70  # exit status after the caller has gone; no process reads it
_LOOK = 0.5  # seconds between two looks at the parent's process id


def main() -> None:
    """Runs the job and ends the process."""
    dump_no_core()
    parent = os.getppid()
    folder = Path(sys.argv[1])
    folder.mkdir(mode=0o700)
    os.chdir(folder)
    stdin, stdout = _take_streams()
    text = _line(stdin)
    if not text:  # the caller went before the job was complete
        _remove(folder)
        sys.exit(_GONE)
    threading.Thread(target=_end_with_caller, args=(stdin, parent, folder), daemon=True).start()
    job = json.loads(text)
    _take_package(job["path"])

    from keycheck import invocation  # noqa: PLC0415  now it is the caller's
    from keycheck.plugin.progress import Progress  # noqa: PLC0415
    from keycheck.redaction.secret import Secret  # noqa: PLC0415

    def tell(line: str) -> None:
        data = f"{line}\n".encode()
        while data:
            data = data[os.write(stdout, data) :]

    arguments = ["--report-dir", str(folder / "reports"), "-p", "no:cacheprovider", *job["arguments"]]
    settings = Secret(json.dumps(job["settings"]))
    status = invocation.run(arguments, folder, Progress(tell), settings=settings)
    tell(json.dumps({"exit": status}))
    os._exit(0)  # the interpreter's own end would take longer than some checks


def dump_no_core() -> None:
    """Switches core dumps off. Linux needs a limit of 1 byte: at 0 it still pipes them to programs, as systemd's."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limits
        import resource  # noqa: PLC0415

        most = 1 if sys.platform == "linux" else 0
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def _take_streams() -> tuple[int, int]:
    """Moves stdin and stdout to numbers that no other program inherits, and opens the null device in their places."""
    taken = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    return taken


def _line(stdin: int) -> bytes:
    """The job; empty if the caller went before it was complete."""
    held = bytearray()
    while not held.endswith(b"\n"):
        chunk = os.read(stdin, 2**16)
        if not chunk:
            return b""
        held += chunk
    return bytes(held)


def _end_with_caller(stdin: int, parent: int, folder: Path) -> None:
    """Waits for the end of stdin, or for another parent: another child of the caller may hold stdin open by chance."""
    if sys.platform == "win32":  # whose select knows sockets alone
        with contextlib.suppress(OSError):
            os.read(stdin, 1)
        _remove(folder)
        os._exit(_GONE)
    while not select.select([stdin], [], [], _LOOK)[0] and os.getppid() == parent:
        pass
    run, group = os.getpid(), os.getpgrp()
    if os.fork():
        threading.Event().wait()  # until it is killed
    # The forked child, in another session, kills the run first: until then the run may write to the folder.
    os.setsid()
    os.killpg(group, signal.SIGKILL)
    while os.getppid() == run:
        select.select([], [], [], 0.001)
    _remove(folder)
    os._exit(_GONE)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _take_package(path: list[str]) -> None:
    """Imports the caller's own keycheck by its path. Libraries that this Python lacks are found in the caller's folders
    of installed packages. Nothing is imported from the working directory.
    """
    package = Path(__file__).parent
    spec: Any = importlib.util.spec_from_file_location(
        package.name, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[package.name] = module
    spec.loader.exec_module(module)
    sys.path += [folder for folder in path if folder not in sys.path]


if __name__ == "__main__":
    main()
