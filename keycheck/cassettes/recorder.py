"""Records a live run: keeps a scrubbed copy of every answer.

It uses only vcrpy's file format. vcrpy's own recording reads bodies without a limit of size or time, and keeps them
unscrubbed until the end.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from keycheck import bounded_files
from keycheck.cassettes import ENDINGS, files, scrubbing
from keycheck.cassettes.label import Label, as_plain
from keycheck.errors import Inconclusive, UsageProblem
from keycheck.exchange.answers import RawAnswer, secrets_in
from keycheck.exchange.api_client import Transport
from keycheck.exchange.endpoints import Endpoint
from keycheck.redaction.redactor import Redactor
from keycheck.redaction.secret import Secret


class Recorder:
    """The transport and the journal of a recorded run. After the run, `text` returns the cassette.

    `force`: whether it may replace an older cassette.
    """

    def __init__(self, path: Path, label: Label, redactor: Redactor, inner: Transport, *, force: bool = False) -> None:
        self.path = path
        self.force = force
        self.refuse_to_overwrite()
        clean = redactor.clean_shared
        key = label.key  # its remarks are cleaned, because one may name a file, and so its owner
        sources = replace(key.sources, remarks=tuple(map(clean, key.sources.remarks)))
        key = replace(key, remarks=tuple(map(clean, key.remarks)), sources=sources)
        self._label = label = replace(label, name=clean(label.name), key=key)
        self._redactor = redactor
        self._inner = inner
        self._asked: Counter[str] = Counter()
        self._metadata: dict[str, Any] = {}
        self._interactions: list[tuple[str, str, dict[str, Any]]] = []

    def refuse_to_overwrite(self) -> None:
        """Raises UsageProblem if a file of this name exists; with `force`, only if it is no cassette of this suite."""
        if self.path.suffix not in ENDINGS:
            raise UsageProblem(
                "--record writes a .yaml file: give it a name without an ending, or a path that ends in .yaml"
            )
        remedy = "choose another name for --record"
        try:
            if not files.is_ours(self.path):
                problem = "is there already and is not a cassette of this suite"
            elif self.force:
                return
            else:
                problem, remedy = "is there already", f"{remedy}, or add --force to replace it"
        except bounded_files.Missing:
            return
        except bounded_files.Unreadable as error:
            problem = str(error)
        raise UsageProblem(f"{files.shown(self.path)} {problem}: {remedy}")

    def send(self, endpoint: Endpoint, query: Secret, api_key: Secret | None, seconds: float) -> RawAnswer:
        """Sends a request and keeps its answer, or the failure to get one."""
        self._asked[str(endpoint)] += 1
        try:
            raw = self._inner.send(endpoint, query, api_key, seconds)
        except Inconclusive as error:
            self._metadata[files.failure_slot(endpoint, self._asked[str(endpoint)])] = {
                "error": type(error).__name__,
                "kind": error.kind,
                "message": self._redactor.clean_shared(str(error)),
            }
            raise
        for secret in secrets_in(raw, endpoint):
            self._redactor.learn(secret)  # before the answer is scrubbed: it may hold the secret twice
        uri = scrubbing.scrub_uri(f"{endpoint.path}?{query.reveal()}")
        self._interactions.append((endpoint.method, uri, self._scrubbed(endpoint, raw)))
        return raw

    def keep(self, key: str, fresh: list[float], *, vital: bool = True) -> list[float]:  # noqa: ARG002  all is kept
        """Records a clock reading in ms, and returns it, both in whole microseconds.

        Otherwise the binary fractions of Python leave a row of ten zeros here and there, as in a placeholder for a key.
        """
        self._metadata[key] = rounded = [round(reading, 3) for reading in fresh]
        return rounded

    def remember(self, key: str, ask: Callable[[], list[str]]) -> list[str]:
        """Asks the machine, and records its answer, cleaned for sharing; returns the answer itself."""
        words = ask()
        self._metadata[key] = [self._redactor.clean_shared(text) for text in words]
        return words

    def text(self, last_four: str | None = None) -> str:
        """The text of the cassette. `last_four`: the key's last characters; None if the cassette must not hold them."""
        label = replace(self._label, key=replace(self._label.key, last_four=last_four))
        return files.written(self._interactions, {files.LABEL: as_plain(label)} | self._metadata)

    def finds_secrets(self, text: str) -> bool:
        """Whether a cassette's text holds a secret. A chance match with the file's own markup in it does not count."""
        return self._redactor.finds(text) and any(map(self._redactor.finds, files.texts_in(text)))

    def _scrubbed(self, endpoint: Endpoint, raw: RawAnswer) -> dict[str, Any]:
        clean = self._redactor.clean_shared
        headers = {name: [value] for name, value in raw.headers.items()}
        return {
            "status": {"code": raw.status, "message": ""},
            "headers": scrubbing.scrub_headers(headers, clean),
            "body": {"string": scrubbing.scrub_body(endpoint.path, raw.status, raw.body, self._label.symbol, clean)},
        }
