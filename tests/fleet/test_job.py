"""The job of a lane's machine: it checks the text, finds the key itself, and spends from its own purse."""

import json
from pathlib import Path
from typing import Any

import pytest

from keycheck import process
from keycheck.exchange.rate_limit import Limits
from keycheck.fleet.accounts import Account, Lane
from keycheck.fleet.job import run_job, text_of
from keycheck.purse import Purse
from tests.exchange import API_KEY, API_SECRET
from tests.fleet.stubs import OK

LANE = Lane("local", 0.01)  # one run a minute
DEMO = {"BINANCE_ENVIRONMENT": "demo"}


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of keys; the purse is the test's own, too."""
    folder = tmp_path / "keys"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (folder / "alice.env").write_text("BINANCE_API_KEY=k\nBINANCE_SYMBOL=ETHUSDT\n")
    return folder


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, str], Path]]:
    """The runs that began, each with its settings and its settings file. They are stubs, which end at once."""
    begun: list[tuple[dict[str, str], Path]] = []

    def run(settings: dict[str, str], *, env_file: Path, **_: Any) -> process.Finished:
        begun.append((settings, env_file))
        return process.Finished(OK, "page", limits=Limits(spent=15))

    monkeypatch.setattr(process, "run", run)
    return begun


def ask(keys: Path | None, account: Account | None = None, lane: Lane = LANE) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run_job(text_of(account or Account("alice"), lane, sharing=False), keys))
    return found


