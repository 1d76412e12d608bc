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


def streamer(*, wait: bool) -> Callable[[Answer], SpeechStream]:
    """Hand out a stream: at once, or when its first byte is there, so that a failure until then can be retried."""

    def receive(answer: Answer) -> SpeechStream:
        stream = SpeechStream(answer)
        if wait:
            stream.wait()
        return stream

    return receive


def streamer_async(*, wait: bool) -> Callable[[Answer], Awaitable[AsyncSpeechStream]]:
    """As `streamer`."""

    async def receive(answer: Answer) -> AsyncSpeechStream:
        stream = AsyncSpeechStream(answer)
        if wait:
            await stream.wait()
        return stream

    return receive


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
