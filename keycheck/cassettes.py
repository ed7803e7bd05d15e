"""Recording and replay: the only module that knows vcrpy.

One file a run. Beside the scrubbed answers it keeps a label (what was recorded, when, from where), the clock's
readings, and the failures that vcrpy cannot keep, such as a refused connection.
"""

import contextlib
import logging
import math
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from keycheck import scrubbing
from keycheck.answers import RawAnswer
from keycheck.endpoints import Endpoint
from keycheck.errors import CannotLook, NotBinance, NotRecorded, OutOfTime, Unreachable, UsageProblem
from keycheck.label import Label, as_plain, label_from
from keycheck.network.transport import HttpTransport
from keycheck.redaction import Redactor, printable
from keycheck.secrets import Secret

MAX_BYTES = 4 * 2**20  # a trimmed run takes about 20 kB
_LABEL = "keycheck"
# vcr imports every HTTP library it finds, to patch it; that is most of its start-up, and requests is all we use.
_NOT_OURS = ("aiohttp.client", "tornado.simple_httpclient", "tornado.curl_httpclient", "httpx", "httpx2", "boto3")
_NOT_PATCHED = ("boto3", "httplib2", "tornado", "aiohttp", "httpx", "httpx2")


def path_of(name: str, folder: Path) -> Path:
    """`NAME` -> `cassettes/NAME.yaml`; something with a separator or an ending is a path already.

    Raises UsageProblem for an empty name.
    """
    if not name.strip() or "\0" in name:
        raise UsageProblem("a cassette needs a name: --replay healthy, for example")
    if "/" in name or "\\" in name or name.endswith((".yaml", ".yml")):
        return Path(name)
    return folder / f"{name}.yaml"


