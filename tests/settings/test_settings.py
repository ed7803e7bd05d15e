"""Settings come from .env and the environment, and from nowhere else."""

import codecs
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from keycheck.credentials.signing import signer_of
from keycheck.errors import UsageProblem
from keycheck.exchange.endpoints import DEMO_HOSTS, ENVIRONMENTS
from keycheck.redaction.redactor import Redactor
from keycheck.redaction.secret import Secret
from keycheck.settings.dotenv_file import MAX_KEY_FILE
from keycheck.settings.loading import (
    NAMES,
    Settings,
    in_the_environment,
    load,
    names_of_this_machine,
    of_a_server,
    purse_folder,
)
from keycheck.settings.value_parsers import expected_of, proxy_password
from tests.keys import ED25519, ENCRYPTED_ED25519
from tests.running import ROOT

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # noqa: S105  printed in Binance's docs
CANARY = "canary9canary"

From = Callable[..., Settings]


@pytest.fixture
def from_file(tmp_path: Path) -> From:
    """Loads settings from a file with this content, and an environment with nothing else in it."""

    def loaded(content: str | bytes, **environ: str) -> Settings:
        file = tmp_path / ".env"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return load(file, environ=environ)

    return loaded


@pytest.fixture
def from_environment(tmp_path: Path) -> From:
    """Loads settings only from an environment."""
    return lambda **environ: load(tmp_path / ".env", environ=environ)


def key_of(settings: Settings) -> str | None:
    """The text of the API key."""
    held = settings.credentials.api_key
    return held.reveal() if held else None


def refusal(ask: Callable[[], object]) -> str:
    """The sentence of a usage problem."""
    with pytest.raises(UsageProblem) as caught:
        ask()
    message = str(caught.value)
    assert "\n" not in message
    assert ": " in message or "use " in message  # the sentence has a remedy
    assert CANARY not in message
    return message


