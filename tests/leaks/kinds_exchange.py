"""Kinds of failure for the leak matrix: between an honest check and the exchange, and answers of a hostile exchange."""

import base64
import json
import textwrap
from urllib.parse import quote

from tests.exchange import API_KEY, API_SECRET, Fault, LocalExchange, Scenario
from tests.exchange.gatekeeper import EGRESS_IP
from tests.leaks.canaries import BALANCE, PROXY_USER
from tests.leaks.kind import ACCOUNT, REPLAY, Kind, Settings, at

PERMISSIONS = "/sapi/v1/account/apiRestrictions"
CONFIG = "/fapi/v1/accountConfig"
ORDER = "/fapi/v1/order/test"
SHORT = "import keycheck.network.transport as t\nt.REQUEST_SECONDS = 0.4\nt.CONNECT_SECONDS = 0.4\n"
DNS = (
    "import socket\n\ndef fail(*_, **__):\n    raise socket.gaierror(-2, 'Name or service not known')\n\n"
    "socket.getaddrinfo = fail\n"
)


def _with(**changes: str) -> Settings:
    return lambda exchange: exchange.settings() | changes


def _tls(exchange: LocalExchange) -> dict[str, str]:
    url = exchange.futures_url.replace("http:", "https:")
    return exchange.settings() | {"BINANCE_FUTURES_URL": url, "BINANCE_WALLET_URL": url}


def _proxy(exchange: LocalExchange) -> dict[str, str]:
    return exchange.settings() | {"BINANCE_PROXY": exchange.futures_url.replace("//", f"//{PROXY_USER}")}


def _refusal(text: str, code: int = -2015, status: int = 401) -> Fault:
    return Fault.status(status, json.dumps({"code": code, "msg": text}))


def _permissions(**fields: object) -> Fault:
    usual = {"enableFutures": False, "enableWithdrawals": True, "ipRestrict": True}
    return Fault.body(json.dumps(usual | fields).encode())


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(c):04x}" for c in text)


B64 = base64.b64encode(f"key={API_KEY}".encode()).decode()
HTML = f"<html><title>403 {API_KEY}</title><body>{API_SECRET} <script>var k='{API_KEY}'</script></body></html>"

