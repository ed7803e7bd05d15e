"""`keycheck serve` as a process: its options, its end, and what it prints."""

import contextlib
import errno
import io
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from keycheck import bounded_files
from keycheck.serve import command
from tests.children import children, wait_until
from tests.exchange import Fault, LocalExchange, Scenario
from tests.running import ROOT
from tests.serve.serving import GIVEN, JSON, TOKEN, Serving, holds_secret


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """The files that the options in the table name, by name."""
    texts = {"token": f"{TOKEN}\n", "short": "0123456789abcdef\n", "text": "no PEM", "settings": "BINANCE_SYMBOL=!!\n"}
    texts["marked"] = f"\ufeff{TOKEN}\n"  # as Windows' editors may begin a text
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return {name: str(tmp_path / name) for name in (*texts, "missing")}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--host 0.0.0.0", "keys would travel unencrypted"),
        ("--host 192.0.2.1 --token-file {token}", "keys would travel unencrypted"),
        ("--host 192.0.2.1 --behind-proxy", "add --token-file"),
        ("--host 192.0.2.1 --tls-cert {text} --tls-key {text}", "add --token-file"),
        ("--behind-proxy", "add --token-file"),
        ("--host 0.0.0.0 --behind-proxy --token-file {token}", "add --allow-host"),
        ("--tls-cert {text}", "go together"),
        ("--tls-cert {text} --tls-key {text}", "not a certificate and its key"),
        ("--tls-cert {missing} --tls-key {missing}", "not a certificate and its key"),
        ("--token-file {short}", "fewer than 32 characters"),
        ("--token-file {marked}", "--token-file is not plain ASCII text"),
        ("--token-file {missing}", "the file of --token-file"),
        ("--receipt-key-file {short}", "at least 32 bytes"),
        ("--share 0", "share must be"),
        ("--share much", "--share: invalid float value"),
        ("--port 65536", "argument --port: a number from 0 to 65535"),
        ("--slots 0", "slots must be 1 or more"),
        ("--save-to=", "--save-to: empty, perhaps from an unset variable: see"),
        ("--tls-cert= --tls-key=", "--tls-cert: empty"),
        ("--allow-host=", "--allow-host: empty"),
        ("--allow-host app.example:8443", "such as app.example or [2001:db8::1], and app.example:8443 is not"),
        ("--allow-host https://app.example", "without https:// and without a port"),
        ("--allow-host app.example/", "a host must be a name"),
        ("--allow-host *.example", "a host must be a name"),
        ("--allow-host ::1", "a host must be a name"),
        ("--replace", "--replace is about the file of --save-to"),
        ("--frame-ancestor evil;", "a frame ancestor must be an origin"),
        ("--env-file {missing}", "there is no settings file"),
        ("--env-file {settings}", "BINANCE_SYMBOL is not a contract's name"),
        ("--everything", "unrecognized arguments: --everything: see keycheck serve --help"),
        (f"--token {'0f' * 32}", "unrecognized arguments: --token [hidden]: see"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(
    options: str, sentence: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad option ends the command with status 4 and one sentence that names the remedy."""
    try:
        status: Any = command.main(options.format(**files).split())
    except SystemExit as ended:
        status = ended.code
    printed = capsys.readouterr()
    assert (status, printed.out) == (4, "")
    assert sentence in printed.err
    assert len(printed.err.splitlines()) == 1


def test_variables_of_other_servers_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB_CONCURRENCY, which some platforms set for their own servers, is no setting of this one."""
    monkeypatch.setenv("WEB_CONCURRENCY", "auto")
    with Serving(tmp_path) as serving:
        assert serving.ask("GET", "/healthz").status == 200


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_ipv6_address_may_have_brackets(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With and without the brackets of a URL it is this machine, so that no token is asked for, and the port counts."""
    try:
        other = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with other:
        assert command.main(["--host", host, "--port", str(other.getsockname()[1])]) == 4
    assert "Choose another port with --port" in capsys.readouterr().err


def test_a_port_in_use_is_refused_in_a_sentence(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that another server uses is refused in a sentence."""
    assert command.main(["--port", str(serving.port)]) == 4
    assert "Choose another port with --port" in capsys.readouterr().err


def test_without_its_libraries_it_names_the_extra() -> None:
    """Without the libraries of the extra, one sentence says what to install."""
    code = "import sys; sys.modules['uvicorn'] = None; from keycheck.__main__ import main; sys.exit(main())"
    done = subprocess.run(  # noqa: S603  ours
        [sys.executable, "-c", code, "serve"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert 'In the folder of Keycheck: pip install ".[serve]" (or ' in done.stderr  # not on a package index
    assert done.stderr.count("\n") == 1


@contextlib.contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Starts `keycheck serve` as a process; yields the address of its page, and the process."""
    own = {"XDG_RUNTIME_DIR": str(folder), "TMPDIR": str(folder / "temporary"), "PYTHONPATH": str(ROOT)}
    (folder / "temporary").mkdir()
    with subprocess.Popen(  # noqa: S603  ours
        [sys.executable, "-m", "keycheck", "serve", "--port", "0", *options],
        cwd=folder,
        env=os.environ | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line.startswith("Test your API key: "), line + (process.stderr.read() if process.stderr else "")
            yield line.split()[4], process
        finally:
            process.kill()


def post(url: str, context: ssl.SSLContext | None = None, **headers: str) -> dict[str, Any]:
    asked = urllib.request.Request(f"{url}binance", json.dumps(GIVEN).encode(), JSON | headers)  # noqa: S310  ours
    with urllib.request.urlopen(asked, timeout=30, context=context) as answer:  # noqa: S310  as above
        found: dict[str, Any] = json.load(answer)
        return found


@pytest.mark.slow
def test_it_serves_with_the_settings_of_its_folder(tmp_path: Path, exchange: LocalExchange) -> None:
    """Hosts come from .env, and key and secret there are not used; it prints only its address, and ends with 0."""
    other = {"BINANCE_API_KEY": "A" * 64, "BINANCE_API_SECRET": "B" * 64}
    lines = [f"{name}={value}\n" for name, value in (exchange.settings() | other).items()]
    (tmp_path / ".env").write_text("".join(lines))
    with served(tmp_path) as (url, process):
        assert post(url)["verdict"] == "OK"
        process.terminate()
        printed = "".join(process.communicate(timeout=10))
    assert (process.returncode, printed) == (0, "")
    assert (tmp_path / "keycheck/purse.sqlite").is_file()


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_log_that_is_full_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If stdout and stderr take no more, the server still starts, and refuses options with 4."""
    monkeypatch.setattr(sys, "stdout", Full())
    monkeypatch.setattr(sys, "stderr", Full())
    with Serving(tmp_path) as serving:
        assert serving.ask("GET", "/healthz").status == 200
    with pytest.raises(SystemExit, match="4"):
        command.main(["--everything"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
@pytest.mark.parametrize("options", ["--tls-cert {0} --tls-key {0}", "--tls-cert {1} --tls-key {0}"])
def test_a_certificate_is_not_waited_for_for_ever(
    options: str, tmp_path: Path, authority: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A TLS option that names a pipe without a writer ends the command with 4 and a sentence."""
    monkeypatch.setattr(bounded_files, "SECONDS", 0.2)
    os.mkfifo(tmp_path / "pipe")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "tls.pem")
    assert command.main(options.format(tmp_path / "pipe", tmp_path / "tls.pem").split()) == 4
    assert "was not written to its end within 0.2 s: name another" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("from_pipes", [False, True])
def test_it_serves_over_tls(from_pipes: bool, tmp_path: Path, exchange: LocalExchange, authority: Any) -> None:
    """With certificate and key, the server speaks only TLS; with a token file, it requires the token."""
    certificate = authority.issue_cert("127.0.0.1")
    pem = certificate.private_key_and_cert_chain_pem
    pem.write_to_path(tmp_path / "tls.pem")
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "s.env").write_text("".join(f"{name}={value}\n" for name, value in exchange.settings().items()))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    names = ("tls.pem", "tls.pem")
    if from_pipes:  # as with a shell's <(...)
        names = ("cert.pipe", "key.pipe")
        for name in names:
            os.mkfifo(tmp_path / name)
            threading.Thread(target=(tmp_path / name).write_bytes, args=(pem.bytes(),), daemon=True).start()
    tls = ("--tls-cert", str(tmp_path / names[0]), "--tls-key", str(tmp_path / names[1]))
    more = ("--token-file", str(tmp_path / "token"), "--env-file", str(tmp_path / "s.env"))
    with served(tmp_path, *tls, *more) as (url, _):
        assert url.startswith("https://")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            post(url, context)
        assert post(url, context, Authorization=f"Bearer {TOKEN}", Origin=url.rstrip("/"))["verdict"] == "OK"
        with pytest.raises(urllib.error.HTTPError, match="403"):  # a page that came unencrypted
            post(url, context, Authorization=f"Bearer {TOKEN}", Origin=url.rstrip("/").replace("https", "http"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("signals", "seconds"),
    [
        ([signal.SIGTERM], 10),
        ([signal.SIGINT, signal.SIGINT], 3),
        ([signal.SIGKILL], 3),
    ],
)
def test_it_ends_within_ten_seconds_and_leaves_no_child(
    signals: list[signal.Signals], seconds: float, tmp_path: Path
) -> None:
    """A signal ends the server within ten seconds, a second one or a kill at once; no child of a run is left."""
    with LocalExchange(Scenario(faults={"*": Fault.stall()})) as exchange, ThreadPoolExecutor() as pool:
        (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in exchange.settings().items()))
        with served(tmp_path) as (url, process):
            waiting = pool.submit(post, url)
            wait_until(lambda: exchange.log)
            for number in signals:
                process.send_signal(number)
                time.sleep(0.3)  # two equal signals at once would be delivered as one
            printed = "".join(process.communicate(timeout=seconds))
        wait_until(lambda: not children(tmp_path / "temporary"), 8)
        if signals == [signal.SIGTERM]:
            assert waiting.result(5)["verdict"] == "UNPROVEN"
            assert process.returncode == 0
        else:
            assert waiting.exception(5)
    assert not holds_secret(printed.encode())
    assert "Traceback" not in printed


def test_behind_a_proxy_it_says_what_it_trusts(
    files: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --behind-proxy it prints what it trusts, and listens only on this machine if no host is named."""
    made: list[command.Server] = []
    monkeypatch.setattr(command.Server, "run", lambda server: made.append(server))  # noqa: PLW0108  bound to each
    assert command.main(["--behind-proxy", "--token-file", files["token"], "--env-file", files["text"]]) == 0
    assert "only your proxy can reach this port" in capsys.readouterr().out
    assert command.main([]) == 0
    assert capsys.readouterr().out == ""
    assert [(one.config.host, one.config.proxy_headers, one.config.access_log) for one in made] == [
        ("127.0.0.1", False, False)
    ] * 2
