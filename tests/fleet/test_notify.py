"""`--notify` posts changes only to its URL, a limited number of times, and reports a failure in one sentence."""

import socket
from pathlib import Path
from typing import NoReturn

import pytest
import trustme

from keycheck import clock
from keycheck.fleet import notify as notification
from keycheck.fleet.changes import Change, Changes, State
from keycheck.fleet.notify import notify
from keycheck.network import allow_list, post
from keycheck.network.post import refusal
from tests.children import wait_until
from tests.fleet.webhook import Webhook
from tests.project.test_purity import imports_of
from tests.running import ROOT
from tests.tls import ADDRESS, speaking

IN_THE_URL = "T024BE7LD-a-part-of-the-url"
OK, BAD = State("OK", ()), State("NOT_OK", ("ip_not_allowed", "unknown_key"))
CHANGES = Changes(
    "2026-11-20T08:13:00Z",
    (Change("alice", OK, BAD), Change("bob", None, OK), Change("carol", BAD, None)),
    {"alice": BAD, "bob": OK},
)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the pauses between attempts."""
    monkeypatch.setattr(notification, "_PAUSES", (0.0, 0.0, 0.0))


def test_changes_are_posted_as_json() -> None:
    """The post has each change and the counts, and nothing else."""
    with Webhook() as hook:
        assert notify(f"{hook.url}/hook?token={IN_THE_URL}", CHANGES) == ""
    assert hook.posts == [
        {
            "changed": [
                {"account": "alice", "was": "OK", "now": "NOT_OK", "causes": ["ip_not_allowed", "unknown_key"]},
                {"account": "bob", "was": None, "now": "OK", "causes": []},
                {"account": "carol", "was": "NOT_OK", "now": None, "causes": []},
            ],
            "counts": {"OK": 1, "NOT_OK": 1, "UNPROVEN": 0, "changed": 3},
        }
    ]
    assert hook.heads[0].startswith(f"POST /hook?token={IN_THE_URL} HTTP/1.1\r\n")


def test_slack_gets_a_text() -> None:
    """--notify-format slack posts a message: the counts, and a line for each of the first accounts."""
    many = tuple(Change(f"a{number}", OK, BAD) for number in range(30))
    with Webhook() as hook:
        notify(hook.url, CHANGES, format="slack")
        notify(hook.url, Changes("then", many, {}), format="slack")
    (message, long) = (one["text"].splitlines() for one in hook.posts)
    assert message == [
        "Keycheck: 3 accounts changed. Now: 1 OK, 1 NOT OK, 0 UNPROVEN.",
        "`alice`: OK → NOT OK `ip_not_allowed` `unknown_key`",
        "`bob`: new → OK",
        "`carol`: NOT OK → gone",
    ]
    assert (len(long), long[-1]) == (22, "and 10 more")


def test_a_post_is_bounded() -> None:
    """Ten thousand changes are posted as the first thousand and the total."""
    changed = tuple(Change(f"account-{number}", OK, BAD) for number in range(10_000))
    with Webhook() as hook:
        notify(hook.url, Changes("then", changed, {}))
    assert (len(hook.posts[0]["changed"]), hook.posts[0]["counts"]["changed"]) == (1000, 10_000)


def test_without_a_change_nothing_is_posted() -> None:
    """Without a change, no connection is opened."""
    with Webhook() as hook:
        assert notify(hook.url, Changes("then", (), {"alice": OK})) == ""
        assert hook.connections == 0


@pytest.mark.parametrize(
    ("statuses", "attempts", "why"),
    [
        ([503, 429, 204], 3, ""),
        ([0, 200], 2, ""),
        ([500], 3, "its host answered with HTTP 500"),
        ([404], 1, "its host answered with HTTP 404"),
        ([0], 3, "it did not answer in time"),
    ],
)
def test_a_post_has_three_attempts(
    monkeypatch: pytest.MonkeyPatch, statuses: list[int], attempts: int, why: str
) -> None:
    """A post is sent again only if that may help, three times in all; the final sentence never holds the URL."""
    seconds = 8.0 if 0 not in statuses else 3.0 if len(statuses) > 1 else 0.2  # 0: the webhook does not answer
    monkeypatch.setattr(notification, "_ATTEMPT_SECONDS", seconds)
    with Webhook(statuses) as hook:
        told = notify(f"{hook.url}/{IN_THE_URL}", CHANGES)
        wait_until(lambda: len(hook.posts) >= attempts)  # a busy webhook reads the last post when its sender has gone
        assert len(hook.posts) == attempts
    assert told == "" if not why else why in told
    assert IN_THE_URL not in told
    assert hook.url not in told


def test_all_attempts_have_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time is up, there is no further attempt."""
    monkeypatch.setattr(notification, "SECONDS", 0.6)
    monkeypatch.setattr(notification, "_ATTEMPT_SECONDS", 0.5)
    watch = clock.Stopwatch()
    with Webhook([0]) as hook:
        assert "it did not answer in time" in notify(hook.url, CHANGES)
        assert watch.seconds < 3
        assert hook.connections < 3


