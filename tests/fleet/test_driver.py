"""The driver tests each account once, keeps each answer before it goes on, and loses no account."""

import io
import json
import threading
import time
import tracemalloc
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from keycheck import clock
from keycheck.fleet import driver as driving
from keycheck.fleet import job
from keycheck.fleet.accounts import Account, Lane
from keycheck.fleet.answer import Result
from keycheck.fleet.driver import Driver
from keycheck.fleet.local import Local
from keycheck.fleet.progress import Progress, line_of
from keycheck.settings import loading
from tests.children import wait_until
from tests.fake_clock import StandIn
from tests.fleet.stubs import NOT_OK, OK, UNPROVEN, Stub, fleet, ok, wait


class Kept:
    """Keeps verdicts in memory, by account."""

    def __init__(self) -> None:
        self.verdicts: dict[str, Mapping[str, Any]] = {}

    def __call__(self, account: Account, found: Result) -> None:
        assert account.name not in self.verdicts
        self.verdicts[account.name] = found.verdict

    def why(self, account: str) -> str:
        """Why an account is UNPROVEN without a run."""
        (cause,) = self.verdicts[account]["diagnosis"]
        assert (self.verdicts[account]["verdict"], cause["cause"]) == ("UNPROVEN", "run_not_finished")
        return str(cause["explanation"])


@pytest.fixture
def kept() -> Kept:
    return Kept()


NAMES = [f"account-{number}" for number in range(9)]


def test_each_account_is_asked_once_in_order_and_counted(kept: Kept) -> None:
    """The driver tests accounts once, in order, counts their verdicts, and adds their weight to the lane's."""
    verdicts = [OK, NOT_OK, UNPROVEN] * 3
    engine = Stub(lambda job: ok(job, verdicts[NAMES.index(job["account"])]))
    driver = Driver(fleet(*NAMES), engine, kept)
    driver.run()
    assert engine.asked == NAMES == list(kept.verdicts)
    assert driver.counts == {"OK": 3, "NOT_OK": 3, "UNPROVEN": 3}
    assert driver.queues["local"].spent == 9 * 15
    assert engine.jobs[0] == {"account": NAMES[0], "settings": {}, "lane": "local", "share": 0.5, "sharing": True}


def test_an_answer_is_kept_before_the_next_account_is_asked() -> None:
    """Each answer is kept before the next job begins, and a lane never has more jobs under way than slots."""
    engine = Stub(lambda _: None, slots=3)
    kept: list[str] = []

    def keep(account: Account, _: Result) -> None:
        assert len(engine.asked) - len(kept) <= 3
        kept.append(account.name)

    def asked(number: int) -> bool:
        return len(engine.asked) == number

    driver = Driver(fleet(*NAMES), engine, keep)
    with running(driver):
        for number, name in enumerate(NAMES):
            wait_until(partial(asked, min(number + 3, 9)))
            engine.finish(name, ok({"account": name}))
    assert (kept, engine.most_under_way) == (NAMES, 3)


