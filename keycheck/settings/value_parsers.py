"""Text of a setting -> its value, or one sentence that names the setting and the remedy."""

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from keycheck import bounded_files
from keycheck.credentials import pem
from keycheck.errors import UsageProblem
from keycheck.exchange.account_setup import ASPECTS, WORDS
from keycheck.exchange.endpoints import MAX_RECV_WINDOW
from keycheck.exchange.hosts import exchange_of, is_local, is_loopback
from keycheck.redaction.secret import Secret

DEFAULT_SYMBOL = "BTCUSDT"
DEFAULT_RECV_WINDOW = 5000  # ms; Binance's own default
MAX_CA_BUNDLE = 2**22  # bytes; Mozilla's bundle has some 230,000
ALLOW_OTHERS = "BINANCE_ALLOW_OTHER_HOSTS"
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}")


def symbol_of(raw: str) -> str:
    """BINANCE_SYMBOL, in upper case."""
    symbol = raw.strip().upper() or DEFAULT_SYMBOL
    # A contract's name has letters (some Chinese) and digits; a delivery contract's ends in _YYMMDD.
    if len(symbol) > 40 or not symbol.replace("_", "").isalnum():
        raise UsageProblem("BINANCE_SYMBOL is not a contract's name: write it as Binance does, such as BTCUSDT")
    return symbol


def expected_of(raw: str) -> tuple[str, ...]:
    """BINANCE_EXPECT: words for the account settings that the bot needs, in the order of WORDS, one for each."""
    text = raw.strip()
    named = {word.strip().lower() for word in text.split(",") if word.strip()}
    if (text and not named) or named - set(WORDS) or any(named >= set(aspect.words) for aspect in ASPECTS):
        each = ", ".join(" or ".join(aspect.words) for aspect in ASPECTS)
        raise UsageProblem(f"BINANCE_EXPECT takes {each}, separated by commas: correct it or leave it out")
    return tuple(word for word in WORDS if word in named)


def switch_of(name: str, values: Mapping[str, str], *, default: bool) -> bool:
    """A setting that is on or off; `default` if it is empty."""
    text = values[name].strip()
    if text not in ("", "on", "off"):
        raise UsageProblem(f"{name} must be on or off: correct it or leave it out")
    return text == "on" if text else default


def recv_window_of(raw: str) -> int:
    """BINANCE_RECV_WINDOW, in ms."""
    text = raw.strip()
    if not text:
        return DEFAULT_RECV_WINDOW
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MAX_RECV_WINDOW):
        raise UsageProblem(
            f"BINANCE_RECV_WINDOW must be a whole number of milliseconds from 1 to {MAX_RECV_WINDOW}: "
            "correct it or leave it out"
        )
    return int(text)


def url_of(name: str, values: Mapping[str, str], scheme: str = "http") -> str | None:
    """The root URL of a host, without a trailing slash; None if the setting is empty.

    `scheme`: http or ws, for loopback addresses only; all others need https or wss. A host that is neither
    Binance's own nor this machine needs BINANCE_ALLOW_OTHER_HOSTS.
    """
    text = values[name].strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageProblem(f"{name} is not a URL: write {scheme}s://HOST, and nothing after the host") from None
    host = parts.hostname or ""
    has_more = not text.isprintable() or parts.path.rstrip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if not _HOST.fullmatch(host) or parts.scheme not in (scheme, f"{scheme}s") or has_more or port == 0:
        raise UsageProblem(
            f"{name} must be {scheme}s://HOST or {scheme}s://HOST:PORT, with no user, path or query: correct it"
        )
    if parts.scheme == scheme and not is_loopback(host):
        raise UsageProblem(
            f"{name} is {scheme} to another machine, where anybody on the way reads the key: use {scheme}s"
        )
    shown = f"[{host}]" if ":" in host else host
    url = f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")
    if exchange_of([url]) == "other" and not switch_of(ALLOW_OTHERS, values, default=False):
        secret = "listen key" if scheme == "ws" else "key"
        raise UsageProblem(
            f"{name} names a host that is neither Binance's own nor this machine, and it would be sent the {secret}: "
            f"correct it, or set {ALLOW_OTHERS}=on if you trust that host"
        )
    return url


def proxy_of(raw: str, urls: Mapping[str, str | None]) -> Secret | None:
    """BINANCE_PROXY, which may hold a password. `urls`: the URLs reached through it, by the names of their settings."""
    text = raw.strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageProblem("BINANCE_PROXY must be http://HOST:PORT or https://HOST:PORT: correct it or leave it out")
    for name, url in urls.items():
        scheme = (url or "").partition(":")[0]
        if scheme in ("http", "ws") and not is_local(text):
            secret = "listen key" if scheme == "ws" else "key"
            raise UsageProblem(
                f"BINANCE_PROXY is on another machine and {name} is {scheme}, so the {secret} would travel "
                "unencrypted: leave one of them out"
            )
    return Secret(text)


def proxy_password(proxy: Secret | None) -> Secret | None:
    """The password in a proxy's address, or a user name without one, which may be a token; None if it has neither."""
    parts = urlsplit(proxy.reveal() if proxy else "")
    password = parts.password or parts.username
    return Secret(unquote(password)) if password else None


def proxy_host(proxy: Secret | None) -> str | None:
    """The host of a proxy's address, in lower case."""
    return urlsplit(proxy.reveal()).hostname if proxy else None


def ca_bundle_of(raw: str) -> str | None:
    """BINANCE_CA_BUNDLE: the absolute path of a readable file, since a run may have a working directory of its own.

    The file is read several times, so it must not be a pipe. OpenSSL would load a private key in it, too, which takes
    minutes for a huge one.
    """
    text = raw.strip()
    if not text:
        return None
    path = Path(text)
    with contextlib.suppress(RuntimeError):  # `~` of an unknown user
        path = path.expanduser()
    try:
        text = bounded_files.read(path, MAX_CA_BUNDLE, pipes=False).decode("latin-1")
    except bounded_files.Unreadable as problem:
        raise UsageProblem(
            f"the file that BINANCE_CA_BUNDLE names {problem}: give the whole path of a PEM file, or leave it out"
        ) from None
    if f"{pem.PRIVATE}-----" in text:
        raise UsageProblem(
            "the file that BINANCE_CA_BUNDLE names holds a private key: name a file with nothing but certificates"
        )
    return str(path.absolute())
