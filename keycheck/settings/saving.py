"""Writes a tested key into a settings file, so that `loading.load` reads exactly what was tested.

The file is written under another name, read back with our own reader, and only then moved to its place: at any moment,
the whole old file or the whole new one is there. The settings file and a private key's file have mode 600.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from itertools import chain, count
from pathlib import Path

from keycheck.credentials import pasted_text
from keycheck.errors import UsageProblem
from keycheck.foreign_links import BEHIND_A_LINK, leads_elsewhere
from keycheck.redaction.redactor import printable
from keycheck.redaction.secret import Secret
from keycheck.settings import dotenv_file
from keycheck.settings.child_environment import PRIVATE_KEY

_ENVIRONMENT = "BINANCE_ENVIRONMENT"
_NAMES = (pasted_text.KEY, pasted_text.SECRET, pasted_text.KEY_FILE, pasted_text.PASSPHRASE, _ENVIRONMENT)


def save(file: Path, settings: Mapping[str, str] | Secret, *, replace: bool = False) -> None:
    """Writes a run's key, secret or private key, passphrase and environment to `file`, and no other settings.

    `settings`: as for `process.run`. A private key goes into a new file beside `file`. It never replaces an older
    file, which may be the only copy of its key. `replace`: an existing `file` keeps all lines but those of the names in
    _NAMES. Raises UsageProblem with one sentence; then no new file is left, and an old one is unchanged.
    """
    given: Mapping[str, str] = json.loads(settings.reveal()) if isinstance(settings, Secret) else settings
    name = printable(file.name, 60)
    if leads_elsewhere(file):
        raise UsageProblem(f"{name} {BEHIND_A_LINK}: name another file with --save-to")
    try:
        place = file.resolve()
        if place.exists() and not replace:
            raise UsageProblem(f"{name} exists: name a new file with --save-to, or keep its other lines with --replace")
        if place.exists() and not place.is_file():
            raise UsageProblem(f"{name} is not a file: name another with --save-to")
        with contextlib.ExitStack() as undo:
            values = {one: given[one] for one in _NAMES if given.get(one)}
            if values.get(_ENVIRONMENT) == "production":  # the default
                del values[_ENVIRONMENT]
            if private_key := given.get(PRIVATE_KEY):
                beside = _save_private_key(file, private_key)
                undo.callback(beside.unlink)
                values[pasted_text.KEY_FILE] = beside.name
            text, _ = dotenv_file.read(place, required=False)
            with _written(place, _with_values(text, values)) as temporary:
                if _read(temporary) != {n: v for n, v in dotenv_file.parse(text).items() if n not in _NAMES} | values:
                    raise UsageProblem(
                        f"in {name} these values would be read differently: name a new file with --save-to"
                    )
                temporary.replace(place) if replace else place.hardlink_to(temporary)
            undo.pop_all()
    except FileExistsError:  # made after the check above
        raise UsageProblem(f"{name} exists now: name a new file with --save-to") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        why = getattr(error, "strerror", None) or "its links lead in a circle"
        raise UsageProblem(f"{name} could not be written ({why}): name another file with --save-to") from None


def _save_private_key(file: Path, text: str) -> Path:
    """Saves the key under the first free name beside `file`; not beside a link's target, where no reader would look."""
    names = chain([f"{file.name}.pem"], (f"{file.name}.{number}.pem" for number in count(2)))
    for place in map(file.with_name, names):
        with contextlib.suppress(FileExistsError), _written(place, text) as temporary:
            place.hardlink_to(temporary)
            return place
    raise AssertionError("there is no last number")


@contextlib.contextmanager
def _written(place: Path, text: str) -> Iterator[Path]:
    """A file of mode 600 with this text, under another name in the same folder, for as long as the block lasts."""
    try:
        data = text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON may hold
        data = b"\0"
    if b"\0" in data:
        raise UsageProblem("the key or the secret is not text that a file can hold: copy it again")
    temporary = place.with_name(f".{os.urandom(8).hex()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123  it is open already
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _read(file: Path) -> dict[str, str]:
    return dotenv_file.parse(dotenv_file.read(file, required=True)[0])


def _with_values(text: str, values: Mapping[str, str]) -> str:
    """A settings file's text with `values` in place of all lines of _NAMES: where the first one was, or at the end."""
    before, after = dotenv_file.without(text, _NAMES)
    lines = "".join(dotenv_file.line_of(name, value) for name, value in values.items())
    return before + ("\n" if before and not before.endswith("\n") else "") + lines + after
