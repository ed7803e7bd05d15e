"""Answers a run from a cassette, through vcrpy, in place of the network."""

import contextlib
import logging
import math
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keycheck.answers import RawAnswer
from keycheck.cassettes import files, scrubbing
from keycheck.cassettes.label import label_from
from keycheck.endpoints import Endpoint, Host
from keycheck.errors import CannotLook, NotBinance, NotRecorded, OutOfTime, Unreachable, UsageProblem
from keycheck.network.transport import HttpTransport
from keycheck.redaction import printable
from keycheck.secrets import Secret

# vcr imports every HTTP library it finds, to patch it; that is most of its start-up, and requests is all we use.
_NOT_OURS = ("aiohttp.client", "tornado.simple_httpclient", "tornado.curl_httpclient", "httpx", "httpx2", "boto3")
_NOT_PATCHED = ("boto3", "httplib2", "tornado", "aiohttp", "httpx", "httpx2")
_LONGEST_ROUND_TRIP = 60_000  # ms
_MESSAGE = 400
_MOST_TEXTS = 20


class Player:
    """Transport and clock journal of a replay. Raises UsageProblem in one sentence for a file that is no cassette."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._asked: Counter[str] = Counter()
        self._open = contextlib.ExitStack()
        self._cassette = self._insert()
        try:
            self.label = label_from(self._recall(files.LABEL), printable(path.stem, 60))
        except ValueError:
            self.close()  # or vcrpy goes on listening to this process
            labelled = False
        else:
            labelled = True
        if not labelled:
            raise files.no_cassette(path, "its label is missing or unknown")
        hosts = {Host.FUTURES: scrubbing.FUTURES_URL, Host.WALLET: scrubbing.WALLET_URL}
        self._http = self._open.enter_context(contextlib.closing(HttpTransport(hosts)))
        self._http.explain_first = self._explain_miss

    def close(self) -> None:
        """Gives the network back."""
        self._open.close()

    def send(self, endpoint: Endpoint, query: Secret, api_key: Secret | None, seconds: float) -> RawAnswer:
        """The recorded answer, or the recorded failure to get one. Raises NotRecorded where there is neither."""
        self._asked[str(endpoint)] += 1
        if kept := self._recall(files.failure_slot(endpoint, self._asked[str(endpoint)])):
            raise _failure_of(kept)
        return self._http.send(endpoint, query, api_key, seconds)

    def keep(self, key: str, fresh: list[float], *, vital: bool = True) -> list[float]:
        """The clock as it was read then. Raises NotRecorded where a vital reading is missing."""
        kept = self._recall(key)
        if isinstance(kept, list) and len(kept) == 2 and all(type(ms) in (int, float) for ms in kept):
            began, took = kept
            if math.isfinite(began) and 0 <= took <= _LONGEST_ROUND_TRIP:
                return [float(began), float(took)]
        if not vital:
            return fresh
        raise self._not_recorded("reading of the clock")

    def remember(self, key: str, ask: Callable[[], list[str]]) -> list[str]:  # noqa: ARG002  the interface of a journal
        """What the machine answered then."""
        kept = self._recall(key)
        if isinstance(kept, list) and len(kept) <= _MOST_TEXTS and all(isinstance(text, str) for text in kept):
            return [printable(text[: 2 * _MESSAGE], _MESSAGE) for text in kept]
        raise self._not_recorded("answer of the machine")

    def _insert(self) -> Any:
        recorder = _import_vcr().VCR(
            record_mode="none",
            match_on=("method", "path", "query"),
            before_record_request=_scrub_request,
            skip_patchers=_NOT_PATCHED,
        )
        recorder.register_persister(files.Shelf)
        recorder.register_serializer("plain", files.PlainYaml)
        try:
            return self._open.enter_context(recorder.use_cassette(str(self.path), serializer="plain"))
        except UsageProblem:
            raise
        except Exception as error:  # noqa: BLE001  YAML, Unicode, missing keys: whatever a broken file makes vcrpy say
            kind = type(error).__name__
        raise files.no_cassette(self.path, f"it cannot be read, {kind}")

    def _recall(self, key: str) -> Any:
        from vcr.errors import MissingMetadataError  # noqa: PLC0415  not in a live run

        try:
            return self._cassette.get_metadata(key, None)
        except MissingMetadataError:
            return None

    def _explain_miss(self, error: Exception, endpoint: Endpoint) -> CannotLook | None:
        from vcr.errors import CannotOverwriteExistingCassetteException  # noqa: PLC0415  not in a live run

        # Only its type is looked at: its text holds the unfiltered query.
        missed = isinstance(error, CannotOverwriteExistingCassetteException)
        return self._not_recorded(f"answer to {endpoint}") if missed else None

    def _not_recorded(self, what: str) -> NotRecorded:
        name = printable(self.path.stem, 60)
        return NotRecorded(
            f"cassette {name} holds no {what}: it is older than this suite, or was recorded in part. "
            f"Record it again: pytest suite/ --record {name}"
        )


def _import_vcr() -> Any:
    absent = [name for name in _NOT_OURS if name not in sys.modules]
    # None makes `import name` fail at once; the entries go again, so that nobody else is deprived.
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        import vcr  # noqa: PLC0415  not in a live run
    finally:
        for name in absent:
            del sys.modules[name]
    logging.getLogger("vcr").setLevel(logging.CRITICAL + 1)  # it logs raw URLs
    return vcr


def _scrub_request(request: Any) -> Any:
    request.uri = scrubbing.scrub_uri(request.uri)
    request.headers = {}
    request.body = None
    return request


def _failure_of(kept: Any) -> CannotLook:
    told = kept if isinstance(kept, dict) else {}
    error, kind, message = (told.get(name) for name in ("error", "kind", "message"))
    if not isinstance(message, str):
        return Unreachable("the cassette holds a failure that cannot be read. Record it again")
    shown = printable(message[: 2 * _MESSAGE], _MESSAGE)
    known = {"NotBinance": NotBinance, "OutOfTime": OutOfTime}
    if isinstance(error, str) and error in known:
        return known[error](shown)
    return Unreachable(shown, printable(kind, 20) if isinstance(kind, str) else "other")
