"""Situations of a user and their results: the exchange's side, the user's side, the verdict and the diagnosis.

STORIES has one for each cause, which is also recorded as a cassette of its name. Those in COMBINED have two causes.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.exchange import API_KEY, API_SECRET, Fault, LocalExchange, Scenario
from tests.exchange.answers import Answer
from tests.exchange.scenarios import SCENARIOS
from tests.keys import ED25519, OTHER_ED25519, RSA, Key

WALLET = "/sapi/v1/account/apiRestrictions"
ACCOUNT = "/fapi/v1/accountConfig"
ORDER = "/fapi/v1/order/test"
LISTEN = "/fapi/v1/listenKey"
RULES = "/fapi/v1/exchangeInfo"
PRICE = "/fapi/v1/premiumIndex"
PING = "/fapi/v1/ping"
DAY = 86_400_000  # ms
PAGE = b"<!doctype html><html><title>Welcome</title><body>Accept the terms of this hotel</body></html>"


@dataclass(frozen=True)
class Story:
    """One situation and its expected result. `settings` override those of the exchange and of `private_key`.

    `away`: the exchange cannot be reached; `tls`: its certificate is not trusted; `careless`: others can read the
    settings file, and the clock is not synchronised; `in_environment`: names of settings that are not in that file.
    """

    name: str
    verdict: str
    cause: str | None = None
    confidence: str | None = None
    scenario: Scenario | Callable[[], Scenario] = Scenario  # a function makes it when the exchange is opened
    settings: Mapping[str, str] | None = None
    private_key: Key | None = None  # in a file, instead of a secret
    away: bool = False
    tls: bool = False
    careless: bool = False
    in_environment: tuple[str, ...] = ()

    def write(self, settings: Mapping[str, str], folder: Path) -> tuple[Path, dict[str, str]]:
        """Writes these settings into a file, except those in the environment. Returns the file and the exceptions."""
        file, outside = folder / "settings.env", {name: settings[name] for name in self.in_environment}
        lines = [f"{name}={value}\n" for name, value in settings.items() if name not in outside]
        file.write_text("".join(lines), encoding="utf-8")
        file.chmod(0o644 if self.careless else 0o600)
        return file, outside

    @property
    def exit_status(self) -> int:
        """The exit status that belongs to the verdict."""
        return {"OK": 0, "NOT_OK": 1, "UNPROVEN": 10}[self.verdict]

    @contextlib.contextmanager
    def settings_of_its_exchange(self) -> Iterator[dict[str, str]]:
        """The settings of the story's exchange, which is closed at the end of the block."""
        with self.exchange_and_settings() as (_, settings):
            yield settings

    @contextlib.contextmanager
    def exchange_and_settings(self) -> Iterator[tuple[LocalExchange, dict[str, str]]]:
        """The story's exchange, and its settings."""
        scenario = self.scenario if isinstance(self.scenario, Scenario) else self.scenario()
        with contextlib.ExitStack() as stack:
            exchange = stack.enter_context(LocalExchange(scenario))
            settings = exchange.settings() | (self.private_key.settings() if self.private_key else {})
            settings |= dict(self.settings or {})
            if self.tls:
                settings["BINANCE_FUTURES_URL"] = stack.enter_context(_stranger(exchange))
            if self.away:
                stack.pop_all().close()
            yield exchange, settings
            assert not exchange.real_orders


def _closed_after_the_first_clock_sample() -> Scenario:
    """An exchange that stops serving this machine's location after the run's first request."""
    answered: list[Answer] = []

    def close(due: Answer) -> Answer:
        answered.append(due)
        closed = Fault.restricted_location().answer
        return due if len(answered) == 1 or closed is None else closed

    return Scenario(faults={"/fapi/v1/time": Fault.altered(close)})


@contextlib.contextmanager
def _stranger(exchange: LocalExchange) -> Iterator[str]:
    import trustme  # noqa: PLC0415  it brings cryptography, which most stories do without

    from tests.tls import ADDRESS, Front, speaking  # noqa: PLC0415  as above

    with Front(speaking(trustme.CA().issue_cert(ADDRESS)), exchange.futures_url) as front:
        yield front.url


def registered(key: Key) -> Callable[[], Scenario]:
    """An exchange that has registered this key's public half."""
    return lambda: Scenario(public_key=key.public)


def banned() -> Scenario:
    """A ban that ends in 17 minutes."""
    return Scenario(faults={WALLET: Fault.banned(round(time.time() + 17 * 60) * 1000)})


