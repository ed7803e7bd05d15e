"""A path in a setting or an option may name no file, or an endless one: it is refused soon, in one sentence."""

import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from keycheck import bounded_files
from keycheck.bounded_files import Missing, Unreadable
from keycheck.cassettes.player import Player
from keycheck.cassettes.recorder import Recorder
from keycheck.errors import UsageProblem
from keycheck.redaction.redactor import Redactor
from keycheck.report.folder_lock import Hold
from keycheck.report.previous_run import PreviousRun
from keycheck.settings import loading
from tests.cassettes.test_cassettes import HEADER, Unasked
from tests.exchange import LocalExchange
from tests.matrix import mostly_slow
from tests.running import ROOT, SuiteRunner

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither these pipes nor these devices")
SOON = 2.0  # seconds
LONG = 100_000  # bytes, more than a pipe holds


@pytest.fixture(autouse=True)
def short_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the deadlines in this process; a child process keeps the real ones."""
    monkeypatch.setattr(bounded_files, "SECONDS", 0.2)
    monkeypatch.setattr(bounded_files, "WRITER_SECONDS", 0.4)


@pytest.fixture
def long_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lengthens the deadline, for tests in which something is written slowly, and slower still on a busy machine."""
    monkeypatch.setattr(bounded_files, "SECONDS", 60.0)
    monkeypatch.setattr(bounded_files, "WRITER_SECONDS", 60.0)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may have 100 characters
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**31)


# How each kind of path is made, and a pattern that its refusal matches.
KINDS: dict[str, tuple[Callable[[Path], None], str]] = {
    "pipe": (_pipe, r"was not written to its end within 0\.2 s|is a pipe"),
    "zero": (lambda path: path.symlink_to("/dev/zero"), "is a device"),
    "full": (lambda path: path.symlink_to("/dev/full"), "is a device"),
    "random": (lambda path: path.symlink_to("/dev/random"), "is a device"),
    "terminal": (lambda path: path.symlink_to("/dev/tty"), "is a device"),
    "directory": (Path.mkdir, "is a directory|is not there"),  # --compare also takes the folder of a verdict.json
    "socket": (_socket, "is a socket"),
    "2 GiB": (_huge, "is longer than (64|256) KiB|is longer than [14] MiB"),
    "loop of links": (lambda path: path.symlink_to(path.name), r"cannot be read \(Too many levels of symbolic links\)"),
}

# How a path is used, and the setting or option that the refusal names.
WAYS: dict[str, tuple[Callable[[Path], object], str]] = {
    "settings": (lambda path: loading.load(path, required=True, environ={}), "--env-file"),
    "private key": (
        lambda path: loading.load(Path("absent"), environ={"BINANCE_PRIVATE_KEY_FILE": str(path)}),
        "BINANCE_PRIVATE_KEY_FILE",
    ),
    "CA file": (
        lambda path: loading.load(Path("absent"), environ={"BINANCE_CA_BUNDLE": str(path)}),
        "BINANCE_CA_BUNDLE",
    ),
    "cassette": (Player, "--replay"),
    "older cassette": (lambda path: Recorder(path, HEADER, Redactor(), Unasked()), "--record"),
    "earlier verdict": (lambda path: PreviousRun(path, Hold(path.parent)), "--compare"),
}


def refusal(ask: Callable[[Path], object], path: Path) -> str:
    """The sentence of a refusal, which comes soon and names no folder."""
    began = time.perf_counter()
    with pytest.raises(UsageProblem) as caught:
        ask(path)
    assert time.perf_counter() - began < SOON
    assert str(path.parent) not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_a_path_that_is_not_a_file_is_refused_in_a_sentence(way: str, kind: str, tmp_path: Path) -> None:
    """A path that is not a file is refused in one sentence, which names the setting or the option."""
    make, said = KINDS[kind]
    ask, named = WAYS[way]
    path = tmp_path / "x.yaml"
    make(path)
    sentence = refusal(ask, path)
    assert re.search(said, sentence)
    assert named in sentence


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x" * 300 + ".yaml", "File name too long"),
        ("a\0b.yaml", "no file can have"),
        ("\ud800.yaml", "no file can have"),
    ],
    ids=["too long", "NUL", "half a character"],
)
@pytest.mark.parametrize("way", WAYS)
def test_an_impossible_name_is_refused_in_a_sentence(way: str, name: str, said: str, tmp_path: Path) -> None:
    """The refusal shows nothing of an impossible name, or only a few characters."""
    ask, named = WAYS[way]
    sentence = refusal(ask, tmp_path / name)
    assert said in sentence
    assert named in sentence
    assert len(sentence) < 300
    assert sentence.isprintable()


