"""The pictures say what the numbers say: in place, in length, and in words for readers who cannot see them."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from keycheck.exchange.drift import Drift
from keycheck.exchange.endpoints import Host
from keycheck.exchange.evidence import Call
from keycheck.report.pictures.drift_scale import drift_scale
from keycheck.report.pictures.permission_matrix import description, permission_matrix
from keycheck.report.pictures.shapes import Picture, percent, signed
from keycheck.report.pictures.timeline import timeline
from keycheck.report.pictures.weight_bar import description as weight_description
from keycheck.report.pictures.weight_bar import weight_bar
from keycheck.verdict.findings import Outcome
from tests.sample_reports import CUT, ORDER, PERMISSIONS, PING, failing, healthy

STYLES = Path(__file__).parents[2] / "keycheck" / "report"


def words(picture: Picture) -> list[str]:
    """The texts in a picture."""
    return [one.text for one in picture.words]


# -- drift --


def marker(picture: Picture) -> float:
    """The place of the drift's marker, in per cent."""
    return next(one.x for one in picture.lines if one.kind == "marker")


def allowed(picture: Picture) -> list[tuple[float, float]]:
    """The ranges that both limits allow, in per cent."""
    return [(one.x, one.x + one.width) for one in picture.bars if one.kind == "allowed"]


@pytest.mark.parametrize(
    ("offset", "tone", "inside"),
    [
        (0, "pass", [True, True]),
        (-1900, "pass", [True, True]),
        (1500, "warn", [True, False]),
        (2500, "fail", [False, False]),
        (-3000, "fail", [False, True]),
        (-7000, "fail", [False, False]),
    ],
)
def test_the_drift_is_drawn_inside_or_beside_its_limits(offset: float, tone: str, inside: list[bool]) -> None:
    """The drift is drawn inside or beside a limit's allowed part, with the colour of the worse result."""
    picture = drift_scale(Drift(offset, 20), 5000)
    assert [low <= marker(picture) <= high for low, high in allowed(picture)] == inside
    assert picture.tone == tone


def test_the_limits_are_marked() -> None:
    """The limits stand with their numbers under the ends of the allowed ranges."""
    picture = drift_scale(Drift(0, 20), 5000)
    assert words(picture) == [
        "Keycheck's limit",
        "−2000",
        "+2000",
        "Binance's signing window",
        "−5000",
        "+1000",
        "0 ms ± 20",
    ]


def test_doubt_has_a_width() -> None:
    """The drift's uncertainty is drawn to both sides, in a colour of its own if the drift may be over a limit."""
    doubts = [next(one for one in drift_scale(Drift(0, by), 5000).bars if one.kind == "doubt") for by in (100, 200)]
    assert doubts[1].width == pytest.approx(2 * doubts[0].width, abs=0.02)
    assert drift_scale(Drift(1990, 100), 5000).tone == "unproven"


@pytest.mark.parametrize("offset", [-1e15, -60_000, 60_000, 1e15])
@pytest.mark.parametrize("recv_window", [1, 5000, 60_000])
def test_a_drift_off_the_scale_is_drawn_at_its_edge(offset: float, recv_window: int) -> None:
    """A drift off the scale is drawn at its edge with a remark, and nothing is drawn outside the picture."""
    picture = drift_scale(Drift(offset, 5), recv_window)
    assert marker(picture) == (99.5 if offset > 0 else 0.5)
    assert words(picture)[-1].endswith(" s, off this scale")
    assert all(0 <= one.x <= one.x + one.width <= 100.01 for one in picture.bars)


def test_the_scale_is_described_in_words() -> None:
    """The description names the drift, both limits, and the side of each on which the drift is."""
    assert drift_scale(Drift(1500, 20), 5000).description == (
        "The local clock is 1500 ms ahead of the exchange's, give or take 20 ms. Within Keycheck's limit of 2000 ms "
        "either way. Outside what Binance accepts: up to 5000 ms behind, under 1000 ms ahead."
    )


def test_numbers_have_their_sign() -> None:
    """A minus is as wide as a plus, and 0 has no sign."""
    assert [signed(number) for number in (-2000, 0, 1000, -0.2)] == ["−2000", "0", "+1000", "0"]


# -- permissions --


