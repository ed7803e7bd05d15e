"""The driver: sends the jobs of each lane to its machine, a few at a time, and stores each answer as it comes.

Theory of operation. One thread does everything here; the engine's threads only put finished Futures into a queue.
An account is in one of these states, and moves down; only the answer `Wait` moves it up again:

    waiting      in its lane's queue
    under way    a Future; at most `engine.slots(lane)` of a lane at once
    kept         its line is in verdicts.jsonl, on the disk; nothing of it is left in memory

If a job answers `Wait`, its lane has no request weight left. The whole lane stops for that time: none of its jobs is
submitted. If no machine serves a lane for `lane_timeout` seconds, or a Future fails, or has not finished that long
after a run's longest time, the accounts concerned are UNPROVEN with that reason, and the other lanes go on.
"""

import queue
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from keycheck import clock, process
from keycheck.fleet import answer, job
from keycheck.fleet.accounts import Account, Fleet, Lane
from keycheck.fleet.engine import Engine
from keycheck.redaction.redactor import printable

LONGEST_JOB = process.SECONDS + 15  # seconds: a run, and the purse's waits for its file
_LOST = {"KilledWorker": "the worker that had its job died", "CancelledError": "the connection to its machine was cut"}
_TICK = 0.5  # seconds between two searches for late jobs
_NAP = 10.0  # seconds; if more pass between two turns of the loop, this process was stopped
_Done = queue.SimpleQueue["tuple[Queue, Future[str]] | None"]


@dataclass(eq=False)
class Queue:
    """A lane and its accounts. Times are those of `clock.uptime`."""

    lane: Lane
    waiting: deque[Account] = field(default_factory=deque)
    under_way: dict[Future[str], tuple[Account, float]] = field(default_factory=dict)  # with the time it was submitted
    done: int = 0
    spent: int = 0  # weight
    stopped_until: float = 0.0
    why: str = ""  # the reason for the stop
    served: float = 0.0  # when a machine last served this lane


class Driver:
    """Tests each account of a fleet once. `counts`: the number of accounts with each verdict so far.

    `keep`: as `OutFolder.keep`. `watch` is called after each change, and twice a second.
    """

    def __init__(  # noqa: PLR0913  the parts that it connects
        self,
        fleet: Fleet,
        engine: Engine,
        keep: Callable[[Account, answer.Result], None],
        *,
        sharing: bool = True,
        lane_timeout: float = 60.0,
        watch: Callable[["Driver"], None] = lambda _: None,
    ) -> None:
        self.queues = {name: Queue(lane, served=clock.uptime()) for name, lane in fleet.lanes.items()}
        for account in fleet.accounts:
            self.queues[account.lane].waiting.append(account)
        self.counts: Counter[str] = Counter()
        self.is_stopping = False
        self._engine = engine
        self._keep_on_disk = keep
        self._sharing = sharing
        self._lane_timeout = lane_timeout
        self._watch = watch
        self._done: _Done = queue.SimpleQueue()
        self._awake = clock.uptime()

    @property
    def not_asked(self) -> list[str]:
        """The names of the accounts that still wait in a queue."""
        return [account.name for one in self.queues.values() for account in one.waiting]

    def stop(self) -> None:
        """Submits no more jobs; `run` returns when those under way have ended. A signal handler may call this."""
        self.is_stopping = True
        self._done.put(None)

    def run(self) -> None:
        """Tests all accounts; returns at the last verdict, or after `stop`. Raises OSError if one cannot be kept."""
        while True:
            self._pass_over_a_stop()
            for one in self.queues.values():
                self._look_after(one)
                self._fill(one)
            self._watch(self)
            if not any(one.under_way or (one.waiting and not self.is_stopping) for one in self.queues.values()):
                return
            self._take()

    def _fill(self, one: Queue) -> None:
        if one.stopped_until > clock.uptime():
            return
        executor = self._engine.executor(one.lane)
        while one.waiting and not self.is_stopping and len(one.under_way) < self._engine.slots(one.lane):
            account = one.waiting.popleft()
            text = job.text_of(account, one.lane, sharing=self._sharing)
            try:
                future = executor.submit(self._engine.job, text)
            except Exception as error:  # noqa: BLE001  an engine may refuse a job with any exception
                self._lose(one, account, _why_lost(error))
                continue
            one.under_way[future] = account, clock.uptime()
            future.add_done_callback(lambda done: self._done.put((one, done)))

    def _take(self) -> None:
        """Waits for an answer, at most until the next tick, and handles it."""
        try:
            done = self._done.get(timeout=self._pause())
        except queue.Empty:
            return
        if done is None or done[1] not in done[0].under_way:  # it was late, so its account is UNPROVEN already
            return
        one, future = done
        account, _ = one.under_way.pop(future)
        try:
            found = answer.read(future.result(), account.name)
        except Exception as error:  # noqa: BLE001  whatever an engine's Future fails with
            self._lose(one, account, _why_lost(error))
            return
        if isinstance(found, answer.Wait):
            one.waiting.appendleft(account)
            one.stopped_until = max(one.stopped_until, clock.uptime() + found.seconds)
            one.why = found.why
        else:
            self._keep(one, account, found)

    def _pause(self) -> float:
        """Seconds until the next stopped lane may go on, at most _TICK."""
        now = clock.uptime()
        return min([_TICK, *(one.stopped_until - now for one in self.queues.values() if one.stopped_until > now)])

    def _pass_over_a_stop(self) -> None:
        """Moves all deadlines by the time for which this process itself was stopped, as by Ctrl-Z."""
        now = clock.uptime()
        asleep, self._awake = now - self._awake, now
        if asleep > _NAP:
            for one in self.queues.values():
                one.served += asleep
                one.under_way = {future: (account, at + asleep) for future, (account, at) in one.under_way.items()}

    def _look_after(self, one: Queue) -> None:
        """Makes accounts UNPROVEN if their job is late, or if no machine has served their lane for too long."""
        now = clock.uptime()
        if self._engine.slots(one.lane):
            one.served = now
        is_deserted = now - one.served > self._lane_timeout
        late = LONGEST_JOB + self._lane_timeout
        for future, (account, since) in list(one.under_way.items()):
            if is_deserted or now - since > late:
                del one.under_way[future]
                future.cancel()
                self._lose(one, account, f"it sent no answer in {now - since:.0f} s")
        while is_deserted and one.waiting and not self.is_stopping:
            self._lose(one, one.waiting.popleft(), f"no machine has served it for {self._lane_timeout:g} s")

    def _lose(self, one: Queue, account: Account, why: str) -> None:
        finished = process.not_begun(
            f"Lane {one.lane.name}, which was to test this account, gave no verdict: {why}.",
            f"see that the machine of lane {one.lane.name} works, then test its accounts again.",
        )
        self._keep(one, account, answer.Result(finished.verdict))

    def _keep(self, one: Queue, account: Account, found: answer.Result) -> None:
        self._keep_on_disk(account, found)
        one.done += 1
        one.spent += found.weight
        self.counts[found.verdict["verdict"]] += 1


def _why_lost(error: BaseException) -> str:
    """Why a job has no verdict. A ValueError's text may come from an untrusted machine, so it is made printable."""
    name = type(error).__name__
    return printable(str(error)) if isinstance(error, ValueError) else f"{_LOST.get(name, 'its job was lost')} ({name})"
