"""The endpoint as an ASGI application: one request, one run, one answer.

Nothing is kept: no job, no store, no log of requests. A run belongs to its request: if the client disconnects, the run
is ended.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from keycheck import process, receipt
from keycheck.errors import UsageProblem
from keycheck.exchange.endpoints import ENVIRONMENTS
from keycheck.exchange.hosts import route_of
from keycheck.purse import Purse
from keycheck.serve import openapi, page, request_body
from keycheck.serve.guards import LOOPBACK, Guards, TokenCheck
from keycheck.serve.problem import Problem
from keycheck.serve.runs import Runs, Said
from keycheck.settings import loading, saving

_OF_A_CHECK = {"check": "id", "step": "step", "severity": "severity", "outcome": "outcome", "title": "title"}


class Endpoint:
    """An ASGI application, to be served by itself or mounted in another one."""

    def __init__(  # noqa: PLR0913  one for each option of `keycheck serve`
        self,
        *,
        settings: Mapping[str, str] | None = None,
        hosts: Collection[str] = LOOPBACK,
        token: bytes | None = None,
        behind_proxy: bool = False,
        frame_ancestors: Sequence[str] = (),
        slots: int = 4,
        share: float = 0.5,
        purse_folder: Path | None = None,
        receipt_key: bytes | None = None,
        save_to: Path | None = None,
        replace: bool = False,
        run: Callable[..., process.Finished] = process.run,
    ) -> None:
        """`settings`: those of each run, by their BINANCE_ names, without credentials; the environment is not read.

        `hosts`: the names by which clients call the endpoint, without a port. `token`: the text that they send as
        `Authorization: Bearer TOKEN`, of 32 characters or more; without one, anybody who reaches the endpoint may use
        it. `behind_proxy`: the last address in X-Forwarded-For is the client's. `frame_ancestors`: origins whose pages
        may show the page in a frame. `slots`: runs at once. `share`: the part of the address's request weight to spend
        (keycheck/purse.py), counted in `purse_folder`. `receipt_key`: at least 32 bytes, for `keycheck.receipt.verify`;
        random by default. `save_to` and `replace`: the file of `POST /save` (settings/saving.py). `run`:
        `process.run`, or a stub of it.

        Raises ValueError or UsageProblem, with a sentence, for a parameter that cannot be used.
        """
        self._settings = dict(settings or {})
        if wrong := sorted(set(self._settings) - set(loading.NAMES) | set(self._settings) & request_body.SECRETS):
            raise ValueError(f"settings holds {', '.join(wrong)}: credentials come only with each request")
        if slots < 1:
            raise ValueError("slots must be 1 or more")
        self._save_to, self._replace = save_to, replace
        self._receipt_key = secrets.token_bytes(32) if receipt_key is None else receipt_key
        receipt.make(self._receipt_key, api_key="", api_secret="", environment="")  # refuses a key that is too short
        self._token = TokenCheck(token, behind_proxy=behind_proxy) if token is not None else None
        folder = purse_folder or loading.purse_folder()
        route = route_of(self._settings.get("BINANCE_FUTURES_URL", ""), self._settings.get("BINANCE_PROXY", ""))
        self._runs = Runs(slots, {name: Purse(folder, share, name, route) for name in ENVIRONMENTS}, run)
        self.end, self.cancel_all = self._runs.end, self._runs.cancel_all
        app = Starlette(
            routes=self._routes(),
            exception_handlers={Problem: _answer_problem, HTTPException: _answer_problem, Exception: _answer_problem},
        )
        app.router.redirect_slashes = False  # no answer repeats a part of the request
        self._app = Guards(app, hosts, frame_ancestors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def _routes(self) -> list[Route]:
        offers = {"asks_token": self._token is not None, "saves": self._save_to is not None}
        files = {
            "/": (page.index(**offers), "text/html"),
            "/page.css": (page.style(), "text/css"),
            "/icon.svg": (page.icon(), "image/svg+xml"),
            "/keycheck.js": (page.script(), "text/javascript"),
            "/openapi.json": (json.dumps(openapi.document(**offers)), "application/json"),
            "/healthz": (json.dumps({"status": "ok"}), "application/json"),
        }
        routes = [Route(path, partial(_answer_file, text, kind)) for path, (text, kind) in files.items()]
        posts = [Route("/binance", self._test, methods=["POST"]), Route("/save", self._save, methods=["POST"])]
        return [*routes, *(posts if offers["saves"] else posts[:1])]

    async def _read(self, request: Request, *, to_save: bool = False) -> request_body.Request:
        """Checks a request, and reads its body. Raises Problem."""
        if self._token is not None:
            self._token.check(request.scope)
        kind = request.headers.get("content-type", "").lower().replace(" ", "")
        if kind not in ("application/json", "application/json;charset=utf-8"):
            raise Problem(415, "The body must be JSON: send the header Content-Type: application/json.")
        return request_body.read(await request_body.receive_all(request.receive), self._settings, to_save=to_save)

    async def _test(self, request: Request) -> ASGIApp:
        wanted = await self._read(request)
        as_lines = openapi.LINES in request.headers.get("accept", "")
        with_report = request.headers.get("keycheck-report") == "yes"
        return partial(self._answer, wanted, as_lines, with_report)

    async def _answer(  # noqa: PLR0913, PLR0917  three of ASGI's, and three of the request's
        self,
        wanted: request_body.Request,
        as_lines: bool,
        with_report: bool,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Runs the suite, and sends its checks and its verdict. Raises Problem before the answer has begun."""
        said: asyncio.Queue[Said | None] = asyncio.Queue()  # None: the client has gone
        loop = asyncio.get_running_loop()

        def say(found: Said) -> None:
            loop.call_soon_threadsafe(said.put_nowait, found)

        cancel = self._runs.start(wanted, say)
        gone = asyncio.create_task(_client_gone(receive))
        gone.add_done_callback(lambda _: said.put_nowait(None))
        lines = _Lines(send)
        try:
            while isinstance(found := await said.get(), Mapping):
                if as_lines:
                    await lines.send({name: found[field] for name, field in _OF_A_CHECK.items()})
            if found is None and not lines.has_begun:  # a platform's own middleware may wait for an answer
                raise Problem(503, "The client has hung up, so its run was ended.")
            if isinstance(found, Exception):
                raise found
            if found is not None:
                proof = receipt.make(self._receipt_key, **wanted.tested()) if found.verdict["ok"] is True else None
                report = {"report": found.page} if with_report else {}
                if as_lines:
                    await lines.send({"verdict": found.verdict, "receipt": proof} | report, is_last=True)
                else:
                    headers = {"Keycheck-Receipt": proof} if proof else {}
                    await JSONResponse(found.verdict, headers=headers)(scope, receive, send)
        finally:
            cancel.set()
            gone.cancel()

    async def _save(self, request: Request) -> Response:
        problem = await run_in_threadpool(self._saved, await self._read(request, to_save=True))
        return problem.response() if problem else JSONResponse({"saved": True})

    def _saved(self, wanted: request_body.Request) -> Problem | None:
        """Writes the file. Returns a problem instead of raising it, because its frames would hold the secret."""
        assert self._save_to
        try:
            receipt.verify(wanted.receipt, key=self._receipt_key, **wanted.signed())
            saving.save(self._save_to, wanted.settings, replace=self._replace)
        except receipt.Refused as refused:
            return Problem(400, str(refused), request_body.RECEIPT)
        except UsageProblem as problem:
            return Problem(409, f"{problem}.")
        return None


class _Lines:
    """An answer with one JSON text in each line. The headers are sent with the first line."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def send(self, line: Mapping[str, Any], *, is_last: bool = False) -> None:
        if not self.has_begun:
            self.has_begun = True
            headers = [(b"content-type", openapi.LINES.encode()), (b"x-accel-buffering", b"no")]  # for nginx
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        body = json.dumps(line).encode() + b"\n"
        await self._send({"type": "http.response.body", "body": body, "more_body": not is_last})


async def _client_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer_file(text: str, kind: str, _: Request) -> Response:
    return Response(text, media_type=kind)


async def _answer_problem(_: Request, error: Exception) -> Response:
    """The answer to an error: a Problem, the router's own 404 or 405, or a fault of the endpoint."""
    if isinstance(error, HTTPException):
        sentence = "openapi.json lists the paths of this endpoint, and says how to call each."
        error = Problem(error.status_code, sentence, headers=error.headers or {})
    if not isinstance(error, Problem):
        error = Problem(500, "Report this, without the key.")
    return error.response()
