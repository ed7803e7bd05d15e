"""Faults that change a healthy answer as a whole: its bytes, its content type, its encoding."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace

from tests.exchange.answers import Answer

Change = Callable[[Answer], Answer]


def _body(change: Callable[[bytes], bytes]) -> Change:
    return lambda due: replace(due, body=change(due.body))


def _labelled(content_type: str) -> Change:
    return lambda due: replace(due, content_type=content_type)


def _coded(encoding: str, change: Callable[[bytes], bytes] = bytes) -> Change:
    return lambda due: replace(due, body=change(due.body), headers={**due.headers, "Content-Encoding": encoding})


def _first_twice(body: bytes) -> bytes:
    """Repeats the first member with null; an empty object gets one."""
    name = json.dumps(next(iter(json.loads(body)), "a")).encode()
    return body[:-1] + (b"," if len(body) > 2 else name + b":1,") + name + b":null}"


def _another(body: bytes) -> bytes:
    return body[:-1] + (b"," if len(body) > 2 else b"") + b'"newField":{"of":["next",null,1e3]}}'


def _nested(body: bytes) -> bytes:
    depth = 100_000
    return body[:-1] + (b"," if len(body) > 2 else b"") + b'"deep":' + b"[" * depth + b"]" * depth + b"}"


# These make the answer unreadable.
UNREADABLE: dict[str, Change] = {
    "truncated JSON": _body(lambda body: body[: max(1, len(body) // 2)]),
    "empty body": _body(lambda _: b""),
    "blank body": _body(lambda _: b" \r\n"),
    "wrong content type": _labelled("text/html; charset=utf-8"),
    "octets": _labelled("application/octet-stream"),
    "duplicate keys": _body(_first_twice),
    "a list": _body(lambda body: b"[" + body + b"]"),
    "an empty list": _body(lambda _: b"[]"),
    "null alone": _body(lambda _: b"null"),
    "a string alone": _body(lambda _: b'"ok"'),
    "a number alone": _body(lambda _: b"200"),
    "NaN in it": _body(lambda _: b'{"a":NaN}'),
    "a deeply nested field": _body(_nested),
    "text after it": _body(lambda body: body + b"<!-- cached -->"),
    "two objects": _body(lambda body: body + body),
    "UTF-16": _body(lambda body: body.decode().encode("utf-16")),
    "a byte that is not UTF-8": _body(lambda body: body[:-1] + (b"," if len(body) > 2 else b"") + b'"a":"\xff"}'),
    "byte order mark": _body(lambda body: b"\xef\xbb\xbf" + body),
    "gzip that is cut": _coded("gzip", lambda body: gzip.compress(body)[:-12]),
    "deflate that is not deflate": _coded("deflate"),
    # No request accepts these encodings. Clients without their libraries find no JSON; others cannot decode it.
    "br that is not br": _coded("br", lambda body: b"\xff" * 9 + body),
    "zstd that is not zstd": _coded("zstd", lambda body: b"\xff" * 9 + body),
}
# These leave the answer complete and true.
READABLE: dict[str, Change] = {
    "another charset on the label": _labelled("application/json;charset=ISO-8859-1"),
    "a coding nobody knows": _coded("x-unknown"),
    "one more field": _body(_another),
    "white space around it": _body(lambda body: b"\r\n\t " + body + b" \n" * 50),
}