# -- sources of settings --


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a file away")
def test_another_users_env_is_read_only_if_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder such as /tmp, anybody may put a .env that sends the environment's key to a host of that user's."""
    file = tmp_path / ".env"
    file.write_text("BINANCE_SYMBOL=ETHUSDT\n", encoding="utf-8")
    os.chown(file, 12345, 12345)
    sentence = ".env belongs to another user, who could say there where a key is sent: if you trust that user, name"
    assert sentence in refusal(lambda: load(file, environ={}))
    assert sentence in refusal(lambda: of_a_server(file, required=False))
    assert load(file, required=True, environ={}).symbol == "ETHUSDT"
    monkeypatch.setenv("SUDO_UID", "12345")  # that user has become root with sudo
    assert load(file, environ={}).symbol == "ETHUSDT"
    monkeypatch.setattr(os, "geteuid", lambda: 12346)  # an ordinary user, who may set any variable
    assert sentence in refusal(lambda: load(file, environ={}))
    os.chown(file, 0, 0)
    assert load(file, environ={}).symbol == "ETHUSDT"
    link = tmp_path / "link"
    link.symlink_to(file)
    os.lchown(link, 12345, 12345)
    assert "link is behind a link of another user, who could say" in refusal(lambda: load(link, environ={}))


def test_without_file_and_environment_there_are_defaults(from_environment: From) -> None:
    """Without any setting, the defaults are production, BTCUSDT, 5000 ms and no key."""
    settings = from_environment()
    assert settings == Settings()
    assert (settings.environment, settings.symbol, settings.recv_window) == ("production", "BTCUSDT", 5000)
    assert settings.futures_url == "https://fapi.binance.com"
    assert settings.wallet_url == "https://api.binance.com"
    assert key_of(settings) is None


def test_the_file_is_read(from_file: From) -> None:
    """Key, secret and the rest come out of .env."""
    settings = from_file(f"BINANCE_API_KEY={KEY}\nBINANCE_API_SECRET={SECRET}\nBINANCE_SYMBOL=ETHUSDT\n")
    assert key_of(settings) == KEY
    assert settings.credentials.api_secret is not None
    assert settings.credentials.api_secret.reveal() == SECRET
    assert settings.symbol == "ETHUSDT"
    assert settings.credentials.remarks == ()


def test_the_environment_wins(from_file: From) -> None:
    """A variable of the environment outranks the same name in the file."""
    content = "BINANCE_SYMBOL=ETHUSDT\nBINANCE_RECV_WINDOW=6000\n"
    settings = from_file(content, BINANCE_SYMBOL="XRPUSDT")
    assert (settings.symbol, settings.recv_window) == ("XRPUSDT", 6000)


@pytest.mark.parametrize("empty", ["", " ", "\t"])
def test_an_empty_value_is_an_absent_one(from_file: From, empty: str) -> None:
    """An empty variable counts as missing, and does not outrank the file."""
    assert from_file("BINANCE_SYMBOL=ETHUSDT\n", BINANCE_SYMBOL=empty).symbol == "ETHUSDT"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("line", ["{}=", "{}=''", '{}="  "', "{}", "{}= # nothing"])
def test_an_empty_line_in_the_file_is_an_absent_one(from_file: From, name: str, line: str) -> None:
    """Every name may stand in .env without a value, as in .env.example."""
    assert from_file(line.format(name) + "\n") == Settings()


def test_the_process_environment_is_read_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument, `load` reads os.environ."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BINANCE_SYMBOL", "ETHUSDT")
    assert load(tmp_path / ".env").symbol == "ETHUSDT"


def test_neither_file_nor_environment_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading changes neither .env nor its folder nor `os.environ`."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / ".env"
    file.write_text(f"BINANCE_API_KEY={KEY}\nBINANCE_SYMBOL=ETHUSDT\n")
    before = file.read_bytes(), file.stat().st_mtime_ns, dict(os.environ)
    load(file)
    assert (file.read_bytes(), file.stat().st_mtime_ns, dict(os.environ)) == before
    assert list(tmp_path.iterdir()) == [file]


def test_foreign_variables_are_not_looked_at(from_environment: From) -> None:
    """Proxies and CA files of other programs are not settings."""
    strangers = {"HTTPS_PROXY": "http://proxy:3128", "REQUESTS_CA_BUNDLE": "/nowhere", "SYMBOL": "ETHUSDT"}
    assert from_environment(**strangers) == Settings()


# -- syntax of the file --


@pytest.mark.parametrize(
    "line",
    [
        "BINANCE_API_KEY={}",
        "export BINANCE_API_KEY={}",
        "  BINANCE_API_KEY = {}  ",
        "BINANCE_API_KEY='{}'",
        'BINANCE_API_KEY="{}"',
        "BINANCE_API_KEY={} # my key",
        "# comment\n\nBINANCE_API_KEY={}\nNOT A SETTING\n=x\n",
        "BINANCE_API_KEY=old\nBINANCE_API_KEY={}",
    ],
)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_line_may_be_written_in_many_ways(from_file: From, line: str, end: str) -> None:
    """Blanks, quotes, `export`, comments and either line end give the same key."""
    assert key_of(from_file(line.format(KEY) + end)) == KEY


@pytest.mark.parametrize(
    ("line", "remark"),
    [
        ("BINANCE_API_KEY={}\r\n", "a carriage return"),
        ("BINANCE_API_KEY= {}\n", "blanks"),
        ("BINANCE_API_KEY='{}'\n", "quotes"),
        ('export BINANCE_API_KEY="{}"\r\n', "a carriage return and quotes"),
        ('BINANCE_API_KEY= "{}" \r\n', "a carriage return and blanks and quotes"),
    ],
)
def test_characters_that_the_parser_drops_cause_a_remark(from_file: From, line: str, remark: str) -> None:
    """Characters that python-dotenv drops cause a remark, since another program may send them."""
    remarks = from_file(line.format(KEY)).credentials.remarks
    assert remarks == (f"the line of BINANCE_API_KEY has {remark} around the value",)
    assert from_file(line.format("x"), BINANCE_API_KEY=KEY).credentials.remarks == ()


def test_only_the_line_that_counts_causes_remarks(from_file: From) -> None:
    """If a name appears twice, the last line is read, and the first causes no remark."""
    assert from_file(f"BINANCE_API_KEY='old'\nBINANCE_API_KEY={KEY}\n").credentials.remarks == ()


def test_nothing_is_interpolated(from_file: From) -> None:
    """`${X}` is five characters of a secret, and is not replaced."""
    settings = from_file("X=expanded\nBINANCE_API_SECRET=a${X}b$X\n", X="expanded")
    assert settings.credentials.api_secret is not None
    assert settings.credentials.api_secret.reveal() == "a${X}b$X"


def test_a_byte_order_mark_is_taken_off_and_remarked(from_file: From) -> None:
    """A byte order mark does not change the first name of the file."""
    settings = from_file(codecs.BOM_UTF8 + f"BINANCE_API_KEY={KEY}\n".encode())
    assert key_of(settings) == KEY
    assert settings.credentials.remarks == (".env begins with a byte order mark",)


@pytest.mark.parametrize(
    "raw",
    [
        f"BINANCE_API_KEY={CANARY}\n".encode("utf-16"),
        f"BINANCE_API_KEY={CANARY}\n".encode("utf-16-le"),
        f"BINANCE_API_KEY={CANARY}\n".encode("utf-16-be"),
        f"BINANCE_API_KEY={CANARY}é\n".encode("latin-1"),
        f"BINANCE_API_KEY={CANARY}\0\n".encode(),
        b"\x80\x04" + CANARY.encode(),
    ],
)
def test_a_file_that_is_not_utf_8_is_named(from_file: From, raw: bytes) -> None:
    """PowerShell's UTF-16, with or without its mark, is refused in a sentence."""
    message = refusal(lambda: from_file(raw))
    assert ".env is not UTF-8 text" in message
    assert "save it again with encoding UTF-8" in message


