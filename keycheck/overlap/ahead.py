"""The threads that ask ahead of the checks, so that an answer is there, or on its way, when a check wants it.

Nothing here decides anything: a lane that ends early leaves its questions to the checks.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from keycheck.errors import KeycheckError
from keycheck.overlap.plan import Plan

if TYPE_CHECKING:
    from keycheck.binance import Binance
    from keycheck.overlap.memory import Question

_LAST_SECONDS = 2.0  # for a thread to end whose request was given up


class Ahead:
    """Asks `session` what its checks will ask. `give_up` ends all requests that are on their way, at once."""

    def __init__(self, session: "Binance", plan: Plan, give_up: Callable[[], None]) -> None:
        self._session = session
        self._plan = plan
        self._give_up = give_up
        self._threads: list[threading.Thread] = []
        self._is_stopped = False

    def start(self) -> None:
        """Returns at once. From now on the checks wait for what was promised to them."""
        self._session.interrupted = self.stop
        self._session.promise(question for lane in self._plan.lanes for question in lane)
        try:
            self._begin(self._open)
        except RuntimeError:  # no thread can be started
            for lane in self._plan.lanes:
                self._leave(lane)

    def stop(self) -> None:
        """Ends what is on its way, at once, and waits for the threads. What nobody looked for is left to the checks."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self._session.end_ahead()
        self._give_up()
        for thread in self._threads:
            thread.join(_LAST_SECONDS)

    def _begin(self, ask: Callable[[], None]) -> None:
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _open(self) -> None:
        """The run's first request goes alone: a ban, a block or a portal shall cost one, and not ten."""
        self._session.begin_ahead()
        left = list(self._plan.lanes)
        try:
            self._session.clock_sample(1)
            self._session.open_lanes()
            while left:
                self._begin(partial(self._walk, left[0]))
                del left[0]
        except Exception:  # noqa: BLE001, S110  a check that asks the same meets it too, and tells
            pass
        finally:
            for lane in left:
                self._leave(lane)

    def _walk(self, lane: Sequence["Question"]) -> None:
        self._session.begin_ahead()
        try:
            for question in lane:
                self._ask(question)
        except Exception:  # noqa: BLE001, S110  GivenUp, or as above
            pass
        finally:
            self._leave(lane)

    def _ask(self, question: "Question") -> None:
        name, arguments = question
        if self._plan.may_ask(name):
            with contextlib.suppress(KeycheckError):  # which is remembered, and told to the check
                getattr(self._session, name)(*arguments)
        self._session.break_promise(question)

    def _leave(self, lane: Sequence["Question"]) -> None:
        for question in lane:
            self._session.break_promise(question)
