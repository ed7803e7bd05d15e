"""A platform on which people connect their Binance account: its own page, platform/page.html, has <keycheck-form>.

    pip install ".[serve]"            # in the folder of Keycheck
    uvicorn --app-dir docs/examples platform_app:app

Then open http://127.0.0.1:8000/
"""

import hmac
import secrets
from pathlib import Path
from typing import Any

import save_starlette
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

PAGES = Path(__file__).parent / "platform"
POLICY = "default-src 'self'; form-action 'none'; frame-ancestors 'none'"


class Platform:
    """The platform's `app`: its page, and, behind a guard for the session's token, the endpoint and the saving view."""

    def __init__(self, **options: Any) -> None:
        """Builds `app`. `options`: those of `keycheck.serve.app`."""
        self.accounts = save_starlette.Accounts(secrets.token_bytes(32))
        self._token = secrets.token_urlsafe()  # a real platform has one for each session
        guarded = _ForSession(save_starlette.app(self.accounts, **options), self._token)
        static = StaticFiles(directory=PAGES / "static")
        self.app = Starlette(routes=[Route("/", self._page), Mount("/static", static), Mount("/", guarded)])

    async def _page(self, _: Request) -> Response:
        text = (PAGES / "page.html").read_text("utf-8").replace("{token}", self._token)
        return Response(text, media_type="text/html", headers={"Content-Security-Policy": POLICY})


class _ForSession:
    """Lets a POST pass only with the session's token, which no page of another site can send."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = dict(scope["headers"]).get(b"x-session-token", b"")
        is_refused = scope.get("method") != "GET" and not hmac.compare_digest(sent, self._token)
        refusal = JSONResponse({"detail": "Sign in again, and reload this page."}, 403)
        await (refusal if is_refused else self._app)(scope, receive, send)


def __getattr__(name: str) -> Any:
    """`app`, for uvicorn."""
    if name == "app":
        return Platform().app
    raise AttributeError(name)
