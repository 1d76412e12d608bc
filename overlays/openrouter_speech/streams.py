"""Audio as it arrives."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import httpx

from . import _files as files
from ._core import audio, headers
from ._core.audio import AudioInfo
from ._files import StrPath
from ._http.body import OpenResponse
from .errors import ConfigurationError, PlaybackError

if TYPE_CHECKING:
    from decimal import Decimal

    from ._http.body import Costs

__all__ = ["AsyncSpeechStream", "SpeechStream"]

COST_TIMEOUT_MS = 600_000
"""Milliseconds. The service's costs were seen one to eight minutes after the call."""


class AudioDescription:
    """The attributes that describe audio. A subclass provides the values."""

    headers: httpx.Headers
    """The headers of the response."""
    from_cache: bool
    """Whether this is the audio of an earlier, identical request, which was not paid for again."""
    _costs: "Costs | None"

    def _describe(self) -> AudioInfo:
        raise NotImplementedError

    @property
    def audio_format(self) -> str:
        """The audio format: "mp3", "pcm", "wav", or another audio type's subtype."""
        return self._describe().format

    @property
    def sample_rate(self) -> int | None:
        """Hz. None if unknown or not parsed."""
        return self._describe().sample_rate

    @property
    def channels(self) -> int | None:
        """1 for mono, 2 for stereo. None if unknown or not parsed."""
        return self._describe().channels

    @property
    def generation_id(self) -> str | None:
        """The ID of the synthesis (`X-Generation-Id`)."""
        return headers.generation_id(self.headers)

    def cost(self, *, timeout_ms: float = COST_TIMEOUT_MS) -> "Decimal":
        """Look up what the synthesis cost, in US dollars. The server knows it one to eight minutes later: wait for it.

        Args:
            timeout_ms: Milliseconds to wait for it at most.

        Raises:
            APITimeoutError: The server did not know the cost by then.
            ConfigurationError: The response named no generation, or this object was pickled.
            OpenRouterError: The look-up failed.
        """
        generation, costs = self._to_look_up()
        return costs.look_up(generation, timeout_ms)

    async def cost_async(self, *, timeout_ms: float = COST_TIMEOUT_MS) -> "Decimal":
        """As `cost`."""
        generation, costs = self._to_look_up()
        return await costs.look_up_async(generation, timeout_ms)

    def _to_look_up(self) -> "tuple[str, Costs]":
        if self.generation_id is None:
            raise ConfigurationError("The cost is not known: the response has no X-Generation-Id.")
        if self._costs is None:
            raise ConfigurationError("The cost cannot be looked up here: this object has no client any more.")
        return self.generation_id, self._costs


class _Stream(AudioDescription):
    """The common part of both kinds of stream."""

    def __init__(self, opened: OpenResponse) -> None:
        self.response = opened.response
        self.headers = opened.response.headers
        self._body = opened.body
        self.from_cache = opened.from_cache
        self._costs = opened.costs

    def _describe(self) -> AudioInfo:
        return self._body.info

    @property
    def bytes_received(self) -> int:
        """Bytes of audio so far."""
        return self._body.received

    @property
    def time_to_first_audio(self) -> float | None:
        """Seconds from sending the request to the first byte of audio."""
        return self._body.seconds_to_first

    @property
    def duration(self) -> float | None:
        """Seconds of audio so far; None for formats other than pcm."""
        info = self._body.info
        if info.format != "pcm" or not info.sample_rate:
            return None
        return self.bytes_received // info.frame_size / info.sample_rate

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.response.status_code} {self.audio_format}, {self.bytes_received} bytes]>"


