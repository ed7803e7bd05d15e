"""Remembers the answer to each question of a run, so that several threads ask it only once between them.

Theory of operation. A question is a call of one of the session's methods: its name and its arguments. The memo has an
entry for each question that a thread has asked, or that the prefetcher has reserved. When a thread asks a question, the
state of its entry decides what the thread does:

    state      meaning                                a thread of checks            a prefetching thread
    (none)     no thread has asked                    asks                          asks
    RESERVED   the prefetcher is going to ask         waits; if prefetching runs,   asks
                                                      asks itself after PATIENCE
    RUNNING    a thread is asking                     waits                         waits
    DONE       the answer or its error is known       takes it                      takes it
    DROPPED    the asking thread was interrupted      starts again                  starts again
               (Ctrl-C, a time-out, cancellation),
               or the reservation was released

A dropped entry is removed at once, so a thread that waited for it finds no entry when it starts again. `forget` removes
entries that are DONE, so that their questions are asked again. An error is remembered if it is a KeycheckError; any
other exception drops the entry. The memo also remembers on which requests each answer rests.
"""

import enum
import threading
from collections.abc import Callable, Iterable
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from keycheck.errors import Cancelled, KeycheckError
from keycheck.exchange.endpoints import Endpoint

Question = tuple[str, tuple[Any, ...]]  # the name of a method of the session, and its arguments
P = ParamSpec("P")
R = TypeVar("R")

PATIENCE = 0.7  # seconds; the first answer of a prefetching thread takes one round trip
_GLANCE = 0.1  # seconds after which a waiting prefetching thread checks whether it was cancelled
_SENDS = "sends"
_RESTS_ON = "rests_on"


class State(enum.Enum):
    """The states of the table above."""

    RESERVED = "reserved"
    RUNNING = "running"
    DONE = "done"
    DROPPED = "dropped"


