"""Text of a setting -> its value, or one sentence that names the setting and the remedy."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from keycheck.cassettes.label import MAX_RECV_WINDOW
from keycheck.errors import UsageProblem
from keycheck.secrets import Secret

DEFAULT_SYMBOL = "BTCUSDT"
DEFAULT_RECV_WINDOW = 5000  # ms; Binance's own default
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}")


def symbol_of(raw: str) -> str:
    """BINANCE_SYMBOL, in upper case."""
    symbol = raw.strip().upper() or DEFAULT_SYMBOL
    # Contracts are letters and digits (some in Chinese), with _YYMMDD behind a delivery contract.
    if len(symbol) > 40 or not symbol.replace("_", "").isalnum():
        raise UsageProblem("BINANCE_SYMBOL is not a contract's name: write it as Binance does, such as BTCUSDT")
    return symbol


def user_stream_of(raw: str) -> bool:
    """BINANCE_USER_STREAM: whether the user data stream may be opened."""
    text = raw.strip() or "on"
    if text not in ("on", "off"):
        raise UsageProblem("BINANCE_USER_STREAM must be on or off: correct it or leave it out")
    return text == "on"


def recv_window_of(raw: str) -> int:
    """BINANCE_RECV_WINDOW in ms."""
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
    """The root of a host, without a trailing slash; None where the setting is absent.

    `scheme`: http or ws, which are for loopback addresses, with its twin of TLS for all others.
    """
    text = values[name].strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageProblem(f"{name} is not a URL: write {scheme}s://HOST, and nothing behind the host") from None
    host = parts.hostname or ""
    beyond = not text.isprintable() or parts.path.rstrip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if not _HOST.fullmatch(host) or parts.scheme not in (scheme, f"{scheme}s") or beyond or port == 0:
        raise UsageProblem(
            f"{name} must be {scheme}s://HOST or {scheme}s://HOST:PORT, with no user, path or query: correct it"
        )
    if parts.scheme == scheme and not _is_loopback(host):
        raise UsageProblem(
            f"{name} is {scheme} to another machine, where anybody on the way reads the key: use {scheme}s"
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")


def is_local(url: str) -> bool:
    """Whether a URL names this very machine."""
    return _is_loopback(urlsplit(url).hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def proxy_of(raw: str, urls: Mapping[str, str | None]) -> Secret | None:
    """BINANCE_PROXY, which may hold a password. `urls`: what goes through it, by the setting that names it."""
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
                f"BINANCE_PROXY is on another machine and {name} is {scheme}, so the {secret} would travel in clear: "
                "leave one of them out"
            )
    return Secret(text)


def proxy_password(proxy: Secret | None) -> Secret | None:
    """The one part of a proxy's address that is a secret of its own."""
    password = urlsplit(proxy.reveal()).password if proxy else None
    return Secret(unquote(password)) if password else None


def proxy_host(proxy: Secret | None) -> str | None:
    """The host of a proxy's address, in lower case."""
    return urlsplit(proxy.reveal()).hostname if proxy else None


def ca_bundle_of(raw: str) -> str | None:
    """BINANCE_CA_BUNDLE: the path of a file that is there."""
    text = raw.strip()
    try:
        usable = not text or Path(text).is_file()
    except (OSError, ValueError):
        usable = False
    if not usable:
        raise UsageProblem("BINANCE_CA_BUNDLE names no file: give the path of a PEM file, or leave it out")
    return text or None