def test_a_healthy_key_has_what_it_should_and_nothing_else() -> None:
    """A healthy key's matrix begins with what the key should have, and then lists what it should not have."""
    rows = permission_matrix(PERMISSIONS)
    assert [row.name for row in rows[:3]] == ["enableReading", "enableFutures", "ipRestrict"]
    assert all(row.cells == ("yes", "yes") for row in rows[:3])
    assert all(row.cells == ("no", "no") for row in rows[3:])
    assert description(rows) == "Has what it should have, and nothing else."


@pytest.mark.parametrize(
    ("name", "has", "remark", "kind"),
    [
        ("enableWithdrawals", True, "surplus", "fail"),
        ("enableAlphaWithdrawals", True, "surplus", "fail"),
        ("alphaWITHDRAW", True, "surplus", "fail"),
        ("enableInternalTransfer", True, "surplus", "warn"),
        ("enableNewThing", True, "surplus", "warn"),
        ("enableFutures", False, "missing", "fail"),
        ("enableReading", False, "missing", "fail"),
        ("ipRestrict", False, "missing", "warn"),
    ],
)
def test_wrong_permissions_come_first(name: str, has: bool, remark: str, kind: str) -> None:
    """A wrong permission comes first, with its remark and its severity's colour, and the description names it."""
    rows = permission_matrix({**PERMISSIONS, name: has})
    assert (rows[0].name, rows[0].remark, rows[0].kind) == (name, remark, kind)
    assert [row.remark for row in rows[1:]] == [""] * (len(rows) - 1)
    assert rows[0].label in description(rows)


def test_a_permission_that_only_reads_may_be_held_or_not() -> None:
    """A permission that only reads is neither missing nor too much."""
    for has, shown in ((True, "yes"), (False, "no")):
        rows = permission_matrix({**PERMISSIONS, "enableFixReadOnly": has})
        (row,) = [row for row in rows if row.name == "enableFixReadOnly"]
        assert (row.cells, row.remark, row.kind) == ((shown, shown), "", "pass")
        assert description(rows) == "Has what it should have, and nothing else."


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("enableSpotAndMarginTrading", "Enable Spot & Margin & Stock Trading"),
        ("enableAlphaWithdrawals", "Enable Alpha Withdrawals"),
        ("enableWithdrawAlpha", "Enable Alpha Withdrawals"),
        ("enablePredictionTrading", "Enable Prediction Trading"),
        ("enableSymbolWhitelist", "Enable Symbol Whitelist"),
        ("enableNewThing", "enableNewThing"),
    ],
)
def test_permissions_have_the_words_of_the_menu(name: str, label: str) -> None:
    """Permissions have the labels of Binance's menu of October 2026; new ones are recognised by a word of the name."""
    assert label in [row.label for row in permission_matrix({**PERMISSIONS, name: True})]


def test_withdrawals_come_before_other_wrong_permissions() -> None:
    """Withdrawals come first, in any order of names."""
    rows = permission_matrix(
        {**PERMISSIONS, "enableInternalTransfer": True, "enableWithdrawals": True, "ipRestrict": False}
    )
    assert [row.name for row in rows[:3]] == ["enableWithdrawals", "ipRestrict", "enableInternalTransfer"]


# -- weight --


@pytest.mark.parametrize(
    ("used", "filled", "tone"), [(0, 0, "pass"), (2, 0.6, "pass"), (1200, 50, "pass"), (2000, 83.33, "warn")]
)
def test_weight_fills_its_bar(used: int, filled: float, tone: str) -> None:
    """The bar is filled in proportion to the limit; a small weight is still visible."""
    picture = weight_bar([replace(PING, used_weight=used)], 2400)
    assert picture
    assert (picture.bars[1].width, picture.tone) == (filled, tone)


def test_more_than_the_limit_is_a_full_bar() -> None:
    """More than the limit is a full bar, and no bar leaves its picture."""
    picture = weight_bar([replace(PING, used_weight=99_999)], 2400)
    assert picture
    assert (picture.bars[1].width, picture.tone) == (100, "fail")
    assert "100 %" in words(picture)


def test_weight_of_another_host_is_not_counted() -> None:
    """The wallet API has its own limits, so its weight is not counted; without a header, the run's own sum is drawn."""
    calls = [replace(PING, used_weight=None), replace(PING, host=Host.WALLET, used_weight=9000)]
    picture = weight_bar(calls, 2400)
    assert picture
    assert words(picture)[0] == "1 used"
    assert "Binance counted" not in picture.description


