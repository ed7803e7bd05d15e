"""The hosts of a run are Binance's, this machine's or another's; every report names those that are not Binance's."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from keycheck.cassettes.label import RECORDED_FROM, origin
from keycheck.errors import UsageProblem
from keycheck.exchange import hosts
from keycheck.exchange.endpoints import DEMO_HOSTS, ENVIRONMENTS, STREAMS
from keycheck.exchange.hosts import Exchange, exchange_of, is_local, route_of
from keycheck.report import page, summary, terminal, verdict_json
from keycheck.report.model import ELSEWHERE, RunReport
from keycheck.settings import loading
from tests.exchange import LocalExchange
from tests.matrix import mostly_slow
from tests.running import ROOT, Finished, SuiteRunner
from tests.sample_reports import healthy

BINANCES = (
    *(url for pair in ENVIRONMENTS.values() for url in pair if url),
    *STREAMS.values(),
    *DEMO_HOSTS,
    *(
        "https://api1.binance.com",
        "https://api-gcp.binance.com",
        "https://fapi.binance.com:8443",
        "https://binance.com",
    ),
)
OTHERS = (
    *("https://evilbinance.com", "https://binance.com.evil.org", "https://fapi-binance.com", "https://binance.co"),
    *("https://fapi.binance.com.", "https://.binance.com", "https://a..binance.com", "https://-.binance.com"),
    *("https://xn--bnance-cta.com", "https://fapi.xn--binance-.com", "https://binance.us", "https://api.binance.us"),
    *("https://testnet.binance.vision", "https://binance.com:8443.evil.org", "https://binancefuture.com.evil.org"),
    *("https://localhost.example.com", "https://127.0.0.1.example.com", "https://10.0.0.1", "https://[2001:db8::1]"),
    *("https://fapi_binance.com", "https://binance.com%2eevil.org", "https://", "", "nonsense"),
)
LOCALS = ("http://127.0.0.1:1", "http://127.8.8.8", "http://localhost:8080", "https://localhost", "ws://[::1]:1")
KINDS: dict[Exchange, tuple[str, ...]] = {"binance": BINANCES, "local": LOCALS, "other": OTHERS}


@pytest.mark.parametrize(("kind", "url"), [(kind, url) for kind, urls in KINDS.items() for url in urls])
def test_a_host_is_binances_by_its_domain_alone(kind: Exchange, url: str) -> None:
    """A host is Binance's only by its exact domain: no other beginning or end, no final dot, no empty part."""
    assert exchange_of([url]) == kind
    assert is_local(url) is (kind == "local")


def test_a_proxy_on_this_machine_may_have_a_user() -> None:
    """A proxy's URL may have a user and be local; a URL with a user does not count as Binance's."""
    assert is_local("http://user:word@127.0.0.1:3128")
    assert exchange_of(["https://user@fapi.binance.com"]) == "other"


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789.-_:@/%#?", max_size=20), st.sampled_from(["binance.com", ""]))
@example("evil", "binance.com")
@example("evil.org/", "binance.com")
@example("evil.org#.", "binance.com")
@example("a@evil.org?", "binance.com")
def test_nothing_in_front_of_a_domain_makes_it_binances_but_names_and_dots(front: str, domain: str) -> None:
    """A law: a host of Binance's consists of names and dots in front of one of its domains."""
    if exchange_of([f"https://{front}{domain}"]) == "binance":
        host = f"{front}{domain}".partition("/")[0].partition(":")[0]
        assert host == "binance.com" or host.endswith(".binance.com")


def test_the_least_trustworthy_of_several_hosts_counts() -> None:
    """A stranger's host counts before this machine's, and this machine's before Binance's."""
    binance, local, other = BINANCES[0], LOCALS[0], OTHERS[0]
    assert exchange_of([binance, BINANCES[1]]) == "binance"
    assert exchange_of([binance, local]) == exchange_of([local, binance]) == "local"
    assert exchange_of([binance, local, other]) == exchange_of([other, binance]) == "other"


