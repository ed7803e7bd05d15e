"""Sends an HTTP request and reads its whole answer, within a time limit."""

import contextlib
import encodings.idna  # noqa: F401  a DNS look-up would import it in a thread, where no import may run
import logging
import ssl
import threading
from collections.abc import Mapping
from dataclasses import replace
from email.message import Message
from typing import Any

import requests
from requests.cookies import RequestsCookieJar

from keycheck.errors import KeycheckError, NotBinance, NotListed, Unreachable, UsageProblem
from keycheck.exchange.answers import RawAnswer
from keycheck.exchange.endpoints import LISTED, Endpoint, Host
from keycheck.network import cancellable_request
from keycheck.network.allow_list import AllowListAdapter
from keycheck.network.cancellable_request import CancellableRequest
from keycheck.network.failures import explain
from keycheck.redaction.secret import Secret

REQUEST_SECONDS = 10.0  # one request from its first packet to the last byte of its answer
CONNECT_SECONDS = 5.0
MAX_BODY = 16 * 2**20  # bytes, decoded; exchangeInfo is about 1.1 MB
KEY_HEADER = "X-MBX-APIKEY"
_LAST_SECONDS = 1.0  # the wait for a thread whose connection was cut; only a DNS look-up lasts longer

# urllib3 logs whole URLs, always at DEBUG, and at WARNING if a header line is malformed; our URLs hold signatures.
logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)


class HttpTransport:
    """The transport of a live run: real HTTP on few connections, which stay open.

    It reads nothing from the environment and follows no redirect. Several threads may send at once; the caller limits
    their number.
    """

    def __init__(self, urls: Mapping[Host, str], proxy: Secret | None = None, ca_bundle: str | None = None) -> None:
        self._urls = dict(urls)
        self._adapter = AllowListAdapter(urls, proxy, _usable(ca_bundle) if ca_bundle else None)
        self.limited = threading.Event()  # set once a status of 429 or 418 was read; the stream sets it, too
        self._requests: set[CancellableRequest] = set()  # until their threads have ended
        self._session = _Session()
        self._session.trust_env = False  # no HTTP_PROXY, .netrc or REQUESTS_CA_BUNDLE
        self._session.cookies = _NoCookies()
        self._session.adapters.clear()
        for url in urls.values():
            self._session.mount(url, self._adapter)
        self._session.headers.update({"User-Agent": "keycheck", "Accept": "application/json"})

    def __repr__(self) -> str:
        return "HttpTransport()"

    def close(self) -> None:
        """Cancels all requests, closes the connections, and waits a short time for the threads to end."""
        self.cancel()
        self._session.close()
        for one in set(self._requests):
            if one.is_alive():  # a thread that could not be started cannot be joined
                one.join(_LAST_SECONDS)

    def cancel(self) -> None:
        """Cancels all requests in flight: their callers get Cancelled at once."""
        for one in set(self._requests):
            one.cancel()

    def send(self, endpoint: Endpoint, query: Secret, api_key: Secret | None, seconds: float) -> RawAnswer:
        """Sends a request and reads its whole answer within `seconds`. Raises Inconclusive or Cancelled.

        Once any request was answered with 429 or 418, it raises NotSent instead, even while it is still connecting.
        """
        if endpoint not in LISTED or endpoint.host not in self._urls:
            raise NotListed(f"{endpoint} is not on the list of requests that this suite may send")
        seconds = min(seconds, REQUEST_SECONDS)
        sent = CancellableRequest(lambda: self._outcome(endpoint, query, api_key), self.limited)
        self._requests.add(sent)  # before it starts, so that `cancel` finds it
        sent.start()
        result = sent.result(seconds)
        # Not raised in an except block: its context would be a library's exception, whose text holds the URL.
        if result is None:
            raise Unreachable(
                f"no complete answer to {endpoint} within {seconds:.0f} s. "
                "Check the network between this machine and Binance, then run again",
                "timeout",
            )
        if isinstance(result, Exception):
            raise result
        sent.join()
        self._requests.discard(sent)
        return replace(result, connecting_ms=sent.connecting_ms)

    def _outcome(self, endpoint: Endpoint, query: Secret, api_key: Secret | None) -> RawAnswer | KeycheckError:
        try:
            return self._exchange(endpoint, query, api_key)
        except KeycheckError as error:
            return error
        except Exception as error:  # noqa: BLE001  a header that cannot be encoded raises ValueError, with the key in it
            return explain(error, endpoint)

    def _exchange(self, endpoint: Endpoint, query: Secret, api_key: Secret | None) -> RawAnswer:
        response = self._session.request(
            endpoint.method,
            self._urls[endpoint.host] + endpoint.path + (f"?{query.reveal()}" if query.reveal() else ""),
            headers={KEY_HEADER: api_key.reveal()} if api_key else None,
            timeout=(CONNECT_SECONDS, REQUEST_SECONDS),
            allow_redirects=False,
            stream=True,
        )
        with contextlib.closing(response):
            current_request = cancellable_request.current()
            headers = {name.lower(): value for name, value in response.headers.items()}
            if response.status_code in (418, 429) and current_request is not None:
                current_request.meets_a_limit(RawAnswer(response.status_code, headers, b""))
            if response.status_code < 200:
                # http.client takes this interim answer for the final one. The final answer comes later, and must not be
                # read as the answer to the next request.
                if current_request is not None:
                    current_request.sever()
                raise Unreachable(f"{endpoint} was answered with only an interim status. Run again", "reset")
            body = _read(response.raw, endpoint)
            _forget(response.raw)
            return RawAnswer(response.status_code, headers, body)


def _usable(ca_bundle: str) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca_bundle)
    except (OSError, ValueError):
        pass
    else:
        return ca_bundle
    raise UsageProblem("BINANCE_CA_BUNDLE names a file that holds no certificates: give a PEM file, or leave it out")


def _forget(raw: Any) -> None:
    """Deletes the answer's headers (cookies, trace ids), which an open connection would keep."""
    headers = getattr(getattr(raw, "_original_response", None), "headers", None)
    if isinstance(headers, Message):
        for name in set(headers.keys()):
            del headers[name]


def _read(raw: Any, endpoint: Endpoint) -> bytes:
    """The decoded body. Raises NotBinance if it is longer than MAX_BODY."""
    body = bytearray()
    while chunk := raw.read1(65536, decode_content=True):  # returns the bytes that have arrived
        body += chunk
        if len(body) > MAX_BODY:
            raise NotBinance(
                f"the answer to {endpoint} is longer than {MAX_BODY >> 20} MiB. Check what stands between this "
                "machine and Binance: a proxy, a captive portal, a wrong URL in the settings"
            )
    return bytes(body)


class _Session(requests.Session):
    """A session without redirects: requests reads a redirect's whole body, even if it does not follow it."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002  the interface of requests
        return None


class _NoCookies(RequestsCookieJar):
    """A cookie jar that stays empty: Binance's edge sets cookies, and no request may carry them to the next."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Does nothing."""
