"""A platform on which people connect their Binance account: its own page has <keycheck-form>, and it saves only keys
that Keycheck has just found OK.

    pip install "keycheck[serve]"
    uvicorn --app-dir docs/examples/platform app:app

Then open http://127.0.0.1:8000/
"""

import hmac
import secrets
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

import keycheck.serve
from keycheck import receipt

HERE = Path(__file__).parent
POLICY = "default-src 'self'; form-action 'none'; frame-ancestors 'none'"
# Each process of the platform needs the same one: keep it where the platform keeps its other secrets.
RECEIPT_KEY = secrets.token_bytes(32)


class Platform:
    """`connected`: the saved accounts, which a real platform encrypts and keeps in its database."""

    def __init__(self, **options: Any) -> None:
        """`options`: those of `keycheck.serve.app`."""
        self.connected: list[dict[str, str]] = []
        self._token = secrets.token_urlsafe()  # a real platform has one for each session
        endpoint = keycheck.serve.app(receipt_key=RECEIPT_KEY, **options)
        self.app = Starlette(
            routes=[
                Route("/", self._page),
                Route("/accounts", self._save, methods=["POST"]),
                Mount("/keycheck", _ForSession(endpoint, self._token)),
                Mount("/static", StaticFiles(directory=HERE / "static")),
            ]
        )

    async def _page(self, _: Request) -> Response:
        text = (HERE / "page.html").read_text("utf-8").replace("{token}", self._token)
        return Response(text, media_type="text/html", headers={"Content-Security-Policy": POLICY})

    async def _save(self, request: Request) -> Response:
        """The browser may say anything: the receipt alone shows that this key was tested, and found OK."""
        if not _is_of_session(request.scope, self._token):
            return _refused(403, "Sign in again, and reload the page.")
        given = await request.json()
        try:
            receipt.verify(
                given["receipt"],
                key=RECEIPT_KEY,
                api_key=given["apiKey"],
                api_secret=given.get("apiSecret") or given["privateKey"],
                passphrase=given.get("passphrase", ""),
                environment=given["environment"],
            )
        except receipt.Refused as refused:
            return _refused(400, str(refused))
        self.connected.append(given)
        return JSONResponse({"connected": len(self.connected)})


class _ForSession:
    """Lets a request pass to the endpoint if the page of this session has sent it; form and page are for everybody."""

    def __init__(self, endpoint: ASGIApp, token: str) -> None:
        self._endpoint = endpoint
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_open = scope["type"] == "http" and scope["method"] == "GET"
        refusal = _refused(403, "Sign in again, and reload the page.")
        app = self._endpoint if is_open or _is_of_session(scope, self._token) else refusal
        await app(scope, receive, send)


def _is_of_session(scope: Scope, token: str) -> bool:
    sent = dict(scope["headers"]).get(b"x-session-token", b"")
    return hmac.compare_digest(sent, token.encode())


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"detail": why}, status)


def __getattr__(name: str) -> Any:
    """`app`, for uvicorn."""
    if name == "app":
        return Platform().app
    raise AttributeError(name)
