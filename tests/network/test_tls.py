"""Real TLS on loopback: only the right certificate is accepted; a failure is refused, named and never bypassed."""

import contextlib
import datetime
import re
import shutil
import ssl
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from keycheck.errors import Inconclusive, Unreachable, UsageProblem
from keycheck.exchange.endpoints import ACCOUNT_CONFIG, API_RESTRICTIONS, AT_ONCE, PING, Endpoint, Host
from keycheck.network.transport import HttpTransport
from keycheck.redaction.secret import Secret
from tests.exchange import API_KEY, LocalExchange
from tests.matrix import mostly_slow
from tests.running import SuiteRunner
from tests.tls import ADDRESS, Front, Listener, Proxy, hosts, settings_for, shakes_hands, speaking, trusting_anybody

CANARY = "canary9canary"
NOTHING = Secret("")
OURS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
DAY = datetime.timedelta(days=1)

Issue = Callable[[trustme.CA], trustme.LeafCert]


@pytest.fixture(autouse=True)
def no_ca_of_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the CA bundles of this machine's owner; the control requests do without them, too."""
    for name in OURS:
        monkeypatch.delenv(name, raising=False)


@contextlib.contextmanager
def transport(url: str, bundle: str | None, proxy: str | None = None) -> Iterator[HttpTransport]:
    """A transport with one address for both hosts."""
    with contextlib.closing(HttpTransport(hosts(url), Secret(proxy) if proxy else None, bundle)) as opened:
        yield opened


def failure(http: HttpTransport, endpoint: Endpoint = ACCOUNT_CONFIG) -> Unreachable:
    """Sends a signed request that fails, and returns its error, which repeats neither the request nor the key."""
    with pytest.raises(Inconclusive) as caught:
        http.send(endpoint, Secret(f"signature={CANARY}"), Secret(CANARY), 5)
    error = caught.value
    assert isinstance(error, Unreachable)
    assert CANARY not in str(error)
    assert "://" not in str(error)
    assert error.__cause__ is error.__context__ is None
    return error


def now() -> datetime.datetime:
    """The current time in UTC, as certificates count it."""
    return datetime.datetime.now(datetime.UTC)


def self_signed(_: trustme.CA) -> trustme.LeafCert:
    """A certificate that is its own authority."""
    itself = trustme.CA()
    return trustme.LeafCert(itself.private_key_pem.bytes(), itself.cert_pem.bytes(), [])


BAD: dict[str, tuple[Issue, str]] = {
    "unknown authority": (lambda _: trustme.CA().issue_cert(ADDRESS), "unable to get local issuer"),
    "self-signed": (self_signed, "self.signed"),
    "another host": (lambda ca: ca.issue_cert("fapi.binance.com"), "not valid for"),
    "another address": (lambda ca: ca.issue_cert("127.0.0.2"), "not valid for"),
    "expired": (lambda ca: ca.issue_cert(ADDRESS, not_after=now() - DAY), "expired"),
    "not yet valid": (lambda ca: ca.issue_cert(ADDRESS, not_before=now() + DAY), "not yet valid"),
}
each_bad = pytest.mark.parametrize(("issue", "reason"), BAD.values(), ids=BAD)

# -- one request --


def test_the_certificate_of_our_own_authority_is_accepted(front: Front, bundle: str, exchange: LocalExchange) -> None:
    """A certificate of the authority in BINANCE_CA_BUNDLE is accepted."""
    with transport(front.url, bundle) as http:
        assert http.send(ACCOUNT_CONFIG, NOTHING, Secret(API_KEY), 5).status == 400
        assert http.send(PING, NOTHING, None, 5).status == 200
    assert [one.headers.get("x-mbx-apikey") for one in exchange.log] == [API_KEY, None]
    assert front.connections == 1


def test_without_it_the_same_certificate_is_refused(front: Front) -> None:
    """Without BINANCE_CA_BUNDLE only the public authorities are trusted."""
    with transport(front.url, None) as http:
        error = failure(http)
    assert error.kind == "tls"
    assert "BINANCE_CA_BUNDLE" in str(error)
    assert front.connections == 1
    assert front.received == b""


@pytest.mark.parametrize("endpoint", [ACCOUNT_CONFIG, API_RESTRICTIONS], ids=str)
@each_bad
def test_a_bad_certificate_is_refused(
    authority: trustme.CA, bundle: str, issue: Issue, reason: str, endpoint: Endpoint
) -> None:
    """A bad certificate is refused with its reason, on both hosts, before a byte of the request is sent."""
    with Listener(speaking(issue(authority))) as server, transport(server.url, bundle) as http:
        error = failure(http, endpoint)
        assert (server.connections, server.received) == (1, b"")
    assert error.kind == "tls"
    assert re.search(reason, str(error))
    assert "BINANCE_CA_BUNDLE" in str(error)


