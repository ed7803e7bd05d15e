"""Everything that can go wrong between an honest exchange and a client, as values a scenario can hold.

Each constructor takes `times`: how many requests the fault hits before the healthy answer (or the next fault
of a tuple) comes back; None means every one. Bodies are those users quoted, with identifiers replaced.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from tests.exchange import pages
from tests.exchange.answers import HTML, JSON, Answer, refused
from tests.exchange.refusals import refusal


class Kind(Enum):
    """The ways in which a connection misbehaves; ANSWER only replaces the answer."""

    ANSWER = "a well-formed answer, but not the healthy one"
    RESET = "TCP reset before any byte"
    RESET_AFTER_HEADERS = "TCP reset once the header is out"
    STALL = "no answer, ever"
    DRIP = "the healthy answer, its body byte by byte"
    DRIP_HEADERS = "a header that comes byte by byte and never ends"
    ENDLESS = "a chunked body without an end"
    GZIP_BOMB = "a small body that unpacks to a huge one"
    TRUNCATED = "less body than Content-Length promises"
    ECHO = "the request, read back to its sender"
    ALTERED = "the healthy answer, changed"
    INTERIM = "an interim answer, and the healthy one after it"
    RAW = "bytes that need not be HTTP, and the end of the connection"
    CLOSED_DOOR = "TCP reset, and no further connection to this host"


@dataclass(frozen=True)
class Fault:
    """A fault of the exchange; build it with the class methods below."""

    kind: Kind = Kind.ANSWER
    answer: Answer = field(default_factory=Answer)
    seconds: float = 0.0  # pause between two bytes of a drip
    size: int = 0  # bytes: of an endless body, or of a bomb once unpacked
    times: int | None = None
    change: Callable[[Answer], Answer] | None = None

    @classmethod
    def status(
        cls,
        code: int,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        content_type: str = JSON,
        *,
        times: int | None = None,
    ) -> Fault:
        """Answer with this HTTP status and text."""
        return cls(answer=Answer(code, body.encode(), content_type, headers or {}), times=times)

    @classmethod
    def body(cls, raw: bytes, content_type: str = JSON, status: int = 200, *, times: int | None = None) -> Fault:
        """Answer with exactly these bytes."""
        return cls(answer=Answer(status, raw, content_type), times=times)

    @classmethod
    def redirect(cls, location: str, status: int = 302, *, times: int | None = None) -> Fault:
        """Point the client elsewhere."""
        return cls(answer=Answer(status, b"", HTML, {"Location": location}), times=times)

    @classmethod
    def reset(cls, *, times: int | None = None) -> Fault:
        """Reset the connection instead of answering."""
        return cls(Kind.RESET, times=times)

    @classmethod
    def closed_door(cls) -> Fault:
        """Reset the connection instead of answering, and refuse every new one to this host from now on."""
        return cls(Kind.CLOSED_DOOR)

    @classmethod
    def reset_after_headers(cls, *, times: int | None = None) -> Fault:
        """Send the header of the healthy answer, then reset."""
        return cls(Kind.RESET_AFTER_HEADERS, times=times)

    @classmethod
    def stall(cls, *, times: int | None = None) -> Fault:
        """Take the request and say nothing until the client leaves or the exchange stops."""
        return cls(Kind.STALL, times=times)

    @classmethod
    def drip(cls, seconds_per_byte: float = 0.2, *, times: int | None = None) -> Fault:
        """Send a correct header, then the healthy body one byte at a time."""
        return cls(Kind.DRIP, seconds=seconds_per_byte, times=times)

    @classmethod
    def drip_headers(cls, seconds_per_byte: float = 0.05, *, times: int | None = None) -> Fault:
        """Send the status line, then one endless header line, byte by byte."""
        return cls(Kind.DRIP_HEADERS, seconds=seconds_per_byte, times=times)

    @classmethod
    def endless(cls, megabytes: int = 1024, *, times: int | None = None) -> Fault:
        """Send a chunked body that seems endless. It ends after `megabytes` MiB, to spare this machine."""
        return cls(Kind.ENDLESS, size=megabytes << 20, times=times)

    @classmethod
    def gzip_bomb(cls, megabytes: int = 64, *, times: int | None = None) -> Fault:
        """Send a small gzip body that unpacks to `megabytes` MiB of valid JSON."""
        return cls(Kind.GZIP_BOMB, size=megabytes << 20, times=times)

    @classmethod
    def truncated(cls, *, times: int | None = None) -> Fault:
        """Promise the whole healthy body, send half of it, close."""
        return cls(Kind.TRUNCATED, times=times)

    @classmethod
    def echo(cls, status: int = 200, *, times: int | None = None) -> Fault:
        """Answer with the request's own headers and query, secrets included."""
        return cls(Kind.ECHO, answer=Answer(status), times=times)

    @classmethod
    def altered(cls, change: Callable[[Answer], Answer], *, times: int | None = None) -> Fault:
        """Answer with the result of `change`, which gets the due answer, decompressed."""
        return cls(Kind.ALTERED, change=change, times=times)

    @classmethod
    def interim(cls, status: int, *, times: int | None = None) -> Fault:
        """Send an interim answer (1xx), and right after it the one that is due."""
        return cls(Kind.INTERIM, Answer(status), times=times)

    @classmethod
    def raw(cls, data: bytes, *, times: int | None = None) -> Fault:
        """Write exactly these bytes instead of an answer with its status line, and close the connection."""
        return cls(Kind.RAW, Answer(body=data), times=times)

    @classmethod
    def not_gzip(cls, *, times: int | None = None) -> Fault:
        """Send the due answer with the label gzip, uncompressed."""
        return cls.altered(lambda due: replace(due, headers={**due.headers, "Content-Encoding": "gzip"}), times=times)

    @classmethod
    def refused(cls, code: int, *, times: int | None = None) -> Fault:
        """Refuse with a code of the table, whatever was asked."""
        return cls(answer=refused(refusal(code)), times=times)

    @classmethod
    def rate_limited(
        cls, retry_after: int | None = None, ip: str = "203.0.113.7", limit: int = 2400, *, times: int | None = None
    ) -> Fault:
        """429: too many requests this minute. The live text names the caller; on the test network the limit is 6000.

        Retry-After, in seconds, is optional: it is not documented for futures.
        """
        no = refusal(-1003, text=pages.LIMITED % (ip, limit))
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return cls(answer=Answer(no.status, no.body, headers=headers), times=times)

    @classmethod
    def banned(cls, until_ms: int, ip: str = "203.0.113.7", *, times: int | None = None) -> Fault:
        """418: the address is banned until a moment in epoch milliseconds; futures name the address too."""
        return cls(answer=Answer(418, refusal(-1003, text=pages.BANNED % (ip, until_ms)).body), times=times)

    @classmethod
    def waf_403(cls, *, times: int | None = None) -> Fault:
        """403 from the firewall in front of the exchange: an HTML page, no code."""
        return cls(answer=Answer(403, pages.WAF.encode(), HTML, pages.CLOUDFRONT), times=times)

    @classmethod
    def country_403(cls, *, times: int | None = None) -> Fault:
        """403 from the same firewall, which says that it is set to block this machine's country."""
        return cls(answer=Answer(403, pages.COUNTRY.encode(), HTML, pages.CLOUDFRONT), times=times)

    @classmethod
    def challenge_202(cls, *, times: int | None = None) -> Fault:
        """202 from the firewall: a challenge for browsers, a success in status only."""
        headers = {**pages.CLOUDFRONT, "x-amzn-waf-action": "challenge"}
        return cls(answer=Answer(202, b"", HTML, headers), times=times)

    @classmethod
    def restricted_location(cls, *, times: int | None = None) -> Fault:
        """451: Binance does not serve this machine's country; pretty-printed JSON whose code is 0."""
        body = json.dumps({"code": 0, "msg": pages.RESTRICTED}, indent=2).encode()
        return cls(answer=Answer(451, body, JSON, pages.CLOUDFRONT), times=times)

    @classmethod
    def overloaded_503(cls, *, times: int | None = None) -> Fault:
        """503 with -1008: the request failed, come back later."""
        return cls.refused(-1008, times=times)

    @classmethod
    def internal_503(cls, *, times: int | None = None) -> Fault:
        """503 with -1001, "Internal error": the request failed."""
        return cls.refused(-1001, times=times)

    @classmethod
    def unavailable_503(cls, *, times: int | None = None) -> Fault:
        """503 without a code, "Service Unavailable.": the request failed."""
        return cls.status(503, json.dumps({"msg": pages.UNAVAILABLE}), times=times)

    @classmethod
    def maintenance(cls, status: int = 200, *, times: int | None = None) -> Fault:
        """An object with neither code nor msg; which HTTP status it comes with is not documented."""
        return cls.status(status, json.dumps(pages.MAINTENANCE), times=times)

    @classmethod
    def unknown_503(cls, *, times: int | None = None) -> Fault:
        """503 without a code: the request may or may not have been carried out."""
        body = json.dumps({"timestamp": 1790000000000, "path": "/fapi/v1/order/test", "msg": pages.UNKNOWN_OUTCOME})
        return cls.status(503, body, times=times)

    @classmethod
    def bad_gateway(cls, *, times: int | None = None) -> Fault:
        """502 from nginx: HTML with CRLF line ends."""
        return cls(answer=Answer(502, pages.BAD_GATEWAY.encode(), HTML, {"Server": "nginx"}), times=times)

    @classmethod
    def gateway_timeout(cls, *, times: int | None = None) -> Fault:
        """504 from nginx: the exchange behind it did not answer it in time."""
        return cls(answer=Answer(504, pages.GATEWAY_TIMEOUT.encode(), HTML, {"Server": "nginx"}), times=times)

    @classmethod
    def backend_timeout(cls, *, times: int | None = None) -> Fault:
        """408 with -1007: the request may or may not have been carried out."""
        return cls.refused(-1007, times=times)

    @classmethod
    def not_found(cls, *, times: int | None = None) -> Fault:
        """404: the HTML page for an unknown path."""
        return cls(answer=Answer(404, pages.NOT_FOUND.encode(), HTML), times=times)


FaultPlan = Mapping[str, "Fault | tuple[Fault, ...]"]


def keys_for(method: str, path: str) -> tuple[str, str, str]:
    """The keys of a plan that cover a request, the most specific first."""
    return (f"{method} {path}", path, "*")


def due(plan: FaultPlan, hits: dict[str, int], method: str, path: str) -> Fault | None:
    """Choose the fault of this request and count it in hits; None when the healthy answer is due."""
    for key in keys_for(method, path):
        entry = plan.get(key, ())
        begun = hits.get(key, 0)
        for fault in (entry,) if isinstance(entry, Fault) else entry:
            if fault.times is None or begun < fault.times:
                hits[key] = hits.get(key, 0) + 1
                return fault
            begun -= fault.times
    return None
