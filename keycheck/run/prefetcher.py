"""The prefetcher: sends the checks' requests concurrently, in advance, so that the checks wait less for answers.

Theory of operation. `start` reserves every question of the plan's lanes in the memo, so that checks wait for its
answer. It then starts one task in a pool of threads: the run's first request, unless `ask_the_clock` has sent it. When
that has been answered, each lane becomes a task of its own, and asks its questions one after the other. If the plan
forbids a question, the lane releases the reservation; a check that needs the answer then asks by itself. If a lane
fails, it releases the rest of its questions. So the prefetcher changes when a question is asked, but never its answer.

`stop` ends everything at once: the memo keeps all prefetching threads from sending, `cancel` shuts down the requests
under way, and `stop` waits until all threads have ended.
"""

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from keycheck.errors import KeycheckError
from keycheck.run.prefetch_plan import Ask, Lane, Plan, lanes_of

if TYPE_CHECKING:
    from keycheck.exchange.session import Binance


class Prefetcher:
    """Asks a session's questions before the checks do. `cancel`: a function that ends all requests under way."""

    def __init__(self, session: "Binance", cancel: Callable[[], None]) -> None:
        self._session = session
        self._memo = session.memo
        self._cancel = cancel
        self._pool = ThreadPoolExecutor(len(lanes_of(session)) + 1, initializer=self._memo.this_thread_prefetches)
        self._lanes: Sequence[Lane] = ()  # none until `start`
        self._is_stopped = False

    def ask_the_clock(self) -> None:
        """Starts the run's first request, and returns at once."""
        with contextlib.suppress(RuntimeError):  # no thread can be started; `start` will try again
            self._pool.submit(self._session.clock_sample, 1)  # the memo keeps the answer or the error

    def start(self, plan: Plan) -> None:
        """Starts to ask the questions of `plan`, and returns at once."""
        self._lanes = plan.lanes
        self._memo.interrupted = self.stop
        try:
            self._memo.reserve(ask.question for lane in self._lanes for ask in lane)
            self._pool.submit(self._begin, plan)
        except RuntimeError:  # no thread can be started
            self._release_all()
        except BaseException:  # Ctrl-C or a time limit: checks would wait for what nobody asks
            self._release_all()
            raise

    def stop(self) -> None:
        """Cancels all requests under way, and waits until the threads have ended."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self._memo.cancel_prefetching()
        self._cancel()
        self._release_all()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _begin(self, plan: Plan) -> None:
        """Sends the run's first request alone, so that a ban, a firewall or a portal gets one request, not ten."""
        try:
            self._session.clock_sample(1)
            self._memo.prefetching_runs()
            for lane in plan.lanes:
                self._pool.submit(self._walk, plan, lane)
        except BaseException:  # a check that asks the same question gets the error, too, and reports it
            self._release_all()
            raise

    def _walk(self, plan: Plan, lane: Lane) -> None:
        try:
            for ask in lane:
                self._ask(plan, ask)
        finally:
            self._release(lane)

    def _ask(self, plan: Plan, ask: Ask) -> None:
        if plan.may_ask(ask.name):
            with contextlib.suppress(KeycheckError):  # the memo remembers the error for the check
                ask.method(*ask.arguments)
        self._memo.release(ask.question)

    def _release(self, lane: Lane) -> None:
        for ask in lane:
            self._memo.release(ask.question)

    def _release_all(self) -> None:
        for lane in self._lanes:
            self._release(lane)