@each_bad
def test_a_bad_certificate_is_refused_behind_a_proxy(
    authority: trustme.CA, bundle: str, issue: Issue, reason: str
) -> None:
    """A bad certificate is refused behind a tunnel, too, and the proxy is not blamed."""
    with Listener(speaking(issue(authority))) as server, Proxy() as proxy:
        with transport(server.url, bundle, proxy.url) as http:
            error = failure(http)
        assert (proxy.connections, server.connections, server.received) == (1, 1, b"")
    assert error.kind == "tls"
    assert re.search(reason, str(error))


@each_bad
def test_a_client_without_verification_accepts_a_bad_certificate(
    authority: trustme.CA, issue: Issue, reason: str
) -> None:
    """A client that verifies nothing connects to the same server, so it is the verification that refuses."""
    assert reason
    with Listener(speaking(issue(authority))) as server:
        assert shakes_hands(server, trusting_anybody())


def test_a_common_name_is_not_a_host_name(authority: trustme.CA, bundle: str) -> None:
    """Only a certificate's list of host names counts, as in browsers."""
    nameless = authority.issue_cert("somebody@example.com", common_name="localhost")
    with Listener(speaking(nameless)) as server, transport(f"https://localhost:{server.port}", bundle) as http:
        assert failure(http).kind == "tls"
        assert (server.connections, server.received) == (1, b"")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=str)
def test_an_outdated_tls_is_refused(authority: trustme.CA, bundle: str, version: ssl.TLSVersion) -> None:
    """TLS 1.0 and 1.1 are refused with any certificate."""
    old, lenient = speaking(authority.issue_cert(ADDRESS)), trusting_anybody()
    for context in (old, lenient):
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with Listener(old) as server, transport(server.url, bundle) as http:
        if not shakes_hands(server, lenient):
            pytest.skip("the OpenSSL of this machine cannot speak it at all")
        assert failure(http).kind == "tls"
        assert (server.connections, server.received) == (2, b"")


@pytest.mark.parametrize("through_proxy", [False, True], ids=["direct", "proxy"])
@pytest.mark.parametrize("how", ["verify=False", "session.verify", "another bundle", "adapter"])
def test_certificates_are_always_verified(bundle: str, tmp_path: Path, through_proxy: bool, how: str) -> None:
    """Verification cannot be turned off through the inner requests session; only BINANCE_CA_BUNDLE decides."""
    stranger = trustme.CA()
    theirs = tmp_path / "theirs.pem"
    stranger.cert_pem.write_to_path(theirs)
    with Listener(speaking(stranger.issue_cert(ADDRESS))) as server, Proxy() as proxy:
        with transport(server.url, bundle, proxy.url if through_proxy else None) as http:
            session = http._session
            if through_proxy:
                session.proxies = {"https": proxy.url}
            headers = {"X-MBX-APIKEY": CANARY}
            prepared = requests.Request("GET", server.url + PING.path, headers=headers).prepare()
            attempts: dict[str, Callable[[], Any]] = {
                "verify=False": lambda: session.get(server.url + PING.path, verify=False, timeout=2),
                "session.verify": lambda: session.send(prepared, timeout=2),
                "another bundle": lambda: session.get(server.url + PING.path, verify=str(theirs), timeout=2),
                "adapter": lambda: http._adapter.send(prepared, verify=False, timeout=2, proxies=session.proxies),
            }
            session.verify = how != "session.verify"
            with warnings.catch_warnings(), contextlib.suppress(requests.RequestException, OSError, ValueError):
                warnings.simplefilter("ignore")  # urllib3 warns of unverified requests
                attempts[how]()
            assert failure(http).kind == "tls"
        assert server.received == b""


# -- settings of other programs --


@pytest.fixture
def folder(bundle: str, tmp_path: Path) -> Path:
    """Our authority in a folder as OpenSSL reads it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to name the file")
    command = [openssl, "x509", "-in", bundle, "-noout", "-subject_hash"]
    name = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()  # noqa: S603
    shutil.copy(bundle, tmp_path / f"{name}.0")
    return tmp_path


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("through_proxy", [False, True], ids=["direct", "proxy"])
def test_the_ca_of_other_programs_is_not_ours(  # noqa: PLR0913, PLR0917  fixtures
    front: Front, bundle: str, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, through_proxy: bool
) -> None:
    """With the authority in a file or folder of their own, other clients trust the server, and this one does not."""
    monkeypatch.setenv(name, str(folder) if name == "SSL_CERT_DIR" else bundle)
    if name.startswith("SSL_"):
        assert shakes_hands(front, ssl.create_default_context())
    else:
        assert requests.get(front.url + PING.path, timeout=5).status_code == 200
    front.received = b""
    with Proxy() as proxy, transport(front.url, None, proxy.url if through_proxy else None) as http:
        assert failure(http).kind == "tls"
        assert proxy.connections == through_proxy
    assert front.received == b""


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_the_ca_of_other_programs_does_not_displace_ours(
    front: Front, bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Only BINANCE_CA_BUNDLE counts, even beside another program's bundle, or a missing one."""
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    for value in (str(other), "/nowhere"):
        monkeypatch.setenv(name, value)
        with transport(front.url, bundle) as http:
            assert http.send(PING, NOTHING, None, 5).status == 200
    assert front.connections == 2


