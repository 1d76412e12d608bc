"""Good and bad responses, for `WireServer` and for transports without a server."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
from openrouter_speech import errors
from openrouter_speech._core.retries import BackoffStrategy, RetryConfig

from ..wire_server import CLOSE, Answer, Connection, chunk, hang_up, head, http, silence

PCM = "audio/pcm;rate=24000;channels=1"
MP3 = (b"\xff\xf3\x84\xc4" + bytes(188)) * 3
"""Three frames of 24 ms each."""
GOOD = http(body=bytes(480), headers={"X-Generation-Id": "gen-tts-1-a"})
BACKOFF = BackoffStrategy(100, 1000, 2, 60_000, jitter_ms=0)
EAGER = RetryConfig("backoff", BACKOFF, retry_connection_errors=True, retry_maybe_billed=True, max_retries=2)


def error_json(status: int, **error: Any) -> bytes:
    return json.dumps({"error": {"code": status, "message": "The sentence", **error}}).encode()


def refuse(status: int, retry_after: str | None = None) -> Answer:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return http(status, error_json(status), "application/json", headers=headers)


def cut_chunks(connection: Connection) -> object:
    """Close the connection before the last chunk of a chunked body."""
    connection.send(head(200, PCM, None) + chunk(bytes(100)))
    return CLOSE


def cut_at_once(connection: Connection) -> object:
    """Send the head of a response, then close the connection."""
    connection.send(head(200, PCM, 480))
    return CLOSE


def stall(connection: Connection) -> object:
    """Send half of a body, then nothing."""
    connection.send(head(200, PCM, 480) + bytes(240))
    return silence(connection)


def reset_in_head(connection: Connection) -> object:
    connection.send(b"HTTP/1.1 200 OK\r\nContent-")
    return CLOSE


def not_http(connection: Connection) -> object:
    connection.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    return CLOSE


def endless(connection: Connection) -> object:
    """Send audio until the client hangs up."""
    connection.send(head(200, PCM, None))
    while True:
        connection.send(chunk(bytes(4096)))


FAULTS: dict[str, tuple[Answer, type[errors.OpenRouterError], str]] = {
    "a 400": (refuse(400), errors.BadRequestResponseError, "400: The sentence"),
    "a 504": (refuse(504, "1"), errors.OpenRouterDefaultError, "504: The sentence. The request may have been charged"),
    "a 418": (refuse(418), errors.OpenRouterDefaultError, "418: The sentence"),
    "an HTML 404": (http(404, b"<title>Not here</title>", "text/html"), errors.NotFoundResponseError, "404: Not here"),
    "a redirect": (
        http(307, b"", None, headers={"Location": "https://b.test/"}),
        errors.RedirectError,
        "https://b.test/",
    ),
    "an error that is cut": (
        http(400, b'{"err', "application/json", length=99),
        errors.BadRequestResponseError,
        "err",
    ),
    "an empty 200": (http(), errors.EmptyAudioError, "no audio"),
    "JSON in a 200": (http(200, error_json(502), "application/json"), errors.NotAudioError, "The sentence"),
    "HTML in a 200": (http(200, b"<title>Login</title>", "text/html"), errors.NotAudioError, "Login"),
    "half a frame": (http(body=bytes(481)), errors.TruncatedAudioError, "481 bytes is not a whole number"),
    "a body cut by length": (http(body=bytes(100), length=480), errors.TruncatedAudioError, "after 100 bytes"),
    "a body cut by chunks": (cut_chunks, errors.TruncatedAudioError, "after 100 bytes"),
    "a hang-up": (hang_up, errors.APIConnectionError, "No response from 127.0.0.1:"),
    "a hang-up in the head": (reset_in_head, errors.APIConnectionError, "No response"),
    "another protocol": (not_http, errors.APIConnectionError, "No response"),
}
"""Faults that are not retried: the response, the error it causes, and part of the message."""

ONE_OF_EACH = "a 400", "an empty 200", "a body cut by chunks", "a hang-up"
"""One fault of each kind: before the body, at its end, in its middle, and instead of a response."""


def transports(answer: Callable[[httpx.Request], httpx.Response]) -> dict[str, Any]:
    """Build clients for `OpenRouter` that need no server: their transport calls `answer`."""
    transport = httpx.MockTransport(answer)
    return {"client": httpx.Client(transport=transport), "async_client": httpx.AsyncClient(transport=transport)}


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in chunks, any of which may be an exception to raise. Counts how often it was closed."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1
