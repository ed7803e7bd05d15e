"""Recording and replay in a user's runs: the shipped cassettes, and a run that is recorded and replayed."""

import copy
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from keycheck.diagnosis.key import HIDDEN_IN_A_RECORDING
from keycheck.redaction.redactor import Redactor
from keycheck.report.model import HIDDEN_HERE
from tests.exchange import API_KEY, API_SECRET, Fault, LocalExchange, Scenario
from tests.exchange.scenarios import SCENARIOS
from tests.matrix import mostly_slow
from tests.record_cassettes import Shipped, shipped
from tests.running import ROOT, Finished, SuiteRunner
from tests.suite_runs import SCHEMA, copy_of_the_suite

FOLDER = ROOT / "cassettes"
ROWS = shipped()


def test_table_names_every_cassette_and_no_other() -> None:
    """Every cassette has a row, and so a verdict that a replay must have."""
    assert ROWS
    assert {row.name for row in ROWS} == {path.stem for path in FOLDER.glob("*.yaml")}


@pytest.mark.parametrize("row", mostly_slow(ROWS, 3), ids=lambda row: row.name)
def test_shipped_cassette_replays_to_its_verdict(row: Shipped, suite: SuiteRunner) -> None:
    """Verdict, exit status and failing checks are those of the table; the run says that it is a replay, and of what."""
    done = suite("--replay", row.name)
    jsonschema.validate(done.verdict, SCHEMA)
    assert (done.verdict["verdict"], done.exit_status) == (row.verdict, row.exit_status)
    assert done.with_outcome("fail") == row.failing
    first = done.verdict["diagnosis"][0] if done.verdict["diagnosis"] else {"cause": "", "confidence": ""}
    assert (first["cause"], first["confidence"]) == (row.cause, row.confidence)
    assert done.verdict["mode"] == "replay"
    assert done.verdict["cassette"]["name"] == row.name
    assert done.verdict["cassette"]["recordedFrom"] == "local exchange"
    assert done.verdict["exchange"] == "local"
    assert "not from Binance" in done.output
    assert f"replay of {row.name}, recorded 20" in done.output
    assert "from local exchange" in done.page


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_shipped_cassette_holds_nothing_private(row: Shipped) -> None:
    """No secret, no signature, no address, no cookie, no balance; hosts and stamps are constants."""
    text = (FOLDER / f"{row.name}.yaml").read_text(encoding="utf-8")
    assert not Redactor([API_KEY, API_SECRET]).knows(text)
    assert not re.search(r"127\.0\.0\.1|203\.0\.113|localhost|[Cc]ookie|balance|orderId|[0-9a-f]{64}", text)
    assert set(re.findall(r"(?:timestamp|signature)=([^&\s]*)", text)) <= {"0"}
    assert set(re.findall(r"uri: https?://([^/]*)/", text)) <= {"futures.invalid", "wallet.invalid"}


def steady(verdict: dict[str, Any]) -> dict[str, Any]:
    """A verdict without what a replay may change: modes, times, the stream's result, and where the IP is shown."""
    kept = copy.deepcopy(verdict)
    for cause in kept["diagnosis"]:
        cause["fix"] = cause["fix"].replace(HIDDEN_HERE, HIDDEN_IN_A_RECORDING)
    for name in ("mode", "startedAt", "durationMs"):
        del kept[name]
    for check in kept["checks"]:
        del check["durationMs"]
        if check["id"] == "user_stream_is_alive":
            del check["outcome"], check["detail"]
    return kept


def recorded(suite: SuiteRunner, scenario: Scenario, cassette: Path, **settings: str) -> Finished:
    """A live run against `scenario`, recorded to `cassette`."""
    with LocalExchange(scenario) as exchange:
        return suite("--record", str(cassette), "--force", settings=exchange.settings() | settings)


