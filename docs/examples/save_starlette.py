"""Saves a key that was just found OK: a view of Starlette, which also works in FastAPI.

`app` has the endpoint at /keycheck, and the view at /accounts. It asks nobody to sign in: add your own middleware.
"""

import json
import os
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

import keycheck.serve
from keycheck import receipt

ENVIRONMENT = "production"  # in which this platform trades; a receipt of another one is refused


class Accounts:
    """Saves tested keys. `key`: that of the receipts, the same for the endpoint and for each process that saves."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.saved: list[tuple[str, str, str]] = []  # in your platform: its database, encrypted

    async def save(self, request: Request) -> Response:
        """Takes the form's `tested`. A browser may send anything: only the receipt shows that this was found OK."""
        given = members(await request.body())
        # Save these three, as they were verified; nothing else of the request was tested.
        api_key, passphrase = given.get("apiKey"), given.get("passphrase", "")
        secret = given.get("apiSecret") or given.get("privateKey")
        try:
            receipt.verify(
                given.get("receipt"),
                key=self.key,
                api_key=api_key,
                api_secret=secret,
                passphrase=passphrase,
                environment=ENVIRONMENT,
            )
        except receipt.Refused as refused:
            return JSONResponse({"detail": str(refused)}, 400)
        self.saved.append((api_key, secret, passphrase))
        return JSONResponse({}, 201)


def members(body: bytes) -> dict[str, Any]:
    """The fields of a JSON object; none for any other body, which then has no receipt."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def app(accounts: Accounts, **options: Any) -> Starlette:
    """The ASGI application. `options`: of `keycheck.serve.app`, such as hosts=["app.example"]."""
    endpoint = keycheck.serve.app(receipt_key=accounts.key, **options)
    return Starlette(routes=[Route("/accounts", accounts.save, methods=["POST"]), Mount("/keycheck", endpoint)])


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app(Accounts(os.urandom(32))), port=8000, access_log=False)
