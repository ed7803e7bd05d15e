"""Imports during a run are not interrupted by a Ctrl-C."""

import signal
import threading
from concurrent.futures import Future

import pytest

from keycheck.run.deferred_imports import delay_interrupts


def test_a_ctrl_c_waits_for_the_end() -> None:
    """A Ctrl-C during an import is delivered at the import's end."""
    reached = []

    def work() -> None:
        with delay_interrupts():
            signal.raise_signal(signal.SIGINT)
            reached.append(True)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert reached
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="Windows has no alarm")
def test_the_end_of_a_time_limit_waits_too() -> None:
    """pytest-timeout's alarm raises an exception as Ctrl-C does."""

    def alarm(*_: object) -> None:
        raise TimeoutError

    reached = []

    def work() -> None:
        with delay_interrupts():
            signal.raise_signal(signal.SIGALRM)
            reached.append(True)

    usual = signal.signal(signal.SIGALRM, alarm)
    try:
        with pytest.raises(TimeoutError):
            work()
        assert signal.getsignal(signal.SIGALRM) is alarm
    finally:
        signal.signal(signal.SIGALRM, usual)
    assert reached


@pytest.mark.parametrize("ignored", [signal.SIG_IGN, signal.SIG_DFL])
def test_a_signal_without_a_handler_keeps_its_action(ignored: signal.Handlers) -> None:
    """nohup lets a program ignore Ctrl-C."""
    usual = signal.signal(signal.SIGINT, ignored)
    try:
        with delay_interrupts():
            assert signal.getsignal(signal.SIGINT) is ignored
    finally:
        signal.signal(signal.SIGINT, usual)


def test_in_another_thread_nothing_is_delayed() -> None:
    """In another thread, which never receives a Ctrl-C, imports need no protection, and raise no error."""
    done: Future[bool] = Future()

    def work() -> None:
        with delay_interrupts():
            done.set_result(True)

    threading.Thread(target=work, daemon=True).start()
    assert done.result(10)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
