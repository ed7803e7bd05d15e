"""A run knows where key and secret came from, and reports names that are not settings."""

import json
from pathlib import Path

import pytest

from keycheck.credentials.pasted_text import Sources
from keycheck.redaction.secret import Secret
from keycheck.settings.loading import NAMES, load
from keycheck.settings.sources import header
from tests.keys import ED25519
from tests.running import SuiteRunner
from tests.settings.test_settings import KEY, SECRET

PAIR = {"BINANCE_API_KEY": KEY, "BINANCE_API_SECRET": SECRET}
CANARY = "canary9canary"


def sources(folder: Path, in_file: dict[str, str] | None, **environ: str) -> Sources:
    """The sources of a run whose .env, unless it is None, has these lines."""
    if in_file is not None:
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in in_file.items()), "utf-8")
    return load(folder / ".env", environ=environ).credentials.sources


def test_key_and_secret_know_their_sources(tmp_path: Path) -> None:
    """The environment wins over the file; a pair from both of them has a remark that shows no value."""
    assert sources(tmp_path, None) == Sources(file="absent")
    assert sources(tmp_path, None, **PAIR) == Sources("environment", "environment", "absent")
    assert sources(tmp_path, PAIR) == Sources("file", "file", "dotenv")
    mixed = sources(tmp_path, PAIR, BINANCE_API_KEY=CANARY)
    assert (mixed.key, mixed.secret) == ("environment", "file")
    assert mixed.remarks == ("BINANCE_API_KEY comes from the environment, and BINANCE_API_SECRET from .env",)


def test_another_key_in_the_file_has_a_remark(tmp_path: Path) -> None:
    """A key in the environment hides the file's. With a file for each account, each run would test that key."""
    remarks = sources(tmp_path, PAIR, BINANCE_API_KEY=CANARY, BINANCE_API_SECRET=CANARY).remarks
    assert remarks == ("BINANCE_API_KEY in .env was not used: the environment gives another key",)
    assert sources(tmp_path, PAIR, **PAIR).remarks == ()
    quoted = {name: f'"{value}"' for name, value in PAIR.items()}  # as `docker run --env-file` leaves them
    assert sources(tmp_path, PAIR, **quoted).remarks == ()


def test_a_private_key_is_the_other_half(tmp_path: Path) -> None:
    """The file of a private key counts as the secret."""
    mixed = sources(tmp_path, {"BINANCE_API_KEY": KEY}, **ED25519.settings() | {"BINANCE_API_KEY": ""})
    assert (mixed.key, mixed.secret) == ("file", "environment")
    assert "BINANCE_PRIVATE_KEY_FILE from the environment" in mixed.remarks[0]


def test_settings_from_a_program_have_it_as_their_source() -> None:
    """Settings that a program hands over have that program as their source, not the file or the environment."""
    handed = Secret(json.dumps(PAIR | {"BINANCE_SYMBOLS": "X"}))
    found = load(Path("/dev/null"), required=True, handed=handed).credentials.sources
    assert found == Sources("program", "program", "program")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("BINANCE_ENVIROMENT", "BINANCE_ENVIRONMENT"),
        ("BINANCE_ENV", "BINANCE_ENVIRONMENT"),
        ("BINANCE_SECRET_KEY", "BINANCE_API_SECRET"),
        ("BINANCE_SECRET", "BINANCE_API_SECRET"),
        ("BINANCE_KEY", "BINANCE_API_KEY"),
        ("binance_api_key", "BINANCE_API_KEY"),
        ("API_KEY", "BINANCE_API_KEY"),
        ("API_SECRET", "BINANCE_API_SECRET"),
        ("BINANCE_SYMBOLS", "BINANCE_SYMBOL"),
    ],
)
def test_a_name_similar_to_a_setting_is_reported_with_the_setting(name: str, meant: str, tmp_path: Path) -> None:
    """A name similar to a setting is reported, in .env and in the environment, unless its value is empty."""
    (in_environment,) = sources(tmp_path, None, **{name: CANARY}).remarks
    assert in_environment == f"{name} in the environment is not a setting and was not read: did you mean {meant}?"
    (in_file,) = sources(tmp_path, {name: CANARY}).remarks
    assert in_file == f"{name} in .env is not a setting and was not read: did you mean {meant}?"
    assert sources(tmp_path, {name: ""}, **{name: " "}).remarks == ()


def test_names_of_other_programs_are_left_alone(tmp_path: Path) -> None:
    """A foreign name is not reported, nor is a similar one if the setting is given; in .env, each BINANCE_ name is."""
    foreign = {"SECRET_KEY": "x", "SYMBOL": "x", "HTTP_PROXY": "x", "BINANCE_TESTNET": "x"}
    assert sources(tmp_path, None, **foreign).remarks == ()
    assert sources(tmp_path, PAIR | {"API_KEY": "x"}, API_SECRET="x", BINANCE_SECRET_KEY="x").remarks == ()  # noqa: S106
    (told,) = sources(tmp_path, PAIR | {"BINANCE_TESTNET": "x", "TELEGRAM_TOKEN": "x"}).remarks
    assert told == "BINANCE_TESTNET in .env is not a setting and was not read: correct it, or take it out"


@pytest.mark.parametrize("name", [f"BINANCE_API_KEY{KEY[:9]}", f"BINANCE_{KEY}", f"BINANCE_API_SECRET_{SECRET}"])
def test_a_name_that_may_be_a_value_is_not_shown(name: str, tmp_path: Path) -> None:
    """A value that was pasted into the name of a line is not shown."""
    (told,) = sources(tmp_path, {name: "x"}).remarks
    assert told.startswith("a name in .env is not a setting")
    assert KEY[:9] not in told
    assert SECRET[:9] not in told


def test_no_setting_is_reported_as_misspelt(tmp_path: Path) -> None:
    """No setting's own name is reported as misspelt."""
    assert sources(tmp_path, dict.fromkeys(NAMES, "")).remarks == ()


@pytest.mark.parametrize("other", [".env.txt", "env", "env.txt"])
def test_a_file_of_a_similar_name_is_named(other: str, tmp_path: Path) -> None:
    """Without a .env and without a key, a .env.txt is reported: an editor on Windows has added the ending."""
    (tmp_path / other).touch()
    found = sources(tmp_path, None)
    assert found.remarks == (f"there is a {other}: if it holds the settings, rename it to .env",)
    line = header(found, ".env", "this folder", "secret")
    assert line == f"no .env in this folder; {found.remarks[0]}; key: not given, secret: not given"
    assert sources(tmp_path, None, **PAIR).remarks == ()


@pytest.mark.slow
def test_the_header_names_file_and_sources(suite: SuiteRunner, tmp_path: Path) -> None:
    """The header shows the file's path without a `..`; that of a replay says that it reads no file."""
    (tmp_path / "x.env").write_text("BINANCE_FUTURES_URL=http://127.0.0.1:9\nBINANCE_WALLET_URL=http://127.0.0.1:9\n")
    settings = {"BINANCE_API_KEY": "k" * 64}
    done = suite(settings=settings, env_file=tmp_path / "reports" / ".." / "x.env")
    assert f"settings: {tmp_path}/x.env; key: environment, secret: not given" in done.output
    assert (
        "settings: as recorded; a replay reads no settings file and no credentials" in suite("--replay=healthy").output
    )
