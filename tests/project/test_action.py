"""The GitHub Action and the container: no input is read as a script, and nothing is named by a name that moves."""

import re
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
    """Whoever chooses a symbol would choose a command."""
    scripts = [one["run"] for one in ACTION["runs"]["steps"] if "run" in one]
    assert len(scripts) == 2
    assert not [script for script in scripts if "${{" in script]


def test_each_input_comes_as_a_variable() -> None:
    """All but the name of what is uploaded, which goes to another action."""
    (environment,) = [one["env"] for one in ACTION["runs"]["steps"] if one.get("id") == "run"]
    used = set(re.findall(r"inputs\.([\w-]+)", str(environment)))
    assert used == set(ACTION["inputs"]) - {"artifact"}
    assert set(ACTION["outputs"]) == {"verdict", "ok"}


def test_the_containers_base_is_named_by_digest() -> None:
    """A slim one, the same in both stages."""
    bases = re.findall(r"(?m)^FROM (\S+)", CONTAINERFILE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+-slim@sha256:[0-9a-f]{64}", bases[0])


def test_the_container_has_a_user_of_its_own() -> None:
    """By its number, which is how an orchestrator sees that it is not root; and the command is its entry point."""
    last = CONTAINERFILE.rpartition("FROM ")[2]
    assert re.search(r"(?m)^USER [1-9]\d*$", last)
    assert 'ENTRYPOINT ["keycheck"]' in last
    assert "RUN pip" not in last


def test_the_container_takes_what_it_needs_alone() -> None:
    """Whatever else lies in the folder, such as an .env, is not even sent to the builder."""
    rules = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert rules[0] == "*"
    copied = {name for line in re.findall(r"(?m)^COPY (?!--from)(.*) \S+$", CONTAINERFILE) for name in line.split()}
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied
