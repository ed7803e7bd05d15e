"""The guard, which is the second layer of protection, in single tests; the leak matrix tests it as a whole."""

import contextlib
import io
import logging
import os
import re
import xml.etree.ElementTree as ET
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from keycheck.plugin.clean_streams import CleanStream
from keycheck.plugin.guard import Guard, cleaned
from keycheck.redaction.redactor import HIDDEN, Redactor
from tests.exchange import API_KEY, API_SECRET, Fault, LocalExchange, Scenario
from tests.exchange.scenarios import SCENARIOS
from tests.matrix import mostly_slow
from tests.running import ROOT, SuiteRunner

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # noqa: S105  from Binance's documentation
REDACTOR = Redactor([SECRET])


def test_a_representation_of_pytest_is_cleaned_in_place() -> None:
    """A representation keeps its class, and so its colours, and its text except for the secret."""
    try:
        raise ValueError(f"with {SECRET}")  # noqa: TRY301  it must be raised to be represented
    except ValueError:
        info = pytest.ExceptionInfo.from_current()
    representation = info.getrepr(showlocals=True)
    assert SECRET in str(representation)
    assert cleaned(representation, REDACTOR.clean) is representation
    assert SECRET not in str(representation)
    assert HIDDEN in str(representation)


def test_an_unknown_representation_becomes_clean_text() -> None:
    """A representation of an unknown class is replaced by its cleaned text."""

    class Odd:
        def __str__(self) -> str:
            return f"odd {SECRET}"

    assert cleaned(Odd(), REDACTOR.clean) == f"odd {HIDDEN}"
    assert cleaned([("name", SECRET), 5, None], REDACTOR.clean) == [("name", HIDDEN), 5, None]


class Number(int):
    def __str__(self) -> str:
        return SECRET


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return SECRET


class Pair(NamedTuple):
    one: str
    two: int


@pytest.mark.parametrize(
    "value",
    [Number(5), Text("harmless"), {SECRET: 1}, Pair(SECRET, 1), [{("x", SECRET): [SECRET]}], 10**5000, {SECRET}],
    ids=["number", "text", "name", "named tuple", "nested", "huge", "set"],
)
def test_a_value_of_any_type_can_be_shown_and_shows_no_secret(value: object) -> None:
    """A value of any type is shown without a secret, in a form that JUnit and pytest-html accept as text."""
    assert SECRET not in str(cleaned(value, REDACTOR.clean))


def test_the_member_format_type_of_pytest_html_keeps_its_name() -> None:
    """Names of members are cleaned, too, but not pytest-html's own `format_type`, which may be part of a secret."""
    clean = Redactor(["format_type-format_type"]).clean
    assert cleaned({"format_type": "text", "content": "x"}, clean) == {"format_type": "text", "content": "x"}


def test_a_stream_is_cleaned_and_otherwise_itself() -> None:
    """A cleaned stream reports the length of the original text, and keeps its other properties."""
    inner = io.StringIO()
    stream = CleanStream(inner, REDACTOR.clean)
    assert stream.write(f"a {SECRET}\n") == len(SECRET) + 3
    stream.writelines([SECRET[:30], "\n"])
    assert inner.getvalue() == f"a {HIDDEN}\n{HIDDEN}\n"
    assert stream.isatty() is False


def test_a_secret_in_pieces_is_still_one() -> None:
    """The end of an unfinished line is held back until the line is finished or flushed."""
    inner = io.StringIO()
    stream = CleanStream(inner, REDACTOR.clean)
    for start in range(0, len(SECRET), 5):
        stream.write(SECRET[start : start + 5])
    stream.write(" done")
    stream.flush()
    assert inner.getvalue().endswith(" done")
    assert not any(SECRET[i : i + 10] in inner.getvalue() for i in range(len(SECRET) - 9))
    stream.holds = False
    stream.write(".")
    assert inner.getvalue().endswith(" done.")


