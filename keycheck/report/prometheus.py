"""verdict.json -> the text format of Prometheus, for the textfile collector of its node exporter. Pure.

https://prometheus.io/docs/instrumenting/exposition_formats/ : a name has one HELP and one TYPE, and all its lines stand
together; in a label's value the backslash, the quote and the line end are escaped.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

Labels = Mapping[str, str]
Sample = tuple[Labels, float]

_HELP = {
    "keycheck_ok": "1 where the verdict of the last run was OK, else 0.",
    "keycheck_timestamp_seconds": "When the last run ended, in seconds since 1970.",
    "keycheck_duration_seconds": "How long it took.",
    "keycheck_check": "One line a check of the last run, with its outcome.",
    "keycheck_cause": "One line for each cause of a verdict that is not OK.",
    "keycheck_clock_drift_seconds": "The local clock minus the exchange's; positive where the local one is ahead.",
    "keycheck_futures_weight": "Request weight that the last run spent on the futures API.",
    "keycheck_futures_weight_limit": "What Binance grants an address a minute.",
}


def render(verdicts: Iterable[tuple[Labels, Mapping[str, Any]]]) -> str:
    """The metrics of `verdicts`. Each verdict comes with labels of its own, such as an account's name; no two agree."""
    families: dict[str, list[Sample]] = {name: [] for name in _HELP}
    for labels, verdict in verdicts:
        for name, sample in _samples(labels, verdict):
            families[name].append(sample)
    return "".join(_family(name, samples) for name, samples in families.items() if samples)


def _samples(labels: Labels, verdict: Mapping[str, Any]) -> Iterator[tuple[str, Sample]]:
    about = {name: verdict[name] or "" for name in ("environment", "symbol", "exchange", "mode")}
    common = {**labels, **about, "key": verdict["key"]["lastFour"] or ""}
    seconds = verdict["durationMs"] / 1000
    ended = datetime.fromisoformat(verdict["startedAt"]).timestamp() + seconds
    figures = {
        "keycheck_ok": float(verdict["ok"] is True),
        "keycheck_timestamp_seconds": ended,
        "keycheck_duration_seconds": seconds,
        "keycheck_clock_drift_seconds": None if verdict["driftMs"] is None else verdict["driftMs"] / 1000,
        "keycheck_futures_weight": verdict["requests"]["futuresWeight"],
        "keycheck_futures_weight_limit": verdict["requests"]["futuresWeightLimit"],
    }
    yield from ((name, (common, value)) for name, value in figures.items() if value is not None)
    for check in verdict["checks"]:
        named = {"check": check["id"], "severity": check["severity"], "outcome": check["outcome"]}
        yield "keycheck_check", (common | named, 1)
    for cause in verdict["diagnosis"]:
        yield "keycheck_cause", (common | {"cause": cause["cause"], "confidence": cause["confidence"]}, 1)


def _family(name: str, samples: Iterable[Sample]) -> str:
    lines = [f"# HELP {name} {_HELP[name]}", f"# TYPE {name} gauge"]
    lines += [f"{name}{{{_labels(labels)}}} {value:.15g}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _labels(labels: Labels) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
