"""Blocks the network during a replay."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any, NoReturn

from keycheck.errors import NotListed


@contextlib.contextmanager
def no_sockets() -> Iterator[None]:
    """Forbids connections and name resolution in the block: a replay cannot send anything."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise NotListed("a replay opens no connection")

    patched: list[tuple[Any, str]] = [
        *((socket.socket, name) for name in ("connect", "connect_ex", "sendto", "sendmsg")),
        *((socket, name) for name in ("create_connection", "getaddrinfo", "getnameinfo")),
        *((socket, name) for name in ("gethostbyname", "gethostbyname_ex", "gethostbyaddr")),
    ]
    own = [(owner, name, owner.__dict__.get(name)) for owner, name in patched]
    for owner, name in patched:
        setattr(owner, name, refuse)
    try:
        yield
    finally:
        for owner, name, original in own:
            if original is None:
                delattr(owner, name)  # the original is inherited from the C type
            else:
                setattr(owner, name, original)