@pytest.mark.parametrize("below", [False, True], ids=["text", "bytes"])
@pytest.mark.parametrize("holds", [False, True])
def test_a_secret_in_pieces_is_still_one_when_each_is_shown_at_once(holds: bool, below: bool) -> None:
    """The stream remembers the line so far, and hides the piece that would complete ten characters of a secret."""
    inner = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    stream = CleanStream(inner, REDACTOR.clean)
    stream.holds = holds
    for start in range(0, len(SECRET), 5):
        piece = SECRET[start : start + 5]
        assert (stream.buffer.write(piece.encode()) if below else stream.write(piece)) == len(piece)
        stream.flush()
    stream.write(" done\n")
    stream.flush()
    shown = inner.buffer.getvalue().decode()
    assert shown.startswith(SECRET[:5])
    assert shown.endswith(" done\n")
    assert not any(SECRET[i : i + 10] in shown for i in range(len(SECRET) - 9))


@pytest.mark.parametrize("below", [False, True], ids=["text", "bytes"])
@pytest.mark.parametrize("flushes", [False, True])
@pytest.mark.parametrize(
    ("form", "most"),
    [
        (SECRET, 9),
        (SECRET.encode().hex(), 19),
        (SECRET.encode().hex(" "), 29),
        (b64encode(SECRET.encode()).decode(), 13),
    ],
    ids=["plain", "hex", "hex with blanks", "base64"],
)
def test_no_rest_of_a_secret_follows_when_it_comes_in_pieces(form: str, most: int, flushes: bool, below: bool) -> None:
    """At most the first nine characters are shown, even of an encoded secret; the line goes on after it."""
    inner = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    stream = CleanStream(inner, REDACTOR.clean)
    for character in form:
        _ = stream.buffer.write(character.encode()) if below else stream.write(character)
        if flushes:
            stream.flush()
    stream.write("\nnext\n")
    stream.flush()
    shown, _, behind = inner.buffer.getvalue().decode().partition(HIDDEN)
    assert form.startswith(shown)
    assert len(shown) <= most
    assert behind == "\nnext\n"


def test_bytes_below_a_stream_are_cleaned() -> None:
    """Bytes without a secret are left as they are."""
    inner = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    stream = CleanStream(inner, REDACTOR.clean)
    assert stream.buffer.write(SECRET.encode()) == len(SECRET)
    stream.buffer.write(b"\xff\x00")
    assert inner.buffer.getvalue() == HIDDEN.encode() + b"\xff\x00"


def test_bytes_below_the_buffer_are_cleaned(tmp_path: Path) -> None:
    """The raw file of a stream, which writes at once, gets clean bytes as well."""
    with (tmp_path / "shown").open("w", encoding="utf-8") as inner:
        stream = CleanStream(inner, REDACTOR.clean)
        assert stream.buffer.raw.write(SECRET.encode()) == len(SECRET)
    assert (tmp_path / "shown").read_text(encoding="utf-8") == HIDDEN


@pytest.mark.parametrize(
    "write",
    [
        lambda stream: stream.buffer.writelines([SECRET[:30].encode(), SECRET[30:].encode()]),
        lambda stream: stream.buffer.raw.writelines([SECRET.encode()]),
        lambda stream: stream.detach().write(SECRET.encode()),
        lambda stream: stream.buffer.detach().write(SECRET.encode()),
    ],
    ids=["lines", "raw lines", "detached", "buffer detached"],
)
def test_no_method_of_a_stream_goes_round_the_guard(write: Callable[[Any], object]) -> None:
    """The objects that a stream returns, as for `TextIOWrapper(sys.stdout.detach(), ...)`, are guarded, too."""
    raw: Any = io.BytesIO()
    buffer = io.BufferedWriter(raw)
    stream = CleanStream(io.TextIOWrapper(buffer, encoding="utf-8"), REDACTOR.clean)
    write(stream)
    with contextlib.suppress(ValueError):  # it was detached, and has nothing to flush
        buffer.flush()
    shown = raw.getvalue().decode()
    assert HIDDEN in shown
    assert not any(SECRET[i : i + 10] in shown for i in range(len(SECRET) - 9))


