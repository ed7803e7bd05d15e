"""Classifies Binance's error codes by what they say about a key. Pure.

Match only on the code: texts differ between the documentation and the live API, and HTTP 400 covers a bad signature
as well as an order that is too small. Source: USD-M futures "Error Codes", with the live observations that contradict
it noted beside the code.
"""

from enum import Enum


class Kind(Enum):
    """The class of an error code: the subject of a refusal that has this code."""

    AUTHENTICATION = "authentication or permission"
    CLOCK = "clock"
    BARRED = "barred account"
    AGREEMENT = "unsigned agreement"
    FUNDS = "funds or room"
    ORDER_RULE = "order rule"
    FORMAT = "request format"
    RATE = "rate limit"
    TROUBLE = "exchange trouble"
    LOCATION = "this machine's place"  # no code has this kind; an HTTP status or an error page shows it
    UNKNOWN = "unknown"

    @property
    def speaks_of_the_key(self) -> bool:
        """Whether a refusal of this kind is evidence about the key, its account or this machine's location."""
        return self in (Kind.AUTHENTICATION, Kind.BARRED, Kind.AGREEMENT, Kind.LOCATION)


_AUTHENTICATION = {
    -1002,  # not authorized
    -1011,  # this IP cannot access this route
    -1022,  # signature not valid: the secret does not belong to the key
    -1099,  # not found, unauthenticated, or unauthorized
    -2008,  # unknown key id; not on the futures page, seen live
    -2014,  # key format invalid
    -2015,  # invalid key, IP, or permissions: one text for at least nine causes
    -2017,  # API keys are locked on this account
    -4056,  # invalid api key type
    -4057,  # invalid api public key
}
_CLOCK = {-1021, -5028}
_BARRED = {
    -1135,  # invalid account status; not on the futures page, seen on a futures order (binance-us-api-docs#106)
    -2023,  # in liquidation
    -4087,  # reduce-only permission
    -4088,  # no place-order permission
    -4109,  # inactive account
    -4189,  # reduce-only on this symbol
    -4192,  # cooling-off period
    *range(-4402, -4399),  # quantitative rules, large position, regional compliance
}
# Binance's text: "Please sign TradFi-Perps agreement contract fapi." Only orders on TRADIFI_PERPETUAL contracts get it;
# read requests work. Seen since 2026-03 on real orders (freqtrade/freqtrade#12900); the futures page of error codes
# does not list it.
_AGREEMENT = {-4411}
_FUNDS = {
    -2018,  # balance insufficient
    -2019,  # margin insufficient
    -2027,  # over the position limit at this leverage
    -2028,  # leverage smaller than permitted: insufficient margin balance
}
ORDER_REJECTED = -2010  # on spot also for a contract that is not on the key's list (Enable Symbol Whitelist)
_ORDER_RULE = {
    *(ORDER_REJECTED, -2011, -2013, -2020, -2021, -2022, -2025, -2026),
    *range(-4005, -4000),
    *(-4013, -4014, -4015, -4016, -4023, -4024, -4028),
    *(-4045, -4046, -4047, -4048, -4059, -4060, -4061, -4062, -4067, -4068),
    *(-4116, -4118, -4120, -4131, -4140, -4141, -4164),
    *(-5021, -5022, -5029),
}
TOO_MANY_ORDERS = -1015  # of one account, from all addresses; the other limits are those of an address
_RATE = {-1003, TOO_MANY_ORDERS, -1034}
# "Invalid account." can mean maintenance (announcement of 2026-06-10). On the test network the error comes and goes:
# the next request with the same key is accepted (seen in 2026). It stays if the test network has removed the account.
INVALID_ACCOUNT = -1109
_TROUBLE = {-1000, -1001, -1006, -1007, -1008, -1016, INVALID_ACCOUNT}
_FORMAT = {-1013, *range(-1136, -1099)} - _BARRED - _TROUBLE

_KINDS = {
    code: kind
    for kind, codes in (
        (Kind.FORMAT, _FORMAT),
        (Kind.AUTHENTICATION, _AUTHENTICATION),
        (Kind.CLOCK, _CLOCK),
        (Kind.BARRED, _BARRED),
        (Kind.AGREEMENT, _AGREEMENT),
        (Kind.FUNDS, _FUNDS),
        (Kind.ORDER_RULE, _ORDER_RULE),
        (Kind.RATE, _RATE),
        (Kind.TROUBLE, _TROUBLE),
    )
    for code in codes
}


def kind_of(code: int | None) -> Kind:
    """The class of a Binance error code; `UNKNOWN` for no code, code 0 and codes that are in no table here."""
    return _KINDS.get(code, Kind.UNKNOWN) if code is not None else Kind.UNKNOWN
