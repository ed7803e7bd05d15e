"""Reads .env and the file of a private key. Both have a size limit; their text is returned unchanged."""

import contextlib
import io
import logging
import re
from collections.abc import Collection, Container
from pathlib import Path

from keycheck import bounded_files
from keycheck.credentials import pasted_text, pem
from keycheck.errors import UsageProblem
from keycheck.foreign_links import leads_elsewhere
from keycheck.redaction.redactor import printable
from keycheck.redaction.secret import Secret

MAX_FILE = 2**18  # bytes
MAX_KEY_FILE = 2**16  # bytes; an RSA key of 16384 bits has some 13,000
# A line of a settings file with a key or secret, as no file has that a run has written.
_CREDENTIAL = re.compile(r"^[ \t]*(?:export[ \t]+)?BINANCE_API_(?:KEY|SECRET)[ \t]*=[ \t]*[\"']?[A-Za-z0-9]{16}", re.M)


def read(env_file: Path, *, required: bool, owners: Container[int] | None = None) -> tuple[str, list[str]]:
    """The file's text, and remarks on its encoding. `owners`: as for `bounded_files.read`.

    Raises UsageProblem.
    """
    if env_file == Path(bounded_files.NOWHERE):
        return "", []
    name = printable(env_file.name, 60)
    if owners is not None and leads_elsewhere(env_file):
        raise _of_another_user(name, "is behind a link of another user")
    try:
        raw = bounded_files.read(env_file, MAX_FILE, owners=owners)
    except bounded_files.Missing:
        if required:
            raise UsageProblem(f"there is no settings file {name}: check --env-file") from None
        return "", []
    except bounded_files.Foreign as problem:
        raise _of_another_user(name, str(problem)) from None
    except bounded_files.Unreadable as problem:
        option = "--env-file: " if required else ""
        raise UsageProblem(
            f"{option}{name} {problem}: put the settings into a file that you may read, or name another with --env-file"
        ) from None
    marked = raw.startswith(b"\xef\xbb\xbf")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UsageProblem(
            f"{name} is not UTF-8 text (PowerShell's > writes UTF-16): save it again with encoding UTF-8"
        )
    return text, [f"{name} begins with a byte order mark"] if marked else []


def _of_another_user(name: str, problem: str) -> UsageProblem:
    return UsageProblem(
        f"{name} {problem}, who could say there where a key is sent: if you trust that user, name the file with "
        f"--env-file={name}, or else go to a folder of your own"
    )


def holds_credentials(path: Path) -> bool:
    """Whether this is a private key, or a settings file with a key or secret, and not a pipe or a device."""
    with contextlib.suppress(OSError, ValueError):  # no such file, or a longer one than a settings file
        return shows_credentials(bounded_files.read(path, MAX_FILE, pipes=False).decode("utf-8", "replace"))
    return False


def shows_credentials(text: str) -> bool:
    """Whether the text of a file has a PEM block, or a setting with a key or secret."""
    return pem.looks_like(text) or _CREDENTIAL.search(text) is not None


def parse(text: str) -> dict[str, str]:
    """The settings in the file's text, by name, as python-dotenv reads them."""
    from dotenv import dotenv_values  # noqa: PLC0415  a replay reads no .env

    # python-dotenv warns about lines that are not settings; here such a line is ignored.
    logging.getLogger("dotenv.main").setLevel(logging.ERROR)
    return {k: v for k, v in dotenv_values(stream=io.StringIO(text), interpolate=False).items() if v is not None}


def broken_lines(text: str) -> list[int]:
    """Numbers of the lines that python-dotenv skips, the first ten of them."""
    from dotenv.parser import parse_stream  # noqa: PLC0415  a replay reads no .env

    return [binding.original.line for binding in parse_stream(io.StringIO(text)) if binding.error][:10]


def without(text: str, names: Collection[str]) -> tuple[str, str]:
    """A file's text without the lines that set these names, in two parts: before the first such line, and after it."""
    from dotenv.parser import parse_stream  # noqa: PLC0415  as above

    before, after = "", None
    for binding in parse_stream(io.StringIO(text)):
        kept = binding.original.string
        is_named = binding.key in names
        if is_named:  # keeps the blank lines before this one
            kept = kept[: kept.rfind("\n", 0, len(kept) - len(kept.lstrip())) + 1]
        if after is None:
            before += kept
            after = "" if is_named else None
        else:
            after += kept
    return before, after or ""


def line_of(name: str, value: str) -> str:
    """The line of a settings file that is read as this value."""
    if value.isascii() and value.isalnum():
        return f"{name}={value}\n"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{escaped}'\n"


def remarks_on_line(name: str, text: str, value: str) -> list[str]:
    """Remarks on quotes and blanks around a value: python-dotenv removes them silently, another program may not."""
    lines = re.findall(rf"(?m)^[ \t]*(?:export[ \t]+)?{name}[ \t]*=([^\n]*)", text)
    if not lines or not value.strip() or pem.looks_like(value) or name == pasted_text.PASSPHRASE:
        return []  # a private key on several lines needs its quotes, and a passphrase may have blanks
    raw = lines[-1]
    found = []
    if raw.endswith("\r"):
        found.append("a carriage return")
        raw = raw[:-1]
    if raw != raw.strip():
        found.append("blanks")
    if raw.strip()[:1] in ("'", '"') and not value.startswith(raw.strip()[0]):
        found.append("quotes")
    return [f"the line of {name} has {' and '.join(found)} around the value"] if found else []


def place_of_key(raw: str, folder: Path) -> Path | None:
    """The path of a private key. A relative path starts at the folder of the settings file."""
    text = raw.strip()
    try:
        return folder / Path(text).expanduser() if text else None
    except RuntimeError:  # `~` of an unknown user
        return folder / text


def text_of_key(path: Path) -> Secret:
    try:
        raw = bounded_files.read(path, MAX_KEY_FILE)
    except bounded_files.Unreadable as problem:
        raise UsageProblem(
            f"the file that {pasted_text.KEY_FILE} names {problem}: correct the path (a relative one starts at the "
            "folder of the settings file), or give yourself permission to read it"
        ) from None
    return Secret(raw.decode("utf-8", "replace"))
