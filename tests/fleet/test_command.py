"""`keycheck fleet` from its options to its page: over the local exchange, and with stubbed runs."""

import contextlib
import errno
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from keycheck import purse
from keycheck.errors import UsageProblem
from keycheck.fleet import command, merged
from keycheck.fleet.accounts import Account
from keycheck.fleet.answer import Result
from keycheck.fleet.out_folder import OutFolder
from keycheck.report import verdict_schema
from keycheck.settings import loading
from tests.children import wait_until
from tests.exchange import API_KEY, API_SECRET, Fault, LocalExchange, Scenario
from tests.fleet.stubs import OK, UNPROVEN, Stub, ok
from tests.killing import forked
from tests.running import ROOT
from tests.serve.serving import holds_secret


class Folder:
    """A folder with keys, and `keycheck fleet keys/` in it: `folder("--resume")` returns its exit status."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.out = path / "out"
        self.keys = path / "keys"
        self.keys.mkdir()

    def add(self, *names: str, **settings: str) -> None:
        for name in names:
            path = self.keys / f"{name}.env"
            path.write_text("".join(f"{setting}={value}\n" for setting, value in settings.items()))
            path.chmod(0o600)

    def __call__(self, *options: str) -> int:
        return command.main([str(self.keys), "--out", str(self.out), *options])

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.out / "verdicts.jsonl").read_text().splitlines()]

    @property
    def figures(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "fleet.json").read_text())
        return found

    @property
    def accounts(self) -> list[str]:
        """The names of the accounts that have a verdict, sorted."""
        return sorted(line["account"] for line in self.lines)

    def verdict(self, account: str) -> dict[str, Any]:
        return next(line for line in self.lines if line["account"] == account)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return Folder(tmp_path)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Stub:
    """The stub that replaces the engine of all fleets of this test."""
    stub = Stub()
    monkeypatch.setattr(command, "_engine", lambda *_: stub)
    return stub


@pytest.mark.parametrize("name", [API_KEY[:12], API_SECRET[20:36], f"bot-{API_KEY[30:40]}"])
def test_an_account_named_by_its_key_is_refused(name: str, folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    """All files of a fleet show the accounts' names; one that holds ten characters of a secret is written nowhere."""
    folder.add("alice", BINANCE_API_KEY=API_KEY, BINANCE_API_SECRET=API_SECRET)
    folder.add(name, BINANCE_API_KEY=API_KEY, BINANCE_API_SECRET=API_SECRET)
    assert folder() == 4
    assert "its name or its lane's holds a part of its key or secret" in (said := capsys.readouterr().err)
    assert name not in said
    assert not any(name in file.read_text() for file in folder.out.rglob("*") if file.is_file())


# -- over the local exchange --