@pytest.mark.parametrize("way", WAYS)
def test_a_refusal_of_the_file_system_is_one_sentence(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal of the file system is one sentence. It is simulated, since root may read any file."""

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    ask, named = WAYS[way]
    (tmp_path / "x.yaml").touch()
    monkeypatch.setattr(os, "open", refuse)
    sentence = refusal(ask, tmp_path / "x.yaml")
    assert "cannot be read (Permission denied)" in sentence
    assert named in sentence


# -- reading --


@contextmanager
def opened_pipe() -> Iterator[tuple[Path, int]]:
    """The name of a pipe's end to read from, as a shell's <(...) gives it, and its end to write to."""
    reading, writing = os.pipe()
    try:
        yield Path(f"/dev/fd/{reading}"), writing
    finally:
        os.close(reading)


@contextmanager
def writing(steps: Callable[[], None]) -> Iterator[None]:
    """Writes in another thread."""
    thread = threading.Thread(target=steps)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@pytest.mark.parametrize("size", [0, 1, 9, 10])
def test_a_file_is_read_whole(size: int, tmp_path: Path) -> None:
    """A file is read whole, up to the limit and at the limit itself."""
    (tmp_path / "a").write_bytes(b"x" * size)
    assert bounded_files.read(tmp_path / "a", 10) == b"x" * size


def test_a_byte_more_is_too_long(tmp_path: Path) -> None:
    """A text is refused if it is a single byte longer than the limit."""
    (tmp_path / "a").write_bytes(b"x" * 1025)
    with pytest.raises(Unreadable, match="is longer than 1 KiB"):
        bounded_files.read(tmp_path / "a", 1024)


def test_a_missing_file_has_its_own_exception(tmp_path: Path) -> None:
    """A missing file has an exception of its own, since a file may be optional."""
    with pytest.raises(Missing):
        bounded_files.read(tmp_path / "a", 10)


def test_the_null_device_is_an_empty_file() -> None:
    """The null device reads as an empty file."""
    assert bounded_files.read(Path(os.devnull), 10) == b""


@pytest.mark.usefixtures("long_deadline")
@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_a_pipe_is_read_to_its_end(pause: float) -> None:
    """A pipe is read to its end, even if its writer begins late and writes in pieces."""
    with opened_pipe() as (path, end):

        def slowly() -> None:
            with os.fdopen(end, "wb", buffering=0) as file:
                for _ in range(2):
                    time.sleep(pause)
                    file.write(b"x" * LONG)

        with writing(slowly):
            assert bounded_files.read(path, 2 * LONG) == b"x" * 2 * LONG


def test_a_text_is_read_from_a_pipe_whose_writer_has_ended() -> None:
    """A short text is written before anything reads, and is still read."""
    with opened_pipe() as (path, end):
        os.write(end, b"text")
        os.close(end)
        assert bounded_files.read(path, 10) == b"text"


@pytest.mark.usefixtures("long_deadline")
def test_another_reader_finds_what_a_pipe_holds_and_never_waits() -> None:
    """A file is named itself; of a pipe, the whole text waits in another pipe. Nothing is left open."""
    before = len(list(Path("/dev/fd").iterdir()))
    with bounded_files.for_another_reader(Path(__file__), 10) as same:
        assert same == Path(__file__)
    text = b"x" * 2**16
    with opened_pipe() as (path, end):

        def write() -> None:
            with open(end, "wb", closefd=False) as file:
                file.write(text)
            os.close(end)

        with writing(write), bounded_files.for_another_reader(path, len(text)) as other:
            assert other.read_bytes() == text
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_another_reader_is_told_why_there_is_nothing_to_read(tmp_path: Path) -> None:
    """A missing file raises Missing, and a pipe without a writer raises Unreadable."""
    os.mkfifo(tmp_path / "pipe")
    for name, kind in (("missing", bounded_files.Missing), ("pipe", bounded_files.Unreadable)):
        with pytest.raises(kind), bounded_files.for_another_reader(tmp_path / name, 10):
            pass


@pytest.mark.usefixtures("long_deadline")
def test_a_pipe_with_a_name_waits_for_its_writer(tmp_path: Path) -> None:
    """A named pipe is read if its writer comes later than its reader."""
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def late() -> None:
        time.sleep(0.1)
        path.write_bytes(b"text")

    with writing(late):
        assert bounded_files.read(path, 10) == b"text"


def test_a_writer_that_asks_for_a_passphrase_has_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe with a writer, such as `<(pass show binance)`, is read even if that takes longer than to wait for one."""
    monkeypatch.setattr(bounded_files, "SECONDS", 0.05)
    monkeypatch.setattr(bounded_files, "WRITER_SECONDS", 60.0)
    with opened_pipe() as (path, end):

        def late() -> None:
            time.sleep(0.2)
            with os.fdopen(end, "wb") as file:
                file.write(b"text")

        with writing(late):
            assert bounded_files.read(path, 10) == b"text"


@pytest.mark.slow
@pytest.mark.parametrize("first", [b"", b"some"])
def test_a_writer_that_never_ends_is_abandoned(first: bytes) -> None:
    """If a writer does not close the pipe, reading ends at the deadline, with or without a text so far."""
    with opened_pipe() as (path, end):
        os.write(end, first)
        with pytest.raises(Unreadable, match=r"within 0\.4 s"):
            bounded_files.read(path, 10)
        os.close(end)


def test_an_empty_pipe_is_refused() -> None:
    """An empty pipe is refused: the program that should write to it has probably failed."""
    with opened_pipe() as (path, end):
        os.close(end)
        with pytest.raises(Unreadable, match=r"within 0\.2 s"):
            bounded_files.read(path, 10)


@pytest.mark.usefixtures("long_deadline")
def test_a_flood_is_cut_off() -> None:
    """A writer without end is cut off at the limit."""
    with (
        opened_pipe() as (path, end),
        subprocess.Popen(["/bin/sh", "-c", "while :; do echo y; done"], stdout=end, stderr=subprocess.DEVNULL) as flood,
    ):
        os.close(end)
        try:
            with pytest.raises(Unreadable, match="is longer than 64 KiB"):
                bounded_files.read(path, 2**16)
        finally:
            flood.kill()


def test_a_file_that_is_swapped_for_a_pipe_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that replaces the file between the check and the opening is refused."""
    path = tmp_path / "a"
    path.touch()
    opened = os.open

    def swapped(*_: object) -> int:
        path.unlink()
        os.mkfifo(path)
        return opened(path, os.O_RDONLY | os.O_NONBLOCK)

    monkeypatch.setattr(os, "open", swapped)
    with pytest.raises(Unreadable, match="is a pipe"):
        bounded_files.read(path, 10, pipes=False)


def test_text_is_added_only_to_files(tmp_path: Path) -> None:
    """Text is appended to a file, or to a new one, and to nothing else."""
    path = tmp_path / "a"
    for _ in range(2):
        bounded_files.append(path, "币\n")
    assert path.read_bytes() == "币\n币\n".encode()
    for number, (make, _) in enumerate(KINDS[kind] for kind in KINDS if kind != "2 GiB"):
        make(tmp_path / str(number))
        with pytest.raises(Unreadable):
            bounded_files.append(tmp_path / str(number), "x")


# -- whole runs --

RUNS = [
    ("--env-file", "pipe"),
    ("--env-file", "zero"),
    ("--env-file", "2 GiB"),
    ("--env-file", "loop of links"),
    ("--replay", "pipe"),
    ("--replay", "zero"),
    ("--replay", "loop of links"),
    ("--compare", "zero"),
    ("--compare", "loop of links"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("option", "kind"), RUNS)
def test_a_run_ends_with_4_and_a_sentence(option: str, kind: str, suite: SuiteRunner, tmp_path: Path) -> None:
    """A run with such a path ends with exit 4 and one sentence, soon, without a traceback or a verdict."""
    path = tmp_path / "x.yaml"
    KINDS[kind][0](path)
    replay = () if option == "--env-file" else ("--replay", str(path) if option == "--replay" else "healthy")
    compare = ("--compare", str(path)) if option == "--compare" else ()
    began = time.perf_counter()
    done = suite(*replay, *compare, env_file=path if option == "--env-file" else None)
    assert time.perf_counter() - began < 15
    (line,) = [line for line in done.output.splitlines() if line.startswith("ERROR: ")]
    assert option in line
    assert "Traceback" not in done.output
    assert (done.exit_status, done.verdict["ok"]) == (4, False)


@pytest.mark.parametrize("kind", mostly_slow(["pipe", "full", "directory", "socket", "loop of links"], 1))
def test_a_summary_that_cannot_be_written_ends_no_run(kind: str, suite: SuiteRunner, tmp_path: Path) -> None:
    """The run ends as usual, and one sentence names the variable."""
    path = tmp_path / "summary"
    KINDS[kind][0](path)
    done = suite("--replay", "healthy", settings={"GITHUB_STEP_SUMMARY": str(path)})
    assert done.exit_status == 0
    assert "GITHUB_STEP_SUMMARY could not be written" in done.output


@pytest.mark.slow
def test_settings_may_come_from_a_program(exchange: LocalExchange, tmp_path: Path) -> None:
    """`--env-file <(pass show binance)` works: the pipe of a shell, with a slow writer."""
    text = "".join(f"{name}={value}\n" for name, value in exchange.settings().items())
    command = f"{shlex.quote(sys.executable)} -m pytest suite/ -p no:cacheprovider --report-dir {tmp_path / 'reports'}"
    script = f"exec {command} --env-file <(sleep 1; printf %s {shlex.quote(text)})"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("BINANCE_", "PYTEST_"))}
    done = subprocess.run(  # noqa: S603  our own command
        ["/bin/bash", "-c", script], cwd=ROOT, env=clean, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout


def test_a_slow_reader_of_a_pipe_that_does_not_block_gets_all() -> None:
    """Another program may have made the pipe non-blocking: then a write that finds it full fails at once."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    data = b"x" * 2**20
    with ThreadPoolExecutor(1) as threads, open(reader, "rb") as pipe:  # noqa: PTH123  a descriptor
        read = threads.submit(pipe.read)
        bounded_files.write_whole(writer, data)
        os.close(writer)
        assert read.result() == data