class _Entry:
    """A memo entry: its state, its answer, and the numbers of the requests that the answer rests on."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.answer: Any = None
        self.calls: frozenset[int] = frozenset()
        self.settled = threading.Event()  # DONE or DROPPED

    def settle(self, state: State) -> None:
        self.state = state
        self.settled.set()


class _OfThread(threading.local):
    """Thread-local data: the requests whose answers this thread used, and whether it prefetches."""

    def __init__(self) -> None:
        self.used: set[int] = set()
        self.prefetches = False


class Memo:
    """The answers of one run.

    `interrupted` is called if Ctrl-C or a time-out interrupts a check that waits for an answer.
    """

    def __init__(self) -> None:
        self.interrupted: Callable[[], None] = lambda: None
        self._entries: dict[Question, _Entry] = {}
        self._lock = threading.Lock()
        self._thread = _OfThread()
        self._prefetching_runs = False
        self._is_cancelled = False

    def answer(self, question: Question, ask: Callable[[], R]) -> R:
        """The remembered answer; if there is none, that of `ask`. Raises the KeycheckError if that is the answer."""
        while True:
            entry, is_mine = self._entry(question)
            if is_mine:
                self._run(question, entry, ask)
            else:
                self._wait_for(question, entry)
            if entry.state is State.DONE:
                self._thread.used |= entry.calls
                if isinstance(entry.answer, KeycheckError):
                    raise entry.answer.with_traceback(None)
                return entry.answer  # type: ignore[no-any-return]

    def seen(self, name: str) -> Any:
        """The answer to a question without arguments, or its error; None if there is neither yet."""
        entry = self._entries.get((name, ()))
        return entry.answer if entry is not None and entry.state is State.DONE else None

    def forget(self, *names: str) -> None:
        """Removes the answers to these questions. A thread that is asking one of them goes on."""
        with self._lock:
            for question, entry in list(self._entries.items()):
                if question[0] in names and entry.state is State.DONE:
                    del self._entries[question]

    def note_call(self, number: int) -> None:
        """Notes that the answer that this thread is getting rests on request `number`, counted from 1."""
        self._thread.used.add(number)

    def take_used_calls(self) -> tuple[int, ...]:
        """The numbers of the requests whose answers this thread has used since the last call."""
        used, self._thread.used = self._thread.used, set()
        return tuple(sorted(used))

    # -- prefetching --

    def reserve(self, questions: Iterable[Question]) -> None:
        """Reserves questions for the prefetcher: checks wait for their answers."""
        with self._lock:
            for question in questions:
                self._entries.setdefault(question, _Entry(State.RESERVED))

    def release(self, question: Question) -> None:
        """Drops the reservation of a question, so that a check asks it; does nothing if a thread is already asking."""
        with self._lock:
            entry = self._entries.get(question)
            if entry is not None and entry.state is State.RESERVED:
                self._drop(question, entry)

    def prefetching_runs(self) -> None:
        """Ends the checks' long wait: from now on they wait for a reserved question for PATIENCE at most.

        Called when the run's first request has been answered.
        """
        self._prefetching_runs = True

    def this_thread_prefetches(self) -> None:
        """Marks this thread as prefetching: it never waits for the rate limit, and it can be cancelled."""
        self._thread.prefetches = True

    def cancel_prefetching(self) -> None:
        """Keeps all prefetching threads from sending anything more."""
        self._is_cancelled = True

    def check_cancelled(self, *, must_wait: bool) -> None:
        """Raises Cancelled in a prefetching thread that may not send its next request; called before each request.

        It may not if prefetching was cancelled, nor if the request must wait for the rate limit: for that, only the
        thread of the checks waits.
        """
        if self._thread.prefetches and (must_wait or self._is_cancelled):
            raise Cancelled

    # -- transitions between the states --

    def _entry(self, question: Question) -> tuple[_Entry, bool]:
        """The entry, and whether this thread must ask; if it must, the entry is RUNNING now."""
        with self._lock:
            entry = self._entries.get(question)
            if entry is None:
                entry = self._entries[question] = _Entry(State.RUNNING)
                return entry, True
            if entry.state is State.RESERVED and self._thread.prefetches:
                entry.state = State.RUNNING
                return entry, True
            return entry, False

    def _drop(self, question: Question, entry: _Entry) -> None:
        """Removes an entry. The caller must hold the lock."""
        del self._entries[question]
        entry.settle(State.DROPPED)

    def _run(self, question: Question, entry: _Entry, ask: Callable[[], Any]) -> None:
        outside, self._thread.used = self._thread.used, set()
        try:
            try:
                entry.answer = ask()
            except KeycheckError as error:
                entry.answer = error
        except BaseException:
            outside |= self._thread.used
            with self._lock:
                self._drop(question, entry)
            raise
        else:
            entry.calls = frozenset(self._thread.used)
            entry.settle(State.DONE)
        finally:
            self._thread.used = outside

    def _wait_for(self, question: Question, entry: _Entry) -> None:
        if self._thread.prefetches:
            # Ctrl-C may have interrupted the asking thread, which then waits for the end of this one: a deadlock,
            # unless this thread notices that it was cancelled.
            while not entry.settled.wait(_GLANCE):
                self.check_cancelled(must_wait=False)
            return
        try:
            while not entry.settled.wait(PATIENCE):
                if self._prefetching_runs:
                    # The prefetcher may still be busy with an earlier question of this lane: this thread asks itself.
                    self.release(question)
        except BaseException:
            self.interrupted()
            raise


class HasMemo(Protocol):
    """An object whose methods can be memoized."""

    @property
    def memo(self) -> Memo: ...


S = TypeVar("S", bound=HasMemo)


def memoized(
    *, sends: Endpoint | None = None, rests_on: Iterable[Callable[..., Any]] = ()
) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Marks a method of the session as a question: it runs once in a run, and its answer or error is remembered.

    `sends`: the endpoint to which the method itself sends a request. `rests_on`: the questions that it asks in turn.
    From these, the prefetcher derives which questions a check needs, and `--explain` which requests it may send.
    """

    def decorate(ask: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        @wraps(ask)
        def asked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            return self.memo.answer((ask.__name__, args), partial(ask, self, *args, **kwargs))

        setattr(asked, _SENDS, sends)
        setattr(asked, _RESTS_ON, tuple(question.__name__ for question in rests_on))
        return asked

    return decorate


def derived(
    *, rests_on: Iterable[Callable[..., Any]]
) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Marks a method that sends nothing itself: each call computes its result from the run's answers so far.

    `rests_on`: as for `memoized`.
    """

    def decorate(work_out: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        setattr(work_out, _SENDS, None)
        setattr(work_out, _RESTS_ON, tuple(question.__name__ for question in rests_on))
        return work_out

    return decorate


class Dependencies:
    """The dependencies between a session's questions, and the requests they send, as `memoized` and `derived` say."""

    def __init__(self, session: type[HasMemo], stamp: str) -> None:
        """`stamp`: the question on which each signed request rests, for its time stamp."""
        questions = {name: one for name, one in vars(session).items() if hasattr(one, _RESTS_ON)}
        self.sends: dict[str, Endpoint | None] = {name: getattr(one, _SENDS) for name, one in questions.items()}
        self.rests_on: dict[str, tuple[str, ...]] = {
            name: getattr(one, _RESTS_ON) + ((stamp,) if (sent := self.sends[name]) and sent.signed else ())
            for name, one in questions.items()
        }

    def reached_from(self, names: Iterable[str]) -> frozenset[str]:
        """These questions and all that they depend on. Other names are ignored."""
        reached: set[str] = set()
        left = [name for name in names if name in self.rests_on]
        while left:
            name = left.pop()
            if name not in reached:
                reached.add(name)
                left += self.rests_on[name]
        return frozenset(reached)

    def requests_of(self, names: Iterable[str]) -> set[Endpoint]:
        """The endpoints of all requests that these questions may send, with those of the questions they rest on."""
        return {sent for name in self.reached_from(names) if (sent := self.sends[name])}
