"""The scan at a run's end reads the files that the run wrote, and deletes none that was there before."""

import base64
import html
import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.exchange import API_KEY, API_SECRET, LocalExchange
from tests.running import SuiteRunner
from tests.suite_runs import copy_of_the_suite

DISGUISED = base64.b64encode(f"--{API_KEY}".encode()).decode()
# Hooks that write as late as possible.
WRITES = """import os, pathlib, pytest

def leak():
    place = pathlib.Path(os.environ["LEAK"])
    if place.parent.is_dir():
        with place.open("a") as file:
            file.write(os.environ["DISGUISED"])

"""
FINISH = WRITES + "@pytest.hookimpl(wrapper=True)\ndef pytest_sessionfinish():\n    yield\n    leak()\n"
LATER = WRITES + (
    "def pytest_addoption(pluginmanager):\n    pluginmanager.get_plugin('pytestconfig').add_cleanup(leak)\n"
)


@pytest.fixture
def careless(tmp_path: Path) -> SuiteRunner:
    """A copy of the suite that tests may change; `~` and `$WHERE` are a folder of its own."""
    (tmp_path / "where").mkdir()
    return SuiteRunner(tmp_path, copy_of_the_suite(tmp_path))


def environment(careless: SuiteRunner, exchange: LocalExchange, leak: Path) -> dict[str, str]:
    """The settings and variables of a run of the careless copy."""
    where = str(careless.folder / "where")
    return exchange.settings() | {"WHERE": where, "HOME": where, "DISGUISED": DISGUISED, "LEAK": str(leak)}


WRITERS = {
    "JUnit": (("--junitxml=$WHERE/{}",), FINISH),
    "JUnit at home": (("--junitxml=~/{}",), FINISH),
    "html": (("--html=$WHERE/{}", "--self-contained-html"), FINISH),
    "html at home": (("--html=~/{}",), FINISH),
    "log": (("--log-file=../where/{}",), LATER),
    "ini log": (("-o", "log_file=../where/{}"), LATER),
}


@pytest.mark.slow
@pytest.mark.parametrize("was_there", [False, True], ids=["new", "was there before"])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_file_that_pytest_wrote_is_looked_at(
    writer: str, was_there: bool, careless: SuiteRunner, exchange: LocalExchange
) -> None:
    """A file in any folder is scanned; a new one with a secret is deleted, an older one is named."""
    options, writes = WRITERS[writer]
    file = careless.folder / "where" / "written.txt"
    if was_there:
        file.write_text("the owner's", encoding="utf-8")
    (careless.root / "suite" / "conftest.py").write_text(writes, encoding="utf-8")
    arguments = [option.format(file.name) for option in options]
    done = careless(*arguments, settings=environment(careless, exchange, file), all_plugins=True)
    assert done.exit_status == 11, done.output
    (line,) = [line for line in done.output.splitlines() if "written.txt: " in line]
    assert "held a secret when scanned" in line
    assert ("so deleted" in line, "was there before" in line, file.exists()) == (not was_there, was_there, was_there)
    assert done.verdict["verdict"] == "OK"


@pytest.mark.slow
def test_values_in_the_cache_are_scanned(careless: SuiteRunner, exchange: LocalExchange) -> None:
    """Cache values of any plugin are scanned."""
    (careless.root / "suite" / "conftest.py").write_text(
        "import os\n\ndef pytest_sessionfinish(session):\n"
        "    session.config.cache.set('other/key', os.environ['DISGUISED'])\n",
        encoding="utf-8",
    )
    done = careless(settings=environment(careless, exchange, Path()))
    assert done.exit_status == 11
    assert not (careless.folder / "cache" / "v" / "other" / "key").exists()
    assert (careless.folder / "cache" / "v" / "cache" / "nodeids").exists()