# -- files that cannot be read --


def test_a_missing_file_matters_only_when_it_was_asked_for(tmp_path: Path) -> None:
    """A missing .env means no settings; a missing --env-file is a usage error."""
    missing = tmp_path / "other.env"
    assert load(missing, environ={}) == Settings()
    assert "no settings file other.env" in refusal(lambda: load(missing, required=True, environ={}))


def test_a_directory_is_not_a_settings_file(tmp_path: Path) -> None:
    """A directory with the name of the file is refused as a directory."""
    (tmp_path / ".env").mkdir()
    assert ".env is a directory" in refusal(lambda: load(tmp_path / ".env", environ={}))


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_an_unreadable_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    """A file that may not be read is named. The error is simulated, since root may read any file."""

    def refuse(*_: object) -> int:
        raise error

    (tmp_path / ".env").touch()
    monkeypatch.setattr(os, "open", refuse)
    assert ".env cannot be read" in refusal(lambda: load(tmp_path / ".env", environ={}))


def test_no_message_names_a_machines_path(tmp_path: Path) -> None:
    """A message that is pasted into an issue does not show the path of a home directory."""
    assert str(tmp_path) not in refusal(lambda: load(tmp_path / "other.env", required=True, environ={}))


# -- each setting, good and bad --


@pytest.mark.parametrize(
    ("name", "raw", "field", "value"),
    [
        ("BINANCE_ENVIRONMENT", "production", "environment", "production"),
        ("BINANCE_ENVIRONMENT", " demo ", "environment", "demo"),
        ("BINANCE_ENVIRONMENT", "DEMO", "environment", "demo"),
        ("BINANCE_ENVIRONMENT", "testnet", "environment", "demo"),
        ("BINANCE_ENVIRONMENT", "Production", "environment", "production"),
        ("BINANCE_SYMBOL", "ethusdt", "symbol", "ETHUSDT"),
        ("BINANCE_SYMBOL", " BTCUSDT_261225 ", "symbol", "BTCUSDT_261225"),
        ("BINANCE_SYMBOL", "币安人生USDT", "symbol", "币安人生USDT"),
        ("BINANCE_RECV_WINDOW", "1", "recv_window", 1),
        ("BINANCE_EXPECT", "", "expected", ()),
        ("BINANCE_EXPECT", "hedge", "expected", ("hedge",)),
        ("BINANCE_EXPECT", "isolated, One-Way ,single-asset,", "expected", ("one-way", "single-asset", "isolated")),
        ("BINANCE_EXPECT", "cross,cross", "expected", ("cross",)),
        ("BINANCE_RECV_WINDOW", " 5000 ", "recv_window", 5000),
        ("BINANCE_RECV_WINDOW", "60000", "recv_window", 60000),
        ("BINANCE_FUTURES_URL", "https://fapi.example.com", "futures_url", "https://fapi.example.com"),
        ("BINANCE_FUTURES_URL", "HTTPS://FAPI.Example.com/", "futures_url", "https://fapi.example.com"),
        ("BINANCE_FUTURES_URL", "https://fapi.example.com:8443", "futures_url", "https://fapi.example.com:8443"),
        ("BINANCE_FUTURES_URL", "http://127.0.0.1:8080", "futures_url", "http://127.0.0.1:8080"),
        ("BINANCE_FUTURES_URL", "http://127.8.8.8:8080", "futures_url", "http://127.8.8.8:8080"),
        ("BINANCE_FUTURES_URL", "http://localhost:8080", "futures_url", "http://localhost:8080"),
        ("BINANCE_FUTURES_URL", "http://[::1]:8080", "futures_url", "http://[::1]:8080"),
        ("BINANCE_WALLET_URL", "https://[2001:db8::1]", "wallet_url", "https://[2001:db8::1]"),
        ("BINANCE_WALLET_URL", "http://localhost", "wallet_url", "http://localhost"),
    ],
)
def test_good_values_are_taken(from_environment: From, name: str, raw: str, field: str, value: object) -> None:
    """Good values are taken without the blanks around them, in their normal form."""
    assert getattr(from_environment(**{name: raw}, BINANCE_ALLOW_OTHER_HOSTS="on"), field) == value


