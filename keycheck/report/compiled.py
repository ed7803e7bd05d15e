"""Compiled templates, kept as Python keeps compiled modules: beside their source, in __pycache__, where that can be.

Compiling them is most of what a page costs. What is kept is found again by a checksum of its source.
"""

import contextlib
import sys
from pathlib import Path
from typing import Any

import jinja2
from jinja2.bccache import Bucket

_FOLDER = Path(__file__).parent / "__pycache__"


class Compiled(jinja2.BytecodeCache):
    """Whatever is wrong with a file of it, the template is compiled anew."""

    def load_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(Exception), self._file(bucket).open("rb") as file:  # truncated, of another Python, odd
            bucket.load_bytecode(file)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if sys.dont_write_bytecode or not _FOLDER.is_dir():
            return
        temporary = self._file(bucket, f".{id(bucket)}")
        with contextlib.suppress(OSError):
            with temporary.open("wb") as file:
                bucket.write_bytecode(file)
            temporary.replace(self._file(bucket))

    def _file(self, bucket: Bucket, ending: str = "") -> Path:
        return _FOLDER / f"{bucket.key}.{sys.implementation.cache_tag}.jinja{ending}"


def environment(templates: Path, **options: Any) -> jinja2.Environment:
    """Templates of this folder, escaped by default, with nothing undefined."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        bytecode_cache=Compiled(),
        auto_reload=False,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
