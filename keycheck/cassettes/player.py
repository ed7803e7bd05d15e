"""Answers a run from a cassette in place of the network.

vcrpy reads the file, matches requests and returns each answer once, in order. The player asks vcrpy directly, so no
HTTP library has to be patched or imported.
"""

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keycheck.cassettes import files, scrubbing
from keycheck.cassettes.label import label_from
from keycheck.errors import Inconclusive, NotBinance, NotRecorded, OutOfTime, Unreachable, UsageProblem
from keycheck.exchange.answers import RawAnswer
from keycheck.exchange.endpoints import Endpoint
from keycheck.redaction.redactor import printable
from keycheck.redaction.secret import Secret

_LONGEST_ROUND_TRIP = 60_000  # ms
_MAX_MESSAGE = 400  # characters
_MAX_TEXTS = 20


class Player:
    """The transport and the journal of a replay. Raises UsageProblem if the file is not a cassette."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._asked: Counter[str] = Counter()
        self._cassette = self._load()
        try:
            self.label = label_from(self._recall(files.LABEL), printable(path.stem, 60))
        except ValueError:
            labelled = False
        else:
            labelled = True
        if not labelled:
            raise files.no_cassette(path, "its label is missing or unknown")

    def send(self, endpoint: Endpoint, query: Secret, api_key: Secret | None, seconds: float) -> RawAnswer:  # noqa: ARG002  the interface of a transport
        """The recorded answer. Raises the recorded failure, or NotRecorded if the cassette holds neither."""
        self._asked[str(endpoint)] += 1
        if kept := self._recall(files.failure_slot(endpoint, self._asked[str(endpoint)])):
            raise _failure_of(kept)
        from vcr.request import Request  # noqa: PLC0415  not in a live run

        request = Request(endpoint.method, f"{endpoint.path}?{query.reveal()}", None, {})
        if not self._cassette.can_play_response_for(request):
            raise self._not_recorded(f"answer to {endpoint}")
        return _answer_of(self._cassette.play_response(request), endpoint)

    def keep(self, key: str, fresh: list[float], *, vital: bool = True) -> list[float]:
        """The recorded reading of the clock. If it is missing: `fresh`, or NotRecorded for a vital reading."""
        kept = self._recall(key)
        if isinstance(kept, list) and len(kept) == 2 and all(type(ms) in (int, float) for ms in kept):
            began, took = kept
            if math.isfinite(began) and 0 <= took <= _LONGEST_ROUND_TRIP:
                return [float(began), float(took)]
        if not vital:
            return fresh
        raise self._not_recorded("reading of the clock")

    def remember(self, key: str, ask: Callable[[], list[str]]) -> list[str]:  # noqa: ARG002  the interface of a journal
        """The recorded answer of the machine. Raises NotRecorded if it is missing."""
        kept = self._recall(key)
        if isinstance(kept, list) and len(kept) <= _MAX_TEXTS and all(isinstance(text, str) for text in kept):
            return [printable(text[: 2 * _MAX_MESSAGE], _MAX_MESSAGE) for text in kept]
        raise self._not_recorded("answer of the machine")

    def _load(self) -> Any:
        files.import_vcr()
        from vcr import matchers, mode  # noqa: PLC0415  not in a live run
        from vcr.cassette import Cassette  # noqa: PLC0415

        try:
            return Cassette.load(
                path=str(self.path),
                serializer=files.PlainYaml,
                persister=files.ReadOnlyPersister,
                record_mode=mode.NONE,
                match_on=(matchers.method, matchers.path, matchers.query),
                before_record_request=_scrub_request,
            )
        except UsageProblem:
            raise
        except Exception as error:  # noqa: BLE001  YAML, Unicode, missing keys: a broken file makes vcrpy raise any error
            kind = type(error).__name__
        raise files.no_cassette(self.path, f"it cannot be read, {kind}")

    def _recall(self, key: str) -> Any:
        from vcr.errors import MissingMetadataError  # noqa: PLC0415  not in a live run

        try:
            return self._cassette.get_metadata(key, None)
        except MissingMetadataError:
            return None

    def _not_recorded(self, what: str) -> NotRecorded:
        name = printable(self.path.stem, 60)
        return NotRecorded(
            f"cassette {name} holds no {what}: it is older than this suite, or incomplete. "
            f"Record it again: pytest suite/ --record {name} --force"
        )


def _answer_of(kept: Any, endpoint: Endpoint) -> RawAnswer:
    """The answer in a file's entry. The file is untrusted, so every part is checked."""
    try:
        status, body = kept["status"]["code"], kept["body"]["string"]
        headers = {name: ", ".join(map(str, values)) for name, values in kept["headers"].items()}
    except (KeyError, TypeError, AttributeError):
        status, body, headers = None, None, {}
    if type(status) is not int or not 200 <= status <= 999 or not isinstance(body, bytes):
        raise Unreachable(f"the cassette holds an answer to {endpoint} that cannot be read. Record it again", "other")
    return RawAnswer(status, headers, body)


def _scrub_request(request: Any) -> Any:
    request.uri = scrubbing.scrub_uri(request.uri)
    request.headers = {}
    request.body = None
    return request


def _failure_of(kept: Any) -> Inconclusive:
    stored = kept if isinstance(kept, dict) else {}
    error, kind, message = (stored.get(name) for name in ("error", "kind", "message"))
    if not isinstance(message, str):
        return Unreachable("the cassette holds a failure that cannot be read. Record it again")
    shown = printable(message[: 2 * _MAX_MESSAGE], _MAX_MESSAGE)
    known = {"NotBinance": NotBinance, "OutOfTime": OutOfTime}
    if isinstance(error, str) and error in known:
        return known[error](shown)
    return Unreachable(shown, printable(kind, 20) if isinstance(kind, str) else "other")
