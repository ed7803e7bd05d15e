"""A tested key is saved so that it is read as it was tested, in one step, and readable only by its owner."""

import os
import random
import stat
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycheck.errors import UsageProblem
from keycheck.redaction.secret import Secret
from keycheck.settings import dotenv_file
from keycheck.settings.loading import load
from keycheck.settings.saving import save
from tests.examples import examples
from tests.exchange import API_KEY, API_SECRET
from tests.keys import ED25519
from tests.killing import forked

TESTED = {"BINANCE_API_KEY": API_KEY, "BINANCE_API_SECRET": API_SECRET}
OF_A_PEM = {"BINANCE_API_KEY": API_KEY, "BINANCE_PRIVATE_KEY": ED25519.private}
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30)
OTHER_LINES = [
    "# a comment",
    "",
    "BINANCE_SYMBOL=ETHUSDT",
    "  export SOMETHING = 'of two\nlines'  # and a comment",
    "not a setting at all!",
    'QUOTED="a \\" b"',
    "BINANCE_API_KEY_OF_MY_OTHER_BOT=k",
]
OUR_LINES = [
    "BINANCE_API_KEY=old",
    " export BINANCE_API_SECRET='old' # comment",
    'BINANCE_PRIVATE_KEY_FILE="of two\nlines"',
    "BINANCE_PRIVATE_KEY_PASSPHRASE",
    "BINANCE_ENVIRONMENT=demo",
]

OURS: tuple[str, ...] = ("BINANCE_API_KEY", "BINANCE_API_SECRET", "BINANCE_ENVIRONMENT")
OURS += ("BINANCE_PRIVATE_KEY_FILE", "BINANCE_PRIVATE_KEY_PASSPHRASE")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def parsed(file: Path) -> dict[str, str]:
    return dotenv_file.parse(dotenv_file.read(file, required=True)[0])


def test_a_new_file_is_read_as_it_was_tested(tmp_path: Path) -> None:
    """A new file has only key and secret, in mode 600 with any umask; production, the default, is not written."""
    file = tmp_path / ".env"
    usual = os.umask(0)
    try:
        save(file, TESTED | {"BINANCE_ENVIRONMENT": "production", "BINANCE_SYMBOL": "ETHUSDT"})
    finally:
        os.umask(usual)
    assert file.read_text() == f"BINANCE_API_KEY={API_KEY}\nBINANCE_API_SECRET={API_SECRET}\n"
    assert mode(file) == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("name", [".env", "alice.env", "~root"])
def test_a_private_key_is_a_file_beside_it(name: str, tmp_path: Path) -> None:
    """A private key goes into a new file that the settings name; an older key file stays."""
    file = tmp_path / name
    passphrase = {"BINANCE_PRIVATE_KEY_PASSPHRASE": 'it\'s \\ "hard" '}
    save(file, Secret('{"BINANCE_PRIVATE_KEY": "an older one"}'))
    save(file, OF_A_PEM | passphrase | {"BINANCE_ENVIRONMENT": "demo"}, replace=True)
    read = load(file, environ={})
    assert read.credentials.private_key
    assert read.credentials.private_key.pem.reveal() == ED25519.private
    assert read.credentials.private_key.passphrase
    assert read.credentials.private_key.passphrase.reveal() == passphrase["BINANCE_PRIVATE_KEY_PASSPHRASE"]
    assert read.environment == "demo"
    kept = tmp_path / f"{name}.pem"
    assert kept.read_text() == "an older one"
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}


@settings(max_examples=examples(60))
@given(TEXTS, TEXTS, TEXTS)
def test_any_text_is_read_as_it_was_saved(key: str, secret: str, passphrase: str) -> None:
    """Values with quotes, line ends, backslashes, blanks and any characters are read as they were saved."""
    values = {
        "BINANCE_API_KEY": key,
        "BINANCE_API_SECRET": secret,
        "BINANCE_PRIVATE_KEY_PASSPHRASE": passphrase,
        "BINANCE_ENVIRONMENT": "demo",
    }
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder, ".env"), values)
        assert parsed(Path(folder, ".env")) == values


@settings(max_examples=examples(60))
@given(
    st.lists(st.sampled_from(OTHER_LINES)),
    st.lists(st.sampled_from([*OTHER_LINES, *OUR_LINES])),
    st.sampled_from(["\n", "\r\n"]),
    TEXTS,
)
def test_every_other_line_is_kept(above: list[str], below: list[str], end: str, passphrase: str) -> None:
    """All other lines are kept byte for byte; ours stand in place of the first of them, each once."""
    values = TESTED | {"BINANCE_PRIVATE_KEY_PASSPHRASE": passphrase}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, ".env")
        file.write_bytes("".join(line + end for line in [*above, OUR_LINES[1], *below]).encode())
        old = parsed(file)
        save(file, values, replace=True)
        text = file.read_bytes().decode()
        assert parsed(file) == {name: value for name, value in old.items() if name not in OURS} | values
        assert mode(file) == 0o600
    ours = "".join(dotenv_file.line_of(name, value) for name, value in values.items())
    others = [line for line in below if line not in OUR_LINES]
    assert text == "".join(line + end for line in above) + ours + "".join(line + end for line in others)


