"""The user data stream in a run: what is requested, what is left alone, and where the listen key may appear."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from keycheck.cassettes.label import Label, as_plain, label_from
from keycheck.credentials.pasted_text import KeyFacts
from keycheck.errors import NotApplicable, NotBinance, RateLimited, UsageProblem
from keycheck.exchange import refusal_text
from keycheck.exchange.endpoints import LISTEN_KEY as ASKED
from keycheck.exchange.user_stream import closed, is_listen_key, listen_key, secrets_in, subscriptions_in, trouble_in
from keycheck.redaction.redactor import Redactor
from keycheck.redaction.secret import Secret
from keycheck.settings import loading as reading
from keycheck.settings.loading import Settings
from keycheck.verdict.findings import Outcome
from tests.exchange import LISTEN_KEY, Fault, LocalExchange, Scenario, StreamFault
from tests.exchange.streams import MUTE_ON_DEMO
from tests.in_process import outcome_of, session
from tests.matrix import mostly_slow
from tests.running import Finished, SuiteRunner
from tests.suite_runs import run

OPENED, ALIVE = "user_stream_can_be_opened", "user_stream_is_alive"
PATH = ASKED.path


def shown_by(done: Finished, cassette: str = "") -> str:
    """The text of all that a run leaves."""
    return done.output + done.page + json.dumps(done.verdict) + cassette


# -- the listen key --


def test_a_listen_key_is_requested_with_the_key_alone(exchange: LocalExchange) -> None:
    """The request for a listen key has no stamp, signature or parameter, and is sent once for both checks."""
    with session(exchange) as binance:
        assert outcome_of(OPENED, binance)[0] is outcome_of(ALIVE, binance)[0] is Outcome.PASS
        assert [call.name for call in binance.calls] == [f"POST {PATH}"]
    (one,) = exchange.requests_to(PATH)
    assert (one.method, one.raw_query, one.body) == ("POST", "", b"")
    assert "x-mbx-apikey" in one.headers
    assert len(exchange.streams) == 1


REFUSING = {
    "unknown key": (Scenario(api_key="A" * 64), Outcome.WARN, "-2015"),
    "address": (Scenario(ip_allowed=False), Outcome.WARN, "-2015"),
    "portfolio margin": (Scenario(futures_refuses=True), Outcome.WARN, "-2015"),
    "trouble": (Scenario(faults={PATH: Fault.overloaded_503()}), Outcome.UNPROVEN, "-1008"),
    "a firewall": (Scenario(faults={PATH: Fault.waf_403()}), Outcome.UNPROVEN, "firewall"),
    "cut": (Scenario(faults={PATH: Fault.reset()}), Outcome.UNPROVEN, "cut the connection off"),
    "format": (Scenario(faults={PATH: Fault.refused(-1102)}), Outcome.UNPROVEN, "-1102"),
    "nothing": (Scenario(faults={PATH: Fault.body(b"{}")}), Outcome.UNPROVEN, "listen key"),
    "a number": (Scenario(faults={PATH: Fault.body(b'{"listenKey":1}')}), Outcome.UNPROVEN, "listen key"),
    "an address": (Scenario(faults={PATH: Fault.body(b'{"listenKey":"a&b=c"}')}), Outcome.UNPROVEN, "listen key"),
}


@pytest.mark.parametrize(("scenario", "outcome", "said"), REFUSING.values(), ids=REFUSING)
def test_only_a_refusal_that_speaks_of_the_key_is_a_warning(scenario: Scenario, outcome: Outcome, said: str) -> None:
    """Only a refusal about the key is a warning; without a listen key no stream is opened."""
    with LocalExchange(scenario) as exchange, session(exchange) as binance:
        found, noted = outcome_of(OPENED, binance)
        assert (found, said in str(noted)) == (outcome, True)
        assert outcome_of(ALIVE, binance)[0] is Outcome.UNPROVEN
        assert exchange.streams == []
        assert len(exchange.requests_to(PATH)) == 1  # a POST is not sent again


def test_after_a_limit_no_stream_is_opened(exchange: LocalExchange) -> None:
    """After a limit the stream is not opened either."""
    with session(exchange) as binance:
        binance.stream_key()
        binance._client._stopped = RateLimited("too many")
        assert outcome_of(ALIVE, binance)[0] is Outcome.UNPROVEN
    assert exchange.streams == []


@pytest.mark.parametrize("text", [LISTEN_KEY, "a" * 16, "x-_" * 20])
def test_a_listen_key_is_a_name(text: str) -> None:
    """A listen key consists of letters, digits and two signs, and is a Secret."""
    found = listen_key({"listenKey": text})
    assert (found.reveal(), str(found)) == (text, "Secret(hidden)")


@pytest.mark.parametrize(
    "text", ["", "short", "a" * 300, "a/" * 20, "a&b=" * 20, "ü" * 20, f"{'a' * 20}\n", None, 7, []]
)
def test_a_text_without_the_form_of_a_listen_key_opens_nothing(text: object) -> None:
    """A listen key becomes part of an address, so only a text of its form is accepted."""
    assert not is_listen_key(text)
    with pytest.raises(NotBinance):
        listen_key({"listenKey": text})


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (b'{"error":{"code":2,"msg":"Invalid request"}}', "an error (code 2)"),
        (b'{"error":{"code":-1125,"msg":"x"},"id":null}', "an error (code -1125)"),
        (b'{"error":{"code":"-1125","msg":"x"}}', "an error (no code)"),
        (b'{"error":{"code":1e99}}', "an error (no code)"),
        (b'{"stream":"x","data":{"error":{"code":2}}}', "an error (code 2)"),
        (b'{"e":"listenKeyExpired","E":"1693427319838","listenKey":"x"}', "a listen key has expired"),
        (b'{"e":"listenKeyExpired","E":1693427319838}', "a listen key has expired"),
        (b'{"stream":"x","data":{"e":"listenKeyExpired"}}', "a listen key has expired"),
    ],
)
def test_errors_of_a_stream_are_understood(message: bytes, said: str) -> None:
    """The observation names an error's code, and quotes no text of the message."""
    found = trouble_in(message)
    assert found
    assert not found.alive
    assert said in str(found)
    assert str(found) != str(closed(1008))


