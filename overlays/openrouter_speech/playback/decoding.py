"""Decode audio while it arrives, as early as possible."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from .._core import audio, mp3, wav
from .._core.audio import AudioInfo
from ..errors import PlaybackError
from .buffers import Backlog
from .device import SampleFormat, load_miniaudio

PLAYABLE = ("mp3", "wav", "pcm")

_PIECE = 0.02
"""Seconds of samples per piece."""
_WAV_ENCODINGS = {(1, 1): "UNSIGNED8", (1, 2): "SIGNED16", (1, 3): "SIGNED24", (1, 4): "SIGNED32", (3, 4): "FLOAT32"}
"""miniaudio's names for the samples of a WAV file, by encoding and bytes per sample."""


def decode(info: AudioInfo, backlog: Backlog) -> tuple[SampleFormat, Iterator[bytes]]:
    """Wait for the header of the audio, and start to decode.

    Returns:
        The format of the samples, and an iterator that waits for them.

    Raises:
        PlaybackError: The audio is not in the stated format, or cannot be played.
    """
    if info.format == "mp3":
        return _mp3(backlog)
    if info.format == "wav":
        return _wav(backlog)
    sample_format = SampleFormat(info.sample_rate or audio.PCM_SAMPLE_RATE, info.channels or audio.PCM_CHANNELS)
    return sample_format, _whole_frames(sample_format, backlog)


def _wav(backlog: Backlog) -> tuple[SampleFormat, Iterator[bytes]]:
    layout = backlog.peek(wav.layout)
    if layout is None:
        raise PlaybackError("This is not wav audio: it has no wav header.")
    encoding = _WAV_ENCODINGS.get((layout.encoding, layout.sample_width))
    if encoding is None or layout.byte_order != "<":
        raise PlaybackError(f"Only uncompressed, little-endian wav audio can be played; this is {layout}.")
    sample_format = SampleFormat(layout.sample_rate, layout.channels, encoding, layout.sample_width)
    return sample_format, _unwrapped(sample_format, backlog)


def _unwrapped(sample_format: SampleFormat, backlog: Backlog) -> Iterator[bytes]:
    """Yield the samples of wav files, one after the other, without their headers."""
    reader, most = wav.Reader(), _most(sample_format)
    try:
        while piece := backlog.take(lambda there: min(len(there), most)):
            yield reader.feed(piece)
        yield reader.end()
    except ValueError as error:
        raise PlaybackError(str(error)) from error


def _whole_frames(sample_format: SampleFormat, backlog: Backlog) -> Iterator[bytes]:
    """Yield samples that need no decoding. An incomplete frame at the end is dropped."""
    frame, most = sample_format.frame_size, _most(sample_format)

    def size_of(there: bytearray) -> int:
        return min(len(there) - len(there) % frame, most)

    while piece := backlog.take(size_of):
        yield piece[: len(piece) - len(piece) % frame]


def _most(sample_format: SampleFormat) -> int:
    """Return the bytes of one piece."""
    return max(round(_PIECE * sample_format.sample_rate), 1) * sample_format.frame_size


def _mp3(backlog: Backlog) -> tuple[SampleFormat, Iterator[bytes]]:
    frames = _Mp3Frames(backlog)
    first = frames.peek()
    if first is None:
        raise PlaybackError("This is not mp3 audio: it has no mp3 frames.")
    sample_format = SampleFormat(first.header.sample_rate, first.header.channels)
    return sample_format, _decoded(sample_format, frames)


def _decoded(sample_format: SampleFormat, frames: "_Mp3Frames") -> Iterator[bytes]:
    """Yield the samples of mp3 files, one after the other. Each gets a new decoder: one would stop after the first."""
    miniaudio = load_miniaudio()
    while frames.peek():
        source = _Mp3Source(frames)
        try:
            pieces = miniaudio.stream_any(
                source,
                source_format=miniaudio.FileFormat.MP3,
                nchannels=sample_format.channels,
                sample_rate=sample_format.sample_rate,
                frames_to_read=round(_PIECE * sample_format.sample_rate),
            )
            with closing(pieces):
                for samples in pieces:
                    yield samples.tobytes()
        except miniaudio.DecodeError as error:
            source.drain()
            if source.has_sound:
                raise PlaybackError(f"The audio could not be decoded: {error}.") from error
        source.drain()


class _Mp3Frames:
    """mp3 frames as they arrive."""

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog
        self._cutter = mp3.Cutter()
        self._next: mp3.Frame | None = None

    def peek(self) -> mp3.Frame | None:
        """Wait for the next frame; None at the end."""
        if self._next is None:
            self._next = self._backlog.peek(lambda there: self._cutter.next(there, complete=self._backlog.ended))
        return self._next

    def take(self) -> bytes:
        """Remove the next frame, and return its bytes; empty at the end."""
        frame = self.peek()
        if frame is None:
            return b""
        self._next = None
        return self._backlog.take(lambda _: frame.end)[frame.start :]


class _Mp3Source:
    """Feeds miniaudio's decoder one mp3 frame per read, until the next decoder has to take over.

    The decoder reads before each frame, even if it already has the next one. It skips a partial frame as damaged, and
    takes an empty read for the end. Only whole frames, one at a time, produce all of the sound as soon as its bytes
    arrive.
    """

    ffi_handle: Any
    error_in_readcallback: Exception | None = None
    """Both are set by miniaudio."""

    def __init__(self, frames: _Mp3Frames) -> None:
        first = frames.peek()
        self._frames = frames
        self.has_sound = first is not None and first.note is None
        """Whether any frame with sound was read: an encoder's note has none."""
        self._piece = frames.take()
        self._position = 0  # in the piece
        self._passed = 0  # bytes before the piece

    def read(self, size: int) -> bytes:
        if self._position == len(self._piece):
            self._passed += self._position
            self._piece, self._position = self._following(), 0
        start = self._position
        self._position = min(start + size, len(self._piece))
        return self._piece[start : self._position]

    def seek(self, offset: int, origin: Any) -> bool:
        """Move within the piece. The decoder seeks while it looks for a tag before the first frame.

        An exception reports a failed seek.
        """
        target = offset + {"START": -self._passed, "CURRENT": self._position}[origin.name]
        if not 0 <= target <= len(self._piece):
            raise ValueError(offset)
        self._position = target
        return True

    def drain(self) -> None:
        """Skip the frames that the decoder left."""
        while self._following():
            pass

    def _following(self) -> bytes:
        frame = self._frames.peek()
        if frame is None or frame.begins:
            return b""
        self.has_sound = True
        return self._frames.take()
