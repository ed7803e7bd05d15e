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


def test_in_another_thread_nothing_is_delayed() -> None:
    """In another thread, which never receives a Ctrl-C, imports need no protection, and raise no error."""
    done: Future[bool] = Future()

    def work() -> None:
        with delay_interrupts():
            done.set_result(True)

    threading.Thread(target=work, daemon=True).start()
    assert done.result(10)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
