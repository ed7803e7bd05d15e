"""Runs that share public answers, counted by the exchange, and the store of these answers on a machine."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keycheck import process
from keycheck.fleet import job
from keycheck.fleet.accounts import Account, Lane
from keycheck.fleet.public_answers import PublicAnswers
from keycheck.purse import RUN, SHARED_RUN
from tests.exchange import API_KEY, API_SECRET, Fault, LocalExchange, Scenario
from tests.exchange.answers import Answer

OF_THE_MOMENT = ("rate_limit_headroom_is_left", "clock_agrees_with_exchange", "clock_is_inside_signing_window")
OTHER_SECRET = {"BINANCE_API_SECRET": API_SECRET[::-1]}
SOURCE = ("production", "https://fapi.binance.com", "BTCUSDT", "", "")


def compared(finished: process.Finished) -> dict[str, Any]:
    """The part of a verdict that two runs of one account share: verdict, causes, each check with its observation."""
    verdict = finished.verdict
    checks = [
        (one["id"], one["outcome"], one["blockedBy"], "" if one["id"] in OF_THE_MOMENT else one["detail"])
        for one in verdict["checks"]
    ]
    causes = [one["cause"] for one in verdict["diagnosis"]]
    facts = {name: verdict[name] for name in ("verdict", "ok", "stepSize", "minNotional", "testOrderOk", "driftOk")}
    return facts | {"checks": checks, "causes": causes}


@pytest.mark.slow
def test_a_healthy_run_with_shared_answers_costs_10_and_no_megabyte() -> None:
    """The exchange counts 10 of weight for a run with shared answers; its page lists the five, each with its age."""
    with LocalExchange() as exchange:
        alone = process.run(exchange.settings())
        begun, weight = len(exchange.log), exchange.heaviest(3600)
        done = process.run(exchange.settings(), shared=alone.public)
        sent = exchange.log[begun:]
        paths = [one.path for one in sent]
        weight = exchange.heaviest(3600) - weight
        assert exchange.real_orders == []
    assert done.verdict["ok"]
    assert compared(done) == compared(alone)
    assert paths[0] == "/fapi/v1/ping"
    assert not any("/fapi/v1/ping" in one.in_flight for one in sent)  # it was answered before the next was sent
    assert "/fapi/v1/exchangeInfo" not in paths
    assert done.verdict["requests"]["count"] == len(paths) == 7
    assert weight == done.verdict["requests"]["futuresWeight"] == done.limits.spent == SHARED_RUN
    assert len(alone.public) < 4000
    listed = done.page[done.page.index("Requests, as they were sent") :]
    assert len(re.findall(r"</b>\s+shared by the lane, \d+ s old\s*</div>", listed)) == 5
    assert "7 sent, futures weight 10 of 2400 a minute, wallet weight 1; 5 answers shared by the lane" in done.page


@pytest.mark.parametrize(
    ("sick", "changes"),
    [
        pytest.param(Scenario(), OTHER_SECRET, id="wrong secret", marks=pytest.mark.slow),
        pytest.param(Scenario(ip_allowed=False), {}, id="address not on the list", marks=pytest.mark.slow),
        pytest.param(Scenario(read_only=True), {}, id="read-only", marks=pytest.mark.slow),
    ],
)
def test_shared_answers_help_no_key_to_another_verdict(sick: Scenario, changes: dict[str, str]) -> None:
    """With shared answers, a run has the verdict, causes and observations of a run that sends all requests itself."""
    with LocalExchange(sick) as exchange:
        mine = exchange.settings() | changes
        alone = process.run(mine)
        together = process.run(mine, shared=alone.public)
    assert not together.verdict["ok"]
    assert compared(together) == compared(alone)
    assert together.limits.spent == alone.limits.spent - 5


@pytest.mark.slow
def test_a_contract_that_has_just_closed_is_seen() -> None:
    """If the shared entry of a contract is out of date, the refused order makes the run request it again."""
    with LocalExchange() as exchange:
        public = process.run(exchange.settings()).public
        closed = {"BTCUSDT": {"status": "SETTLING"}}
        exchange.scenario = Scenario(symbol_overrides=closed, order_refusal=-4140)
        alone, together = (process.run(exchange.settings(), shared=text) for text in ("", public))
    assert alone.verdict["verdict"] == together.verdict["verdict"] == "UNPROVEN"
    assert compared(alone)["causes"] == compared(together)["causes"] == ["contract_not_tradable"]


@pytest.mark.slow
def test_an_answer_that_holds_a_secret_is_not_handed_on() -> None:
    """If a public answer repeats the key, although public requests do not carry it, the answer is not shared."""

    def with_the_key(answer: Answer) -> Answer:
        info = json.loads(answer.body)
        (entry,) = [one for one in info["symbols"] if one["symbol"] == "BTCUSDT"]
        entry["filters"].append({"filterType": API_KEY})
        return replace(answer, body=json.dumps(info).encode())

    with LocalExchange(Scenario(faults={"/fapi/v1/exchangeInfo": Fault.altered(with_the_key)})) as exchange:
        done = process.run(exchange.settings())
    assert done.verdict["ok"]
    assert done.public == ""


@pytest.mark.slow
def test_a_job_hands_on_its_public_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The second job of a machine uses the first one's answers and costs 10 of weight, or 15 with `sharing` off."""
    monkeypatch.setattr(job, "_PUBLIC", PublicAnswers())
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with LocalExchange() as exchange:
        text = "".join(f"{name}={value}\n" for name, value in exchange.settings().items())
        (tmp_path / "alice.env").write_text(text, encoding="utf-8")
        (tmp_path / "alice.env").chmod(0o600)
        texts = [job.text_of(Account("alice"), Lane("local", 0.5), sharing=on) for on in (True, True, False)]
        answers = [json.loads(job.run_job(one, tmp_path)) for one in texts]
    assert [one["verdict"]["verdict"] for one in answers] == ["OK"] * 3
    assert [one["weight"] for one in answers] == [RUN, SHARED_RUN, RUN]
    assert API_KEY[:10] not in json.dumps(answers)


def test_answers_are_kept_for_their_source_and_for_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is used for 45 s by the monotonic clock; the newest one is kept, whichever run ends last."""
    kept, now = PublicAnswers(), 1000.0
    monkeypatch.setattr("keycheck.clock.uptime", lambda: now)
    old, new = (json.dumps({"at": at}) for at in (980.0, 990.0))
    for text in (new, old, "", "no JSON", "{}", '{"at": "soon"}', '{"at": 2000}', '{"at": null}'):
        kept.keep(SOURCE, text)
    assert kept.fresh(SOURCE) == new
    assert kept.fresh((*SOURCE[:2], "ETHUSDT", "", "")) == ""
    now = 1036.0
    assert kept.fresh(SOURCE) == ""
