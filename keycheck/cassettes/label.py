"""A cassette's label: what a recording writes about its run. It is read from untrusted files. Pure."""

from dataclasses import asdict, dataclass
from typing import Any, cast, get_args

from keycheck.credentials.pasted_text import KEY, SECRET, FileState, KeyFacts, KeyType, Source, Sources
from keycheck.exchange.account_setup import WORDS
from keycheck.exchange.endpoints import ENVIRONMENTS, MAX_RECV_WINDOW
from keycheck.exchange.evidence import System
from keycheck.exchange.hosts import Exchange
from keycheck.redaction.redactor import printable

FORMAT = 1
_ELSEWHERE: dict[str, Exchange] = {"local exchange": "local", "another host": "other"}
RECORDED_FROM = (*ENVIRONMENTS, *_ELSEWHERE)
_MAX_TEXTS = 20


@dataclass(frozen=True)
class Label:
    """The circumstances of a recorded run: its time, its hosts, its settings and facts about its key.

    `recorded_at`: ISO 8601, UTC; `recorded_from`: one of RECORDED_FROM; for Binance's own hosts, the environment.

    `system`: of the machine that recorded it; None if unknown. `has_stream`: whether the run opened the account's user
    data stream (BINANCE_USER_STREAM); `expected`: the words of BINANCE_EXPECT.
    """

    name: str
    recorded_at: str
    recorded_from: str
    suite_version: str
    environment: str
    symbol: str
    recv_window: int
    has_wallet: bool
    key: KeyFacts
    system: System | None = None
    has_stream: bool = True
    expected: tuple[str, ...] = ()

    @property
    def exchange(self) -> Exchange:
        """Whose hosts the run asked, as the label states."""
        if self.recorded_from == self.environment:
            return "binance"
        return _ELSEWHERE.get(self.recorded_from, "other")


def origin(exchange: Exchange, environment: str) -> str:
    """The `recorded_from` of a run that asks this exchange's hosts."""
    return next((name for name, kind in _ELSEWHERE.items() if kind == exchange), environment)


def as_plain(label: Label) -> dict[str, Any]:
    """The label in YAML's own types."""
    plain = asdict(label) | {"format": FORMAT}
    plain["expected"] = list(label.expected)
    plain["key"] = _with_lists(plain["key"] | {"sources": _with_lists(plain["key"]["sources"])})
    return plain


def _with_lists(plain: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}


def label_from(kept: Any, name: str) -> Label:
    """The label in a file called `name`. Raises ValueError if `kept` is not of the form that `as_plain` writes."""
    try:
        _one_of(kept["format"], (FORMAT,))
        return Label(
            name=name,
            recorded_at=_word(kept["recorded_at"]),
            # Binance's hosts of one environment cannot go with the other environment's settings.
            recorded_from=_one_of(kept["recorded_from"], (kept["environment"], *_ELSEWHERE)),
            suite_version=_word(kept["suite_version"]),
            environment=_one_of(kept["environment"], tuple(ENVIRONMENTS)),
            symbol=_word(kept["symbol"]),
            recv_window=_recv_window(kept["recv_window"]),
            has_wallet=_has_wallet(kept["has_wallet"], kept["environment"]),
            key=_key(kept["key"]),
            system=_system(kept.get("system")),
            has_stream=_flag(kept.get("has_stream", True)),
            expected=tuple(_one_of(word, WORDS) for word in _texts(kept.get("expected", []))),
        )
    except (KeyError, TypeError, AttributeError):
        pass
    raise ValueError("not a label")


def _key(kept: Any) -> KeyFacts:
    return KeyFacts(
        missing=tuple(_one_of(name, (KEY, SECRET)) for name in _texts(kept["missing"])),
        type=None if kept["type"] is None else cast(KeyType, _one_of(kept["type"], get_args(KeyType))),
        last_four=None if kept["last_four"] is None else _word(kept["last_four"])[:4],
        remarks=tuple(printable(remark) for remark in _texts(kept["remarks"])),
        sources=_sources(kept["sources"]) if "sources" in kept else Sources(),
    )


def _sources(kept: Any) -> Sources:
    key, secret = (
        None if kept[name] is None else cast(Source, _one_of(kept[name], get_args(Source)))
        for name in ("key", "secret")
    )
    file = None if kept["file"] is None else cast(FileState, _one_of(kept["file"], get_args(FileState)))
    return Sources(key, secret, file, tuple(printable(remark) for remark in _texts(kept["remarks"])))


def _system(value: object) -> System | None:
    return None if value is None else cast(System, _one_of(value, get_args(System)))


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > _MAX_TEXTS or not all(isinstance(text, str) for text in value):
        raise ValueError("not a list of texts")
    return value


def _word(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 60 or printable(value) != value:
        raise ValueError("not a short word")
    return value


def _one_of(value: object, known: tuple[object, ...]) -> str:
    if not isinstance(value, str | int) or isinstance(value, bool) or value not in known:
        raise ValueError("not a known word")
    return str(value)


def _recv_window(value: object) -> int:
    if type(value) is not int or not 1 <= value <= MAX_RECV_WINDOW:
        raise ValueError("not a recvWindow")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("not a flag")  # noqa: TRY004  every fault of a label is a ValueError
    return value


def _has_wallet(value: object, environment: str) -> bool:
    """Production always has a wallet API; a label that denies it would let the permissions go unchecked."""
    if value is True or (value is False and environment != "production"):
        return value
    raise ValueError("not a flag that goes with the environment")
