"""The command `keycheck serve`: reads its options, and runs the server (uvicorn on asyncio and h11)."""

import argparse
import asyncio
import contextlib
import ssl
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from keycheck import bounded_files, option_values, process
from keycheck.errors import UsageProblem
from keycheck.exchange.hosts import is_loopback
from keycheck.redaction.redactor import Redactor
from keycheck.serve import listening
from keycheck.serve.endpoint import Endpoint
from keycheck.serve.guards import LOOPBACK, SHORTEST_TOKEN
from keycheck.serve.problem import Problem
from keycheck.settings import loading

GRACE = 7.0  # seconds for which a run goes on after SIGTERM, before it is cut short
_END = 9  # seconds after SIGTERM for which the server waits for clients that neither send nor read
_HEADERS = 10.0  # seconds for the headers of a request
_ANSWER = 120.0  # seconds for an answer: a run takes 90 at most, and its client has to read
_MOST_CONNECTIONS = 100  # at once; some systems give a process 256 descriptors, and each run takes a few
_LONGEST_PEM = 2**16  # bytes of a certificate's chain from a pipe
_USAGE_ERROR = 4
_TRUSTED = """\
--behind-proxy trusts that only your proxy can reach this port, that the proxy speaks TLS to all clients, and that it
writes their address as the last one of X-Forwarded-For, by which wrong tokens are counted.
"""


class Server(uvicorn.Server):
    """Serves one endpoint. `config`: further settings of uvicorn."""

    def __init__(self, endpoint: Endpoint, host: str, port: int, **config: Any) -> None:
        fixed: dict[str, Any] = {"loop": "asyncio", "http": _Connection, "ws": "none", "lifespan": "off"}
        fixed |= {"workers": 1}  # otherwise uvicorn reads WEB_CONCURRENCY, which may be meant for another server
        quiet: dict[str, Any] = {"log_config": None, "log_level": "critical", "access_log": False}
        quiet |= {"server_header": False, "proxy_headers": False, "timeout_graceful_shutdown": _END}
        super().__init__(uvicorn.Config(endpoint, host=host, port=port, **fixed, **quiet, **config))
        self._endpoint = endpoint

    @property
    def url(self) -> str:
        """The page's address, once the server has started; the system may have chosen the port."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http{'s' if self.config.is_ssl else ''}://{f'[{host}]' if ':' in host else host}:{port}/"

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  as uvicorn has it
        """A first signal ends the server, with status 0, after its runs; a second one ends it at once."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def startup(self, sockets: Any = None) -> None:
        try:
            sockets = sockets or listening.listen(self.config.host, self.config.port, _MOST_CONNECTIONS)
        except (OSError, UnicodeError):
            sys.exit(_USAGE_ERROR)  # as uvicorn ends if it cannot listen
        await super().startup(sockets)
        bounded_files.tell(sys.stdout, f"Test your API key: {self.url} (Ctrl-C ends this)\n")

    async def shutdown(self, sockets: Any = None) -> None:
        self._endpoint.end()
        cut_short = asyncio.get_running_loop().call_later(GRACE, self._endpoint.cancel_all)
        try:
            await super().shutdown(sockets)
        finally:
            cut_short.cancel()
            self._endpoint.cancel_all()


