"""The guards refuse requests of other hosts, pages and clients, over real HTTP; and all answers have their headers."""

import contextlib
import hmac
import http.client
import json
from pathlib import Path
from typing import Any

import pytest

from keycheck import process
from keycheck.serve import guards
from keycheck.serve.problem import Problem
from tests.children import wait_until
from tests.serve.serving import GIVEN, JSON, TOKEN, Serving, head, instant

OWN = {"Host": "127.0.0.1"}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost:a", "[::1", "127.0.0.1:1:2"])
@pytest.mark.parametrize("path", ["/", "/healthz", "/binance"])
def test_another_host_is_refused(host: str, path: str, serving: Serving) -> None:
    """A request that names another host is refused on every path, even if DNS leads that name to this machine."""
    for method in ("GET", "POST"):
        answer = serving.ask(method, path, b"{}", JSON | {"Host": host})
        assert (answer.status, answer.json["ok"]) == (403, False)


def test_a_request_names_one_host(serving: Serving) -> None:
    """Without a Host, and with two of them, a request is refused."""
    assert serving.exchange(b"GET / HTTP/1.0\r\n\r\n").status == 403
    assert serving.exchange(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n").status == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "localhost:1234", "keys.example"])
def test_an_own_host_is_answered(host: str, tmp_path: Path) -> None:
    """A request may name this machine or an allowed host, with any port."""
    with Serving(tmp_path, run=instant, hosts=[*guards.LOOPBACK, "keys.example"]) as serving:
        assert serving.ask("GET", "/healthz", headers={"Host": host}).json == {"status": "ok"}


@pytest.mark.parametrize("hosts", ["keys.example", ["keys.example:443"], [""]])
def test_a_host_that_no_request_can_name_is_refused(hosts: Any, tmp_path: Path) -> None:
    """Hosts are names without a port. A text in place of a list is refused, since its letters would be the names."""
    with pytest.raises(ValueError, match=r"hosts? must be .*, such as"):
        Serving(tmp_path, run=instant, hosts=hosts)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://localhost:8765"}, 200),
        ({"Origin": "https://localhost:8765"}, 200),  # a proxy speaks TLS
        ({"Origin": "http://localhost:8766"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
    ],
)
def test_another_page_tests_no_key(headers: dict[str, str], status: int, serving: Serving) -> None:
    """A POST comes from the endpoint's own page, or from no page at all."""
    answer = serving.post(headers=JSON | {"Host": "localhost:8765"} | headers)
    assert answer.status == status
    assert answer.json["ok"] is (status == 200)


def test_a_link_leads_to_the_page_and_nothing_else_does(serving: Serving) -> None:
    """A link, or a frame of an allowed page, opens the page; another site cannot load the page's script."""
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert serving.ask("GET", "/", headers=visit).status == 200
    assert serving.ask("GET", "/keycheck.js", headers=visit | {"Sec-Fetch-Mode": "no-cors"}).status == 403


@pytest.mark.parametrize("path", ["/", "/keycheck.js", "/healthz", "/binance", "/nowhere"])
def test_every_answer_has_its_headers(path: str, serving: Serving) -> None:
    """No answer is stored, sniffed, framed or read by another origin, and no server's name is in it."""
    for method in ("GET", "POST", "OPTIONS"):
        headers = serving.ask(method, path, b"{}", JSON | {"Origin": "http://127.0.0.1"} | OWN).headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'self'"
        assert {*policy.values()} == {"'self'", "'none'"}
        assert policy["frame-ancestors"] == "'none'"
        assert not [name for name in headers if name.startswith("access-control") or name == "server"]


def test_frames_are_for_named_pages(tmp_path: Path) -> None:
    """A platform's page may be named as one that shows the form in a frame; only its origin is accepted as a name."""
    with Serving(tmp_path, run=instant, frame_ancestors=["https://app.example"]) as serving:
        policy = serving.ask("GET", "/").headers["content-security-policy"]
    assert policy.endswith("frame-ancestors https://app.example")
    with pytest.raises(ValueError, match="must be an origin"):
        Serving(tmp_path, frame_ancestors=["https://app.example; script-src *"])


def test_other_paths_and_methods_are_problems(serving: Serving) -> None:
    """404 and 405 are problems as well, and repeat nothing; a slash at the end is another path."""
    for method, path, status in (("GET", "/evil%3Cscript", 404), ("POST", "/binance/", 404), ("PUT", "/binance", 405)):
        answer = serving.ask(method, path)
        assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
        assert "evil" not in answer.body.decode() + str(answer.headers)
    assert serving.post(path="/save").status == 404


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "json"]
)
def test_only_json_is_taken(kind: str | None, serving: Serving) -> None:
    """Only JSON is accepted: a form on another site's page cannot send it, but can send the other types."""
    assert serving.post(headers={"Content-Type": kind} if kind else {}).status == 415
    assert serving.post(headers={"Content-Type": "Application/JSON; charset=UTF-8"}).status == 200


