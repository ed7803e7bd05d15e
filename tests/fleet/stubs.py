"""An engine whose runs are stubs: an Executor that answers at once, or when a test calls `finish`."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Any

from keycheck import process
from keycheck.fleet.accounts import Account, Fleet, Lane
from keycheck.fleet.job import run_job
from keycheck.report import verdict_json
from tests.sample_reports import REPORTS

OK = verdict_json.as_dict(REPORTS["healthy"])
OK |= {"requests": OK["requests"] | {"futuresWeight": 15}}
UNPROVEN = process.not_begun("Why.", "do it").verdict
NOT_OK = OK | {"ok": False, "verdict": "NOT_OK", "diagnosis": UNPROVEN["diagnosis"]}
Answer = Callable[[Mapping[str, Any]], str | Exception | None]


def fleet(*names: str, lane: str = "local", **more: Sequence[str]) -> Fleet:
    """A fleet: the accounts `names` of one lane, and those of other lanes by lane."""
    by_lane = {lane: names, **more}
    accounts = [Account(name, one) for one, called in by_lane.items() for name in called]
    return Fleet({one: Lane(one, 0.5) for one in by_lane}, accounts)


def ok(job: Mapping[str, Any], verdict: Mapping[str, Any] = OK, weight: int = 15) -> str:
    """The answer of a run that is OK."""
    return json.dumps({"account": job["account"], "verdict": verdict, "page": "", "weight": weight})


def wait(job: Mapping[str, Any], seconds: float, why: str = "No weight is left. Try again in 5 s.") -> str:
    """The answer of a lane that has no weight left."""
    return json.dumps({"account": job["account"], "wait": seconds, "why": why})


class Stub(Executor):
    """An engine with one Executor. `answer`: a function that returns a text, an exception, or None for no answer yet.

    `asked`: the accounts, in order. `under_way`: those without an answer, with their Futures.
    """

    job = staticmethod(run_job)

    def __init__(self, answer: Answer = ok, slots: int = 2) -> None:
        self.answer = answer
        self.number_of_slots = slots
        self.asked: list[str] = []
        self.jobs: list[dict[str, Any]] = []
        self.under_way: dict[str, Future[str]] = {}
        self.most_under_way = 0

    def executor(self, _: Lane) -> Executor:
        return self

    def slots(self, _: Lane) -> int:
        return self.number_of_slots

    def submit(self, function: Any, /, text: str) -> Any:  # type: ignore[override]  # takes only one text
        assert function is run_job
        job = json.loads(text)
        self.asked.append(job["account"])
        self.jobs.append(job)
        future: Future[str] = Future()
        self.under_way[job["account"]] = future
        self.most_under_way = max(self.most_under_way, len(self.under_way))
        self.finish(job["account"], self.answer(job))
        return future

    def finish(self, account: str, found: str | Exception | None) -> None:
        """Answers the job of an account that is under way."""
        if isinstance(found, Exception):
            self.under_way.pop(account).set_exception(found)
        elif found is not None:
            self.under_way.pop(account).set_result(found)

    def close(self) -> None: ...
