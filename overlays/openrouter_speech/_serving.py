"""What the servers of this package share: a socket to listen on, and uvicorn without a leak at its end."""

import asyncio
import os
import socket
from contextlib import suppress

import uvicorn

_BACKLOG = 512


class Server(uvicorn.Server):
    """A server that leaves no connection when it stops."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop. First finish what is being accepted: asyncio leaks a connection that it accepts for a closed server."""
        with suppress(NotImplementedError):  # Windows' event loop
            for listener in sockets or []:
                asyncio.get_running_loop().remove_reader(listener)
        for _ in range(3):  # a connection is accepted, gets a transport, then a protocol
            await asyncio.sleep(0)
        await super().shutdown(sockets)


def listening(address: tuple[str, int]) -> socket.socket:
    """Return a socket that accepts connections; they wait until a server takes them.

    Raises:
        OSError: The address cannot be used.
    """
    # Not socket.create_server: asyncio disables Nagle's delay (40 ms per response) only if the protocol is explicit.
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener
