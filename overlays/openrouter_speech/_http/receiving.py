"""Turn a successful response into a result: read it whole, hand out a stream, or save it."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import httpx

from .. import errors
from .._files import StrPath
from ..responses import SavedSpeech, SpeechResponse
from ..streams import AsyncSpeechStream, SpeechStream
from .body import OpenResponse


class Found(NamedTuple):
    """The answer to a look-up."""

    content: Any
    """The parsed JSON, with numbers as `Decimal`; None if it has not changed since (304)."""
    tag: str | None
    """The `ETag`."""


def found(opened: OpenResponse) -> Found:
    """Read JSON to its end."""
    try:
        opened.response.read()
    except httpx.RequestError as cause:
        raise errors.from_transport(cause, opened.response.request) from cause
    return _found(opened)


async def found_async(opened: OpenResponse) -> Found:
    """As `found`."""
    try:
        await opened.response.aread()
    except httpx.RequestError as cause:
        raise errors.from_transport(cause, opened.response.request) from cause
    return _found(opened)


def _found(opened: OpenResponse) -> Found:
    response = opened.response
    tag = response.headers.get("etag")
    if response.status_code == httpx.codes.NOT_MODIFIED:
        return Found(None, tag)
    if not response.is_success:
        raise opened.failure(response.content)
    import json  # noqa: PLC0415  (only look-ups need it, and the next one)
    from decimal import Decimal  # noqa: PLC0415

    try:
        return Found(json.loads(response.content, parse_float=Decimal), tag)
    except (UnicodeDecodeError, ValueError, RecursionError):
        server = response.request.url.netloc.decode("ascii")
        raise errors.APIConnectionError(f"{server} sent a success that is not JSON.") from None


def read(opened: OpenResponse) -> SpeechResponse:
    """Read the audio to its end."""
    stream = SpeechStream(opened)
    content = stream.read()
    stream.close()
    return SpeechResponse(opened, content, stream.time_to_first_audio)


async def read_async(opened: OpenResponse) -> SpeechResponse:
    """As `read`."""
    stream = AsyncSpeechStream(opened)
    content = await stream.read()
    await stream.close()
    return SpeechResponse(opened, content, stream.time_to_first_audio)


def stream(opened: OpenResponse) -> SpeechStream:
    """Return the stream."""
    return SpeechStream(opened)


async def stream_async(opened: OpenResponse) -> AsyncSpeechStream:
    """As `stream`."""
    return AsyncSpeechStream(opened)


def saver(path: StrPath) -> Callable[[OpenResponse], SavedSpeech]:
    """Save the audio to a file while it arrives."""

    def receive(opened: OpenResponse) -> SavedSpeech:
        stream = SpeechStream(opened)
        return SavedSpeech.from_stream(stream.save(path), stream, opened.info)

    return receive


def saver_async(path: StrPath) -> Callable[[OpenResponse], Awaitable[SavedSpeech]]:
    """As `saver`."""

    async def receive(opened: OpenResponse) -> SavedSpeech:
        stream = AsyncSpeechStream(opened)
        return SavedSpeech.from_stream(await stream.save(path), stream, opened.info)

    return receive