# -- the setting --

URLS = {
    "BINANCE_FUTURES_URL": "https://fapi.example.com",
    "BINANCE_WALLET_URL": "https://api.example.com",
    "BINANCE_STREAM_URL": "wss://fstream.example.com",
}


def load(**values: str) -> loading.Settings:
    """Loads these settings and no others."""
    return loading.load(Path("nowhere"), environ=values)


@pytest.mark.parametrize(("name", "url"), URLS.items())
@pytest.mark.parametrize("allow", [{}, {"BINANCE_ALLOW_OTHER_HOSTS": ""}, {"BINANCE_ALLOW_OTHER_HOSTS": " off "}])
def test_another_host_is_sent_no_key_unless_that_is_allowed(name: str, url: str, allow: Mapping[str, str]) -> None:
    """The refusal is one sentence that names both settings, and not the host."""
    with pytest.raises(UsageProblem, match=f"{name} .* BINANCE_ALLOW_OTHER_HOSTS=on") as caught:
        load(**{name: url}, **allow)
    assert "example.com" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "url"), URLS.items())
def test_another_host_may_be_allowed(name: str, url: str) -> None:
    """BINANCE_ALLOW_OTHER_HOSTS=on allows other hosts; Binance's hosts and this machine's are always allowed."""
    assert load(**{name: url}, BINANCE_ALLOW_OTHER_HOSTS="on").exchange == "other"
    scheme = url.partition(":")[0]
    assert load(**{name: f"{scheme}://x.binance.com"}).exchange == "binance"
    assert load(**{name: f"{scheme}://127.0.0.1:1"}).exchange == "local"


@pytest.mark.parametrize("value", ["yes", "ON", "1", "true"])
def test_only_on_allows_other_hosts(value: str) -> None:
    """BINANCE_ALLOW_OTHER_HOSTS is on or off; any other value is a usage error."""
    with pytest.raises(UsageProblem, match="BINANCE_ALLOW_OTHER_HOSTS must be on or off"):
        load(BINANCE_ALLOW_OTHER_HOSTS=value)


def test_a_stream_that_is_not_opened_answers_nothing() -> None:
    """If the stream is off, its host does not matter for the origin of the answers."""
    stream = {"BINANCE_STREAM_URL": "ws://127.0.0.1:1", "BINANCE_USER_STREAM": "off"}
    assert load(**stream).exchange == "binance"


# -- the reports that name the origin --


@pytest.mark.parametrize("exchange", ["local", "other", "binance", None])
@pytest.mark.parametrize("mode", ["live", "replay"])
def test_every_report_names_an_origin_that_is_not_binance(exchange: Exchange | None, mode: str) -> None:
    """Terminal, page, section and ticket name an origin that is not Binance, and say of a replay that it tests no key.

    verdict.json always names the origin.
    """
    report: RunReport = replace(healthy(), exchange=exchange, mode=mode)  # type: ignore[arg-type]
    told = report.elsewhere
    is_elsewhere = exchange in ("local", "other")
    assert told.startswith("This is a replay: no key was tested now.") is (mode == "replay")
    lines = [line for line, _ in terminal.summary(report, "reports/report.html", 200)]
    assert ("not from Binance" in "\n".join(lines)) is is_elsewhere
    if told:
        assert lines[-3] == told  # right before the verdict
    for text in (page.render(report), page.render_section(report), summary.render(report)):
        assert ("not from Binance" in text) is is_elsewhere
        assert told in text
    assert verdict_json.as_dict(report)["exchange"] == exchange


def shown(done: Finished, runner: SuiteRunner) -> list[str]:
    """All that a reader sees, with line ends as blanks."""
    ticket = (runner.report_dir / "summary.md").read_text(encoding="utf-8")
    return [" ".join(text.split()) for text in (done.output, done.page, ticket)]


