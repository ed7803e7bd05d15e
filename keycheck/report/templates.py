"""The template engine: jinja2, with its own cache of compiled templates.

Compiling them is most of what a page costs. The cache lies beside the templates, where Python keeps this package's own
bytecode.
"""

import contextlib
import sys
from pathlib import Path
from typing import Any

import jinja2
from jinja2.bccache import Bucket

_CACHE = Path(__file__).parent / "__pycache__"


class _Cache(jinja2.FileSystemBytecodeCache):
    """A cache file that cannot be read or written costs a compilation, and no page."""

    def load_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(Exception):  # truncated, or not a cache file
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not sys.dont_write_bytecode:
            with contextlib.suppress(OSError):
                super().dump_bytecode(bucket)


def environment(templates: Path, **options: Any) -> jinja2.Environment:
    """An engine for the templates of this folder: escaped by default, and an undefined name is an error."""
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
