"""Audio as it arrives."""

from collections.abc import AsyncIterator, Iterator
from itertools import chain
from pathlib import Path

import httpx

from . import files
from .audio import AudioFacts
from .described import Described
from .errors import AudioError
from .files import StrPath
from .frames import Answer, Frames


class _Stream(Described):
    """What both kinds of stream know."""

    def __init__(self, answer: Answer) -> None:
        self.response = answer.response
        self.headers = answer.response.headers
        self._facts = answer.facts
        self._frames = Frames(answer)
        # Nothing is encoded, and no transport has read it already: then httpx can hand on what comes, as it comes.
        self._is_plain = not (self.response.is_stream_consumed or "content-encoding" in self.headers)

    def _describe(self) -> AudioFacts:
        return self._facts

    @property
    def bytes_received(self) -> int:
        """Bytes of audio that have arrived so far."""
        return self._frames.received

    @property
    def time_to_first_audio(self) -> float | None:
        """Seconds from sending the request to the first byte of audio; None until then."""
        return self._frames.seconds_to_first

    @property
    def duration(self) -> float | None:
        """Seconds of audio that have arrived so far; None for formats other than pcm."""
        if self._facts.format != "pcm" or not self.sample_rate:
            return None
        return self.bytes_received // self._facts.frame_size / self.sample_rate

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.response.status_code} {self.audio_format}, {self.bytes_received} bytes]>"


class SpeechStream(_Stream):
    """Audio as it arrives. It can be gone through once."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        response = self.response
        self._chunks: Iterator[bytes] = response.iter_raw() if self._is_plain else response.iter_bytes()

    def wait(self) -> None:
        """Wait for the first byte. Raises as `iter_bytes` does."""
        try:
            first = next(self._chunks, b"")
        except httpx.RequestError as cause:
            raise self._frames.cut(cause) from cause
        if not first:
            self._frames.check()
        self._chunks = chain((first,), self._chunks)

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The audio in pieces.

        Args:
            chunk_size: Bytes in a piece; for pcm it is taken down to whole frames, and the last piece may be shorter.
                None gives each piece as soon as it arrives, whole pcm frames however the network cuts them.

        Raises:
            EmptyAudioError, TruncatedAudioError: The audio is not whole.
            APITimeoutError: The next bytes did not come in time.
        """
        frames, size = self._frames, self._frames.chunk_size(chunk_size)
        try:
            for chunk in self._chunks:
                piece = frames.whole(chunk)
                if size is not None:
                    yield from frames.sized(piece, size)
                elif piece:
                    yield piece
        except httpx.RequestError as cause:
            raise frames.cut(cause) from cause
        if last := frames.last():
            yield last
        frames.check()

    def __iter__(self) -> Iterator[bytes]:
        return self.iter_bytes()

    def read(self) -> bytes:
        """All of the audio. Raises as `iter_bytes` does; an `AudioError` then has in `audio` what arrived."""
        pieces: list[bytes] = []
        try:
            pieces.extend(self.iter_bytes())
        except AudioError as error:
            error.audio = b"".join(pieces)
            raise
        return b"".join(pieces)

    def save(self, path: StrPath) -> Path:
        """Write the audio to a file while it arrives, in constant memory. Otherwise as `SpeechResponse.save`."""
        with files.saving(path, self._facts) as sink:
            for chunk in self.iter_bytes():
                sink.write(chunk)
        return Path(path)

    def play(self) -> None:
        """Play the audio while it arrives, and come back when it was heard. It needs the extra `play`.

        Raises:
            ConfigurationError: The extra is not installed.
            PlaybackError: There is no audio device: then nothing was taken from the stream, which can still be saved.
                Or the device stopped, or the audio is of a format that cannot be played.
            EmptyAudioError, TruncatedAudioError, APITimeoutError: As `iter_bytes`; what came was played before.
        """
        from . import playback  # noqa: PLC0415  (for those only who play)

        playback.play(self._facts, self.iter_bytes())

    def close(self) -> None:
        """End the answer here. The end of the `with` block does it too."""
        self.response.close()


class AsyncSpeechStream(_Stream):
    """Audio as it arrives, for `async with` and `async for`. It can be gone through once."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        response = self.response
        self._chunks: AsyncIterator[bytes] = response.aiter_raw() if self._is_plain else response.aiter_bytes()

    async def wait(self) -> None:
        """As `SpeechStream.wait`."""
        try:
            first = await anext(self._chunks, b"")
        except httpx.RequestError as cause:
            raise self._frames.cut(cause) from cause
        if not first:
            self._frames.check()
        self._chunks = _led_by(first, self._chunks)

    async def iter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """As `SpeechStream.iter_bytes`."""
        frames, size = self._frames, self._frames.chunk_size(chunk_size)
        try:
            async for chunk in self._chunks:
                piece = frames.whole(chunk)
                if size is not None:
                    for sized in frames.sized(piece, size):
                        yield sized
                elif piece:
                    yield piece
        except httpx.RequestError as cause:
            raise frames.cut(cause) from cause
        if last := frames.last():
            yield last
        frames.check()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.iter_bytes()

    async def read(self) -> bytes:
        """As `SpeechStream.read`."""
        pieces: list[bytes] = []
        try:
            async for piece in self.iter_bytes():
                pieces.append(piece)  # noqa: PERF401  (what arrived before a failure has to be there after it)
        except AudioError as error:
            error.audio = b"".join(pieces)
            raise
        return b"".join(pieces)

    async def save(self, path: StrPath) -> Path:
        """As `SpeechStream.save`."""
        with files.saving(path, self._facts) as sink:
            async for chunk in self.iter_bytes():
                sink.write(chunk)
        return Path(path)

    async def play(self) -> None:
        """As `SpeechStream.play`. Where it is cancelled, it falls silent at once."""
        from . import playback  # noqa: PLC0415  (for those only who play)

        await playback.play_async(self._facts, self.iter_bytes())

    async def close(self) -> None:
        """As `SpeechStream.close`."""
        await self.response.aclose()


async def _led_by(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for other in others:
        yield other