@pytest.mark.parametrize("old", ["", "OTHER=line\n", "OTHER=line", "# comment\r\nOTHER=line\r\n"])
def test_a_file_without_our_lines_gets_them_at_its_end(old: str, tmp_path: Path) -> None:
    """Our lines follow the last line of a file that had none of them, with or without a line end."""
    (tmp_path / ".env").write_bytes(old.encode())
    save(tmp_path / ".env", TESTED, replace=True)
    ours = f"BINANCE_API_KEY={API_KEY}\nBINANCE_API_SECRET={API_SECRET}\n"
    missing = "" if old.endswith("\n") or not old else "\n"
    assert (tmp_path / ".env").read_bytes().decode() == f"{old}{missing}{ours}"


# -- what can go wrong --


@pytest.mark.slow
def test_at_any_moment_there_is_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    """A process that is killed while it saves leaves the old file or the new one, and no part of a file."""
    file = tmp_path / ".env"
    file.write_text("OTHER=line\n")
    one, other = TESTED, {name: value[::-1] for name, value in TESTED.items()}
    dice = random.Random(16)  # noqa: S311  moments, not secrets

    def save_for_ever() -> None:
        while True:
            save(file, one, replace=True)
            save(file, other, replace=True)

    whole = [{"OTHER": "line"}, *({"OTHER": "line"} | values for values in (one, other))]
    found: list[dict[str, str]] = []
    # On a busy machine, a killed process may have saved nothing yet.
    while len(found) < 30 or (len(found) < 300 and not (whole[1] in found and whole[2] in found)):
        with forked(save_for_ever):
            time.sleep(dice.uniform(0, 0.03))
        found.append(parsed(file))
    assert all(values in whole for values in found)
    assert whole[1] in found
    assert whole[2] in found
    assert {mode(path) for path in tmp_path.iterdir() if path != file} <= {0o600}


def is_refused(file: Path, values: dict[str, str], *, replace: bool = False) -> str:
    """The sentence that refuses these values, after a check that it shows none of them."""
    with pytest.raises(UsageProblem) as refused:
        save(file, values, replace=replace)
    assert not any(value[:8] in str(refused.value) for value in values.values())
    return str(refused.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a link away")
def test_another_users_link_is_refused(tmp_path: Path) -> None:
    """In a folder of another user, the file may be a link to another settings file of this user's."""
    own, link = tmp_path / "own", tmp_path / ".env"
    own.write_text("BINANCE_SYMBOL=ETHUSDT\n", encoding="utf-8")
    link.symlink_to(own)
    os.lchown(link, 12345, 12345)
    told = is_refused(link, {"BINANCE_API_KEY": API_KEY, "BINANCE_API_SECRET": API_SECRET}, replace=True)
    assert told == ".env is behind a link that another user made: name another file with --save-to"
    assert own.read_text(encoding="utf-8") == "BINANCE_SYMBOL=ETHUSDT\n"


def test_an_existing_file_is_refused(tmp_path: Path) -> None:
    """Without `replace`, an existing file is refused, even if it appears meanwhile, or is not a regular file."""
    file = tmp_path / ".env"
    file.write_text("mine")
    assert "or keep its other lines with --replace" in is_refused(file, OF_A_PEM)
    file.unlink()
    with pytest.MonkeyPatch.context() as patched:
        fsync = os.fsync
        patched.setattr(os, "fsync", lambda descriptor: (fsync(descriptor), file.write_text("another's")))
        assert "exists now" in is_refused(file, TESTED)
    assert file.read_text() == "another's"
    assert "is not a file" in is_refused(tmp_path, TESTED, replace=True)
    assert "is not a file" in is_refused(Path(os.devnull), TESTED, replace=True)
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_leads_to_the_file_that_is_replaced(tmp_path: Path) -> None:
    """The link stays a link; the private key lies beside the link, where a reader looks for it."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/real.env").write_text("OTHER=line\n")
    (tmp_path / ".env").symlink_to("elsewhere/real.env")
    save(tmp_path / ".env", OF_A_PEM, replace=True)
    assert (tmp_path / ".env").is_symlink()
    assert "OTHER=line" in (tmp_path / "elsewhere/real.env").read_text()
    assert load(tmp_path / ".env", environ={}).credentials.private_key


@pytest.mark.parametrize(
    ("name", "error"),
    [("fsync", OSError(28, "No space left on device")), ("link", PermissionError(1, "Not permitted"))],
)
def test_a_file_that_cannot_be_written_leaves_nothing(
    name: str, error: OSError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the file cannot be written, neither a settings file nor a private key's file is left."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(os, name, fail)
    assert f"could not be written ({error.strerror}): name another file" in is_refused(tmp_path / ".env", OF_A_PEM)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("odd", ["\0" * 9, "\ud800" * 9])
def test_what_is_not_text_is_refused(odd: str, tmp_path: Path) -> None:
    """A value with a zero byte or a lone surrogate, which JSON may hold, is refused."""
    assert "not text that a file can hold" in is_refused(tmp_path / ".env", TESTED | {"BINANCE_API_SECRET": odd})
    assert "not text that a file can hold" in is_refused(tmp_path / ".env", TESTED | {"BINANCE_PRIVATE_KEY": odd})
    assert list(tmp_path.iterdir()) == []


def test_values_that_would_be_read_as_others_are_refused(tmp_path: Path) -> None:
    """If an open quote in the old file would swallow our lines, saving is refused, and the file stays as it was."""
    file = tmp_path / ".env"
    file.write_text("OTHER='half a quote\n")
    values = TESTED | {"BINANCE_PRIVATE_KEY_PASSPHRASE": "a long one, with blanks"}
    assert "would be read differently" in is_refused(file, values | {"BINANCE_PRIVATE_KEY": "a pem"}, replace=True)
    assert file.read_text() == "OTHER='half a quote\n"
    assert list(tmp_path.iterdir()) == [file]
