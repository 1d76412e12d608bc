"""What is made of a success: it is read whole, handed out as a stream, or saved. Each attempt ends in one of these."""

from collections.abc import Awaitable, Callable

import httpx

from . import errors
from .audio import AudioFacts
from .files import StrPath
from .frames import Frames
from .responses import SavedSpeech, SpeechResponse
from .streams import AsyncSpeechStream, SpeechStream


def read(response: httpx.Response, facts: AudioFacts) -> SpeechResponse:
    """Read a success to its end and check that it is whole."""
    chunks: list[bytes] = []
    try:
        chunks.extend(response.iter_bytes())
    except httpx.RequestError as cause:
        raise _cut(response, facts, chunks, cause) from cause
    response.close()
    return _whole(response, facts, chunks)


async def read_async(response: httpx.Response, facts: AudioFacts) -> SpeechResponse:
    """As `read`."""
    chunks: list[bytes] = []
    try:
        async for chunk in response.aiter_bytes():
            chunks.append(chunk)  # noqa: PERF401  (what arrived before a failure has to be there after it)
    except httpx.RequestError as cause:
        raise _cut(response, facts, chunks, cause) from cause
    await response.aclose()
    return _whole(response, facts, chunks)


def _cut(
    response: httpx.Response, facts: AudioFacts, chunks: list[bytes], cause: httpx.RequestError
) -> errors.OpenRouterError:
    arrived = b"".join(chunks)
    return Frames(response, facts, received=len(arrived)).cut(cause, arrived)


def _whole(response: httpx.Response, facts: AudioFacts, chunks: list[bytes]) -> SpeechResponse:
    content = b"".join(chunks)
    Frames(response, facts, received=len(content)).check(content)
    return SpeechResponse(response, content, facts)


def streamer(*, wait: bool) -> Callable[[httpx.Response, AudioFacts], SpeechStream]:
    """Hand out a stream: at once, or when its first byte is there, so that a failure until then can be retried."""

    def receive(response: httpx.Response, facts: AudioFacts) -> SpeechStream:
        stream = SpeechStream(response, facts)
        if wait:
            stream.wait()
        return stream

    return receive


def streamer_async(*, wait: bool) -> Callable[[httpx.Response, AudioFacts], Awaitable[AsyncSpeechStream]]:
    """As `streamer`."""

    async def receive(response: httpx.Response, facts: AudioFacts) -> AsyncSpeechStream:
        stream = AsyncSpeechStream(response, facts)
        if wait:
            await stream.wait()
        return stream

    return receive


def saver(path: StrPath) -> Callable[[httpx.Response, AudioFacts], SavedSpeech]:
    """Save the audio to a file while it arrives."""

    def receive(response: httpx.Response, facts: AudioFacts) -> SavedSpeech:
        stream = SpeechStream(response, facts)
        return SavedSpeech(stream.save(path), facts, stream.bytes_received, stream.generation_id)

    return receive


def saver_async(path: StrPath) -> Callable[[httpx.Response, AudioFacts], Awaitable[SavedSpeech]]:
    """As `saver`."""

    async def receive(response: httpx.Response, facts: AudioFacts) -> SavedSpeech:
        stream = AsyncSpeechStream(response, facts)
        return SavedSpeech(await stream.save(path), facts, stream.bytes_received, stream.generation_id)

    return receive