class Tape:
    """A cassette that is being recorded or replayed: transport and clock journal in one."""

    def __init__(self, path: Path, label: Label | None, redactor: Redactor) -> None:
        self.path = path
        self._recording = label is not None
        self._redactor = redactor
        self._inner: HttpTransport | None = None
        self._asked: Counter[str] = Counter()
        self._shelf = _Shelf(empty=self._recording)
        self._open = contextlib.ExitStack()
        self._cassette = self._insert()
        if label is not None:
            self._cassette.get_metadata(_LABEL, as_plain(label))
        self.label = label or self._read_label()

    def _read_label(self) -> Label:
        try:
            return label_from(self._recall(_LABEL), printable(self.path.stem, 60))
        except ValueError:
            self._open.close()  # or vcrpy goes on listening to this process
        raise _no_cassette(self.path, "its label is missing or unknown")

    @classmethod
    def recording(cls, path: Path, label: Label, redactor: Redactor) -> "Tape":
        """Keeps what passes through `send`, until `close` hands over the scrubbed file."""
        return cls(path, label, redactor)

    @classmethod
    def replaying(cls, path: Path, redactor: Redactor) -> "Tape":
        """Opens a cassette; raises UsageProblem in one sentence for a file that is missing or none."""
        return cls(path, None, redactor)

    def through(self, inner: HttpTransport) -> "Tape":
        """Sends through `inner`, which vcrpy listens to, or answers in place of the network."""
        self._inner = inner
        inner.explain_first = self._explain_miss
        return self

    def send(self, endpoint: Endpoint, query: str, api_key: Secret | None, seconds: float) -> RawAnswer:
        """As any transport. A failure to get an answer is kept beside the answers, and replayed as itself."""
        assert self._inner is not None  # set by `through`, before the first request
        self._asked[str(endpoint)] += 1
        slot = f"failure/{endpoint}/{self._asked[str(endpoint)]}"
        if not self._recording and (kept := self._recall(slot)):
            raise _failure_of(kept)
        try:
            return self._inner.send(endpoint, query, api_key, seconds)
        except CannotLook as error:
            if self._recording:
                message = self._redactor.clean_shared(str(error))
                self._cassette.get_metadata(
                    slot, {"error": type(error).__name__, "kind": getattr(error, "kind", ""), "message": message}
                )
            raise

    def keep(self, key: str, fresh: list[float]) -> list[float]:
        """The clock's journal: a live reading is kept, a replayed one comes from the file."""
        kept = self._cassette.get_metadata(key, fresh) if self._recording else self._recall(key)
        if isinstance(kept, list) and len(kept) == 2 and all(type(ms) in (int, float) for ms in kept):
            began, took = kept
            if math.isfinite(began) and math.isfinite(took) and took >= 0:
                return [float(began), float(took)]
        raise self._not_recorded("reading of the clock")

    def close(self) -> str | None:
        """Ends it. Returns the text that belongs into `path` after a recording, None after a replay."""
        self._open.close()
        return self._shelf.text

    def _insert(self) -> Any:
        recorder = _import_vcr().VCR(
            record_mode="all" if self._recording else "none",
            match_on=("method", "path", "query"),
            decode_compressed_response=True,
            before_record_request=_scrub_request,
            before_save_interaction=self._scrub_interaction,
            skip_patchers=_NOT_PATCHED,
        )
        recorder.register_persister(self._shelf)
        try:
            return self._open.enter_context(recorder.use_cassette(str(self.path)))
        except UsageProblem:
            raise
        except Exception as error:  # noqa: BLE001  YAML, Unicode, missing keys: whatever a broken file makes vcrpy say
            kind = type(error).__name__
        raise _no_cassette(self.path, f"it cannot be read, {kind}")

    def _scrub_interaction(self, request: Any, response: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        clean = self._redactor.clean_shared
        status = response["status"]["code"]
        body = scrubbing.scrub_body(
            urlsplit(request.uri).path, status, response["body"]["string"], self.label.symbol, clean
        )
        headers = scrubbing.scrub_headers(response["headers"], clean)
        return request, {"status": {"code": status, "message": ""}, "headers": headers, "body": {"string": body}}

    def _recall(self, key: str) -> Any:
        from vcr.errors import MissingMetadataError  # noqa: PLC0415  not in a live run

        try:
            return self._cassette.get_metadata(key, None)
        except MissingMetadataError:
            return None

    def _explain_miss(self, error: Exception, endpoint: Endpoint) -> CannotLook | None:
        from vcr.errors import CannotOverwriteExistingCassetteException  # noqa: PLC0415  not in a live run

        # Only its type is looked at: its text holds the unfiltered query, signature and all.
        missed = isinstance(error, CannotOverwriteExistingCassetteException)
        return self._not_recorded(f"answer to {endpoint}") if missed else None

    def _not_recorded(self, what: str) -> NotRecorded:
        name = printable(self.path.stem, 60)
        return NotRecorded(
            f"cassette {name} holds no {what}: it is older than this suite. "
            f"Record it again: pytest suite/ --record {name}"
        )


class _Shelf:
    """vcrpy's persister: reads one bounded file, and keeps what would be written, for the scan that comes first."""

    def __init__(self, *, empty: bool) -> None:
        self.text: str | None = None
        self._empty = empty

    def load_cassette(self, cassette_path: str, serializer: Any) -> Any:
        from vcr.persisters.filesystem import CassetteNotFoundError  # noqa: PLC0415  not in a live run
        from vcr.serialize import deserialize  # noqa: PLC0415

        if self._empty:
            raise CassetteNotFoundError  # vcrpy would keep the old clock of a cassette that is recorded again
        path = Path(cassette_path)
        if not path.is_file():
            raise UsageProblem(f"there is no cassette {printable(path.name, 60)}: look into cassettes/ for their names")
        if path.stat().st_size > MAX_BYTES:
            raise _no_cassette(path, f"it is longer than {MAX_BYTES >> 20} MiB")
        return deserialize(path.read_text(encoding="utf-8"), serializer)

    def save_cassette(self, _path: str, cassette_dict: Any, serializer: Any) -> None:
        from vcr.serialize import serialize  # noqa: PLC0415  not in a live run

        self.text = serialize(cassette_dict, serializer)


def _no_cassette(path: Path, reason: str) -> UsageProblem:
    return UsageProblem(
        f"{printable(path.name, 60)} is not a cassette of this suite ({reason}): record it again with --record"
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
    logging.getLogger("vcr").setLevel(logging.ERROR)  # it logs raw URLs at INFO
    return vcr


def _scrub_request(request: Any) -> Any:
    request.uri = scrubbing.scrub_uri(request.uri)
    request.headers = {}
    request.body = None
    return request


def _failure_of(kept: Any) -> CannotLook:
    if not isinstance(kept, dict):
        return Unreachable("the cassette holds a failure that cannot be read. Record it again")
    message = printable(str(kept.get("message", "")), 400)
    kind = {"NotBinance": NotBinance, "OutOfTime": OutOfTime}.get(str(kept.get("error")))
    return kind(message) if kind else Unreachable(message, printable(str(kept.get("kind", "other")), 20))