def test_without_a_limit_there_is_no_bar() -> None:
    """Without a known limit there is a sentence instead of a bar."""
    assert weight_bar([PING], None) is None
    assert weight_description([PING], None).startswith(
        "This run spent 1 of the futures API's request weight. The limit"
    )


# -- timeline --


def test_requests_are_drawn_to_one_scale() -> None:
    """Each request is drawn from its beginning with its duration, all to one scale."""
    rows = timeline([replace(PING, began_ms=1000), replace(ORDER, began_ms=1140)], (), ())
    assert [(row.picture.bars[0].x, row.picture.bars[0].width) for row in rows] == [(0, 20), (70, 30)]
    assert rows[1].picture.description == "sent 140 ms after the first, took 60 ms"


def test_a_quick_request_is_still_seen() -> None:
    """A short request, even of 0 ms or at the very end, has a visible bar inside the picture."""
    late = replace(PING, began_ms=100_000, duration_ms=0)
    for calls in ([PING, late], [replace(PING, duration_ms=0)]):
        bar = timeline(calls, (), ())[-1].picture.bars[0]
        assert bar.width > 0
        assert bar.x + bar.width <= 100


def test_a_refusal_that_a_check_wanted_is_not_a_cause_for_worry() -> None:
    """An expected refusal names the check that passes on it; any other refusal is drawn as one."""
    rows = timeline(healthy().calls, healthy().findings, ())
    assert (rows[1].kind, rows[1].note) == ("expected", "as it should be: check_7 passes on this refusal")
    assert (timeline([ORDER], (), ())[0].kind, timeline([ORDER], (), ())[0].note) == ("refused", "")


def test_a_refusal_that_another_check_fails_on_is_worth_a_look() -> None:
    """A refusal on which another check fails is not called expected, even if some checks pass on it."""
    passes = replace(healthy().findings[0], call_numbers=(1,))
    fails = replace(passes, outcome=Outcome.FAIL)
    assert timeline([ORDER], [passes], ())[0].note
    assert not timeline([ORDER], [passes, fails], ())[0].note


def test_a_request_that_was_answered_at_last_is_not_a_fault_of_the_key() -> None:
    """The timeline notes that a request was answered at the second attempt, which is not the key's fault."""
    report = failing()
    rows = timeline(report.calls, report.findings, report.overcome)
    assert rows[0].note == "answered when it was asked again: no fault of the key"
    assert rows[0].kind == "unproven"


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (PING, "HTTP 200, 40 ms"),
        (CUT, "no answer, 5 ms: the connection was cut"),
        (ORDER, "HTTP 400, code -4164, 60 ms: Order's notional must be no smaller than 50."),
    ],
)
def test_an_answer_is_described_in_one_line(call: Call, answer: str) -> None:
    """An answer is one line: status, code, duration, message."""
    assert timeline([call], (), ())[0].answer == answer


def test_a_part_is_within_its_whole() -> None:
    """A percentage is between 0 and 100 for any two numbers."""
    assert [percent(*pair) for pair in ((1, 4), (-1, 4), (9, 4), (1, 0), (0, -1))] == [25, 0, 100, 0, 0]


# -- colours --


def _palettes() -> dict[str, dict[str, str]]:
    text = (STYLES / "tokens.css").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in text.split("prefers-color-scheme: dark")[:2]
    )
    paper = dict(re.findall(r"--(\w+): (#\w{3,6})", (STYLES / "page.css").read_text(encoding="utf-8")))
    return {"light": light, "dark": dark, "print": paper}


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(("name", "palette"), _palettes().items(), ids=_palettes())
def test_every_colour_can_be_read(name: str, palette: dict[str, str]) -> None:
    """Contrast AA of each text colour on page and card: at least 4.5 to 1; of rules that carry a meaning, 3 to 1."""
    texts = ("ink", "quiet", "pass", "fail", "warn", "unproven", "blocked", "do")
    for ground in ("paper", "card"):
        for colour, least in [*((text, 4.5) for text in texts), ("rule", 3)]:
            dark, light = sorted((_luminance(palette[colour]), _luminance(palette[ground])))
            assert (light + 0.05) / (dark + 0.05) >= least, (name, colour, ground)
