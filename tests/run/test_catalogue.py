"""Claims are read from their source, with all faults of the source."""

from pathlib import Path
from textwrap import dedent

import pytest

from keycheck.run import catalogue
from keycheck.run.catalogue import Catalogue
from keycheck.verdict.findings import Severity
from keycheck.verdict.weighing import INDISPENSABLE


def read(folder: Path, **files: str) -> Catalogue:
    """The catalogue of a suite with these files."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(dedent(text), encoding="utf-8")
    return catalogue.read(folder)


def claim(name: str, *marks: str) -> str:
    """The source of one check."""
    return "\n".join([*(f"@pytest.mark.{mark}" for mark in marks), f"def test_{name}():", '    """A claim."""', ""])


def test_a_claim_is_its_docstring(tmp_path: Path) -> None:
    """A docstring has title, reason and fix, each on one line however it was wrapped."""
    source = '''
        @pytest.mark.critical
        @pytest.mark.needs("first", "second")
        @pytest.mark.pointless_if_failed("third")
        def test_key_is_fit(binance, observe, other):
            """The key is
            fit.

            Because it
            matters.

            And because.

            Fix: mend
            it.
            """
            account = binance.account()
            observe.note(account.can_trade, other.name)
            assert account.can_trade or binance.drift().agrees() or binance.account().can_trade
            assert [].binance.nothing, "x".binance
        '''
    (check,) = read(tmp_path, test_3_clock=source).checks
    assert (check.id, check.step, check.severity) == ("key_is_fit", 3, Severity.CRITICAL)
    assert check.title == "The key is fit."
    assert check.why == "Because it matters. And because."
    assert check.fix == "mend it."
    assert check.needs == ("first", "second")
    assert check.pointless_if_failed == ("third",)
    assert check.asks == ("account", "drift")
    assert check.file == "test_3_clock.py"


def test_a_check_without_a_docstring_still_has_a_title(tmp_path: Path) -> None:
    """Without a docstring the title is the id in words."""
    (check,) = read(tmp_path, test_1_x="@pytest.mark.informational\ndef test_key_is_fit(): pass").checks
    assert (check.title, check.why, check.fix) == ("key is fit", "", "")


def test_checks_come_in_run_order(tmp_path: Path) -> None:
    """Checks come in the order of their files, and in a file from top to bottom."""
    found = read(
        tmp_path,
        test_2_b=claim("c", "critical"),
        test_1_a=claim("b", "critical") + claim("a", "informational"),
        test_more=claim("d", "critical"),
    )
    assert [(check.id, check.step) for check in found.checks] == [("b", 1), ("a", 1), ("c", 2), ("d", 0)]
    assert "c" in found
    assert "x" not in found
    assert found["c"].step == 2
    assert found.faults == {}


@pytest.mark.parametrize(
    ("marks", "have"), [((), "neither"), (("critical", "informational"), "both"), (("slow",), "neither")]
)
def test_a_claim_has_exactly_one_mark(tmp_path: Path, marks: tuple[str, ...], have: str) -> None:
    """A test without exactly one severity mark is a fault with a remedy, and does not become a check."""
    found = read(tmp_path, test_1_x=claim("a", *marks))
    assert found.checks == ()
    assert found.faults == {
        "test_1_x.py": [f"a is marked {have}: mark it with exactly one of critical and informational"]
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TestB", "class TestB:\n    def test_b(self): pass\n"),
        ("a", "@pytest.mark.parametrize('n', [1])\n" + claim("a", "critical")),
    ],
)
def test_a_check_is_one_plain_function(name: str, text: str, tmp_path: Path) -> None:
    """A test in a class, or one that is parametrized, is a fault with a remedy, and does not become a check."""
    found = read(tmp_path, test_1_x=text)
    assert found.checks == ()
    (sentence,) = found.faults["test_1_x.py"]
    assert sentence.startswith(f"{name} is not a plain function of a file test_*.py in suite/")
    assert sentence.endswith("write one function each")


@pytest.mark.parametrize("files", [("test_1_x", "test_2_y"), ("test_1_x", "test_1_x")])
def test_a_repeated_id_is_named(tmp_path: Path, files: tuple[str, str]) -> None:
    """A repeated id is a fault in another file, and in the same file, where Python would silently drop the first."""
    first, second = files
    text = claim("a", "critical")
    found = read(tmp_path, **({first: text, second: text} if first != second else {first: text * 2}))
    assert [check.id for check in found.checks] == ["a"]
    assert found.faults == {
        f"{second}.py": ["a is the id of an earlier check too: give this one another name"],
    }


def test_helpers_are_left_alone(tmp_path: Path) -> None:
    """A function that is not a test is not a claim."""
    assert read(tmp_path, helper=claim("a", "critical"), test_2_y="def helper(): pass\nX = 1\n") == Catalogue(())


@pytest.mark.parametrize("source", [b"def", b"\xff", b"x = 1 +\n", b"\0"])
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path, source: bytes) -> None:
    """A file that cannot be read is a fault, since its claims would be missing."""
    (tmp_path / "test_4_bytes.py").write_bytes(source)
    found = catalogue.read(tmp_path)
    assert list(found.faults) == ["test_4_bytes.py"]
    assert not found.complete


def test_a_file_that_cannot_be_opened_is_a_fault(tmp_path: Path) -> None:
    """A folder with the name of a test file, for example, is a fault."""
    (tmp_path / "test_4_folder.py").mkdir()
    assert read(tmp_path).faults == {"test_4_folder.py": ["this file cannot be read as Python: correct it"]}


def test_a_suite_that_lost_a_claim_is_not_complete() -> None:
    """Each indispensable claim is in the shipped suite, as a critical one; without one the suite is not complete."""
    shipped = catalogue.read(Path(__file__).parents[2] / "suite")
    assert shipped.complete
    assert {check.id for check in shipped.checks if check.severity is Severity.CRITICAL} == INDISPENSABLE
    for lost in INDISPENSABLE:
        assert not Catalogue(tuple(check for check in shipped.checks if check.id != lost)).complete


def test_nothing_of_a_suite_is_run(tmp_path: Path) -> None:
    """A suite's source is read, and not imported."""
    assert read(tmp_path, test_1_x="raise SystemExit\n" + claim("a", "critical")).checks[0].id == "a"


def test_the_shipped_suite_has_no_fault() -> None:
    """In the shipped suite every prerequisite is a check, listed before the check that needs it."""
    found = catalogue.read(Path(__file__).parents[2] / "suite")
    assert found.faults == {}
    seen: set[str] = set()
    for check in found.checks:
        assert {*check.needs, *check.pointless_if_failed} <= seen
        assert check.title
        assert check.why
        assert check.fix
        seen.add(check.id)
