"""verdict.json -> the text format of Prometheus, for the textfile collector of its node exporter. Pure.

https://prometheus.io/docs/instrumenting/exposition_formats/ : a name has one HELP and one TYPE, and all its lines stand
together; in a label's value the backslash, the quote and the line end are escaped.
"""

import contextlib
import io
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import IO, Any

Labels = Mapping[str, str]

_HELP = {
    "keycheck_ok": "1 if the verdict of the last run was OK, else 0.",
    "keycheck_timestamp_seconds": "When the last run ended, in seconds since 1970.",
    "keycheck_duration_seconds": "How long the last run took, in seconds.",
    "keycheck_check": "One line for each check of the last run, with its outcome.",
    "keycheck_cause": "One line for each cause of a verdict that is not OK.",
    "keycheck_clock_drift_seconds": "The local clock minus the exchange's; positive if the local one is ahead.",
    "keycheck_futures_weight": "Request weight that the last run spent on the futures API.",
    "keycheck_futures_weight_limit": "Request weight that Binance allows an address in a minute.",
}


def render(verdicts: Iterable[tuple[Labels, Mapping[str, Any]]]) -> str:
    """The metrics of a few `verdicts`, as `write` writes them."""
    file = io.StringIO()
    write(verdicts, file, io.StringIO)
    return file.getvalue()


def write(
    verdicts: Iterable[tuple[Labels, Mapping[str, Any]]],
    file: IO[str],
    scratch: Callable[[], AbstractContextManager[IO[str]]],
) -> None:
    """Writes the metrics of `verdicts`, of which only one is in memory at a time.

    Each verdict comes with labels that no other has, such as an account's name. `scratch`: opens an empty file, which
    holds the lines of one metric until all verdicts have been seen.
    """
    with contextlib.ExitStack() as opened:
        families = {name: opened.enter_context(scratch()) for name in _HELP}
        for labels, verdict in verdicts:
            for name, of_sample, value in _samples(labels, verdict):
                families[name].write(f"{name}{{{_labels(of_sample)}}} {value:.15g}\n")
        for name, family in families.items():
            if family.tell():
                file.write(f"# HELP {name} {_HELP[name]}\n# TYPE {name} gauge\n")
                family.seek(0)
                shutil.copyfileobj(family, file)


def _samples(labels: Labels, verdict: Mapping[str, Any]) -> Iterator[tuple[str, Labels, float]]:
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
    yield from ((name, common, value) for name, value in figures.items() if value is not None)
    for check in verdict["checks"]:
        named = {"check": check["id"], "severity": check["severity"], "outcome": check["outcome"]}
        yield "keycheck_check", common | named, 1
    for cause in verdict["diagnosis"]:
        yield "keycheck_cause", common | {"cause": cause["cause"], "confidence": cause["confidence"]}, 1


def _labels(labels: Labels) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
