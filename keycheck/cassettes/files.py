"""Reads and writes a cassette's file: plain YAML, whose size and depth are checked before it is loaded."""

import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keycheck import bounded_files, cassettes
from keycheck.cassettes import scrubbing
from keycheck.errors import UsageProblem
from keycheck.exchange.endpoints import Endpoint
from keycheck.redaction.redactor import printable

# vcr imports every HTTP library that it finds, to patch it. That takes most of its start-up time.
_PATCHED_LIBRARIES = (
    *("requests", "urllib3", "httplib2", "aiohttp.client", "tornado.simple_httpclient", "tornado.curl_httpclient"),
    *("httpx", "httpx2", "httpx_curl_cffi", "pyreqwest", "boto3", "botocore"),
)
LABEL = "keycheck"
MAX_BYTES = 2**20  # a trimmed run takes about 7 kB
MAX_DEPTH = 12
MAX_EVENTS = 50_000


def import_vcr() -> None:
    """Imports vcr without the HTTP libraries that it patches. Call it before any other import of vcr."""
    absent = [name for name in _PATCHED_LIBRARIES if name not in sys.modules]
    # None makes `import name` fail at once. The entries are removed afterwards, for later imports.
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        import vcr  # noqa: F401, PLC0415  not in a live run
    finally:
        for name in absent:
            del sys.modules[name]
    logging.getLogger("vcr").setLevel(logging.CRITICAL + 1)  # vcr logs whole URLs


def failure_slot(endpoint: Endpoint, number: int) -> str:
    """The metadata key for the failure of the n-th attempt at an endpoint."""
    return f"failure/{endpoint}/{number}"


def shown(path: Path) -> str:
    """A file's name for a message."""
    return printable(path.name, 60)


def no_cassette(path: Path, reason: str) -> UsageProblem:
    """The error for a file that is not a cassette; `reason` says why not."""
    return UsageProblem(
        f"--replay: {shown(path)} is not a cassette of this suite ({reason}): record it again with --record"
    )


def is_ours(path: Path) -> bool:
    """Whether a file looks like a cassette of this suite. Raises Unreadable if it cannot be read."""
    text = bounded_files.read(path, MAX_BYTES).decode("utf-8", "replace").replace("\r\n", "\n")
    return re.search(rf"(?m)^metadata:(?:\n .*)*\n  {LABEL}:", text) is not None


def written(interactions: list[tuple[str, str, dict[str, Any]]], metadata: dict[str, Any]) -> str:
    """The text of a cassette: method, URI and response of each request, and the metadata."""
    import_vcr()
    from vcr.request import Request  # noqa: PLC0415  not in a live run
    from vcr.serialize import serialize  # noqa: PLC0415
    from vcr.serializers import yamlserializer  # noqa: PLC0415

    requests = [Request(method, uri, None, {}) for method, uri, _ in interactions]
    responses = [response for _, _, response in interactions]
    text: str = serialize({"requests": requests, "responses": responses, "metadata": metadata}, yamlserializer)
    return text


def texts_in(text: str) -> Iterator[str]:
    """All texts in a cassette. URIs and names are split into their parts."""
    waiting = [PlainYaml.deserialize(text)]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [inner for name, inner in one.items() if name != "uri"]
            yield from (part for name in (*one, one.get("uri", "")) for part in re.split(r"[/?&=\s]", str(name)))
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str):
            yield one


class ReadOnlyPersister:
    """A persister for vcrpy that only reads: a replay changes no file."""

    @staticmethod
    def load_cassette(cassette_path: str, serializer: Any) -> Any:
        """The requests, responses and metadata. Raises UsageProblem, ValueError, and YAML's errors."""
        from vcr.serialize import deserialize  # noqa: PLC0415  not in a live run

        path = Path(cassette_path)
        try:
            raw = bounded_files.read(path, MAX_BYTES)
        except bounded_files.Missing:
            names = ", ".join(printable(name, 60) for name in cassettes.similar(path))
            remedy = f"did you mean {names}?" if names else "look in cassettes/ for the names"
            raise UsageProblem(f"--replay: there is no cassette {shown(path)}: {remedy}") from None
        except bounded_files.Unreadable as problem:
            raise UsageProblem(f"--replay: {shown(path)} {problem}: name a cassette of cassettes/") from None
        requests, responses, *metadata = deserialize(raw.decode("utf-8"), serializer)
        if metadata and not isinstance(metadata[0], dict):
            raise ValueError("no metadata")
        for response in responses:
            # Without the Content-Encoding header, nothing decompresses a body from an untrusted file.
            response["headers"] = scrubbing.scrub_headers(response["headers"], str)
        return requests, responses, *metadata


class PlainYaml:
    """A serializer for vcrpy that only reads: no tags, aliases, merge keys or special numbers, and a limited size."""

    @staticmethod
    def deserialize(text: str) -> Any:
        """The data in a YAML text. Raises ValueError or a YAML error if it is not plain data."""
        import yaml  # noqa: PLC0415  not in a live run

        base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        _refuse_tricks(text, yaml, base)
        return yaml.load(text, Loader=_plain_loader(base))  # noqa: S506  a safe loader, made plainer


def _refuse_tricks(text: str, yaml: Any, loader: Any) -> None:
    """Raises ValueError if the text has aliases, tags, merge keys, deep nesting or too many events.

    It parses without building objects: an alias of a few bytes can stand for a gigabyte.
    """
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=loader)):
        if isinstance(event, yaml.events.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.events.CollectionEndEvent):
            depth -= 1
        alias = isinstance(event, yaml.events.AliasEvent) or getattr(event, "anchor", None)
        merge = getattr(event, "value", None) == "<<"
        if alias or merge or getattr(event, "tag", None) or depth > MAX_DEPTH or number > MAX_EVENTS:
            raise ValueError("more than plain data")


def _plain_loader(base: Any) -> Any:
    """A loader for text, booleans, null, decimal whole numbers and decimal fractions only."""
    plain: Any = type("PlainLoader", (base,), {"yaml_implicit_resolvers": {}})
    for tag, pattern, first in (
        ("bool", r"true|false", ["t", "f"]),
        ("null", r"null|~|", ["n", "~", ""]),
        ("int", r"-?[0-9]{1,18}", list("-0123456789")),
        ("float", r"-?[0-9]{1,18}\.[0-9]{1,18}(?:e[+-]?[0-9]{1,2})?", list("-0123456789")),
    ):
        plain.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), first)
    return plain
