"""Bodies of requests: what is refused, how it is named, and that a value is never repeated."""

import json
import time
import traceback
from pathlib import Path
from typing import Any

import pytest

from keycheck import bounded_files, process
from keycheck.serve import request_body
from keycheck.serve.problem import Problem
from tests.exchange import API_KEY, API_SECRET
from tests.serve.serving import GIVEN, Serving, head, holds_secret, instant

SECRET = json.dumps(GIVEN)[1:-1]  # the members as text


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({}, "apiKey"),
        ({"apiKey": API_KEY}, "apiSecret"),
        ({"apiSecret": API_SECRET}, "apiKey"),
        (GIVEN | {"apiKey": ""}, "apiKey"),
        (GIVEN | {"apiSecret": " "}, "apiSecret"),
        (GIVEN | {"apiSecret": 5}, "apiSecret"),
        (GIVEN | {"apiSecret": None}, "apiSecret"),
        (GIVEN | {"apiSecret": [API_SECRET]}, "apiSecret"),
        (GIVEN | {"symbol": {"a": API_SECRET}}, "symbol"),
        (GIVEN | {"apiKey": API_KEY + "\ud800"}, "apiKey"),
        (GIVEN | {"privateKey": "PEM"}, "apiSecret"),
        (GIVEN | {"passphrase": "x"}, "passphrase"),
        (GIVEN | {"symbol": f"{API_SECRET} "}, "symbol"),
        (GIVEN | {"environment": "spot"}, "environment"),
        (GIVEN | {"environment": API_SECRET}, "environment"),
        (GIVEN | {"expect": "hedge,one-way"}, "expect"),
        (GIVEN | {"url": "https://evil.example"}, "url"),
        (GIVEN | {"BINANCE_FUTURES_URL": "https://evil.example"}, "BINANCE_FUTURES_URL"),
        (GIVEN | {"receipt": "v1"}, "receipt"),
        (GIVEN | {API_SECRET: "swapped"}, None),
        (f'{{{SECRET}, "apiSecret": "{API_SECRET}"}}'.encode(), "apiSecret"),
        (f"[{json.dumps(GIVEN)}]".encode(), None),
        (b"[" * 8000, None),
        (f'{{{SECRET}, "symbol": {"[" * 3000}'.encode(), None),
        (f"{{{SECRET}".encode(), None),
        (b"\xef\xbb\xbf" + json.dumps(GIVEN).encode(), None),
        (json.dumps(GIVEN).encode("utf-16"), None),
        (json.dumps(GIVEN).encode() + b"\xff", None),
        (f"{{{SECRET}, 'symbol': 1}}".encode(), None),
        (f"{API_SECRET}".encode(), None),
        (f'{{{SECRET}, "symbol": {"9" * 5000}}}'.encode(), None),
        (b"NaN", None),
        (b"", None),
    ],
)
def test_what_cannot_be_used_is_named_and_not_repeated(
    body: bytes | dict[str, Any], member: str | None, serving: Serving
) -> None:
    """400 names the member, in the problem and in its sentence, and holds no part of a value."""
    answer = serving.post(body)
    assert (answer.status, answer.json.get("member")) == (400, member)
    assert (member or "") in answer.json["detail"]
    assert not holds_secret(answer.body)
    assert b"evil" not in answer.body


@pytest.mark.parametrize(
    "body",
    [
        GIVEN | {"symbol": "ethusdt", "environment": "demo", "expect": "one-way, isolated"},
        {"apiKey": API_KEY, "privateKey": "a PEM", "passphrase": "füchse 🦊"},
        {"apiKey": API_KEY, "privateKey": "a PEM"},
    ],
)
def test_what_can_be_used_comes_to_the_run(body: dict[str, str], tmp_path: Path) -> None:
    """Each member becomes the setting of its name, in addition to the server's own settings."""
    came: list[dict[str, str]] = []

    def run(settings: Any, **_: Any) -> Any:
        came.append(json.loads(settings.reveal()))
        return instant()

    own = {"BINANCE_PROXY": "http://user:word@127.0.0.1:9", "BINANCE_SYMBOL": "BNBUSDT"}
    with Serving(tmp_path, run=run, settings=own) as serving:
        assert serving.post(body).status == 200
    assert came == [own | {request_body.MEMBERS[name]: value for name, value in body.items()}]


def test_a_private_key_as_the_secret_is_led_to_its_own_member(serving: Serving) -> None:
    """A passphrase beside apiSecret is refused, and the sentence says that an encrypted key belongs into privateKey."""
    detail = serving.post(GIVEN | {"passphrase": "four words"}).json["detail"]
    assert "privateKey instead of apiSecret" in detail


