"""Says where key and secret came from, and which names are not settings. It never shows a value."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from keycheck import bounded_files
from keycheck.credentials.pasted_text import KEY, KEY_FILE, SECRET, FileState, Source, Sources, bare
from keycheck.redaction.redactor import printable
from keycheck.settings.child_environment import PRIVATE_KEY

PREFIX = "BINANCE_"
_EXAMPLE = ".env.example"
_LIKE_SETTING = 0.6  # difflib's ratio of BINANCE_SECRET_KEY and BINANCE_API_SECRET, without their prefix
_LIKE_SETTING_WITHOUT_PREFIX = 0.8  # as for API_SECRET_KEY; SECRET_KEY is a setting of many other programs
_LONGEST_NAME = 40
_MOST = 8  # sentences on names

_THERE_IS = "there is a "
_PROGRAM = "the program that started this run"


def sources_of(  # noqa: PLR0913  one for each source
    env_file: Path,
    from_file: Mapping[str, str],
    outside: Mapping[str, str],
    *,
    settings: Sequence[str],
    handed: bool,
    used: Mapping[str, str],
) -> Sources:
    """The sources of key and secret, with a sentence on each oddity of them.

    `outside`: the process environment or, if `handed`, the settings that a program gave. `settings`: the names of all
    settings; `used`: their values.
    """
    beside: Source = "program" if handed else "environment"

    def source(name: str) -> Source | None:
        if outside.get(name, "").strip():
            return beside
        return "file" if used.get(name, "").strip() else None

    kinds = (SECRET, KEY_FILE, PRIVATE_KEY) if handed else (SECRET, KEY_FILE)
    secret = next((name for name in kinds if source(name)), SECRET)
    found = Sources(source(KEY), source(secret), _state_of(env_file, handed=handed))
    remarks = [*_similar_file(env_file, found), *_two_sources(found, secret, env_file)]
    unused = bare(from_file.get(KEY, ""))
    if unused and unused != bare(used.get(KEY, "")) and not found.are_two:
        giver = _PROGRAM if handed else "the environment"
        remarks.append(f"{KEY} in {printable(env_file.name, 60)} was not used: {giver} gives another key")
    remarks += _strangers(from_file, settings, used, f"in {printable(env_file.name, 60)}", in_file=True)
    if not handed:
        remarks += _strangers(outside, settings, used, "in the environment", in_file=False)
    return Sources(found.key, found.secret, found.file, tuple(remarks[:_MOST]))


def header(sources: Sources, file: str, folder: str, kind: str) -> str:
    """The line of the header: which settings file was read, and where key and secret came from.

    `file` and `folder`: the settings file and its folder, as they are to be shown. `kind`: secret, or
    private key.
    """
    if sources.file in ("example", "absent"):
        about = f"no {Path(file).name} in {folder}"
        about += "".join(f"; {remark}" for remark in sources.remarks if remark.startswith(_THERE_IS))
    else:
        about = _PROGRAM if sources.file == "program" else file
    words: dict[Source | None, str] = {"environment": "environment", "program": _PROGRAM, "file": file}
    key, secret = (words.get(source, "not given") for source in (sources.key, sources.secret))
    return f"{about}; key: {key}, {kind}: {secret}"


def _state_of(env_file: Path, *, handed: bool) -> FileState:
    if handed and env_file == Path(bounded_files.NOWHERE):
        return "program"
    if env_file.exists():
        return "dotenv" if env_file.name == ".env" else "other"
    return "program" if handed else "example" if env_file.with_name(_EXAMPLE).is_file() else "absent"


def _similar_file(env_file: Path, found: Sources) -> Iterator[str]:
    """A file that the user may have meant: an editor, or a browser, has given it another ending."""
    name = env_file.name
    if found.file in ("example", "absent") and not (found.key and found.secret):
        for other in (f"{name}.txt", name.lstrip("."), f"{name.lstrip('.')}.txt"):
            if other != name and env_file.with_name(other).is_file():
                yield f"{_THERE_IS}{other}: if it holds the settings, rename it to {name}"
                return


def _two_sources(found: Sources, secret: str, env_file: Path) -> Iterator[str]:
    if found.are_two:
        words: dict[Source | None, str] = {"environment": "the environment", "program": _PROGRAM}
        key, secret_from = (words.get(one, printable(env_file.name, 60)) for one in (found.key, found.secret))
        yield f"{KEY} comes from {key}, and {secret} from {secret_from}"


def _strangers(
    given: Mapping[str, str], settings: Sequence[str], used: Mapping[str, str], where: str, *, in_file: bool
) -> Iterator[str]:
    """A sentence on each name that is not a setting: in .env, each with our prefix; elsewhere, each similar to one.

    If the setting itself has a value, a similar name belongs to another program, and is not a mistake.
    """
    for name, value in given.items():
        if name in settings or not value.strip():
            continue
        is_ours = name.upper().startswith(PREFIX)
        meant = _meant(name.upper(), settings if is_ours or in_file else (KEY, SECRET))
        is_another = meant is not None and used.get(meant, "").strip() and not (is_ours and in_file)
        if is_another or not (meant or (is_ours and in_file)):
            continue
        # A name may be a value that was pasted into the wrong place: no key has so many letters of one case.
        is_word = name in (name.upper(), name.lower()) and len(name) <= _LONGEST_NAME and name.isidentifier()
        remedy = f"did you mean {meant}?" if meant else "correct it, or take it out"
        yield f"{name if is_word else 'a name'} {where} is not a setting and was not read: {remedy}"


def _meant(name: str, settings: Sequence[str]) -> str | None:
    """The setting whose name is like this one."""
    bare = {setting.removeprefix(PREFIX): setting for setting in settings}
    least = _LIKE_SETTING if name.startswith(PREFIX) else _LIKE_SETTING_WITHOUT_PREFIX
    word = name.removeprefix(PREFIX)
    close = difflib.get_close_matches(word, bare, n=1, cutoff=least)
    if name.startswith(PREFIX) and word:  # such as BINANCE_ENV
        close += [one for one in bare if one.startswith(word)]
    return bare[close[0]] if close else None
