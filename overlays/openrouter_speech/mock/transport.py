"""How an answer goes out when something has to go wrong with it: too late, in part, or not at all."""

import asyncio
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

CHUNK_SIZE = 4 << 10
"""Bytes of audio that are sent at a time: 85 ms of pcm."""

_TRANSPORT = "openrouter_speech.transport"


class Protocol(H11Protocol):
    """uvicorn's HTTP, which also tells the application its connection, so that a fault can end it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        application = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope[_TRANSPORT] = transport
            await application(scope, receive, send)

        self.app = with_transport

    def shutdown(self) -> None:
        """Cut the connection off when the server stops: from Python 3.12.1 on, asyncio waits for it otherwise."""
        self.transport.abort()


class AudioResponse(Response):
    """Audio in pieces, as fast as the network takes them or as fast as it plays.

    Args:
        audio: All of it.
        status_code: The status of success.
        headers: Further headers.
        media_type: The content type.
        seconds: How long sending takes; 0 does not wait.
        delay: Seconds until the first byte.
        ending: What comes after half of it: "cut" ends the connection, "stall" holds it; None sends all.
    """

    def __init__(
        self,
        audio: bytes,
        status_code: int,
        headers: Mapping[str, str],
        media_type: str,
        *,
        seconds: float = 0.0,
        delay: float = 0.0,
        ending: str | None = None,
    ) -> None:
        super().__init__(None, status_code, headers, media_type)
        del self.headers["content-length"]  # the pieces go out as they are made
        self._audio = audio
        self._seconds = seconds
        self._delay = delay
        self._ending = ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._delay:
            await pause(self._delay)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        last = len(self._audio) // 2 if self._ending else len(self._audio)
        for start in range(0, last, CHUNK_SIZE):
            piece = self._audio[start : min(start + CHUNK_SIZE, last)]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if self._seconds:
                await pause(self._seconds * len(piece) / len(self._audio))
        if self._ending is None:
            await send({"type": "http.response.body", "body": b""})
        else:
            await _end(scope, receive, close=self._ending == "cut")


class NoResponse(Response):
    """The connection ends without an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await _end(scope, receive, close=True)


async def pause(seconds: float) -> None:
    """Let time pass."""
    await asyncio.sleep(seconds)


async def _end(scope: Scope, receive: Receive, *, close: bool) -> None:
    """Return when the connection has ended, so that uvicorn does not take the answer for one that was forgotten."""
    if close:
        scope[_TRANSPORT].close()
    while (await receive())["type"] != "http.disconnect":
        pass
