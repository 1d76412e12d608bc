"""Send responses that fail on purpose: late, partly, or not at all."""

import asyncio
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

CHUNK_SIZE = 4 << 10
"""Bytes of audio sent at a time: 85 ms of pcm."""

_TRANSPORT = "openrouter_speech.transport"


class Protocol(H11Protocol):
    """uvicorn's HTTP protocol that also passes the connection to the application, so that a fault can close it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        application = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope[_TRANSPORT] = transport
            await application(scope, receive, send)

        self.app = with_transport

    def shutdown(self) -> None:
        """Abort the connection when the server stops: since Python 3.12.1, asyncio would wait for it."""
        self.transport.abort()


class AudioResponse(Response):
    """Audio in chunks, sent as fast as the network allows or as fast as it plays.

    Args:
        audio: The whole audio.
        status_code: The success status.
        headers: Extra headers.
        media_type: The content type.
        seconds: Time to spread the chunks over; 0 sends them at once.
        delay: Seconds before the first byte.
        ending: What happens halfway: "cut" closes the connection, "stall" holds it open; None sends everything.
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
        del self.headers["content-length"]  # sent chunked
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
            chunk = self._audio[start : min(start + CHUNK_SIZE, last)]
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if self._seconds:
                await pause(self._seconds * len(chunk) / len(self._audio))
        if self._ending is None:
            await send({"type": "http.response.body", "body": b""})
        else:
            await _end(scope, receive, close=self._ending == "cut")


class NoResponse(Response):
    """Closes the connection without responding."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await _end(scope, receive, close=True)


async def pause(seconds: float) -> None:
    """Sleep; a function of this module, for tests to replace."""
    await asyncio.sleep(seconds)


async def _end(scope: Scope, receive: Receive, *, close: bool) -> None:
    """Wait until the connection has closed; otherwise uvicorn would report an incomplete response."""
    if close:
        scope[_TRANSPORT].close()
    while (await receive())["type"] != "http.disconnect":
        pass
