"""The endpoint over real HTTP; tests about the results of runs have whole runs against the local exchange."""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from keycheck import process, receipt
from keycheck.serve.command import GRACE
from keycheck.serve.endpoint import Endpoint
from tests.children import children, wait_until
from tests.exchange import API_KEY, API_SECRET, Fault, LocalExchange, Scenario
from tests.keys import ED25519
from tests.matrix import mostly_slow
from tests.serve.serving import GIVEN, LINES, Serving, head, holds_secret, instant, until_cancelled

KEY = b"k" * 32
SILENT = Scenario(faults={"*": Fault.stall()})


@pytest.fixture
def live(tmp_path: Path, exchange: LocalExchange) -> Iterator[Serving]:
    """An endpoint that runs the suite against the local exchange."""
    with Serving(tmp_path, receipt_key=KEY, settings=exchange.settings(no_credentials=True)) as serving:
        yield serving


# -- whole runs --


def test_a_fit_key_is_answered_with_its_verdict_and_a_receipt(live: Serving) -> None:
    """The answer is the run's verdict.json without a secret, and its receipt proves these values."""
    answer = live.post()
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert (answer.json["ok"], answer.json["verdict"], len(answer.json["checks"])) == (True, "OK", 26)
    proof = answer.headers["keycheck-receipt"]
    receipt.verify(proof, key=KEY, api_key=API_KEY, api_secret=API_SECRET, environment="production")
    with pytest.raises(receipt.Refused):
        receipt.verify(proof, key=KEY, api_key=API_KEY, api_secret=API_SECRET, environment="demo")
    assert not holds_secret(answer.body)


def test_a_receipt_is_for_the_values_that_binance_saw(tmp_path: Path) -> None:
    """A run leaves out what was pasted around key and secret; the receipt is not valid for the texts as pasted."""
    sent = {"apiKey": f"\u00a0{API_KEY}\r\n", "apiSecret": f'"{API_SECRET}" '}
    with Serving(tmp_path, receipt_key=KEY, run=instant) as serving:
        proof = serving.post(sent).headers["keycheck-receipt"]
    receipt.verify(proof, key=KEY, api_key=API_KEY, api_secret=API_SECRET, environment="production")
    for key, secret in ((sent["apiKey"], API_SECRET), (API_KEY, sent["apiSecret"])):
        with pytest.raises(receipt.Refused):
            receipt.verify(proof, key=KEY, api_key=key, api_secret=secret, environment="production")


@pytest.mark.slow
def test_an_unfit_key_is_an_answer_without_a_receipt(live: Serving, exchange: LocalExchange) -> None:
    """NOT_OK and UNPROVEN are answered with 200, too, and without a receipt, in either form of the answer."""
    exchange.scenario = Scenario(ip_allowed=False)
    answer = live.post()
    assert (answer.status, answer.json["verdict"], answer.json["ok"]) == (200, "NOT_OK", False)
    assert answer.json["diagnosis"][0]["cause"] == "ip_not_allowed"
    assert "keycheck-receipt" not in answer.headers
    exchange.scenario = Scenario(faults={"*": Fault.reset()})
    *_, last = live.post(headers=LINES).lines
    assert (last["verdict"]["verdict"], last["receipt"]) == ("UNPROVEN", None)


def test_checks_come_line_by_line(live: Serving) -> None:
    """NDJSON has a line for each check in run order, then the verdict with its receipt, and the page if requested."""
    answer = live.post(headers=LINES | {"Keycheck-Report": "yes"})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-ndjson")
    *checks, last = answer.lines
    assert set(last) == {"verdict", "receipt", "report"}
    entries = last["verdict"]["checks"]
    assert [one["check"] for one in checks] == [entry["id"] for entry in entries]
    assert checks[0] == {"check": entries[0]["id"]} | {
        name: entries[0][name] for name in ("step", "severity", "outcome", "title")
    }
    receipt.verify(last["receipt"], key=KEY, api_key=API_KEY, api_secret=API_SECRET, environment="production")
    assert "</html>" in last["report"]
    assert not holds_secret(answer.body)


def test_the_page_is_sent_only_if_it_is_requested(tmp_path: Path) -> None:
    """Without the header Keycheck-Report the last line has only verdict and receipt."""
    with Serving(tmp_path, run=instant) as serving:
        assert set(serving.post(headers=LINES).lines[-1]) == {"verdict", "receipt"}


