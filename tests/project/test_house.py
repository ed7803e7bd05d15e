"""The rules of the house: one reader of the environment, up-to-date documents, pinned dependencies."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from keycheck.settings.loading import NAMES
from tests.readme import CHECKS, README, TABLES, with_tables
from tests.running import ROOT

KEYCHECK = ROOT / "keycheck"
MODULES = sorted(KEYCHECK.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """The top-level names of all modules that a file imports, in functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_environment_is_read_in_one_place() -> None:
    """Only settings/ reads os.environ, and nothing writes to it, with two exceptions: withdrawal.py, which runs before
    settings/ is imported, reads PYTEST_ADDOPTS; invocation.py takes such variables away before it starts pytest.
    """
    text = (KEYCHECK / "settings/loading.py").read_text(encoding="utf-8")
    assert not re.search(r"os\.(getenv|putenv|environ\[[^\]]*\] *=|environ\.(update|set|pop|clear))", text)
    found = [path.relative_to(KEYCHECK).as_posix() for path in MODULES if "os.environ" in path.read_text("utf-8")]
    owners = ["settings/__init__.py", "settings/child_environment.py", "settings/loading.py"]
    assert found == ["invocation.py", *owners, "withdrawal.py"]
    started = (KEYCHECK / "invocation.py").read_text(encoding="utf-8")
    assert re.findall(r"os\.environ.*?\)", started) == ["os.environ.pop(name, None)"]
    early = (KEYCHECK / "withdrawal.py").read_text(encoding="utf-8")
    assert re.findall(r"os\.environ.*?\)", early) == ['os.environ.get("PYTEST_ADDOPTS", "")']


def test_the_road_names_what_is_there() -> None:
    """keycheck/__init__.py names each folder and file of the package, and no other."""
    import keycheck  # noqa: PLC0415  only for its docstring

    road = keycheck.__doc__ or ""
    named = set(re.findall(r"^    (\w+(?:/|\.py)) ", road, re.MULTILINE))
    there = {f"{path.name}/" for path in KEYCHECK.iterdir() if (path / "__init__.py").exists()}
    assert named == there | {path.name for path in KEYCHECK.glob("*.py") if path.name != "__init__.py"}
    assert all((KEYCHECK / path).is_file() for path in re.findall(r"(\w+/\w+\.py)", road))


def test_each_package_names_its_modules() -> None:
    """The docstring of a package names each of its modules."""
    for package in ("settings", "credentials", "redaction", "exchange", "verdict", "diagnosis", "run", "serve"):
        text = (KEYCHECK / package / "__init__.py").read_text("utf-8")
        modules = {path.name for path in (KEYCHECK / package).glob("*.py") if path.name != "__init__.py"}
        assert not [name for name in modules if name not in text], package


def test_suite_holds_claims_only() -> None:
    """suite/ imports only pytest and the names of the fixtures' types."""
    for path in (ROOT / "suite").glob("*"):
        if path.name != "__pycache__":
            assert set(imports(path)) == {"pytest", "keycheck"}, path.name


def test_the_checks_and_the_causes_are_listed_as_the_code_states_them() -> None:
    """`python -m tests.readme` writes the tables of docs/checks.md, to which README links."""
    text = CHECKS.read_text(encoding="utf-8")
    assert with_tables(text) == text
    assert all(table in text for table in TABLES.values())
    assert "](docs/checks.md)" in README.read_text(encoding="utf-8")


def test_two_commands_set_everything_up() -> None:
    """README's first line to paste installs what a run needs, and shows one; the second is for the project's tests."""
    text = README.read_text(encoding="utf-8").partition("Windows")[0]
    first, second = re.findall(r"^.*pip install.*$", text, re.MULTILINE)
    assert first.startswith("python3 -m venv .venv && ")
    assert "-r requirements.txt && .venv/bin/pytest suite/ --replay healthy" in first
    assert "-r requirements-dev.txt && .venv/bin/pytest tests/ -n 2" in second


def test_readme_is_short() -> None:
    """README has fewer than 120 lines."""
    assert len(README.read_text(encoding="utf-8").splitlines()) < 120


def test_example_settings_are_settings() -> None:
    """Each name in .env.example is a setting, and none of the credentials has a value."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = dict(re.findall(r"^#?(BINANCE_\w+)=(.*)$", text, re.MULTILINE))
    assert set(named) <= set(NAMES)
    assert {named[name] for name in NAMES if name.startswith(("BINANCE_API_", "BINANCE_PRIVATE_"))} == {""}


@pytest.mark.parametrize(
    "path", [".env", "local.env", "reports/verdict.json", "reports/report.html", "fleet/index.html"]
)
def test_git_ignores_what_must_not_be_committed(path: str) -> None:
    """Credentials and reports stay out of the history."""
    done = subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False)  # noqa: S603, S607  the git in PATH
    if done.returncode == 128:
        pytest.skip("not in a git checkout")
    assert done.returncode == 0


@pytest.mark.parametrize(
    "group",
    ["requirements.txt", *(f"requirements-{name}.txt" for name in ("serve", "dask", "dev", "interop", "benchmarks"))],
)
def test_every_dependency_is_pinned_with_its_hash(group: str) -> None:
    """Each dependency of pyproject.toml is in the file that pip installs, where every line has hashes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = list(project["project"]["dependencies"])
    named = group.removeprefix("requirements-").removesuffix(".txt")
    groups = project["dependency-groups"] | project["project"]["optional-dependencies"]
    asked += groups.get(named, [])
    asked += groups["serve"] if named == "dev" else []  # tests/ start the endpoint
    pins = re.split(r"\n(?=[a-zA-Z])", (ROOT / group).read_text(encoding="utf-8"))
    pinned = {m[1].lower() for pin in pins if (m := re.match(r"([\w.-]+)==[\w.]+", pin)) and "--hash=sha256:" in pin}
    names = {re.match(r"[\w.-]+", requirement)[0].lower() for requirement in asked}  # type: ignore[index]
    assert names <= pinned
    assert len(pinned) == len([pin for pin in pins if "==" in pin.partition("\n")[0]])


def test_the_wheel_holds_every_package() -> None:
    """pyproject.toml names every package, since three of them are elsewhere, and setuptools would miss a new one."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in KEYCHECK.rglob("__init__.py")}
    assert set(setuptools["packages"]) == folders | {"keycheck.suite", "keycheck.recorded", "keycheck.project"}
    kinds = {path.suffix for path in KEYCHECK.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    # Another kind needs another line of package-data.
    assert kinds == {".py", ".typed", ".html", ".css", ".js", ".json"}


def test_every_dependency_has_its_reason_beside_it() -> None:
    """Each dependency has a comment on its line in pyproject.toml, except type stubs and well-known test tools."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    required = text[text.index("dependencies = [") : text.index("[dependency-groups]")]
    lines = [line for line in required.splitlines() if line.strip().startswith('"')]
    assert lines
    assert all("#" in line for line in lines)
