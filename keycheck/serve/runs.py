"""The runs of an endpoint: a limited number at once, each in a thread that waits for its child process.

    event loop   checks the request, takes a slot, starts the thread, and sends the run's messages to the client
    thread       takes the run's weight out of the purse, runs the suite, settles, and releases the slot

A run sends a message for each check, and one for its end. When the request ends, for whatever reason, the event loop
sets `cancel`, and the child is killed within a moment.
"""

import contextlib
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from keycheck import process
from keycheck.purse import RUN, Empty, Purse
from keycheck.serve import request_body
from keycheck.serve.problem import ENDING, Problem, too_many

_WAIT = 2  # seconds until a slot is likely to be free; a run takes one or two

# A run's messages: entries of verdict.json's `checks`; last, its result, or the reason why there is none.
Said = Mapping[str, Any] | process.Finished | Exception


class Runs:
    """Starts and cancels runs. `slots`: how many may run at once; `purses`: by environment; `run`: as in Endpoint."""

    def __init__(self, slots: int, purses: Mapping[str, Purse], run: Callable[..., process.Finished]) -> None:
        self._slots = threading.Semaphore(slots)
        self._purses = purses
        self._run = run
        self._cancels: set[threading.Event] = set()
        self._is_ending = False

    def start(self, wanted: request_body.Request, say: Callable[[Said], None]) -> threading.Event:
        """Starts a run, and returns the event that cancels it. `say`: called in its thread with each message.

        Raises Problem.
        """
        if self._is_ending:
            raise Problem(503, ENDING)
        if not self._slots.acquire(blocking=False):
            raise too_many("All slots of this endpoint are taken: try again in a moment.", _WAIT)
        cancel = threading.Event()
        self._cancels.add(cancel)  # before the thread starts, which may have ended before the next line
        try:
            threading.Thread(target=self._work, args=(wanted, say, cancel), daemon=True, name="keycheck-run").start()
        except RuntimeError:
            self._cancels.discard(cancel)
            self._slots.release()
            raise Problem(503, "This machine has no room for one more run: try again in a moment.") from None
        return cancel

    def end(self) -> None:
        """Refuses further runs. Those that have started go on."""
        self._is_ending = True

    def cancel_all(self) -> None:
        """Cuts all runs short: they are UNPROVEN, and say why."""
        for cancel in tuple(self._cancels):
            cancel.set()

    def _work(self, wanted: request_body.Request, say: Callable[[Said], None], cancel: threading.Event) -> None:
        end: Said
        try:
            end = self._spend(wanted, say, cancel)
        except Empty as empty:
            end = too_many(str(empty), empty.seconds)
        except process.UnusableSettings as refused:
            end = request_body.problem_of(str(refused))
        except Exception as error:  # noqa: BLE001  it is raised where the answer is made
            end = error
        self._slots.release()
        self._cancels.discard(cancel)
        with contextlib.suppress(RuntimeError):  # the event loop has ended before
            say(end)

    def _spend(
        self, wanted: request_body.Request, say: Callable[[Said], None], cancel: threading.Event
    ) -> process.Finished:
        if cancel.is_set():  # the client has gone: no weight is spent
            raise Problem(503, ENDING)
        purse = self._purses[wanted.environment]
        run = partial(self._run, wanted.settings, on_check=say, cancel=cancel)
        return purse.spend(run, RUN + wanted.more_weight)
