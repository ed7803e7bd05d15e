"""What a session remembers: each question is asked once a run, and which requests its answer rests on is kept."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from keycheck.errors import CannotLook
from keycheck.evidence import Call

_Slot = tuple[str, tuple[Any, ...]]  # a question: its method's name and arguments
P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="Memory")


def once(ask: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Asks once a run: the answer is kept, and so is the reason why there is none."""

    @wraps(ask)
    def asked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        slot = (ask.__name__, args)
        if slot not in self._answers:
            outside, self._used = self._used, set()
            before = len(self.calls)
            try:
                self._answers[slot] = ask(self, *args, **kwargs)
            except CannotLook as error:
                self._answers[slot] = error
            self._calls_of[slot] = self._used | set(range(before + 1, len(self.calls) + 1))
            self._used = outside
        self._used |= self._calls_of[slot]
        kept: Any = self._answers[slot]
        if isinstance(kept, CannotLook):
            raise kept.with_traceback(None)
        return kept  # type: ignore[no-any-return]

    return asked


class Memory:
    """The answers of one run, for a session whose questions are marked `once`; `calls`: its requests, in order."""

    def __init__(self, calls: list[Call]) -> None:
        self.calls = calls
        self._answers: dict[_Slot, Any] = {}
        self._calls_of: dict[_Slot, set[int]] = {}
        self._used: set[int] = set()

    def seen(self, question: str) -> Any:
        """The answer to a question without arguments, or the error in its place; None where it was not asked."""
        return self._answers.get((question, ()))

    def take_used_calls(self) -> tuple[int, ...]:
        """Numbers, from 1, of the requests whose answers were used since this was last asked."""
        used, self._used = self._used, set()
        return tuple(sorted(used))
