"""What a session remembers: each question is asked once a run, and which requests its answer rests on is kept.

Several threads may ask. Who comes first looks for the answer, the others wait for it.
"""

import threading
from collections.abc import Callable, Iterable
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from keycheck.errors import GivenUp, KeycheckError

Question = tuple[str, tuple[Any, ...]]  # a method's name and its arguments
P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="Memory")

_NOTHING = object()
_PATIENCE = 0.7  # seconds; a lane's first answer takes one round trip


def once(ask: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Asks once a run: the answer is kept, and so is the reason why there is none."""

    @wraps(ask)
    def asked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        kept = self._answer_to((ask.__name__, args), partial(ask, self, *args, **kwargs))
        if isinstance(kept, KeycheckError):
            raise kept.with_traceback(None)
        return kept  # type: ignore[no-any-return]

    return asked


class _Answer:
    """An answer that is there, on its way, or promised: then those who ask ahead will look for it."""

    def __init__(self, *, promised: bool = False) -> None:
        self.value: Any = _NOTHING
        self.calls: frozenset[int] = frozenset()
        self.promised = promised
        self.taken = False
        self.settled = threading.Event()


class _Own(threading.local):
    """What each thread has for itself: the requests whose answers it used, and whether it asks ahead of the checks."""

    def __init__(self) -> None:
        self.used: set[int] = set()
        self.ahead = False


class Memory:
    """The answers of one run, for a session whose questions are marked `once`.

    `interrupted` is called where whoever waits for an answer is torn away, by Ctrl-C or a time-out.
    """

    def __init__(self) -> None:
        self.interrupted: Callable[[], None] = lambda: None
        self._answers: dict[Question, _Answer] = {}
        self._lock = threading.Lock()
        self._own = _Own()
        self._under_way = False
        self._over = False

    def seen(self, question: str) -> Any:
        """The answer to a question without arguments, or the error in its place; None where there is neither yet."""
        answer = self._answers.get((question, ()))
        return None if answer is None or answer.value is _NOTHING else answer.value

    def take_used_calls(self) -> tuple[int, ...]:
        """Numbers, from 1, of the requests whose answers this thread used since it last asked for them."""
        used, self._own.used = self._own.used, set()
        return tuple(sorted(used))

    def note_call(self, number: int) -> None:
        """Another request that what this thread is looking for rests on."""
        self._own.used.add(number)

    # -- asking ahead of the checks --

    def promise(self, questions: Iterable[Question]) -> None:
        """From now on the checks wait for these, until they are answered, or it turns out that nobody will ask. Once
        lanes are open, who waits for one that nobody has begun to look for soon does so himself: what stands before it
        in its lane may have stalled.
        """
        with self._lock:
            for question in questions:
                self._answers.setdefault(question, _Answer(promised=True))

    def break_promise(self, question: Question) -> None:
        """Nobody will ask ahead: who needs the answer asks for it."""
        with self._lock:
            answer = self._answers.get(question)
            if answer is not None and not answer.taken:
                del self._answers[question]
                answer.settled.set()

    def open_lanes(self) -> None:
        """The run's first request was answered."""
        self._under_way = True

    def begin_ahead(self) -> None:
        """What this thread asks is for the checks to come: it never waits for the exchange, and ends when told to."""
        self._own.ahead = True

    def end_ahead(self) -> None:
        """No thread sends anything ahead of the checks any more."""
        self._over = True

    def go_on(self, *, must_wait: bool) -> None:
        """Called before each request. Raises GivenUp where it would be ahead of the checks, and nobody wants that now:
        it would have to wait for the exchange, which the thread of the checks does, or the run is ending.
        """
        if self._own.ahead and (must_wait or self._over):
            raise GivenUp

    # -- once --

    def _answer_to(self, question: Question, ask: Callable[[], Any]) -> Any:
        while True:
            with self._lock:
                answer = self._answers.setdefault(question, _Answer())
                mine = not answer.taken and (self._own.ahead or not answer.promised)
                answer.taken = answer.taken or mine
            if mine:
                self._look_for(question, answer, ask)
            else:
                self._wait_for(answer)
            if answer.value is not _NOTHING:  # else whoever looked for it was torn away
                self._own.used |= answer.calls
                return answer.value

    def _look_for(self, question: Question, answer: _Answer, ask: Callable[[], Any]) -> None:
        outside, self._own.used = self._own.used, set()
        try:
            try:
                answer.value = ask()
            except KeycheckError as error:
                answer.value = error
        except BaseException:  # no answer, nor a reason why there is none: it may be asked again
            outside |= self._own.used
            with self._lock:
                del self._answers[question]
            raise
        finally:
            answer.calls = frozenset(self._own.used)
            self._own.used = outside
            answer.settled.set()

    def _wait_for(self, answer: _Answer) -> None:
        try:
            while not answer.settled.wait(_PATIENCE):
                with self._lock:
                    if self._under_way and not answer.taken:
                        answer.promised = False
                        return
        except BaseException:
            self.interrupted()
            raise
