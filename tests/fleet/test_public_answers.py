"""Runs that share public answers, by the exchange's own count; and the machine's memory of them."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from keycheck import process
from keycheck.fleet import job
from keycheck.fleet.accounts import Account, Lane
from keycheck.fleet.public_answers import PublicAnswers
from keycheck.purse import RUN, SHARED_RUN
from tests.exchange import API_KEY, API_SECRET, LocalExchange, Scenario

OF_THE_MOMENT = ("rate_limit_headroom_is_left", "clock_agrees_with_exchange", "clock_is_inside_signing_window")
OTHER_SECRET = {"BINANCE_API_SECRET": API_SECRET[::-1]}
SOURCE = ("production", "https://fapi.binance.com", "BTCUSDT", "", "")


@pytest.fixture(scope="module")
def lane() -> Iterator[tuple[LocalExchange, str]]:
    """An exchange, and what a run with it has handed on."""
    with LocalExchange() as exchange:
        yield exchange, process.run(exchange.settings()).public
        assert exchange.real_orders == []


def compared(finished: process.Finished) -> dict[str, Any]:
    """What two runs of one account have in common: verdict, causes, and each check with what it observed."""
    verdict = finished.verdict
    checks = [
        (one["id"], one["outcome"], one["blockedBy"], "" if one["id"] in OF_THE_MOMENT else one["detail"])
        for one in verdict["checks"]
    ]
    causes = [one["cause"] for one in verdict["diagnosis"]]
    facts = {name: verdict[name] for name in ("verdict", "ok", "stepSize", "minNotional", "testOrderOk", "driftOk")}
    return facts | {"checks": checks, "causes": causes}


@pytest.mark.parametrize(
    ("sick", "settings"),
    [
        (Scenario(), {}),
        (Scenario(), OTHER_SECRET),
        (Scenario(ip_allowed=False), {}),
        (Scenario(read_only=True), {}),
        (Scenario(symbol_overrides={"BTCUSDT": {"status": "SETTLING"}}, order_refusal=-4140), {}),
    ],
    ids=["healthy", "wrong secret", "address not on the list", "read-only", "contract has just closed"],
)
def test_a_run_with_shared_answers_comes_to_the_same_verdict(
    lane: tuple[LocalExchange, str], sick: Scenario, settings: Mapping[str, str]
) -> None:
    """Verdict, causes, checks and what they observed are those of a run that asks for everything itself."""
    exchange, public = lane
    exchange.scenario = sick
    mine = exchange.settings() | settings
    alone, together = process.run(mine), process.run(mine, shared=public)
    if sick.symbol_overrides:  # the one that was handed the answer knows of it when its order is refused
        assert (alone.verdict["verdict"], together.verdict["verdict"]) == ("UNPROVEN", "UNPROVEN")
        assert compared(alone)["causes"] == compared(together)["causes"]
    else:
        assert compared(together) == compared(alone)
    assert together.limits.spent < alone.limits.spent


def test_a_run_with_shared_answers_costs_10_and_no_megabyte(lane: tuple[LocalExchange, str]) -> None:
    """By the exchange's own count; the page says beside each of the five that it was shared, and how old it is."""
    exchange, public = lane
    exchange.scenario = Scenario()
    begun, weight = len(exchange.log), exchange.heaviest(3600)
    done = process.run(exchange.settings(), shared=public)
    paths = [one.path for one in exchange.log[begun:]]
    assert done.verdict["ok"]
    assert paths[0] == "/fapi/v1/ping"
    assert "/fapi/v1/exchangeInfo" not in paths
    assert done.verdict["requests"]["count"] == len(paths) == 7
    assert (
        exchange.heaviest(3600) - weight == done.verdict["requests"]["futuresWeight"] == done.limits.spent == SHARED_RUN
    )
    assert len(public) < 4000
    sent = done.page[done.page.index("Requests, as they were sent") :]
    assert len(re.findall(r"</b>\s+shared by the lane, \d+ s old\s*</div>", sent)) == 5
    assert "7 sent, futures weight 10 of 2400 a minute, wallet weight 1; 5 answers shared by the lane" in done.page


def test_a_job_hands_on_what_it_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The second job of a machine costs 10 of weight; 15 with `sharing` off, or for another contract."""
    monkeypatch.setattr(job, "_PUBLIC", PublicAnswers())
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with LocalExchange() as exchange:
        text = "".join(f"{name}={value}\n" for name, value in exchange.settings().items())
        (tmp_path / "alice.env").write_text(text, encoding="utf-8")
        (tmp_path / "alice.env").chmod(0o600)
        alice, eth = Account("alice"), Account("alice", settings={"BINANCE_SYMBOL": "ETHUSDT"})
        jobs = [(alice, True), (alice, True), (alice, False), (eth, True)]
        texts = [job.text_of(account, Lane("local", 0.5), sharing=sharing) for account, sharing in jobs]
        answers = [json.loads(job.run_job(one, tmp_path)) for one in texts]
    assert [one["verdict"]["verdict"] for one in answers] == ["OK"] * 4
    assert [one["weight"] for one in answers] == [RUN, SHARED_RUN, RUN, RUN]
    assert API_KEY[:10] not in json.dumps(answers)


def test_answers_are_kept_for_their_source_and_for_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Handed out for 45 s by a clock that nobody sets; the newest counts, whichever run ends last."""
    kept, now = PublicAnswers(), 1000.0
    monkeypatch.setattr("keycheck.clock.uptime", lambda: now)
    old, new = (json.dumps({"at": at}) for at in (980.0, 990.0))
    for text in (new, old, "", "no JSON", "{}", '{"at": "soon"}', '{"at": 2000}', '{"at": null}'):
        kept.keep(SOURCE, text)
    assert kept.fresh(SOURCE) == new
    assert kept.fresh((*SOURCE[:2], "ETHUSDT", "", "")) == ""
    now = 1036.0
    assert kept.fresh(SOURCE) == ""
