"""The merged page in a real browser: quiet, whole at any width, light and dark, and readable by a screen reader."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from keycheck.fleet import changes
from tests.browser import Look, opened, overflow, printed_pages, violations
from tests.fleet.fleets import MIXED, ended, entry, made
from tests.sample_reports import HOSTILE, STARTED

NARROW, WIDE = Look(360, 640), Look()
LOOKS = (NARROW._replace(scheme="dark"), WIDE, NARROW, WIDE._replace(scheme="dark"))
MANY = [entry(f"an-account-with-a-long-name-{number:036}", "NOT_OK", "ip_not_allowed") for number in range(40)]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A merged page with everything that such a page can show."""
    before = [entry("bob"), *MIXED[2:], *MANY, entry("zed")]
    changes.remember(tmp_path, made(tmp_path, before), [one["account"] for one in before], STARTED)
    odd = entry("mallory", "UNPROVEN", "a_new_cause", lane="a-lane-with-a-name-of-sixty-four-letters-" + "x" * 23)
    odd["diagnosis"][0]["fix"] = HOSTILE
    cut = entry("a-run-that-was-cut-short", "UNPROVEN", "run_not_finished")
    cut["diagnosis"][0]["explanation"] = HOSTILE
    now = [*MIXED, *MANY, cut, odd | {"exchange": "local", "environment": "demo"}]
    made(tmp_path, now, ended(now, not_asked=["frank"]))
    return tmp_path / "index.html"


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
def test_it_is_quiet_and_whole(written: Path, look: Look, browser: Browser) -> None:
    """The page logs and requests nothing and fits its width, closed and open; axe finds nothing in it."""
    with opened(browser, written, look) as seen:
        assert overflow(seen) <= 0
        box = seen.page.locator("#kc-verdict").bounding_box()
        assert box
        assert box["y"] < look.height
        seen.page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
        assert overflow(seen) <= 0
        assert violations(seen) == []
        assert (seen.said, seen.asked) == ([], [])
        assert seen.page.title() == "NOT OK - Keycheck"


@pytest.mark.browser
def test_an_account_leads_to_its_report(written: Path, browser: Browser) -> None:
    """A click on an account opens its own report."""
    with opened(browser, written) as seen:
        seen.page.get_by_role("link", name="bob").first.click()
        assert seen.page.url == (written.parent / "accounts/bob/report.html").as_uri()


@pytest.mark.browser
def test_it_prints(written: Path, browser: Browser) -> None:
    """The print begins with the verdict and has each fix; long lists stay folded."""
    with opened(browser, written, Look(scheme="dark")) as seen:
        sheets = printed_pages(seen)
    assert "NOT OK" in sheets[0]
    text = " ".join("".join(sheets).split())
    assert "mend network_unreachable" in text
    assert "account-with-a-long-name" not in text
