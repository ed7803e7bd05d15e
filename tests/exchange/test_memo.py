"""The memo: each question of a run is asked once, even if several threads ask it, and each wait ends."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NoReturn, TypeVar

import pytest

from keycheck.errors import Cancelled, KeycheckError, Undecided
from keycheck.exchange.endpoints import ACCOUNT_CONFIG, PING, TIME
from keycheck.exchange.memo import Dependencies, Memo, derived, memoized

R = TypeVar("R")
PATIENCE = 10.0  # seconds until a test gives up
SOON = 3.0  # seconds; a cancelled request ends in milliseconds, and any other after ten seconds
QUESTION = ("question", ())


def in_thread(ask: Callable[[], R]) -> "Future[R]":
    """Calls `ask` in a thread of its own, and returns the future of its result."""
    found: Future[R] = Future()

    def work() -> None:
        try:
            found.set_result(ask())
        except BaseException as error:  # noqa: BLE001  raised again by the future's result()
            found.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return found


def wait_for(moment: threading.Semaphore, times: int = 1) -> None:
    """Waits until the semaphore was released this many times."""
    for _ in range(times):
        assert moment.acquire(timeout=PATIENCE)


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits until a condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class WatchedMemo(Memo):
    """A memo that notes when a thread begins to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = threading.Semaphore(0)

    def _wait_for(self, *how: Any, **else_: Any) -> Any:
        self.waiting.release()
        return super()._wait_for(*how, **else_)


class OneQuestion:
    """A session with one question, whose answers the test hands out one by one."""

    def __init__(self) -> None:
        self.memo = WatchedMemo()
        self.sent = 0
        self.must_wait = False
        self.replies: queue.SimpleQueue[str | BaseException] = queue.SimpleQueue()
        self.looking, self.waiting = threading.Semaphore(0), self.memo.waiting

    @memoized(sends=PING)
    def question(self) -> str:
        """Sends one request, and waits for the answer that the test hands out."""
        self.memo.check_cancelled(must_wait=self.must_wait)
        self.sent += 1
        self.memo.note_call(self.sent)
        self.looking.release()
        reply = self.replies.get(timeout=PATIENCE)
        if isinstance(reply, BaseException):
            raise reply
        return reply

    def answer_and_calls(self) -> tuple[str | KeycheckError, tuple[int, ...]]:
        """The answer, or the error instead, and the numbers of the requests that it rests on."""
        try:
            answer: str | KeycheckError = self.question()
        except KeycheckError as error:
            answer = error
        return answer, self.memo.take_used_calls()

    def prefetched_answer(self) -> tuple[str | KeycheckError, tuple[int, ...]]:
        """The same from a prefetching thread."""
        self.memo.this_thread_prefetches()
        return self.answer_and_calls()


@pytest.mark.parametrize("reply", ["yes", Undecided("no")], ids=["an answer", "an error"])
def test_two_threads_that_ask_at_once_share_one_answer(reply: str | BaseException) -> None:
    """Two threads that ask at once cause one request, and both results name that request."""
    single = OneQuestion()
    first = in_thread(single.answer_and_calls)
    wait_for(single.looking)
    second = in_thread(single.answer_and_calls)
    wait_for(single.waiting)
    single.replies.put(reply)
    assert first.result(PATIENCE) == second.result(PATIENCE) == single.answer_and_calls() == (reply, (1,))
    assert single.sent == 1


@pytest.mark.parametrize("torn", [KeyboardInterrupt(), Cancelled(), RuntimeError()], ids=repr)
def test_a_waiting_thread_asks_if_the_asking_one_is_interrupted(torn: BaseException) -> None:
    """If the first thread is interrupted, the waiting one sends the request again, and each counts its own requests."""
    single = OneQuestion()

    def torn_away() -> tuple[int, ...]:
        with pytest.raises(type(torn)):
            single.question()
        return single.memo.take_used_calls()

    first = in_thread(torn_away)
    wait_for(single.looking)
    second = in_thread(single.answer_and_calls)
    wait_for(single.waiting)
    single.replies.put(torn)
    wait_for(single.looking)
    single.replies.put("yes")
    assert (first.result(PATIENCE), second.result(PATIENCE)) == ((1,), ("yes", (2,)))


