"""All faults of a path, by name."""

from dataclasses import dataclass, replace

from tests.exchange import Fault
from tests.faults.spoiling import READABLE, UNREADABLE

ELSEWHERE = "http://127.0.0.1:9/elsewhere"
HTML = "<!DOCTYPE html><title>Log in to this network</title><p>Error: please log in."
STRANGER = b'{"status":"up","version":3}'
ANY_OBJECT = ("ping",)  # paths of which any JSON object with 200 is a healthy answer
EMPTY_OBJECT = ("ping", "order/test")  # paths of which an empty object is one
# The facts for which the paths are requested. Code that ignores the error beside them would pass.
HEALTHY = (
    '"orderId":0,"serverTime":1790000000000,"symbol":"BTCUSDT","markPrice":"41250.0","canTrade":true,'
    '"dualSidePosition":false,"enableReading":true,"enableFutures":true,"enableWithdrawals":false,"ipRestrict":true'
)


@dataclass(frozen=True)
class Named:
    """A fault. `waits`: the run's own time-out ends it. `readable`: names of paths whose answer is still complete."""

    name: str
    fault: Fault
    waits: bool = False
    readable: tuple[str, ...] | None = ()  # None: everywhere


def _raw(status: str, *lines: str, body: str = "{}") -> Fault:
    head = "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: application/json", *lines, "", ""])
    return Fault.raw(head.encode() + body.encode())


CONNECTION = (
    Named("refused", Fault.closed_door()),
    Named("reset", Fault.reset()),
    Named("reset after headers", Fault.reset_after_headers()),
    Named("stall", Fault.stall(), waits=True),
    Named("drip", Fault.drip(0.5), waits=True),
    Named("drip of headers", Fault.drip_headers(0.02), waits=True),
    Named("endless body", Fault.endless(), waits=True),
    Named("gzip bomb", Fault.gzip_bomb(20)),
    Named("body cut short", Fault.truncated()),
    Named("no HTTP", Fault.raw(b"\x15\x03\x01\x00\x02\x02\x50")),
    Named("closed without a word", Fault.raw(b"")),
    Named("only a status line", Fault.raw(b"HTTP/1.1 200 OK\r\n")),
    Named("a status that is not a number", _raw("2OO OK", "Content-Length: 2")),
    Named("longer than promised", _raw("200 OK", "Content-Length: 1")),
    Named("chunked, without chunks", _raw("200 OK", "Transfer-Encoding: chunked")),
    Named("10000 headers", _raw("200 OK", *(f"X-{n}: {n}" for n in range(10_000)), "Content-Length: 2")),
    Named("gzip that is not gzip", Fault.not_gzip()),
)
STATUSES = (
    Named("100, then the answer", Fault.interim(100), readable=None),
    Named("102 and no more", _raw("102 Processing", body="")),
    Named("103, then the answer", Fault.interim(103)),
    Named("HTML with 200", Fault.status(200, HTML, content_type="text/html")),
    Named("HTML called JSON", Fault.status(200, HTML)),
    Named("a stranger's object", Fault.body(STRANGER), readable=ANY_OBJECT),
    Named("a stranger's status", Fault.status(299, "{}")),
    Named("echo", Fault.echo(), readable=ANY_OBJECT),
    Named("200 with an error in it", Fault.status(200, '{"code":-1121,"msg":"Invalid symbol."}')),
    *(
        Named(f"200 with {member}", Fault.status(200, f"{{{HEALTHY},{member}}}"))
        for member in (
            '"code":"-2015"',
            '"code":-2015.0',
            '"code":true',
            '"code":null',
            '"success":false',
            '"error":"denied"',
        )
    ),
    Named("200 with an empty object", Fault.body(b"{}"), readable=EMPTY_OBJECT),
    *(Named(f"maintenance with {status}", Fault.maintenance(status)) for status in (200, 400, 503)),
    Named("400 with a code as text", Fault.status(400, '{"code":"-2015","msg":"Invalid API-key."}')),
    Named("400 with a huge code", Fault.status(400, '{"code":-20150000000000000000,"msg":"Invalid API-key."}')),
    Named("202", Fault.challenge_202()),
    Named("204", Fault.status(204)),
    Named("301", Fault.redirect(ELSEWHERE, 301)),
    Named("302", Fault.redirect(ELSEWHERE)),
    Named("304", Fault.status(304)),
    Named("307", Fault.redirect(ELSEWHERE, 307)),
    Named("308 to itself", Fault.redirect("/fapi/v1/ping", 308)),
    Named("400 without a code", Fault.status(400, "bad request", content_type="text/plain")),
    Named("400 with an echo", Fault.echo(400)),
    Named("401 of a proxy", Fault.status(401, HTML, {"WWW-Authenticate": "Basic"}, "text/html")),
    Named("403 of the firewall", Fault.waf_403()),
    Named("404", Fault.not_found()),
    Named("404 with -5000", Fault.refused(-5000)),
    Named("407", Fault.status(407, HTML, {"Proxy-Authenticate": "Basic"}, "text/html")),
    Named("408", Fault.backend_timeout()),
    Named("408 without a code", Fault.status(408)),
    Named("418", Fault.banned(1_800_000_000_000)),
    Named("418 without a word", Fault.status(418)),
    Named("429", Fault.rate_limited(7)),
    Named("429 of a gateway", Fault.status(429, HTML, content_type="text/html")),
    Named("451", Fault.restricted_location()),
    Named("403 of the country", Fault.country_403()),
)
TROUBLE = (
    Named("500", Fault.refused(-1000)),
    Named("502", Fault.bad_gateway()),
    Named("503 overloaded", Fault.overloaded_503()),
    Named("503 internal error", Fault.internal_503()),
    Named("503 unavailable", Fault.unavailable_503()),
    Named("503 unknown outcome", Fault.unknown_503()),
    Named("504", Fault.gateway_timeout()),
)
FAULTS = (
    *CONNECTION,
    *(Named(name, Fault.altered(change)) for name, change in UNREADABLE.items()),
    *(Named(name, Fault.altered(change), readable=None) for name, change in READABLE.items()),
    *STATUSES,
    *TROUBLE,
)
# The retry of a GET overcomes one of these faults.
PASSING = (
    *TROUBLE,
    *(one for one in FAULTS if one.name in ("reset", "reset after headers", "body cut short", "closed without a word")),
)
ONCE = tuple(Named(f"{one.name}, once", replace(one.fault, times=1), readable=None) for one in PASSING)
