"""Each cause, and some pairs of causes, over real HTTP: the verdict, its exit status, and the cause that is named."""

from collections import Counter
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.keys import ED25519
from tests.matrix import mostly_slow
from tests.record_cassettes import shipped
from tests.running import ROOT, ChildRunner, Finished, SuiteRunner
from tests.stories import COMBINED, STORIES
from tests.suite_runs import SCHEMA

ALL = STORIES | COMBINED
FAILING = {row.name: row.failing for row in shipped()}
# A live run prefetches it, before it is known whether an order will be sent.
PRICE = Counter(["GET /fapi/v1/premiumIndex"])
# The request for a listen key is unsigned, too, and is sent beside the signed reads.
UNSIGNED = Counter(["POST /fapi/v1/listenKey"])
# After a limit, the requests on their way differ between a live run and a recording, which sends one at a time.
LIMITED = ("rate-limited", "banned")
BEFORE = Counter(["GET /fapi/v1/ping", "GET /fapi/v1/exchangeInfo", *["GET /fapi/v1/time"] * 2])
BESIDE = Counter(["GET /fapi/v1/accountConfig", "POST /fapi/v1/listenKey"])
REFUSED = (
    *("no-credentials", "malformed-key", "wrong-secret", "unknown-key", "ip-refused", "wrong-environment"),
    *("futures-disabled", "futures-account-not-opened", "portfolio-margin", "older-key"),
)


