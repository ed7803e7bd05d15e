"""A library's exception -> one of ours. The library's text is never used: it holds the URL with a signature."""

import socket
import ssl
from collections.abc import Iterator

import requests
from urllib3.exceptions import DecodeError, HTTPError, ProxyError

from keycheck.errors import Inconclusive, NotBinance, Unreachable
from keycheck.exchange.endpoints import Endpoint


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and all exceptions inside it: urllib3 keeps the reason in attributes and arguments."""
    seen: set[int] = set()
    queue = [error]
    while queue:
        one = queue.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        queue += [getattr(one, "reason", None), one.__cause__, one.__context__, *one.args]


def explain(error: Exception, endpoint: Endpoint) -> Inconclusive:  # noqa: PLR0911  a table
    """The error for the failed request: a sentence on why there is no usable answer, and what to do."""
    found = list(causes(error))
    host = f"the {endpoint.host.value} API"
    again = "Check the network between this machine and Binance, then run again"
    if any(isinstance(cause, requests.exceptions.ProxyError | ProxyError) for cause in found):
        # This comes first, because a refused certificate may be the proxy's own.
        return Unreachable(f"the proxy did not connect to {host}. Check BINANCE_PROXY", "proxy")
    for cause in found:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unreachable(
                f"the certificate of {host} was refused ({cause.verify_message}). A proxy that intercepts TLS is the "
                "usual reason: give its CA file as BINANCE_CA_BUNDLE, or leave that network",
                "tls",
            )
    for kinds, kind, text in (
        ((ssl.SSLError,), "tls", f"{host} does not speak TLS as it should. {again}, without a proxy"),
        ((socket.gaierror,), "dns", f"the host name of {host} could not be resolved. {again}"),
        ((ConnectionRefusedError,), "refused", f"{host} refused the connection. {again}"),
        ((TimeoutError, requests.exceptions.Timeout), "timeout", f"{host} did not answer in time. {again}"),
        ((ConnectionError,), "reset", f"{host} cut the connection off. {again}"),
    ):
        if any(isinstance(cause, kinds) for cause in found):
            return Unreachable(text, kind)
    if any(isinstance(cause, DecodeError | requests.exceptions.ContentDecodingError) for cause in found):
        return NotBinance(f"{host} sent a body that is not packed as its headers say. {again}")
    if any(isinstance(cause, OSError) and not isinstance(cause, requests.RequestException) for cause in found):
        return Unreachable(f"there is no way to {host} from this machine. {again}", "no_route")
    if any(isinstance(cause, HTTPError | requests.RequestException) for cause in found):
        return Unreachable(f"{host} broke off in the middle of its answer. {again}", "reset")
    return Unreachable(f"{endpoint} could not be sent ({type(error).__name__}). {again}")