EXCHANGE = (
    Kind("healthy", happens="log"),
    Kind("connection refused", closed=True),
    Kind("connection refused by proxy", settings=_proxy, closed=True),
    Kind("proxy that echoes", settings=_proxy, scenario=at("*", Fault.echo(407))),
    Kind("dns", conftest=DNS),
    Kind("read timeout", scenario=at(CONFIG, Fault.stall()), conftest=SHORT),
    Kind("reset", scenario=at(CONFIG, Fault.reset())),
    Kind("reset after headers", scenario=at(PERMISSIONS, Fault.reset_after_headers())),
    Kind("truncated body", scenario=at(CONFIG, Fault.truncated())),
    Kind("tls error", settings=_tls),
    Kind("key no header can carry", settings=_with(BINANCE_API_KEY=f"{API_KEY[:40]}\n{API_KEY[40:]}")),
    Kind("key with a stray letter", settings=_with(BINANCE_API_KEY=f"{API_KEY}é")),
    Kind("swapped key and secret", settings=_with(BINANCE_API_KEY=API_SECRET, BINANCE_API_SECRET=API_KEY)),
    Kind("key as another setting", settings=_with(BINANCE_SYMBOL=API_KEY, BINANCE_ENVIRONMENT=API_SECRET)),
    Kind("key as symbol", settings=_with(BINANCE_SYMBOL=API_KEY[:40])),
    Kind("key in a url setting", settings=_with(BINANCE_FUTURES_URL=f"https://{API_KEY}@127.0.0.1")),
    Kind("malformed header lines", malformed=True, happens="log"),
    Kind("echo in 200", scenario=at("*", Fault.echo())),
    Kind("echo in 400", scenario=at(CONFIG, Fault.echo(400))),
    Kind("echo in 500", scenario=at(ORDER, Fault.echo(500))),
    Kind("key in fields of a 200", scenario=at(PERMISSIONS, _permissions(yourKey=API_KEY, enableX=API_SECRET))),
    Kind("key as name of a field", scenario=at(PERMISSIONS, _permissions(**{API_KEY: 1, f"enable{API_SECRET}": True}))),
    Kind("key in msg of a refusal", scenario=at(CONFIG, _refusal(f"Invalid key {API_KEY}, request ip: {EGRESS_IP}"))),
    Kind("key cut in msg", scenario=at(CONFIG, _refusal(f"{API_KEY[:20]}...{API_SECRET[-20:]} or {API_KEY[11:21]}"))),
    Kind("key reversed in msg", scenario=at(CONFIG, _refusal(API_KEY[::-1]))),
    Kind("key in base64 in msg", scenario=at(CONFIG, _refusal(f"data:text/plain;base64,{B64}"))),
    Kind("key percent-encoded in msg", scenario=at(CONFIG, _refusal("".join(f"%{ord(c):02X}" for c in API_KEY)))),
    Kind("key in entities in msg", scenario=at(CONFIG, _refusal("".join(f"&#{ord(c)};" for c in API_KEY)))),
    Kind("key in escapes in msg", scenario=at(CONFIG, _refusal(_escaped(API_KEY)))),
    Kind("key in hex in msg", scenario=at(CONFIG, _refusal(API_KEY.encode().hex()))),
    Kind("key in upper case in msg", scenario=at(CONFIG, _refusal(f"{API_KEY.upper()} {API_SECRET.lower()}", -9999))),
    Kind("key with zero-width characters", scenario=at(CONFIG, _refusal("\u200b".join(API_KEY), -9999))),
    Kind("key in wrapped base64 in msg", scenario=at(CONFIG, _refusal("\n".join(textwrap.wrap(B64, 12)), -9999))),
    Kind("account in a refusal", scenario=at(ORDER, _refusal(f"{EGRESS_IP} has {BALANCE}, account 12345678", -4192))),
    Kind("account in an unknown refusal", scenario=at(ORDER, _refusal(f"{BALANCE} of {EGRESS_IP}", -9999))),
    Kind(
        "listen key of our names",
        scenario=at("/fapi/v1/listenKey", Fault.body(b'{"listenKey": "schemaVersion-suiteVersion"}')),
        happens="log",
    ),
    Kind("key twice percent-encoded", scenario=at(ORDER, _refusal(quote("".join(f"%{ord(c):02x}" for c in API_KEY))))),
    Kind("key in redirect", scenario=at(CONFIG, Fault.redirect(f"https://x.invalid/?key={API_KEY}&s={API_SECRET}"))),
    Kind("key in error page", scenario=at(CONFIG, Fault.status(403, HTML, content_type="text/html"))),
    Kind("key in content type", scenario=at(CONFIG, Fault.status(200, "{}", content_type=f"text/{API_KEY}"))),
    Kind(
        "key in headers", scenario=at(CONFIG, Fault.status(429, "{}", headers={"Retry-After": API_KEY, "X": API_KEY}))
    ),
    Kind("address refused", scenario=Scenario(account=ACCOUNT, ip_allowed=False)),
    Kind("address limited", scenario=at(CONFIG, Fault.rate_limited(30))),
    Kind("address banned", scenario=at(CONFIG, Fault.banned(1_900_000_000_000))),
    Kind("trading barred", scenario=Scenario(account={**ACCOUNT, "canTrade": False})),
    Kind("withdrawals enabled", scenario=Scenario(account=ACCOUNT, permissions={"enableWithdrawals": True})),
    Kind("order refused", scenario=Scenario(account=ACCOUNT, order_refusal=-2019, read_only=True)),
    Kind("clock behind", scenario=Scenario(account=ACCOUNT, clock_offset_ms=7_000)),
    Kind("firewall", scenario=at("*", Fault.waf_403())),
    Kind(
        "cassette miss",
        options=("--replay", "cassettes/short.yaml"),
        closed=True,
        left_out={"record": REPLAY, "all-at-once": REPLAY},
    ),
)