def careless_owner() -> Scenario:
    """A key that is old, has surplus permissions, works from any address, and is about to expire."""
    now = round(time.time() * 1000)
    return Scenario(
        permissions={
            "ipRestrict": False,
            "permitsUniversalTransfer": True,
            "enableSpotAndMarginTrading": True,
            "createTime": now - 400 * DAY,
            "tradingAuthorityExpirationTime": now + round(9.5 * DAY),
        }
    )


def locked() -> Scenario:
    """Binance refuses orders that open a position for half an hour, because too many orders led to no trade."""
    until = round(time.time() + 30 * 60) * 1000
    return Scenario(indicators={"BTCUSDT": [{"indicator": "UFR", "isLocked": True, "plannedRecoverTime": until}]})


def of(name: str, **changes: object) -> Scenario:
    """A named scenario, with changes."""
    return replace(SCENARIOS[name], **changes)  # type: ignore[arg-type]


def at(path: str, fault: Fault, scenario: str = "healthy") -> Scenario:
    """A named scenario with a fault on one path, or on all with "*"."""
    return of(scenario, faults={path: fault})


def refused(code: int) -> Scenario:
    """An exchange that refuses every order with this code."""
    return Scenario(order_refusal=code)


_REFUSED_V6 = Fault.status(
    401, json.dumps({"code": -2015, "msg": "Invalid API-key, IP, or permissions, request ip: 2001:db8::7"})
)


def _listed_twice(due: Answer) -> Answer:
    """exchangeInfo that lists the contract under test once more after all others."""
    info = json.loads(due.body)
    info["symbols"].append(next(one for one in info["symbols"] if one["symbol"] == "BTCUSDT"))
    return replace(due, body=json.dumps(info).encode())


_PATH = Fault.refused(-5000)
_LOCKED = Fault.refused(-2017)
_DEMO = {"BINANCE_ENVIRONMENT": "demo", "BINANCE_WALLET_URL": ""}
_TAKES_MONEY = {"enableWithdrawals": True}
_NOT_OPENED = {"isFutureEnabled": False}

