"""The driver: hands the accounts of each lane to its machine, a few at a time, and keeps each answer as it comes.

Theory of operation. One thread does everything here; the engine's threads only put Futures that are done into a queue.
An account is in one of these states, and moves down; only a `wait` moves it up again:

    waiting      in its lane's queue
    under way    a Future; at most `engine.slots(lane)` of a lane at once
    kept         its line is in verdicts.jsonl, on the disk; nothing of it is left in memory

A lane stops, once, when a job answers that there is no weight: nothing of it is submitted until then. If no machine
serves a lane for `lane_timeout` seconds, or a Future fails, or is late by that much, the accounts concerned are
UNPROVEN with that reason, and the other lanes go on.
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

LONGEST_JOB = process.SECONDS + 15  # seconds: a run, and what a purse waits for its file
_LOST = {"KilledWorker": "the worker that had its job died", "CancelledError": "the way to its machine was cut"}
_TICK = 0.5  # seconds between two looks at what is late
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
    why: str = ""  # it is stopped
    served: float = 0.0  # when a machine was last there


class Driver:
    """Asks each account once. `counts`: accounts by verdict so far. `keep`: as `OutFolder.keep`.

    `watch` is called after each change, and twice a second.
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

    @property
    def not_asked(self) -> list[str]:
        """The accounts without a verdict."""
        return [account.name for one in self.queues.values() for account in one.waiting]

    def stop(self) -> None:
        """Asks no further account; `run` returns when those under way have ended. A signal handler may call it."""
        self.is_stopping = True
        self._done.put(None)

    def run(self) -> None:
        """Returns when all accounts have a verdict. Raises OSError if one cannot be kept."""
        while True:
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
            except Exception as error:  # noqa: BLE001  an engine that takes no job is a lost one
                self._lose(one, account, _why_lost(error))
                continue
            one.under_way[future] = account, clock.uptime()
            future.add_done_callback(lambda done: self._done.put((one, done)))

    def _take(self) -> None:
        """Waits for an answer, but not long, and keeps it."""
        try:
            done = self._done.get(timeout=self._pause())
        except queue.Empty:
            return
        if done is None or done[1] not in done[0].under_way:  # it was late, and has been given up
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
        """Seconds until a lane may go on, at most _TICK."""
        now = clock.uptime()
        return min([_TICK, *(one.stopped_until - now for one in self.queues.values() if one.stopped_until > now)])

    def _look_after(self, one: Queue) -> None:
        """Gives up what has been without an answer for too long."""
        now = clock.uptime()
        if self._engine.slots(one.lane):
            one.served = now
        is_deserted = now - one.served > self._lane_timeout
        late = LONGEST_JOB + self._lane_timeout
        for future, (account, since) in list(one.under_way.items()):
            if (is_deserted or now - since > late) and not future.done():
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
    """Why a job has no verdict. A ValueError's text is our own sentence, or one of a machine that is not trusted."""
    name = type(error).__name__
    return printable(str(error)) if isinstance(error, ValueError) else f"{_LOST.get(name, 'its job was lost')} ({name})"