@pytest.mark.parametrize("how", mostly_slow(["-qq", "", "-q", "-v"], 1))
def test_a_live_run_says_that_the_exchange_is_local(how: str, suite: SuiteRunner) -> None:
    """A run against a local exchange says so, even with -qq."""
    with LocalExchange() as exchange:
        done = suite(*how.split(), settings=exchange.settings())
    assert done.exit_status == 0
    assert done.verdict["exchange"] == "local"
    assert all(ELSEWHERE["local"] in text for text in shown(done, suite))


def test_a_replay_says_where_it_was_recorded(suite: SuiteRunner) -> None:
    """A replay names the origin on its label: every shipped cassette comes from a local exchange."""
    done = suite("--replay", "healthy", "-q")
    assert done.verdict["exchange"] == "local"
    assert all("from a local exchange" in text and "not from Binance" in text for text in shown(done, suite))


def relabelled(folder: Path, **changes: str) -> str:
    """The healthy cassette with a changed label."""
    document = yaml.safe_load((ROOT / "cassettes" / "healthy.yaml").read_text(encoding="utf-8"))
    document["metadata"]["keycheck"] |= changes
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("recorded", "exchange"), mostly_slow([("production", "binance"), ("another host", "other")], 1)
)
def test_a_label_says_whether_the_host_was_binances(
    recorded: str, exchange: str, suite: SuiteRunner, tmp_path: Path
) -> None:
    """A label says whether the recorded host was Binance's own."""
    done = suite("--replay", relabelled(tmp_path, recorded_from=recorded))
    assert (done.exit_status, done.verdict["exchange"]) == (0, exchange)
    assert ("not from Binance" in done.output) is (exchange == "other")


def test_a_label_cannot_claim_two_networks_at_once(suite: SuiteRunner, tmp_path: Path) -> None:
    """A label of one network with the settings of the other is refused."""
    assert suite("--replay", relabelled(tmp_path, recorded_from="demo")).exit_status == 4


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_origin_can_be_written_on_a_label(environment: str) -> None:
    """An origin has an environment's name only if Binance's own hosts answered."""
    origins: dict[Exchange, str] = {kind: origin(kind, environment) for kind in KINDS}
    assert set(origins.values()) <= set(RECORDED_FROM)
    assert origins["binance"] == environment
    assert {origins["local"], origins["other"]}.isdisjoint(ENVIRONMENTS)


def test_another_host_is_a_usage_error_before_anything_is_sent(suite: SuiteRunner) -> None:
    """A host that is not allowed ends the run with exit 4, and no verdict says OK."""
    with LocalExchange() as exchange:
        named = exchange.settings() | {"BINANCE_WALLET_URL": "https://wallet.invalid"}
        done = suite(settings=named)
        assert exchange.log == []
    assert (done.exit_status, done.verdict["ok"], done.verdict["exchange"]) == (4, False, None)
    assert "BINANCE_ALLOW_OTHER_HOSTS" in done.output
    assert json.dumps(done.verdict).count("wallet.invalid") == 0
    assert hosts.LEAST_TRUSTED_FIRST[0] == "other"


@pytest.mark.parametrize(
    ("url", "proxy", "route"),
    [
        ("https://fapi.binance.com", "", ""),
        ("https://demo-fapi.binance.com", "", ""),
        ("", "", ""),  # not set
        ("https://[x", "", ""),  # refused later
        ("https://fapi.binance.com", "http://user:password@Proxy.example:3128", " proxy.example:3128"),
        ("http://127.0.0.1:9111/", "", "127.0.0.1:9111 "),
        ("https://relay.example", "http://127.0.0.1:1", "relay.example 127.0.0.1:1"),
    ],
)
def test_a_route_names_the_other_host_and_the_proxy(url: str, proxy: str, route: str) -> None:
    """Direct requests to Binance share one count of request weight; any other host or proxy has another address."""
    assert route_of(url, proxy) == route
