"""Nothing in the tests may leave this machine: connecting anywhere but loopback is an error."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any


class BlockedSocketError(RuntimeError):
    """A test tried to reach another machine."""


def _require_loopback(family: int, host: object) -> None:
    if family not in (socket.AF_INET, socket.AF_INET6) or host in (None, "", b"", "localhost"):
        return
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        is_allowed = ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        is_allowed = text.endswith(".localhost")
    if not is_allowed:
        msg = f"tests may only reach loopback, got {text!r}"
        raise BlockedSocketError(msg)


def block_sockets() -> None:
    """Guard this process for good."""
    connect, connect_ex, look_up = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: socket.socket, address: Any) -> Any:
            if isinstance(address, tuple):
                _require_loopback(self.family, address[0])
            return real(self, address)

        return call

    def guarded_look_up(host: Any, *args: Any, **options: Any) -> Any:
        _require_loopback(socket.AF_INET, host)
        return look_up(host, *args, **options)

    socket.socket.connect = guarded(connect)  # type: ignore[method-assign]
    socket.socket.connect_ex = guarded(connect_ex)  # type: ignore[method-assign]
    socket.getaddrinfo = guarded_look_up
