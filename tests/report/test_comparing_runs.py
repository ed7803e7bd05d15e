"""`--compare`, and the text for a ticket, as users see them."""

import json
from pathlib import Path

import jsonschema
import pytest

from keycheck.redaction.redactor import Redactor
from keycheck.report import verdict_json
from keycheck.report.folder import ReportFolder
from keycheck.report.folder_lock import Hold
from keycheck.report.previous_run import PreviousRun
from tests.matrix import mostly_slow
from tests.running import Finished, SuiteRunner
from tests.sample_reports import STARTED, failing
from tests.suite_runs import SCHEMA

FOREIGN = "is not a verdict.json of this suite"


def summary_of(runner: SuiteRunner) -> str:
    """The text of reports/summary.md."""
    return (runner.report_dir / "summary.md").read_text(encoding="utf-8")


def compared(runner: SuiteRunner, *names: str) -> Finished:
    """Replays these cassettes in turn. The last run is compared with the reports of the one before."""
    for name in names[:-1]:
        runner("--replay", name)
    return runner("--replay", names[-1], "--compare", str(runner.report_dir / "verdict.json"))


@pytest.mark.slow
def test_every_report_names_the_fixed_checks(suite: SuiteRunner) -> None:
    """Every report names fixed checks, even if the new verdict replaces the old file; the verdict does not use them."""
    done = compared(suite, "withdrawals-enabled", "healthy")
    assert done.exit_status == 0
    assert "fixed: withdrawals_are_disabled" in done.output
    assert done.verdict["comparison"]["fixed"] == ["withdrawals_are_disabled"]
    assert done.verdict["comparison"]["against"]["verdict"] == "NOT_OK"
    assert done.verdict["comparison"]["broke"] == []
    jsonschema.validate(done.verdict, SCHEMA)
    assert "- fixed: `withdrawals_are_disabled`" in summary_of(suite)
    assert "fixed" in done.page
    assert "NOT_OK of 20" in done.page


@pytest.mark.slow
def test_broken_and_still_failing_checks_are_listed(suite: SuiteRunner) -> None:
    """Broken checks and those that still fail each have a list."""
    done = compared(suite, "healthy", "clock-behind")
    assert "broke: clock_agrees_with_exchange now warns: clock_is_inside_signing_window" in " ".join(
        done.output.split()
    )
    again = compared(suite, "clock-ahead")
    told = "still fails: clock_agrees_with_exchange still warns: clock_is_inside_signing_window"
    assert told in " ".join(again.output.split())


@pytest.mark.slow
def test_a_comparison_without_changes_says_so(suite: SuiteRunner) -> None:
    """Without a change the terminal says that nothing changed."""
    done = compared(suite, "healthy", "hedge-mode")
    assert "nothing changed" in done.output
    assert {name: ids for name, ids in done.verdict["comparison"].items() if ids and name != "against"} == {}
    assert suite("--replay", "healthy").verdict["comparison"] is None


@pytest.mark.slow
def test_a_folder_stands_for_the_verdict_in_it(suite: SuiteRunner, tmp_path: Path) -> None:
    """--compare takes the folder of a kept report."""
    suite("--replay", "healthy")
    kept = suite.report_dir.rename(tmp_path / "yesterday")
    assert "broke: withdrawals_are_disabled" in suite("--replay", "withdrawals-enabled", "--compare", str(kept)).output


@pytest.mark.parametrize(
    ("text", "told"),
    mostly_slow(
        [
            (None, "is not there"),
            ("", FOREIGN),
            ("{}", FOREIGN),
            ('{"schemaVersion": 1}', FOREIGN),
            ("\0" * 2_000_000, "longer than 1 MiB"),
        ],
        1,
    ),
    ids=["missing", "empty", "nothing", "a part", "too long"],
)
def test_a_file_that_is_not_a_verdict_is_refused_in_a_sentence(
    text: str | None, told: str, suite: SuiteRunner, tmp_path: Path
) -> None:
    """If --compare names a file that is not a verdict, the exit status is 4, and no old verdict is left."""
    file = tmp_path / "old.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    suite("--replay", "healthy")
    done = suite("--replay", "healthy", "--compare", str(file))
    assert done.exit_status == 4
    assert done.verdict["ok"] is False
    assert [line for line in done.output.splitlines() if told in line and "old.json" in line]
    assert "Traceback" not in done.output


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_a_verdict_that_powershell_has_saved_is_read(encoding: str, tmp_path: Path) -> None:
    """PowerShell's `keycheck --json > old.json` writes UTF-16; other programs put a mark before UTF-8."""
    file = tmp_path / "old.json"
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    text = verdict_json.render(failing(), str)
    file.write_text(mark + text, encoding=encoding)
    assert PreviousRun(file, Hold(tmp_path / "reports")).beside(()).since == f"NOT_OK of {STARTED}"


@pytest.mark.slow
def test_another_environment_contract_or_key_is_refused_in_a_sentence(suite: SuiteRunner, tmp_path: Path) -> None:
    """A verdict of another environment, contract or key is refused: any difference would come from that."""
    suite("--replay", "healthy")
    told = json.loads((suite.report_dir / "verdict.json").read_text(encoding="utf-8"))
    done = compared(suite, "wrong-environment")
    assert done.exit_status == 4
    assert "Compare with a run of the same" in done.output
    assert "BTCUSTD: the difference would be the contract's" in compared(suite, "healthy", "unknown-contract").output
    other = tmp_path / "other.json"
    other.write_text(json.dumps(told | {"key": {"type": "HMAC", "lastFour": "zzzz"}}), encoding="utf-8")
    done = suite("--replay", "healthy", "--compare", str(other))
    assert done.exit_status == 4
    assert "ending in zzzz" in done.output


@pytest.mark.slow
def test_ci_gets_the_text_for_a_ticket(suite: SuiteRunner, tmp_path: Path) -> None:
    """The text is appended to that of other steps; a file that cannot be written does not change the verdict."""
    file = tmp_path / "step.md"
    file.write_text("# build\n", encoding="utf-8")
    suite("--replay", "ip-refused", settings={"GITHUB_STEP_SUMMARY": str(file)})
    assert file.read_text(encoding="utf-8") == f"# build\n\n{summary_of(suite)}"
    done = suite("--replay", "healthy", settings={"GITHUB_STEP_SUMMARY": str(tmp_path)})
    assert done.exit_status == 0
    assert "GITHUB_STEP_SUMMARY could not be written" in done.output


def test_ci_gets_the_text_of_this_run(tmp_path: Path) -> None:
    """In a folder of another user, summary.md may become another text, or a link to a file of one's own."""
    (tmp_path / "own").write_text("mine")
    (tmp_path / "summary.md").symlink_to(tmp_path / "own")
    shown = tmp_path.parent / f"{tmp_path.name}.md"
    folder = ReportFolder(Hold(tmp_path), Redactor())
    folder.texts["summary.md"] = "of this run"
    folder.add_summary_to(shown, tmp_path / ".env")
    assert shown.read_text(encoding="utf-8") == "\nof this run"


@pytest.mark.slow
def test_the_page_has_the_text_for_a_ticket(suite: SuiteRunner) -> None:
    """The page has the text for a ticket, to be copied."""
    done = suite("--replay", "healthy")
    assert "## Keycheck: OK" in done.page
    assert "`healthy`" in done.page