@pytest.mark.parametrize(
    "message",
    [
        *(b"", b"error", b"\xff", b"[1]", b'{"e":"x"}', b'{"error":{}', b'{"data":{"e":1}}', b'{"error":null}'),
        b'{"e":"error","code":-1125,"msg":"This listenKey does not exist."}',  # a client library's, never the host's
    ],
)
def test_other_messages_do_not_make_a_stream_sick(message: bytes) -> None:
    """Other messages, even meaningless ones, are not an error of the stream."""
    assert trouble_in(message) is None


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (b'{"e":"listenKeyExpired","listenKey":"abc"}', ["abc"]),
        (b'{"stream":"x","data":{"listenKey":"abc"}}', ["abc"]),
        (b'{"e":"listenKeyExpired","listenKey":7}', []),
        (b'{"e":"x"}', []),
        (b"rubbish", []),
    ],
)
def test_a_message_may_carry_a_listen_key(message: bytes, found: list[str]) -> None:
    """A listen key is found in a message of any event."""
    assert secrets_in(message) == found


# -- settings --


def load(tmp_path: Path, **values: str) -> Settings:
    """The settings of a run with only these values."""
    return reading.load(tmp_path / "none", environ=values)


def test_the_futures_host_decides_the_streams_host(tmp_path: Path) -> None:
    """Production and demo have a known stream host; for another futures host, BINANCE_STREAM_URL names it."""
    assert load(tmp_path).stream_url == "wss://fstream.binance.com"
    assert load(tmp_path, BINANCE_ENVIRONMENT="demo").stream_url == "wss://fstream.binancefuture.com"
    elsewhere = {"BINANCE_FUTURES_URL": "https://proxy.example.com", "BINANCE_ALLOW_OTHER_HOSTS": "on"}
    assert load(tmp_path, **elsewhere).stream_url is None
    named = load(tmp_path, **elsewhere, BINANCE_STREAM_URL="wss://stream.example.com/")
    assert named.stream_url == "wss://stream.example.com"


