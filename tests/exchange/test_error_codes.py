"""Every known code has the class that decides its meaning for a key."""

import pytest

from keycheck.exchange import error_codes
from keycheck.exchange.error_codes import Kind, kind_of

# Binance's codes by their meaning for a key: documented on "Error Codes" of USD-M futures, or seen live.
TABLE: dict[Kind, tuple[int, ...]] = {
    Kind.AUTHENTICATION: (-2014, -2015, -2008, -1022, -2017, -1002, -1099, -1011, -4056, -4057),
    Kind.CLOCK: (-1021, -5028),
    Kind.BARRED: (-4109, -1135, -4087, -4088, -4189, -4192, -4400, -4401, -4402, -2023),
    Kind.AGREEMENT: (-4411,),
    # Business reasons: key, address and signature are good. Missing funds have a class of their own.
    Kind.FUNDS: (-2018, -2019, -2027, -2028),
    Kind.ORDER_RULE: (
        *(-2010, -2011, -2013, -2020, -2021, -2022, -2025, -2026),
        *(-4001, -4002, -4003, -4004, -4005, -4013, -4014, -4015, -4016, -4023, -4024, -4028),
        *(-4045, -4046, -4047, -4048, -4059, -4060, -4061, -4062, -4067, -4068),
        *(-4116, -4118, -4120, -4131, -4140, -4141, -4164, -5021, -5022, -5029),
    ),
    Kind.FORMAT: (
        *(-1013, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1111, -1112, -1114, -1115, -1116, -1117, -1118),
        *(-1120, -1121, -1122, -1125, -1126, -1127, -1128, -1130, -1131, -1136),
    ),
    Kind.RATE: (-1003, -1015, -1034),
    Kind.TROUBLE: (-1000, -1001, -1006, -1007, -1008, -1016, -1109),
}
ROWS = [(code, kind) for kind, listed in TABLE.items() for code in listed]
SETS = {
    Kind.AUTHENTICATION: error_codes._AUTHENTICATION,
    Kind.CLOCK: error_codes._CLOCK,
    Kind.BARRED: error_codes._BARRED,
    Kind.AGREEMENT: error_codes._AGREEMENT,
    Kind.FUNDS: error_codes._FUNDS,
    Kind.ORDER_RULE: error_codes._ORDER_RULE,
    Kind.FORMAT: error_codes._FORMAT,
    Kind.RATE: error_codes._RATE,
    Kind.TROUBLE: error_codes._TROUBLE,
}


@pytest.mark.parametrize(("code", "kind"), ROWS)
def test_a_code_has_its_class(code: int, kind: Kind) -> None:
    """A code's class does not depend on the text beside it."""
    assert kind_of(code) is kind


def test_the_table_names_no_code_twice() -> None:
    """A code has one class."""
    assert len(ROWS) == len(dict(ROWS))


@pytest.mark.parametrize("kind", [kind for kind in TABLE if kind is not Kind.FORMAT])
def test_no_other_code_is_listed(kind: Kind) -> None:
    """A new code in keycheck needs a row in this table, with its source."""
    assert SETS[kind] == set(TABLE[kind])


def test_the_whole_range_of_request_errors_is_format() -> None:
    """-1100 to -1136 are about requests; even an undocumented code of that range says nothing about the key."""
    assert SETS[Kind.FORMAT] == {-1013, *range(-1136, -1099)} - {-1109, -1135}


def test_classes_do_not_overlap() -> None:
    """No code is in two classes, so their order does not matter."""
    assert sum(len(listed) for listed in SETS.values()) == len(set().union(*SETS.values()))


@pytest.mark.parametrize("code", [*range(-4209, -4201), -4403])
def test_a_limit_of_leverage_bars_no_account(code: int) -> None:
    """The code answers a change of leverage, which this suite never sends."""
    assert kind_of(code) is Kind.UNKNOWN


@pytest.mark.parametrize(
    "code", [None, 0, 1, 200, 1022, -1, -9999, -1020, -4199, -4201, -4210, -4399, -4404, -(10**20)]
)
def test_an_unlisted_code_is_unknown(code: int | None) -> None:
    """A missing code, code 0 (a restricted location) and new codes say nothing about the key."""
    assert kind_of(code) is Kind.UNKNOWN


@pytest.mark.parametrize("kind", Kind)
def test_only_refusals_of_key_account_or_place_speak_of_the_key(kind: Kind) -> None:
    """Codes about clocks, formats, rates and outages say nothing about the key."""
    assert kind.speaks_of_the_key is (kind in (Kind.AUTHENTICATION, Kind.BARRED, Kind.AGREEMENT, Kind.LOCATION))
