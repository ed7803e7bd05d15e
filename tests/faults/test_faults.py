"""With any fault on any path, a run ends in time and keeps all invariants; each invariant notices a broken run."""

import json
from dataclasses import replace
from functools import cache

import pytest

from tests.exchange.answers import Answer
from tests.exchange.endpoints import ENDPOINTS, Call, respond
from tests.faults import invariants, table, wellformed, whole
from tests.faults.bench import Bases, Bench, Ran
from tests.faults.faults import FAULTS, ONCE
from tests.faults.fields import BREAKING, CHANGES, spoiled
from tests.faults.paths import ORDER_TEST, PATHS, PING, Field, Path
from tests.faults.spoiling import READABLE, UNREADABLE
from tests.faults.violations import VIOLATIONS, found
from tests.forked import ForkedRunner
from tests.matrix import sample

FEWEST = 900

# -- the invariants --


@pytest.fixture(scope="module")
def lawful(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A healthy run, with itself as its base."""
    bench = Bench(tmp_path_factory.mktemp("laws") / "bench", ForkedRunner, Bases())
    return bench.run(table.healthy(PING))


def test_each_invariant_has_a_run_that_breaks_it() -> None:
    """Every invariant has a run that breaks it."""
    assert set(VIOLATIONS) == {law.__name__ for law in invariants.INVARIANTS}


def test_a_healthy_run_breaks_no_invariant(lawful: Ran) -> None:
    """A healthy run breaks no invariant, nor does a failure that is due to this machine's location."""
    assert invariants.broken(lawful) == []
    assert invariants.broken(replace(lawful, base=lawful)) == []
    closed = replace(lawful, base=lawful, case=replace(lawful.case, name="451"))
    assert invariants.only_proof_convicts(found(closed, "futures_api_answers", "fail")) is None


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name, changes in VIOLATIONS.items() for number in range(len(changes))]
)
def test_an_invariant_notices_each_of_its_violations(name: str, number: int, lawful: Ran) -> None:
    """An invariant notices each of its violations, and describes it in a sentence, alone and among the others."""
    broken = VIOLATIONS[name][number](lawful)
    assert next(law for law in invariants.INVARIANTS if law.__name__ == name)(broken)
    if number == 0:  # all invariants take a tenth of a second
        assert name in "".join(invariants.broken(broken))


@pytest.mark.parametrize(
    "page", ["", "<!DOCTYPE html><p></b></p></html>", "<!DOCTYPE html><p>", "<!DOCTYPE html><p a='1' a='2'></p></html>"]
)
def test_a_malformed_page_is_seen(page: str) -> None:
    """A page is malformed without its beginning or end, with parts in a wrong order, or with an attribute twice."""
    assert wellformed.fault_of(page)
    assert wellformed.fault_of("<!DOCTYPE html><html><p a='1'>x<br><path/></p></html>\n") is None


# -- the table --


def _healthy_answer(path: Path) -> Answer:
    host = "wallet" if path.path.startswith("/sapi") else "futures"
    if path is ORDER_TEST:
        return respond(Call(host, path.method, path.path, {}, {}, b"", b""))[0]
    whole = ENDPOINTS[host, path.path][path.method].answer(
        Call(host, path.method, path.path, {"symbol": "BTCUSDT"}, {}, b"", b"", path.scenario, now_ms=1790000000000)
    )
    return replace(whole, body=_two_contracts(whole.body)) if b'"symbols":' in whole.body[:2000] else whole


@cache
def _two_contracts(body: bytes) -> bytes:
    """exchangeInfo with two of its 900 contracts, which are read in a hundredth of the time."""
    listed = json.loads(body)
    listed["symbols"] = [one for one in listed["symbols"] if one["symbol"] in ("BTCUSDT", "ETHUSDT")]
    return json.dumps(listed).encode()


def test_the_table_is_as_large_as_it_says() -> None:
    """The table has each path with each fault, no combination twice, and at least 900 in all."""
    cases = table.whole()
    assert len(cases) >= FEWEST
    assert len({str(case) + case.path.path for case in cases}) == len(cases)
    assert all(any(case.path is path and case.name == one.name for case in cases) for path in PATHS for one in FAULTS)
    assert sum(case.overcome for case in cases) == len(ONCE) * len([path for path in PATHS if path.method == "GET"])


def test_the_sample_has_each_kind_of_trouble_and_each_path() -> None:
    """The sample has each kind of fault and each path, in some forty runs."""
    sample = table.sample()
    assert [case.change for case in sample] == list(table.SAMPLED)
    assert {case.path.name for case in sample} == {path.name for path in PATHS}
    assert 40 <= len(sample) <= 50


@pytest.mark.parametrize(
    ("path", "field"), [pytest.param(path, one, id=one.where) for path in PATHS for one in path.fields]
)
def test_a_change_affects_one_field_only(path: Path, field: Field) -> None:
    """A change is made to one field of the answer, to a value of the healthy one's type, and nothing else changes."""
    due = _healthy_answer(path)
    for name, rewrite in {**CHANGES, **BREAKING}.items():
        text = rewrite(field.example)
        after = spoiled(field.where, rewrite)(due)
        assert (after == due) is (text is None), name
    nulled = json.loads(spoiled(field.where, CHANGES["null"])(due).body)
    gone = json.dumps(json.loads(spoiled(field.where, CHANGES["missing"])(due).body))
    assert json.dumps(nulled).replace(f'"{field.where.rpartition(".")[2]}": null', "").count("null") == 0
    assert len(gone) < len(json.dumps(nulled))


@pytest.mark.parametrize("name", [*UNREADABLE, *READABLE])
def test_each_change_changes_each_answer(name: str) -> None:
    """Each change alters each path's answer, even the empty object of ping."""
    for path in PATHS:
        due = _healthy_answer(path)
        assert {**UNREADABLE, **READABLE}[name](due) != due, path.name


# -- the runs --


def _lawful(ran: whole.Table) -> None:
    if ran.broken:
        pytest.fail(ran.summary(), pytrace=False)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_sample_of_faults_breaks_no_invariant(capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind of fault once, and each path several times, break no invariant."""
    ran = whole.run(table.sample())
    with capsys.disabled():
        print(f"\nfault table, a sample: {ran.summary()}")
    assert ran.combinations == len(table.sample())
    _lawful(ran)


@pytest.mark.faults
@pytest.mark.timeout(0)
def test_no_fault_on_any_path_breaks_an_invariant(capsys: pytest.CaptureFixture[str]) -> None:
    """All cases keep the invariants; the time they take is printed, and has no limit."""
    cases = sample(table.whole())
    ran = whole.run(cases)
    with capsys.disabled():
        print(f"\n{ran.summary()}")
    assert ran.combinations == len(cases)
    _lawful(ran)


@pytest.mark.faults
@pytest.mark.timeout(0)
def test_a_run_ends_within_a_minute_of_real_time(capsys: pytest.CaptureFixture[str]) -> None:
    """With the real time-out of ten seconds a run ends within a minute, even if every answer takes nearly as long."""
    cases = table.in_real_time()
    ran = whole.run(cases, workers=len(cases), in_real_time=True)
    with capsys.disabled():
        print(f"\nin real time: {ran.summary()}")
    assert ran.slowest[0] > 3 * 8.9  # it has waited for one slow answer after another
    _lawful(ran)
