"""Whose host a URL names: Binance's, this machine's own, or another. Pure."""

import ipaddress
import re
from collections.abc import Iterable
from typing import Literal
from urllib.parse import urlsplit

Exchange = Literal["binance", "local", "other"]
LEAST_TRUSTED_FIRST: tuple[Exchange, ...] = ("other", "local", "binance")
# The domains of production and of the futures test network. Not binance.vision (public data and the spot test network:
# neither serves /fapi or /sapi), nor binance.us (another company, without futures).
DOMAINS = ("binance.com", "binancefuture.com")
# All of binancefuture.com, and names such as demo-fapi.binance.com or testnet.binance.com.
_DEMO = re.compile(r".*\.binancefuture\.com|(?:.*\.)?(?:demo|testnet)[a-z0-9-]*\.binance\.com")
_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*([a-z0-9-]+\.[a-z]+)")


def exchange_of(urls: Iterable[str]) -> Exchange:
    """Whose hosts these URLs name. If they differ, the least trusted decides: `other`, then `local`."""
    found = {_exchange_of_one(url) for url in urls}
    return next((kind for kind in LEAST_TRUSTED_FIRST if kind in found), "other")


def environment_of(url: str) -> str | None:
    """The network of one of Binance's own hosts, `production` or `demo`; None for any other host."""
    host = _host(url).rstrip(".")
    if not host.endswith(tuple(f".{domain}" for domain in DOMAINS)):
        return None
    return "demo" if _DEMO.fullmatch(host) else "production"


def route_of(futures_url: str, proxy: str) -> str:
    """The host that is asked in Binance's place, and the proxy, each with its port; "" if Binance is asked directly.

    Binance counts the request weight of each address, so each route has its own count (`keycheck/purse.py`).
    """
    other = "" if exchange_of([futures_url]) == "binance" else _address(futures_url)
    return f"{other} {_address(proxy)}" if other or proxy else ""


def is_local(url: str) -> bool:
    """Whether a URL's host is a loopback address, with or without user information before it."""
    return is_loopback(_host(url))


def is_loopback(host: str) -> bool:
    """Whether a host is a loopback address, or the name localhost."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _exchange_of_one(url: str) -> Exchange:
    host = _host(url)
    if is_loopback(host):
        return "local"
    name = _NAME.fullmatch(host)
    return "binance" if name and name[1] in DOMAINS and "@" not in url else "other"


def _address(url: str) -> str:
    """The host and port of a URL, without user information; "" if the text is not a URL."""
    return urlsplit(url).netloc.rpartition("@")[2].lower() if _host(url) else ""


def _host(url: str) -> str:
    """The host of a URL, in lower case; "" if the text is not a URL."""
    try:
        parts = urlsplit(url)
        usable = parts.port != 0  # an invalid port raises ValueError only when it is read
    except ValueError:
        return ""
    return (parts.hostname or "") if usable else ""
