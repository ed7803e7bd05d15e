"""The core is pure: it imports no network, no environment, no clock and no pytest. Each outside library has owners."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = (
    "errors",
    *(f"credentials.{name}" for name in ("pasted_text", "pem", "signing")),
    *(f"redaction.{name}" for name in ("redactor", "decoded_forms", "secret")),
    *(f"exchange.{name}" for name in ("answers", "drift", "endpoints", "error_codes", "evidence", "facts", "hosts")),
    *(f"exchange.{name}" for name in ("orders", "permissions", "quantitative_rules", "rate_limit", "refusal_text")),
    "exchange.user_stream",
    *(f"cassettes.{name}" for name in ("label", "scrubbing")),
    *(f"verdict.{name}" for name in ("findings", "weighing", "comparison")),
    "diagnosis",
    *(f"diagnosis.{name}" for name in ("account", "cause", "evidence_view", "intermediaries", "key", "local_clock")),
    *(f"diagnosis.{name}" for name in ("network", "examples", "remedies", "restrictions", "rules")),
    *(f"report.{name}" for name in ("model", "prometheus", "table", "terminal", "verdict_json")),
    *(f"report.view{name}" for name in ("", ".findings", ".causes", ".facts", ".marks")),
    *(f"report.pictures.{name}" for name in ("drift_scale", "permission_matrix", "weight_bar", "timeline")),
)
WORLD = {"pytest", "_pytest", "requests", "os", "time", "socket", "vcr", "urllib3", "ssl", "subprocess", "threading"}


def file_of(module: str) -> Path | None:
    """The source of one of our modules; None if it is not a module, but an imported name, for example."""
    path = ROOT.joinpath(*module.split("."))
    found = [p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()]
    return found[0] if found else None


@cache
def imports_of(module: str) -> tuple[str, ...]:
    """All modules that a module imports, in functions too, but not those imported only for types."""
    source = file_of(module)
    assert source, module
    found: list[str] = []
    waiting: list[ast.AST] = [ast.parse(source.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(found)


def reached_from(module: str) -> dict[str, str]:
    """All modules that an import of `module` imports, each with our module that imports it."""
    reached: dict[str, str] = {}
    waiting = [module]
    while waiting:
        one = waiting.pop()
        for name in imports_of(one):
            if name not in reached:
                reached[name] = one
                if name.startswith("keycheck") and file_of(name):
                    waiting.append(name)
    return reached


@pytest.mark.parametrize("module", PURE)
def test_the_core_is_pure(module: str) -> None:
    """Neither a core module nor anything of ours that it imports can reach the outside world."""
    touched = {name: by for name, by in reached_from(f"keycheck.{module}").items() if name.partition(".")[0] in WORLD}
    assert touched == {}


def test_the_search_finds_direct_and_indirect_imports() -> None:
    """The control: the search finds an import in a module, and in a module that imports that one."""
    assert "requests" in reached_from("keycheck.network.transport")
    assert "requests" in reached_from("keycheck.run.run")


@pytest.mark.parametrize(
    ("thing", "owners"),
    [
        (
            "os",
            {
                *("settings", "bounded_files", "withdrawal", "exit_status", "foreign_links", "command", "last_verdict"),
                *("invocation", "process", "child", "child_process", "fleet", "report"),
            },
        ),
        ("time", {"clock"}),
        ("select", {"bounded_files", "child", "child_process"}),
        ("subprocess", {"host_checks", "child_process", "fleet"}),
        ("requests", {"network"}),
        ("urllib3", {"network"}),
        ("socket", {"network", "serve"}),
        ("threading", {"network", "exchange", "process", "child", "serve", "fleet", "plugin"}),
        ("websockets", {"network"}),
        ("vcr", {"cassettes"}),
        ("dotenv", {"settings"}),
        ("cryptography", {"credentials"}),
        ("pytest", {"plugin", "withdrawal", "invocation"}),
        ("_pytest", {"plugin"}),
        ("jinja2", {"report"}),
        ("starlette", {"serve"}),
        ("uvicorn", {"serve"}),
        ("distributed", {"fleet"}),
        ("tempfile", {"report", "child_process", "withdrawal", "plugin"}),
        ("fcntl", {"report"}),
        ("resource", {"process_limits"}),
        ("ctypes", {"process_limits"}),
        ("sqlite3", {"purse"}),
    ],
)
def test_an_outside_library_is_used_by_its_owners_alone(thing: str, owners: set[str]) -> None:
    """Each outside library is used only by these files and folders of keycheck/."""
    files = (ROOT / "keycheck").rglob("*.py")
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files]
    users = {
        module.removeprefix("keycheck.").partition(".")[0]
        for module in modules
        if any(name.partition(".")[0] == thing for name in imports_of(module))
    }
    assert users == owners
