"""The workflow holds a key, so nothing in it may change without a commit here."""

import re

from tests.running import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTION = re.compile(r"^\s*(?:- )?uses:\s*(\S+)(.*)$", re.MULTILINE)


def test_each_action_is_named_by_commit() -> None:
    """A tag can be moved to other code; a commit cannot. The version stands beside it for people."""
    found = [action for path in WORKFLOWS for action in ACTION.findall(path.read_text("utf-8"))]
    assert found
    for action, comment in found:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action