_ALL = (
    Story("healthy", "OK"),
    Story("hedge-mode", "OK", scenario=SCENARIOS["hedge-mode"]),
    Story("no-ip-restriction", "OK", scenario=SCENARIOS["no-ip-restriction"]),
    Story("unfunded", "OK", scenario=SCENARIOS["unfunded"]),
    Story("unfunded-accepted", "OK", scenario=SCENARIOS["unfunded-accepted"]),
    Story("not-as-expected", "OK", settings={"BINANCE_EXPECT": "one-way,single-asset,isolated"}),
    Story("ed25519", "OK", scenario=registered(ED25519), private_key=ED25519),
    Story("careless-owner", "OK", scenario=careless_owner),
    Story("careless-machine", "OK", scenario=Scenario(used_weight=2000), careless=True),
    Story("locked-indicator", "OK", scenario=locked),
    Story(
        "no-credentials",
        "NOT_OK",
        "no_credentials",
        "certain",
        settings={"BINANCE_API_KEY": "", "BINANCE_API_SECRET": ""},
    ),
    Story("malformed-key", "NOT_OK", "malformed_key", "certain", settings={"BINANCE_API_KEY": API_KEY[:61]}),
    Story("wrong-secret", "NOT_OK", "wrong_secret", "certain", SCENARIOS["wrong-secret"]),
    Story(
        "mixed-sources",
        "NOT_OK",
        "mixed_sources",
        "certain",
        SCENARIOS["wrong-secret"],
        in_environment=("BINANCE_API_KEY",),
    ),
    Story(
        "swapped-credentials",
        "NOT_OK",
        "swapped_credentials",
        "possible",
        settings={"BINANCE_API_KEY": API_SECRET, "BINANCE_API_SECRET": API_KEY},
    ),
    Story("unknown-key", "NOT_OK", "unknown_key", "possible", SCENARIOS["unknown-key"], private_key=ED25519),
    Story("ip-refused", "NOT_OK", "ip_not_allowed", "likely", SCENARIOS["ip-refused"]),
    Story("wrong-environment", "NOT_OK", "wrong_environment", "likely", SCENARIOS["unknown-key"], settings=_DEMO),
    Story("futures-disabled", "NOT_OK", "futures_not_enabled", "certain", SCENARIOS["futures-disabled"]),
    Story(
        "futures-account-not-opened",
        "NOT_OK",
        "futures_account_not_opened",
        "certain",
        of("futures-refuses", account_info=_NOT_OPENED),
    ),
    Story("portfolio-margin", "NOT_OK", "portfolio_margin_account", "certain", SCENARIOS["portfolio-margin"]),
    Story("older-key", "NOT_OK", "key_older_than_futures_account", "likely", SCENARIOS["futures-refuses"]),
    Story("read-only", "NOT_OK", "read_only_key", "likely", SCENARIOS["read-only"]),
    Story(
        "key-type-not-taken",
        "NOT_OK",
        "key_type_not_taken",
        "likely",
        lambda: replace(registered(ED25519)(), faults={ACCOUNT: Fault.refused(-1022)}),
        private_key=ED25519,
    ),
    Story("keys-locked", "NOT_OK", "keys_locked", "certain", Scenario(faults={WALLET: _LOCKED, ACCOUNT: _LOCKED})),
    Story("answers-contradict", "UNPROVEN", "answers_contradict", "likely", at(WALLET, Fault.refused(-2008))),
    Story("clock-ahead", "NOT_OK", "clock_ahead", "certain", SCENARIOS["clock-ahead"]),
    Story("clock-behind", "NOT_OK", "clock_behind", "certain", SCENARIOS["clock-behind"]),
    Story("withdrawals-enabled", "NOT_OK", "withdrawals_enabled", "certain", SCENARIOS["withdrawals-enabled"]),
    Story("trading-barred", "NOT_OK", "trading_barred", "certain", SCENARIOS["trading-barred"]),
    Story("cooling-off", "NOT_OK", "trading_barred", "certain", SCENARIOS["cooling-off"]),
    Story(
        "contract-not-tradable",
        "UNPROVEN",
        "contract_not_tradable",
        "certain",
        Scenario(symbol_overrides={"BTCUSDT": {"status": "SETTLING"}}),
    ),
    Story("unknown-contract", "UNPROVEN", "unknown_contract", "certain", settings={"BINANCE_SYMBOL": "BTCUSTD"}),
    Story("request-rejected", "UNPROVEN", "request_rejected", "likely", at(ACCOUNT, Fault.refused(-5000))),
    Story("agreement-not-signed", "NOT_OK", "agreement_not_signed", "certain", settings={"BINANCE_SYMBOL": "XAUUSDT"}),
    Story("restricted-location", "NOT_OK", "restricted_location", "certain", at("*", Fault.restricted_location())),
    Story("restricted-country", "NOT_OK", "restricted_location", "certain", at("*", Fault.country_403())),
    Story("firewall", "UNPROVEN", "blocked_by_firewall", "likely", at("*", Fault.waf_403())),
    Story("rate-limited", "UNPROVEN", "rate_limited", "certain", at(WALLET, Fault.rate_limited(30))),
    Story("banned", "UNPROVEN", "ip_banned", "certain", banned),
    Story("exchange-trouble", "UNPROVEN", "exchange_trouble", "certain", at("*", Fault.overloaded_503())),
    Story("maintenance", "UNPROVEN", "exchange_trouble", "likely", at("*", Fault.maintenance())),
    Story(
        "invalid-account",
        "UNPROVEN",
        "exchange_trouble",
        "likely",
        at(ACCOUNT, Fault.refused(-1109)),
        settings=_DEMO,
    ),
    Story("unreachable", "UNPROVEN", "network_unreachable", "likely", away=True),
    Story("stranger-certificate", "UNPROVEN", "tls_failure", "certain", tls=True),
    Story("captive-portal", "UNPROVEN", "not_binance", "certain", at("*", Fault.body(PAGE, "text/html"))),
)
STORIES = {story.name: story for story in _ALL}