@pytest.mark.slow
def test_a_private_key_is_tested(tmp_path: Path) -> None:
    """A private key is tested from its PEM text, in place of a secret, and the receipt is for that text."""
    with LocalExchange(Scenario(public_key=ED25519.public)) as exchange:
        settings = exchange.settings(no_credentials=True)
        with Serving(tmp_path, receipt_key=KEY, settings=settings) as live:
            answer = live.post({"apiKey": API_KEY, "privateKey": ED25519.private})
    assert (answer.json["verdict"], answer.json["key"]["type"]) == ("OK", "ED25519")
    proof = answer.headers["keycheck-receipt"]
    receipt.verify(proof, key=KEY, api_key=API_KEY, api_secret=ED25519.private, environment="production")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "member"),
    [
        (GIVEN | {"apiKey": API_KEY + "\n1"}, "apiKey"),
        ({"apiKey": API_KEY, "privateKey": API_SECRET}, "privateKey"),
        ({"apiKey": API_KEY, "privateKey": ED25519.private, "passphrase": "not its passphrase"}, None),
    ],
)
def test_a_credential_that_the_run_refuses_is_named_as_a_member(
    body: dict[str, str], member: str | None, live: Serving
) -> None:
    """A credential that the run refuses is a problem like those that the endpoint finds, in either form of answer."""
    for answer in (live.post(body), live.post(body, LINES)):
        if member is None:
            assert answer.status == 200
        else:
            assert (answer.status, answer.json.get("member")) == (400, member)
            assert "BINANCE_" not in answer.json["detail"]
        assert not holds_secret(answer.body)


