"""One request over HTTP, to the last byte of its answer or to the end of its time."""

import contextlib
import encodings.idna  # noqa: F401  which looking up a name would import, in a thread that may not
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
_LAST_SECONDS = 1.0  # for the thread of a connection that was shut; only a name server can hold it longer

# urllib3 logs whole URLs, at DEBUG always and at WARNING where a header line is malformed; ours end in a signature.
logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)


class HttpTransport:
    """Real HTTP: kept-alive, few connections, nothing taken from the environment, no redirect followed.

    Several threads may send at once; how many do is the caller's business.
    """

    def __init__(self, urls: Mapping[Host, str], proxy: Secret | None = None, ca_bundle: str | None = None) -> None:
        self._urls = dict(urls)
        self._adapter = AllowListAdapter(urls, proxy, _usable(ca_bundle) if ca_bundle else None)
        self.limited = threading.Event()  # set as soon as the status of a 429 or 418 was read; the stream sets it, too
        self._flights: set[CancellableRequest] = set()  # also requests whose thread has yet to end
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
        """Cancels all requests and closes the connections. Waits a moment for their threads."""
        self.cancel()
        self._session.close()
        for one in set(self._flights):
            if one.is_alive():  # a thread that could not be started cannot be joined
                one.join(_LAST_SECONDS)

    def cancel(self) -> None:
        """Cancels all requests that are on their way, at once: `send` raises Cancelled."""
        for one in set(self._flights):
            one.cancel()

    def send(self, endpoint: Endpoint, query: Secret, api_key: Secret | None, seconds: float) -> RawAnswer:
        """Sends and reads to the end within `seconds`, whatever the other side does. Raises Inconclusive or Cancelled.

        After an answer of 429 or 418 nothing leaves any more, not even what was waiting for its connection: NotSent.
        """
        if endpoint not in LISTED or endpoint.host not in self._urls:
            raise NotListed(f"{endpoint} is not on the list of requests that this suite may send")
        seconds = min(seconds, REQUEST_SECONDS)
        sent = CancellableRequest(lambda: self._outcome(endpoint, query, api_key), self.limited)
        self._flights.add(sent)  # before it can be cancelled
        sent.start()
        result = sent.result(seconds)
        # Raised here, outside any except block, so that no library exception, whose text holds the URL, is its context.
        if result is None:
            raise Unreachable(
                f"no complete answer to {endpoint} within {seconds:.0f} s. "
                "Check the network between this machine and Binance, then run again",
                "timeout",
            )
        if isinstance(result, Exception):
            raise result
        sent.join()
        self._flights.discard(sent)
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
            on_its_way = cancellable_request.current()
            headers = {name.lower(): value for name, value in response.headers.items()}
            if response.status_code in (418, 429) and on_its_way is not None:
                on_its_way.meets_a_limit(RawAnswer(response.status_code, headers, b""))
            if response.status_code < 200:
                # An interim answer that http.client takes for the final one; the real one is still to come, and must
                # not be taken for the answer to the next question.
                if on_its_way is not None:
                    on_its_way.sever()
                raise Unreachable(f"{endpoint} was answered with an interim status alone. Run again", "reset")
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
    """Clears the headers that a kept connection keeps of its last answer: cookies, trace ids."""
    headers = getattr(getattr(raw, "_original_response", None), "headers", None)
    if isinstance(headers, Message):
        for name in set(headers.keys()):
            del headers[name]


def _read(raw: Any, endpoint: Endpoint) -> bytes:
    """The decoded body, at most MAX_BODY bytes, in pieces of any size."""
    body = bytearray()
    while chunk := raw.read1(65536, decode_content=True):  # returns the bytes so far
        body += chunk
        if len(body) > MAX_BODY:
            raise NotBinance(
                f"the answer to {endpoint} is longer than {MAX_BODY >> 20} MiB. Check what stands between this "
                "machine and Binance: a proxy, a captive portal, a wrong URL in the settings"
            )
    return bytes(body)


class _Session(requests.Session):
    """A session that knows no redirects: requests would read a redirect's whole body even if told not to follow it."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002  the interface of requests
        return None


class _NoCookies(RequestsCookieJar):
    """A jar that keeps no cookie, so that nothing of one answer goes into the next request."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Keeps no cookie."""