def test_request_numbers_come_in_ascending_order() -> None:
    """Request numbers come in ascending order, each once, and only those noted since the last call."""
    memo = Memo()
    for number in (64, 8, 33, 1, 8):
        memo.note_call(number)
    assert memo.take_used_calls() == (1, 8, 33, 64)
    assert memo.take_used_calls() == ()


@pytest.mark.parametrize("reply", ["yes", Undecided("no")], ids=["an answer", "an error"])
def test_seen_is_none_until_the_question_was_answered(reply: str | BaseException) -> None:
    """`seen` is None until the question was answered, even if it is reserved."""
    single = OneQuestion()
    assert single.memo.seen("question") is None
    single.memo.reserve([QUESTION])
    assert single.memo.seen("question") is None
    single.memo.release(QUESTION)
    single.replies.put(reply)
    single.answer_and_calls()
    assert single.memo.seen("question") is reply
    assert single.memo.seen("another") is None
    assert single.sent == 1


def test_a_check_waits_for_a_reserved_question() -> None:
    """A check waits for the prefetched answer to its question instead of asking it again."""
    single = OneQuestion()
    single.memo.reserve([QUESTION])
    check = in_thread(single.answer_and_calls)
    wait_for(single.waiting)
    assert single.sent == 0
    ahead = in_thread(single.prefetched_answer)
    wait_for(single.looking)
    single.replies.put("yes")
    assert ahead.result(PATIENCE) == check.result(PATIENCE) == ("yes", (1,))
    assert single.sent == 1


def test_a_check_waits_with_patience_only_once_prefetching_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the run's first request is answered a check waits for its reserved question; then it soon asks itself."""
    monkeypatch.setattr("keycheck.exchange.memo.PATIENCE", 0.01)
    single = OneQuestion()
    single.memo.reserve([QUESTION])
    check = in_thread(single.answer_and_calls)
    wait_for(single.waiting)
    assert not single.looking.acquire(timeout=0.2)
    single.memo.prefetching_runs()
    wait_for(single.looking)
    single.replies.put("yes")
    assert check.result(PATIENCE) == ("yes", (1,))


def test_a_check_asks_a_question_that_was_released() -> None:
    """A check asks its question itself as soon as the prefetcher has released it."""
    single = OneQuestion()
    single.memo.reserve([QUESTION])
    check = in_thread(single.answer_and_calls)
    wait_for(single.waiting)
    single.memo.release(QUESTION)
    wait_for(single.looking)
    single.replies.put("yes")
    assert check.result(PATIENCE) == ("yes", (1,))


def test_a_running_prefetch_cannot_be_released() -> None:
    """A question that is already being prefetched can no longer be released, and is sent once."""
    single = OneQuestion()
    single.memo.reserve([QUESTION])
    ahead = in_thread(single.prefetched_answer)
    wait_for(single.looking)
    single.memo.release(QUESTION)
    check = in_thread(single.answer_and_calls)
    wait_for(single.waiting)
    single.replies.put("yes")
    assert ahead.result(PATIENCE) == check.result(PATIENCE) == ("yes", (1,))
    single.memo.release(QUESTION)
    assert single.answer_and_calls() == ("yes", (1,))


@pytest.mark.parametrize("why", ["it would have to wait", "the run is ending"])
def test_a_check_asks_after_a_cancelled_prefetch(why: str) -> None:
    """A cancelled prefetch has sent nothing, and the check that waited for it asks the question itself."""
    single = OneQuestion()
    single.memo.reserve([QUESTION])
    check = in_thread(single.answer_and_calls)
    wait_for(single.waiting)
    if why == "the run is ending":
        single.memo.cancel_prefetching()
    single.must_wait = why == "it would have to wait"
    assert isinstance(in_thread(single.prefetched_answer).exception(PATIENCE), Cancelled)
    wait_for(single.looking)
    single.replies.put("yes")
    assert check.result(PATIENCE) == ("yes", (1,))


