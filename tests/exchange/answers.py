"""An answer before it becomes bytes on a wire: status, body, content type and headers of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.exchange.refusals import Refusal

JSON = "application/json"
HTML = "text/html"
LARGEST_CODED_BODY = 4096  # bytes; an error body is about a hundred, so nothing larger is parsed for its code


@dataclass(frozen=True)
class Answer:
    """The answer to one request. Its `headers` override the host's usual ones."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> int | None:
        """Binance's code, if the body is an error object with a code; else None."""
        if len(self.body) > LARGEST_CODED_BODY or not self.body.lstrip().startswith(b"{"):
            return None
        try:
            code = json.loads(self.body).get("code")
        except ValueError:
            return None
        return code if isinstance(code, int) else None


def document(value: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer 200 with a value as compact JSON."""
    return Answer(body=json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(), headers=headers or {})


def refused(no: Refusal) -> Answer:
    """Answer with a coded refusal."""
    return Answer(status=no.status, body=no.body)
