"""The claims of suite/, read from their source without running it.

The verdict must know every critical check, including those that a `-k` or a path left out, so the list cannot come from
what pytest happened to collect. Reading the source keeps one copy of each claim, and finds repeated names, of which
Python would silently keep only the last.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from keycheck.verdict.findings import Check, Severity
from keycheck.verdict.weighing import INDISPENSABLE


@dataclass(frozen=True)
class Catalogue:
    """All checks in run order. `faults`: file name -> sentences about claims that could not be read."""

    checks: tuple[Check, ...]
    faults: dict[str, list[str]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every claim could be read, and none of INDISPENSABLE is missing."""
        critical = {check.id for check in self.checks if check.severity is Severity.CRITICAL}
        return not self.faults and critical >= INDISPENSABLE

    def __getitem__(self, check_id: str) -> Check:
        return self._by_id[check_id]

    def __contains__(self, check_id: str) -> bool:
        return check_id in self._by_id

    @property
    def _by_id(self) -> dict[str, Check]:
        return {check.id: check for check in self.checks}


def read(suite: Path) -> Catalogue:
    """Reads every `test_*.py` in `suite`, sorted by name. A claim that cannot be read goes to `faults`."""
    checks: dict[str, Check] = {}
    faults: dict[str, list[str]] = {}
    for path in sorted(suite.glob("test_*.py")):
        try:
            module = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError, OSError):
            faults[path.name] = ["this file cannot be read as Python: correct it"]
            continue
        faults[path.name] = [no_plain_function(name) for name in _test_classes(module)]
        for function in _tests(module):
            check_id = function.name.removeprefix("test_")
            marks = _marks(function)
            wrong = faults[path.name]
            severities = [s for s in Severity if s.value in marks]
            if "parametrize" in marks:
                wrong.append(no_plain_function(check_id))
            elif check_id in checks:
                wrong.append(f"{check_id} is the id of an earlier check too: give this one another name")
            elif len(severities) != 1:
                have = "both" if severities else "neither"
                wrong.append(f"{check_id} is marked {have}: mark it with exactly one of critical and informational")
            else:
                checks[check_id] = _check(check_id, path, severities[0], function, marks)
    return Catalogue(tuple(checks.values()), {name: wrong for name, wrong in faults.items() if wrong})


def no_plain_function(name: str) -> str:
    """The sentence about a test that is not a check."""
    return f"{name} is not a plain function of a file test_*.py in suite/, or is parametrized: write one function each"


def _test_classes(module: ast.Module) -> Iterator[str]:
    classes = (node for node in module.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test"))
    return (one.name for one in classes if any(_tests(one)))


def _tests(tree: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef]:
    return (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


def _marks(function: ast.FunctionDef) -> dict[str, tuple[str, ...]]:
    """Names of `@pytest.mark.NAME` and `@pytest.mark.NAME("a", "b")`, with their text arguments."""
    marks: dict[str, tuple[str, ...]] = {}
    for decorator in function.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        name = call.func if call else decorator
        if isinstance(name, ast.Attribute):
            texts = [a.value for a in (call.args if call else ()) if isinstance(a, ast.Constant)]
            marks[name.attr] = tuple(str(text) for text in texts)
    return marks


def _step(path: Path) -> int:
    number = re.match(r"test_(\d+)_", path.name)
    return int(number[1]) if number else 0


def _check(
    check_id: str, path: Path, severity: Severity, function: ast.FunctionDef, marks: dict[str, tuple[str, ...]]
) -> Check:
    paragraphs = [" ".join(p.split()) for p in inspect.cleandoc(ast.get_docstring(function) or "").split("\n\n")]
    fix = next((p.removeprefix("Fix:").strip() for p in paragraphs if p.startswith("Fix:")), "")
    prose = [p for p in paragraphs if p and not p.startswith("Fix:")]
    return Check(
        id=check_id,
        step=_step(path),
        severity=severity,
        title=prose[0] if prose else check_id.replace("_", " "),
        why=" ".join(prose[1:]),
        fix=fix,
        needs=marks.get("needs", ()),
        pointless_if_failed=marks.get("pointless_if_failed", ()),
        asks=attributes_of(function, "binance"),
        file=path.name,
    )


def attributes_of(tree: ast.AST, name: str) -> tuple[str, ...]:
    """The attributes of a variable in a source: `x` and `y` for `name.x` and `name.y()`."""
    found = (n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name))
    return tuple(dict.fromkeys(node.attr for node in found if node.value.id == name))  # type: ignore[attr-defined]