BAD_URLS = (
    "http://fapi.example.com",
    "http://10.0.0.1:8080",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "http://[2001:db8::1]",
    f"https://{CANARY}@fapi.example.com",
    f"https://user:{CANARY}@fapi.example.com",
    f"http://localhost:{CANARY}@fapi.example.com",
    f"https://fapi.example.com/{CANARY}",
    f"https://fapi.example.com?x={CANARY}",
    f"https://fapi.example.com#{CANARY}",
    "fapi.example.com",
    "//fapi.example.com",
    "ftp://fapi.example.com",
    "wss://fapi.example.com",
    "file:///etc/passwd",
    "https://",
    "https://:443",
    "https://[::1",
    "https://fapi.example.com:99999",
    "https://fapi.example.com:0",
    f"https://fapi.example.com:{CANARY}",
    f"https://fapi {CANARY}.example.com",
    "https://fapi\n.example.com",
    "https://fäpi.example.com",
    CANARY,
)


@pytest.mark.parametrize("name", ["BINANCE_FUTURES_URL", "BINANCE_WALLET_URL"])
@pytest.mark.parametrize("raw", BAD_URLS)
def test_a_bad_url_is_refused_unshown(from_environment: From, name: str, raw: str) -> None:
    """A URL must be https, or http to this machine, with only host and port; a bad one is not shown."""
    assert name in refusal(lambda: from_environment(**{name: raw}, BINANCE_ALLOW_OTHER_HOSTS="on"))


@pytest.mark.parametrize("raw", ["http://fstream.example.com", "https://fstream.example.com", CANARY])
def test_a_bad_stream_url_is_refused_unshown(from_environment: From, raw: str) -> None:
    """A stream's URL is wss, or ws on a loopback address; a bad one is not shown."""
    allowed = partial(from_environment, BINANCE_ALLOW_OTHER_HOSTS="on")
    assert "BINANCE_STREAM_URL" in refusal(lambda: allowed(BINANCE_STREAM_URL=raw))


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        *(("BINANCE_ENVIRONMENT", raw) for raw in (CANARY, "mainnet", "demo,production")),
        *(
            ("BINANCE_SYMBOL", raw)
            for raw in ("BTC-USDT", "BTC/USDT", "BTC USDT", "__", "A" * 41, f"{CANARY}?", "a\nb")
        ),
        *(("BINANCE_RECV_WINDOW", raw) for raw in ("0", "60001", "-1", "+5", "5000.0", "5e3", "5 s", "9" * 99, "٥")),
        *(("BINANCE_EXPECT", raw) for raw in ("oneway", "one-way hedge", "one-way,hedge", "cross;one-way", CANARY)),
        *(("BINANCE_EXPECT", raw) for raw in ("isolated,cross", "single-asset,multi-assets,one-way", ",", "hedge=1")),
        *(("BINANCE_RECV_WINDOW", raw) for raw in (CANARY, "0x10", "5_000", "NaN")),
        *(("BINANCE_PROXY", raw) for raw in (CANARY, f"socks5://{CANARY}:1080", "http://", "proxy.example.com:3128")),
        *(("BINANCE_PROXY", raw) for raw in (f"http://proxy:{CANARY}", "http://proxy:0", "http://proxy:99999")),
        *(("BINANCE_CA_BUNDLE", raw) for raw in (f"/{CANARY}.pem", ".", f"{CANARY}\0", CANARY + "a" * 300)),
        ("BINANCE_PRIVATE_KEY_FILE", f"{CANARY}.pem"),
    ],
)
def test_a_bad_value_is_refused_unshown(from_environment: From, name: str, raw: str) -> None:
    """The message names setting and remedy, and does not show the value."""
    assert name in refusal(lambda: from_environment(**{name: raw}))


