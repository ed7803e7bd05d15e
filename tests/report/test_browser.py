"""The page in a real browser: it is quiet, fits any width, is readable in light and dark, and needs no mouse."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from keycheck.report import page as report_page
from keycheck.report.model import RunReport
from tests.browser import Look, Seen, opened, overflow, printed_pages, violations
from tests.matrix import sample
from tests.record_cassettes import Shipped, shipped
from tests.running import SuiteRunner
from tests.sample_reports import REPORTS

NARROW, WIDE = Look(360, 640), Look()
LOOKS = [
    size._replace(scheme=scheme, script=script)
    for size in (NARROW, WIDE)
    for scheme in ("light", "dark")
    for script in (True, False)
]
BOTH_LIGHTS = (NARROW._replace(scheme="dark"), WIDE)  # both widths as well; axe takes a second for each
SUMMARY = "# NOT OK\n\n- what is wrong\n- what to do\n"
# -m slow opens these cassettes' pages in two looks; -m browser opens all cassettes' pages in every look.
OFTEN = ("ip-refused",)
CASSETTES = [
    *(
        pytest.param(row, [BOTH_LIGHTS[0], WIDE._replace(script=False)], id=row.name, marks=pytest.mark.slow)
        for row in shipped()
        if row.name in OFTEN
    ),
    *(pytest.param(row, LOOKS, id=f"{row.name}-whole", marks=pytest.mark.browser) for row in sample(shipped())),
]


@pytest.fixture
def written(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The page of the report that the test names."""
    file = tmp_path / "report.html"
    report: RunReport = REPORTS[request.param]
    file.write_text(report_page.render(report, SUMMARY), encoding="utf-8")
    return file


def assert_quiet_and_whole(seen: Seen) -> None:
    """Asserts that the page logs and requests nothing, fits its width, and shows the verdict on the first screen."""
    assert (seen.said, seen.asked) == ([], [])
    assert overflow(seen) <= 0
    box, size = seen.page.locator("#kc-verdict").bounding_box(), seen.page.viewport_size
    assert box
    assert size
    assert box["y"] + box["height"] < size["height"]


@pytest.mark.parametrize(("row", "looks"), CASSETTES)
def test_the_page_of_a_shipped_cassette(row: Shipped, looks: list[Look], browser: Browser, suite: SuiteRunner) -> None:
    """The page works with and without scripts, light and dark, narrow and wide; its print begins with the verdict."""
    suite("--replay", row.name)
    file = suite.report_dir / "report.html"
    for look in looks:
        with opened(browser, file, look) as seen:
            assert_quiet_and_whole(seen)
            if look in BOTH_LIGHTS:
                assert violations(seen) == []
    sheets = list(printed(browser, file))
    assert row.verdict.replace("_", " ") in sheets[0]
    details = next(number for number, sheet in enumerate(sheets) if sheet.startswith("All checks"))
    assert details <= 2  # a diagnosis of three causes takes a sheet of its own
    assert "At a glance" in "".join(sheets[:details])


@pytest.mark.browser
@pytest.mark.parametrize("written", ["hostile", "reversed", "long"], indirect=True)
@pytest.mark.parametrize("look", [NARROW, WIDE])
def test_hostile_texts_do_nothing(written: Path, look: Look, browser: Browser) -> None:
    """Hostile texts run nothing and request nothing, the layout holds, and all details can be opened."""
    with opened(browser, written, look) as seen:
        seen.page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
        assert seen.page.title() == "NOT OK - Keycheck"
        assert overflow(seen) <= 0
        assert (seen.said, seen.asked) == ([], [])
        box = seen.page.locator("#kc-verdict").bounding_box()
        assert box
        assert box["y"] < look.height


@pytest.mark.browser
@pytest.mark.parametrize(
    ("written", "scheme"),
    [
        ("failing", "light"),
        ("hostile", "dark"),
        ("failing", "dark"),
        ("demo", "light"),
    ],
    indirect=["written"],
)
def test_axe_finds_nothing_in_reports_made_by_hand(
    written: Path, scheme: Literal["light", "dark"], browser: Browser
) -> None:
    """axe finds nothing in reports made by hand, each of which shows something that no cassette does."""
    with opened(browser, written, NARROW._replace(scheme=scheme)) as seen:
        seen.page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
        assert violations(seen) == []


