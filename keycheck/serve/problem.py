"""An error as the client gets it: `application/problem+json` (RFC 9457). It holds no part of what the client sent."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import JSONResponse

TITLES = {
    400: "The request cannot be used",
    401: "A token is needed",
    403: "Not from here",
    404: "There is no such page",
    405: "Not in this way",
    408: "The request took too long",
    409: "The file exists",
    413: "The request is too long",
    415: "Not JSON",
    429: "Too many requests",
    500: "The endpoint has a fault",
    503: "Not now",
}
ENDING = "The endpoint is ending: try again when it has been restarted."


class Problem(Exception):
    """An error with its HTTP status. `detail`: what happened and what to do; `member`: the body's member at fault."""

    def __init__(
        self, status: int, detail: str, member: str | None = None, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.member = member
        self.headers = headers

    def response(self) -> JSONResponse:
        body = {"ok": False, "title": TITLES[self.status], "status": self.status, "detail": str(self)}
        named = {"member": self.member} if self.member else {}
        return JSONResponse(body | named, self.status, self.headers, media_type="application/problem+json")


def too_many(detail: str, seconds: int) -> Problem:
    """A Problem with status 429. `seconds`: the wait before the next try."""
    return Problem(429, detail, headers={"Retry-After": str(seconds)})
