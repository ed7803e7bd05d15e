"""ACCOUNTS is a folder of NAME.env files, or a TOML file; a bad one is refused in one sentence."""

from pathlib import Path

import pytest

from keycheck.errors import UsageProblem
from keycheck.fleet.accounts import Account, Fleet, Lane, read

TOML = """
[lanes.tokyo]
share = 0.25
[lanes.osaka]
[accounts.alice]
lane = "tokyo"
symbol = "ETHUSDT"
recv_window = 6000
user_stream = false
[accounts.bob]
lane = "osaka"
[accounts.carol]
environment = "demo"
"""


def in_file(folder: Path, text: str) -> Fleet:
    path = folder / "accounts.toml"
    path.write_text(text)
    return read(path, 0.5)


def test_a_folder_has_an_account_for_each_file(tmp_path: Path) -> None:
    """A folder has an account for each NAME.env, in the order of names; no file is opened, and others are ignored."""
    for name in ("bob.env", "alice.env", ".env", ".carol.env.swp", "alice.env~", "README"):
        (tmp_path / name).touch(mode=0)
    assert read(tmp_path, 0.5) == Fleet({"local": Lane("local", 0.5)}, [Account("alice"), Account("bob")])


def test_a_file_names_lanes_and_settings(tmp_path: Path) -> None:
    """A lane has its own share, or that of --share; a setting becomes the text that .env would hold."""
    fleet = in_file(tmp_path, TOML)
    assert fleet.lanes == {"tokyo": Lane("tokyo", 0.25), "osaka": Lane("osaka", 0.5), "local": Lane("local", 0.5)}
    settings = {"BINANCE_SYMBOL": "ETHUSDT", "BINANCE_RECV_WINDOW": "6000", "BINANCE_USER_STREAM": "off"}
    alice, bob, carol = fleet.accounts
    assert alice == Account("alice", "tokyo", settings)
    assert bob == Account("bob", "osaka")
    assert carol == Account("carol", "local", {"BINANCE_ENVIRONMENT": "demo"})
    assert fleet.only(["bob", "bob"]) == Fleet({"osaka": Lane("osaka", 0.5)}, [bob])


SECRET = "S3cret" * 10


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[accounts.a b]", "cannot be read (Expected ']'"),
        ('[accounts."../a"]', "../a cannot be the name of an account"),
        ('[accounts.".a"]', ".a cannot be the name of an account"),
        (f"[accounts.{'a' * 65}]", "cannot be the name of an account"),
        ("[accounts.a]\n[accounts.a]", "cannot be read (Cannot declare"),
        ("[accounts.a]\n[accounts.A]", "accounts a and A differ only in capitals: rename one"),
        ("[accounts.a]\nlane = 'x'", "account a is of a lane that ACCOUNTS does not have: add [lanes.x]"),
        ("[accounts.a]\nlane = 'x/y'", "x/y cannot be the name of a lane"),
        ("[accounts.a]\nlane = 1", "1 cannot be the name of a lane"),
        (f"[accounts.a]\napi_secret = '{SECRET}'", "api_secret of account a cannot be set for a job, but only"),
        ("[accounts.a]\nfutures_url = 'http://127.0.0.1:1'", "futures_url of account a cannot be set"),
        ("[accounts.a]\nproxy = 'http://127.0.0.1:1'", "proxy of account a cannot be set"),
        ("[accounts.a]\nca_bundle = '/etc/passwd'", "ca_bundle of account a cannot be set"),
        ("[accounts.a]\nprivate_key_file = '/etc/passwd'", "private_key_file of account a cannot be set"),
        ("[accounts.a]\nallow_other_hosts = true", "allow_other_hosts of account a cannot be set"),
        (f"[accounts.a]\n{SECRET} = 1", "an unknown name of account a cannot be set"),
        ("[accounts.a]\nsymbol = '../x'", "account a: BINANCE_SYMBOL is not a contract's name"),
        ("[accounts.a]\nexpect = ['hedge']", "account a: expect must be text"),
        ("[accounts]\na = 1", "write [accounts.NAME] above the lines"),
        ("accounts = 1", "write [accounts.NAME] above the lines"),
        ("[lanes.x]\nshare = 2\n[accounts.a]", "lane x: share must be a number from 0.01 to 1"),
        ("[lanes.x]\nshare = true\n[accounts.a]", "lane x: share must be"),
        (f"[lanes.x]\nshare = 1{'0' * 400}\n[accounts.a]", "lane x: share must be"),
        ("[lanes.x]\nhost = 'h'\n[accounts.a]", "lane x may set only its share: take host out"),
        ("[keys]\n[accounts.a]", "may hold only [lanes.NAME] and [accounts.NAME]: take keys out"),
        ("", "accounts.toml has no account"),
        (f"BINANCE_API_SECRET={SECRET}", "cannot be read (Invalid value"),
        (f"[accounts.{SECRET}]", "cannot be the name of an account"),
        ("[accounts.a]\nsymbol = 'BTCUSDT'\nSYMBOL = 'ETHUSDT'", "account a has a setting in two spellings: keep"),
        (f"[accounts.a]\nlane = '{SECRET}'", "cannot be the name of a lane"),
        (f"[accounts]\na = {{{SECRET} = 1, {SECRET} = 1}}", "cannot be read (Duplicate"),
    ],
)
def test_a_bad_file_is_refused_in_a_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    """Each problem of a TOML file is one sentence that says what to do, and never repeats a misplaced secret."""
    with pytest.raises(UsageProblem) as problem:
        in_file(tmp_path, text)
    assert sentence in str(problem.value)
    assert ": " in str(problem.value)
    assert len(str(problem.value).splitlines()) == 1
    assert SECRET not in str(problem.value)


@pytest.mark.parametrize(
    ("name", "sentence"), [("a b.env", "a b cannot be the name of an account"), (None, "has no account: put a file")]
)
def test_a_bad_folder_is_refused_in_a_sentence(name: str | None, sentence: str, tmp_path: Path) -> None:
    """A folder with a bad NAME.env, or without any, is refused: no account is left out in silence."""
    if name:
        (tmp_path / name).touch()
    with pytest.raises(UsageProblem, match=sentence):
        read(tmp_path, 0.5)


@pytest.mark.parametrize("name", [SECRET, f"binance-{SECRET}", f"{'a' * 40} {SECRET}"])
def test_a_file_named_after_its_key_is_not_an_account(name: str, tmp_path: Path) -> None:
    """A NAME.env with a key as its name is refused: all files would show the name; the sentence does not repeat it."""
    (tmp_path / f"{name}.env").touch()
    with pytest.raises(UsageProblem) as problem:
        read(tmp_path, 0.5)
    assert "cannot be the name of an account" in str(problem.value)
    assert SECRET[:10] not in str(problem.value)


def test_missing_accounts_and_a_bad_share_are_refused_in_a_sentence(tmp_path: Path) -> None:
    """A missing file, an unknown account of --only and a bad --share are each refused in one sentence."""
    with pytest.raises(UsageProblem, match="missing is not there: correct it, or name another"):
        read(tmp_path / "missing", 0.5)
    with pytest.raises(UsageProblem, match="--only: ACCOUNTS has no account dave: correct the name"):
        in_file(tmp_path, TOML).only(["alice", "dave"])
    with pytest.raises(UsageProblem, match="--only: ACCOUNTS has no account with an empty name: correct"):
        in_file(tmp_path, TOML).only([""])  # as from an unset variable
    with pytest.raises(UsageProblem, match="lane local: share must be"):
        read(tmp_path, 0)