@pytest.mark.parametrize("way", ["direct", "proxy", "https proxy"])
def test_the_sessions_keys_are_written_nowhere(  # noqa: PLR0913, PLR0917  fixtures
    front: Front, authority: trustme.CA, bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """With the file of SSLKEYLOGFILE, a recording of the traffic could be decrypted, so none is written."""
    written = tmp_path / "keylog.txt"
    monkeypatch.setenv("SSLKEYLOGFILE", str(written))
    with Proxy(speaking(authority.issue_cert(ADDRESS)) if way == "https proxy" else None) as proxy:
        with transport(front.url, bundle, None if way == "direct" else proxy.url) as http:
            assert http.send(PING, NOTHING, None, 5).status == 200
        assert proxy.connections == (way != "direct")
    assert not written.exists()
    ssl.create_default_context(cafile=bundle)
    assert written.exists()  # the control: Python itself writes it


def test_a_bundle_without_certificates_is_named(tmp_path: Path) -> None:
    """A bundle without certificates is refused, instead of trusting the public authorities."""
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n")
    with pytest.raises(UsageProblem, match="BINANCE_CA_BUNDLE"):
        HttpTransport(hosts("https://127.0.0.1:1"), None, str(empty))


# -- whole runs --


@pytest.fixture
def wallet(authority: trustme.CA, exchange: LocalExchange) -> Iterator[Front]:
    """The wallet host over TLS, with the right certificate."""
    with Front(speaking(authority.issue_cert(ADDRESS)), exchange.wallet_url) as opened:
        yield opened


def test_a_run_over_tls_is_ok(
    suite: SuiteRunner, exchange: LocalExchange, front: Front, wallet: Front, bundle: str
) -> None:
    """A run over TLS with BINANCE_CA_BUNDLE is OK, and opens at most four connections."""
    done = suite(settings=settings_for(exchange, front, wallet, BINANCE_CA_BUNDLE=bundle))
    assert (done.exit_status, done.verdict["verdict"]) == (0, "OK")
    assert 1 <= front.connections <= AT_ONCE[Host.FUTURES]
    assert wallet.connections == AT_ONCE[Host.WALLET]
    assert exchange.real_orders == []


@pytest.mark.slow
def test_a_run_without_the_bundle_is_unproven(
    suite: SuiteRunner, exchange: LocalExchange, front: Front, wallet: Front, bundle: str
) -> None:
    """Other programs' CA settings do not make a run trust the exchange."""
    others = dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), bundle)
    done = suite(settings=settings_for(exchange, front, wallet, **others))
    assert done.exit_status != 0
    assert done.verdict["verdict"] == "UNPROVEN"
    assert "BINANCE_CA_BUNDLE" in done.output
    assert front.received == wallet.received == b""


@pytest.mark.slow
@each_bad
def test_a_run_against_a_bad_certificate_is_never_ok(  # noqa: PLR0913, PLR0917  fixtures
    suite: SuiteRunner, exchange: LocalExchange, authority: trustme.CA, bundle: str, issue: Issue, reason: str
) -> None:
    """The terminal and the page name the reason, and the key was not sent."""
    with Listener(speaking(issue(authority))) as bad:
        done = suite(settings=settings_for(exchange, bad, bad, BINANCE_CA_BUNDLE=bundle))
        assert bad.connections
        assert bad.received == b""
    assert done.exit_status != 0
    assert done.verdict["verdict"] in ("UNPROVEN", "NOT_OK")
    assert not done.verdict["ok"]
    assert re.search(reason, " ".join(done.output.split()))
    assert re.search(reason.replace("'", "&#39;"), done.page)


@pytest.mark.parametrize("which", mostly_slow(["futures", "wallet"], 1))
def test_one_bad_certificate_of_two_is_enough(  # noqa: PLR0913, PLR0917  fixtures
    suite: SuiteRunner, exchange: LocalExchange, front: Front, wallet: Front, bundle: str, which: str
) -> None:
    """A bad certificate of either host suffices for a verdict other than OK."""
    with Listener(speaking(trustme.CA().issue_cert(ADDRESS))) as bad:
        two = (bad, wallet) if which == "futures" else (front, bad)
        done = suite(settings=settings_for(exchange, *two, BINANCE_CA_BUNDLE=bundle))
        assert bad.connections
        assert bad.received == b""
    assert done.exit_status != 0
    assert done.verdict["verdict"] in ("UNPROVEN", "NOT_OK")
