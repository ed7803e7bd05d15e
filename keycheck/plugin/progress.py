"""Sends each finding, as soon as it is known, to the program that started the run: one line of JSON each.

    {"check": {...}}      as in verdict.json, one line for each check
    {"problem": "..."}    one sentence about settings or options that cannot be used
    {"unwritable": "..."} one sentence if no report can be written, so that the run did not begin
    {"limits": {...}}     the fields of rate_limit.Limits, after each check that has changed them; not of a replay
    {"public": "..."}     last, the public answers for other runs of this address (exchange/shared_answers.py)

Each line is cleaned of secrets, as the report files are; public answers that hold one are not sent.
"""

import dataclasses
import json
from collections.abc import Callable, Generator
from typing import Any

import pytest

from keycheck.exchange.rate_limit import Limits
from keycheck.plugin.suite_run import SuiteRun
from keycheck.report import verdict_json


class Progress:
    """A plugin object, handed to `pytest.main`. `tell`: a function that takes one line, without its line end."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._suite_run: SuiteRun | None = None
        self._limits = Limits()

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        found = config.pluginmanager.get_plugin("keycheck-suite")
        self._suite_run = found if isinstance(found, SuiteRun) else None

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        finding = getattr(report, "keycheck", None)
        if finding is not None and self._suite_run:
            clean = self._suite_run.redactor.without_secrets
            self._send(check=verdict_json.of_check(finding, clean))
            self._send_limits()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self) -> Generator[None, Any, Any]:
        try:
            return (yield)
        except pytest.UsageError as error:
            text, run = " ".join(map(str, error.args)), self._suite_run
            kind = "problem" if run is None or run.begun else "unwritable"
            self._send(**{kind: run.redactor.clean(text) if run else text})
            raise

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        self._send_limits()  # the diagnosis may have sent more requests
        if (run := self._suite_run and self._suite_run.run) and (public := run.public_answers()):
            self._send(public=public)

    def _send_limits(self) -> None:
        run = self._suite_run.run if self._suite_run else None
        if run and run.options.mode != "replay" and (limits := run.session.limits) != self._limits:
            self._limits = limits
            self._send(limits=dataclasses.asdict(limits))

    def _send(self, **message: Any) -> None:
        self._tell(json.dumps(message))