# -- the token --


def ask_with(serving: Serving, token: str, **more: str) -> int:
    return serving.post(headers=JSON | {"Authorization": f"Bearer {token}"} | more).status


def test_a_token_is_needed(tmp_path: Path) -> None:
    """If there is a token, no key is tested without it; the page and its files need none."""
    with Serving(tmp_path, run=instant, token=TOKEN.encode()) as serving:
        answer = serving.post()
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert ask_with(serving, TOKEN) == 200
        assert serving.post(headers=JSON | {"Authorization": f"bearer  {TOKEN}"}).status == 200
        assert ask_with(serving, TOKEN[:-1]) == ask_with(serving, TOKEN + "0") == 401
        for other in (f"Basic {TOKEN}", TOKEN):
            assert serving.post(headers=JSON | {"Authorization": other}).status == 401
        assert serving.ask("GET", "/").status == 200


@pytest.mark.parametrize("token", [b"", b"  ", TOKEN[1:].encode()])
def test_a_short_token_is_refused(token: bytes, tmp_path: Path) -> None:
    """A short token is refused: an empty one, as of an unset variable, would let in everybody."""
    with pytest.raises(ValueError, match="token must have at least 32 characters"):
        Serving(tmp_path, token=token)


def test_a_token_is_not_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After five wrong tokens even the right one is refused, for a minute; a missing token does not count as wrong."""
    now = 1000.0
    monkeypatch.setattr("keycheck.clock.uptime", lambda: now)
    with Serving(tmp_path, run=instant, token=TOKEN.encode()) as serving:
        assert {serving.post().status for _ in range(9)} == {401}
        assert [ask_with(serving, "wrong") for _ in range(guards.ATTEMPTS)] == [401] * guards.ATTEMPTS
        refused = serving.post(headers=JSON | {"Authorization": f"Bearer {TOKEN}"})
        assert (refused.status, 0 < int(refused.headers["retry-after"]) <= 61) == (429, True)
        now += 61
        assert ask_with(serving, TOKEN) == 200


@pytest.mark.parametrize(
    ("first", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_clients_are_told_apart(first: str, other: str, is_same: bool, tmp_path: Path) -> None:
    """Behind a proxy a client is known by the address that the proxy has added, and with IPv6 by its network (/64)."""
    with Serving(tmp_path, run=instant, token=TOKEN.encode(), behind_proxy=True) as serving:
        for at in range(guards.ATTEMPTS):
            ask_with(serving, "wrong", **{"X-Forwarded-For": f"198.51.100.{at}, {first}"})
        assert ask_with(serving, TOKEN, **{"X-Forwarded-For": f"{first}, {other}"}) == (429 if is_same else 200)


def test_x_forwarded_for_is_not_believed_of_anyone_else(tmp_path: Path) -> None:
    """Without a proxy X-Forwarded-For is ignored, so a client cannot pretend to be another."""
    with Serving(tmp_path, run=instant, token=TOKEN.encode()) as serving:
        for at in range(guards.ATTEMPTS):
            ask_with(serving, "wrong", **{"X-Forwarded-For": f"198.51.100.{at}"})
        assert ask_with(serving, TOKEN, **{"X-Forwarded-For": "192.0.2.1"}) == 429


def test_a_token_is_compared_in_constant_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests of one length are compared, by a function that takes the same time for all."""
    usual, lengths = hmac.compare_digest, []

    def compare(one: bytes, other: bytes) -> bool:
        lengths.append((len(one), len(other)))
        return usual(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    with Serving(tmp_path, run=instant, token=TOKEN.encode()) as serving:
        for token in ("", "0", TOKEN):
            ask_with(serving, token)
    assert lengths == [(32, 32)] * 3


def test_failures_are_forgotten_and_never_pile_up() -> None:
    """At most 1000 clients with wrong tokens are remembered, however many fail."""
    check = guards.TokenCheck(TOKEN.encode())
    for at in range(3000):
        client = (f"192.0.{at // 256}.{at % 256}", 1)
        scope: dict[str, Any] = {"headers": [(b"authorization", b"Bearer x")], "client": client}
        with pytest.raises(Problem):
            check.check(scope)
    assert len(check._failures) <= 1000


def test_a_client_that_reads_nothing_is_disconnected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection whose answer cannot be sent is closed in the end: a hundred of them would use up all connections."""
    monkeypatch.setattr("keycheck.serve.command._HEADERS", 0.1)
    monkeypatch.setattr("keycheck.serve.command._ANSWER", 0.3, raising=False)
    asked = b"GET /keycheck.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 500
    with Serving(tmp_path, run=instant) as serving, serving.connect(asked):
        wait_until(lambda: serving.connections == 1)
        wait_until(lambda: serving.connections == 0)


def test_a_last_answer_that_is_not_read_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that the server itself closes is gone in the end, even if the client reads none of its answer."""
    monkeypatch.setattr("keycheck.serve.command._HEADERS", 0.1)
    monkeypatch.setattr("keycheck.serve.command._ANSWER", 0.3)
    long = process.Finished({"ok": False, "text": "x" * 2**24})  # more than the system's buffers hold
    body = json.dumps(GIVEN).encode()
    asked = head(len(body), "Connection: close") + body
    with Serving(tmp_path, run=lambda *_, **__: long) as serving, serving.connect(asked):
        wait_until(lambda: serving.connections == 1)
        wait_until(lambda: serving.connections == 0)


def test_a_body_that_breaks_after_its_answer_logs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A request may be answered before its body is read. If the body then breaks, there is no second answer."""
    with Serving(tmp_path, run=instant) as serving:
        asked = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        with serving.connect(asked) as connection:
            assert connection.recv(2**16).startswith(b"HTTP/1.1 200 ")
            connection.sendall(b"no chunk\r\n")
            wait_until(lambda: serving.connections == 0)
    assert not caplog.records


def test_a_connection_too_many_is_closed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle connections cannot take all descriptors: asyncio would then log thousands of tracebacks each second."""
    monkeypatch.setattr("keycheck.serve.command._MOST_CONNECTIONS", 3, raising=False)
    with Serving(tmp_path, run=instant) as serving, contextlib.ExitStack() as idle:
        for _ in range(3):
            idle.enter_context(serving.connect())
        with serving.connect() as one_more, contextlib.suppress(ConnectionResetError):
            one_more.settimeout(5)  # the time limit of the headers is longer
            assert one_more.recv(1) == b""
        idle.close()
        wait_until(lambda: answers(serving))


def test_a_connection_counts_before_its_tls_handshake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: Any
) -> None:
    """Connections on which no TLS handshake begins count, too, so that they cannot take all descriptors."""
    monkeypatch.setattr("keycheck.serve.command._MOST_CONNECTIONS", 3)
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "tls.pem")
    with Serving(tmp_path, tmp_path / "tls.pem", run=instant) as serving, contextlib.ExitStack() as idle:
        for _ in range(3):
            idle.enter_context(serving.connect())
        with serving.connect() as one_more, contextlib.suppress(ConnectionResetError):
            one_more.settimeout(5)  # the time limit of the handshake is longer
            assert one_more.recv(1) == b""