@pytest.mark.parametrize(("value", "is_on"), [("", True), ("on", True), (" off ", False)])
def test_the_stream_can_be_turned_off(tmp_path: Path, value: str, is_on: bool) -> None:
    """The stream is on by default."""
    assert load(tmp_path, BINANCE_USER_STREAM=value).user_stream is is_on


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("BINANCE_USER_STREAM", value) for value in ("yes", "OFF", "0", "false")),
        *(
            ("BINANCE_STREAM_URL", value)
            for value in ("ws://stream.example.com", "https://x", "wss://x/path", "wss://a@b")
        ),
    ],
)
def test_a_word_other_than_on_and_off_is_a_usage_error(tmp_path: Path, name: str, value: str) -> None:
    """The error names the setting and does not repeat its value."""
    with pytest.raises(UsageProblem, match=name) as caught:
        load(tmp_path, **{name: value})
    assert value not in str(caught.value).replace("wss://HOST", "")


def test_a_listen_key_does_not_pass_a_proxy_in_clear(tmp_path: Path) -> None:
    """No listen key goes unencrypted through a proxy, just as no API key does."""
    with pytest.raises(UsageProblem, match="BINANCE_STREAM_URL is ws"):
        load(tmp_path, BINANCE_STREAM_URL="ws://127.0.0.1:1", BINANCE_PROXY="http://proxy.example.com:3128")


# -- whole runs --


