"""The program of the child process: one run. Only `keycheck/child_process.py` starts this file, by its path.

    stdin   two lines of JSON. The first is `{"path": [...]}`, the caller's folders of packages. The second, which may
            come much later, is the job: settings, credentials, and the folder that this process is to make for itself,
            with the reports in reports/. The caller then leaves stdin open until the run has ended
    stdout  the lines of `plugin/progress.py`, and last `{"exit": STATUS}`

If stdin ends earlier, the caller has ended or crashed. Then this process and all programs that it has started are
killed, and its folder is removed. Core dumps are switched off before the credentials are read.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_GONE = 70  # exit status if the caller has ended; nobody reads it
_PATIENCE = 5.0  # seconds for the process that ends this one
_PARENT_CHECK = 0.5  # seconds between two checks of the parent's PID


def main() -> None:
    """Reads the job from stdin, runs it, and ends the process."""
    parent = os.getppid()
    stdin, stdout = _take_streams()
    messages = _messages(stdin, parent)
    _take_package(next(messages)["path"])

    from keycheck import invocation  # noqa: PLC0415  after _take_package: it must be the caller's own keycheck
    from keycheck.caller import objection_to_place  # noqa: PLC0415
    from keycheck.plugin.progress import Progress  # noqa: PLC0415
    from keycheck.process_limits import dump_no_core, shortage  # noqa: PLC0415
    from keycheck.redaction.secret import Secret  # noqa: PLC0415

    dump_no_core()
    invocation.preload()
    job = next(messages)
    folder = Path(job["folder"])
    folder.mkdir(mode=0o700)
    os.chdir(folder)
    lack = shortage()
    threading.Thread(target=_end_with_caller, args=(stdin, parent, folder), daemon=True).start()

    def tell(line: str) -> None:
        data = f"{line}\n".encode()
        while data:
            data = data[os.write(stdout, data) :]

    if objection := objection_to_place() or lack:
        tell(json.dumps({"problem": objection}))
        os._exit(0)
    arguments = ["--report-dir", str(folder / "reports"), "-p", "no:cacheprovider", *job["arguments"]]
    settings = Secret(json.dumps(job["settings"]))
    status = invocation.run(arguments, folder, Progress(tell), settings=settings, shared=job["shared"])
    tell(json.dumps({"exit": status}))
    os._exit(0)  # a regular end of the interpreter takes longer than some checks


def _take_streams() -> tuple[int, int]:
    """Moves stdin and stdout to descriptors that no other program inherits, and puts the null device in their place."""
    moved = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    return moved


def _messages(stdin: int, parent: int) -> Iterator[Any]:
    """Yields the JSON value of each line of stdin. Ends the process if the caller has ended."""
    held = bytearray()
    while True:
        if _is_readable(stdin):
            chunk = os.read(stdin, 2**16)
            held += chunk
        elif os.getppid() == parent:
            continue
        else:
            chunk = b""
        if not chunk:
            sys.exit(_GONE)
        while b"\n" in held:
            line, _, held = held.partition(b"\n")
            yield json.loads(line)


def _is_readable(stdin: int) -> bool:
    """Whether stdin has input or has ended; waits at most _PARENT_CHECK seconds.

    A wait without a limit would not do: stdin stays open if another child of the caller has inherited its pipe.
    """
    return sys.platform == "win32" or bool(select.select([stdin], [], [], _PARENT_CHECK)[0])


def _end_with_caller(stdin: int, parent: int, folder: Path) -> None:
    """Kills the process group when the caller has ended: stdin ends, or the parent's PID changes."""
    if sys.platform == "win32":  # there, select works on sockets only
        with contextlib.suppress(OSError):
            os.read(stdin, 1)
        _remove(folder)
        os._exit(_GONE)
    run, group = os.getpid(), os.getpgrp()
    try:
        while not _is_readable(stdin) and os.getppid() == parent:
            pass
        if os.fork():
            threading.Event().wait(_PATIENCE)  # until the process forked here kills this one
            os.killpg(group, signal.SIGKILL)
    except (MemoryError, OSError):  # no memory for a process, for example: then the folder is left
        os.killpg(group, signal.SIGKILL)
    # The forked process leaves the group and kills it. It removes the folder last: the run may be writing until then.
    os.setsid()
    os.killpg(group, signal.SIGKILL)
    while os.getppid() == run:
        select.select([], [], [], 0.001)
    _remove(folder)
    os._exit(_GONE)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _take_package(path: list[str]) -> None:
    """Imports keycheck from the folder of this file, and appends the caller's folders of packages to sys.path.

    Python searches the appended folders last. Nothing is imported from the working directory.
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
