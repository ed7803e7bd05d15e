"""Checks whether a verdict.json from another machine has the form of `verdict.schema.json`.

This module knows only the keywords that the schema uses: a library for all of them is a dependency only of the tests.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

_Schema = Mapping[str, Any]
_Rule = Callable[[Any], bool]
_TYPES = {"array": list, "boolean": bool, "integer": int, "null": type(None), "object": dict, "string": str}
_SAYS_NOTHING = {"$schema", "$defs", "title", "description", "then", "else"}


def fits(document: Any) -> bool:
    """Whether a document is a verdict.json, by the rules of its schema."""
    return _rule_of_a_verdict()(document)


@cache
def _schema() -> _Schema:
    schema: dict[str, Any] = json.loads(Path(__file__).with_name("verdict.schema.json").read_text("utf-8"))
    return schema


@cache
def _rule_of_a_verdict() -> _Rule:
    return _rule(_schema())


def _rule(schema: _Schema) -> _Rule:
    """The schema as a function. Raises KeyError for a keyword that is not known."""
    rules = [_RULES[word](schema) for word in schema if word not in _SAYS_NOTHING]

    def rule(value: Any) -> bool:
        for one in rules:  # noqa: SIM110  a generator takes twice as long
            if not one(value):
                return False
        return True

    return rule


def _type(schema: _Schema) -> _Rule:
    named = schema["type"]
    kinds = {_TYPES[name] for name in ([named] if isinstance(named, str) else named)}
    return lambda value: type(value) in kinds  # a bool does not count as an int


def _among(values: list[Any]) -> _Rule:
    known = {(type(one), one) for one in values}
    return lambda value: isinstance(value, str | int | None) and (type(value), value) in known


def _properties(schema: _Schema) -> _Rule:
    rules = {name: _rule(one) for name, one in schema["properties"].items()}
    return lambda value: (
        not isinstance(value, dict) or all(rules[name](one) for name, one in value.items() if name in rules)
    )


def _of_items(schema: _Schema) -> _Rule:
    rule = _rule(schema["items"])
    return lambda value: not isinstance(value, list) or all(map(rule, value))


def _if(schema: _Schema) -> _Rule:
    condition, then, otherwise = (_rule(schema[word]) for word in ("if", "then", "else"))
    return lambda value: then(value) if condition(value) else otherwise(value)


def _all_of(schema: _Schema) -> _Rule:
    rules = [_rule(one) for one in schema["allOf"]]
    return lambda value: all(rule(value) for rule in rules)


def _one_of(schema: _Schema) -> _Rule:
    rules = [_rule(one) for one in schema["oneOf"]]
    return lambda value: sum(rule(value) for rule in rules) == 1


def _limit(kind: type, is_kept: Callable[[Any], object]) -> _Rule:
    """A rule for the values of one type, which accepts all values of other types."""
    return lambda value: type(value) is not kind or bool(is_kept(value))


_RULES: dict[str, Callable[[_Schema], _Rule]] = {
    "$ref": lambda schema: _rule(_schema()["$defs"][schema["$ref"].rpartition("/")[2]]),
    "type": _type,
    "enum": lambda schema: _among(schema["enum"]),
    "const": lambda schema: _among([schema["const"]]),
    "properties": _properties,
    "required": lambda schema: _limit(dict, lambda value: all(name in value for name in schema["required"])),
    "additionalProperties": lambda schema: _limit(dict, lambda value: value.keys() <= schema["properties"].keys()),
    "items": _of_items,
    "minItems": lambda schema: _limit(list, lambda value: len(value) >= schema["minItems"]),
    "maxItems": lambda schema: _limit(list, lambda value: len(value) <= schema["maxItems"]),
    "maxLength": lambda schema: _limit(str, lambda value: len(value) <= schema["maxLength"]),
    "minimum": lambda schema: _limit(int, lambda value: value >= schema["minimum"]),
    "maximum": lambda schema: _limit(int, lambda value: value <= schema["maximum"]),
    "pattern": lambda schema: _limit(str, re.compile(schema["pattern"], re.ASCII).search),
    "allOf": _all_of,
    "oneOf": _one_of,
    "if": _if,
}
