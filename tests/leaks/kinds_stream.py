"""Failures of the account's user data stream, whose listen key is a secret for an hour."""

from tests.exchange import Fault, Scenario, StreamFault
from tests.leaks.kind import ACCOUNT, Kind, at, careless

_PATH = "/fapi/v1/listenKey"
_SHORT = "import keycheck.network.stream as s\ns.OPEN_SECONDS = s.PONG_SECONDS = 1.0\n"
_QUOTING = (
    "import keycheck.network.websocket as w\n\ndef quote(self):\n"
    "    raise RuntimeError(self._protocol.uri, self._protocol.connect())\n\nw.Conversation.{} = quote\n"
)
_GIVEN = "listen_key = binance.stream_key().listen_key.reveal()\n"


def _stream(name: str, fault: StreamFault | None = None, conftest: str = "") -> Kind:
    return Kind(name, Scenario(account=ACCOUNT, stream=fault), conftest=conftest, happens="stream")


STREAM = (
    _stream("listen key in an error frame", StreamFault.error("no {listen_key}")),
    Kind(
        "listen key among the subscriptions",
        Scenario(account=ACCOUNT, subscriptions='{"result":["{listen_key}@x"],"id":1}'),
        options=("-vv",),
        happens="stream",
        left_out={"no-terminal": "-vv is an option of pytest's terminal plugin, so nothing is probed"},
    ),
    _stream("listen key in listenKeyExpired", StreamFault.expired()),
    _stream("listen key in a message", StreamFault.message('{"stream":"{listen_key}","data":{}}')),
    _stream("listen key in the reason of a close", StreamFault.closed(1008, "{listen_key}")),
    _stream("listen key in an error page", StreamFault.refused(403, "<title>{listen_key}</title>")),
    _stream(
        "listen key in a refusal", StreamFault.refused(401, '{"code":-2015,"msg":"{listen_key}"}', "application/json")
    ),
    _stream("stream that stalls", StreamFault.stalled(), _SHORT),
    _stream("stream that never pongs", StreamFault.silent(), _SHORT),
    _stream("stream that is cut", StreamFault.cut()),
    _stream("stream without an end", StreamFault.endless()),
    _stream("stream of rubbish", StreamFault.raw("HTTP/1.1 101 {listen_key}\r\nX: {listen_key}\r\n\r\n")),
    _stream("library that quotes the stream's address", conftest=_QUOTING.format("ping")),
    Kind("echo of the request for a listen key", scenario=at(_PATH, Fault.echo(400)), happens="log"),
    careless("print of the listen key", f"{_GIVEN}print(listen_key)\nassert listen_key is None"),
    careless(
        "listen key in an exception",
        f"{_GIVEN}raise RuntimeError(f'wss://x/private/ws?listenKey={{listen_key}}&events=x')",
    ),
)