_BOTH = (
    Story("slow clock, withdrawals", "NOT_OK", "clock_behind", "certain", of("clock-behind", permissions=_TAKES_MONEY)),
    Story(
        "wrong secret, no IP restriction",
        "NOT_OK",
        "wrong_secret",
        "certain",
        of("wrong-secret", permissions={"ipRestrict": False}),
    ),
    Story(
        "no futures permission, withdrawals",
        "NOT_OK",
        "futures_not_enabled",
        "certain",
        of("futures-disabled", permissions={"enableFutures": False, **_TAKES_MONEY}),
    ),
    Story("wrong secret, fast clock", "NOT_OK", "wrong_secret", "certain", of("wrong-secret", clock_offset_ms=-3000)),
    Story(
        "wrong secret, clock a little fast",
        "NOT_OK",
        "wrong_secret",
        "certain",
        of("wrong-secret", clock_offset_ms=-1500),
    ),
    Story("IP refused, slow clock", "NOT_OK", "clock_behind", "certain", of("ip-refused", clock_offset_ms=7000)),
    Story(
        "IP refused, quotes around the key",
        "NOT_OK",
        "ip_not_allowed",
        "likely",
        SCENARIOS["ip-refused"],
        settings={"BINANCE_API_KEY": f'"{API_KEY}"'},
    ),
    Story(
        "secret cut, so wrong", "NOT_OK", "malformed_key", "likely", settings={"BINANCE_API_SECRET": API_SECRET[:50]}
    ),
    Story("key pasted twice", "NOT_OK", "malformed_key", "certain", settings={"BINANCE_API_SECRET": API_KEY}),
    Story(
        "reads only, withdrawals", "NOT_OK", "withdrawals_enabled", "certain", of("read-only", permissions=_TAKES_MONEY)
    ),
    Story(
        "portfolio margin, withdrawals",
        "NOT_OK",
        "portfolio_margin_account",
        "certain",
        of("portfolio-margin", permissions=_TAKES_MONEY),
    ),
    Story(
        "futures refuse, account unknown",
        "NOT_OK",
        "futures_account_not_opened",
        "possible",
        at("/sapi/v1/account/info", Fault.bad_gateway(), "futures-refuses"),
    ),
    Story(
        "futures refuse, wallet cut off",
        "NOT_OK",
        "network_unreachable",
        "likely",
        at(WALLET, Fault.reset(), "futures-refuses"),
    ),
    Story("wallet cut off, healthy", "UNPROVEN", "network_unreachable", "likely", at(WALLET, Fault.reset())),
    Story(
        "wrong secret, wallet in trouble",
        "NOT_OK",
        "wrong_secret",
        "certain",
        at(WALLET, Fault.bad_gateway(), "wrong-secret"),
    ),
    Story(
        "withdrawals, orders limited",
        "NOT_OK",
        "withdrawals_enabled",
        "certain",
        at(ORDER, Fault.refused(-1015), "withdrawals-enabled"),
    ),
    Story(
        "barred, withdrawals",
        "NOT_OK",
        "withdrawals_enabled",
        "certain",
        of("trading-barred", permissions=_TAKES_MONEY),
    ),
    Story(
        "refused over IPv6, no address list known",
        "NOT_OK",
        "ip_not_allowed",
        "likely",
        Scenario(faults={WALLET: _REFUSED_V6, ACCOUNT: _REFUSED_V6}),
    ),
    Story("firewall before the wallet", "UNPROVEN", "blocked_by_firewall", "likely", at(WALLET, Fault.waf_403())),
    Story("firewall before the ping", "UNPROVEN", "blocked_by_firewall", "likely", at(PING, Fault.challenge_202())),
    Story("wallet closed to this place", "NOT_OK", "restricted_location", "certain", at(WALLET, Fault.country_403())),
    Story(
        "orders closed to this place",
        "NOT_OK",
        "restricted_location",
        "certain",
        at(ORDER, Fault.restricted_location()),
    ),
    Story("rules closed to this place", "NOT_OK", "restricted_location", "certain", at(RULES, Fault.country_403())),
    Story(
        "price closed to this place", "NOT_OK", "restricted_location", "certain", at(PRICE, Fault.restricted_location())
    ),
    Story(
        "clock closed to this place after its first answer",
        "NOT_OK",
        "restricted_location",
        "certain",
        _closed_after_the_first_clock_sample,
    ),
    Story(
        "cooling-off, hedge mode",
        "NOT_OK",
        "trading_barred",
        "certain",
        of("cooling-off", account={"dualSidePosition": True}),
    ),
    Story(
        "unknown key, wallet says -2008",
        "NOT_OK",
        "swapped_credentials",
        "likely",
        at(WALLET, Fault.refused(-2008), "unknown-key"),
    ),
    Story("stamp refused once", "OK", scenario=at(ACCOUNT, Fault.refused(-1021, times=1))),
    Story("stamp of an order refused once", "OK", scenario=at(ORDER, Fault.refused(-5028, times=1))),
    Story("invalid account, once", "OK", scenario=at(ACCOUNT, Fault.refused(-1109, times=1))),
    Story("invalid account for an order, once", "OK", scenario=at(ORDER, Fault.refused(-1109, times=1))),
    Story("invalid account", "UNPROVEN", "exchange_trouble", "likely", at(ACCOUNT, Fault.refused(-1109))),
    Story("invalid account for orders", "UNPROVEN", "exchange_trouble", "likely", at(ORDER, Fault.refused(-1109))),
    Story("maintenance of the wallet", "UNPROVEN", "exchange_trouble", "likely", at(WALLET, Fault.maintenance(400))),
    Story(
        "maintenance in the second text, from the first request on",
        "UNPROVEN",
        "exchange_trouble",
        "certain",
        at("*", Fault.status(400, '{"code":-1016,"msg":"Service is under maintenance."}')),
    ),
    Story("agreement signed", "OK", scenario=Scenario(agreement_signed=True), settings={"BINANCE_SYMBOL": "XAUUSDT"}),
    Story("demo, IP refused", "NOT_OK", "wrong_environment", "likely", SCENARIOS["ip-refused"], settings=_DEMO),
    Story("only the wallet refuses", "UNPROVEN", "answers_contradict", "likely", at(WALLET, Fault.refused(-2015))),
    Story("only the wallet says locked", "UNPROVEN", "keys_locked", "possible", at(WALLET, _LOCKED)),
    Story(
        "only futures refuse the signature",
        "NOT_OK",
        "answers_contradict",
        "likely",
        at(ACCOUNT, Fault.refused(-1022)),
    ),
    Story(
        "only futures do not know the key", "NOT_OK", "answers_contradict", "likely", at(ACCOUNT, Fault.refused(-2014))
    ),
    Story(
        "only orders refuse the signature", "NOT_OK", "answers_contradict", "likely", at(ORDER, Fault.refused(-1022))
    ),
    Story("account status invalid", "NOT_OK", "trading_barred", "certain", refused(-1135)),
    Story(
        "only futures name an address, no list",
        "NOT_OK",
        "key_older_than_futures_account",
        "likely",
        Scenario(faults={ACCOUNT: _REFUSED_V6}, permissions={"ipRestrict": False}),
    ),
    Story(
        "contract listed twice",
        "UNPROVEN",
        "not_binance",
        "likely",
        Scenario(faults={"/fapi/v1/exchangeInfo": Fault.altered(_listed_twice)}),
    ),
    Story(
        "unknown contract, withdrawals",
        "NOT_OK",
        "withdrawals_enabled",
        "certain",
        SCENARIOS["withdrawals-enabled"],
        {"BINANCE_SYMBOL": "BTCUSTD"},
    ),
    Story("an order's form refused", "UNPROVEN", "request_rejected", "likely", refused(-1102)),
    Story("a code that nobody has listed", "UNPROVEN", "request_rejected", "likely", refused(-9999)),
    Story("the smallest order breaks a rule", "UNPROVEN", "request_rejected", "likely", refused(-4131)),
    Story(
        "both hosts reject the request",
        "UNPROVEN",
        "request_rejected",
        "likely",
        Scenario(faults={WALLET: _PATH, ACCOUNT: _PATH}),
    ),
    Story(
        "clock read from afar", "UNPROVEN", "left_undecided", "certain", Scenario(latency_ms=60, clock_offset_ms=1990)
    ),
    Story("stream closed at once", "OK", scenario=SCENARIOS["stream-closed"]),
    Story("no listen key", "OK", scenario=at(LISTEN, Fault.refused(-2015))),
    Story(
        "stream closed at once, withdrawals",
        "NOT_OK",
        "withdrawals_enabled",
        "certain",
        of("stream-closed", permissions=_TAKES_MONEY),
    ),
    Story("wallet answers without flags", "UNPROVEN", "not_binance", "likely", at(WALLET, Fault.body(b"{}"))),
)
_ASYMMETRIC = (
    Story("Ed25519 key", "OK", scenario=registered(ED25519), private_key=ED25519),
    Story("RSA key with a passphrase", "OK", scenario=registered(RSA), private_key=RSA),
    Story("wrong private key", "NOT_OK", "wrong_secret", "certain", registered(ED25519), private_key=OTHER_ED25519),
    Story("private key for a secret", "NOT_OK", "wrong_secret", "certain", private_key=ED25519),
)
COMBINED = {story.name: story for story in (*_BOTH, *_ASYMMETRIC)}
