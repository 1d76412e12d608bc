"""Turn a successful response into a result: read it whole, hand out a stream, or save it."""

from collections.abc import Awaitable, Callable

from .._files import StrPath
from ..responses import SavedSpeech, SpeechResponse
from ..streams import AsyncSpeechStream, SpeechStream
from .body import OpenResponse


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
