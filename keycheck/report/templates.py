"""The template engine: jinja2, with its own cache of compiled templates.

Most of the time for a page goes into compiling the templates. The cache lies in `__pycache__` beside them, like this
package's bytecode.
"""

import contextlib
import sys
from pathlib import Path
from typing import Any

import jinja2
from jinja2.bccache import Bucket

_CACHE = Path(__file__).parent / "__pycache__"


class _Cache(jinja2.FileSystemBytecodeCache):
    """A cache of compiled templates. If a file cannot be read or written, the template is compiled again."""

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        return super().get_cache_key(name, ascii(filename))  # which jinja2 encodes, and it may not be UTF-8

    def load_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(Exception):  # truncated, or not a cache file
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not sys.dont_write_bytecode:
            with contextlib.suppress(OSError):
                super().dump_bytecode(bucket)


def environment(templates: Path, **options: Any) -> jinja2.Environment:
    """An engine for the templates of this folder. It escapes all values, and an undefined name is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        bytecode_cache=_Cache(str(_CACHE), f"%s.{sys.implementation.cache_tag}.jinja"),
        auto_reload=False,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
