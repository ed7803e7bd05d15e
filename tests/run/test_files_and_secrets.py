"""Files of the run's owner are left as they are, and no output shows a secret."""

import json
import os
from pathlib import Path

import jsonschema
import pytest

from keycheck.redaction.redactor import Redactor
from tests.exchange import API_KEY, API_SECRET, LISTEN_KEY, Fault, LocalExchange, Scenario
from tests.keys import ED25519
from tests.malformed import MalformedHeaders
from tests.matrix import mostly_slow
from tests.running import SuiteRunner
from tests.suite_runs import SCHEMA, run


@pytest.mark.slow
@pytest.mark.parametrize("secret", ["true", "null", "test", "pass", "hidden", "futures"])
def test_placeholder_secret_breaks_no_report(secret: str, suite: SuiteRunner, exchange: LocalExchange) -> None:
    """With a placeholder as secret the JSON is complete, and its names are those of the contract."""
    done = suite(settings=exchange.settings() | {"BINANCE_API_SECRET": secret})
    jsonschema.validate(done.verdict, SCHEMA)
    assert done.exit_status == 1


LEAKY = ("-vv", "-l", "-s", "-o", "log_cli=true", "--log-cli-level=DEBUG", "-o", "junit_logging=all")


@pytest.mark.slow
def test_malformed_header_line_leaks_no_signature(suite: SuiteRunner, tmp_path: Path) -> None:
    """urllib3 would log a malformed header with the whole URL; the signature in it appears nowhere."""
    files = [tmp_path / name for name in ("page.html", "junit.xml", "log.txt")]
    options = (f"--html={files[0]}", f"--junitxml={files[1]}", f"--log-file={files[2]}", "--log-file-level=DEBUG")
    with LocalExchange() as exchange, MalformedHeaders(exchange.wallet_url) as front:
        settings = exchange.settings() | {"BINANCE_WALLET_URL": front.url}
        done = suite(*options, *LEAKY, settings=settings, all_plugins=True)
        signatures = [r.params["signature"] for r in exchange.log if "signature" in r.params]
    assert done.exit_status == 0
    assert front.answers == 1
    everything = done.output + "".join(file.read_text("utf-8") for file in files)
    assert signatures
    assert not Redactor([API_KEY, API_SECRET, *signatures]).knows(everything)


@pytest.mark.slow
@pytest.mark.parametrize("field", mostly_slow(["yourKey", "enableNothing"], 1))
def test_key_that_is_read_back_is_not_printed(field: str, suite: SuiteRunner, tmp_path: Path) -> None:
    """A key in an exchange's answer is not shown in the tracebacks of -vv either."""
    body = {"enableFutures": False, "enableWithdrawals": True, "ipRestrict": True, field: API_KEY}
    fault = Fault.body(json.dumps(body).encode())
    done = run(
        suite, Scenario(faults={"/sapi/v1/account/apiRestrictions": fault}), *LEAKY, f"--junitxml={tmp_path / 'j'}"
    )
    assert done.exit_status == 1
    assert not Redactor([API_KEY]).knows(done.output + (tmp_path / "j").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_the_scan_deletes_no_file_of_the_owners(suite: SuiteRunner, tmp_path: Path, exchange: LocalExchange) -> None:
    """The artefact scan deletes no key file of the owner, even if it is new and lies in a scanned folder."""
    private = suite.report_dir / "key.pem"
    private.parent.mkdir()
    private.write_text(ED25519.private, encoding="utf-8")
    backup = suite.report_dir / ".env.backup"
    backup.write_text("".join(f"{name}={value}\n" for name, value in exchange.settings().items()), encoding="utf-8")
    cache = tmp_path / "cache"
    cache.mkdir()
    env_file = cache / ".env"
    env_file.write_text(backup.read_text(encoding="utf-8"), encoding="utf-8")
    done = suite(env_file=env_file)
    assert done.exit_status == 0
    settings = exchange.settings() | {"BINANCE_API_SECRET": "", "BINANCE_PRIVATE_KEY_FILE": str(private)}
    assert suite(settings=settings).exit_status == 1  # this exchange knows another key's public half
    assert private.exists()
    assert backup.exists()
    assert env_file.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/fapi/v1/listenKey", Fault.status(400, f'{{"code":-2015,"msg":"listen key {LISTEN_KEY} is in use"}}')),
        ("/fapi/v1/accountConfig", Fault.status(200, "{}", content_type=f"application/{API_KEY}")),
    ],
    ids=["a listen key in a refusal", "a key in a content type"],
)
def test_a_key_in_an_error_text_appears_in_no_output(path: str, fault: Fault, suite: SuiteRunner) -> None:
    """A key that an exchange returns in an error text appears in no output, in upper or lower case."""
    with LocalExchange(Scenario(faults={path: fault})) as exchange:
        done = suite("--record", str(suite.folder / "mine.yaml"), settings=exchange.settings())
    everything = done.output + done.page + json.dumps(done.verdict)
    everything += (suite.report_dir / "summary.md").read_text("utf-8") + (suite.folder / "mine.yaml").read_text("utf-8")
    for secret in (LISTEN_KEY, API_KEY[:-4]):
        assert not Redactor([secret.lower()]).knows(everything.lower())


@pytest.mark.slow
@pytest.mark.parametrize("where", ["--compare", "GITHUB_STEP_SUMMARY"])
def test_a_pipe_without_a_writer_does_not_delay_a_run(where: str, suite: SuiteRunner, tmp_path: Path) -> None:
    """A pipe that no other program opens does not make a run wait."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    if where == "--compare":
        assert suite("--replay", "healthy", where, str(pipe)).exit_status == 4
    else:
        assert suite("--replay", "healthy", settings={where: str(pipe)}).exit_status == 0


@pytest.mark.slow
def test_ci_summary_is_not_written_into_files_of_this_run(suite: SuiteRunner) -> None:
    """The text for a ticket is not appended to verdict.json, which would no longer be JSON."""
    done = suite("--replay", "healthy", settings={"GITHUB_STEP_SUMMARY": str(suite.report_dir / "verdict.json")})
    assert (done.exit_status, done.verdict["verdict"]) == (0, "OK")
    assert "GITHUB_STEP_SUMMARY could not be written" in done.output


def test_a_ci_job_with_the_name_of_a_check_renames_nothing(suite: SuiteRunner) -> None:
    """A CI job that is named after a check is no reason to rename checks and to cut sentences."""
    junit = suite.folder / "junit.xml"
    names = {"GITHUB_JOB": "credentials", "CI_JOB_NAME": "Permissions"}
    suite("--replay", "healthy", f"--junitxml={junit}", settings=names)
    text = junit.read_text(encoding="utf-8")
    assert 'name="test_credentials_are_present"' in text
    assert "[environment]" not in text + json.dumps(suite.report_dir.joinpath("summary.md").read_text("utf-8"))