@pytest.mark.slow
def test_the_servers_own_credentials_are_never_used(
    tmp_path: Path, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run uses only the key of its request, whatever the server's environment and options hold."""
    for name, value in exchange.settings().items():
        monkeypatch.setenv(name, value)
    with Serving(tmp_path, settings=exchange.settings(no_credentials=True)) as live:
        answer = live.post({"apiKey": "A" * 64, "apiSecret": "B" * 64})
    assert answer.json["verdict"] == "NOT_OK"
    keys = {one.headers["x-mbx-apikey"] for one in exchange.log if "x-mbx-apikey" in one.headers}
    assert keys == {"A" * 64}
    with pytest.raises(ValueError, match="credentials come only with each request"):
        Serving(tmp_path, settings=exchange.settings())


@pytest.mark.parametrize("headers", mostly_slow([LINES, None], 1))
@pytest.mark.parametrize("moment", mostly_slow([0.0, 0.3, 1.0], 1))
def test_a_client_that_hangs_up_ends_its_run(
    headers: dict[str, str] | None, moment: float, tmp_path: Path, temporary: Path
) -> None:
    """If the client hangs up, at any moment, the child is ended, its folder is removed, and the slot is free."""
    body = json.dumps(GIVEN).encode()
    more = [f"{name}: {value}" for name, value in (headers or {}).items()]
    with LocalExchange(SILENT) as exchange:
        settings = exchange.settings(no_credentials=True)
        with Serving(tmp_path, slots=1, settings=settings) as live:
            with live.connect(head(len(body), *more[1:]) + body):
                if moment:
                    wait_until(lambda: children(temporary))
                    time.sleep(moment)
            wait_until(lambda: not children(temporary) and not list(temporary.iterdir()), 8)
            exchange.scenario = Scenario()
            wait_until(lambda: live.post().status == 200, 20)


@pytest.mark.parametrize("accept", [b"application/json", b"application/x-ndjson"])
def test_a_client_that_hangs_up_is_answered_all_the_same(accept: bytes, tmp_path: Path) -> None:
    """Middlewares of a platform, such as Starlette's BaseHTTPMiddleware, raise if an application sends no answer."""
    coming: list[Message] = [{"type": "http.request", "body": json.dumps(GIVEN).encode()}, {"type": "http.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return coming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), (b"accept", accept)]
    scope = {"type": "http", "method": "POST", "scheme": "http", "path": "/binance", "headers": headers}
    asyncio.run(Endpoint(purse_folder=tmp_path, run=until_cancelled)(scope, receive, send))
    assert [message.get("status") for message in sent] == [503, None]


@pytest.mark.slow
def test_runs_are_ended_with_the_server(tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the server ends, a run has some seconds to finish; then it is cut short, and its answer says so."""
    assert GRACE < 9
    monkeypatch.setattr("keycheck.serve.command.GRACE", 0.5)
    with LocalExchange(SILENT) as exchange, ThreadPoolExecutor() as pool:
        with Serving(tmp_path, settings=exchange.settings(no_credentials=True)) as live:
            waiting = pool.submit(live.post)
            wait_until(lambda: exchange.log)
            live.stop()
        answer = waiting.result(5)
    assert (answer.status, answer.json["verdict"]) == (200, "UNPROVEN")
    assert "cancelled" in answer.json["diagnosis"][0]["explanation"]
    assert children(temporary) == []


# -- slots, weight, ends --


def test_a_run_too_many_is_refused_at_once(tmp_path: Path) -> None:
    """With all slots taken the answer is 429, says when to try again, and takes no weight; later a slot is free."""
    reserved = []
    with Serving(tmp_path, run=until_cancelled, slots=2) as serving:
        usual = serving.endpoint._runs._purses["production"].reserve
        serving.endpoint._runs._purses["production"].reserve = (  # type: ignore[method-assign]
            lambda *given: reserved.append(1) or usual(*given)  # type: ignore[func-returns-value]
        )
        body = json.dumps(GIVEN).encode()
        with serving.connect(head(len(body)) + body), serving.connect(head(len(body)) + body):
            wait_until(lambda: len(reserved) == 2)
            answer = serving.post()
            assert (answer.status, int(answer.headers["retry-after"]) > 0) == (429, True)
        serving.endpoint._runs._run = instant
        wait_until(lambda: serving.post().status == 200)
    assert len(reserved) == 3


def test_weight_that_is_spent_is_waited_for(tmp_path: Path) -> None:
    """If the share of the weight is spent, the answer is 429 with a time, in either form; demo has its own counter."""
    with Serving(tmp_path, run=instant, share=0.0125) as serving:  # 30 of 2400: two runs
        assert [serving.post().status for _ in range(3)] == [200, 200, 429]
        answer = serving.post(headers=LINES)
        assert (answer.status, answer.headers["content-type"]) == (429, "application/problem+json")
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert f"{answer.headers['retry-after']} s" in answer.json["detail"]
        assert serving.post(GIVEN | {"environment": "demo"}).status == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "verdict", "at_most"),
    [
        (Scenario(used_weight=1300), "OK", 61),  # more than half of 2400, by others
        (Scenario(faults={"*": Fault.rate_limited(retry_after=600)}), "UNPROVEN", 600),
    ],
)
def test_what_a_run_saw_of_the_limit_counts(scenario: Scenario, verdict: str, at_most: int, tmp_path: Path) -> None:
    """If others have spent the weight, or Binance made a run wait, the next request gets 429 and sends nothing."""
    with LocalExchange(scenario) as exchange:
        with Serving(tmp_path, share=0.5, settings=exchange.settings(no_credentials=True)) as live:
            assert live.post().json["verdict"] == verdict
            sent = len(exchange.log)
            answer = live.post()
        assert len(exchange.log) == sent
    assert answer.status == 429
    assert at_most - 60 <= int(answer.headers["retry-after"]) <= at_most


def test_no_run_is_started_while_the_server_ends(tmp_path: Path) -> None:
    """A request whose body is complete only after the server has begun to end is answered with 503."""
    with Serving(tmp_path, run=instant) as serving:
        body = json.dumps(GIVEN).encode()
        with serving.connect(head(len(body))) as opened:
            time.sleep(0.1)
            serving.stop()
            time.sleep(0.2)
            opened.sendall(body)
            assert opened.recv(5000).startswith(b"HTTP/1.1 503")


def test_a_fault_of_the_endpoint_shows_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """If a run raises, answer and log name only the kind of the error, and the next request is answered."""

    def run(settings: Any, **_: Any) -> process.Finished:
        raise KeyError(settings.reveal())

    with Serving(tmp_path, run=run, slots=1) as serving:
        for _ in range(3):
            answer = serving.post()
            assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
            assert answer.json["detail"] == "Report this, without the key."
    printed = "".join(capfd.readouterr()) + caplog.text
    assert "KeyError" in printed
    assert not holds_secret(answer.body + printed.encode())


def test_no_frame_holds_the_secret(tmp_path: Path) -> None:
    """During a run, no variable in any thread's frames shows key or secret, which error collectors would send.

    The client's thread is left out: a client has the secret.
    """
    seen: list[str] = []
    client = threading.get_ident()

    def run(_: Any, **__: Any) -> process.Finished:
        mine = {id(frame) for frame in _up(sys._getframe())}
        others = [frame for thread, frame in sys._current_frames().items() if thread != client]
        for frame in [one for top in others for one in _up(top)]:
            if "/tests/" not in frame.f_code.co_filename or id(frame) in mine:
                seen.append(f"{frame.f_code.co_qualname} {frame.f_locals!r}")
        return instant()

    with Serving(tmp_path, run=run) as serving:
        assert serving.post().status == 200
    assert any("_spend" in one for one in seen)
    assert not holds_secret(" ".join(seen).encode())


def _up(frame: Any) -> list[Any]:
    return [] if frame is None else [frame, *_up(frame.f_back)]


@pytest.mark.slow
def test_many_requests_leave_nothing(tmp_path: Path) -> None:
    """After many requests, no ended thread or run is kept."""
    before = threading.active_count()
    with Serving(tmp_path, run=instant) as serving:
        for _ in range(50):
            assert serving.post().status == 200
        wait_until(lambda: threading.active_count() <= before + 1)
        assert serving.endpoint._runs._cancels == set()
