"""The purse never gives out more than its share in any 60 s, whatever happens to its users, its file and the clock."""

import contextlib
import os
import random
import sqlite3
import stat
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycheck import clock, process, purse
from keycheck.exchange.rate_limit import Limits
from keycheck.purse import RUN, SHARED_RUN, Empty, Purse, Unusable
from tests.examples import examples
from tests.fake_clock import StandIn
from tests.killing import forked

RUNS = 80  # with a weight of 15 each, they spend half of 2400


class Clocks(StandIn):
    """A fake clock that a test moves; the wall clock can be set separately."""

    set_by = 0.0

    def time(self) -> float:
        return self.now + self.set_by


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """The fake clock, which stands still until a test moves it."""
    clocks = Clocks()
    monkeypatch.setattr(clock, "time", clocks)
    return clocks


def spend(one: Purse) -> list[int]:
    """Reserves runs until the purse is empty; returns their numbers."""
    reserved: list[int] = []
    with contextlib.suppress(Empty):
        while len(reserved) < 1000:
            reserved.append(one.reserve())
    return reserved


def seconds(one: Purse) -> int:
    """The seconds for which the purse says that it is empty."""
    with pytest.raises(Empty) as empty:
        one.reserve()
    assert str(empty.value).endswith(f". Try again in {empty.value.seconds} s.")
    return empty.value.seconds


# -- the share --


@pytest.mark.parametrize(("share", "environment", "runs"), [(0.5, "production", RUNS), (0.01, "demo", 4)])
def test_the_share_is_given_out_and_no_more(
    share: float, environment: str, runs: int, tmp_path: Path, now: Clocks
) -> None:
    """A run's weight returns a minute after it is settled, or a minute after its deadline if it never is."""
    one = Purse(tmp_path, share, environment)
    reserved = spend(one)
    assert len(reserved) == runs
    now.now += 10
    one.settle(reserved[0])
    assert seconds(one) == 60
    now.now += 60
    assert len(spend(one)) == 1
    now.now += process.SECONDS - 10
    assert len(spend(one)) == runs - 1


WHAT = ["reserve", "reserve", "reserve", "settle", "killed", "machine restarts", "clock is set"]


