"""The cases of the fault table: each path with each fault."""

from dataclasses import dataclass
from functools import cache

from tests.exchange import Fault, Scenario
from tests.faults.faults import FAULTS, ONCE, Named
from tests.faults.fields import BREAKING, CHANGES, spoiled
from tests.faults.paths import EVERYWHERE, PATHS, Field, Path

# The faults that an ordinary run of the tests tries: one of each kind. The others are variations of these.
SAMPLED = (
    *("refused", "reset", "reset after headers", "stall", "drip", "endless body", "body cut short", "truncated JSON"),
    *(
        "empty body",
        "HTML with 200",
        "wrong content type",
        "duplicate keys",
        "a list",
        "a deeply nested field",
        "UTF-16",
    ),
    *("gzip that is not gzip", "100, then the answer", "103, then the answer", "another charset on the label"),
    *("null", "missing", "string for it", "number for it", "huge number", "NaN"),
    *('200 with "code":"-2015"', "maintenance with 200", "the contract twice", "another contract"),
    *("302", "403 of the firewall", "404", "408", "418", "429", "451", "500", "502"),
    *("503 overloaded", "503 internal error", "503 unavailable", "503 unknown outcome", "504"),
    *("502, once", "504, once", "reset, once"),
)


@dataclass(frozen=True, eq=False)
class Case:
    """A path with a fault. `readable`: whether a run can read the answer in spite of the fault.

    `overcome`: whether it can read the answer to the retry. `latency_ms`: how late each answer comes, without the
    fault.
    """

    path: Path
    name: str
    fault: Fault | None
    waits: bool = False
    readable: bool = False
    overcome: bool = False
    latency_ms: int = 0

    @property
    def scenario(self) -> Scenario:
        """The exchange, with the fault built in."""
        plan = {} if self.fault is None else {self.path.key: self.fault}
        return Scenario(**{**vars(self.path.scenario), "faults": plan, "latency_ms": self.latency_ms})

    @property
    def change(self) -> str:
        """The name of the case, without the name of the changed field."""
        return self.name.rpartition(": ")[2]

    def __str__(self) -> str:
        return f"{self.path.name} | {self.name}"


def healthy(path: Path) -> Case:
    """The path without a fault, with which the cases are compared."""
    return Case(path, "healthy", None, readable=True)


def _of_path(path: Path, one: Named, overcome: bool = False) -> Case:
    readable = one.readable is None or path.name in one.readable
    return Case(path, one.name, one.fault, one.waits, readable, overcome)


def _of_field(path: Path, field: Field) -> list[Case]:
    last = field.where.rpartition(".")[2]
    return [
        Case(
            path,
            f"{last}: {name}",
            Fault.altered(spoiled(field.where, rewrite)),
            readable=name not in BREAKING and (not field.decides or name in field.unless),
        )
        for name, rewrite in {**CHANGES, **BREAKING}.items()
        if rewrite(field.example) is not None
    ]


@cache
def whole() -> tuple[Case, ...]:
    """Each path with each fault, and each field with each change, once."""
    cases = [_of_path(path, one) for path in PATHS for one in FAULTS]
    cases += [case for path in PATHS for field in path.fields for case in _of_field(path, field)]
    cases += [Case(path, name, Fault.altered(change)) for path in PATHS for name, change in path.odd.items()]
    cases += [_of_path(path, one, overcome=True) for path in PATHS if path.method == "GET" for one in ONCE]
    return tuple(cases)


@cache
def sample() -> tuple[Case, ...]:
    """Each fault of SAMPLED on one path, the paths in turn."""
    rows: dict[str, list[Case]] = {name: [] for name in SAMPLED}
    for case in whole():
        if case.change in rows:
            rows[case.change].append(case)
    return tuple(cases[number % len(cases)] for number, cases in enumerate(rows.values()))


def in_real_time() -> list[Case]:
    """Cases with the run's own ten seconds for a request: no answer at all, or every answer after 8.9 s."""
    waiting = {one.name: one for one in FAULTS if one.waits}
    cases = [_of_path(path, waiting["stall"]) for path in (EVERYWHERE, *PATHS[1:])]
    cases += [_of_path(path, waiting["drip of headers"]) for path in PATHS[:1]]
    return [*cases, Case(EVERYWHERE, "8.9 s for each answer", None, latency_ms=8900)]
