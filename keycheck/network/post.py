"""Posts JSON to a URL that the user names: a fleet's changes.

It follows no redirect, and takes no proxy, certificate or credential from the environment. The run that tests a key
does not use this module.
"""

import contextlib
import socket
import ssl
import threading
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

from keycheck.errors import Cancelled, KeycheckError, Unreachable
from keycheck.exchange.answers import RawAnswer
from keycheck.exchange.hosts import is_loopback
from keycheck.network import cancellable_request
from keycheck.network.allow_list import tls_context
from keycheck.network.cancellable_request import CancellableRequest
from keycheck.network.failures import causes

_REASONS = (
    (ssl.SSLCertVerificationError, "its certificate was refused"),
    (ssl.SSLError, "it does not speak TLS as it should"),
    (socket.gaierror, "its name could not be resolved"),
    (ConnectionRefusedError, "it refused the connection"),
    (TimeoutError, "it did not answer in time"),
)


def refusal(url: str) -> str:
    """Why nothing is posted to `url`, in words that follow the option's name; "" if it can be used."""
    try:
        parts = urlsplit(url)
        is_usable = parts.port != 0 and bool(parts.hostname) and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        is_usable = False
    if not is_usable or "@" in parts.netloc or parts.fragment or parts.scheme not in ("http", "https"):
        return "must be a URL such as https://HOST/PATH, without a user"
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return "must be https://...; http:// is for this machine's own addresses, such as 127.0.0.1"
    return ""


def post(url: str, body: bytes, seconds: float) -> int:
    """Posts `body`, a JSON text, and returns the status of the answer, whose body is not read.

    Raises ValueError for a URL that `refusal` refuses, and Unreachable if there is no answer within `seconds`. Its
    text never holds the URL, which may be a secret itself.
    """
    if why := refusal(url):
        raise ValueError(why)
    sending = CancellableRequest(lambda: _outcome(url, body, seconds), threading.Event())
    sending.start()
    result = sending.result(seconds)
    if isinstance(result, RawAnswer):
        return result.status
    raise result or Unreachable("it did not answer in time")


def _outcome(url: str, body: bytes, seconds: float) -> RawAnswer | KeycheckError | Cancelled:
    try:
        return RawAnswer(_status(url, body, seconds), {}, b"")
    except Exception as error:  # noqa: BLE001  the library's text holds the URL
        found = list(causes(error))
        for kind, words in _REASONS:
            if any(isinstance(one, kind) for one in found):
                return Unreachable(words)
        return Unreachable("the connection broke off")


def _status(url: str, body: bytes, seconds: float) -> int:
    parts = urlsplit(url)
    address = parts.hostname or "", parts.port
    connection = (
        HTTPSConnection(*address, timeout=seconds, context=tls_context(ca_bundle=True))
        if parts.scheme == "https"
        else HTTPConnection(*address, timeout=seconds)
    )
    sending = cancellable_request.current()
    assert sending
    with contextlib.closing(connection):
        sending.takes(connection)
        connection.connect()
        sending.has_connected(connection)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, {"Content-Type": "application/json", "User-Agent": "keycheck"})
        return connection.getresponse().status