def test_a_healthy_run_opens_the_stream_once(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """A healthy run opens one stream, does not count it as a request, and closes no listen key.

    The host opens a stream for any listen key, so the check's claim is only about the host.
    """
    done = suite(settings=exchange.settings())
    assert (done.exit_status, done.outcomes[OPENED], done.outcomes[ALIVE]) == (0, "pass", "pass")
    assert len(exchange.streams) == len(exchange.requests_to(PATH)) == 1
    assert done.verdict["requests"]["count"] == len(exchange.log)
    assert {one.method for one in exchange.log} == {"GET", "POST"}
    assert exchange.stream_url in done.output
    assert not Redactor([LISTEN_KEY]).finds(shown_by(done))
    assert (
        done.check(ALIVE)["title"] == "The user data stream's host can be reached from this machine and answers a ping."
    )
    assert done.check(ALIVE)["detail"] == "the stream's host was reached, and answered a ping"
    assert "made-up" in done.check(ALIVE)["why"]


SICK = {
    "refused": Scenario(faults={PATH: Fault.refused(-2015)}),
    "trouble": Scenario(faults={PATH: Fault.bad_gateway()}),
    "echo": Scenario(faults={PATH: Fault.echo(400)}),
    "error": Scenario(stream=StreamFault.error("no {listen_key}")),
    "expired": Scenario(stream=StreamFault.expired()),
    "challenge": Scenario(stream=StreamFault.challenge()),
    "closed": Scenario(stream=StreamFault.closed(1008, "{listen_key}")),
    "portal": Scenario(stream=StreamFault.refused(200, "<html>{listen_key}")),
    "refused stream": Scenario(
        stream=StreamFault.refused(401, '{"code":-2015,"msg":"{listen_key}"}', "application/json")
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SICK)
def test_a_sick_stream_is_advice(suite: SuiteRunner, name: str) -> None:
    """A sick stream changes neither verdict nor exit status, and has no cause in the diagnosis."""
    done = run(suite, SICK[name])
    assert (done.exit_status, done.verdict["verdict"], done.verdict["diagnosis"]) == (0, "OK", [])
    assert {done.outcomes[OPENED], done.outcomes[ALIVE]} & {"warn", "unproven"}
    assert not Redactor([LISTEN_KEY]).finds(shown_by(done))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["trouble", "portal"])
def test_a_sick_stream_is_not_a_cause_of_another_verdict(suite: SuiteRunner, name: str) -> None:
    """With a key that can withdraw, the diagnosis names only that cause, even if the stream is sick, too."""
    sick = SICK[name]
    done = run(suite, Scenario(permissions={"enableWithdrawals": True}, faults=sick.faults, stream=sick.stream))
    assert [one["cause"] for one in done.verdict["diagnosis"]] == ["withdrawals_enabled"]


@pytest.mark.slow
def test_a_limit_is_a_cause_wherever_it_was_met(suite: SuiteRunner) -> None:
    """A limit on the request for a listen key ends the run, so it is a cause."""
    done = run(suite, Scenario(faults={PATH: Fault.rate_limited(30)}))
    assert done.exit_status == 10
    assert [one["cause"] for one in done.verdict["diagnosis"]] == ["rate_limited"]


@pytest.mark.parametrize(("status", "cause"), mostly_slow([(429, "rate_limited"), (418, "ip_banned")], 1))
def test_a_limit_of_the_streams_host_ends_the_run(suite: SuiteRunner, tmp_path: Path, status: int, cause: str) -> None:
    """In a recording the test orders come after the stream, so a limit of its host prevents them; a replay agrees."""
    cassette = tmp_path / "limited.yaml"
    limited = StreamFault.refused(status, '{"code": -1003, "msg": "Too many requests."}', "application/json")
    with LocalExchange(Scenario(stream=replace(limited, headers={"Retry-After": "7"}))) as exchange:
        live = suite("--record", str(cassette), settings=exchange.settings())
        assert len(exchange.streams) == 1
        assert not exchange.requests_to("/fapi/v1/order/test")
    replayed = suite("--replay", str(cassette))
    assert (live.exit_status, live.outcomes[ALIVE]) == (10, "unproven")
    assert [one["cause"] for one in live.verdict["diagnosis"]] == [cause]
    assert f"HTTP {status}, code -1003" in str(live.verdict["diagnosis"])
    assert "wait 7 s" in str(live.verdict["diagnosis"])
    assert (replayed.exit_status, replayed.outcomes) == (live.exit_status, live.outcomes)
    assert replayed.verdict["diagnosis"] == live.verdict["diagnosis"]


@pytest.mark.slow
def test_a_place_closed_to_the_stream_is_closed_to_orders(suite: SuiteRunner, tmp_path: Path) -> None:
    """If the stream's host does not serve this place, no order is sent, and the run and its replay are NOT_OK."""
    cassette = tmp_path / "closed.yaml"
    with LocalExchange(Scenario(stream=StreamFault.refused(451))) as exchange:
        live = suite("--record", str(cassette), settings=exchange.settings())
        assert not exchange.requests_to("/fapi/v1/order/test")
    for done in (live, suite("--replay", str(cassette))):
        assert (done.exit_status, done.with_outcome("fail")) == (1, ["order_gate_checks_orders"])
        assert [one["cause"] for one in done.verdict["diagnosis"]] == ["restricted_location"]
        assert "the stream API is closed to the place" in done.output


@pytest.mark.parametrize("status", [429, 418])
def test_nothing_is_sent_after_a_limit_of_the_streams_host(status: int) -> None:
    """A limit of the stream's host is a limit on this machine's address, so the session sends nothing more."""
    with LocalExchange(Scenario(stream=StreamFault.refused(status))) as exchange, session(exchange) as binance:
        with pytest.raises(RateLimited):
            binance.user_stream()
        before = len(exchange.log)
        for ask in (binance.locks, binance.exchange_info, binance.smallest_order):
            with pytest.raises(RateLimited, match="not sent"):
                ask()
        assert len(exchange.log) == before
        assert [call.status for call in binance.calls][-1] == status


@pytest.mark.slow
def test_off_leaves_the_stream_alone(suite: SuiteRunner, exchange: LocalExchange, tmp_path: Path) -> None:
    """With BINANCE_USER_STREAM=off no listen key is requested; both checks and a replay of the run say why."""
    cassette = tmp_path / "off.yaml"
    done = suite("--record", str(cassette), settings=exchange.settings() | {"BINANCE_USER_STREAM": "off"})
    assert exchange.requests_to(PATH) == exchange.streams == []
    for ended in (done, suite("--replay", str(cassette))):
        assert (ended.exit_status, ended.outcomes[OPENED], ended.outcomes[ALIVE]) == (0, *["not_applicable"] * 2)
        assert "BINANCE_USER_STREAM is off" in ended.check(OPENED)["detail"]


@pytest.mark.slow
def test_another_futures_host_has_a_stream_of_its_own(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """Another futures host opens no stream at Binance: without BINANCE_STREAM_URL the check is not applicable."""
    settings = exchange.settings()
    del settings["BINANCE_STREAM_URL"]
    done = suite(settings=settings)
    assert (done.exit_status, done.outcomes[OPENED], done.outcomes[ALIVE]) == (0, "pass", "not_applicable")
    assert "BINANCE_STREAM_URL" in done.check(ALIVE)["detail"]
    assert "fstream" not in done.output


@pytest.mark.slow
def test_a_cassette_knows_that_there_was_a_listen_key(
    suite: SuiteRunner, exchange: LocalExchange, tmp_path: Path
) -> None:
    """A cassette holds a constant in place of the listen key, and a replay says why it opens no stream."""
    cassette = tmp_path / "mine.yaml"
    live = suite("--record", str(cassette), settings=exchange.settings())
    text = cassette.read_text(encoding="utf-8")
    done = suite("--replay", str(cassette))
    assert (live.outcomes[ALIVE], live.exit_status) == ("pass", 0)
    assert (done.outcomes[OPENED], done.outcomes[ALIVE], done.exit_status) == ("pass", "not_applicable", 0)
    assert done.check(OPENED)["detail"] == live.check(OPENED)["detail"] == "the futures API gave a listen key"
    assert "a replay opens no connection" in done.check(ALIVE)["detail"]
    assert re.findall(r"listenKey\\?\":\\?\"([^\"\\]*)", text) == ["a-listen-key-was-given"]
    assert not re.search(r"/private|/ws|LIST_SUBSCRIPTIONS", text)
    assert not Redactor([LISTEN_KEY]).finds(shown_by(done, text) + shown_by(live))


SUBSCRIBED = Scenario(subscriptions='{"result":["{listen_key}@ORDER_TRADE_UPDATE"],"id":1}')
PROBED = 'LIST_SUBSCRIPTIONS was answered {"result":["[hidden](ours)@ORDER_TRADE_UPDATE"]}'


@pytest.mark.slow
@pytest.mark.parametrize(("options", "is_sent"), [((), False), (("-v",), False), (("-vv",), True)])
def test_only_vv_sends_the_probe(suite: SuiteRunner, options: tuple[str, ...], *, is_sent: bool) -> None:
    """Only -vv sends the probe; its answer is added to the observation, and nothing else changes."""
    with LocalExchange(SUBSCRIBED) as exchange:
        done = suite(*options, settings=exchange.settings())
        assert len(exchange.stream_messages) == is_sent
    assert (done.exit_status, done.outcomes[ALIVE]) == (0, "pass")
    assert (PROBED in done.check(ALIVE)["detail"]) is is_sent
    assert not Redactor([LISTEN_KEY]).finds(shown_by(done))


def test_addresses_and_accounts_in_a_probes_answer_are_hidden() -> None:
    """The probe's answer may hold anything, as a refusal may: addresses and accounts in it are hidden."""
    said = b'{"result":["jo@mail.invalid of 203.0.113.7, 12345.67"],"id":1}'
    text = subscriptions_in(said, Secret(LISTEN_KEY)) or ""
    assert text.startswith('{"result":[')
    assert not [one for one in ("jo@", "203.0.113.7", "12345.67") if one in text]


def test_only_the_beginning_of_a_probes_answer_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer may be as long as a message, and nothing can interrupt a search for addresses in it."""
    masked: list[str] = []

    def fit_to_show(_: object, text: str) -> str:
        masked.append(text)
        return text

    monkeypatch.setattr(refusal_text, "fit_to_show", fit_to_show)
    assert subscriptions_in(json.dumps({"result": ["1.1.1. " * 100_000], "id": 1}).encode(), Secret(LISTEN_KEY))
    assert [len(text) for text in masked] == [4000]


@pytest.mark.slow
def test_a_recording_keeps_what_the_probe_was_answered(suite: SuiteRunner, tmp_path: Path) -> None:
    """A recording holds the probe's answer, and a replay of it opens no stream."""
    cassette = tmp_path / "mine.yaml"
    with LocalExchange(SUBSCRIBED) as exchange:
        live = suite("-vv", "--record", str(cassette), settings=exchange.settings())
    text = cassette.read_text(encoding="utf-8")
    done = suite("-vv", "--replay", str(cassette))
    assert (live.exit_status, live.outcomes[ALIVE]) == (0, "pass")
    assert PROBED in text
    assert (done.exit_status, done.outcomes[ALIVE]) == (0, "not_applicable")
    assert not Redactor([LISTEN_KEY]).finds(shown_by(done, text) + shown_by(live))


@pytest.mark.slow
def test_the_demo_network_is_met_at_its_own_address(suite: SuiteRunner) -> None:
    """On the demo network the stream uses the address that delivers messages there."""
    with LocalExchange(Scenario(mute_streams=MUTE_ON_DEMO)) as exchange:
        settings = exchange.settings() | {"BINANCE_ENVIRONMENT": "demo"}
        del settings["BINANCE_WALLET_URL"]
        done = suite(settings=settings)
        assert [one.path for one in exchange.streams] == [f"/ws/{LISTEN_KEY}"]
    assert (done.exit_status, done.outcomes[ALIVE]) == (0, "pass")
    assert not Redactor([LISTEN_KEY]).finds(shown_by(done))


@pytest.mark.slow
def test_an_older_cassette_has_no_stream(suite: SuiteRunner, exchange: LocalExchange, tmp_path: Path) -> None:
    """An older cassette does not hold the stream; its replay has the same verdict."""
    cassette = tmp_path / "older.yaml"
    suite("--record", str(cassette), settings=exchange.settings())
    text = cassette.read_text(encoding="utf-8").replace("/fapi/v1/listenKey", "/fapi/v1/ping")
    cassette.write_text(text.replace("    has_stream: true\n", ""), encoding="utf-8")
    done = suite("--replay", str(cassette))
    assert (done.exit_status, done.outcomes[OPENED], done.outcomes[ALIVE]) == (0, "unproven", "blocked")


@pytest.mark.slow
def test_words_of_a_cassette_are_not_secrets(suite: SuiteRunner, exchange: LocalExchange, tmp_path: Path) -> None:
    """The text of a hostile cassette is not treated as a secret, which would hide sentences of the report."""
    cassette = tmp_path / "hostile.yaml"
    suite("--record", str(cassette), settings=exchange.settings())
    text = cassette.read_text(encoding="utf-8").replace("a-listen-key-was-given", "withdrawals_are_disabled")
    cassette.write_text(text, encoding="utf-8")
    done = suite("--replay", str(cassette))
    assert (done.exit_status, done.outcomes["withdrawals_are_disabled"]) == (0, "pass")
    assert "hidden" not in done.output


@pytest.mark.parametrize("value", ["yes", 0, None, [True]])
def test_a_label_says_whether_there_was_a_stream(value: object) -> None:
    """A label has `has_stream`; an older one without it means yes."""
    label = Label("mine", "2026-11-20T08:13:00Z", "demo", "0.1.0", "demo", "BTCUSDT", 5000, False, KeyFacts())
    kept = as_plain(label)
    assert label_from(kept | {"has_stream": False}, "mine") == replace(label, has_stream=False)
    assert label_from({name: text for name, text in kept.items() if name != "has_stream"}, "mine") == label
    with pytest.raises(ValueError, match="not a flag"):
        label_from(kept | {"has_stream": value}, "mine")


@pytest.mark.slow
def test_a_library_that_cannot_be_imported_costs_one_check(process: SuiteRunner, exchange: LocalExchange) -> None:
    """websockets fails to import with a bad setting of its own; one check is unproven, and the verdict is the same."""
    done = process(settings=exchange.settings() | {"WEBSOCKETS_MAX_LINE_LENGTH": "x"})
    assert (done.exit_status, done.verdict["verdict"]) == (0, "OK")
    assert (done.outcomes[OPENED], done.outcomes[ALIVE]) == ("pass", "unproven")
    assert "Traceback" not in done.output


def test_a_session_without_a_stream_says_so(exchange: LocalExchange) -> None:
    """A session with the stream turned off raises NotApplicable, which does not count as a failure."""
    with session(exchange, BINANCE_USER_STREAM="off") as binance, pytest.raises(NotApplicable, match="is off"):
        binance.user_stream()
    assert exchange.log == []