@settings(max_examples=examples(25))
@given(st.lists(st.tuples(st.sampled_from(WHAT), st.floats(0, 40)), max_size=40))
def test_no_60_seconds_hold_more_than_the_share(story: list[tuple[str, float]]) -> None:
    """A law: in any 60 s, runs spend at most the share, whenever they send between reservation and end."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        clocks = Clocks()
        patched.setattr(clock, "time", clocks)
        one = Purse(Path(folder), share=0.025)  # 60: four runs
        true_time = 0.0
        running: list[tuple[int, float]] = []  # number and deadline
        last_moments: list[float] = []
        for what, later in story:
            true_time += later
            clocks.now += later
            if what == "reserve":
                with contextlib.suppress(Empty):
                    running.append((one.reserve(), true_time + process.SECONDS))
            elif what == "machine restarts":
                last_moments += [min(end, true_time) for _, end in running]
                running, clocks.now = [], 7.0
            elif what == "clock is set":
                clocks.set_by = 10_000 * (later - 20)
            elif running:
                number, end = running.pop(0)
                last_moments.append(min(end, true_time))
                if what == "settle":
                    one.settle(number)
            ends = [*last_moments, *(end for _, end in running)]
            assert sum(RUN for end in ends if end > true_time - 60) <= 60
        spend(one)  # the first look after a restart
        clocks.now += process.SECONDS + 60
        assert len(spend(one)) == 4


@pytest.mark.parametrize("jump", [86_400, -86_400])
def test_a_clock_that_jumps_changes_nothing(jump: int, tmp_path: Path, now: Clocks) -> None:
    """If the wall clock jumps, a reservation ends neither early nor late."""
    one = Purse(tmp_path, share=0.025)
    for number in spend(one):
        one.settle(number)
    now.set_by = jump
    assert seconds(one) == 60
    now.now += 60
    assert len(spend(one)) == 4


def test_processes_and_threads_share_one_purse(tmp_path: Path) -> None:
    """Two processes with three threads each, which reserve all they can, get exactly the share together."""
    reader, writer = os.pipe()

    def take() -> None:
        while True:
            try:
                Purse(tmp_path).reserve()
                os.write(writer, b".")
            except Empty as empty:
                if "are spent" in str(empty):
                    os.write(writer, b"E")
                    return

    def take_in_threads() -> None:
        threads = [threading.Thread(target=take) for _ in range(3)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()

    began = time.monotonic()
    with forked(take_in_threads), forked(take_in_threads):
        told = b""
        while told.count(b"E") < 6:
            told += os.read(reader, 1000)
    assert time.monotonic() - began < 60, "too slow to show anything"
    assert told.count(b".") == RUNS


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    """After a kill, the reserved weight counts as spent, the file is whole, and the lock is free."""
    dice = random.Random(16)  # noqa: S311  moments, not secrets
    reader, writer = os.pipe()

    def take() -> None:
        while True:
            Purse(tmp_path, share=1, environment="demo").reserve()
            os.write(writer, b".")

    kills = 40
    for _ in range(kills):
        with forked(take):
            time.sleep(dice.uniform(0, 0.04))
    os.close(writer)
    told = len(os.read(reader, 10_000))
    with contextlib.closing(sqlite3.connect(tmp_path / "purse.sqlite")) as db:
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
        ((kept,),) = db.execute("select count(*) from claims")
    assert told > 0
    assert told <= kept <= told + kills  # each kill may have lost the report of one reservation
    assert Purse(tmp_path, share=1, environment="demo").reserve()


@pytest.mark.usefixtures("now")
def test_an_empty_purse_asks_to_wait_at_most_60_s_for_a_run(tmp_path: Path) -> None:
    """The wait is 60 s, although a run may last longer: if it ended now, its weight would return then."""
    one = Purse(tmp_path, share=0.01)
    one.reserve()
    assert seconds(one) == 60


# -- what runs learn --


def test_the_used_weight_that_a_run_saw_counts(tmp_path: Path, now: Clocks) -> None:
    """The weight of others counts for a minute, and a run that is still under way counts in addition."""
    one = Purse(tmp_path)
    first, _ = one.reserve(), one.reserve()
    one.settle(first, Limits(spent=15, used=1100))
    assert len(spend(one)) == (1200 - 1100 - RUN) // RUN
    now.now += 60
    assert len(spend(one)) > RUNS / 2


def test_the_weight_of_settled_runs_is_not_that_of_others(tmp_path: Path, now: Clocks) -> None:
    """The used weight that a run sees includes that of earlier runs, which does not count again as that of others."""
    one = Purse(tmp_path)
    for count in range(1, RUNS + 1):
        one.settle(one.reserve(), Limits(spent=RUN, used=RUN * count))
        now.now += 0.5
    assert seconds(one) == 20
    now.now += 20
    assert len(spend(one)) == 1
    now.now += 10
    assert len(spend(one)) == 20


def test_the_highest_weight_of_others_counts_for_a_minute(tmp_path: Path, now: Clocks) -> None:
    """A lower weight of others does not replace a higher one: a bot may have begun a new minute in between."""
    one = Purse(tmp_path)
    for used in (RUN + 600, RUN + RUN + 900, 2 * RUN):
        one.settle(one.reserve(), Limits(spent=RUN, used=used))
        now.now += 20
    assert len(spend(one)) == (1200 - 900 - 2 * RUN) // RUN


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize(("spent", "counts"), [(600, 600), (1, RUN)])
def test_a_run_may_spend_more_than_it_reserved(spent: int, counts: int, tmp_path: Path) -> None:
    """A run that spent more than it reserved counts with that; one that spent less, perhaps cut off, counts in full."""
    one = Purse(tmp_path)
    one.settle(one.reserve(), Limits(spent=spent))
    assert len(spend(one)) == (1200 - counts) // RUN


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize(("granted", "runs"), [(600, 3), (100_000, 15), (1, 0)])
def test_a_lower_limit_that_a_run_read_counts(granted: int, runs: int, tmp_path: Path) -> None:
    """A lower limit in Binance's rules counts; a higher one does not, because the answer may not be Binance's."""
    one = Purse(tmp_path, share=0.1)
    one.settle(one.reserve(), Limits(granted=granted))
    assert len(spend(one)) == runs


def test_nothing_is_given_out_until_the_time_that_binance_named(tmp_path: Path, now: Clocks) -> None:
    """After a 429 or 418, no user of the folder gets weight until Binance's time; `demo` has its own counter."""
    one = Purse(tmp_path)
    first, second = one.reserve(), one.reserve()
    one.settle(first, Limits(wait=300))
    one.settle(second, Limits(wait=20))
    assert seconds(Purse(tmp_path, share=1)) == 300
    assert Purse(tmp_path, environment="demo").reserve()
    now.now += 299
    assert seconds(one) == 1
    now.now += 1
    assert one.reserve()


