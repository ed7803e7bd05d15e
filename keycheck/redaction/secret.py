"""A value that does not print itself."""

from collections.abc import Callable
from typing import Any, NoReturn


class Secret:
    """Holds one secret text and shows it only through `reveal()`.

    It does not print, format, pickle, copy or compare itself into view, and it is not a `str`, so that neither an
    f-string, nor JSON, nor `urlencode` can take it for one. The text sits in a closure: `vars()` and debuggers that
    list attributes do not meet it.
    """

    __slots__ = ("_reveal",)

    def __init__(self, text: str) -> None:
        self._reveal: Callable[[], str] = lambda: text

    def reveal(self) -> str:
        """The secret itself. Call it where it is used, and keep it nowhere."""
        return self._reveal()

    def __repr__(self) -> str:
        return "Secret(hidden)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Secret is neither pickled nor copied")
