"""Takes README's picture of a report with headless Chromium: `python -m tests.picture`."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.running import ROOT, SuiteRunner

PICTURE = ROOT / "docs" / "report.png"
CASSETTE = "withdrawals-enabled"
# Without these Chromium looks for its maker's hosts at every start.
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]


def main() -> int:
    """Replays one cassette and photographs the top of its page."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        print("Chromium is missing: install it (Debian: apt-get install chromium), then run this again")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        suite = SuiteRunner(Path(folder))
        suite("--replay", CASSETTE)
        page = (suite.report_dir / "report.html").as_uri()
        command = [chromium, *QUIET, f"--user-data-dir={folder}/profile", "--window-size=820,640"]
        subprocess.run([*command, f"--screenshot={PICTURE}", page], check=True, capture_output=True, timeout=60)  # noqa: S603
    return 0


if __name__ == "__main__":
    sys.exit(main())