def test_prefetching_that_is_cancelled_waits_for_no_check() -> None:
    """Cancelled prefetching does not wait for a check: after Ctrl-C, the check may be waiting for the prefetcher."""
    single = OneQuestion()
    check = in_thread(single.answer_and_calls)
    wait_for(single.looking)
    ahead = in_thread(single.prefetched_answer)
    wait_for(single.waiting)
    single.memo.cancel_prefetching()
    assert isinstance(ahead.exception(SOON), Cancelled)
    single.replies.put("yes")
    assert check.result(PATIENCE) == ("yes", (1,))


def test_an_interrupted_wait_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted thread that waits reports the interrupt, and another thread can still ask the question."""
    single, said = OneQuestion(), []

    def torn(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    single.memo.interrupted = lambda: said.append("torn")
    single.memo.reserve([QUESTION])
    monkeypatch.setattr(single.memo._entries[QUESTION].settled, "wait", torn)
    with pytest.raises(KeyboardInterrupt):
        single.question()
    assert said == ["torn"]
    single.memo.release(QUESTION)
    single.replies.put("yes")
    assert single.answer_and_calls() == ("yes", (1,))


def test_a_forgotten_answer_is_asked_for_again() -> None:
    """`forget` removes only the answers of the named questions, and no question that a thread is asking."""
    single = OneQuestion()
    single.replies.put("yes")
    assert single.question() == "yes"
    single.memo.forget("another")
    assert single.memo.seen("question") == "yes"
    single.memo.forget("question")
    assert single.memo.seen("question") is None
    asking = in_thread(single.answer_and_calls)
    for _ in range(2):
        wait_for(single.looking)
    single.memo.forget("question")
    single.replies.put("no")
    assert asking.result(PATIENCE) == ("no", (2,))
    assert (single.memo.seen("question"), single.sent) == ("no", 2)


# -- what questions depend on --


class Chain:
    """A session with three questions that send requests, one of them signed, and one that rests on two others."""

    def __init__(self) -> None:
        self.memo = Memo()

    @memoized(sends=TIME)
    def clock(self) -> int:
        return 1

    @memoized(sends=PING)
    def ping(self) -> bool:
        return True

    @memoized(sends=ACCOUNT_CONFIG, rests_on=(ping,))
    def account(self) -> str:
        return "account"

    @derived(rests_on=(account,))
    def diagnosis(self) -> str:
        return self.account()


CHAIN = Dependencies(Chain, "clock")


@pytest.mark.parametrize(
    ("names", "reached"),
    [
        (["clock"], {"clock"}),
        (["diagnosis"], {"diagnosis", "account", "ping", "clock"}),
        (["ping", "memo", "unknown"], {"ping"}),
        ([], set()),
    ],
)
def test_a_question_reaches_all_that_it_rests_on(names: list[str], reached: set[str]) -> None:
    """A question reaches the questions that it rests on, and a signed one the clock for its time stamp."""
    found = CHAIN.reached_from(names)
    assert found == reached
    assert isinstance(found, frozenset)


def test_the_requests_of_a_question_are_those_of_all_that_it_reaches() -> None:
    """A question may send its own request and those of the questions that it reaches; a derived one sends none."""
    assert CHAIN.sends == {"clock": TIME, "ping": PING, "account": ACCOUNT_CONFIG, "diagnosis": None}
    assert CHAIN.requests_of(["diagnosis"]) == {TIME, PING, ACCOUNT_CONFIG}
    assert CHAIN.requests_of(["ping"]) == {PING}


def test_an_answer_counts_the_requests_of_the_answers_that_it_rests_on() -> None:
    """A check that uses a remembered answer has used the requests that the answer rests on, and no others."""
    memo = Memo()

    def outer() -> str:
        memo.note_call(1)
        memo.answer(("inner", ()), lambda: memo.note_call(2))
        return "outer"

    memo.note_call(7)
    assert memo.answer(QUESTION, outer) == "outer"
    assert memo.take_used_calls() == (1, 2, 7)
    memo.answer(("inner", ()), lambda: memo.note_call(3))
    assert memo.take_used_calls() == (2,)