def test_a_log_record_is_cleaned_before_any_handler(caplog: pytest.LogCaptureFixture) -> None:
    """Text, arguments, traceback and stack are cleaned; a record whose arguments do not fit breaks nothing."""
    guard = Guard(REDACTOR)
    guard.pytest_configure()
    try:
        log = logging.getLogger("keycheck.test")
        log.warning("got %s", SECRET, stack_info=True)
        log.warning("got %d", SECRET)
        try:
            raise ValueError(SECRET)  # noqa: TRY301  it must be raised to be logged
        except ValueError:
            log.exception("failed with %s", SECRET[:40])
    finally:
        guard.pytest_unconfigure()
    text = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert len(caplog.records) == 3
    assert SECRET[:12] not in text
    assert logging.Handler.handle.__module__ == logging.Handler.format.__module__ == "logging"


def test_reports_are_cleaned_wherever_text_may_stand() -> None:
    """Sections, properties and extras of reports are cleaned."""
    report = SimpleNamespace(
        longrepr=("file", 3, SECRET),
        sections=[("out", SECRET)],
        user_properties=[("x", SECRET)],
        wasxfail=SECRET,
        extras=[{"content": SECRET}],
    )
    Guard(REDACTOR).pytest_runtest_logreport(report)  # type: ignore[arg-type]
    assert SECRET not in str(report)


# -- as a user sees it --


