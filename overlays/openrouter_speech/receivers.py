"""What is made of a success: it is read whole, handed out as a stream, or saved. Each attempt ends in one of these."""

from collections.abc import Awaitable, Callable

from .files import StrPath
from .frames import Answer
from .responses import SavedSpeech, SpeechResponse
from .streams import AsyncSpeechStream, SpeechStream


def read(answer: Answer) -> SpeechResponse:
    """Read the audio to its end."""
    stream = SpeechStream(answer)
    content = stream.read()
    stream.close()
    return SpeechResponse(answer, content, stream.time_to_first_audio)


async def read_async(answer: Answer) -> SpeechResponse:
    """As `read`."""
    stream = AsyncSpeechStream(answer)
    content = await stream.read()
    await stream.close()
    return SpeechResponse(answer, content, stream.time_to_first_audio)


def stream(answer: Answer) -> SpeechStream:
    """Hand out the stream."""
    return SpeechStream(answer)


async def stream_async(answer: Answer) -> AsyncSpeechStream:
    """As `stream`."""
    return AsyncSpeechStream(answer)


def saver(path: StrPath) -> Callable[[Answer], SavedSpeech]:
    """Save the audio to a file while it arrives."""

    def receive(answer: Answer) -> SavedSpeech:
        stream = SpeechStream(answer)
        return SavedSpeech.from_stream(stream.save(path), stream, answer.facts)

    return receive


def saver_async(path: StrPath) -> Callable[[Answer], Awaitable[SavedSpeech]]:
    """As `saver`."""

    async def receive(answer: Answer) -> SavedSpeech:
        stream = AsyncSpeechStream(answer)
        return SavedSpeech.from_stream(await stream.save(path), stream, answer.facts)

    return receive