@pytest.mark.usefixtures("now")
def test_each_route_has_its_own_count(tmp_path: Path) -> None:
    """A stop that another host or a proxy named holds for those alone, and its sentence does not name this address."""
    relay, direct = Purse(tmp_path, route=" proxy.example:3128"), Purse(tmp_path)
    relay.settle(relay.reserve(), Limits(wait=200_000))
    with pytest.raises(Empty, match=r"^Binance, or the host in its place, has told this host or proxy"):
        relay.reserve()
    assert len(spend(direct)) == RUNS
    assert len(spend(Purse(tmp_path, route="127.0.0.1:9 "))) == RUNS
    with pytest.raises(Empty, match=r"^The 50 % of the request weight of this machine's address"):
        direct.reserve()
    assert b"proxy.example" not in (tmp_path / "purse.sqlite").read_bytes()


def test_a_number_may_be_of_any_size(tmp_path: Path, now: Clocks) -> None:
    """A number from an answer may be too large for SQLite; the weight then counts as spent."""
    one = Purse(tmp_path)
    one.settle(one.reserve(), Limits(10**30, 10**30, 10**30, 0))
    with pytest.raises(Empty, match=r"The 50 % .* are spent"):
        one.reserve()
    assert seconds(one) == 60
    now.now += 60
    assert one.reserve()


@pytest.mark.parametrize(("told", "waits"), [(300, 300), (10**9, 3 * 86_400)])
def test_a_stop_ends(told: int, waits: int, tmp_path: Path, now: Clocks) -> None:
    """A stop ends at the latest after Binance's longest ban, whatever an answer says.

    A restart of the machine sets its clock back. The stop then lasts as long as at first, because nobody knows how long
    the machine was off.
    """
    one = Purse(tmp_path)
    one.settle(one.reserve(), Limits(wait=told))
    now.now = 5.0
    assert seconds(one) == waits
    now.now += waits
    assert one.reserve()


@pytest.mark.parametrize(("spent", "page", "runs"), [(10, "page", 4), (14, "page", 3), (10, "", 3)])
@pytest.mark.usefixtures("now")
def test_a_run_with_shared_answers_counts_less_once_it_has_ended(
    spent: int, page: str, runs: int, tmp_path: Path
) -> None:
    """A run with shared answers reserves a full run's weight, since it may doubt them; after its end it counts less."""
    one = Purse(tmp_path, share=0.02)  # 48
    done = process.Finished({}, page, limits=Limits(spent=spent))
    for _ in range(runs):
        one.spend(lambda: done, least=SHARED_RUN)
    with pytest.raises(Empty):
        one.spend(lambda: done, least=SHARED_RUN)


# -- the file --