@pytest.mark.slow
def test_the_cache_writes_through_no_link(careless: SuiteRunner, exchange: LocalExchange) -> None:
    """In a working directory of another user, the cache's files may be links to files of one's own."""
    nodeids, own = careless.folder / "cache" / "v" / "cache" / "nodeids", careless.folder / "own"
    nodeids.parent.mkdir(parents=True)
    own.write_text("mine", encoding="utf-8")
    nodeids.symlink_to(own)
    assert careless(settings=exchange.settings()).exit_status == 0
    assert own.read_text(encoding="utf-8") == "mine"
    assert "test_credentials_are_present" in nodeids.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("text", ["[]", '"suite/test_2.py::test_x"', "null", "{}", "not JSON"])
def test_a_cache_of_an_older_pytest_is_used(text: str, careless: SuiteRunner, exchange: LocalExchange) -> None:
    """Older versions wrote other forms for --stepwise, in any folder with tests, and pytest passes over them."""
    file = careless.folder / "cache" / "v" / "cache" / "stepwise"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    assert careless(settings=exchange.settings()).exit_status == 0


@pytest.mark.slow
def test_a_huge_file_in_the_cache_is_not_read(careless: SuiteRunner, exchange: LocalExchange) -> None:
    """Such a file takes no disk, and would fill the memory."""
    file = careless.folder / "cache" / "v" / "cache" / "nodeids"
    file.parent.mkdir(parents=True)
    file.touch()
    os.truncate(file, 2**40)
    done = careless(settings=exchange.settings())
    assert done.exit_status == 4
    assert "ERROR: nodeids in pytest's cache is damaged: remove cache" in done.output


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a link away")
def test_no_cache_behind_another_users_link_is_used(careless: SuiteRunner, exchange: LocalExchange) -> None:
    """Its folder may be a link to one of one's own, which --cache-clear would empty."""
    own = careless.folder / "own"
    (own / "v").mkdir(parents=True)
    (careless.folder / "cache").symlink_to(own)
    os.lchown(careless.folder / "cache", 12345, 12345)
    done = careless("--cache-clear", settings=exchange.settings())
    assert done.exit_status == 4
    assert "ERROR: cache is behind a link that another user made: remove the link" in done.output
    assert [one.name for one in own.iterdir()] == ["v"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("lastfailed", text) for text in (None, "[1]", "[" * 10**5)),
        *(("nodeids", text) for text in ("[1]", "5")),
        ("stepwise", None),
    ],
    ids=lambda text: str(text)[:9],
)
def test_a_damaged_cache_is_refused(
    name: str, text: str | None, careless: SuiteRunner, exchange: LocalExchange
) -> None:
    """pytest reads its cache as it starts: it would wait for a pipe's writer, and fail on another form of JSON."""
    file = careless.folder / "cache" / "v" / "cache" / name
    file.parent.mkdir(parents=True)
    if text is None:
        os.mkfifo(file)
    else:
        file.write_text(text, encoding="utf-8")
    done = careless("--stepwise", settings=exchange.settings())
    assert done.exit_status == 4
    assert f"ERROR: {name} in pytest's cache is damaged: remove cache" in done.output


@pytest.mark.slow
def test_a_run_without_a_cache_ends_in_its_verdict(careless: SuiteRunner, exchange: LocalExchange) -> None:
    """With -p no:cacheprovider, a run ends in its verdict as usual."""
    done = careless("-p", "no:cacheprovider", settings=environment(careless, exchange, Path()))
    assert (done.exit_status, done.verdict["verdict"]) == (0, "OK")


@pytest.mark.slow
def test_an_asset_of_a_page_is_looked_at(careless: SuiteRunner, exchange: LocalExchange) -> None:
    """A file that pytest-html writes for an attachment is scanned."""
    (careless.root / "suite" / "conftest.py").write_text(
        "import os, pytest\n\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
        "    report = yield\n    text = os.environ['DISGUISED']\n"
        "    report.extras = [{'name': 'x', 'format_type': 'text', 'content': text[:40] + '\\n ' + text[40:],"
        " 'extension': 'txt', 'mime_type': 'text/plain'}]\n    return report\n",
        encoding="utf-8",
    )
    careless(
        f"--html={careless.folder}/where/page.html", settings=environment(careless, exchange, Path()), all_plugins=True
    )
    texts = [path.read_text("utf-8", "replace") for path in (careless.folder / "where").rglob("*") if path.is_file()]
    assert not [text for text in texts if DISGUISED[:40] in text]


