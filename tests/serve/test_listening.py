"""The sockets on which the server listens."""

import contextlib
import socket
from typing import Any

import pytest

from keycheck.serve import listening

BOTH = [
    (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0)),
    (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0)),
]


def test_an_address_of_a_family_that_the_system_lacks_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without IPv6 in the kernel, the IPv4 address of a host with both is listened on; with neither, it raises."""
    lacking = [socket.AF_INET6]
    made = socket.socket.__init__

    def make(self: Any, family: int = -1, *more: Any) -> None:
        if family in lacking:
            raise OSError(97, "Address family not supported by protocol")
        made(self, family, *more)

    monkeypatch.setattr(socket.socket, "__init__", make)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: BOTH)
    with contextlib.ExitStack() as opened:
        found = [opened.enter_context(one) for one in listening.listen("localhost", 0, 5)]
        assert [one.family for one in found] == [socket.AF_INET]
    lacking.append(socket.AF_INET)
    with pytest.raises(OSError, match="no address"):
        listening.listen("localhost", 0, 5)