class SpeechStream(_Stream):
    """Audio as it arrives. It can be consumed once.

    `read`, `save` and `play` consume all of it. After a `break`, another loop continues where the first one stopped.
    """

    def __init__(self, opened: OpenResponse) -> None:
        super().__init__(opened)
        if opened.chunks is None:
            opened.chunks = iter([self.response.content]) if self.response.is_stream_consumed else _raw(self.response)
        self._chunks = cast("Iterator[bytes]", opened.chunks)

    def look(self) -> None:
        """Wait for the first bytes, which identify the format.

        Raises:
            OpenRouterError: There is no audio. An `AudioError` holds the bytes that arrived in `audio`.
        """
        while self._body.is_unknown:
            self._receive()
        if self._body.has_nothing:
            self._body.finish()

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Iterate over the audio in chunks.

        Args:
            chunk_size: Bytes per chunk, rounded down to whole frames for pcm; the last chunk may be shorter. By
                default each chunk is yielded as soon as it arrives. pcm always comes in whole frames.

        Raises:
            AudioError: The audio is incomplete; `audio` holds what arrived and was not yielded yet.
            APITimeoutError: The next bytes did not arrive in time; `audio` as for `AudioError`.
            StreamConsumedError: The stream was read to its end, or is closed.
        """
        return self._pieces(self._body.chunk_size(chunk_size))

    def __iter__(self) -> Iterator[bytes]:
        return self.iter_bytes()

    def read(self) -> bytes:
        """Read all of the audio.

        Raises:
            AudioError, APITimeoutError: As `iter_bytes`; `audio` holds all that arrived.
            StreamConsumedError: Some of the stream was already read, or it is closed.
        """
        body = self._body
        body.claim("read")
        body.begin()
        while not body.at_end:
            self._receive()
        content = body.take_all()
        body.finish(lambda info: audio.has_sound(content, info), content)
        return content

    def save(self, path: StrPath, *, convert: bool = True) -> Path:
        """Write the audio to a file while it arrives, in constant memory. Otherwise as `SpeechResponse.save`.

        Raises:
            SuffixMismatchError, FileWriteError: As `SpeechResponse.save`. The stream is read to its end first.
            AudioError, APITimeoutError: As `iter_bytes`; `audio` holds all that arrived.
            StreamConsumedError: Some of the stream was already read, or it is closed. No file was touched.
        """
        path, body = Path(path), self._body
        body.claim("save")
        with files.keeping(path, body.info, convert=convert) as sink:
            body.begin()
            sink.write(body.take_all())
            while not body.at_end:
                self._receive()
                sink.write(body.take_all())
            body.finish(sink.has_sound)
        return path

    def play(self) -> None:
        """Play the audio while it arrives, and return when playback ends. Needs the extra `play`.

        Raises:
            ConfigurationError: The extra is not installed.
            PlaybackError: There is no audio device, it stopped, or the audio cannot be played. The stream is rewound,
                and can still be saved.
            AudioError, APITimeoutError: As `iter_bytes`, once the audio that arrived has been played.
            StreamConsumedError: Some of the stream was already read, or it is closed.
        """
        from . import playback  # noqa: PLC0415  (an optional extra)

        self._body.claim("play")
        played: list[bytes] = []
        try:
            playback.play(self._body.info, self._pieces(None, played))
        except PlaybackError:
            self._body.give_back(played)
            raise

    def close(self) -> None:
        """Close the response. Leaving the `with` block does so too."""
        self._body.close()
        self.response.close()

    def _pieces(self, size: int | None, kept: list[bytes] | None = None) -> Iterator[bytes]:
        body = self._body
        body.begin()
        while True:
            if (piece := body.take(size)) is not None:
                if kept is not None:
                    kept.append(piece)
                yield piece
            elif body.at_end:
                body.finish()
                return
            else:
                self._receive()

    def _receive(self) -> None:
        """Wait for the next bytes."""
        body = self._body
        body.expect()
        try:
            chunk = next(self._chunks, None)
        except httpx.RequestError as cause:
            raise body.cut(cause) from cause
        except BaseException:
            body.abandon()
            raise
        body.arrived(chunk)


class AsyncSpeechStream(_Stream):
    """As `SpeechStream`, for `async with` and `async for`."""

    def __init__(self, opened: OpenResponse) -> None:
        super().__init__(opened)
        if opened.chunks is None:
            consumed = self.response.is_stream_consumed
            opened.chunks = _once(self.response.content) if consumed else _raw_async(self.response)
        self._chunks = cast("AsyncIterator[bytes]", opened.chunks)

    async def look(self) -> None:
        """As `SpeechStream.look`."""
        while self._body.is_unknown:
            await self._receive()
        if self._body.has_nothing:
            self._body.finish()

    def iter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """As `SpeechStream.iter_bytes`."""
        return self._pieces(self._body.chunk_size(chunk_size))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.iter_bytes()

    async def read(self) -> bytes:
        """As `SpeechStream.read`."""
        body = self._body
        body.claim("read")
        body.begin()
        while not body.at_end:
            await self._receive()
        content = body.take_all()
        body.finish(lambda info: audio.has_sound(content, info), content)
        return content

    async def save(self, path: StrPath, *, convert: bool = True) -> Path:
        """As `SpeechStream.save`."""
        path, body = Path(path), self._body
        body.claim("save")
        with files.keeping(path, body.info, convert=convert) as sink:
            body.begin()
            sink.write(body.take_all())
            while not body.at_end:
                await self._receive()
                sink.write(body.take_all())
            body.finish(sink.has_sound)
        return path

    async def play(self) -> None:
        """As `SpeechStream.play`. Cancelling it stops the sound at once."""
        from . import playback  # noqa: PLC0415  (an optional extra)

        self._body.claim("play")
        played: list[bytes] = []
        try:
            await playback.play_async(self._body.info, self._pieces(None, played))
        except PlaybackError:
            self._body.give_back(played)
            raise

    async def close(self) -> None:
        """As `SpeechStream.close`."""
        self._body.close()
        await self.response.aclose()

    async def _pieces(self, size: int | None, kept: list[bytes] | None = None) -> AsyncIterator[bytes]:
        body = self._body
        body.begin()
        while True:
            if (piece := body.take(size)) is not None:
                if kept is not None:
                    kept.append(piece)
                yield piece
            elif body.at_end:
                body.finish()
                return
            else:
                await self._receive()

    async def _receive(self) -> None:
        """As `SpeechStream._receive`."""
        body = self._body
        body.expect()
        try:
            chunk = await anext(self._chunks, None)
        except httpx.RequestError as cause:
            raise body.cut(cause) from cause
        except BaseException:
            body.abandon()
            raise
        body.arrived(chunk)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _raw(response: httpx.Response) -> Iterator[bytes]:
    """As httpx's `iter_raw`, without the work for each chunk."""
    response.is_stream_consumed = True
    yield from cast("httpx.SyncByteStream", response.stream)
    response.close()


async def _raw_async(response: httpx.Response) -> AsyncIterator[bytes]:
    """As `_raw`."""
    response.is_stream_consumed = True
    async for chunk in cast("httpx.AsyncByteStream", response.stream):
        yield chunk
    await response.aclose()
