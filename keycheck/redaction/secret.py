"""A wrapper that keeps a secret text from being shown by accident, and the pattern of such a text."""

import re
from collections.abc import Callable
from typing import Any, NoReturn

# Most of a key or secret: these have 64 letters and digits, almost always capitals, small letters and digits mixed.
LIKE_A_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Za-z0-9]*[a-z])(?=[A-Za-z0-9]*[A-Z])(?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{45,}"
)


class Secret:
    """Holds one secret text and shows it only through `reveal()`.

    Printed or formatted, it shows `Secret(hidden)`. It cannot be pickled or copied, and it equals nothing but itself.
    It is not a `str`, so that no f-string, JSON or `urlencode` writes the text. The text is kept in a closure, where
    `vars()` and debuggers that list attributes do not find it.
    """

    __slots__ = ("_reveal",)

    def __init__(self, text: str) -> None:
        self._reveal: Callable[[], str] = lambda: text

    def reveal(self) -> str:
        """The secret text. Call this only where the text is used, and do not store the result."""
        return self._reveal()

    def __repr__(self) -> str:
        return "Secret(hidden)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Secret is neither pickled nor copied")