@pytest.mark.slow
@pytest.mark.parametrize("was_there", [False, True])
def test_the_styles_of_a_page_are_looked_at(was_there: bool, careless: SuiteRunner, exchange: LocalExchange) -> None:
    """pytest-html copies the files of --css into its assets before the run begins; a secret in them is found."""
    where = careless.folder / "where"
    (where / "mine.css").write_text(f"/* {DISGUISED} */", encoding="utf-8")
    copied = where / "assets/style.css"
    if was_there:
        copied.parent.mkdir()
        copied.touch()
    options = (f"--html={where}/page.html", f"--css={where}/mine.css")
    done = careless(*options, settings=environment(careless, exchange, Path()), all_plugins=True)
    assert done.exit_status == 11, done.output
    assert "style.css: held a secret" in done.output
    assert copied.exists() == was_there


@pytest.mark.slow
def test_files_of_other_programs_are_left_alone(careless: SuiteRunner, exchange: LocalExchange) -> None:
    """The scan reads no file of another program, such as a bot's state or a .env that changed during the run.

    This holds in the report folder, in cassettes/ and in pytest's cache, too.
    """
    folders = [
        careless.report_dir,
        careless.report_dir / "below",
        careless.folder / "cache",
        careless.root / "cassettes",
    ]
    for folder in folders:
        folder.mkdir(exist_ok=True)
        (folder / "prod.env").write_text(f"BINANCE_API_KEY={API_KEY}\n", encoding="utf-8")
        os.utime(folder / "prod.env", (0, 0))
    (careless.root / "suite" / "conftest.py").write_text(
        "import os, pathlib\n\ndef pytest_sessionfinish():\n    for folder in os.environ['FOLDERS'].split(':'):\n"
        "        pathlib.Path(folder, 'state.json').write_text(os.environ['BINANCE_API_KEY'])\n"
        "        pathlib.Path(folder, 'prod.env').touch()\n",
        encoding="utf-8",
    )
    more = {"FOLDERS": ":".join(map(str, folders))}
    done = careless(settings=environment(careless, exchange, Path()) | more)
    assert done.exit_status == 0, done.output
    for folder in folders:
        assert API_KEY in (folder / "state.json").read_text(encoding="utf-8")
        assert API_KEY in (folder / "prod.env").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_file_of_the_run_s_own_is_deleted(careless: SuiteRunner, exchange: LocalExchange) -> None:
    """This run's page is deleted if it holds a secret, even if there was a page before."""
    assert careless("--replay", str(careless.folder / "none")).exit_status == 4
    page = careless.report_dir / "report.html"
    page.write_text("the last run's", encoding="utf-8")
    (careless.root / "suite" / "conftest.py").write_text(FINISH, encoding="utf-8")
    done = careless(settings=environment(careless, exchange, page))
    assert done.exit_status == 11
    assert not page.exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reports/report.html", "junit.xml"])
def test_the_target_of_a_link_in_a_file_s_place_is_kept(
    name: str, careless: SuiteRunner, exchange: LocalExchange
) -> None:
    """In a folder of another user, a written file may become a link to the settings: only the link is deleted."""
    (careless.root / "suite" / "conftest.py").write_text(
        FINISH.replace("    leak()\n", "    page = pathlib.Path(os.environ['PAGE'])\n    page.unlink()\n")
        + "    page.symlink_to(os.environ['LEAK'])\n",
        encoding="utf-8",
    )
    settings, file = careless.folder / "where" / "bot.env", careless.report_dir.parent / name
    settings.write_text(f"BINANCE_API_SECRET={API_SECRET}\n", encoding="utf-8")
    variables = environment(careless, exchange, settings) | {"PAGE": str(file)}
    done = careless(f"--junitxml={careless.report_dir.parent / 'junit.xml'}", settings=variables)
    assert done.exit_status == 11, done.output
    assert API_SECRET in settings.read_text(encoding="utf-8")
    assert not file.is_symlink()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["loop", "a" * 300, "loop/log", "pipe"])
