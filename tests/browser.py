"""Debian's headless Chromium for tests: it sends no traffic of its own, and records what a page logs and requests."""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

MISSING = "Chromium is missing: install it (Debian: apt-get install chromium fonts-noto-core), then run this again"
# Without these options, Chromium contacts Google's hosts at every start.
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]


class Look(NamedTuple):
    """The settings of the browser with which a page is read."""

    width: int = 1280
    height: int = 800
    scheme: Literal["light", "dark"] = "light"
    script: bool = True


DEFAULT = Look()


@dataclass
class Seen:
    """An opened page, with all that it has logged, its dialogs, and all requests that it has sent."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def listen(self, address: str) -> None:
        """Starts to record what the page logs and requests."""
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._refuse)
        self.page.on("request", lambda request: self.asked.extend({request.url} - {address}))

    def _refuse(self, dialog: Dialog) -> None:
        self.said.append(dialog.message)
        dialog.dismiss()


def chromium() -> str | None:
    """The path of Debian's Chromium, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def started(executable: str) -> Iterator[Browser]:
    """Starts a browser until the block ends. No other event loop may run in this thread meanwhile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET, chromium_sandbox=False)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, place: Path | str, look: Look = DEFAULT) -> Iterator[Seen]:
    """Opens the page in a file, offline, or at an address."""
    address = place.as_uri() if isinstance(place, Path) else place
    context = browser.new_context(
        viewport={"width": look.width, "height": look.height},
        color_scheme=look.scheme,
        java_script_enabled=look.script,
        offline=isinstance(place, Path),
    )
    try:
        seen = Seen(context.new_page())
        seen.listen(address)
        seen.page.goto(address)
        yield seen
    finally:
        context.close()


def overflow(seen: Seen) -> int:
    """The number of pixels by which a page is wider than its window."""
    return int(seen.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def violations(seen: Seen) -> list[str]:
    """The violations that axe-core finds, with their places."""
    found = Axe().run(seen.page).response["violations"]
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]


def printed_pages(seen: Seen) -> list[str]:
    """The text of each page of the print."""
    from pypdf import PdfReader  # noqa: PLC0415  only tests that print need it

    return [one.extract_text() for one in PdfReader(io.BytesIO(seen.page.pdf(prefer_css_page_size=True))).pages]