def test_a_body_has_a_limit_however_it_is_sent(serving: Serving) -> None:
    """A body has at most 8 KiB, with Content-Length or in chunks of any size; the rest of a longer one is not read."""
    long = json.dumps(GIVEN | {"symbol": "x" * request_body.LIMIT}).encode()
    assert serving.post(long).status == 413
    assert serving.exchange(head(10**12) + long).status == 413
    for size in (1, 7, 4000):
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in _parts(long, size))
        assert serving.exchange(head(None, "Transfer-Encoding: chunked") + chunks).status == 413
    padded = json.dumps(GIVEN).encode().ljust(request_body.LIMIT)
    assert serving.post(padded).status == 200
    assert serving.post(padded + b" ").status == 413


def _parts(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def test_a_content_length_that_lies_gets_nothing_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the number is too small, the rest is not taken for a second request; if too large, the body never ends."""
    monkeypatch.setattr(request_body, "SECONDS", 0.3)
    body = json.dumps(GIVEN).encode()
    ran: list[object] = []
    with Serving(tmp_path, run=lambda *_, **__: ran.append(1)) as serving:
        assert serving.exchange(head(len(body) - 1) + body).status == 400
        assert serving.exchange(head(len(body) + 1) + body).status == 408
        for wrong in ("-1", "1e3", "0x10", "5, 6"):
            assert serving.exchange(head(None, f"Content-Length: {wrong}") + body).status == 400
        with serving.connect(head(len(body) + 1) + body):
            pass
        time.sleep(0.1)
    assert ran == []


def test_a_slow_drip_has_ten_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is for the whole body, not for each part of it."""
    assert request_body.SECONDS == 10
    monkeypatch.setattr(request_body, "SECONDS", 0.5)
    body = json.dumps(GIVEN).encode()
    with Serving(tmp_path, run=instant) as serving, serving.connect(head(len(body))) as opened:
        opened.settimeout(0.05)
        began, at, answer = time.monotonic(), 0, b""
        while not answer and time.monotonic() - began < 5:
            opened.send(body[at : at + 1])
            at += 1
            try:
                answer = opened.recv(5000)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408")
    assert at < len(body) / 2


def test_a_server_without_a_free_descriptor_blames_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a request opens no file: otherwise a good request would get 400 if no descriptor is free."""

    def refuse(*_: Any, **__: Any) -> bytes:
        raise bounded_files.Unreadable("cannot be read (Too many open files)")

    monkeypatch.setattr(bounded_files, "read", refuse)
    body = request_body.Body()
    body.add({"type": "http.request", "body": json.dumps(GIVEN).encode()})
    assert request_body.read(body, {}).environment == "production"


def test_no_problem_carries_the_secret_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The frames that an error has come through show no part of the body to a collector that sends their variables."""
    seen: list[str] = []
    usual = Problem.response

    def response(problem: Problem) -> Any:
        error: BaseException | None = problem
        while error is not None:
            seen.extend(repr(frame.f_locals) for frame, _ in traceback.walk_tb(error.__traceback__))
            error = error.__cause__ or error.__context__
        return usual(problem)

    def run(*_: Any, **__: Any) -> Any:
        raise process.UnusableSettings("BINANCE_API_KEY holds a line break")

    monkeypatch.setattr(Problem, "response", response)
    monkeypatch.setattr(request_body, "SECONDS", 0.3)
    text = json.dumps(GIVEN)
    bodies = [text, text[:-1], text.replace("}", ', "url": 1}'), text.replace("}", ', "symbol": "!"}'), text * 60]
    with Serving(tmp_path, run=run, save_to=tmp_path / "bot.env") as serving:
        statuses = [serving.post(body.encode()).status for body in bodies]
        statuses.append(serving.exchange(head(len(text) + 1) + text.encode()).status)
        statuses.append(serving.post(GIVEN | {"receipt": "v1"}, path="/save").status)
    assert statuses == [400, 400, 400, 400, 413, 408, 400]
    assert "<keycheck.serve.request_body.Body object" in "".join(seen)
    assert not holds_secret("".join(seen).encode())


@pytest.mark.parametrize(
    ("sentence", "detail"),
    [
        (
            "the file that BINANCE_PRIVATE_KEY_FILE names holds no private key: give the file that openssl wrote",
            "privateKey holds no private key: send all of the text that openssl wrote.",
        ),
        (
            "BINANCE_API_SECRET holds a private key: put the whole of it into a file, and name that in "
            "BINANCE_PRIVATE_KEY_FILE",
            "apiSecret holds a private key: send the whole of it as privateKey.",
        ),
    ],
)
def test_a_client_is_told_of_members_and_not_of_files(sentence: str, detail: str) -> None:
    """The sentences of a run name settings and files, which a client does not have; they then name members."""
    assert str(request_body.problem_of(sentence)) == detail