def test_a_name_that_cannot_be_looked_at_breaks_nothing(
    name: str, careless: SuiteRunner, exchange: LocalExchange
) -> None:
    """A file name that cannot be opened breaks nothing, in an option or in the report folder."""
    careless.report_dir.mkdir()
    for folder in (careless.report_dir, careless.folder):
        (folder / "loop").symlink_to(folder / "loop")
        os.mkfifo(folder / "pipe")
    done = careless("-o", f"json_report_file={careless.folder / name}", settings=exchange.settings())
    assert "INTERNALERROR" not in done.output
    assert done.exit_status == 0


@pytest.mark.slow
def test_a_written_file_that_cannot_be_read_is_reported(careless: SuiteRunner, exchange: LocalExchange) -> None:
    """A file that cannot be read may hold a secret: the run ends with one sentence and exit 3."""
    file = careless.folder / "where" / "written.txt"
    (careless.root / "suite" / "conftest.py").write_text(
        "import os, pathlib\n\ndef pytest_unconfigure():\n    path = pathlib.Path(os.environ['LEAK'])\n"
        "    path.unlink()\n    path.symlink_to(path)\n",
        encoding="utf-8",
    )
    done = careless("--log-file=../where/written.txt", settings=environment(careless, exchange, file))
    assert done.exit_status == 3
    assert "written.txt could not be looked at" in done.output
    assert "Traceback" not in done.output


CHECK = "import pytest\n\n@pytest.mark.critical\ndef "


@pytest.mark.slow
@pytest.mark.parametrize("user", ["name", "time", "testsuites", "filter", "environment"])
def test_a_user_whose_name_is_also_markup_breaks_no_file(
    user: str, careless: SuiteRunner, exchange: LocalExchange
) -> None:
    """If the user's name is also markup, JUnit stays XML, and pytest-html's page keeps its script."""
    check = careless.root / "suite" / "test_8_extra.py"
    check.write_text(
        f'{CHECK}test_extra(binance):\n    """It holds."""\n    print("at {user}")\n',
        encoding="utf-8",
    )
    junit, page = careless.folder / "junit.xml", careless.folder / "page.html"
    options = (f"--junitxml={junit}", "-o", "junit_logging=all", f"--html={page}", "--self-contained-html")
    done = careless(*options, settings=exchange.settings() | {"LOGNAME": user}, all_plugins=True)
    assert done.exit_status == 0
    cases = list(ET.parse(junit).getroot().iter("testcase"))  # noqa: S314  of our own run
    assert len(cases) == len(done.outcomes)
    assert f"at {user}" not in junit.read_text(encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    blob = re.search(r'data-jsonblob="([^"]*)"', text)
    assert blob
    assert "environment" in json.loads(html.unescape(blob[1]))
    assert "[user]" not in "".join(re.findall(r"<(?:script|style).*?</(?:script|style)>", text, re.DOTALL))


@pytest.mark.slow
def test_the_folder_that_pytest_names_after_its_user_is_hidden(careless: SuiteRunner, exchange: LocalExchange) -> None:
    """tmp_path lies in pytest-of-USER, which is hidden even if the user's name is short."""
    text = f'{CHECK}test_extra(tmp_path):\n    """It holds."""\n    assert tmp_path is None\n'
    (careless.root / "suite" / "test_8_extra.py").write_text(text, encoding="utf-8")
    done = careless(settings=exchange.settings() | {"LOGNAME": "jodoe", "PYTEST_DEBUG_TEMPROOT": str(careless.folder)})
    assert "pytest-of-[user]" in done.check("extra")["detail"]
    assert "jodoe" not in done.page + str(done.verdict)