class running:
    """Runs a driver in a thread. The driver must end soon after the block."""

    def __init__(self, driver: Driver) -> None:
        self._thread = threading.Thread(target=driver.run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive(), "the driver did not end"


def test_a_lane_without_weight_stops_once_and_the_others_go_on(kept: Kept) -> None:
    """A lane without weight sends no job until its wait is over, and then goes on; the progress line says why."""
    is_empty = True
    lines: list[str] = []
    began = time.monotonic()

    def answer(job: Mapping[str, Any]) -> str:
        return wait(job, 0.6) if job["lane"] == "tokyo" and is_empty else ok(job)

    engine = Stub(answer)
    driver = Driver(fleet("x", "y", "z", lane="tokyo", osaka=("a", "b", "c")), engine, kept)
    driver._watch = lambda one: lines.append(line_of(one, 1, clock.uptime()))
    with running(driver):
        wait_until(lambda: len(kept.verdicts) == 3)
        asked = list(engine.asked)
        time.sleep(0.2)
        is_empty = False
    assert set(asked) == {"x", "y", "a", "b", "c"} == set(kept.verdicts) - {"z"}
    assert asked.count("x") == asked.count("y") == 1
    assert len(kept.verdicts) == 6
    assert time.monotonic() - began >= 0.6
    assert any("tokyo 0 of 3 (stopped for 1 s: No weight is left.)" in line for line in lines)


LOST: dict[str, tuple[str | Exception, str]] = {
    "a worker that dies": (ConnectionError("secret"), "its job was lost (ConnectionError)"),
    "no JSON": ("{", "not an answer of keycheck"),
    "another account": (ok({"account": "other"}), "not an answer of keycheck"),
}


@pytest.mark.parametrize("how", LOST)
def test_a_lost_account_is_unproven_with_the_reason(how: str, kept: Kept) -> None:
    """A lost account is UNPROVEN with the reason, and not tested again: its run may have begun. The others go on."""
    found, why = LOST[how]

    def answer(job: Mapping[str, Any]) -> str | Exception:
        return found if job["account"] == "b" else ok(job)

    engine = Stub(answer)
    Driver(fleet("a", "b", "c"), engine, kept).run()
    assert why in kept.why("b")
    assert "secret" not in json.dumps(kept.verdicts["b"])
    assert engine.asked == ["a", "b", "c"] == sorted(kept.verdicts)


def test_a_job_that_the_engine_refuses_is_lost(kept: Kept) -> None:
    """If the engine refuses a job, as Dask does without its scheduler, the account is UNPROVEN and the run goes on."""

    def refuse(_: Mapping[str, Any]) -> str:
        raise OSError("gone")

    Driver(fleet("a", "b"), Stub(refuse), kept).run()
    assert [kept.why(name).count("its job was lost (OSError)") for name in "ab"] == [1, 1]


def test_a_lane_without_a_machine_is_given_up_in_time(kept: Kept) -> None:
    """Without a machine, a lane's accounts are UNPROVEN after the time-out, including those that were under way."""
    engine = Stub(lambda job: None if job["account"] == "a" else ok(job), slots=1)
    with running(Driver(fleet("a", "b"), engine, kept, lane_timeout=0.5)):
        wait_until(lambda: engine.asked == ["a"])
        engine.number_of_slots = 0
    assert "it sent no answer" in kept.why("a")
    assert "no machine has served it for 0.5 s" in kept.why("b")
    assert engine.under_way["a"].cancelled()


def test_a_late_answer_is_given_up(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account whose answer is late is UNPROVEN, and an answer that comes after that is ignored."""
    monkeypatch.setattr(driving, "LONGEST_JOB", 0.2)
    engine = Stub(lambda job: None if job["account"] == "a" else ok(job), slots=1)
    with running(Driver(fleet("a", "b"), engine, kept, lane_timeout=0.2)):
        pass
    assert "it sent no answer in 1 s" in kept.why("a")
    assert kept.verdicts["b"]["verdict"] == "OK"


@pytest.mark.slow
def test_no_lane_is_late_while_the_driver_is_stopped(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-Z stops the driver and its engine; after fg the engine's answers are used, however late it is."""
    time_ = StandIn()
    monkeypatch.setattr(clock, "time", time_)
    engine = Stub(lambda _: None)
    looks: list[int] = []

    def watch(_: Driver) -> None:
        looks.append(0)
        if len(looks) == 1:
            time_.now += 1000
        elif len(looks) == 3:
            for name in "ab":
                engine.finish(name, ok({"account": name}))

    Driver(fleet("a", "b"), engine, kept, watch=watch).run()
    assert [one["verdict"] for one in kept.verdicts.values()] == ["OK", "OK"]


def test_after_stop_the_accounts_under_way_still_end(kept: Kept) -> None:
    """After `stop`, accounts under way get their verdicts, and the others are in `not_asked`."""
    engine = Stub(lambda _: None)
    driver = Driver(fleet("a", "b", "c"), engine, kept)
    with running(driver):
        wait_until(lambda: len(engine.asked) == 2)
        driver.stop()
        assert "stopping: waiting for 2 runs" in line_of(driver, 1, clock.uptime())
        for name in "ab":
            engine.finish(name, ok({"account": name}))
    assert (sorted(kept.verdicts), driver.not_asked) == (["a", "b"], ["c"])


def test_a_verdict_that_cannot_be_kept_ends_the_run() -> None:
    """If a verdict cannot be kept, as on a full disk, the driver raises OSError and tests no further account."""

    def keep(*_: object) -> None:
        raise OSError(28, "No space left on device")

    engine = Stub(slots=1)
    with pytest.raises(OSError, match="No space left"):
        Driver(fleet("a", "b"), engine, keep).run()
    assert engine.asked == ["a"]


def test_memory_is_flat() -> None:
    """No verdict stays in memory: 200 accounts need little more memory than 20."""

    def peak(number: int) -> int:
        driver = Driver(fleet(*(f"account-{one}" for one in range(number))), Small(), lambda *_: None)
        tracemalloc.start()
        driver.run()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(200) - peak(20) < 4 * 10**5


class Small(Stub):
    """A stub that keeps no list of its jobs, so that its memory does not grow."""

    def submit(self, function: Any, /, text: str) -> Any:  # type: ignore[override]  # as Stub has it
        future = super().submit(function, text)
        self.asked.clear()
        self.jobs.clear()
        return future


def test_the_line_tells_the_time_that_the_weight_takes() -> None:
    """The line says 3 min for 4500 of weight at 1200 a minute: the first 1200 at once, and 165 s for the others."""
    driver = Driver(fleet(*(f"account-{one}" for one in range(300))), Stub(), lambda *_: None)
    assert line_of(driver, 0, clock.uptime()) == (
        "[....................] 0 of 300  OK 0  NOT_OK 0  UNPROVEN 0  3 min left  local 0 of 300"
    )
    driver.queues["local"].done, driver.queues["local"].spent, driver.counts["OK"] = 100, 1000, 100
    assert "[#####...............] 100 of 400  OK 100" in line_of(driver, 30, clock.uptime())


class Stream(io.StringIO):
    """A text stream that says whether it is a terminal."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.isatty = lambda: is_terminal  # type: ignore[method-assign]


def test_a_terminal_has_one_line_and_a_log_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, one line is overwritten, and cleared at the end; a log gets a line every 30 s, and at Ctrl-C."""
    now = StandIn()
    monkeypatch.setattr(clock, "time", now)
    monkeypatch.setenv("COLUMNS", "60")
    driver = Driver(fleet("a"), Stub(), lambda *_: None)
    terminal, log = Stream(is_terminal=True), Stream(is_terminal=False)
    shown = Progress(terminal), Progress(log)
    for _ in range(61):
        for one in shown:
            one(driver)
        now.now += 1
    driver.stop()
    for one in shown:
        one(driver)
        one.end()
    lines = terminal.getvalue().split("\r")
    assert {len(line) for line in lines} == {0, 59}
    assert [line.strip() for line in lines[-2:]] == ["", ""]
    assert log.getvalue().count("[....................] 0 of 1  OK 0") == log.getvalue().count("\n") == 3
    assert "stopping: waiting for 0 runs" in log.getvalue()


def test_a_container_on_a_large_machine_runs_few_jobs_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container with one processor may see all 64 of its host: 65 runs at once would all be late."""
    monkeypatch.setattr(loading, "processors", lambda: 64)
    engine = Local(fleet("a"), tmp_path)
    assert engine.slots(Lane("local", 0.5)) == 12
    engine.close()


def test_this_machines_engine_ends_what_is_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the local engine is closed, runs under way are cut short, and none begins."""

    def until_cancelled(text: str, *, keys: Path, cancel: threading.Event) -> str:
        assert (keys, cancel.wait(30)) == (tmp_path, True)
        return text

    monkeypatch.setattr(job, "run_job", until_cancelled)
    engine = Local(fleet("a"), tmp_path)
    lane = Lane("local", 0.5)
    futures = [engine.executor(lane).submit(engine.job, "text") for _ in range(engine.slots(lane) + 1)]
    engine.close()
    assert futures[0].result(0) == "text"
    assert futures[-1].cancelled()