@pytest.mark.browser
@pytest.mark.parametrize("written", ["failing"], indirect=True)
def test_the_page_can_be_read_at_twice_its_size(written: Path, browser: Browser) -> None:
    """The page is readable when zoomed to 200 %, and when only its letters have 200 % of their size."""
    with opened(browser, written, Look(640, 400)) as seen:
        assert_quiet_and_whole(seen)
    for look in (NARROW, WIDE):
        with opened(browser, written, look) as seen:
            seen.page.add_style_tag(content="html { font-size: 200% }")
            assert overflow(seen) <= 0


@pytest.mark.browser
@pytest.mark.parametrize("written", ["failing"], indirect=True)
@pytest.mark.parametrize("script", [True, False])
def test_details_open_by_keyboard(written: Path, browser: Browser, script: bool) -> None:
    """Tab reaches the details, Enter opens them, and the focus is visible."""
    with opened(browser, written, Look(script=script)) as seen:
        keyboard, check = seen.page.keyboard, seen.page.locator(".kc-sheet details").first
        for _ in range(50):
            keyboard.press("Tab")
            if check.locator("summary").evaluate("one => one === document.activeElement"):
                break
        assert check.locator("summary").evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
        keyboard.press("Enter")
        assert check.get_by_text("Why it matters").is_visible()


@pytest.mark.browser
@pytest.mark.parametrize("written", ["failing"], indirect=True)
def test_one_click_selects_the_text_for_a_ticket(written: Path, browser: Browser) -> None:
    """One click selects the whole text for a ticket, and nothing else."""
    with opened(browser, written) as seen:
        seen.page.get_by_text("Copy this for a ticket").click()
        seen.page.locator(".kc-copy pre").click()
        assert seen.page.evaluate("String(getSelection())").strip() == SUMMARY.strip()


@pytest.mark.browser
@pytest.mark.parametrize("written", ["failing"], indirect=True)
def test_the_first_screen_says_what_is_wrong_and_what_to_do(written: Path, browser: Browser) -> None:
    """A wide screen shows the first fix without scrolling, and a narrow one the cause."""
    for look, text in ((NARROW, "The key can take money out"), (WIDE, "What to do:")):
        with opened(browser, written, look) as seen:
            box = seen.page.get_by_text(text).first.bounding_box()
            assert box
            assert box["y"] + box["height"] < look.height


def printed(browser: Browser, file: Path) -> Iterator[str]:
    """The text of each printed page."""
    with opened(browser, file, Look(scheme="dark")) as seen:
        for text in printed_pages(seen):
            yield " ".join(text.split())


@pytest.mark.browser
@pytest.mark.parametrize("written", ["healthy", "failing"], indirect=True)
def test_it_prints_on_one_sheet_and_its_details_on_more(written: Path, browser: Browser) -> None:
    """The first printed page ends before all checks; details that are closed on the screen are open on paper."""
    first, second, *more = printed(browser, written)
    assert "At a glance" in first
    assert "All checks" not in first
    assert second.startswith("All checks")
    assert "Why it matters" in second
    assert "The run" in " ".join([second, *more])


@pytest.mark.browser
def test_pytest_html_shows_the_verdict_first(browser: Browser, suite: SuiteRunner) -> None:
    """The page begins with the verdict; its table has claims and severities instead of node ids."""
    file = suite.folder / "page.html"
    suite("--replay", "withdrawals-enabled", f"--html={file}", "--self-contained-html", all_plugins=True)
    with opened(browser, file) as seen:
        tops = [
            seen.page.locator(one).bounding_box() for one in ("#kc-verdict", "#results-table", "#environment-header")
        ]
        heights = [box["y"] for box in tops if box]
        assert len(heights) == 3
        assert heights == sorted(heights)
        assert seen.page.title() == "Keycheck"
        heads = seen.page.locator("#results-table th").all_inner_texts()
        assert heads[:3] == ["Result", "Severity", "Claim, or what was seen"]
        row = seen.page.locator("#results-table tr.collapsible").first.locator("td").all_inner_texts()
        assert row[:3] == ["Failed", "critical", "The key can withdraw funds (enableWithdrawals)"]
        assert "::test_" not in seen.page.locator("#results-table").inner_text()