def answers(serving: Serving) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):
        return serving.post().status == 200
    return False


def test_headers_have_ten_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection is closed if a request on it stays incomplete: the first one, or one after an answer."""
    monkeypatch.setattr("keycheck.serve.command._HEADERS", 0.2)
    whole = head(len(b"{}")) + b"{}"
    with (
        Serving(tmp_path, run=instant) as serving,
        serving.connect(whole[:20]) as first,
        serving.connect(whole) as then,
    ):
        assert first.recv(1) == b""
        then.recv(5000)
        then.sendall(whole[:20])
        assert then.recv(1) == b""


@pytest.mark.parametrize(
    "data",
    [b"\x16\x03\x01x\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n"],
)
def test_a_request_that_is_not_http_gets_a_problem(data: bytes, serving: Serving) -> None:
    """A request that is not HTTP gets a problem, too, which no cache may store."""
    answer = serving.exchange(data)
    assert (answer.status, answer.json["ok"], answer.headers["cache-control"]) == (400, False, "no-store")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_request_of_two_lengths_is_refused(serving: Serving) -> None:
    """A proxy may believe the other length, and take the rest of the body for another request."""
    answer = serving.exchange(head(2, "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n")
    assert (answer.status, "two lengths" in answer.json["detail"]) == (400, True)