def test_the_file_is_only_for_its_owner(tmp_path: Path) -> None:
    """With any umask, the file has mode 600 and its folder mode 700; it holds numbers and the environment's name."""
    usual = os.umask(0)
    try:
        one = Purse(tmp_path / "state/keycheck")
        one.settle(one.reserve(), Limits(15, 20, 2400, 30))
    finally:
        os.umask(usual)
    folder = tmp_path / "state/keycheck"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with contextlib.closing(sqlite3.connect(file)) as db:
        cells = [cell for row in db.execute("select * from claims") for cell in row if cell is not None]
    assert [cell for cell in cells if not isinstance(cell, int | float)] == ["production", "production"]


def test_a_file_of_another_program_keeps_its_mode(tmp_path: Path) -> None:
    """The purse never changes the mode of a file that was there: a link may lead to one that others use, or /dev/null.

    Of the null device, root's purse would otherwise let no other user read or write.
    """
    other = tmp_path / "other"
    other.write_text("not a purse")
    other.chmod(0o666)
    (tmp_path / "purse.sqlite").symlink_to(other)
    with pytest.raises(Unusable):
        Purse(tmp_path).reserve()
    assert (other.read_text(), stat.S_IMODE(other.stat().st_mode)) == ("not a purse", 0o666)


def not_a_database(folder: Path) -> None:
    (folder / "purse.sqlite").write_bytes(b"something else" * 100)


def folder_in_its_place(folder: Path) -> None:
    (folder / "purse.sqlite").mkdir()


def no_folder(folder: Path) -> None:
    folder.rmdir()
    folder.write_text("a file")


@pytest.mark.parametrize("spoil", [not_a_database, folder_in_its_place, no_folder])
def test_if_the_file_cannot_be_used_nothing_is_given_out(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    """If the file cannot be used, `reserve` raises Empty with its name and what to do, and `settle` raises nothing."""
    folder = tmp_path / "folder"
    folder.mkdir()
    spoil(folder)
    one = Purse(folder)
    with pytest.raises(
        Empty, match=r"purse\.sqlite, .* cannot be used .*, or unset XDG_RUNTIME_DIR and set XDG_STATE_HOME .*in 60 s"
    ) as empty:
        one.reserve()
    assert str(tmp_path) not in str(empty.value)
    one.settle(1, Limits(wait=5))


def test_settle_waits_longer_for_the_lock_than_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`settle` waits longer for the lock than `reserve`, because a stop that is lost could lead to a ban."""
    monkeypatch.setattr(purse, "_PATIENCE", 0.1)
    one = Purse(tmp_path)
    number = one.reserve()
    with contextlib.closing(sqlite3.connect(tmp_path / "purse.sqlite", isolation_level=None)) as other:
        other.execute("begin immediate")
        ending = threading.Thread(target=one.settle, args=(number, Limits(wait=300)))
        ending.start()
        time.sleep(0.5)
        other.execute("commit")
    ending.join()
    assert seconds(one) == 300


def test_a_program_that_keeps_the_lock_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a stopped program keeps the lock for ever, a purse does not wait for ever."""
    monkeypatch.setattr(purse, "_PATIENCE", 0.1)
    one = Purse(tmp_path)
    one.reserve()
    with contextlib.closing(sqlite3.connect(tmp_path / "purse.sqlite", isolation_level=None)) as other:
        other.execute("begin immediate")
        began = time.monotonic()
        assert seconds(one) == 60
        assert time.monotonic() - began < 2
    assert one.reserve()


@pytest.mark.parametrize(
    ("share", "environment"), [(0, "demo"), (1.01, "demo"), (float("nan"), "demo"), (0.5, "testnet")]
)
def test_a_bad_share_or_environment_is_refused(share: float, environment: str, tmp_path: Path) -> None:
    """A purse refuses a share that is not from 0.01 to 1, and an unknown environment."""
    with pytest.raises(ValueError, match="must be"):
        Purse(tmp_path, share, environment)
