"""Finds the files that pytest and its plugins write in a run. The plugins name their paths; no folder is searched."""

import contextlib
import errno
import json
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from keycheck import bounded_files
from keycheck.foreign_links import BEHIND_A_LINK, leads_elsewhere
from keycheck.plugin.ending import Ending, cannot_be_written, why
from keycheck.report import artefacts
from keycheck.settings.dotenv_file import holds_credentials, shows_credentials

# Options and settings of pytest.toml whose writers expand neither `~` nor `$NAME` in a name.
_AS_NAMED = ("log_file", "report_log", "json_report_file", "prom")
# The attributes in which JUnit and pytest-html keep their expanded paths, and the options that ask for these files.
_EXPANDED = {"logfile": "--junitxml", "_report_path": "--html"}

_LONGEST_STYLE = 2**20  # bytes of a file of --css
_LONGEST_OTHER_STYLE = 2**26  # bytes
_LARGE_PAGE = 2**17  # bytes; the page of a whole run and its styles have some 60,000
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_OF_PYTEST_HTML = b"#results-table"  # the styles of every version of pytest-html name its table
WRITTEN = "keycheck-written"
Stamp = tuple[int, int, int] | str | None


class Written:
    """The paths of written files, each with its stamp from before the run. The file of --debug is not among them."""

    def __init__(self) -> None:
        self._before: dict[Path, Stamp] = {}
        self._links: set[Path] = set()

    @staticmethod
    def of(config: pytest.Config) -> "Written":
        """The Written of this run."""
        written = config.pluginmanager.get_plugin(WRITTEN)
        assert isinstance(written, Written)
        return written

    def begin(self, config: pytest.Config, env_file: Path) -> None:
        """Notes the first paths. Call it before other plugins are configured, because some open their files then.

        `env_file`: must not be emptied by pytest as its --log-file; the run will refuse that option. Raises UsageError
        for a --log-file that holds credentials.
        """
        for name in _AS_NAMED:
            if place := _named(config, name):
                self._expect(place)
        if styles := _copied_styles(config):
            self._expect(styles)
        if self.overwritten_file([env_file]) is not None:
            config.option.log_file = bounded_files.NOWHERE
        _refuse_a_log_over_credentials(config)
        _refuse_a_log_that_cannot_be_opened(config)
        _refuse_styles(config, env_file)
        _refuse_a_page_that_cannot_be_written(config)
        if (cache := getattr(config, "cache", None)) is not None:  # -p no:cacheprovider removes it
            _replace_files_of(cache)
            _before(cache, "set", lambda key, *_: self._expect(cache._getvaluepath(key)))

    def note_paths_of_plugins(self, config: pytest.Config) -> None:
        """Notes the other paths. Call it at the start of the session, when all plugins are configured."""
        for path in self.shared(config):
            self._expect(path)
        _refuse_pipes_and_links(config)
        for plugin in config.pluginmanager.get_plugins():
            assets = getattr(plugin, "_assets_path", None)  # pytest-html's folder for attachments
            if isinstance(assets, Path):
                _before(plugin, "_write_content", lambda _, name, folder=assets: self._expect(folder / name))

    @staticmethod
    def shared(config: pytest.Config) -> list[Path]:
        """The files that are made for sharing, by plugins that write this machine's names into them."""
        plugins = config.pluginmanager.get_plugins()
        places = [getattr(plugin, name, None) for plugin in plugins for name in _EXPANDED]
        return [Path(place) for place in places if isinstance(place, str | Path)]

    def __iter__(self) -> Iterator[Path]:
        """The files that have changed since before the run."""
        return (path for path, before in list(self._before.items()) if stamp(path) != before)

    def overwritten(self, files: Collection[Path]) -> Path | None:
        """The first of these files that another writer would overwrite; None if there is none."""
        return next((file for file in files if any(is_same(file, path) for path in self._before)), None)

    def overwritten_file(self, files: Collection[Path]) -> Path | None:
        """Like `overwritten`, without pipes, devices and missing files, which lose nothing."""
        return self.overwritten([file for file in files if isinstance(stamp(file), tuple) and file.is_file()])

    def credentials(self) -> Path | None:
        """The first of the paths with credentials in it now, such as another account's; None if there is none."""
        return next(filter(holds_credentials, self._before), None)

    def was_there(self, path: Path) -> bool:
        """Whether the file was there before the run."""
        return self._before.get(path) is not None

    def is_swapped(self, path: Path) -> bool:
        """Whether the path has become a link since the run began. The file that it leads to is not of this run."""
        return _is_link(path) and path not in self._links

    def _expect(self, path: Path) -> None:
        if path not in self._before and _is_link(path):
            self._links.add(path)
        self._before.setdefault(path, stamp(path))


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths name the same file, directly or through symbolic or hard links. It may not exist yet."""
    try:
        return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))
    except (OSError, RuntimeError, ValueError):  # a loop of links, or no path at all: its writer will report it
        return False


def _named(config: pytest.Config, name: str) -> Path | None:
    """The path in an option, or else in the setting of the same name; None if neither has one."""
    try:
        given = getattr(config.option, name, None) or config.getini(name)
    except ValueError:  # -p no: removed the setting
        return None
    return config.invocation_params.dir / given if isinstance(given, str) and given else None


def _copied_styles(config: pytest.Config) -> Path | None:
    """The file into which pytest-html, as configured, copies its styles and those of --css; None if it copies none."""
    page = getattr(config.option, "htmlpath", None)
    if not page or config.option.self_contained_html:
        return None
    try:
        return bounded_files.expanded(page).parent / "assets" / "style.css"
    except RuntimeError:  # `~` of an unknown user: pytest-html will report it
        return None


def _refuse_a_log_over_credentials(config: pytest.Config) -> None:
    """pytest empties the file before the settings are read, which may name it as the private key."""
    place = _named(config, "log_file")
    if place and holds_credentials(place):
        raise pytest.UsageError("--log-file names a file that holds credentials: name another file for it")


def _refuse_a_log_that_cannot_be_opened(config: pytest.Config) -> None:
    """Opens --log-file as pytest will. If that fails or would wait for a pipe's reader, pytest gets the null device.

    Without this, pytest fails with a traceback.
    """
    place = _named(config, "log_file")
    if place is None:
        return
    try:
        config.add_cleanup(_hold_for_writing(place))
    except (OSError, RecursionError, ValueError) as error:
        Ending.of(config).note(cannot_be_written("--log-file", error))
        config.option.log_file = bounded_files.NOWHERE


def _refuse_styles(config: pytest.Config, env_file: Path) -> None:
    """Leaves out the files of --css that pytest-html would fail on, or must not copy into a page."""
    named = getattr(config.option, "css", None) or []  # without pytest-html there is no such option
    kept = []
    for name in named:
        if objection := _objection_to_style(name, env_file):
            Ending.of(config).note(f"--css cannot be used (its file {objection}): name another, or leave it out")
        else:
            kept.append(name)
    if named:
        config.option.css = kept


def _objection_to_style(name: str, env_file: Path) -> str:
    try:
        style = bounded_files.expanded(name)  # as pytest-html does it
        text = bounded_files.read(style, _LONGEST_STYLE, pipes=False).decode()
    except UnicodeDecodeError:
        return "is not UTF-8 text"
    except (OSError, RuntimeError, ValueError) as error:
        return why(error)
    if leads_elsewhere(style):
        return BEHIND_A_LINK
    return "holds credentials" if is_same(style, env_file) or shows_credentials(text) else ""


def _refuse_a_page_that_cannot_be_written(config: pytest.Config) -> None:
    """Leaves --html out if its folder or its styles cannot be written: pytest-html would end the run there."""
    page = getattr(config.option, "htmlpath", None)
    if not page:
        return
    try:
        if (styles := _copied_styles(config)) is not None:
            _refuse_styles_of_another_program(styles)
            _hold_for_writing(styles)()
        folder = bounded_files.expanded(page).parent
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_a_full_disk(folder)
    except (OSError, RecursionError, RuntimeError, ValueError) as error:
        Ending.of(config).note(cannot_be_written("--html", error))
        config.option.htmlpath = None


def _refuse_a_full_disk(folder: Path) -> None:
    """Raises OSError if a page does not fit into a folder. A full disk takes empty files; only writing fails."""
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(bytes(_LARGE_PAGE))
    except OSError as error:
        if error.errno in _NO_ROOM:  # another error concerns new files alone, and the page may be there already
            raise


def _refuse_styles_of_another_program(styles: Path) -> None:
    """Raises UsageError if pytest-html would replace them: the user has named the page, and not this file beside it."""
    with contextlib.suppress(bounded_files.Unreadable):  # a missing file, or one that cannot be replaced, either
        text = bounded_files.read(styles, _LONGEST_OTHER_STYLE, pipes=False)
        if text.strip() and _OF_PYTEST_HTML not in text:
            raise pytest.UsageError(
                "--html would replace assets/style.css beside its page, which pytest-html has not written: add "
                "--self-contained-html, or let --html name a page in another folder"
            )


def _refuse_pipes_and_links(config: pytest.Config) -> None:
    """Gives plugins the null device in place of a path that is another user's link, or a pipe without a reader.

    Such a pipe would block the end of the run.
    """
    for plugin in config.pluginmanager.get_plugins():
        for name, option in _EXPANDED.items():
            place = getattr(plugin, name, None)
            if not isinstance(place, str | Path) or not (_is_pipe(Path(place)) or leads_elsewhere(Path(place))):
                continue
            try:
                config.add_cleanup(_hold_for_writing(Path(place)))
            except OSError as error:
                Ending.of(config).note(cannot_be_written(option, error))
                setattr(plugin, name, type(place)(bounded_files.NOWHERE))


def _hold_for_writing(place: Path) -> Callable[[], None]:
    """Calls `bounded_files.hold_for_writing`, but raises OSError for a path that leads through another user's link."""
    if leads_elsewhere(place):
        raise OSError(0, f"it {BEHIND_A_LINK}")
    return bounded_files.hold_for_writing(place)


