"""Takes README's two pictures of a report with headless Chromium: `python -m tests.picture`."""

import sys
import tempfile
from pathlib import Path

from tests.browser import MISSING, Look, chromium, opened, started
from tests.running import ROOT, SuiteRunner

PICTURES = {"withdrawals-enabled": ROOT / "docs" / "report.png", "healthy": ROOT / "docs" / "report-ok.png"}
LOOK = Look(960, 1400, script=False)


def main() -> int:
    """Replays each cassette, and takes a picture of its page from the top to the end of the summary."""
    executable = chromium()
    if not executable:
        print(MISSING)
        return 1
    with tempfile.TemporaryDirectory() as folder, started(executable) as browser:
        for cassette, picture in PICTURES.items():
            suite = SuiteRunner(Path(folder))
            suite("--replay", cassette)
            with opened(browser, suite.report_dir / "report.html", LOOK) as seen:
                box = seen.page.locator(".kc-glance").bounding_box()
                height = box["y"] + box["height"] + 16 if box else LOOK.height
                seen.page.screenshot(path=picture, clip={"x": 0, "y": 0, "width": LOOK.width, "height": height})
    return 0


if __name__ == "__main__":
    sys.exit(main())
