"""Faults over a real socket never cause a 500, an OK without an observation, or a secret in any written text.

After each fault the endpoint answers the next request, and neither a child nor its folder is left.
"""

import contextlib
import http.client
import json
import os
import random
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keycheck.serve import request_body
from tests.children import children, wait_until
from tests.exchange import Fault, LocalExchange, Scenario
from tests.serve.serving import GIVEN, LINES, Serving, head, holds_secret, instant, read

SILENT = Scenario(faults={"*": Fault.stall()})
HALF_WAY = Scenario(faults={"/fapi/v1/accountConfig": Fault.stall(), "/sapi/v1/account/apiRestrictions": Fault.stall()})
BODY = json.dumps(GIVEN).encode()
WHOLE = head(len(BODY), "Accept: application/x-ndjson") + BODY


@pytest.fixture
def temporary(temporary: Path) -> Iterator[Path]:
    """The folder in which child processes make their folders. After the test, no child and no folder may be left."""
    yield temporary
    wait_until(lambda: not children(temporary) and not list(temporary.iterdir()), 8)


@contextlib.contextmanager
def live(folder: Path, exchange: LocalExchange) -> Iterator[Serving]:
    """An endpoint with one slot, so that a run that goes on is noticed; after the block it must still answer."""
    settings = exchange.settings(no_credentials=True)
    with Serving(folder, slots=1, settings=settings) as serving:
        yield serving
        exchange.scenario = Scenario()
        wait_until(lambda: serving.post().status == 200, 20)


def _after_some_lines(opened: socket.socket, _: Path) -> None:
    seen = b""
    while seen.count(b"\n") < 16:  # the headers, and a check or two
        seen += opened.recv(1000)


