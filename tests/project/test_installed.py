"""An installation by the steps of the Containerfile works without a repository: for a user, a bot and a CI job."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from keycheck import __version__
from tests.exchange import API_SECRET, LocalExchange, Scenario
from tests.keys import ED25519
from tests.project.test_action import script_of
from tests.running import ROOT

CONTAINERFILE = (ROOT / "Containerfile").read_text("utf-8")
MOST_PACKAGES = 26
pytestmark = [pytest.mark.installed, pytest.mark.timeout(600)]


def instructions() -> list[tuple[str, str]]:
    """The COPY and RUN instructions of the Containerfile's first stage, in order."""
    lines = re.sub(r"(?m)^#.*\n", "", CONTAINERFILE).replace("\\\n", "").splitlines()
    found = [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines if line]
    stages = [at for at, (word, _) in enumerate(found) if word == "FROM"]
    return [one for one in found[stages[0] + 1 : stages[1]] if one[0] in ("COPY", "RUN")]


@dataclass(frozen=True)
class Installed:
    """`folder`: bin/ of the environment; `source`: the built source; `here`: a working directory."""

    folder: Path
    source: Path
    here: Path

    def __call__(self, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of the environment in the working directory, with no path to the repository."""
        return subprocess.run(  # noqa: S603  our own command
            [str(self.folder / command[0]), *command[1:]],
            cwd=self.here,
            env={"PATH": os.defpath, "HOME": str(self.here), "NO_COLOR": "1"} | settings,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An installation by the container's steps, with other folders for /src, /opt and the base image's python."""
    base = tmp_path_factory.mktemp("installed")
    source, opt, here = base / "src", base / "opt", base / "here"
    for folder in (source, opt, here):
        folder.mkdir()
    for word, rest in instructions():
        if word == "COPY":
            *names, _ = rest.split()
            for name in names:
                _copy(ROOT / name, source / name)
            continue
        script = rest.replace("/opt/", f"{opt}/").replace("python -m venv", f"{sys.executable} -m venv")
        done = subprocess.run(["/bin/sh", "-c", script], cwd=source, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0, script + done.stdout[-2000:] + done.stderr[-2000:]
    return Installed(opt / "keycheck/bin", source, here)


def _copy(found: Path, place: Path) -> None:
    if found.is_dir():
        shutil.copytree(found, place, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(found, place)


def test_the_command_is_there(installed: Installed) -> None:
    """The command prints its name and version."""
    assert installed("keycheck", "--version").stdout == f"keycheck {__version__}\n"


def test_serving_is_an_extra(installed: Installed) -> None:
    """Without the extra's libraries, `keycheck serve` says in a sentence what to install."""
    done = installed("keycheck", "serve")
    assert (done.returncode, done.stdout) == (4, "")
    assert 'In the folder of Keycheck: pip install ".[serve]" (or ' in done.stderr  # no package index has Keycheck
    assert done.stderr.count("\n") == 1


def test_a_shipped_run_is_replayed(installed: Installed) -> None:
    """A shipped run replays from an empty folder, without the repository."""
    done = installed("keycheck", "--replay", "healthy")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "configfile: project/pytest.toml" in done.stdout  # it is installed, too
    assert "warning" not in done.stdout
    assert str(ROOT) not in done.stdout
    assert json.loads((installed.here / "reports/verdict.json").read_text())["verdict"] == "OK"


def test_json_of_every_shipped_cassette(installed: Installed) -> None:
    """The installed cassettes are those of the source, by their names; two of them replay to the right verdict."""
    there = {path.name for path in (installed.source / "cassettes").glob("*.yaml")}
    recorded = next(installed.folder.parent.glob("lib/*/site-packages/keycheck/recorded"))
    assert {path.name for path in recorded.glob("*.yaml")} == there
    for name, verdict in (("ip-refused", "NOT_OK"), ("unreachable", "UNPROVEN")):
        done = installed("keycheck", "--json", "--replay", name)
        assert json.loads(done.stdout)["verdict"] == verdict


def test_a_live_run_against_the_local_exchange(installed: Installed) -> None:
    """The installed command and the installed function run against the local exchange."""
    with LocalExchange() as exchange:
        done = installed("keycheck", "--html=page.html", "--self-contained-html", **exchange.settings())
        assert done.returncode == 0, done.stdout + done.stderr
        assert (installed.here / "page.html").is_file()
        named = {name.removeprefix("BINANCE_").lower(): value for name, value in exchange.settings().items()}
        (installed.here / "bot.py").write_text(f"import keycheck\nprint(keycheck.check(**{named!r}).verdict)\n")
        done = installed("python", "bot.py")
        assert (done.stdout, done.stderr) == ("OK\n", "")


def test_plugins_of_other_projects_are_not_loaded(installed: Installed) -> None:
    """A plugin in the same environment would see the secret, so it is not loaded; nor is keycheck in other projects."""
    packages = next(installed.folder.parent.glob("lib/*/site-packages"))
    metadata = packages / "stranger-1.dist-info"
    metadata.mkdir()
    (packages / "stranger.py").write_text("print('STRANGER')")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\nstranger = stranger\n")
    try:
        done = installed("keycheck", "--replay", "healthy", "-s")
        assert done.returncode == 0
        assert "STRANGER" not in done.stdout + done.stderr
        (installed.here / "test_other.py").write_text("def test_it(): print('x')")
        other = installed("pytest", "test_other.py", "-p", "no:cacheprovider")
        assert "STRANGER" in other.stdout
        assert "keycheck" not in other.stdout
    finally:
        shutil.rmtree(metadata)
        (packages / "stranger.py").unlink()


def test_an_installation_has_few_packages(installed: Installed) -> None:
    """An installation has at most 26 packages with keycheck itself, pip not counted."""
    packages = next(installed.folder.parent.glob("lib/*/site-packages"))
    names = {path.name.partition("-")[0].lower() for path in packages.glob("*.dist-info")} - {"pip", "setuptools"}
    assert "keycheck" in names
    assert len(names) <= MOST_PACKAGES, names


def test_the_sdist_builds_the_same_wheel(installed: Installed, tmp_path: Path) -> None:
    """The sdist builds the same wheel, file for file; neither holds a test, a report or settings; it is typed."""
    build = Path(installed.folder.parents[1] / "build/bin/python")
    code = "from setuptools import build_meta; import sys; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"
    for target in (tmp_path / "source", tmp_path / "again"):
        target.mkdir()
    subprocess.run([str(build), "-c", code, "build_sdist", str(tmp_path)], cwd=installed.source, check=True)  # noqa: S603
    (sdist,) = tmp_path.glob("*.tar.gz")
    shutil.unpack_archive(sdist, tmp_path / "source", filter="data")
    (root,) = (tmp_path / "source").iterdir()
    subprocess.run([str(build), "-c", code, "build_wheel", str(tmp_path / "again")], cwd=root, check=True)  # noqa: S603
    wheels = [next(folder.glob("*.whl")) for folder in (installed.source / "dist", tmp_path / "again")]
    held = [{name: zipfile.ZipFile(one).read(name) for name in zipfile.ZipFile(one).namelist()} for one in wheels]
    assert held[0] == held[1]
    assert {"keycheck/py.typed", "keycheck/serve/openapi.json", "keycheck/serve/static/keycheck.js"} <= set(held[0])
    assert not [name for name in held[0] if "tests" in name or name.endswith((".env", "verdict.json"))]
    (entries,) = [text for name, text in held[0].items() if name.endswith("entry_points.txt")]
    assert b"pytest11" not in entries


def test_the_action_runs(installed: Installed, tmp_path: Path) -> None:
    """The action's script has the right outputs, exit status and reports, with a secret and with a private key."""
    (tmp_path / "keycheck").mkdir()
    (tmp_path / "keycheck/venv").symlink_to(installed.folder.parent)
    for scenario, given, outcome in (
        (Scenario(), {}, (0, "verdict=OK\nok=true\n")),
        (Scenario(ip_allowed=False), {}, (1, "verdict=NOT_OK\nok=false\n")),
        (Scenario(), {"BINANCE_RECV_WINDOW": "no"}, (4, "verdict=UNPROVEN\nok=false\n")),
        (
            Scenario(public_key=ED25519.public),
            {"BINANCE_API_SECRET": "", "PRIVATE_KEY": ED25519.private},
            (0, "verdict=OK\nok=true\n"),
        ),
    ):
        output = tmp_path / "output"
        output.write_text("")
        with LocalExchange(scenario) as exchange:
            settings = {"PRIVATE_KEY": "", **exchange.settings(), **given}
            runner = {"RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(output), "PATH": os.defpath}
            done = subprocess.run(  # noqa: S603  our own script
                ["/bin/bash", "-e", "-o", "pipefail", "-c", script_of("run")],
                env=runner | settings,
                capture_output=True,
                text=True,
                check=False,
            )
        assert (done.returncode, output.read_text()) == outcome, done.stdout + done.stderr
        assert API_SECRET[:10] not in done.stdout + done.stderr
        assert (tmp_path / "keycheck/reports/verdict.json").is_file()
