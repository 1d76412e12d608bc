"""What the servers of this package share: a socket to listen on, and uvicorn that ends at once, without a leak."""

import asyncio
import itertools
import os
import socket
from contextlib import suppress

import uvicorn

_BACKLOG = 512
_TICK = 0.1
"""Seconds: every tenth tick sets the time that responses are dated with."""


class Server(uvicorn.Server):
    """A server that leaves no connection when it stops, and does so at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()

    def end(self) -> None:
        """Stop serving, from any thread. In-flight responses are cut off."""
        self.should_exit = self.force_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._ended.set)

    async def main_loop(self) -> None:
        """Serve. uvicorn's own loop finds out up to 0.1 s later that it should end, which adds up in a test suite."""
        self._loop = asyncio.get_running_loop()
        for tick in itertools.count():
            if await self.on_tick(tick):
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK):
                    await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop. First finish what is being accepted: asyncio leaks a connection that it accepts for a closed server."""
        with suppress(NotImplementedError):  # Windows' event loop
            for listener in sockets or []:
                asyncio.get_running_loop().remove_reader(listener)
        await _turns()
        if not self.force_exit:
            await super().shutdown(sockets)
            return
        # As uvicorn's, which sleeps here for 0.1 s in the hope that a response ends.
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await _turns()


async def _turns() -> None:
    """Let a connection be accepted, get a transport, then a protocol; or lose them."""
    for _ in range(3):
        await asyncio.sleep(0)


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