def test_each_key_gets_its_own_verdict(
    folder: Folder, exchange: LocalExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each account has its line, its report and its place on the page; a bad file stops no other account."""
    folder.add("good", **exchange.settings())
    folder.add("wrong", **exchange.settings() | {"BINANCE_API_SECRET": API_SECRET[::-1]})
    (folder.keys / "unreadable.env").write_bytes(b"\xff\xfe")
    usual = os.umask(0)
    try:
        assert folder("--no-sharing") == 1
    finally:
        os.umask(usual)
    assert {line["account"]: line["verdict"] for line in folder.lines} == {
        "good": "OK",
        "wrong": "NOT_OK",
        "unreadable": "UNPROVEN",
    }
    assert folder.verdict("wrong")["diagnosis"][0]["cause"] == "wrong_secret"
    assert "unreadable.env is not UTF-8" in folder.verdict("unreadable")["diagnosis"][0]["explanation"]
    for line in folder.lines:
        assert line.pop("lane") == "local"
        assert line.pop("account")
        assert verdict_schema.fits(line)
    files = {path.relative_to(folder.out).as_posix(): path for path in folder.out.rglob("*") if path.is_file()}
    assert set(files) >= {"index.html", "fleet.json", "accounts/good/report.html", "accounts/wrong/report.html"}
    assert "accounts/unreadable/report.html" not in files
    assert not [name for name, path in files.items() if holds_secret(path.read_bytes())]
    assert stat.S_IMODE(folder.out.stat().st_mode) == 0o700
    assert stat.S_IMODE(files["verdicts.jsonl"].stat().st_mode) == 0o600
    printed = capsys.readouterr()
    assert printed.out == f"3 accounts: 1 OK, 1 NOT_OK, 1 UNPROVEN. The page is {folder.out / 'index.html'}\n"
    assert not exchange.real_orders


@pytest.mark.slow
def test_a_429_stops_the_lane_once(folder: Folder, exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that gets HTTP 429 is UNPROVEN; the next run waits until the time that Binance has set, and is OK."""
    monkeypatch.setattr(loading, "processors", lambda: 0)  # one run at a time
    exchange.scenario = Scenario(faults={"GET /fapi/v1/ping": Fault.rate_limited(retry_after=2, times=1)})
    folder.add("a", "b", **exchange.settings())
    assert folder("--no-sharing") == 10
    assert [line["verdict"] for line in folder.lines] == ["UNPROVEN", "OK"]
    assert folder.verdict("a")["diagnosis"][0]["cause"] == "rate_limited"
    assert [one.status for one in exchange.requests_to("/fapi/v1/ping")] == [429, 200]
    assert folder.figures["durationMs"] > 2000


@pytest.mark.slow
def test_two_fleets_stay_within_the_share_together(
    tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exchange counts no more weight than the share in any minute, which is two seconds long in this test."""
    monkeypatch.setattr(purse, "MINUTE", 2.0)
    options = ("--share", "0.01", "--no-sharing")  # 24 of weight: one run
    with LocalExchange(Scenario(minute=2.0)) as exchange:
        folder.add("a", **exchange.settings())
        with forked(lambda: print(folder(*options, "--out", str(tmp_path / "other")))):
            assert folder(*options) == 0
            wait_until((tmp_path / "other/fleet.json").exists, 30)
        assert (exchange.heaviest(2.0), exchange.heaviest(3600)) == (15, 30)


# -- the end of a fleet, and --resume --


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("cut", [0, 1, 0.5, 0.9999, 1.0001, 1.5, 1.9999, 2, 3])
def test_resume_goes_on_with_a_file_that_was_cut_anywhere(cut: float, folder: Folder, engine: Stub) -> None:
    """--resume keeps complete lines as they are, and tests the other accounts. `cut`: in lines."""
    folder.add("a", "b", "c", BINANCE_API_KEY="x")
    assert folder() == 0
    path = folder.out / "verdicts.jsonl"
    whole = path.read_bytes().splitlines(keepends=True)
    at = sum(map(len, whole[: int(cut)])) + int(cut % 1 * len(whole[min(int(cut), 2)]))
    path.write_bytes(b"".join(whole)[:at])
    (folder.out / "fleet.json").unlink()
    engine.asked.clear()
    assert folder("--resume") == 0
    assert engine.asked == ["a", "b", "c"][int(cut) :]
    assert path.read_bytes() == b"".join(whole)
    assert (folder.out / "fleet.json").exists()


@pytest.mark.usefixtures("engine")
def test_a_resumed_fleet_keeps_its_first_start(folder: Folder) -> None:
    """After --resume, fleet.json and the page say that the fleet began with its first account, in the earlier run."""
    folder.add("a", "b", BINANCE_API_KEY="x")
    folder("--only", "a")
    path = folder.out / "verdicts.jsonl"
    path.write_text(json.dumps(folder.verdict("a") | {"startedAt": "2026-01-02T03:04:05Z"}) + "\n")
    folder("--resume")
    assert folder.figures["startedAt"] == "2026-01-02T03:04:05Z"
    assert folder.figures["durationMs"] > 86_400_000
    assert "2026-01-02 03:04:05 UTC" in (folder.out / "index.html").read_text()


def test_resume_says_that_it_tested_nothing(folder: Folder, engine: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    """A fleet warns if --resume left nothing to test: a timer with --resume would repeat old verdicts for ever."""
    folder.add("a", BINANCE_API_KEY="x")
    assert folder("--resume") == 0
    assert capsys.readouterr().err == ""
    assert folder("--resume") == 0
    assert "no account was tested" in capsys.readouterr().err
    assert engine.asked == ["a"]


def test_a_kill_at_any_moment_loses_no_account(folder: Folder, engine: Stub) -> None:
    """However often a fleet is killed, --resume gives each account one verdict, and repeats only runs under way."""
    reader, writer = os.pipe()

    def answer(job: Mapping[str, Any]) -> str:
        os.write(writer, b".")
        return ok(job)

    engine.answer = answer
    names = [f"account-{number}" for number in range(60)]
    folder.add(*names, BINANCE_API_KEY="x")
    dice, kills = random.Random(17), 8  # noqa: S311  moments, not secrets
    for _ in range(kills):
        with forked(lambda: print(folder("--resume"))):
            time.sleep(dice.uniform(0.02, 0.15))
    assert folder("--resume") == 0
    os.close(writer)
    assert folder.accounts == sorted(names)
    assert 60 <= len(os.read(reader, 10_000)) <= 60 + kills * engine.number_of_slots


def test_ctrl_c_lets_running_accounts_end(folder: Folder, engine: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    """After Ctrl-C or SIGTERM, the page names the accounts that were not asked, and --resume tests them."""
    folder.add("a", "b", "c", "d", BINANCE_API_KEY="x")
    for lines, signal_sent in enumerate((signal.SIGINT, signal.SIGTERM), 1):
        usual = signal.getsignal(signal_sent)

        def answer(job: Mapping[str, Any], number: int = signal_sent) -> str:
            os.kill(os.getpid(), number)
            return ok(job)

        engine.answer = answer
        assert folder("--resume") == 10
        assert signal.getsignal(signal_sent) is usual
        assert len(folder.lines) == lines
        assert "not asked" in (folder.out / "index.html").read_text()
        assert "were not asked: go on with --resume" in capsys.readouterr().err
        engine.answer = ok
    assert folder("--resume") == 0
    assert folder.accounts == ["a", "b", "c", "d"]
    assert folder.figures["lanes"] == {"local": {"weight": 4 * 15, "verdicts": {"OK": 4, "NOT_OK": 0, "UNPROVEN": 0}}}


def test_a_second_ctrl_c_waits_for_nothing(folder: Folder, engine: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    """After a second Ctrl-C, the exit status is 2, like pytest's, and the verdicts so far are kept."""
    folder.add("a", "b", BINANCE_API_KEY="x")

    def answer(job: Mapping[str, Any]) -> str | None:
        if job["account"] == "a":
            return ok(job)
        threading.Thread(target=interrupt_twice).start()
        return None

    usual = signal.getsignal(signal.SIGINT)

    def interrupt_twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        wait_until(lambda: signal.getsignal(signal.SIGINT) is usual)  # the first one has come
        os.kill(os.getpid(), signal.SIGINT)

    engine.answer = answer
    engine.number_of_slots = 1
    assert folder() == 2
    assert folder.accounts == ["a"]
    assert "go on with --resume" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["verdicts", "page"])
def test_a_full_disk_is_reported(
    where: str, folder: Folder, engine: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the disk is full, the fleet ends with status 3 and a sentence, and --resume goes on with it."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder.add("a", "b", BINANCE_API_KEY="x")
    with monkeypatch.context() as patched:
        patched.setattr(*((os, "fsync") if where == "verdicts" else (merged, "write")), refuse)
        assert folder() == 3
    assert "(No space left on device): make room, and" in capsys.readouterr().err
    assert not (folder.out / "index.html").exists()
    assert folder("--resume") == 0
    assert folder.accounts == ["a", "b"]
    assert len(engine.asked) <= 3


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", ["stdout", "stderr"])
@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "full"])
def test_a_closed_or_full_output_stops_no_fleet(
    name: str, is_closed: bool, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If stdout or stderr is closed or full, the exit status is still that of the verdicts."""
    folder.add("a", BINANCE_API_KEY="x")
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, name, None if is_closed else full)
        assert folder() == 0
    assert folder.accounts == ["a"]
    assert (folder.out / "index.html").exists()


@pytest.mark.usefixtures("engine")
def test_stdout_may_lack_a_letter_of_the_folder(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fleet's last line is written to a stdout that cannot encode the folder's name, such as a file on Windows."""
    folder.add("a", BINANCE_API_KEY="x")
    with (tmp_path / "log").open("w", encoding="ascii") as log:
        monkeypatch.setattr(sys, "stdout", log)
        assert folder("--out", str(tmp_path / "\u0444")) == 0
    assert "The page is" in (tmp_path / "log").read_text("ascii")


def test_an_internal_error_is_not_a_verdict(
    folder: Folder, engine: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An internal error ends the fleet with status 3, because 1 would say that a key is not fit."""
    folder.add("a", BINANCE_API_KEY="x")
    monkeypatch.setattr(engine, "slots", lambda _: 1 // 0)
    assert folder() == 3
    assert "ERROR: keycheck has failed (ZeroDivisionError)" in capsys.readouterr().err


@pytest.mark.parametrize("moved_at", ["a", "b"])
def test_a_fleet_writes_nothing_into_the_folder_of_a_later_one(
    moved_at: str, folder: Folder, engine: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fleet whose folder was moved during the run ends with status 3, and leaves the new folder of that name alone.

    Otherwise it would make a page of the later fleet's verdicts, which might not be complete.
    """
    later = [folder.out / ".lock", folder.out / "verdicts.jsonl"]

    def answer(job: Mapping[str, Any]) -> str:
        if job["account"] == moved_at:
            folder.out.rename(folder.path / "moved")
            folder.out.mkdir()
            for file in later:
                file.touch()
        return ok(job)

    folder.add("a", "b", BINANCE_API_KEY="x")
    engine.answer, engine.number_of_slots = answer, 1
    assert folder() == 3
    assert "was removed or replaced during the run" in capsys.readouterr().err
    assert sorted(folder.out.iterdir()) == later


def test_files_of_an_earlier_fleet_are_removed_first(folder: Folder, engine: Stub) -> None:
    """The files of an earlier fleet are removed before the first account is tested, so a crash leaves no old OK."""
    folder.add("a", BINANCE_API_KEY="x")
    junit = ("--junitxml", str(folder.out / "a.xml"))
    assert folder(*junit) == 0
    report = folder.out / "accounts/a/report.html"
    report.parent.mkdir(parents=True)
    report.write_text("old")

    def answer(_: Mapping[str, Any]) -> str:
        assert not report.exists()
        assert not folder.lines
        assert not {"index.html", "fleet.json", "a.xml"} & {path.name for path in folder.out.iterdir()}
        raise SystemExit

    engine.answer = answer
    with pytest.raises(SystemExit):
        folder(*junit)


def test_a_folder_that_cannot_be_entered_costs_no_other_file(folder: Folder, engine: Stub) -> None:
    """The reports of a fleet that root has run cannot be entered by the folder's owner; a link stands for them here."""
    folder.add("a", BINANCE_API_KEY="x")
    assert folder() == 0
    before = {file.name: file.read_bytes() for file in folder.out.iterdir() if file.is_file()}
    shutil.rmtree(folder.out / "accounts", ignore_errors=True)
    (folder.out / "accounts").symlink_to(folder.path)
    assert folder() == 4
    assert {file.name: file.read_bytes() for file in folder.out.iterdir() if file.is_file()} == before
    assert engine.asked == ["a"]


def test_a_fleet_as_root_leaves_lines_that_another_one_replaces(folder: Folder, engine: Stub) -> None:
    """verdicts.jsonl is a new file each time: the owner of the folder may remove that of root, but not open it."""
    folder.add("a", BINANCE_API_KEY="x")
    assert folder() == 0
    old = folder.path / "old.jsonl"
    old.hardlink_to(folder.out / "verdicts.jsonl")
    text = old.read_bytes()
    assert folder() == 0
    assert old.read_bytes() == text
    assert not old.samefile(folder.out / "verdicts.jsonl")
    assert engine.asked == ["a", "a"]


def test_a_fleet_that_could_not_begin_leaves_no_verdict(folder: Folder, engine: Stub) -> None:
    """A fleet that fails while it removes old reports leaves no old verdicts, which --resume would take for its own."""
    folder.add("a", BINANCE_API_KEY="x")
    assert folder() == 0
    (folder.out / "accounts/a/report.html").mkdir(parents=True)  # cannot be removed as a file
    assert folder() == 4
    assert not folder.lines
    assert engine.asked == ["a"]


@pytest.mark.parametrize("name", ["verdicts.jsonl", "known.jsonl", "keycheck.prom", "accounts/a/report.html"])
def test_a_file_of_another_program_is_kept(name: str, folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    """If another program's file has a name that a fleet writes, the folder is refused, and the file stays as it is."""
    folder.add("a", BINANCE_API_KEY="x")
    file = folder.out / name
    file.parent.mkdir(parents=True)
    file.write_text('{"prompt": "mine"}\n')
    assert folder() == 4
    assert f"holds {name.partition('/')[0]}, which keycheck has not written" in capsys.readouterr().err
    assert file.read_text() == '{"prompt": "mine"}\n'


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("verdicts.jsonl", []), ("verdicts.jsonl", ["--resume"]), (".lock", []), (".lock", ["--resume"])],
)
def test_no_link_is_followed(name: str, arguments: list[str], folder: Folder, engine: Stub) -> None:
    """In a folder of another user, a link may lead to a file of one's own, which stays: the link does not."""
    folder.add("a", BINANCE_API_KEY="x")
    own = folder.path / "own"
    own.write_text("mine")
    folder.out.mkdir()
    (folder.out / ".lock").touch()
    (folder.out / name).unlink(missing_ok=True)
    (folder.out / name).symlink_to(own)
    is_replaced = name == "verdicts.jsonl" and not arguments
    assert folder(*arguments) == (0 if is_replaced else 4)
    assert engine.asked == (["a"] if is_replaced else [])
    assert own.read_text() == "mine"


@pytest.mark.parametrize("name", ["accounts", "accounts/a"])
def test_no_link_to_a_folder_is_followed(name: str, folder: Folder) -> None:
    """In a folder of another user, accounts/ and accounts/NAME may be links to one's own folders, whose files stay."""
    account = Account("a")
    report = folder.path / "own" / name / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text("mine")
    with contextlib.closing(OutFolder(folder.out)) as out:
        out.open([account], resume=False)
        (folder.out / name).parent.mkdir(exist_ok=True)
        (folder.out / name).symlink_to(report.parent)
        with pytest.raises(OSError):  # noqa: PT011  systems word it differently
            out.keep(account, Result(OK, "page"))
    with contextlib.closing(OutFolder(folder.out)) as out, pytest.raises(UsageProblem, match="cannot be replaced"):
        out.open([account], resume=False)
    assert [path.name for path in report.parent.iterdir()] == ["report.html"]
    assert report.read_text() == "mine"
    assert not (folder.out / "verdicts.jsonl").read_text()


# -- options --


@pytest.fixture
def files(folder: Folder) -> Iterator[dict[str, str]]:
    """The files that the options in the table name, by name; another fleet has locked `taken`."""
    folder.add("a", BINANCE_API_KEY="x")
    (folder.path / "file").write_text("text")
    (folder.path / "lanes").write_text("[lanes.x]\n[lanes.y]\n[accounts.a]\nlane = 'x'\n[accounts.b]\nlane = 'y'")
    (folder.path / "two").write_text("[accounts.b]")
    (folder.path / "deep").write_text("a = " + "[" * 10_000)
    os.mkfifo(folder.path / "pipe")
    (folder.path / "pom").write_text('<?xml version="1.0"?>\n\n\n<project/>\n')
    (folder.path / "broken").write_text('<?xml version="1.0"\n encoding="UTF-8"?>\n<project/>\n')
    (folder.path / "empty").touch()
    (folder.path / "link").symlink_to("empty")
    (folder.path / "site").mkdir()
    (folder.path / "site/index.html").write_text("<!DOCTYPE html>the user's own")
    with contextlib.closing(OutFolder(folder.path / "taken")):
        named = "keys file lanes two deep pipe pom broken link taken missing out site"
        yield {name: str(folder.path / name) for name in named.split()}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("{missing}", "missing is not there"),
        ("{file}", "cannot be read"),
        ("{keys} --only a b", "ACCOUNTS has no account b"),
        ("{keys} --share 0", "share must be"),
        ("{keys} --share much", "--share: invalid float value"),
        ("{keys} --keys {missing}", "--keys is not a folder"),
        (f"{{keys}} --keys {'x' * 300}", "--keys is not a folder"),
        ("{two}", "no folder of keys is named: say with --keys"),
        ("{lanes} --keys {keys}", "name one lane's accounts with --only, or use --engine dask:ADDRESS"),
        (
            "{lanes} --engine dask:tls://h:1 --keys {keys}",
            "--keys is for --engine local: KEYCHECK_KEYS names the folder",
        ),
        ("{keys} --engine cloud", "--engine must be local, or dask:tls://HOST:PORT"),
        ("{keys} --lane-timeout 0", "a number of seconds above 0"),
        ("{keys} --out=", "--out: empty, perhaps from an unset variable: see"),
        ("--keys= {keys}", "--keys: empty"),
        ("{keys} --out {file}", "nothing can be written to file"),
        (
            "{keys} --out {taken}",
            "another run is using taken: wait until it has ended, or choose another folder with --out",
        ),
        ("{keys} --notify http://192.0.2.1/", "--notify must be https://"),
        ("{keys} --notify=", "--notify must be a URL"),
        ("{keys} --since {missing}", "--since: missing is not there"),
        ("{keys} --junitxml {pipe}", "--junitxml must name a file"),
        ("{keys} --junitxml {link}", "--junitxml must name a file"),
        ("{keys} --junitxml {keys}/a.env", "--junitxml would replace a file that is not a JUnit file: name"),
        ("{keys} --junitxml {pom}", "--junitxml would replace a file that is not a JUnit file: name"),
        ("{keys} --junitxml {broken}", "--junitxml would replace a file that is not a JUnit file: name"),
        ("{keys} --junitxml {out}/verdicts.jsonl", "--junitxml must end in .xml in the folder of --out"),
        (
            "{keys} --out {site}",
            "site holds index.html, which keycheck has not written: choose another folder",
        ),
        ("{keys} --notify-url https://h/S3CRET", "unrecognized arguments: --notify-url [hidden]: see"),
        ("{keys} --notify https://h/ h/a/S3CRET", "unrecognized arguments: [hidden]: see"),
        ("{keys} --lane-timeout https://h/S3CRET", "--lane-timeout: invalid"),
        ("{deep}", "deep cannot be read"),
        ("{keys} " + "0f" * 32, "unrecognized arguments: [hidden]: see"),
        ("{keys} --everything", "unrecognized arguments: --everything: see keycheck fleet --help"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(
    options: str, sentence: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad option ends the command with status 4 and one sentence that names the remedy; nothing is asked."""
    try:
        status: Any = command.main([*"--out {out}".format(**files).split(), *options.format(**files).split()])
    except SystemExit as ended:
        status = ended.code
    printed = capsys.readouterr()
    assert (status, printed.out) == (4, "")
    assert sentence in printed.err
    assert "S3CRET" not in printed.err
    assert len(printed.err.splitlines()) == 1
    assert Path(files["keys"], "a.env").read_text() == "BINANCE_API_KEY=x\n"
    assert Path(files["site"], "index.html").read_text().endswith("the user's own")


def test_the_command_needs_no_extra(files: dict[str, str]) -> None:
    """`keycheck fleet` runs where neither the endpoint's nor Dask's libraries are installed."""
    code = (
        "import sys; sys.modules |= dict.fromkeys(['starlette', 'uvicorn', 'distributed', 'dask']); "
        "from keycheck.__main__ import main; sys.exit(main())"
    )
    command_line = [sys.executable, "-c", code, "fleet", files["keys"], "--out", files["taken"]]
    done = subprocess.run(command_line, capture_output=True, text=True, cwd=ROOT, check=False)  # noqa: S603  ours
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("ERROR: another run is using taken")


def test_dask_is_an_extra(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without Dask, the engine is refused, with the command that installs the extra from this folder."""
    monkeypatch.delitem(sys.modules, "keycheck.fleet.dask", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert command.main([files["keys"], "--engine", "dask:tls://127.0.0.1:1", "--out", files["out"]]) == 4
    assert 'In the folder of Keycheck: pip install ".[dask]"' in capsys.readouterr().err


def test_resume_tests_unfinished_accounts_again(folder: Folder, engine: Stub) -> None:
    """--resume tests accounts again whose lane was lost, and replaces their lines, unless --only leaves them out."""
    folder.add("a", "b", "c", BINANCE_API_KEY="x")
    engine.answer = lambda job: ok(job) if job["account"] == "a" else ok(job, UNPROVEN)
    assert folder() == 10
    engine.answer = ok
    assert folder("--resume", "--only", "c") == 10
    assert (folder.accounts, engine.asked[3:]) == (["a", "b", "c"], ["c"])
    assert folder("--resume") == 0
    assert (folder.accounts, engine.asked[4:]) == (["a", "b", "c"], ["b"])
    assert folder.figures["verdicts"]["OK"] == 3
    assert (folder.out / "verdicts.jsonl").stat().st_mode & 0o777 == 0o600


def test_resume_needs_the_same_accounts(folder: Folder, engine: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    """--resume with other ACCOUNTS is refused, because the page would mix two fleets; --only may name some of them."""
    folder.add("a", "b", BINANCE_API_KEY="x")
    assert folder("--only", "a") == 0
    assert capsys.readouterr().out.startswith("1 account: ")
    assert folder("--resume", "--only", "b") == 0
    assert folder.accounts == engine.asked == ["a", "b"]
    (folder.keys / "a.env").unlink()
    assert folder("--resume") == 4
    assert (
        "the line of account a in verdicts.jsonl of --out does not fit ACCOUNTS: leave --resume out"
        in capsys.readouterr().err
    )
    assert folder.accounts == ["a", "b"]
    good = folder.verdict("b")
    failed = [one | {"outcome": "fail"} for one in good["checks"]]
    stranger = {name: value for name, value in good.items() if name != "lane"} | {"account": "a"}
    (folder.out / "verdicts.jsonl").write_text(f"{json.dumps(stranger)}\n")
    assert folder("--resume") == 4
    for lines in [{"account": "b", "lane": "local", "verdict": "OK"}], [good, good], [good | {"checks": failed}]:
        (folder.out / "verdicts.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
        assert folder("--resume") == 4
        assert "the line of account b" in capsys.readouterr().err


def test_an_empty_accounts_argument_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty ACCOUNTS, as from an unset variable, is refused, and not taken for the working directory."""
    with pytest.raises(SystemExit) as ended:
        command.main([""])
    assert ended.value.code == 4
    assert "ACCOUNTS: empty" in capsys.readouterr().err
