"""The texts that a text may stand for: what a browser, a shell or a script would make of its escapes. Pure.

A secret that is percent-encoded, HTML-escaped, written as \\u0041 or packed as base64 is still the secret.
"""

import base64
import binascii
import html
import re
from collections.abc import Iterator
from urllib.parse import unquote

_ESCAPE = re.compile(r"\\u\{?([0-9a-fA-F]{4})\}?|\\x([0-9a-fA-F]{2})|\\([\\\"'/])")
# Ten of a secret's characters, or of an escape of them, are printable; what decodes to less was no text.
_TEXT = re.compile(rb"[ -~]{10,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{14,}={0,2}")


def views(text: str, depth: int = 3) -> Iterator[str]:
    """`text`, and what it says with its escapes undone, one kind at a time and `depth` kinds deep; nothing twice."""
    seen = {text}
    newest = [text]
    yield text
    for _ in range(depth):
        undone = [undo(one) for one in newest for undo in (html.unescape, unquote, _without_escapes, _without_base64)]
        newest = [one for one in dict.fromkeys(undone) if one and one not in seen]
        seen.update(newest)
        yield from newest


def _without_escapes(text: str) -> str:
    return _ESCAPE.sub(lambda m: chr(int(m[1] or m[2], 16)) if m[1] or m[2] else m[3], text)


def _without_base64(text: str) -> str:
    """Everything that looks like base64, decoded from each of the four places at which it may begin."""
    return "\n".join(
        found for token in _BASE64.findall(text) for start in range(4) if (found := _decoded(token[start:].rstrip("=")))
    )


def _decoded(token: str) -> str:
    whole = token[: len(token) // 4 * 4] if len(token) % 4 == 1 else token + "=" * (-len(token) % 4)
    try:
        decoded = base64.urlsafe_b64decode(whole.replace("+", "-").replace("/", "_"))
    except (binascii.Error, ValueError):
        return ""
    return "\n".join(part.decode("ascii") for part in _TEXT.findall(decoded))
