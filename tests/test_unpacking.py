"""A secret that is written in another way is still the secret, and is found."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycheck.redaction import RUN, Redactor
from keycheck.unpacking import views

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # noqa: S105  from Binance's documentation
CUT = SECRET[20 : 20 + RUN]


def percent(text: str) -> str:
    """Every character, not only those that need it."""
    return "".join(f"%{ord(c):02X}" for c in text)


WRITTEN: dict[str, Callable[[str], str]] = {
    "plain": str,
    "reversed": lambda text: text[::-1],
    "percent": percent,
    "percent twice": lambda text: quote(percent(text)),
    "entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "hex entities": lambda text: "".join(f"&#x{ord(c):x};" for c in text),
    "unicode escapes": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "hex escapes": lambda text: "".join(f"\\x{ord(c):02x}" for c in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 behind others": lambda text: base64.b64encode(b"ab" + text.encode() + b"c").decode(),
    "urlsafe base64": lambda text: base64.urlsafe_b64encode(b"\xff\xfe" + text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 of escapes": lambda text: base64.b64encode(percent(text).encode()).decode(),
    "base64 in a data URI in HTML": lambda text: html.escape(
        f'"data:text/plain;base64,{base64.b64encode(text.encode()).decode()}"'
    ),
    "JSON in HTML": lambda text: html.escape(json.dumps({"x": f'"{text}"'})),
}


@pytest.mark.parametrize("way", WRITTEN)
@pytest.mark.parametrize("text", [SECRET, CUT], ids=["whole", "ten characters"])
def test_each_way_of_writing_is_undone(way: str, text: str) -> None:
    """Whole or cut, a planted secret is found."""
    redactor = Redactor([SECRET])
    assert redactor.finds(f"before {WRITTEN[way](text)} after")
    assert not redactor.finds(f"before {WRITTEN[way]('nothing here to find, nor anywhere')} after")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30), st.sampled_from(sorted(WRITTEN)), st.text(max_size=30))
def test_whatever_surrounds_it(before: str, way: str, after: str) -> None:
    """Noise beside a secret hides it from nobody, so long as it is not part of the same word."""
    assert Redactor([SECRET]).finds(f"{before} {WRITTEN[way](SECRET)} {after}")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_any_text_can_be_looked_at(text: str) -> None:
    """No input breaks it, the text itself is among its views, and there are few."""
    found = list(views(text))
    assert found[0] == text
    assert len(found) <= 21
