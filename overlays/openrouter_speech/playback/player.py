"""Play audio that is fed in chunks."""

import asyncio
from collections.abc import AsyncIterable, Iterable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

from .. import _files as files
from .._core import audio
from .._core.audio import AudioInfo
from .._files import StrPath
from ..errors import APIConnectionError, AudioError, PlaybackError
from .buffers import Backlog, Samples
from .decoding import PLAYABLE, decode
from .device import Device, SampleFormat, open_device

_FILE_PIECE = 64 * 1024
"""Bytes per read of a file."""
_CUT_SHORT = (AudioError, APIConnectionError)


class Player:
    """Plays audio while it arrives: `with Player("mp3") as player: player.feed(chunk)`.

    Entering the block opens the audio device. Leaving it waits until everything has been played. An exception stops
    playback at once, unless it means that the audio was cut short: the received part is still played.
    """

    def __init__(self, audio_format: str, sample_rate: int | None = None, channels: int | None = None) -> None:
        """Set the format of the audio.

        Args:
            audio_format: "mp3", "wav" or "pcm".
            sample_rate: Hz, for pcm only; None for 24,000.
            channels: 1 or 2, for pcm only; None for 1.
        """
        self._info = AudioInfo(audio_format, sample_rate, channels)
        self._sample_format = SampleFormat(sample_rate or audio.PCM_SAMPLE_RATE, channels or audio.PCM_CHANNELS)
        self._backlog = Backlog()
        self._samples = Samples(self._sample_format)
        self._device: Device | None = None
        self._failure: Exception | None = None
        self._decoder = Thread(target=self._decode, name="openrouter-speech decoder", daemon=True)

    def __enter__(self) -> Self:
        """Open the audio device.

        Raises:
            ConfigurationError: The extra `play` is not installed.
            PlaybackError: There is no audio device, or the format cannot be played.
        """
        if self._info.format not in PLAYABLE:
            raise PlaybackError(f"{self._info.format} audio cannot be played, only mp3, wav and pcm.")
        self._device = open_device(self._sample_format, self._samples.take)
        self._decoder.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.finish()
            elif isinstance(error, _CUT_SHORT):
                with suppress(PlaybackError):
                    self.finish()
        finally:
            self.stop()

    def feed(self, chunk: bytes) -> None:
        """Add audio, in chunks of any size. It never waits or fails: `finish` raises the errors."""
        self._samples.expect()
        self._backlog.add(chunk)

    def wait_for_room(self) -> bool:
        """Wait until most of what was fed has been decoded, so that a source can be as long as it likes.

        Returns:
            False if the device has stopped; then there is no point in waiting again, and `finish` raises.
        """
        return self._backlog.wait_for_room(_FILE_PIECE)

    def finish(self) -> None:
        """Wait until all the audio has been played. No more can be fed afterwards.

        Raises:
            PlaybackError: The audio could not be decoded, or the device stopped.
        """
        self._backlog.end()
        try:
            self._samples.wait()
        except PlaybackError:
            self.stop()
            raise
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def stop(self) -> None:
        """Stop playing at once, and free the device."""
        self._backlog.end(drop=True)
        self._samples.end(drop=True)
        try:
            if self._decoder.is_alive():
                self._decoder.join()
        finally:
            if self._device is not None:
                self._device.close()

    def _decode(self) -> None:
        """Decode in a separate thread: a decoder blocks until it has its bytes."""
        try:
            if self._backlog.peek(len):
                sample_format, pieces = decode(self._info, self._backlog)
                self._change_sample_format(sample_format)
                for piece in pieces:
                    self._samples.put(piece)
        except Exception as error:  # noqa: BLE001  (raised by finish)
            self._failure = error
        finally:
            self._backlog.end(drop=True)
            self._samples.end()

    def _change_sample_format(self, sample_format: SampleFormat) -> None:
        """Reopen the device if the audio turns out to have another format."""
        if sample_format != self._sample_format:
            if self._device is not None:
                self._device.close()
            self._samples.begin(sample_format)
            self._device = open_device(sample_format, self._samples.take)


def play(info: AudioInfo, chunks: Iterable[bytes]) -> None:
    """Play audio while it arrives. If it is cut short, the received part is played before the error is raised.

    Raises:
        ConfigurationError: The extra `play` is not installed.
        PlaybackError: There is no audio device, it stopped, or the audio cannot be decoded.
    """
    with Player(info.format, info.sample_rate, info.channels) as player:
        for chunk in chunks:
            player.feed(chunk)


async def play_async(info: AudioInfo, chunks: AsyncIterable[bytes]) -> None:
    """As `play`. Cancelling it stops playback at once."""
    with Player(info.format, info.sample_rate, info.channels) as player:
        try:
            async for chunk in chunks:
                player.feed(chunk)
        except _CUT_SHORT:
            with suppress(PlaybackError):
                await asyncio.to_thread(player.finish)
            raise
        await asyncio.to_thread(player.finish)


def play_file(
    path: StrPath, audio_format: str | None = None, sample_rate: int | None = None, channels: int | None = None
) -> None:
    """Play a file.

    Args:
        path: The file.
        audio_format: "mp3", "wav" or "pcm", if the file's suffix does not say.
        sample_rate: Hz, for pcm only; None for 24,000.
        channels: 1 or 2, for pcm only; None for 1.

    Raises:
        OSError: The file cannot be read.
        ConfigurationError, PlaybackError: As `play`.
    """
    name = files.format_of(path) or audio_format or Path(path).suffix or "unknown"
    with Path(path).open("rb") as file, Player(name, sample_rate, channels) as player:
        moving = True
        while piece := file.read(_FILE_PIECE):
            player.feed(piece)
            moving = moving and player.wait_for_room()
