"""Ways of running `pytest suite/`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Arguments = Callable[[Path], tuple[str, ...]]

HTML = ("-p", "pytest_metadata.plugin", "-p", "pytest_html.plugin")


@dataclass(frozen=True)
class Mode:
    """A way to run the suite. `arguments` are given the folder in which the run leaves its files."""

    name: str
    arguments: Arguments
    captures: bool = True  # False: -s, what is written to the descriptors goes straight out
    records: bool = False


def _junit(folder: Path) -> tuple[str, ...]:
    options = ("-o", "junit_logging=all", "-o", "junit_log_passing_tests=true")
    return (f"--junitxml={folder / 'junit.xml'}", *options, "--log-level=DEBUG")


def _page(folder: Path) -> tuple[str, ...]:
    return (*HTML, f"--html={folder / 'page.html'}", "--self-contained-html")


def _log(folder: Path) -> tuple[str, ...]:
    return (f"--log-file={folder / 'log.txt'}", "--log-file-level=DEBUG")


def _record(folder: Path) -> tuple[str, ...]:
    return ("--record", str(folder / "recorded.yaml"), "--force")


LIVE = ("-s", "-o", "log_cli=true", "--log-cli-level=DEBUG")

MODES = {
    mode.name: mode
    for mode in (
        Mode("plain", lambda _: ()),
        Mode("locals", lambda _: ("-l", "--tb=long")),
        Mode("verbose", lambda _: ("-vv", "-l")),
        Mode("full-trace", lambda _: ("--full-trace", "-l")),
        Mode("live-log", lambda _: LIVE, captures=False),
        Mode("junit", _junit),
        Mode("html-log", lambda folder: (*_page(folder), *_log(folder))),
        Mode("tee", lambda _: ("--capture=tee-sys", "-rA", "--showlocals"), captures=False),
        Mode("record", _record, records=True),
        Mode("no-terminal", lambda folder: ("-p", "no:terminal", *_junit(folder))),
        Mode("warnings", lambda _: ("-W", "always", "-rA", "--tb=native", "--setup-show", "--color=yes")),
        Mode(
            "all-at-once",
            lambda folder: ("-vv", "-l", *LIVE, *_junit(folder), *_page(folder), *_log(folder), *_record(folder)),
            captures=False,
            records=True,
        ),
    )
}