def test_the_machine_finds_the_key_in_its_own_folder(
    keys: Path, ran: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials come only from NAME.env. A setting of the job wins over the machine's own setting."""
    monkeypatch.setenv("KEYCHECK_KEYS", str(keys))
    for name, value in {"SYMBOL": "BTCUSDT", "FUTURES_URL": "http://127.0.0.1:1", "API_SECRET": "x"}.items():
        monkeypatch.setenv(f"BINANCE_{name}", value)
    account = Account("alice", settings={"BINANCE_SYMBOL": "XRPUSDT"})
    assert ask(None, account) == {"account": "alice", "verdict": OK, "page": "page", "weight": 15}
    settings = {"BINANCE_SYMBOL": "XRPUSDT", "BINANCE_FUTURES_URL": "http://127.0.0.1:1"}
    assert ran == [(settings, keys / "alice.env")]


def test_a_relative_path_is_handed_over_whole(keys: Path, ran: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative CA file in NAME.env is found from the caller's working directory, though the child has another one."""
    monkeypatch.chdir(keys)
    Path("ca.pem").touch()
    Path("alice.env").write_text("BINANCE_CA_BUNDLE=ca.pem\n")
    assert "verdict" in ask(keys)
    assert ran == [({"BINANCE_CA_BUNDLE": str(keys / "ca.pem")}, keys / "alice.env")]


@pytest.mark.parametrize(
    ("name", "lane"), [(API_KEY[:12], "local"), ("alice", API_SECRET[20:50])], ids=["name", "lane"]
)
def test_an_account_named_by_its_key_is_not_tested(name: str, lane: str, keys: Path, ran: list[Any]) -> None:
    """On a lane's machine, which alone knows the key, the answer says to rename the account or the lane."""
    (keys / f"{name}.env").write_text(f"BINANCE_API_KEY={API_KEY}\nBINANCE_API_SECRET={API_SECRET}\n")
    verdict = ask(keys, Account(name), Lane(lane, LANE.share))["verdict"]
    assert (verdict["verdict"], ran) == ("UNPROVEN", [])
    (cause,) = verdict["diagnosis"]
    assert "its name or its lane's holds a part of its key or secret" in cause["explanation"]


def test_without_weight_no_run_begins(keys: Path, ran: list[Any]) -> None:
    """Without weight, the answer says how long to wait, and why. Each environment has a counter of its own."""
    assert "verdict" in ask(keys)
    found = ask(keys)
    assert found["wait"] == 60
    assert found["why"].startswith("The 1 % of the request weight")
    assert "verdict" in ask(keys, Account("alice", settings=DEMO))
    (keys / "alice.env").write_text("BINANCE_ENVIRONMENT=demo\n")
    assert [ask(keys).keys() & {"verdict", "wait"} for _ in range(4)] == [{"verdict"}] * 3 + [{"wait"}]
    assert len(ran) == 5


def test_a_stop_of_an_accounts_own_proxy_stops_no_other_account(
    keys: Path, ran: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While an account's own proxy or host may send nothing, this account is UNPROVEN, and the lane need not wait."""
    Purse(keys.parent / "keycheck", route=" 127.0.0.1:9").settle(0, Limits(wait=200_000))
    (keys / "alice.env").write_text("BINANCE_PROXY=http://127.0.0.1:9\n")
    (cause,) = ask(keys)["verdict"]["diagnosis"]
    assert "has told this host or proxy to send nothing for a time" in cause["explanation"]
    assert cause["fix"] == "test this account again in 200000 s"
    assert not ran
    (keys / "bob.env").touch()
    assert "verdict" in ask(keys, Account("bob"))
    monkeypatch.setenv("BINANCE_PROXY", "http://127.0.0.1:9")  # the lane's own
    assert ask(keys, Account("bob"))["wait"] == 200_000
    assert len(ran) == 1


def test_a_run_with_more_requests_reserves_more_weight(keys: Path, ran: list[Any]) -> None:
    """The margin type adds 5 to a run's 15: a share of 30 is enough for two usual runs, but for only one of these."""
    for expected, runs in (("isolated", 1), ("hedge", 1 + 2)):
        (keys / "alice.env").write_text(f"BINANCE_EXPECT={expected}\n")
        for _ in range(3):
            run_job(text_of(Account("alice"), Lane("local", 0.0125), sharing=False), keys)
        assert len(ran) == runs
        (keys.parent / "keycheck/purse.sqlite").unlink()


@pytest.mark.parametrize(
    ("text", "why", "fix"),
    [
        (None, "used: there is no settings file alice.env.", "put it into the folder of keys on its lane's machine"),
        (b"\xff\xfe", "used: alice.env is not UTF-8 text (PowerShell's > writes UTF-16).", "save it again with"),
        (b"BINANCE_SYMBOL=!!\n", "BINANCE_SYMBOL is not a contract's name", "such as BTCUSDT"),
        (b"BINANCE_PRIVATE_KEY_FILE=gone.pem\n", "the file that BINANCE_PRIVATE_KEY_FILE names is not there.", "corre"),
    ],
)
def test_an_account_whose_file_cannot_be_used_is_unproven(
    text: bytes | None, why: str, fix: str, keys: Path, ran: list[Any]
) -> None:
    """A bad settings file makes its account UNPROVEN, with the run's own sentence, and spends no weight."""
    (keys / "bob.env").write_text("BINANCE_API_KEY=k\n")
    (keys / "alice.env").unlink() if text is None else (keys / "alice.env").write_bytes(text)
    found = ask(keys)
    (cause,) = found["verdict"]["diagnosis"]
    assert (found["verdict"]["verdict"], cause["cause"], found["weight"]) == ("UNPROVEN", "run_not_finished", 0)
    assert why in cause["explanation"] + cause["fix"]
    assert fix in cause["fix"]
    assert "--env-file" not in json.dumps(found)
    assert ask(keys, Account("bob"))["weight"] == 15
    assert len(ran) == 1


def test_a_broken_purse_makes_accounts_unproven(keys: Path, ran: list[Any]) -> None:
    """If the purse's file cannot be used, accounts are UNPROVEN, and nothing is sent: waiting would not help."""
    (keys.parent / "keycheck").write_text("a file")
    (cause,) = ask(keys)["verdict"]["diagnosis"]
    assert "purse.sqlite, in which this machine counts its request weight, cannot be used" in cause["explanation"]
    assert cause["fix"].startswith("make room on its disk, remove the file")
    assert not ran


@pytest.mark.usefixtures("keys")
def test_a_machine_without_a_folder_of_keys_says_so(ran: list[Any]) -> None:
    """Without a folder of keys, the account is UNPROVEN, and the fix names the variable KEYCHECK_KEYS."""
    (cause,) = ask(None)["verdict"]["diagnosis"]
    assert "in KEYCHECK_KEYS on a lane's machine" in cause["fix"]
    assert not ran


JOB = json.loads(text_of(Account("alice"), LANE, sharing=True))


@pytest.mark.parametrize(
    "changes",
    [
        {"account": "../alice"},
        {"account": "/etc/passwd"},
        {"account": ".alice"},
        {"account": "alice\n"},
        {"account": None},
        {"settings": {"BINANCE_FUTURES_URL": "https://evil.example"}},
        {"settings": {"BINANCE_PROXY": "http://evil.example"}},
        {"settings": {"BINANCE_PRIVATE_KEY_FILE": "/etc/passwd"}},
        {"settings": {"BINANCE_ALLOW_OTHER_HOSTS": "on"}},
        {"settings": {"PATH": "x"}},
        {"settings": {"BINANCE_SYMBOL": "../x"}},
        {"settings": {"BINANCE_SYMBOL": 5}},
        {"lane": "a/b"},
        {"share": 2.0},
        {"share": 1},
        {"sharing": 1},
        {"keys": "/etc"},
        {"settings": {"BINANCE_EXPECT": "x" * 2**14}},
    ],
)
def test_a_text_that_is_not_a_job_is_refused(changes: dict[str, Any], keys: Path, ran: list[Any]) -> None:
    """A job that names a path, host, proxy or credential, or has a wrong form, is refused, and nothing is run."""
    with pytest.raises(ValueError, match=r".: ."):
        run_job(json.dumps(JOB | changes), keys)
    assert not ran


@pytest.mark.parametrize("text", ["", "[]", "[" * 5000, "{}", json.dumps(JOB)[:-1], '{"account": "\ud800"}'])
def test_a_malformed_text_is_refused(text: str, keys: Path, ran: list[Any]) -> None:
    """A malformed text is refused, even JSON that is nested too deeply for Python, or a lone surrogate."""
    with pytest.raises(ValueError, match="not a job of a fleet"):
        run_job(text, keys)
    assert not ran
