"""OpenAPI 3.1 of the endpoint: what to send, and every answer."""

import json
from pathlib import Path
from typing import Any

from keycheck import __version__
from keycheck.exchange.account_setup import WORDS
from keycheck.exchange.endpoints import ENVIRONMENTS
from keycheck.report import model
from keycheck.serve.problem import TITLES

LINES = "application/x-ndjson"
_VERDICT = Path(model.__file__).with_name("verdict.schema.json")
_OF_A_POST = (400, 401, 403, 408, 413, 415, 429, 503)
_TEXT = {"type": "string", "minLength": 1}
_RECEIPT = {"type": "string", "pattern": r"^v1\.\d+\.[0-9a-f]{64}$"}
_KEY = {
    "apiKey": _TEXT | {"description": "The API key."},
    "apiSecret": _TEXT | {"description": "The secret of an HMAC key."},
    "privateKey": _TEXT | {"description": "The text of a PEM file, of an Ed25519 or RSA key, in the secret's place."},
    "passphrase": _TEXT | {"description": "Of the private key, where it has one."},
    "symbol": _TEXT | {"description": "The contract under test, such as BTCUSDT."},
    "environment": {"enum": list(ENVIRONMENTS), "description": "demo is Binance's futures test network."},
    "expect": _TEXT | {"description": f"What the bot needs of the account, of {', '.join(WORDS)}; comma-separated."},
}
_LINE = {
    "description": "A line for each check as it ends; and one with the verdict, the last.",
    "oneOf": [
        {
            "type": "object",
            "required": ["check", "step", "severity", "outcome", "title"],
            "properties": {name: {"type": "string"} for name in ("check", "severity", "outcome", "title")}
            | {"step": {"type": "integer"}},
        },
        {
            "type": "object",
            "required": ["verdict", "receipt"],
            "properties": {
                "verdict": {"$ref": "#/components/schemas/Verdict"},
                "receipt": _RECEIPT | {"type": ["string", "null"]},
                "report": {"type": "string", "description": "report.html, where Keycheck-Report: yes was sent."},
            },
        },
    ],
}


def document(*, asks_token: bool, saves: bool) -> dict[str, Any]:
    """`asks_token`: a token has to be sent with each POST. `saves`: `POST /save` is there."""
    verdict = _VERDICT.read_text(encoding="utf-8").replace("#/$defs/", "#/components/schemas/Verdict/$defs/")
    paths = {
        "/": {"get": _file("The page: test a key, see its verdict.", "text/html")},
        "/page.css": {"get": _file("The page's style.", "text/css")},
        "/keycheck.js": {"get": _file("The page's form as a custom element, <keycheck-form>.", "text/javascript")},
        "/openapi.json": {"get": _file("This document.", "application/json", {"type": "object"})},
        "/healthz": {"get": _file("Whether the endpoint is up.", "application/json", {"const": {"status": "ok"}})},
        "/binance": {"post": _test()},
    } | ({"/save": {"post": _save()}} if saves else {})
    bearer = {"token": {"type": "http", "scheme": "bearer"}} if asks_token else {}
    if asks_token:
        for path in set(paths) & {"/binance", "/save"}:
            paths[path]["post"]["security"] = [{"token": []}]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Keycheck", "version": __version__, "summary": "Is this Binance key fit to trade futures?"},
        "servers": [{"url": "."}],
        "paths": paths,
        "components": {
            "schemas": {"Verdict": json.loads(verdict), "Line": _LINE, "Problem": _problem()},
            "responses": {f"Problem{status}": _response(status) for status in TITLES},
            "securitySchemes": bearer,
        },
    }


def _test() -> dict[str, Any]:
    lines = {"type": "string", "description": "JSON texts, one a line, as in #/components/schemas/Line."}
    return {
        "summary": "Tests one key and answers with its verdict, whatever it is. No order is placed.",
        "parameters": [
            {"name": "Keycheck-Report", "in": "header", "schema": {"const": "yes"}, "description": "See Line."}
        ],
        "requestBody": _body({}),
        "responses": {
            "200": {
                "description": "verdict.json; or with Accept: application/x-ndjson the checks as they end, and it.",
                "headers": {"Keycheck-Receipt": {"schema": _RECEIPT, "description": "Where the verdict is OK."}},
                "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Verdict"}},
                    LINES: {"schema": lines},
                },
            }
        }
        | _problems(*_OF_A_POST),
    }


def _save() -> dict[str, Any]:
    saved = {"type": "object", "required": ["saved"], "properties": {"saved": {"const": True}}}
    return {
        "summary": "Writes a key that was just tested into the file that the endpoint was started with.",
        "requestBody": _body({"receipt": _TEXT | {"description": "As the test of these values answered."}}),
        "responses": {"200": {"description": "It is written.", "content": {"application/json": {"schema": saved}}}}
        | _problems(*_OF_A_POST, 409),
    }


def _body(more: dict[str, Any]) -> dict[str, Any]:
    def form(*names: str) -> dict[str, Any]:
        members = {name: _KEY[name] for name in ("apiKey", *names, "symbol", "environment", "expect")} | more
        required = ["apiKey", names[0], *more]
        return {"type": "object", "additionalProperties": False, "required": required, "properties": members}

    forms = {"oneOf": [form("apiSecret"), form("privateKey", "passphrase")]}
    return {"required": True, "content": {"application/json": {"schema": forms}}}


def _file(description: str, kind: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    content = {kind: {"schema": schema or {"type": "string"}}}
    return {
        "summary": description,
        "responses": {"200": {"description": "It.", "content": content}} | _problems(403, 503),
    }


def _problems(*statuses: int) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in statuses}


def _response(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    retry = {"Retry-After": {"schema": {"type": "integer"}, "required": True, "description": "Seconds."}}
    return {"description": TITLES[status], "content": content} | ({"headers": retry} if status == 429 else {})


def _problem() -> dict[str, Any]:
    texts = {name: {"type": "string"} for name in ("title", "detail", "member")}
    properties = {"ok": {"const": False}, "status": {"type": "integer"}, **texts}
    required = ["ok", "title", "status", "detail"]
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}
