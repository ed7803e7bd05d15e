"""Checks each request before it reaches a route, and adds headers to each answer.

A page of another site must not use its visitor's browser to reach an endpoint on the visitor's machine. So the Host
header must name a host of the endpoint: a page may give its own host name this machine's address (DNS rebinding). And
Origin and Sec-Fetch-Site, in which a browser says whose page sends the request, must be the endpoint's own. No other
page can read an answer, since there are no CORS headers.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import re
from collections import OrderedDict
from collections.abc import Collection, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keycheck import clock
from keycheck.serve.problem import ENDING, Problem, too_many

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
SHORTEST_TOKEN = 32  # characters
ATTEMPTS = 5  # wrong tokens of one client in a minute
_MINUTE = 60.0  # seconds
_MOST_CLIENTS = 1000
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(:\d{1,5})?")
_OWN_HOST = re.compile(r"\[[^][/\s]+\]|[A-Za-z0-9._-]+")
_ANCESTOR = re.compile(r"https?://[A-Za-z0-9.*_-]+(:\d{1,5}|:\*)?|'self'")
_log = logging.getLogger("keycheck.serve")


class Guards:
    """ASGI middleware, the outermost. `hosts`: the names by which clients may call the endpoint, without a port.

    `frame_ancestors`: origins of pages that may show the endpoint's page in a frame; none by default. Raises ValueError
    for a host that no request can name, and for a frame ancestor that is not an origin.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], frame_ancestors: Sequence[str]) -> None:
        if isinstance(hosts, str):
            raise ValueError('hosts must be a list, such as ["app.example"]')  # noqa: TRY004  as any bad parameter
        if wrong := [one for one in hosts if not _OWN_HOST.fullmatch(one)]:
            raise ValueError(
                "a host must be a name or an address, without https:// and without a port, such as app.example or "
                f"[2001:db8::1], and {wrong[0]} is not"
            )
        if wrong := [one for one in frame_ancestors if not _ANCESTOR.fullmatch(one)]:
            raise ValueError(f"a frame ancestor must be an origin, such as https://app.example, and {wrong[0]} is not")
        self._app = app
        self._hosts = {host.lower() for host in hosts}
        ancestors = " ".join(frame_ancestors) or "'none'"
        self._headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"default-src 'self'; base-uri 'none'; form-action 'none'; "
            f"object-src 'none'; frame-ancestors {ancestors}",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        app = self._app
        try:
            self._check(scope["method"], scope["scheme"], Headers(scope=scope))
        except Problem as problem:
            app = problem.response()
        try:
            await app(scope, receive, send_with_headers)
        except asyncio.CancelledError:  # the server is ending
            if not has_started:
                await Problem(503, ENDING).response()(scope, receive, send_with_headers)
            raise
        except Exception as error:  # noqa: BLE001  a platform's error page may show the variables of frames
            _log.error("a request met a fault of the endpoint: %s", type(error).__name__)  # it has its answer, a 500

    def _check(self, method: str, scheme: str, headers: Headers) -> None:
        """Raises Problem if the request must be refused."""
        if "transfer-encoding" in headers and "content-length" in headers:  # a proxy may believe the other one
            raise Problem(400, "The request has two lengths: leave Content-Length or Transfer-Encoding out.")
        hosts = headers.getlist("host")
        host = _HOST.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
        if host is None or host[1] not in self._hosts:
            raise Problem(403, "The request names another host: call this endpoint by one of its own names.")
        own = {f"https://{host[0]}"} | ({f"http://{host[0]}"} if scheme == "http" else set())  # a proxy may speak TLS
        if any(origin.lower() not in own for origin in headers.getlist("origin")):
            raise Problem(403, "The request comes from a page of another origin: open the endpoint's own page.")
        is_visit = method == "GET" and headers.get("sec-fetch-mode") == "navigate"  # a link to the page, or a frame
        if not is_visit and set(headers.getlist("sec-fetch-site")) - {"same-origin", "none"}:
            raise Problem(403, "The request comes from a page of another site: open the endpoint's own page.")


class TokenCheck:
    """Checks `Authorization: Bearer TOKEN`. After several wrong ones, a client is refused for a minute, with any token.

    `behind_proxy`: the client's address is the last one in X-Forwarded-For, which the proxy has written. Raises
    ValueError for a short token; an empty one would let in everybody.
    """

    def __init__(self, token: bytes, *, behind_proxy: bool = False) -> None:
        if len(token.strip()) < SHORTEST_TOKEN:
            raise ValueError(f"token must have at least {SHORTEST_TOKEN} characters: make it with openssl rand -hex 32")
        self._digest = hashlib.sha256(token).digest()  # a digest has one length, whatever token is sent
        self._behind_proxy = behind_proxy
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def check(self, scope: Scope) -> None:
        """Raises Problem if the request lacks the token, or its client has sent too many wrong ones."""
        headers = Headers(scope=scope)
        client = self._client(scope, headers)
        now = clock.uptime()
        recent = [at for at in self._failures.get(client, ()) if now - at < _MINUTE]
        if len(recent) >= ATTEMPTS:
            raise too_many("Too many wrong tokens: try again later.", int(_MINUTE - (now - recent[0])) + 1)
        scheme, _, given = headers.get("authorization", "").partition(" ")
        is_bearer = scheme.lower() == "bearer"
        if hmac.compare_digest(hashlib.sha256(given.strip().encode("latin-1")).digest(), self._digest) and is_bearer:
            return
        if scheme:
            self._failures[client] = [*recent, now]
            self._failures.move_to_end(client)
            if len(self._failures) > _MOST_CLIENTS:
                self._failures.popitem(last=False)
        detail = "Send the header Authorization: Bearer TOKEN, with this endpoint's token."
        raise Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})

    def _client(self, scope: Scope, headers: Headers) -> str:
        """The client's address; with IPv6, its network, because one client has a whole network."""
        address = scope["client"][0] if scope.get("client") else ""
        if self._behind_proxy:
            address = ",".join(headers.getlist("x-forwarded-for")).rpartition(",")[2].strip()
        try:
            found = ipaddress.ip_address(address.partition("%")[0])  # without a zone, as in fe80::1%eth0
        except ValueError:
            return "elsewhere"
        return str(found) if found.version == 4 else str(ipaddress.ip_network(f"{found.exploded}/64", strict=False))