def _is_link(path: Path) -> bool:
    return _is_so(path.is_symlink)


def _is_pipe(path: Path) -> bool:
    return _is_so(path.is_fifo)


def _is_so(look: Callable[[], bool]) -> bool:
    try:
        return look()
    except (OSError, ValueError):  # no name of a file: its writer will report it
        return False


def _replace_files_of(cache: pytest.Cache) -> None:
    """Makes pytest's cache replace its files: pytest itself would write through a link.

    In a working directory that others may change, such as /tmp, such a link may lead to any file of this user.
    """

    def put(key: str, value: object) -> None:
        place = cache._getvaluepath(key)
        text = json.dumps(value, ensure_ascii=False, indent=2)
        if leads_elsewhere(place):
            cache.warn(f"the cache could not be written (it {BEHIND_A_LINK})", _ispytest=True)
            return
        try:
            cache._mkdir(place.parent)
            with artefacts.replacing(place) as file:
                file.write(text)
        except (OSError, ValueError) as error:  # the latter if a name cannot be encoded
            cache.warn(f"the cache could not be written ({why(error)})", _ispytest=True)

    cache.set = put  # type: ignore[method-assign]


def _before(writer: Any, method: str, note: Callable[..., None]) -> None:
    """Calls `note` with the same arguments before each call of this method."""
    original = getattr(writer, method)

    def both(*args: Any, **kwargs: Any) -> Any:
        with contextlib.suppress(Exception):  # the writer itself will raise it
            note(*args, **kwargs)
        return original(*args, **kwargs)

    setattr(writer, method, both)


def stamp(path: Path) -> Stamp:
    """A value that changes with a file; None if there is no file, and the reason if it cannot be read."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return error.strerror
    return status.st_mtime_ns, status.st_size, status.st_ino
