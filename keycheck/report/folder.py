"""The report folder: a run writes its verdict, its page and its text for a ticket there."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from keycheck import bounded_files
from keycheck.errors import UsageProblem
from keycheck.redaction.redactor import Redactor
from keycheck.report import artefacts, verdict_json
from keycheck.report.folder_lock import (
    BESIDE,
    PAGE_FILE,
    REPORTS,
    SUMMARY_FILE,
    VERDICT_FILE,
    Hold,
    Replaced,
)
from keycheck.report.model import RunReport

_MARK = "\ue000"  # a character of no language


class ReportFolder:
    """Removes the reports of the last run, and writes those of this run."""

    def __init__(self, hold: Hold, redactor: Redactor) -> None:
        self.path = hold.folder
        self.texts: dict[str, str] = {}  # those that this run has written, by the name of the file
        self._hold = hold
        self._redactor = redactor

    def withdraw(self, blank: RunReport) -> None:
        """Takes the folder's lock, and replaces the last run's verdict by `blank`, a verdict without findings.

        If that fails, it removes the old reports, if possible, and raises UsageProblem. It removes nothing in a folder
        that has replaced the locked one, or that another user's run may have locked.
        """
        artefacts.make_folder(self.path, "--report-dir")
        try:
            self._write(VERDICT_FILE, verdict_json.render(blank, self._redactor.without_secrets))
            self._remove(*BESIDE)
        except Replaced as replaced:
            raise UsageProblem(f"{replaced.strerror}: start it again when nothing else uses that folder") from None
        except PermissionError as error:
            raise UsageProblem(
                f"the last run's reports cannot be replaced ({error.strerror}), and stay: choose another --report-dir, "
                "or remove .lock there, if no run of another user, who may have made it, is using it"
            ) from None
        except OSError as error:
            reason = error.strerror
        else:
            return
        for name in REPORTS:  # no verdict is better than an old one
            with contextlib.suppress(OSError):
                self._remove(name)
        raise UsageProblem(
            f"the last run's reports cannot be replaced ({reason}): make room, or choose another --report-dir"
        )

    @staticmethod
    def preload() -> None:
        """Imports what `write` needs; a live run does so during its first request."""
        from keycheck.report import page, summary  # noqa: F401, PLC0415  imported late, to start sooner

        page.preload()

    def write(self, shared: RunReport) -> None:
        """Writes all files, the verdict last. `shared`: a report whose texts may be shared.

        Raises OSError if a file cannot be written or the folder was replaced, DirtyArtefact if one would have held a
        secret.
        """
        from keycheck.report import page, summary  # noqa: PLC0415  see `preload`

        # Each text is cleaned before it is inserted into a report: afterwards, the format's own characters might be
        # taken for part of a secret, and hidden.
        clean = self._redactor.without_secrets
        text = summary.render(shared, clean)
        try:
            self._write(SUMMARY_FILE, text)
            self._write(PAGE_FILE, page.render(shared, text, clean), lambda: page.render(shared, text, clean, _MARK))
            self._write(VERDICT_FILE, verdict_json.render(shared, clean))
        except BaseException:
            self._remove(*BESIDE)
            raise

    def add_summary_to(self, path: Path, env_file: Path) -> None:
        """Appends summary.md, which holds no secret, to the file that a CI service shows on the page of its job.

        Raises OSError, also if `path` is not a regular file, is the settings file, or is in the report folder.
        """
        with contextlib.suppress(RuntimeError):  # a loop of links; `append` refuses it
            if path.resolve().parent == self.path.resolve() or path.resolve() == env_file.resolve():
                raise OSError(0, "it is a file of this run's own")
        bounded_files.append(path, f"\n{self.texts[SUMMARY_FILE]}")

    def _write(self, name: str, text: str, marked: Callable[[], str] | None = None) -> None:
        """Takes the folder's lock, and writes a report. Raises Replaced if the locked folder has been replaced.

        `marked`: makes the same text, with a mark before and after each inserted text.
        """
        self._hold.take()

        def is_dirty(written: str) -> bool:
            if not self._redactor.finds(written):
                return False
            return marked is None or not self._is_of_its_form_alone(written, marked())

        artefacts.write(self.path / name, text, is_dirty)
        self.texts[name] = text

    def _is_of_its_form_alone(self, written: str, marked: str) -> bool:
        """Whether the secret is only a chance match in the template's own text, and in no inserted text."""
        texts = marked.split(_MARK)
        return "".join(texts) == written and not any(map(self._redactor.finds_in_markup, texts))

    def _remove(self, *names: str) -> None:
        for name in names if not self._hold.is_lost else ():
            (self.path / name).unlink(missing_ok=True)
