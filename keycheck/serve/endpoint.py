"""The endpoint as an ASGI application: one request, one run in a child process, one answer.

Nothing is kept: no job, no store, no log of requests. A run belongs to its connection. Theory of operation:

    event loop   reads and checks the request, takes a slot, starts a thread for the run, and sends what it says
    thread       reserves the run's weight from the purse, waits for the child process, settles, gives the slot back

The loop hears of a run by a queue: each check, then the run's end; or None, when the client has gone. Whatever ends the
request sets `cancel`, and the child is killed within a moment.
"""

import asyncio
import contextlib
import json
import secrets
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from keycheck import process, receipt
from keycheck.purse import Empty, Purse
from keycheck.serve import openapi, page, request_body
from keycheck.serve.guards import LOOPBACK, Guards, TokenCheck
from keycheck.serve.problem import ENDING, Problem, too_many
from keycheck.settings import loading

openapi.LINES = "application/x-ndjson"
_OF_A_CHECK = {"check": "id", "step": "step", "severity": "severity", "outcome": "outcome", "title": "title"}
_WAIT = 2  # seconds until a slot is likely to be free; a run takes one or two


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
        """`settings`: of each run, by their BINANCE_ names; no credentials, and nothing is taken from the environment.

        `hosts`: the names by which clients call the endpoint, without a port. `token`: what they send as
        `Authorization: Bearer TOKEN`; without it, whoever reaches the endpoint may ask. `behind_proxy`: the last
        address in X-Forwarded-For is the client's. `frame_ancestors`: origins whose pages may show the page in a frame.
        `slots`: runs at once. `share`: of the address's request weight (keycheck/purse.py), spent from `purse_folder`.
        `receipt_key`: at least 32 bytes, for `keycheck.receipt.verify`; random by default. `save_to` and `replace`: the
        file of `POST /save` (keycheck/save_file.py). `run`: as `process.run`.

        Raises ValueError and UsageProblem, in a sentence, for what cannot be used.
        """
        self._settings = dict(settings or {})
        if wrong := sorted(set(self._settings) - set(loading.NAMES) | set(self._settings) & request_body.SECRETS):
            raise ValueError(f"settings holds {', '.join(wrong)}: credentials come with each request alone")
        if slots < 1:
            raise ValueError("slots must be 1 or more")
        folder = purse_folder or loading.purse_folder()
        self._purses = {name: Purse(folder, share, name) for name in ("production", "demo")}
        self._token = TokenCheck(token, behind_proxy=behind_proxy) if token is not None else None
        self._receipt_key = receipt_key or secrets.token_bytes(32)
        self._run = run
        self._slots = threading.Semaphore(slots)
        self._cancels: set[threading.Event] = set()
        self._is_ending = False
        self._save = (save_to, replace)
        app = Starlette(
            routes=self._routes(), exception_handlers={Problem: _answer_problem, HTTPException: _answer_http_exception}
        )
        app.router.redirect_slashes = False  # no answer repeats a part of the request
        self._app = Guards(app, hosts, frame_ancestors, lambda: self._is_ending)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def end(self) -> None:
        """Refuses new requests from now on; those that run go on."""
        self._is_ending = True

    def cancel_all(self) -> None:
        """Cuts all runs short; their answers are UNPROVEN, and say why."""
        for cancel in tuple(self._cancels):
            cancel.set()

    def _routes(self) -> list[Route]:
        saves = self._save[0] is not None
        files = {
            "/": (page.index(asks_token=self._token is not None, saves=saves), "text/html"),
            "/page.css": (page.style(), "text/css"),
            "/keycheck.js": (page.script(), "text/javascript"),
            "/openapi.json": (
                json.dumps(openapi.document(asks_token=self._token is not None, saves=saves)),
                "application/json",
            ),
            "/healthz": (json.dumps({"status": "ok"}), "application/json"),
        }
        routes = [Route(path, partial(_answer_file, text, kind)) for path, (text, kind) in files.items()]
        routes.append(Route("/binance", self._test, methods=["POST"]))
        return [*routes, Route("/save", self._save_key, methods=["POST"])] if saves else routes

    async def _read(self, request: Request, *, to_save: bool = False) -> request_body.Request:
        """Raises Problem."""
        if self._token is not None:
            self._token.check(request.scope)
        kind = request.headers.get("content-type", "").lower().replace(" ", "")
        if kind not in ("application/json", "application/json;charset=utf-8"):
            raise Problem(415, "The body must be JSON: send the header Content-Type: application/json.")
        body = await request_body.receive_all(request.receive, request.headers.get("content-length", ""))
        return request_body.read(body, self._settings, to_save=to_save)

    async def _test(self, request: Request) -> ASGIApp:
        wanted = await self._read(request)
        with_report = request.headers.get("keycheck-report") == "yes"
        return partial(self._answer, wanted, openapi.LINES in request.headers.get("accept", ""), with_report)

    async def _answer(
        self,
        wanted: request_body.Request,
        as_lines: bool,
        with_report: bool,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Runs the suite, and sends the answer as it comes. Raises Problem before the answer has begun."""
        said: asyncio.Queue[_Said] = asyncio.Queue()
        cancel = threading.Event()
        self._start(wanted, partial(asyncio.get_running_loop().call_soon_threadsafe, said.put_nowait), cancel)
        gone = asyncio.create_task(_client_gone(receive))
        gone.add_done_callback(lambda _: said.put_nowait(None))
        self._cancels.add(cancel)
        lines = _Lines(send)
        try:
            while isinstance(found := await said.get(), dict):
                if as_lines:
                    await lines.send({name: found[field] for name, field in _OF_A_CHECK.items()})
            if isinstance(found, process.Finished):
                proof = self._receipt(wanted, found)
                if as_lines:
                    report = {"report": found.page} if with_report else {}
                    await lines.send({"verdict": found.verdict, "receipt": proof} | report, is_last=True)
                else:
                    headers = {"Keycheck-Receipt": proof} if proof else {}
                    await JSONResponse(found.verdict, headers=headers)(scope, receive, send)
            elif found is not None:
                raise found
        finally:
            cancel.set()
            gone.cancel()
            self._cancels.discard(cancel)

    def _start(self, wanted: request_body.Request, say: "Callable[[_Said], object]", cancel: threading.Event) -> None:
        if self._is_ending:
            raise Problem(503, ENDING)
        if not self._slots.acquire(blocking=False):
            raise too_many("All slots of this endpoint are taken: try again in a moment.", _WAIT)
        try:
            threading.Thread(target=self._work, args=(wanted, say, cancel), daemon=True, name="keycheck-run").start()
        except RuntimeError:
            self._slots.release()
            raise Problem(503, "This machine has no room for one more run: try again in a moment.") from None

    def _work(self, wanted: request_body.Request, say: "Callable[[_Said], object]", cancel: threading.Event) -> None:
        """The thread of a run."""
        end: _Said = None
        try:
            end = self._spend(wanted, say, cancel)
        except Empty as empty:
            end = too_many(f"{empty}.", empty.seconds)
        except ValueError as refused:
            end = request_body.problem_of(str(refused))
        except Exception as error:  # noqa: BLE001  the answer is the event loop's, whatever it is
            end = error
        finally:
            self._slots.release()
            with contextlib.suppress(RuntimeError):  # the loop has ended before the run
                say(end)

    def _spend(
        self, wanted: request_body.Request, say: "Callable[[_Said], object]", cancel: threading.Event
    ) -> process.Finished:
        purse = self._purses[wanted.environment]
        reservation = purse.reserve()
        limits = None
        try:
            finished = self._run(wanted.settings, on_check=say, cancel=cancel)
            limits = finished.limits
            return finished
        finally:
            purse.settle(reservation, limits)

    def _receipt(self, wanted: request_body.Request, finished: process.Finished) -> str | None:
        if finished.verdict["ok"] is not True:
            return None
        return receipt.make(self._receipt_key, **wanted.credentials(), environment=wanted.environment)


# What a run says: an entry of verdict.json's `checks`, its end, or why there is no answer. None: the client has gone.
_Said = process.Check | process.Finished | Exception | None


class _Lines:
    """An answer of JSON texts, one a line, which begins with the first of them."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_begun = False

    async def send(self, line: Mapping[str, Any], *, is_last: bool = False) -> None:
        if not self._has_begun:
            self._has_begun = True
            headers = [
                (b"content-type", openapi.LINES.encode()),
                (b"x-accel-buffering", b"no"),
            ]  # nginx passes each line on
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        body = json.dumps(line).encode() + b"\n"
        await self._send({"type": "http.response.body", "body": body, "more_body": not is_last})


async def _client_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer_file(text: str, kind: str, _: Request) -> Response:
    return Response(text, media_type=kind)


async def _answer_problem(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return problem.response()


async def _answer_http_exception(_: Request, error: Exception) -> Response:
    """404 and 405 of the router."""
    assert isinstance(error, HTTPException)
    sentence = "openapi.json names the paths of this endpoint, and how to ask each."
    return Problem(error.status_code, sentence, headers=error.headers or {}).response()
