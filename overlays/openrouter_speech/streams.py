"""Audio as it arrives."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import httpx

from . import audio, files
from .audio import AudioFacts
from .described import Described
from .errors import PlaybackError
from .files import StrPath
from .frames import Answer


class _Stream(Described):
    """What both kinds of stream know."""

    def __init__(self, answer: Answer) -> None:
        self.response = answer.response
        self.headers = answer.response.headers
        self._frames = answer.frames

    def _describe(self) -> AudioFacts:
        return self._frames.facts

    @property
    def bytes_received(self) -> int:
        """Bytes of audio that have arrived so far."""
        return self._frames.received

    @property
    def time_to_first_audio(self) -> float | None:
        """Seconds from sending the request to the first byte of audio."""
        return self._frames.seconds_to_first

    @property
    def duration(self) -> float | None:
        """Seconds of audio that have arrived so far; None for formats other than pcm."""
        facts = self._frames.facts
        if facts.format != "pcm" or not facts.sample_rate:
            return None
        return self.bytes_received // facts.frame_size / facts.sample_rate

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.response.status_code} {self.audio_format}, {self.bytes_received} bytes]>"


class SpeechStream(_Stream):
    """Audio as it arrives. It can be gone through once.

    `read`, `save` and `play` take all of it. An iteration that was left can be taken up again: it goes on where it was.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        if answer.chunks is None:
            answer.chunks = (
                iter([self.response.content]) if self.response.is_stream_consumed else self.response.iter_raw()
            )
        self._chunks = cast("Iterator[bytes]", answer.chunks)

    def look(self) -> None:
        """Wait for the first bytes, which tell what the audio is.

        Raises:
            OpenRouterError: There is no audio. An `AudioError` has the bytes that came in `audio`.
        """
        while self._frames.is_unknown:
            self._receive()
        if self._frames.has_nothing:
            self._frames.finish()

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Give the audio in pieces.

        Args:
            chunk_size: Bytes in a piece; for pcm it is taken down to whole frames, and the last piece may be shorter.
                None gives each piece as soon as it arrives, whole pcm frames however the network cuts them.

        Raises:
            AudioError: The audio is not whole; `audio` is what arrived and was not handed on yet.
            APITimeoutError: The next bytes did not come in time; `audio` as for `AudioError`.
            StreamConsumedError: The stream was read to its end, or is closed.
        """
        return self._pieces(self._frames.chunk_size(chunk_size))

    def __iter__(self) -> Iterator[bytes]:
        return self.iter_bytes()

    def read(self) -> bytes:
        """Read all of the audio.

        Raises:
            AudioError, APITimeoutError: As `iter_bytes`; `audio` is all that arrived.
            StreamConsumedError: Some of the stream was taken already, or it is closed.
        """
        frames = self._frames
        frames.claim("read")
        frames.begin()
        while not frames.at_end:
            self._receive()
        content = frames.take_all()
        frames.finish(lambda facts: audio.has_sound(content, facts), content)
        return content

    def save(self, path: StrPath) -> Path:
        """Write the audio to a file while it arrives, in constant memory. Otherwise as `SpeechResponse.save`.

        Raises:
            SuffixMismatchError, FileWriteError: As `SpeechResponse.save`. The stream is read to its end first.
            AudioError, APITimeoutError: As `iter_bytes`; `audio` is all that arrived.
            StreamConsumedError: Some of the stream was taken already, or it is closed. No file was touched.
        """
        path, frames = Path(path), self._frames
        frames.claim("save")
        with files.keeping(path, frames.facts) as sink:
            frames.begin()
            sink.write(frames.take_all())
            while not frames.at_end:
                self._receive()
                sink.write(frames.take_all())
            frames.finish(sink.has_sound)
        return path

    def play(self) -> None:
        """Play the audio while it arrives, and return when it was heard. It needs the extra `play`.

        Raises:
            ConfigurationError: The extra is not installed.
            PlaybackError: There is no audio device, or it stopped, or the audio cannot be played. The stream is as it
                was, and can still be saved.
            AudioError, APITimeoutError: As `iter_bytes`; what came was played before.
            StreamConsumedError: Some of the stream was taken already, or it is closed.
        """
        from . import playback  # noqa: PLC0415  (for those only who play)

        self._frames.claim("play")
        played: list[bytes] = []
        try:
            playback.play(self._frames.facts, self._pieces(None, played))
        except PlaybackError:
            self._frames.give_back(played)
            raise

    def close(self) -> None:
        """End the response here. The end of the `with` block does it too."""
        self._frames.close()
        self.response.close()

    def _pieces(self, size: int | None, kept: list[bytes] | None = None) -> Iterator[bytes]:
        frames = self._frames
        frames.begin()
        while True:
            if (piece := frames.take(size)) is not None:
                if kept is not None:
                    kept.append(piece)
                yield piece
            elif frames.at_end:
                frames.finish()
                return
            else:
                self._receive()

    def _receive(self) -> None:
        """Wait for the next bytes."""
        frames = self._frames
        frames.expect()
        try:
            chunk = next(self._chunks, None)
        except httpx.RequestError as cause:
            raise frames.cut(cause) from cause
        except BaseException:
            frames.abandon()
            raise
        frames.arrived(chunk)


class AsyncSpeechStream(_Stream):
    """As `SpeechStream`, for `async with` and `async for`."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        if answer.chunks is None:
            consumed = self.response.is_stream_consumed
            answer.chunks = _once(self.response.content) if consumed else self.response.aiter_raw()
        self._chunks = cast("AsyncIterator[bytes]", answer.chunks)

    async def look(self) -> None:
        """As `SpeechStream.look`."""
        while self._frames.is_unknown:
            await self._receive()
        if self._frames.has_nothing:
            self._frames.finish()

    def iter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """As `SpeechStream.iter_bytes`."""
        return self._pieces(self._frames.chunk_size(chunk_size))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.iter_bytes()

    async def read(self) -> bytes:
        """As `SpeechStream.read`."""
        frames = self._frames
        frames.claim("read")
        frames.begin()
        while not frames.at_end:
            await self._receive()
        content = frames.take_all()
        frames.finish(lambda facts: audio.has_sound(content, facts), content)
        return content

    async def save(self, path: StrPath) -> Path:
        """As `SpeechStream.save`."""
        path, frames = Path(path), self._frames
        frames.claim("save")
        with files.keeping(path, frames.facts) as sink:
            frames.begin()
            sink.write(frames.take_all())
            while not frames.at_end:
                await self._receive()
                sink.write(frames.take_all())
            frames.finish(sink.has_sound)
        return path

    async def play(self) -> None:
        """As `SpeechStream.play`. Where it is cancelled, it falls silent at once."""
        from . import playback  # noqa: PLC0415  (for those only who play)

        self._frames.claim("play")
        played: list[bytes] = []
        try:
            await playback.play_async(self._frames.facts, self._pieces(None, played))
        except PlaybackError:
            self._frames.give_back(played)
            raise

    async def close(self) -> None:
        """As `SpeechStream.close`."""
        self._frames.close()
        await self.response.aclose()

    async def _pieces(self, size: int | None, kept: list[bytes] | None = None) -> AsyncIterator[bytes]:
        frames = self._frames
        frames.begin()
        while True:
            if (piece := frames.take(size)) is not None:
                if kept is not None:
                    kept.append(piece)
                yield piece
            elif frames.at_end:
                frames.finish()
                return
            else:
                await self._receive()

    async def _receive(self) -> None:
        """As `SpeechStream._receive`."""
        frames = self._frames
        frames.expect()
        try:
            chunk = await anext(self._chunks, None)
        except httpx.RequestError as cause:
            raise frames.cut(cause) from cause
        except BaseException:
            frames.abandon()
            raise
        frames.arrived(chunk)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