def recorded(name: str) -> Counter[str]:
    """The requests that a shipped cassette holds, answered or not."""
    held = yaml.load((ROOT / "cassettes" / f"{name}.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    sent = [one["request"] for one in held["interactions"] or ()]
    answered = [f"{one['method']} /{one['uri'].partition('?')[0].split('/', 3)[3]}" for one in sent]
    failed = [slot.split("/", 1)[1].rpartition("/")[0] for slot in held["metadata"] if slot.startswith("failure/")]
    return Counter([*answered, *failed])


def keeps_to_its_cassette(name: str, sent: Counter[str]) -> bool:
    """Whether a live run has sent the requests of its cassette, as far as they reached this exchange."""
    held = recorded(name)
    if name in LIMITED:
        return held - BEFORE <= sent <= held + BESIDE + PRICE
    if STORIES[name].away or STORIES[name].tls:
        return sent <= held
    return held <= sent <= held + PRICE + UNSIGNED


ON_A_TERMINAL = list(ALL)[:: len(ALL) // 9]


@pytest.mark.parametrize("name", mostly_slow(ON_A_TERMINAL, 2))
def test_a_run_ends_in_its_verdict_and_names_the_cause(name: str, suite: SuiteRunner, tmp_path: Path) -> None:
    """Terminal, page and JSON of `pytest suite/` have the story's verdict, cause and failures."""
    done = _run(name, suite, tmp_path)
    for one in done.verdict["diagnosis"]:
        assert f"({one['confidence']}) [{one['cause']}]" in " ".join(done.output.split())
    assert "Traceback" not in done.output


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ALL if name not in ON_A_TERMINAL])
def test_a_child_process_ends_in_its_verdict_and_names_the_cause(name: str, child: ChildRunner, tmp_path: Path) -> None:
    """The summary, page and JSON of a child process have the story's verdict, cause and failures."""
    done = _run(name, child, tmp_path)
    assert all(one["cause"] in done.output for one in done.verdict["diagnosis"][:1])


def _run(name: str, run: SuiteRunner | ChildRunner, folder: Path) -> Finished:
    """Runs a story. Page and JSON have its verdict, causes and failures; the requests are those of its cassette."""
    story = ALL[name]
    with story.exchange_and_settings() as (exchange, settings):
        file, outside = story.write(settings, folder) if story.in_environment else (None, settings)
        done = run(settings=outside, env_file=file)
    sent = Counter(f"{one.method} {one.path}" for one in exchange.log)
    assert name in COMBINED or keeps_to_its_cassette(name, sent), sent
    begun = done.verdict["requests"]["count"]
    if story.away or story.tls:
        assert begun == recorded(name).total()
    elif not done.with_outcome("blocked"):
        assert begun == sent.total()
    else:  # such a run may end early, and cut off up to five requests: it prefetches over at most five connections
        assert sent.total() <= begun <= sent.total() + 5
    jsonschema.validate(done.verdict, SCHEMA)
    assert (done.verdict["verdict"], done.exit_status) == (story.verdict, story.exit_status)
    assert done.verdict["ok"] is (story.verdict == "OK")
    assert done.verdict["verdict"].replace("_", " ") in done.page
    assert done.with_outcome("fail") == FAILING.get(name, done.with_outcome("fail"))
    causes = [(one["cause"], one["confidence"]) for one in done.verdict["diagnosis"]]
    assert causes[:1] == ([(story.cause, story.confidence)] if story.cause else [])
    assert all(cause in done.page for cause, _ in causes)
    return done


@pytest.mark.parametrize("name", REFUSED)
def test_with_a_key_that_is_refused_nothing_is_posted(name: str) -> None:
    """With a refused key no POST is sent, but after -1022 a listen key tells a wrong secret from an unknown key."""
    asked = [one for one in recorded(name) if one.startswith("POST ") or one.endswith("/apiTradingStatus")]
    assert asked == (["POST /fapi/v1/listenKey"] if name == "wrong-secret" else [])


@pytest.mark.slow
def test_both_of_two_causes_are_reported(suite: SuiteRunner) -> None:
    """Both of two causes are reported."""
    with COMBINED["slow clock, withdrawals"].settings_of_its_exchange() as settings:
        done = suite(settings=settings)
    assert [one["cause"] for one in done.verdict["diagnosis"]] == ["clock_behind", "withdrawals_enabled"]


def test_the_address_to_whitelist_is_only_for_the_terminal(suite: SuiteRunner) -> None:
    """Shared reports say where the address is shown, and hide it."""
    with STORIES["ip-refused"].settings_of_its_exchange() as settings:
        done = suite(settings=settings)
    ticket = (suite.report_dir / "summary.md").read_text(encoding="utf-8")
    assert "add the address that Binance saw: 203.0.113.7. Then save" in " ".join(done.output.split())
    for shared in (str(done.verdict), done.page, ticket):
        assert "203.0.113" not in shared
        assert "add the address that Binance saw: hidden here, shown on the terminal that ran this. Then save" in shared


@pytest.mark.slow
def test_where_no_terminal_showed_the_address_no_report_says_so(suite: SuiteRunner, child: ChildRunner) -> None:
    """The reports of a replay, and of a run by another program, say how to see the address."""
    with STORIES["ip-refused"].settings_of_its_exchange() as settings:
        told = str(child(settings=settings).verdict)
    assert "Binance saw: hidden here; to see it, run keycheck in a terminal on the machine that ran this. Then" in told
    done = suite("--replay", "ip-refused")
    for text in (str(done.verdict), " ".join(done.output.split())):
        assert "Binance saw: hidden in the recording; a live run shows it on its terminal. Then" in text


@pytest.mark.parametrize("type_", mostly_slow(["HMAC", "ED25519"], 1))
def test_no_part_of_a_swapped_secret_is_shown(type_: str, suite: SuiteRunner) -> None:
    """If a secret was given as the API key, neither header nor reports show its last four characters.

    The same holds if there is a private key, too: the secret is then that of an older key.
    """
    with STORIES["swapped-credentials"].settings_of_its_exchange() as swapped:
        settings = swapped if type_ == "HMAC" else {**swapped, **ED25519.settings()}
        done = suite(settings=settings)
    summary = (suite.report_dir / "summary.md").read_text(encoding="utf-8")
    assert done.verdict["key"] == {"type": type_, "lastFour": None}
    assert "ending in" not in done.output + done.page + summary
    assert ("exchange the two values" in " ".join(done.output.split())) == (type_ == "HMAC")


@pytest.mark.slow
def test_a_demo_runs_checks_name_the_demo_menus(suite: SuiteRunner) -> None:
    """The fix of each check that did not pass leads to demo.binance.com."""
    with STORIES["wrong-environment"].settings_of_its_exchange() as settings:
        done = suite(settings=settings)
    assert "demo.binance.com > API Management" in done.check("signed_requests_are_accepted")["fix"]
    assert "Profile >" not in done.output


@pytest.mark.slow
def test_account_info_is_requested_once_if_it_decides(suite: SuiteRunner) -> None:
    """account/info is requested once, and counts among the run's requests."""
    with STORIES["older-key"].settings_of_its_exchange() as settings:
        done = suite(settings=settings)
    assert done.verdict["requests"]["walletWeight"] == 2
