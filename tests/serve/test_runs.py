"""Runs of an endpoint that end at once, never begin, or cannot be used."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keycheck import process
from keycheck.exchange.rate_limit import Limits
from keycheck.purse import Empty, Purse
from keycheck.redaction.secret import Secret
from keycheck.serve import request_body
from keycheck.serve.problem import Problem
from keycheck.serve.runs import Runs, Said
from tests.children import wait_until
from tests.serve.serving import GIVEN, Serving, instant

WANTED = request_body.Request(Secret("{}"), "production")


@pytest.mark.slow
def test_runs_that_end_at_once_leave_nothing(tmp_path: Path) -> None:
    """No event of an ended run is kept, even if its thread ends before `start` goes on."""
    number = 40
    runs = Runs(1000, {"production": Purse(tmp_path, 1.0)}, instant)
    said: list[Said] = []
    for _ in range(number):
        runs.start(WANTED, said.append)
    wait_until(lambda: len(said) == number)
    assert not runs._cancels


def test_a_run_whose_client_has_gone_spends_nothing(tmp_path: Path) -> None:
    """A run that is cancelled before it begins starts no child, and takes no weight."""
    purse = Purse(tmp_path, 0.01)  # 24 of weight: for one run

    def run(*_: Any, **__: Any) -> process.Finished:
        raise AssertionError("it was started")

    runs = Runs(1, {"production": purse}, run)
    gone = threading.Event()
    gone.set()
    with pytest.raises(Problem):
        runs._spend(WANTED, lambda _: None, gone)
    purse.reserve()


def test_a_run_with_more_requests_reserves_more_weight(tmp_path: Path) -> None:
    """With `expect` a run requests the margin type, too, with weight 5: it leaves 4 of a purse of 24."""
    with Serving(tmp_path, run=instant, share=0.01) as serving:
        assert serving.post(GIVEN | {"expect": "isolated"}).status == 200
        purse = serving.endpoint._runs._purses["production"]
        with pytest.raises(Empty):
            purse.reserve(5)
        purse.reserve(4)


def test_a_stop_of_another_host_is_not_that_of_this_address(tmp_path: Path) -> None:
    """If the settings name another host, its 429 stops the runs that ask it, and no run that asks Binance itself."""

    def run(*_: Any, **__: Any) -> process.Finished:
        return replace(instant(), limits=Limits(wait=1000))

    with Serving(tmp_path, run=run, settings={"BINANCE_FUTURES_URL": "http://127.0.0.1:9"}) as serving:
        assert [serving.post().status for _ in range(2)] == [200, 429]
    Purse(tmp_path / "purse").reserve()


def test_an_error_that_is_not_a_sentence_of_the_run_is_not_shown(tmp_path: Path) -> None:
    """Only the run's own sentence about settings is a 400; any other ValueError is an internal error, and not shown."""

    def fails(*_: Any, **__: Any) -> process.Finished:
        raise ValueError("some value")

    def refuses(*_: Any, **__: Any) -> process.Finished:
        raise process.UnusableSettings("BINANCE_SYMBOL is not a name")

    with Serving(tmp_path, run=fails) as serving:
        answer = serving.post()
    assert answer.status == 500
    assert b"some value" not in answer.body
    with Serving(tmp_path, run=refuses) as serving:
        assert (serving.post().status, serving.post().json["detail"]) == (400, "symbol is not a name.")


def test_a_spent_purse_is_one_sentence(tmp_path: Path) -> None:
    """The sentence in the 429 of a spent purse ends with exactly one full stop."""
    with Serving(tmp_path, run=instant, share=0.01) as serving:
        assert serving.post().status == 200
        refused = serving.post()
    assert refused.status == 429
    assert refused.json["detail"].endswith(" s.")


def test_an_empty_receipt_key_is_refused(tmp_path: Path) -> None:
    """An empty receipt key is an error: a random one instead would not be the platform's."""
    with pytest.raises(ValueError, match="at least 32 bytes"):
        Serving(tmp_path, receipt_key=b"")