STAGES: dict[str, tuple[int, Callable[[socket.socket, Path], object]]] = {
    "connected": (0, lambda *_: None),
    "in the headers": (20, lambda *_: None),
    "in the body": (len(WHOLE) - 50, lambda *_: None),
    "asked": (len(WHOLE), lambda *_: None),
    "the child starts": (len(WHOLE), lambda _, folder: wait_until(lambda: children(folder))),
    "the child has its folder": (len(WHOLE), lambda _, folder: wait_until(lambda: list(folder.iterdir()))),
    "in the stream": (len(WHOLE), _after_some_lines),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", ["closed", "reset"])
@pytest.mark.parametrize("stage", STAGES)
def test_the_client_goes(stage: str, how: str, tmp_path: Path, temporary: Path) -> None:
    """A client may close or reset its connection at any stage of a request, and nothing is left of its run."""
    length, wait = STAGES[stage]
    with LocalExchange(HALF_WAY) as exchange, live(tmp_path, exchange) as serving:
        opened = serving.connect(WHOLE[:length])
        wait(opened, temporary)
        if how == "reset":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        opened.close()


@pytest.mark.slow
def test_the_child_is_killed(tmp_path: Path, temporary: Path) -> None:
    """If the child is killed, the verdict is UNPROVEN with the reason, and there is no receipt."""
    with LocalExchange(HALF_WAY) as exchange, live(tmp_path, exchange) as serving, ThreadPoolExecutor() as pool:
        waiting = pool.submit(serving.post, headers=LINES)
        wait_until(lambda: exchange.log)
        for number in children(temporary):
            os.kill(number, signal.SIGKILL)
        answer = waiting.result(30)
    last = answer.lines[-1]
    assert (last["verdict"]["verdict"], last["verdict"]["ok"], last["receipt"]) == ("UNPROVEN", False, None)
    assert "died" in last["verdict"]["diagnosis"][0]["explanation"]


@pytest.mark.slow
def test_the_exchange_is_dead(tmp_path: Path, temporary: Path) -> None:
    """If the exchange is dead, the verdict is UNPROVEN, and says that the exchange could not be reached."""
    with LocalExchange() as exchange:
        settings = exchange.settings(no_credentials=True)
    with Serving(tmp_path, settings=settings) as serving:
        answer = serving.post()
    assert (answer.status, answer.json["verdict"]) == (200, "UNPROVEN")
    assert answer.json["diagnosis"][0]["cause"] == "network_unreachable"
    assert temporary


@pytest.mark.parametrize("where", ["the run's folder", "the purse"])
def test_the_disk_takes_nothing(where: str, tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a run cannot write its files, it is UNPROVEN; if the purse cannot be written, no weight is spent."""
    (tmp_path / "file").write_text("")
    with LocalExchange() as exchange:
        folder = {"purse_folder": tmp_path / "file/purse"} if where == "the purse" else {}
        if not folder:
            monkeypatch.setenv("TMPDIR", str(tmp_path / "file"))
            monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
        with Serving(tmp_path, settings=exchange.settings(no_credentials=True), **folder) as serving:
            answer = serving.post()
        assert exchange.log == []
    if folder:
        assert (answer.status, "cannot be used" in answer.json["detail"]) == (429, True)
    else:
        assert (answer.status, answer.json["verdict"]) == (200, "UNPROVEN")
    assert str(tmp_path) not in answer.body.decode()
    assert temporary


# -- a seeded fuzzer --

_PIECES = [
    *(
        b"\0",
        b"\r\n",
        b"\r\n\r\n",
        b"{",
        b"}",
        b"[",
        b'"',
        b"\\",
        b"\\ud800",
        b"\xff\xfe",
        b"\xf0\x9f\xa6\x8a",
        b"1e999",
    ),
    *(b"null", b'"apiKey":', b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n", b"Host: evil.example\r\n"),
    *(b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\nConnection: upgrade\r\n", b"HEAD ", b"OPTIONS ", b"%0d%0a"),
]


def _bad(seed: int) -> bytes:
    """A whole request with one to four changes at random places: bytes cut, doubled, replaced or put in."""
    rng = random.Random(seed)  # noqa: S311  any will do
    path = rng.choice(["/binance", "/save", "/", "/openapi.json", "/healthz", "/binance/../save"])
    data = bytearray(head(len(BODY), rng.choice(["Accept: */*", "Accept: application/x-ndjson"]), path=path) + BODY)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        to = min(len(data), at + rng.choice([0, 0, 1, 5, 60]))
        data[at:to] = rng.choice([*_PIECES, bytes(data[at:to]) * 2, rng.randbytes(3), b""])
    return bytes(data)


@pytest.mark.slow
def test_five_hundred_bad_requests(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """No bad request gets a 500, and no answer and no stream of the server holds a secret."""
    monkeypatch.setattr(request_body, "SECONDS", 0.2)
    with Serving(tmp_path, run=instant, save_to=tmp_path / "saved.env") as serving:

        def ask(seed: int) -> bytes:
            seen = b""
            with contextlib.suppress(OSError), serving.connect(_bad(seed)) as opened:  # reset, or nothing for a while
                opened.settimeout(0.5)
                while more := opened.recv(2**16):
                    seen += more
            return seen

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(ask, range(500)))
        assert serving.post().status in (200, 429)  # the weight of some minutes may be spent
    statuses = {int(answer[9:12]) for answer in answers if answer}
    assert {200, 400, 403, 404, 405} <= statuses <= {100, 200, 400, 401, 403, 404, 405, 408, 413, 415, 429}
    written = b"".join(answers) + caplog.text.encode() + "".join(capfd.readouterr()).encode()
    assert not holds_secret(written)
    assert b"Traceback" not in written
    assert not (tmp_path / "saved.env").exists()


def test_a_keep_alive_connection_can_be_used_after_a_refusal(serving: Serving) -> None:
    """After a refused request, the next one on the same connection gets its own answer."""
    connection = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=10)
    with contextlib.closing(connection):
        for body, status in ((b"{}", 400), (BODY, 200), (b"[" * 9000, 413), (BODY, 200)):
            connection.request("POST", "/binance", body, {"Content-Type": "application/json"})
            assert read(connection.getresponse()).status == status
