"""Good and bad responses, for `WireServer` and for transports without a server."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
from openrouter_speech import errors
from openrouter_speech._core.retries import BackoffStrategy, RetryConfig

from ..wire_server import CLOSE, PCM, Answer, Connection, chunk, hang_up, head, http, silence

MP3 = (b"\xff\xf3\x84\xc4" + bytes(188)) * 3
"""Three frames of 24 ms each."""
GOOD = http(body=bytes(480), headers={"X-Generation-Id": "gen-tts-1-a"})
BACKOFF = BackoffStrategy(100, 1000, 2, 60_000, jitter_ms=0)
EAGER = RetryConfig("backoff", BACKOFF, retry_connection_errors=True, retry_maybe_billed=True, max_retries=2)


def error_json(status: int, **error: Any) -> bytes:
    return json.dumps({"error": {"code": status, "message": "The sentence", **error}}).encode()


def refuse(status: int, retry_after: str | None = None, **error: Any) -> Answer:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return http(status, error_json(status, **error), "application/json", headers=headers)


def ending(content: bytes) -> Answer:
    """Send this, then close the connection."""

    def answer(connection: Connection) -> object:
        connection.send(content)
        return CLOSE

    return answer


def stall(connection: Connection) -> object:
    """Send half of a body, then nothing."""
    connection.send(head(200, PCM, 480) + bytes(240))
    return silence(connection)


EMPTY, HALF, WRONG = http(), http(body=bytes(481)), http(200, error_json(502), "application/json")
CUT_CHUNKS = ending(head(200, PCM, None) + chunk(bytes(100)))
BEFORE_AUDIO = [hang_up, ending(head(200, PCM, 480)), EMPTY, WRONG]
AFTER_AUDIO = [CUT_CHUNKS, HALF]
"""Faults after which the call may have been billed, before the first byte of audio and after it."""

FAULTS: dict[str, tuple[Answer, type[errors.OpenRouterError], str]] = {
    "a 400": (refuse(400), errors.BadRequestResponseError, "400: The sentence"),
    "a 429 with a long wait": (refuse(429, "61"), errors.TooManyRequestsResponseError, "429"),
    "a 402 of an empty account": (refuse(402, "1"), errors.PaymentRequiredResponseError, "402: The sentence"),
    "a 504": (refuse(504, "1"), errors.OpenRouterDefaultError, "504: The sentence. The request may have been charged"),
    "an HTML 404": (http(404, b"<title>Not here</title>", "text/html"), errors.NotFoundResponseError, "404: Not here"),
    "a redirect": (http(307, b"", None, headers={"Location": "https://b.test/"}), errors.RedirectError, "//b.test/"),
    "an error that is cut": (http(400, b'{"err', "application/json", length=99), errors.BadRequestResponseError, "err"),
    "an empty 200": (EMPTY, errors.EmptyAudioError, "no audio"),
    "JSON in a 200": (WRONG, errors.NotAudioError, "The sentence"),
    "half a frame": (HALF, errors.TruncatedAudioError, "481 bytes is not a whole number"),
    "a body cut by length": (http(body=bytes(100), length=480), errors.TruncatedAudioError, "after 100 bytes"),
    "a body cut by chunks": (CUT_CHUNKS, errors.TruncatedAudioError, "after 100 bytes"),
    "a hang-up": (hang_up, errors.APIConnectionError, "No response from 127.0.0.1:"),
    "a hang-up in the head": (ending(b"HTTP/1.1 200 OK\r\nContent-"), errors.APIConnectionError, "No response"),
    "another protocol": (ending(b"SSH-2.0-OpenSSH_9.2\r\n"), errors.APIConnectionError, "No response"),
}
"""Faults that are not retried: the response, the error it causes, and part of the message."""


def transports(answer: Callable[[httpx.Request], httpx.Response]) -> dict[str, Any]:
    """Build clients for `OpenRouter` that need no server: their transport calls `answer`."""
    transport = httpx.MockTransport(answer)
    return {"client": httpx.Client(transport=transport), "async_client": httpx.AsyncClient(transport=transport)}


def giving(*bodies: "Body | bytes | Exception", status: int = 200, **headers: str) -> dict[str, Any]:
    """Build clients whose transport gives these responses: a `Body` to stream, bytes already read, or an exception."""
    left = iter(bodies)
    headers = {"content-type": PCM} | {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(_: httpx.Request) -> httpx.Response:
        body = next(left)
        if isinstance(body, Exception):
            raise body
        form: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"stream": body}
        return httpx.Response(status, headers=headers, **form)

    return transports(answer)


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in chunks, any of which may be an exception to raise."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.close()
