"""docs/examples/platform_app.py in a real browser: a wrong secret, the right one, and the account is connected."""

import importlib
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import Look, opened, overflow, violations
from tests.exchange import API_KEY, API_SECRET, LocalExchange
from tests.running import ROOT
from tests.serve.served import served

EVENTS = """window.events = [];
for (const name of ["keycheck:check", "keycheck:verdict"]) {
    document.addEventListener(name, (event) => events.push(event.detail));
}"""


@pytest.fixture
def platform(exchange: LocalExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The example; its keys are tested at the local exchange."""
    monkeypatch.syspath_prepend(ROOT / "docs/examples")
    module = importlib.import_module("platform_app")
    return module.Platform(settings=exchange.settings(no_credentials=True), purse_folder=tmp_path / "purse")


@pytest.mark.browser
def test_a_platform_connects_only_tested_keys(platform: Any, browser: Browser) -> None:
    """A wrong secret is explained, the right one activates the platform's own button, and its server takes the key."""
    with served(platform.app) as url, opened(browser, url, Look(360, 640)) as seen:
        page, connect = seen.page, seen.page.get_by_role("button", name="Connect this account")
        page.evaluate(EVENTS)
        expect(page.get_by_label("Environment")).to_be_hidden()  # the platform trades in only one
        page.get_by_label("API key", exact=True).fill(API_KEY)
        page.get_by_label("API secret").fill("x" * 64)
        page.get_by_role("button", name="Test key").click()
        expect(page.get_by_label("Verdict")).to_contain_text("not fit", timeout=30_000)
        expect(page.get_by_text("Need help with wrong_secret?")).to_be_visible()
        expect(connect).to_be_disabled()
        assert violations(seen) == []
        page.get_by_label("API secret").fill(API_SECRET)
        page.get_by_role("button", name="Test key").click()
        expect(page.get_by_label("Verdict")).to_contain_text("This key is fit", timeout=30_000)
        assert (violations(seen), overflow(seen)) == ([], 0)
        connect.click()
        expect(page.get_by_role("list", name="Connected accounts")).to_contain_text(f"ending in {API_KEY[-4:]}")
        assert (seen.said, {url} & set(seen.asked)) == ([], set())
        events = page.evaluate("events")
    assert platform.accounts.saved == [(API_KEY, API_SECRET, "")]
    verdicts = [one for one in events if "verdict" in one]
    assert [(one["verdict"]["verdict"], one["receipt"] is None) for one in verdicts] == [
        ("NOT_OK", True),
        ("OK", False),
    ]
    checks = [one["check"] for one in events if "check" in one]
    assert checks == [one["id"] for verdict in verdicts for one in verdict["verdict"]["checks"]]


@pytest.mark.browser
def test_a_platform_believes_no_browser(platform: Any, browser: Browser) -> None:
    """Without the session's token nothing is tested, and without a receipt nothing is connected."""
    ask = """async ([path, token]) => (await fetch(path, { method: "POST", body: JSON.stringify({
        apiKey: "k", apiSecret: "s", environment: "production", receipt: "v1.9999999999." + "0".repeat(64) }),
        headers: { "Content-Type": "application/json", "X-Session-Token": token } })).status"""
    with served(platform.app) as url, opened(browser, url) as seen:
        token = seen.page.locator("keycheck-form").get_attribute("token")
        asked = [("keycheck/binance", "no"), ("accounts", "no"), ("accounts", token)]
        assert [seen.page.evaluate(ask, one) for one in asked] == [403, 403, 400]
    assert platform.accounts.saved == []
