"""`--prom FILE`: writes the run's metrics for Prometheus to a file, after the verdict."""

import errno
from pathlib import Path
from typing import Any

import pytest

from keycheck import bounded_files
from keycheck.errors import DirtyArtefact
from keycheck.plugin.ending import Ending
from keycheck.report import artefacts, prometheus, verdict_json
from keycheck.report.model import RunReport

_OURS = b"keycheck_"  # every line of metrics contains it


class PrometheusFile:
    """Replaces the file atomically. If a run ends without a verdict, the metric of its verdict is 0."""

    def __init__(self, path: Path, suite_run: Any) -> None:
        self._path = path
        self._suite_run = suite_run
        self._is_written = False
        config: pytest.Config = suite_run.config
        Ending.of(config).last_acts.append(lambda: self.pytest_unconfigure(config))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._suite_run.report is not None:
            self._write(self._suite_run.report, session.config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        if not self._is_written and self._suite_run.begun is not None:
            self._write(self._suite_run.begun, config)

    def _write(self, report: RunReport, config: pytest.Config) -> None:
        self._is_written = True
        redactor = self._suite_run.redactor
        text = prometheus.render([({}, verdict_json.as_dict(report, redactor.without_secrets))])
        try:
            _refuse_other_things(self._path)
            artefacts.write(self._path, text, redactor.finds)
        except OSError as error:
            Ending.of(config).note(
                f"--prom could not be written ({error.strerror}): name another file for it, or make room"
            )
        except DirtyArtefact as dirt:
            Ending.of(config).note(str(dirt))


def _refuse_other_things(path: Path) -> None:
    """Raises OSError unless the file is missing or empty, or holds metrics of keycheck.

    --prom must replace neither /dev/null nor /dev/stdout, which root could do, nor a file of keys.
    """
    if path.is_symlink():
        raise OSError(errno.EEXIST, "it is a link")
    if not path.exists():
        return
    if not path.is_file():
        raise OSError(errno.EEXIST, "it is not a file")
    if (first := bounded_files.first_line(path)) and _OURS not in first:
        raise OSError(errno.EEXIST, "it holds something other than metrics of keycheck")