class _Connection(H11Protocol):
    """A connection that is closed if a request's headers or its answer take too long: uvicorn would wait for ever."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > _MOST_CONNECTIONS:  # on Windows; elsewhere it was closed before
            transport.abort()
        self.loop.call_later(_HEADERS, self._look, None)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's own words
        """Answers bytes that are not HTTP. uvicorn's own answer is plain text, and a cache may keep it.

        There is no second answer if they belong to the body of a request that has been answered.
        """
        problem = Problem(400, "This is not an HTTP request: ask as openapi.json says.").response()
        headers = [*problem.raw_headers, (b"cache-control", b"no-store"), (b"connection", b"close")]
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):  # otherwise h11 raises, and asyncio logs a traceback
            for event in (
                h11.Response(status_code=400, headers=headers),
                h11.Data(bytes(problem.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event))
        self.transport.close()

    def _look(self, last: RequestResponseCycle | None, seconds: float = 0.0) -> None:
        """Closes the connection if `last`, its request at the previous check, is answered and none has followed.

        Closes it, too, if the answer to `last`, which began `seconds` ago, takes too long. A closing connection waits
        until its client has read the last answer, so that has the same limit.
        """
        if self not in self.connections:  # it is closed
            return
        seconds = seconds + _HEADERS if self.cycle is last else 0.0
        is_idle = (last is None or last.response_complete) and not self.transport.is_closing()
        if self.cycle is last and (is_idle or seconds >= _ANSWER):
            self.transport.abort()
        else:
            self.loop.call_later(_HEADERS, self._look, self.cycle, seconds)


def main(arguments: Sequence[str]) -> int:
    """Serves the page and the endpoint until a signal ends it; returns the exit status."""
    prepared = process.Prepared()
    try:
        server = _server(_parser().parse_args(arguments), partial(process.run, prepared=prepared))
    except (UsageProblem, ValueError) as problem:
        return _refuse(str(problem))
    try:
        prepared.prepare()
        server.run()
    except SystemExit:  # the server cannot listen
        return _refuse("this host and port cannot be used: is another program there? Choose another port with --port")
    finally:
        prepared.close()
    return 0


def _server(given: argparse.Namespace, run: Callable[..., process.Finished]) -> Server:
    """The server that the options describe. Raises UsageProblem and ValueError."""
    is_open = not is_loopback(given.host)
    has_tls = bool(given.tls_cert and given.tls_key)
    if bool(given.tls_cert) != bool(given.tls_key):
        raise UsageProblem("--tls-cert and --tls-key go together: name both files")
    if is_open and not (has_tls or given.behind_proxy):
        raise UsageProblem(
            "other machines can reach --host, and keys would travel unencrypted: add --tls-cert and --tls-key, or "
            "--behind-proxy if a proxy of yours speaks TLS"
        )
    if (is_open or given.behind_proxy) and not given.token_file:
        raise UsageProblem("whoever reaches this endpoint may use it: add --token-file FILE, with a long random text")
    names = [*LOOPBACK] if not is_open else []
    names += [f"[{given.host}]" if ":" in given.host else given.host, *given.allow_host]
    if given.host in ("0.0.0.0", "::") and not given.allow_host:  # noqa: S104  it is refused here
        raise UsageProblem("--host is every address of this machine: add --allow-host NAME, the name that clients use")
    if given.replace and not given.save_to:
        raise UsageProblem("--replace is about the file of --save-to: name it, or leave --replace out")
    env_file = given.env_file or Path(".env")
    endpoint = Endpoint(
        settings=loading.of_a_server(env_file, required=given.env_file is not None),
        hosts=names,
        token=_token(given.token_file),
        behind_proxy=given.behind_proxy,
        frame_ancestors=given.frame_ancestor,
        slots=given.slots,
        share=given.share,
        receipt_key=_contents(given.receipt_key_file, "--receipt-key-file"),
        save_to=given.save_to,
        replace=given.replace,
        run=run,
    )
    with contextlib.ExitStack() as pipes:
        files = {"ssl_certfile": (given.tls_cert, "--tls-cert"), "ssl_keyfile": (given.tls_key, "--tls-key")}
        tls = {name: _for_openssl(*file, pipes) for name, file in files.items()} if has_tls else {}
        server = Server(endpoint, given.host, given.port, **tls)
        try:
            server.config.load()
        except (OSError, ssl.SSLError):
            raise UsageProblem(
                "--tls-cert and --tls-key are not a certificate and its key: name two PEM files"
            ) from None
    if given.behind_proxy:
        bounded_files.tell(sys.stdout, _TRUSTED)
    return server


def _token(path: Path | None) -> bytes | None:
    token = _contents(path, "--token-file")
    if token is not None and not token.isascii():  # no client could send it: a byte order mark, or UTF-16
        raise UsageProblem("--token-file is not plain ASCII text: make it with openssl rand -hex 32")
    if token is not None and len(token.strip()) < SHORTEST_TOKEN:
        raise UsageProblem(
            f"--token-file holds fewer than {SHORTEST_TOKEN} characters: make it with openssl rand -hex 32"
        )
    return token.strip() if token else None


def _for_openssl(path: Path, option: str, pipes: contextlib.ExitStack) -> Path:
    """The file of a certificate or its key, which may be a pipe such as a shell's `<(...)`."""
    try:
        return pipes.enter_context(bounded_files.for_another_reader(path, _LONGEST_PEM))
    except bounded_files.Missing:
        return path
    except bounded_files.Unreadable as problem:
        raise _unusable(option, problem) from None


def _contents(path: Path | None, option: str) -> bytes | None:
    if path is None:
        return None
    try:
        return bounded_files.read(path, 4096)
    except bounded_files.Unreadable as problem:
        raise _unusable(option, problem) from None


def _unusable(option: str, problem: bounded_files.Unreadable) -> UsageProblem:
    return UsageProblem(f"the file of {option} {problem}: name another")


def _refuse(sentence: str) -> int:
    bounded_files.tell(sys.stderr, f"ERROR: {sentence}\n")
    return _USAGE_ERROR


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.exit(_refuse(f"{Redactor().clean(message)}: see keycheck serve --help"))  # it may repeat a token


def _host(text: str) -> str:
    """The address, without the brackets that an IPv6 address has in a URL."""
    return option_values.text(text).removeprefix("[").removesuffix("]")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**16):
        raise argparse.ArgumentTypeError("a number from 0 to 65535")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    path, text = option_values.path, option_values.text
    parser = _Parser(
        "keycheck serve",
        allow_abbrev=False,
        description="Serves a page that tests API keys, and POST /binance behind it.",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", type=_host, help="address to listen on (default: %(default)s, this machine)"
    )
    parser.add_argument("--port", default=8765, type=_port, help="(default: %(default)s)")
    parser.add_argument(
        "--token-file", type=path, metavar="FILE", help="clients have to send its text as a Bearer token"
    )
    parser.add_argument("--tls-cert", type=path, metavar="FILE")
    parser.add_argument("--tls-key", type=path, metavar="FILE")
    parser.add_argument("--behind-proxy", action="store_true", help="a proxy speaks TLS, and names clients' addresses")
    parser.add_argument(
        "--allow-host", action="append", default=[], type=text, metavar="NAME", help="a name that clients may use"
    )
    parser.add_argument(
        "--frame-ancestor", action="append", default=[], type=text, metavar="ORIGIN", help="may embed the page"
    )
    parser.add_argument("--slots", default=4, type=int, help="runs at once (default: %(default)s)")
    parser.add_argument(
        "--share", default=0.5, type=float, help="part of the address's request weight to spend (default: %(default)s)"
    )
    parser.add_argument("--receipt-key-file", type=path, metavar="FILE", help="at least 32 bytes (default: random)")
    parser.add_argument("--save-to", type=path, metavar="FILE", help="where Save on the page writes a tested key")
    parser.add_argument("--replace", action="store_true", help="FILE may exist; its other lines are kept")
    parser.add_argument("--env-file", type=path, metavar="PATH", help="settings of the runs (default: .env), no keys")
    return parser
