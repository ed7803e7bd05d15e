"""Does a verdict.json from another machine have the form of `verdict.schema.json`? Pure, but for reading that file.

It knows the keywords that the schema uses, and no others: a library for all of them is a dependency of tests alone.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

_TYPES: dict[str, Callable[[Any], bool]] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: type(value) is int,
    "null": lambda value: value is None,
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}
_SAYS_NOTHING = {"$schema", "$defs", "title", "description"}


def fits(document: Any) -> bool:
    """Whether a document is a verdict.json, by the rules of its schema."""
    return _fits(_schema(), document)


@cache
def _schema() -> Mapping[str, Any]:
    schema: dict[str, Any] = json.loads(Path(__file__).with_name("verdict.schema.json").read_text("utf-8"))
    return schema


def _fits(schema: Mapping[str, Any], value: Any) -> bool:
    return all(_RULES[word](schema, value) for word in schema.keys() - _SAYS_NOTHING)


def _referred(schema: Mapping[str, Any], value: Any) -> bool:
    return _fits(_schema()["$defs"][schema["$ref"].rpartition("/")[2]], value)


def _type(schema: Mapping[str, Any], value: Any) -> bool:
    named = schema["type"]
    return any(_TYPES[one](value) for one in ([named] if isinstance(named, str) else named))


def _among(values: list[Any], value: Any) -> bool:
    """Whether one of the values is this one; 1 is not true."""
    return any(type(one) is type(value) and one == value for one in values)


def _properties(schema: Mapping[str, Any], value: Any) -> bool:
    rules = schema["properties"]
    return not isinstance(value, dict) or all(_fits(rules[name], value[name]) for name in rules.keys() & value.keys())


def _conditional(schema: Mapping[str, Any], value: Any) -> bool:
    return _fits(schema["then"] if _fits(schema["if"], value) else schema["else"], value)


# By keyword. A rule about one type says nothing about a value of another type.
_RULES: dict[str, Callable[[Mapping[str, Any], Any], bool]] = {
    "$ref": _referred,
    "type": _type,
    "enum": lambda schema, value: _among(schema["enum"], value),
    "const": lambda schema, value: _among([schema["const"]], value),
    "properties": _properties,
    "required": lambda schema, value: not isinstance(value, dict) or set(schema["required"]) <= value.keys(),
    "additionalProperties": lambda schema, value: (
        not isinstance(value, dict) or value.keys() <= schema["properties"].keys()
    ),
    "items": lambda schema, value: not isinstance(value, list) or all(_fits(schema["items"], one) for one in value),
    "minItems": lambda schema, value: not isinstance(value, list) or len(value) >= schema["minItems"],
    "maxItems": lambda schema, value: not isinstance(value, list) or len(value) <= schema["maxItems"],
    "maxLength": lambda schema, value: not isinstance(value, str) or len(value) <= schema["maxLength"],
    "minimum": lambda schema, value: type(value) is not int or value >= schema["minimum"],
    "pattern": lambda schema, value: not isinstance(value, str) or bool(re.search(schema["pattern"], value, re.ASCII)),
    "allOf": lambda schema, value: all(_fits(one, value) for one in schema["allOf"]),
    "oneOf": lambda schema, value: sum(_fits(one, value) for one in schema["oneOf"]) == 1,
    "if": _conditional,
    "then": lambda _, __: True,  # of `if`
    "else": lambda _, __: True,  # of `if`
}
