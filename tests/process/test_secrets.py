"""Only the child process gets the credentials, and no traceback of its caller shows them."""

import contextlib
import os
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from keycheck.settings import child_environment
from tests.children import children, linux, wait_until
from tests.exchange import API_KEY, API_SECRET, LocalExchange
from tests.process.checking import SILENT, check


@pytest.fixture
def running(temporary: Path) -> Iterator[Path]:
    """The /proc folder of a child that has read its credentials and waits for an answer."""
    cancel = threading.Event()
    with LocalExchange(SILENT) as exchange, ThreadPoolExecutor() as pool:
        waiting = pool.submit(check, exchange, cancel=cancel)
        try:
            wait_until(lambda: exchange.log)
            (number,) = children(temporary)
            yield Path("/proc", str(number))
        finally:
            cancel.set()
            waiting.result(10)


@linux
def test_a_secret_is_in_no_argument_variable_or_file(running: Path, temporary: Path) -> None:
    """Neither key nor secret is in the running child's arguments, environment or files, not even in part."""
    seen = (running / "cmdline").read_bytes() + (running / "environ").read_bytes()
    seen += b"".join(path.read_bytes() for path in temporary.rglob("*") if path.is_file())
    assert b"keycheck" in seen
    for text in (API_KEY, API_SECRET):
        assert not any(text[at : at + 8].encode() in seen for at in range(len(text) - 8))


@pytest.mark.slow
@linux
def test_a_child_is_given_only_named_variables(running: Path) -> None:
    """A child's environment holds none of the caller's own secrets, and nothing that would steer Python or pytest."""
    names = {entry.partition(b"=")[0].decode() for entry in (running / "environ").read_bytes().split(b"\0") if entry}
    assert "AWS_SECRET_ACCESS_KEY" in os.environ
    assert names == set(child_environment.for_a_run())
    assert not [name for name in names if name.startswith(("AWS", "PYTHON", "PYTEST", "BINANCE"))]


@pytest.mark.slow
@linux
def test_a_child_has_a_session_and_no_descriptor_of_the_callers(running: Path) -> None:
    """A child has descriptors of its streams, its sockets to the exchange and its own files, and none of a listening
    socket of the caller. It dumps no core, and only the user may enter its folder.
    """
    number = int(running.name)
    assert os.getsid(number) == number
    limits = (running / "limits").read_text()
    (core,) = [line.split() for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core[4:6] == ["1", "1"]
    leads_to = [str(entry.readlink()) for entry in (running / "fd").iterdir()]
    mine = {str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.exists()}
    shared = [name for name in leads_to if name in mine and name.startswith(("socket:", "pipe:"))]
    assert len(shared) <= 2  # the other ends of its stdin and its stdout have the same names
    assert (running / "cwd").resolve().stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
def test_no_module_of_the_working_directory_is_imported(exchange: LocalExchange, tmp_path: Path) -> None:
    """No module of the working directory or of the calling script's folder is imported: it would have the secret."""
    for name in ("requests", "pytest", "pluggy", "json", "sitecustomize", "usercustomize", "conftest", "keycheck"):
        (tmp_path / f"{name}.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'taken')!r})\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p conftest\n")
    with contextlib.chdir(tmp_path), pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(tmp_path))
        patched.syspath_prepend(str(tmp_path))
        assert check(exchange).verdict == "OK"
    assert not (tmp_path / "taken").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        {"symbol": "!!"},
        {"api_key": b"bytes"},
        {"timeout": 0},
        {"on_check": 5},
        {"private_key": "-----BEGIN", "private_key_file": "b"},
        {"on_check": lambda one: one.no_such_field},
        {"symbol": API_SECRET[:20]},
        {"environment": API_SECRET},
        {"expect": API_SECRET},
        {"ca_bundle": f"/{API_SECRET}"},
    ],
)
def test_no_variable_of_a_traceback_holds_a_secret(more: dict[str, Any], exchange: LocalExchange) -> None:
    """No variable in our frames of a traceback holds a secret, since error collectors send all variables."""
    with pytest.raises((ValueError, AttributeError)) as raised:
        check(exchange, **({"passphrase": API_SECRET[::-1]} | more))
    assert not shown_by_variables(raised.value)


def shown_by_variables(error: BaseException | None) -> list[str]:
    """The credentials in the variables of keycheck's own frames, in an error and in the errors that caused it."""
    seen = ""
    while error is not None:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        seen += repr([frame.locals for frame in told.stack if "/keycheck/" in frame.filename])
        error = error.__cause__ or error.__context__
    return [text for text in (API_KEY, API_SECRET, API_SECRET[::-1]) if text[:10] in seen]


def test_an_interrupt_while_credentials_are_handed_over_shows_none(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If Ctrl-C interrupts the write of the credentials to the child, no variable in the traceback shows them."""
    write = os.write

    def interrupted(descriptor: int, data: bytes) -> int:
        if b"BINANCE_API_SECRET" in bytes(data):
            raise KeyboardInterrupt
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", interrupted)
    with pytest.raises(KeyboardInterrupt) as raised:
        check(exchange)
    assert not shown_by_variables(raised.value)