RECORDED = {
    **{name: SCENARIOS[name] for name in ("healthy", "ip-refused")},
    "refused connection": Scenario(faults={"/fapi/v1/ping": Fault.reset()}),
    "a captcha of the firewall": Scenario(
        faults={"/fapi/v1/ping": Fault.status(405, "", {"x-amzn-waf-action": "captcha"}, "text/html")}
    ),
    "another place": Scenario(faults={"/sapi/v1/account/apiRestrictions": Fault.country_403()}),
    "stamp refused once": Scenario(faults={"/fapi/v1/order/test": Fault.refused(-1021, times=1)}),
    "another way out": Scenario(permissions={"alpha withdraw": True, "alphaWithdraw": True}),
    "flaky": Scenario(
        faults={"/fapi/v1/time": Fault.reset(times=1), "/fapi/v1/accountConfig": Fault.bad_gateway(times=1)}
    ),
    "firewall": Scenario(faults={"/fapi/v1/ping": Fault.waf_403()}),
    "captive portal": Scenario(faults={"*": Fault.body(b"<html>log in</html>", content_type="text/html")}),
    "rate limited": Scenario(faults={"/fapi/v1/accountConfig": Fault.rate_limited()}),
    "banned": Scenario(faults={"/fapi/v1/time": Fault.banned(1615183669840)}),
    "not an object": Scenario(faults={"/fapi/v1/accountConfig": Fault.body(b"[1, 2]")}),
    "half an answer": Scenario(faults={"/sapi/v1/account/apiRestrictions": Fault.truncated()}),
    "strings for flags": Scenario(
        faults={"/sapi/v1/account/apiRestrictions": Fault.body(b'{"enableFutures": "true"}')}
    ),
    "maintenance": Scenario(faults={"/fapi/v1/time": Fault.maintenance()}),
    "an error with 200": Scenario(faults={"/fapi/v1/order/test": Fault.status(200, '{"orderId":1,"success":false}')}),
    "no order with 200": Scenario(faults={"/fapi/v1/order/test": Fault.status(200, '{"status":"up"}')}),
    "settling": Scenario(symbol_overrides={"BTCUSDT": {"status": "SETTLING"}}),
    "unlisted": Scenario(symbol_overrides={"BTCUSDT": None}),
    "no wallet": Scenario(faults={"/sapi/v1/account/apiRestrictions": Fault.reset()}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_run_replays_to_the_same_json(name: str, suite: SuiteRunner, tmp_path: Path) -> None:
    """The replay's JSON equals the recording's, except for modes and times, even for requests without an answer."""
    cassette = tmp_path / "mine.yaml"
    live = recorded(suite, RECORDED[name], cassette)
    replay = suite("--replay", str(cassette))
    assert steady(replay.verdict) == steady(live.verdict)
    assert replay.exit_status == live.exit_status
    assert not Redactor([API_KEY, API_SECRET]).knows(cassette.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("expected", ["one-way,isolated", "hedge,single-asset,cross"])
def test_a_replay_uses_the_recorded_expectations(
    as_list: bool, expected: str, suite: SuiteRunner, tmp_path: Path
) -> None:
    """A replay compares the account with the recorded BINANCE_EXPECT, whatever the setting is by then."""
    cassette = tmp_path / "mine.yaml"
    scenario = Scenario(symbol_config_is_a_list=as_list)
    live = recorded(suite, scenario, cassette, BINANCE_EXPECT=expected)
    assert live.outcomes["account_is_set_up_as_expected"] == "warn"
    replay = suite("--replay", str(cassette), settings={"BINANCE_EXPECT": "multi-assets"})
    assert steady(replay.verdict) == steady(live.verdict)
    assert "leverage" not in cassette.read_text(encoding="utf-8")


@pytest.mark.slow
def test_run_without_credentials_can_be_recorded(suite: SuiteRunner, tmp_path: Path) -> None:
    """A recording of a run without credentials replays to the same verdict."""
    cassette = tmp_path / "mine.yaml"
    live = recorded(suite, SCENARIOS["healthy"], cassette, BINANCE_API_KEY="", BINANCE_API_SECRET="")
    assert live.with_outcome("fail") == ["credentials_are_present"]
    assert steady(suite("--replay", str(cassette)).verdict) == steady(live.verdict)


@pytest.mark.slow
def test_recording_again_takes_the_new_clock(suite: SuiteRunner, tmp_path: Path) -> None:
    """With --force an older recording of that name is replaced, and not continued."""
    cassette = tmp_path / "mine.yaml"
    recorded(suite, SCENARIOS["healthy"], cassette)
    live = recorded(suite, SCENARIOS["clock-behind"], cassette)
    assert suite("--replay", str(cassette)).verdict["driftMs"] == live.verdict["driftMs"] < -6000


def test_replay_reads_no_credentials_and_opens_no_socket(suite: SuiteRunner, tmp_path: Path) -> None:
    """Settings from outside, good or bad, do not affect a replay, and no request reaches the exchange they name."""
    env_file = tmp_path / "bad.env"
    env_file.write_bytes("BINANCE_API_KEY=x".encode("utf-16"))
    with LocalExchange() as exchange:
        settings = exchange.settings() | {"BINANCE_SYMBOL": "ETHUSDT", "BINANCE_RECV_WINDOW": "nonsense"}
        done = suite("--replay", "healthy", settings=settings, env_file=env_file)
        assert not exchange.log
    assert (done.exit_status, done.verdict["symbol"]) == (0, "BTCUSDT")


@pytest.mark.slow
def test_answer_that_a_cassette_lacks_is_unproven(suite: SuiteRunner, tmp_path: Path) -> None:
    """A request that an older cassette lacks is unproven, and the message says how to record again."""
    cassette = tmp_path / "older.yaml"
    held = yaml.safe_load((FOLDER / "healthy.yaml").read_text(encoding="utf-8"))
    held["interactions"] = [i for i in held["interactions"] if "apiRestrictions" not in i["request"]["uri"]]
    cassette.write_text(yaml.safe_dump(held, allow_unicode=True), encoding="utf-8")
    done = suite("--replay", str(cassette))
    assert done.exit_status == 10
    assert done.check("withdrawals_are_disabled")["outcome"] == "unproven"
    assert "pytest suite/ --record older" in done.check("withdrawals_are_disabled")["detail"]
    assert "signature" not in done.output


def _header_without(name: str) -> str:
    held = yaml.safe_load((FOLDER / "healthy.yaml").read_text(encoding="utf-8"))
    del held["metadata"]["keycheck"][name]
    return str(yaml.safe_dump(held))


NO_CASSETTES: dict[str, str | Callable[[], str]] = {
    "empty": "",
    "not YAML": "{[",
    "a list": "- 1\n- 2\n",
    "a word": "hello",
    "binary": "\x00\x01",
    "not ours": "version: 1\ninteractions: []\n",
    "code": "version: 1\ninteractions: !!python/object/apply:os.system ['touch /tmp/pwned']\n",
    "no symbol": lambda: _header_without("symbol"),
    "no key": lambda: _header_without("key"),
}


@pytest.mark.parametrize("name", mostly_slow(NO_CASSETTES, 3))
def test_file_that_is_not_a_cassette_is_refused_in_a_sentence(name: str, suite: SuiteRunner, tmp_path: Path) -> None:
    """A foreign file ends the run with exit 4 and one line with a remedy, without a traceback."""
    file = tmp_path / "file.yaml"
    text = NO_CASSETTES[name]
    file.write_text(text() if callable(text) else text, encoding="utf-8")
    done = suite("--replay", str(file))
    assert done.exit_status == 4
    (line,) = [line for line in done.output.splitlines() if line.startswith("ERROR: ")]
    assert "file.yaml" in line
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--replay", "no-such"), "there is no cassette no-such"),
        (("--replay", ""), "--replay is empty, perhaps from an unset variable"),
        (("--replay", " "), "needs a name"),
        (("--replay", "healhty"), "did you mean healthy?"),
        (("--replay", "healthy", "--record", "mine"), "--replay and --record exclude each other"),
        (("--record", "healthy"), "healthy.yaml is there already: choose another name for --record, or add --force"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(arguments: tuple[str, ...], said: str, suite: SuiteRunner) -> None:
    """Wrong use ends with exit 4 and one sentence with the remedy."""
    done = suite(*arguments)
    assert done.exit_status == 4
    assert said in done.output
    assert json.dumps(done.verdict["ok"]) == "false"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a link away")
def test_no_cassette_behind_another_users_link_is_replayed(suite: SuiteRunner, tmp_path: Path) -> None:
    """In a working directory of another user, cassettes/ may lead to private recordings of one's own."""
    link = tmp_path / "cassettes"
    link.symlink_to(FOLDER)
    assert suite("--replay", str(link / "healthy.yaml")).exit_status == 0
    os.lchown(link, 12345, 12345)
    done = suite("--replay", str(link / "healthy.yaml"))
    assert done.exit_status == 4
    assert "ERROR: healthy.yaml is behind a link that another user made" in done.output


HOSTILE = (
    "\x1b]0;title\x07\x1b[31mred\x1b[0m\u202eright to left <script>alert(1)</script> </style> <img src=x onerror=y> ]]>"
)


def test_hostile_text_of_a_cassette_is_shown_harmlessly(suite: SuiteRunner, tmp_path: Path) -> None:
    """A hostile text in a cassette puts no control character on the terminal and no markup on the page."""
    held = yaml.safe_load((FOLDER / "wrong-secret.yaml").read_text(encoding="utf-8"))
    for interaction in held["interactions"]:
        if "apiRestrictions" in interaction["request"]["uri"] or "accountConfig" in interaction["request"]["uri"]:
            # The text of an unknown code is shown.
            code = -9999 if "apiRestrictions" in interaction["request"]["uri"] else -2015
            interaction["response"]["body"]["string"] = json.dumps({"code": code, "msg": HOSTILE * 100})
    held["metadata"]["failure/GET /fapi/v1/exchangeInfo/1"] = {"error": "Unreachable", "kind": "x", "message": HOSTILE}
    cassette = tmp_path / "hostile.yaml"
    cassette.write_text(yaml.safe_dump(held, allow_unicode=True), encoding="utf-8")
    done = suite("--replay", str(cassette), "-vv")
    assert done.exit_status == 1
    assert "right to left" in done.output
    for trick in ("\x1b]", "\x07", "\u202e"):
        assert trick not in done.output + done.page + json.dumps(done.verdict, ensure_ascii=False)
    assert "<script>" not in done.page
    assert "<img" not in done.page
    assert len(done.check("signed_requests_are_accepted")["detail"]) <= 800


INERT = '''import os
import socket

import pytest


@pytest.mark.critical
def test_extra(binance, observe):
    """Nothing can leave a replay."""
    for open_one in (
        lambda: socket.create_connection(("127.0.0.1", 9)),
        lambda: socket.socket().connect(("127.0.0.1", 9)),
        lambda: socket.socket().connect_ex(("127.0.0.1", 9)),
        lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
        lambda: socket.getaddrinfo("localhost", 9),
        lambda: socket.gethostbyname("localhost"),
    ):
        with pytest.raises(Exception, match="a replay opens no connection"):
            open_one()
    assert binance._client._identity.api_key is None
    assert not [name for name in os.environ if name.startswith("BINANCE_")]
'''


@pytest.mark.slow
def test_replay_is_inert(tmp_path: Path) -> None:
    """A replay cannot open a socket, and does not read the .env beside it."""
    root = copy_of_the_suite(tmp_path)
    (root / "suite" / "test_8_extra.py").write_text(INERT, encoding="utf-8")
    (root / ".env").write_text(f"BINANCE_API_KEY={API_KEY}\nBINANCE_API_SECRET={API_SECRET}\n", encoding="utf-8")
    suite = SuiteRunner(tmp_path, root)
    done = suite("--replay", str(FOLDER / "healthy.yaml"), env_file=root / ".env")
    assert done.outcomes["extra"] == "pass", done.check("extra")["detail"]
    assert not Redactor([API_KEY, API_SECRET]).finds(done.output + done.page + json.dumps(done.verdict))
