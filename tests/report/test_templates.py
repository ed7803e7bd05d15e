"""The cache of compiled templates is jinja2's own, and no page depends on it."""

import os
import sys
from pathlib import Path

import pytest

from keycheck.report import templates


def render(folder: Path) -> str:
    """Renders the template of this folder, with a new engine."""
    return templates.environment(folder).get_template("a.html").render(value="<b>")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a template, beside an empty cache."""
    (tmp_path / "a.html").write_text("{{ value }}", encoding="utf-8")
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(templates, "_CACHE", tmp_path / "cache")
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    return tmp_path


def test_a_compiled_template_is_kept_and_read(folder: Path) -> None:
    """A second engine takes the compiled template from the cache."""
    assert render(folder) == "&lt;b&gt;"
    (kept,) = (folder / "cache").iterdir()
    written = kept.stat().st_mtime_ns
    assert render(folder) == "&lt;b&gt;"
    assert kept.stat().st_mtime_ns == written


@pytest.mark.parametrize("content", [b"", b"j2", b"not bytecode"])
def test_a_broken_cache_file_is_replaced(folder: Path, content: bytes) -> None:
    """Truncated or foreign bytes in the cache cost only one more compilation."""
    render(folder)
    (kept,) = (folder / "cache").iterdir()
    whole = kept.read_bytes()
    for broken in (content, whole[: len(whole) // 2], whole[:12]):
        kept.write_bytes(broken)
        assert render(folder) == "&lt;b&gt;"
        assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_no_page(folder: Path) -> None:
    """The installed package may belong to another user, and the disk may be full."""
    (folder / "cache").rmdir()
    (folder / "cache").write_text("a file", encoding="utf-8")
    assert render(folder) == "&lt;b&gt;"


def test_no_bytecode_is_written_where_python_writes_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -B` and PYTHONDONTWRITEBYTECODE count for templates, too."""
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    assert render(folder) == "&lt;b&gt;"
    assert not list((folder / "cache").iterdir())


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="all names are Unicode there")
def test_the_folder_may_have_a_name_that_is_not_utf_8(folder: Path) -> None:
    """The cache's key holds the folder's name, such as one in Latin-1 from an old disk."""
    place = folder / os.fsdecode(b"T\xe9l\xe9")
    place.mkdir()
    (folder / "a.html").rename(place / "a.html")
    assert render(place) == "&lt;b&gt;"
    assert len(list((folder / "cache").iterdir())) == 1
