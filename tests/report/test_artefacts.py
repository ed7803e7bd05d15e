"""A file is replaced as a whole, or stays as it was."""

import os
from pathlib import Path

import pytest

from keycheck.errors import DirtyArtefact, UsageProblem
from keycheck.report import artefacts


def never(text: str) -> bool:
    """A scan that finds nothing."""
    return not isinstance(text, str)


def test_a_file_is_written_as_utf_8_with_unix_line_ends(tmp_path: Path) -> None:
    """A file is written as UTF-8, whatever the machine's own encoding is."""
    artefacts.write(tmp_path / "a.json", "币 ✓\n", never)
    assert (tmp_path / "a.json").read_bytes() == "币 ✓\n".encode()


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    """A shorter or longer text replaces the old one completely, and no other file is left."""
    file = tmp_path / "a.json"
    for text in ("first, and long", "second", ""):
        artefacts.write(file, text, never)
        assert file.read_text() == text
    assert list(tmp_path.iterdir()) == [file]


def test_a_new_file_replaces_none(tmp_path: Path) -> None:
    """Another process may have made the file a moment before; its text stays, and no other file is left."""
    file = tmp_path / "a.yaml"
    artefacts.write(file, "first", never, new=True)
    with pytest.raises(FileExistsError):
        artefacts.write(file, "second", never, new=True)
    with pytest.raises(DirtyArtefact):
        artefacts.write(file, "secret", lambda _: True, new=True)
    assert file.read_text() == "first"
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [file]


def test_a_report_may_be_read_by_others(tmp_path: Path) -> None:
    """A temporary file is private, but a report may be read by others."""
    artefacts.write(tmp_path / "a.json", "x", never)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o644


def test_a_link_in_place_of_the_temporary_file_leads_to_no_other_file(tmp_path: Path) -> None:
    """If the folder is another user's, who replaces the temporary file by a link, its target keeps its mode."""
    private = tmp_path / "private"
    private.write_text("old")
    private.chmod(0o600)
    with artefacts.replacing(tmp_path / "a.json") as file:
        Path(file.name).unlink()
        Path(file.name).symlink_to(private)
    assert (private.read_text(), private.stat().st_mode & 0o777) == ("old", 0o600)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a link away")
def test_nothing_is_written_through_another_users_link_to_a_folder(tmp_path: Path) -> None:
    """In a working directory of another user, cassettes/ may lead to a folder of one's own."""
    (tmp_path / "own").mkdir()
    link = tmp_path / "cassettes"
    link.symlink_to(tmp_path / "own")
    os.lchown(link, 12345, 12345)
    with pytest.raises(OSError, match="it is behind a link that another user made"):
        artefacts.write(link / "mine.yaml", "text", lambda _: False)
    os.lchown(link, 0, 0)
    artefacts.write(link / "mine.yaml", "text", lambda _: False)
    assert (tmp_path / "own/mine.yaml").read_text(encoding="utf-8") == "text"


@pytest.mark.parametrize("step", ["os.replace", "os.fchmod"])
def test_the_old_file_stays_if_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """If writing fails, the old file stays and the half-written one is removed."""
    file = tmp_path / "a.json"
    file.write_text("old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(step, fail)
    with pytest.raises(OSError, match="No space"):
        artefacts.write(file, "new", never)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_nothing_is_left_of_a_text_that_cannot_be_written(tmp_path: Path) -> None:
    """A text that UTF-8 cannot encode leaves no file."""
    with pytest.raises(ValueError, match="surrogates"):
        artefacts.write(tmp_path / "a.json", "\ud800", never)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_is_not_replaced(tmp_path: Path) -> None:
    """A directory is not replaced, and no other file is left."""
    (tmp_path / "a.json").mkdir()
    with pytest.raises(OSError, match="irectory"):
        artefacts.write(tmp_path / "a.json", "x", never)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_is_made_with_its_parents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder is made with its parents. One that exists is tried out, and nothing is left in it."""
    monkeypatch.chdir(tmp_path)
    artefacts.make_folder(Path(), "--out")  # the working directory
    for _ in range(2):
        artefacts.make_folder(tmp_path / "a" / "b", "--report-dir")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_folder_that_takes_no_file_is_named(tmp_path: Path) -> None:
    """The message names the folder and a remedy in one sentence, without the path to it."""
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageProblem, match="--report-dir") as caught:
            artefacts.make_folder(folder, "--report-dir")
        assert folder.name in str(caught.value)
        assert str(tmp_path) not in str(caught.value)


def test_dirty_file_is_not_kept(tmp_path: Path) -> None:
    """If the new text holds a secret, no file is kept: the old one might be mistaken for the new one."""
    path = tmp_path / "a.json"
    artefacts.write(path, "old", never)
    with pytest.raises(DirtyArtefact, match=r"a\.json would have held a secret"):
        artefacts.write(path, "new", lambda text: "new" in text)
    assert list(tmp_path.iterdir()) == []
