"""Changes to one field of a healthy answer: null, missing, another type, extreme values."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.exchange.answers import Answer

# The field's healthy value -> the JSON that replaces it; None if the change makes no sense for such a value.
Rewrite = Callable[[Any], str | None]

_MARK = "\x00"
_STEP = re.compile(r"(\w+)|\[(\w+)\]")


def _is_figure(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9.]+", value) is not None


def _number_for(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return f"{value}.5"
    return str(value) if _is_figure(value) else "1"


def _for_figures(text: str) -> Rewrite:
    return lambda value: f'"{text}"' if _is_figure(value) else None


CHANGES: dict[str, Rewrite] = {
    "null": lambda _: "null",
    "missing": lambda _: "",
    "string for it": lambda value: None if isinstance(value, str) else json.dumps(json.dumps(value)),
    "number for it": _number_for,
    "list around it": lambda value: f"[{json.dumps(value)}]",
    "object for it": lambda _: "{}",
    "empty string": lambda _: '""',
    "huge number": lambda _: "1" + "0" * 400,
    "huge figure": _for_figures("99999999999999999999"),
    "tiny figure": _for_figures("1e-30"),
    "figure with blanks": lambda value: f'" {value} "' if _is_figure(value) else None,
    "negative": lambda value: f'"-{value}"' if _is_figure(value) else "-7",
    "zero": lambda value: '"0"' if _is_figure(value) else "0",
}
# A careful reader refuses a body with one of these as JSON.
BREAKING: dict[str, Rewrite] = {
    "NaN": lambda _: "NaN",
    "-Infinity": lambda _: "-Infinity",
    "5000 digits": lambda _: "9" * 5000,
    "deep nesting": lambda _: "[" * 50_000 + "]" * 50_000,
    "twice": lambda value: f"{json.dumps(value)},@:null",
}


def spoiled(where: str, rewrite: Rewrite) -> Callable[[Answer], Answer]:
    """A change of an answer: the field is rewritten. An answer without the field stays as it is."""

    def change(due: Answer) -> Answer:
        document = json.loads(due.body)
        holder, name = _holder(document, where)
        if not isinstance(holder, dict) or name not in holder:
            return due
        text = rewrite(holder[name])
        if text is None:
            return due
        if text:
            holder[name] = _MARK
        else:
            del holder[name]
        whole = json.dumps(document, separators=(",", ":"))
        return replace(due, body=whole.replace(json.dumps(_MARK), text.replace("@", json.dumps(name))).encode())

    return change


def _holder(document: Any, where: str) -> tuple[Any, str]:
    """The object that holds the field, and the field's name in it."""
    *steps, (last, _) = _STEP.findall(where)
    for name, member in steps:
        if name:
            document = document.get(name) if isinstance(document, dict) else None
        else:
            document = next((one for one in document or () if next(iter(one.values())) == member), None)
    return document, last
