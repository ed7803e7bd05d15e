"""Reads parameters from raw bytes: exactly as they were sent, in their order."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote_plus

from tests.exchange.refusals import Refusal, refusal


def pairs(raw: bytes) -> list[tuple[str, str]]:
    """Decode `a=1&b=2` into pairs, keeping order, duplicates and empty values."""
    text = raw.decode("utf-8", "replace")
    split = (item.partition("=") for item in text.split("&") if item)
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in split]


def merged(query: bytes, body: bytes) -> dict[str, str]:
    """Decode both places into one mapping; a name in both is taken from the query (futures docs)."""
    return {**dict(pairs(body)), **dict(pairs(query))}


def readable(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return the body if parameters are read from it; empty if it is labelled as JSON."""
    return b"" if "json" in headers.get("content-type", "").lower() else body


def form_refusal(query: bytes, body: bytes) -> Refusal | None:
    """Refuse a name sent twice in one place, an empty value, or one with white space (futures change log, 2023)."""
    for place in (pairs(query), pairs(body)):
        if len({name for name, _ in place}) < len(place):
            return refusal(-1101)
        for name, value in place:
            if not value:
                return refusal(-1105, name)
            if any(character.isspace() for character in value):
                return refusal(-1102, name)
    return None