def test_a_redirect_is_not_followed() -> None:
    """The target of a redirect gets no request."""
    with Webhook() as other, Webhook([307], f"Location: {other.url}/\r\n") as hook:
        assert "HTTP 307" in notify(hook.url, CHANGES)
        assert other.connections == 0


def test_nothing_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy and no password file of the environment is used."""
    (tmp_path / ".netrc").write_text("default login me password hunter2")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with Webhook() as proxy, Webhook() as hook:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert notify(hook.url, CHANGES) == ""
        assert proxy.connections == 0
    assert "uthorization" not in hook.heads[0]


def test_a_missing_host_is_reported_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection and a name without an address are each reported in a sentence; neither raises."""
    with Webhook() as hook:
        url = hook.url
    assert "it refused the connection" in notify(url, CHANGES)

    def unknown(*_: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "its name could not be resolved" in notify("https://hooks.example/", CHANGES)


def test_a_certificate_must_be_right(monkeypatch: pytest.MonkeyPatch, authority: trustme.CA, bundle: str) -> None:
    """A certificate of an unknown authority, or for another name, gets no post; the right one does."""
    right, wrong = (speaking(authority.issue_cert(name)) for name in (ADDRESS, "keycheck.example"))
    with Webhook(tls=right) as hook:
        assert "its certificate was refused" in notify(hook.url, CHANGES)
        monkeypatch.setattr(allow_list, "DEFAULT_CA_BUNDLE_PATH", bundle)
        assert hook.received == b""
        assert notify(hook.url, CHANGES) == ""
    with Webhook(tls=wrong) as hook:
        assert "its certificate was refused" in notify(hook.url, CHANGES)
        assert hook.received == b""


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://hooks.example/T0/B0?x=%20",
            "https://[2001:db8::1]:8443",
            "http://127.0.0.1:80/x",
            "http://localhost",
        ),
        *("http://[::1]:8080/", "https://xn--nxasmq6b.example/"),
    ],
)
def test_https_and_this_machine_may_be_posted_to(url: str) -> None:
    """A post may go to any host over https, and to this machine over http."""
    assert refusal(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "hooks.example",
            "ftp://hooks.example",
            "file:///etc/passwd",
            "https://",
            "https:///x",
            "http://hooks.example/",
        ),
        *(
            "http://10.0.0.1/",
            "https://me:pass@hooks.example",
            "https://hooks.example/a b",
            "https://h.example/\r\nX: y",
        ),
        *(
            "https://h.example:0/",
            "https://h.example:99999/",
            "https://hüks.example/",
            "https://[::1/",
            "https://h.example/#x",
        ),
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    """Any other URL is refused, in words that follow the option's name, and nothing is posted."""
    assert refusal(url).startswith("must be ")
    with pytest.raises(ValueError, match="must be"):
        notify(url, CHANGES)


@pytest.mark.slow
def test_only_a_fleet_posts() -> None:
    """No module of a run can post: only keycheck/fleet/ imports the module that does."""
    files = [path.relative_to(ROOT).with_suffix("").parts for path in (ROOT / "keycheck").rglob("*.py")]
    users = [parts[1] for parts in files if post.__name__ in imports_of(".".join(parts).removesuffix(".__init__"))]
    assert set(users) == {"fleet"}
