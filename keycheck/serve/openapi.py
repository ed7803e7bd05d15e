"""OpenAPI 3.1 of the endpoint: openapi.json, with the schema of verdict.json in it."""

import json
from pathlib import Path
from typing import Any

from keycheck import __version__
from keycheck.report import model

LINES = "application/x-ndjson"
_DOCUMENT = Path(__file__).with_name("openapi.json")
_VERDICT = Path(model.__file__).with_name("verdict.schema.json")


def document(*, asks_token: bool, saves: bool) -> dict[str, Any]:
    """The document. `asks_token`: whether each POST needs a token; `saves`: whether there is `POST /save`."""
    found: dict[str, Any] = json.loads(_DOCUMENT.read_text("utf-8"))
    verdict = _VERDICT.read_text("utf-8").replace("#/$defs/", "#/components/schemas/Verdict/$defs/")
    found["info"]["version"] = __version__
    found["components"]["schemas"]["Verdict"] = json.loads(verdict)
    if not saves:
        del found["paths"]["/save"]
    if not asks_token:
        del found["components"]["securitySchemes"]
        for path in found["paths"].values():
            if "post" in path:
                del path["post"]["security"], path["post"]["responses"]["401"]
    return found