@pytest.mark.slow
def test_own_terminal_shows_the_address_and_shared_files_do_not(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """The terminal shows the address that Binance saw, for the key's list; files that are shared hide it."""
    exchange.scenario = SCENARIOS["ip-refused"]
    junit = suite.folder / "junit.xml"
    page = suite.folder / "page.html"
    done = suite(f"--junitxml={junit}", f"--html={page}", settings=exchange.settings(), all_plugins=True)
    assert "request ip: 203.0.113.7" in " ".join(done.output.split())
    shared = done.page + str(done.verdict) + junit.read_text("utf-8") + page.read_text("utf-8")
    assert "203.0.113.7" not in shared
    assert "[IP hidden]" in shared


@pytest.mark.slow
def test_junit_names_no_host_and_no_folder(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """JUnit's file names no host and no folder, even with the tracebacks of -vv and captured output in it."""
    exchange.scenario = SCENARIOS["withdrawals-enabled"]
    junit = suite.folder / "junit.xml"
    suite("-vv", "-o", "junit_logging=all", f"--junitxml={junit}", settings=exchange.settings())
    text = junit.read_text(encoding="utf-8")
    assert 'hostname=""' in text
    assert str(ROOT) not in text


CARELESS = '''import pytest

@pytest.mark.informational
def test_extra(binance, observe, record_property):
    """An extra claim holds."""
    key = binance._client._identity.api_key.reveal()
    {body}
'''


@pytest.fixture
def careless(tmp_path: object) -> SuiteRunner:
    """A copy of the suite, whose extra check may do anything."""
    from tests.suite_runs import copy_of_the_suite  # noqa: PLC0415  its fixture's own helper

    return SuiteRunner(tmp_path, copy_of_the_suite(tmp_path))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    mostly_slow(
        [
            "print(key); assert False",
            "record_property('x', key)",
            "observe('the key is ' + key, stepSize=key)",
            "raise ValueError(key)",
            "import logging; logging.warning(key); assert False",
            "pytest.skip(key)",
            "import warnings; warnings.warn(key)",
        ],
        1,
    ),
)
def test_a_check_that_spreads_the_key_leaks_nothing(body: str, careless: SuiteRunner, exchange: LocalExchange) -> None:
    """However a check spreads the key, no stream and no file has it."""
    (careless.root / "suite" / "test_8_extra.py").write_text(CARELESS.format(body=body), encoding="utf-8")
    junit = careless.folder / "junit.xml"
    done = careless("-vv", "-l", "-o", "junit_logging=all", f"--junitxml={junit}", settings=exchange.settings())
    everything = done.output + done.page + str(done.verdict) + junit.read_text(encoding="utf-8")
    assert "extra" in done.outcomes
    assert not Redactor([API_KEY]).finds(everything)


@pytest.mark.slow
def test_a_file_with_a_disguised_secret_is_deleted(careless: SuiteRunner, exchange: LocalExchange) -> None:
    """A file with a disguised secret is deleted with a sentence, and the run exits 11."""
    body = "import base64, pathlib, os; pathlib.Path(os.environ['LEAK']).write_bytes(base64.b64encode(key.encode()))"
    (careless.root / "suite" / "test_8_extra.py").write_text(CARELESS.format(body=body), encoding="utf-8")
    leak = careless.folder / "notes.txt"
    done = careless(f"--log-file={leak}", settings=exchange.settings() | {"LEAK": str(leak)})
    assert done.exit_status == 11
    assert not leak.exists()
    assert "notes.txt: held a secret when scanned, so deleted." in done.output
    assert not Redactor([API_KEY]).finds(done.output)


@pytest.mark.slow
def test_the_scan_leaves_alone_what_the_run_did_not_write(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """A .env with the key, and older notes of the owner, may be in the report folder, and are not touched."""
    suite.report_dir.mkdir()
    env_file, notes = suite.report_dir / ".env", suite.report_dir / "notes.txt"
    env_file.write_text("".join(f"{k}={v}\n" for k, v in exchange.settings().items()), encoding="utf-8")
    notes.write_text(f"my key is {API_KEY}\n", encoding="utf-8")
    os.utime(notes, (0, 0))
    before = env_file.read_bytes(), notes.read_bytes()
    assert suite(env_file=env_file).exit_status == 0
    assert (env_file.read_bytes(), notes.read_bytes()) == before


@pytest.mark.slow
def test_exchange_that_reads_everything_back_is_not_repeated(suite: SuiteRunner) -> None:
    """An exchange that repeats our headers and query in its answers is not quoted."""
    with LocalExchange(Scenario(faults={"*": Fault.echo()})) as exchange:
        done = suite("-vv", settings=exchange.settings())
    assert done.exit_status in (1, 10)
    assert not Redactor([API_KEY]).finds(done.output + done.page + str(done.verdict))


SUITE_PROPERTIES = """import os, pytest
KEY = os.environ["BINANCE_API_KEY"]

@pytest.fixture(scope="session", autouse=True)
def of_all(record_testsuite_property):
    record_testsuite_property("x", KEY)
    record_testsuite_property(KEY, "y")
    yield
    record_testsuite_property("at the end", [KEY])
"""


@pytest.mark.slow
@pytest.mark.parametrize("family", ["xunit1", "xunit2", "legacy"])
@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/stderr", "junit.xml"])
def test_texts_for_junit_are_cleaned_before_they_become_xml(
    place: str, family: str, careless: SuiteRunner, exchange: LocalExchange
) -> None:
    """Properties of the run and attributes of a check do not pass through reports, and are cleaned in JUnit itself."""
    (careless.root / "suite" / "conftest.py").write_text(SUITE_PROPERTIES, encoding="utf-8")
    body = "record_xml_attribute('of_mine', key); record_xml_attribute('k' + key, 'y')\n    record_property(key, 1)"
    text = CARELESS.format(body=body).replace("record_property)", "record_property, record_xml_attribute)")
    (careless.root / "suite" / "test_8_extra.py").write_text(text, encoding="utf-8")
    junit = careless.folder / place
    options = (f"--junitxml={junit}", f"--junitprefix={API_KEY[:20]}", "-o", f"junit_suite_name={API_KEY}")
    done = careless(*options, "-o", f"junit_family={family}", settings=exchange.settings())
    assert done.exit_status == 0, done.output
    written = done.output if place.startswith("/dev") else junit.read_text(encoding="utf-8")
    (document,) = re.findall(r"<testsuites.*</testsuites>", written, re.DOTALL)
    assert HIDDEN in document
    root = ET.fromstring(document)  # noqa: S314  our own file
    assert len(list(root.iter("testcase"))) == len(done.outcomes)
    assert not Redactor([API_KEY]).finds(done.output + written)


MADE_RECORDS = """import logging, os
KEY = os.environ["BINANCE_API_KEY"]

class Late(logging.Filter):
    def filter(self, record):
        record.msg = f"by a filter: {KEY}"
        return True

def made(**more):
    return logging.makeLogRecord({"levelno": 40, "levelname": "ERROR", **more})

def pytest_runtest_logstart():
    log = logging.getLogger()
    log.handle(made(msg=KEY))
    log.handle(made(msg="with %s", args=(KEY,)))
    log.handle(made(msg="with %d", args=(KEY,)))
    log.handle(made(msg="x", exc_text=KEY, stack_info=KEY))
    log.handle(made(msg="x", exc_info=(ValueError, ValueError(KEY), None)))
    log.handle(made(msg="x", funcName=KEY, name=KEY))
    for handler in log.handlers:
        handler.emit(made(msg=f"at once {KEY}"))
        late = Late()
        handler.addFilter(late)
        log.error("clean")
        handler.removeFilter(late)
"""


@pytest.mark.slow
@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/stderr", "run.log", "cli"])
def test_a_log_record_without_a_factory_is_cleaned_by_its_handler(
    place: str, careless: SuiteRunner, exchange: LocalExchange
) -> None:
    """The handler that writes such a record cleans it, even to a device, which no stream and no scan covers."""
    (careless.root / "suite" / "conftest.py").write_text(MADE_RECORDS, encoding="utf-8")
    log = careless.folder / place
    option = ("-o", "log_cli=true") if place == "cli" else (f"--log-file={log}",)
    form = "log_file_format=%(name)s %(funcName)s %(message)s"
    done = careless(*option, "-o", form, settings=exchange.settings())
    assert done.exit_status == 0, done.output
    written = log.read_text(encoding="utf-8") if log.is_file() and place == "run.log" else done.output
    assert written.count("at once [hidden]") >= len(done.outcomes)
    assert written.count("by a filter: [hidden]") >= len(done.outcomes)
    assert not Redactor([API_KEY]).finds(done.output + written)


# -- streams that pytest has put aside --

KEEPS = """import os, sys, pytest
KEY = os.environ["BINANCE_API_KEY"]
kept = []

@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item):
    kept.append(sys.stdout)

@pytest.hookimpl(trylast=True)
def pytest_unconfigure():
    kept[-1].write(KEY + "\\n")
"""


@pytest.mark.slow
@pytest.mark.parametrize("capture", ["fd", "sys", "tee-sys", "no"])
def test_text_in_a_kept_stream_is_cleaned_however_it_is_captured(
    capture: str, careless: SuiteRunner, exchange: LocalExchange
) -> None:
    """pytest writes captured text after the last test, past Python's streams; it is cleaned, too."""
    (careless.root / "suite" / "conftest.py").write_text(KEEPS, encoding="utf-8")
    done = careless(f"--capture={capture}", settings=exchange.settings())
    assert HIDDEN in done.output
    assert not Redactor([API_KEY]).finds(done.output)


LOUD = """import http.client
http.client.HTTPConnection.debuglevel = 1
"""


@pytest.mark.slow
@pytest.mark.parametrize("capture", ["fd", "sys", "tee-sys", "no"])
def test_debugging_of_the_http_library_shows_neither_key_nor_signature(
    capture: str, careless: SuiteRunner, exchange: LocalExchange
) -> None:
    """With debugging on, http.client prints each request with its headers; key and signature are hidden in it."""
    (careless.root / "suite" / "conftest.py").write_text(LOUD, encoding="utf-8")
    cassette = careless.folder / "recorded.yaml"
    done = careless(f"--capture={capture}", "--record", str(cassette), settings=exchange.settings())
    signatures = [received.params["signature"] for received in exchange.log if "signature" in received.params]
    assert signatures
    assert ("X-MBX-APIKEY" in done.output) is (capture in ("no", "tee-sys")), "or nothing was shown"
    assert not Redactor([API_KEY, *signatures]).finds(done.output)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("capture", "fixture"),
    [("fd", "capfd"), ("tee-sys", "capsys"), ("tee-sys", "capteesys"), ("no", "capfd"), ("no", "capfdbinary")],
)
def test_text_left_in_a_capturing_fixture_is_cleaned(
    capture: str, fixture: str, careless: SuiteRunner, exchange: LocalExchange
) -> None:
    """Text that a check leaves in a capturing fixture is cleaned when pytest writes it, even to a bare descriptor."""
    body = "print(key)\n    assert False"
    text = CARELESS.format(body=body).replace("record_property)", f"record_property, {fixture})")
    (careless.root / "suite" / "test_8_extra.py").write_text(text, encoding="utf-8")
    done = careless(f"--capture={capture}", "-rA", "-vv", settings=exchange.settings())
    assert done.outcomes["extra"] == "warn"
    assert not Redactor([API_KEY]).finds(done.output)


# -- options of pytest that would publish a run --


@pytest.mark.slow
def test_debug_is_refused_and_its_file_left_alone(suite: SuiteRunner, exchange: LocalExchange) -> None:
    """--debug would trace each hook with answers, the address that Binance saw, and this machine's folders."""
    exchange.scenario = SCENARIOS["ip-refused"]
    trace = suite.folder / "trace.log"
    trace.write_text("mine", encoding="utf-8")
    done = suite(f"--debug={trace}", settings=exchange.settings())
    assert done.exit_status == 4
    assert "ERROR: --debug does not go with suite/" in done.output
    assert trace.read_text(encoding="utf-8") == "mine"
    assert not exchange.log


SENT = """import os, pathlib
import _pytest.pastebin

def create_new_paste(contents):
    pathlib.Path(os.environ["SENT"]).write_bytes(contents if isinstance(contents, bytes) else contents.encode())

_pytest.pastebin.create_new_paste = create_new_paste
"""


@pytest.mark.slow
@pytest.mark.parametrize("what", ["all", "failed"])
def test_pastebin_is_refused_and_nothing_is_sent(what: str, careless: SuiteRunner, exchange: LocalExchange) -> None:
    """--pastebin would publish the owner's terminal, and its service is not on the allow-list."""
    (careless.root / "suite" / "conftest.py").write_text(SENT, encoding="utf-8")
    exchange.scenario = SCENARIOS["ip-refused"]
    sent = careless.folder / "sent"
    done = careless(f"--pastebin={what}", "-vv", settings=exchange.settings() | {"SENT": str(sent)})
    assert done.exit_status == 4
    assert "ERROR: --pastebin does not go with suite/" in done.output
    assert not sent.exists()
    assert not exchange.log


# -- before the settings are read --

TELLS = """import os

def pytest_unconfigure():
    print(os.environ["BINANCE_API_KEY"])

raise_here = ImportError(os.environ["BINANCE_API_SECRET"])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "status"),
    [
        ("--collect-only", 2),
        ("--fixtures", 0),
        ("--help", 0),
        ("--symbol", 4),
        ("--pastebin=all", 4),
        ("--replay", 2),
    ],
)
def test_credentials_of_the_environment_are_hidden_without_settings(
    option: str, status: int, careless: SuiteRunner, exchange: LocalExchange
) -> None:
    """Without settings, as in a usage error or a replay, the environment's credentials are hidden."""
    (careless.root / "suite" / "conftest.py").write_text(TELLS, encoding="utf-8")
    text = "from suite.conftest import raise_here\nprint(str(raise_here))\nraise raise_here\n"
    (careless.root / "suite" / "test_8_extra.py").write_text(text, encoding="utf-8")
    options = {"--symbol": (), "--replay": ("--replay", str(ROOT / "cassettes/healthy.yaml"))}.get(option, (option,))
    given = exchange.settings() | ({"BINANCE_SYMBOL": "no name"} if option == "--symbol" else {})
    done = careless(*options, "-s", settings=given)
    assert done.exit_status == status
    assert HIDDEN in done.output
    assert not Redactor([API_KEY, API_SECRET]).finds(done.output)