@pytest.mark.parametrize("raw", ["http://proxy:3128", "https://user:canary9canary@proxy.example.com"])
def test_a_proxy_is_kept_as_a_secret(from_environment: From, raw: str) -> None:
    """A proxy's address may hold a password, so it is in no repr."""
    settings = from_environment(BINANCE_PROXY=raw)
    assert settings.proxy is not None
    assert settings.proxy.reveal() == raw
    assert "proxy.example" not in repr(settings)
    assert CANARY not in repr(settings)


@pytest.mark.parametrize(
    ("user_info", "hidden"),
    [("user:pass%20word@", "pass word"), ("token%20me:@", "token me"), ("token@", "token"), ("", None)],
)
def test_the_secret_of_a_proxy_is_its_password_or_else_its_user_name(user_info: str, hidden: str | None) -> None:
    """Some proxies take a token as the user name, and no password."""
    found = proxy_password(Secret(f"http://{user_info}proxy:3128"))
    assert (found.reveal() if found else None) == hidden
    assert proxy_password(None) is None


def test_a_ca_bundle_is_a_file(from_environment: From, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of an existing file is taken; `~` is the home folder, as in the path of a private key."""
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert from_environment(BINANCE_CA_BUNDLE=f" {bundle} ").ca_bundle == str(bundle)
    assert from_environment(BINANCE_CA_BUNDLE="~/ca.pem").ca_bundle == str(bundle)
    monkeypatch.setenv("BINANCE_CA_BUNDLE", "~/ca.pem")
    assert of_a_server(tmp_path / "absent", required=False)["BINANCE_CA_BUNDLE"] == str(bundle)


@pytest.mark.parametrize("key", [ED25519.private, ENCRYPTED_ED25519.private], ids=["PKCS#8", "encrypted"])
def test_a_ca_file_holds_no_private_key(key: str, from_environment: From, tmp_path: Path) -> None:
    """OpenSSL loads every key in a CA file, and takes minutes for a huge one."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text(f"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n{key}", encoding="ascii")
    with pytest.raises(UsageProblem, match="holds a private key: name a file with nothing but certificates"):
        from_environment(BINANCE_CA_BUNDLE=str(bundle))


@pytest.mark.parametrize("bad", ["\n", "Ж"])
def test_a_key_that_no_header_carries_is_refused_unshown(from_file: From, bad: str) -> None:
    """A key with a line break or a foreign letter inside is named, not shown."""
    assert "BINANCE_API_KEY" in refusal(lambda: from_file(f'BINANCE_API_KEY="{CANARY}{bad}{CANARY}"\n'))


def test_settings_do_not_print_key_and_secret() -> None:
    """The repr of all settings together holds no run of a secret."""
    shown = repr(load(Path("nowhere"), environ={"BINANCE_API_KEY": KEY, "BINANCE_API_SECRET": SECRET}))
    assert not any(text[i : i + 5] in shown for text in (KEY, SECRET) for i in range(60))


# -- a private key --


def pem_of(settings: Settings) -> str | None:
    """The text of the private key."""
    held = settings.credentials.private_key
    return held.pem.reveal() if held else None


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A private key's file, as openssl leaves it."""
    (tmp_path / "keys").mkdir()
    file = tmp_path / "keys" / "private.pem"
    file.write_text(ED25519.private)
    return file


def test_a_private_keys_path_starts_at_the_settings_file(
    from_file: From, from_environment: From, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path starts at the settings file's folder, wherever the run starts; absolute paths and ~ do not."""
    monkeypatch.setenv("HOME", str(key_file.parent))
    for path in ("keys/private.pem", "./keys/../keys/private.pem", str(key_file), "~/private.pem"):
        assert pem_of(from_file(f"BINANCE_PRIVATE_KEY_FILE={path}\n")) == ED25519.private
        assert pem_of(from_environment(BINANCE_PRIVATE_KEY_FILE=f" {path} ")) == ED25519.private
    with pytest.raises(UsageProblem):
        from_file("BINANCE_PRIVATE_KEY_FILE=private.pem\n")


def test_files_that_hold_a_credential_are_listed(from_file: From, key_file: Path) -> None:
    """The files are the private key's, and .env if it holds a passphrase."""
    settings = from_file(f"BINANCE_PRIVATE_KEY_FILE={key_file}\n")
    assert settings.credential_files == (("the private key's file", key_file),)
    settings = from_file(f"BINANCE_PRIVATE_KEY_FILE={key_file}\nBINANCE_PRIVATE_KEY_PASSPHRASE=x\n")
    assert [name for name, _ in settings.credential_files] == ["the settings file", "the private key's file"]


@pytest.mark.slow
def test_a_private_key_that_cannot_be_read_is_named(
    from_environment: From, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A private key's file that cannot be read is one sentence without the path, for each reason."""
    os.mkfifo(tmp_path / f"{CANARY}.pipe")
    for name in (f"{CANARY}.pem", ".", f"{CANARY}.pipe", f"{CANARY}\0", f"~{CANARY}/x"):
        assert "folder of the settings file" in refusal(partial(from_environment, BINANCE_PRIVATE_KEY_FILE=name))
    assert "cannot be read" in refusal(partial(from_environment, BINANCE_PRIVATE_KEY_FILE=CANARY * 200))
    (tmp_path / f"{CANARY}.pem").write_bytes(b"-" * (MAX_KEY_FILE + 1))
    ask = partial(from_environment, BINANCE_PRIVATE_KEY_FILE=f"{CANARY}.pem")
    assert "longer than 64 KiB" in refusal(ask)

    def may_not(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", may_not)
    assert "cannot be read" in refusal(ask)


def test_a_secret_and_a_private_key_exclude_each_other(from_file: From, key_file: Path) -> None:
    """With a secret and a private key, it would be unclear which one signs."""
    given = {"BINANCE_PRIVATE_KEY_FILE": str(key_file)}
    message = refusal(lambda: from_file(f"BINANCE_API_SECRET={SECRET}\n", **given))
    assert "BINANCE_API_SECRET and BINANCE_PRIVATE_KEY_FILE are both given" in message
    assert pem_of(from_file("BINANCE_API_SECRET=''\n", **given)) == ED25519.private


@pytest.mark.parametrize("line", ["{}", "'{}'", '"{}"'])
@pytest.mark.parametrize("end", ["\\n", "\n"])
def test_a_private_key_may_be_pasted_into_the_secret(from_file: From, line: str, end: str) -> None:
    """A private key may stand on one line with `\n` written out, or in quotes on several; it causes one remark."""
    if (line, end) == ("{}", "\n"):
        return  # tested below
    text = line.format(ED25519.private.strip().replace("\n", end))
    read = from_file(f"BINANCE_API_SECRET={text}\n").credentials
    assert read.api_secret is None
    signer = signer_of(read)
    assert signer
    assert (signer.type, signer.sign(ED25519.payload.encode())) == ("ED25519", ED25519.signature)
    assert len(read.remarks) == 1
    assert "BINANCE_API_SECRET holds a private key, which is used as one" in read.remarks[0]


def test_a_private_key_pasted_without_quotes_is_only_its_first_line(from_file: From) -> None:
    """Without quotes, .env ends the value at the first line's end."""
    read = from_file(f"BINANCE_API_SECRET={ED25519.private}\n").credentials
    assert "BINANCE_API_SECRET holds only a part of a PEM" in refusal(lambda: signer_of(read))


def test_a_passphrase_is_taken_as_it_is(from_environment: From, key_file: Path) -> None:
    """A passphrase keeps its blanks, and loses a line end."""
    key_file.write_text(ENCRYPTED_ED25519.private)
    given = {"BINANCE_PRIVATE_KEY_FILE": str(key_file), "BINANCE_PRIVATE_KEY_PASSPHRASE": " a b \r\n"}
    held = from_environment(**given).credentials.private_key
    assert held
    assert held.passphrase
    assert held.passphrase.reveal() == " a b "


@pytest.mark.parametrize("end", ["\n", "\\n", " "])
def test_a_private_key_in_the_environment_is_known_before_settings_are_read(
    monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """The redactor knows a private key and a passphrase in the environment before the settings are read."""
    monkeypatch.setenv("BINANCE_API_SECRET", ENCRYPTED_ED25519.private.replace("\n", end))
    monkeypatch.setenv("BINANCE_PRIVATE_KEY_PASSPHRASE", ENCRYPTED_ED25519.passphrase)
    redactor = Redactor(in_the_environment())
    for secret in (*ENCRYPTED_ED25519.private.splitlines()[1:-1], ENCRYPTED_ED25519.passphrase):
        assert redactor.clean(f"<{secret}>") == "<[hidden]>"


def test_settings_do_not_print_a_private_key(from_environment: From, key_file: Path) -> None:
    """The repr of the settings holds neither the private key nor its passphrase."""
    key_file.write_text(ENCRYPTED_ED25519.private)
    passphrase = ENCRYPTED_ED25519.passphrase
    settings = from_environment(BINANCE_PRIVATE_KEY_FILE=str(key_file), BINANCE_PRIVATE_KEY_PASSPHRASE=passphrase)
    hidden = settings.credentials.to_hide()
    assert passphrase in hidden
    assert ENCRYPTED_ED25519.body in hidden
    assert not Redactor(hidden).finds(repr(settings))


# -- environments --


def test_demo_has_other_hosts_and_no_wallet(from_environment: From) -> None:
    """Binance's test network has no wallet API; a URL for one is used all the same."""
    demo = from_environment(BINANCE_ENVIRONMENT="demo")
    assert (demo.futures_url, demo.wallet_url) == ("https://demo-fapi.binance.com", None)
    other = {"BINANCE_WALLET_URL": "https://wallet.example.com", "BINANCE_ALLOW_OTHER_HOSTS": "on"}
    named = from_environment(BINANCE_ENVIRONMENT="demo", **other)
    assert named.wallet_url == "https://wallet.example.com"


def test_environments_share_no_host() -> None:
    """A demo run never speaks to production, and the other way round."""
    hosts = [host for pair in ENVIRONMENTS.values() for host in pair if host]
    assert len(hosts) == len(set(hosts))


@pytest.mark.parametrize(
    ("environment", "name", "url"),
    [
        *(("production", "BINANCE_FUTURES_URL", url) for url in DEMO_HOSTS),
        ("production", "BINANCE_FUTURES_URL", "https://Demo-FAPI.binance.com:443/"),
        ("production", "BINANCE_FUTURES_URL", "https://demo-fapi.binance.com."),
        ("production", "BINANCE_WALLET_URL", "https://demo-api.binance.com"),
        ("production", "BINANCE_WALLET_URL", "https://demo-fapi.binance.com"),
        ("production", "BINANCE_STREAM_URL", "wss://fstream.binancefuture.com"),
        ("production", "BINANCE_STREAM_URL", "wss://demo-fstream.binance.com"),
        ("demo", "BINANCE_FUTURES_URL", "https://fapi.binance.com"),
        ("demo", "BINANCE_FUTURES_URL", "https://fapi.example.com"),
        ("demo", "BINANCE_WALLET_URL", "https://api.binance.com"),
        ("demo", "BINANCE_WALLET_URL", "https://demo-api.binance.com"),
        ("demo", "BINANCE_STREAM_URL", "wss://fstream.binance.com"),
    ],
)
def test_a_host_of_the_other_environment_is_refused(
    environment: str, name: str, url: str, from_environment: From
) -> None:
    """A host of the other environment does not know the key; the sentence names both settings."""
    named = {"BINANCE_ENVIRONMENT": environment, name: url, "BINANCE_ALLOW_OTHER_HOSTS": "on"}
    told = refusal(lambda: from_environment(**named))
    assert name in told
    assert "BINANCE_ENVIRONMENT" in told


@pytest.mark.parametrize("name", ["BINANCE_FUTURES_URL", "BINANCE_WALLET_URL", "BINANCE_STREAM_URL"])
@pytest.mark.parametrize("environment", ["production", "demo"])
def test_a_host_of_the_environment_or_of_this_machine_is_taken(
    environment: str, name: str, from_environment: From
) -> None:
    """Each of Binance's names for a network is accepted, and so is a local exchange for either."""
    tls = "wss" if name == "BINANCE_STREAM_URL" else "https"
    hosts = {"production": ["fapi1.binance.com", "fstream.binance.com"], "demo": [DEMO_HOSTS[1].partition("//")[2]]}
    hosts["demo"] *= name != "BINANCE_WALLET_URL"  # demo has none
    for url in (*(f"{tls}://{host}" for host in hosts[environment]), f"{tls.removesuffix('s')}://127.0.0.1:1"):
        assert url in from_environment(**{"BINANCE_ENVIRONMENT": environment, name: url}).asked


@pytest.mark.parametrize("name", ["BINANCE_FUTURES_URL", "BINANCE_WALLET_URL", "BINANCE_STREAM_URL"])
def test_no_unencrypted_traffic_goes_to_a_proxy_elsewhere(name: str, from_environment: From) -> None:
    """Unencrypted traffic would show the key to a proxy on another machine, even if the host is this very machine."""
    scheme = "ws" if name == "BINANCE_STREAM_URL" else "http"
    clear = {name: f"{scheme}://127.0.0.1:8000"}
    with pytest.raises(UsageProblem, match=f"{name} is {scheme}"):
        from_environment(BINANCE_PROXY="http://proxy.example.com:3128", **clear)
    assert from_environment(BINANCE_PROXY="http://127.0.0.1:3128", **clear).proxy


def test_the_words_in_the_bots_page_are_those_of_binance_expect() -> None:
    """The words of docs/bots.md are those of BINANCE_EXPECT."""
    rows = [
        row.split("|") for row in (ROOT / "docs" / "bots.md").read_text("utf-8").splitlines() if row.startswith("| ")
    ]
    told = [word for row in rows[1:] for word in re.findall(r"`([^`]*)`", row[2]) if "_" not in word]
    assert len(told) >= 4
    assert all(",".join(expected_of(words)) == words for words in told)


def test_a_user_may_have_neither_a_name_nor_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user may be a mere number without a name or a home; the folder is masked all the same."""

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    def no_name() -> str:
        raise KeyError("getpwuid(): uid not found: 54321")

    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.setattr("getpass.getuser", no_name)
    assert names_of_this_machine(tmp_path)[str(tmp_path)] == "[project]"


@pytest.mark.parametrize(
    ("runtime", "state", "expected"),
    [
        ("there", "state", "there/keycheck"),
        ("not there", "state", "state/keycheck"),
        (None, "state", "state/keycheck"),
        (None, None, "home/.local/state/keycheck"),
        ("", "", "home/.local/state/keycheck"),
        (".", "relative", "home/.local/state/keycheck"),
    ],
)
def test_the_purse_lies_where_xdg_says(
    runtime: str | None, state: str | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The purse lies in XDG_RUNTIME_DIR, or else in XDG_STATE_HOME; empty and relative values are ignored (XDG 0.8)."""
    (tmp_path / "there").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, value in {"XDG_RUNTIME_DIR": runtime, "XDG_STATE_HOME": state}.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value if value in ("", ".", "relative") else str(tmp_path / value))
    assert purse_folder() == tmp_path / expected


def test_another_users_runtime_folder_holds_no_purse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`su` and `sudo -E` keep XDG_RUNTIME_DIR, which is then another user's folder, though XDG says that it is ours."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    assert purse_folder() == tmp_path / "state/keycheck"


def test_a_user_without_a_home_names_the_purses_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some containers have users without a home: the error names the variable to set."""
    for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError()))
    with pytest.raises(UsageProblem, match="set XDG_STATE_HOME"):
        purse_folder()
