"""The GitHub Action and the container: no input becomes part of a script, and the base image has a fixed digest."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.running import ROOT

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
CONTAINERFILE = (ROOT / "Containerfile").read_text("utf-8")


def script_of(step: str) -> str:
    """The script of the step with this id."""
    found: str = next(one["run"] for one in ACTION["runs"]["steps"] if one.get("id") == step)
    return found


def test_no_input_is_written_into_a_script() -> None:
    """An input, such as a symbol, is in no script's text, where it could be a command."""
    scripts = [one["run"] for one in ACTION["runs"]["steps"] if "run" in one]
    assert len(scripts) == 3
    assert not [script for script in scripts if "${{" in script]


def test_each_input_comes_as_a_variable() -> None:
    """Each input is an environment variable of the script, except the artefact's name, which another action gets."""
    (environment,) = [one["env"] for one in ACTION["runs"]["steps"] if one.get("id") == "run"]
    used = set(re.findall(r"inputs\.([\w-]+)", str(environment)))
    assert used == set(ACTION["inputs"]) - {"artifact"}
    assert set(ACTION["outputs"]) == {"verdict", "ok"}


def test_reports_of_an_earlier_step_are_removed_first(tmp_path: Path) -> None:
    """If any step fails, for example without a Python, the last step finds no report of an earlier key to upload."""
    reports = tmp_path / "keycheck/reports"
    reports.mkdir(parents=True)
    bash = shutil.which("bash") or ""
    first = ACTION["runs"]["steps"][0]["run"]
    variables = {"RUNNER_TEMP": str(tmp_path), "PATH": os.defpath}
    subprocess.run([bash, "-ec", first], env=variables, check=True)  # noqa: S603  our own script
    assert not reports.exists()


def test_the_containers_base_is_named_by_digest() -> None:
    """The container's base is a slim image, named by its digest, the same in both stages."""
    bases = re.findall(r"(?m)^FROM (\S+)", CONTAINERFILE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+-slim@sha256:[0-9a-f]{64}", bases[0])


def test_the_container_has_a_user_of_its_own() -> None:
    """The user has a number, by which an orchestrator sees that it is not root; the command is the entry point."""
    last = CONTAINERFILE.rpartition("FROM ")[2]
    assert re.search(r"(?m)^USER [1-9]\d*$", last)
    assert 'ENTRYPOINT ["keycheck"]' in last
    assert "RUN pip" not in last


def test_the_container_takes_only_what_it_needs() -> None:
    """Other files of the folder, such as a .env, are not even sent to the builder."""
    rules = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert rules[0] == "*"
    copied = {name for line in re.findall(r"(?m)^COPY (?!--from)(.*) \S+$", CONTAINERFILE) for name in line.split()}
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied
