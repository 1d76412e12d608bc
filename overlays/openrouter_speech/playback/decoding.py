"""From audio as it arrives to samples, with as little of it as that takes."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from .. import audio
from ..audio import AudioFacts
from ..errors import PlaybackError
from .buffers import Backlog
from .device import Form, load_miniaudio

PLAYABLE = ("mp3", "wav", "pcm")

_PIECE = 0.02
"""Seconds of samples that are handed on together."""
_WAV_ENCODINGS = {(1, 1): "UNSIGNED8", (1, 2): "SIGNED16", (1, 3): "SIGNED24", (1, 4): "SIGNED32", (3, 4): "FLOAT32"}
"""By encoding and bytes per sample."""


def decode(facts: AudioFacts, backlog: Backlog) -> tuple[Form, Iterator[bytes]]:
    """Wait for the head of the audio.

    Returns:
        What its samples are, and an iterator that waits for them.

    Raises:
        PlaybackError: It is not audio of the format, or none that can be played.
    """
    if facts.format == "mp3":
        return _mp3(facts, backlog)
    if facts.format == "wav":
        return _wav(backlog)
    form = Form(facts.sample_rate or audio.PCM_SAMPLE_RATE, facts.channels or audio.PCM_CHANNELS)
    return form, _whole_frames(form, backlog)


def _wav(backlog: Backlog) -> tuple[Form, Iterator[bytes]]:
    layout = backlog.peek(audio.wav_layout)
    if layout is None:
        raise PlaybackError("What came is not wav audio: it has no such header.")
    sample_width = layout.bytes_per_second // (layout.sample_rate * layout.channels or 1)
    encoding = _WAV_ENCODINGS.get((layout.encoding, sample_width))
    if encoding is None:
        raise PlaybackError(f"Only uncompressed wav audio can be played, and this is not (encoding {layout.encoding}).")
    form = Form(layout.sample_rate, layout.channels, encoding, sample_width)
    backlog.take(lambda _: layout.data_start)
    # A header that was sent before the audio was known says 0, or as much as there can be.
    return form, _whole_frames(form, backlog, layout.data_size or None)


def _whole_frames(form: Form, backlog: Backlog, left: int | None = None) -> Iterator[bytes]:
    """Samples that need no decoding. Half a frame at the end is dropped."""
    frame, most = form.frame_size, round(_PIECE * form.sample_rate) * form.frame_size

    def size_of(there: bytearray) -> int:
        return min(len(there) - len(there) % frame, most)

    while (left is None or left >= frame) and (piece := backlog.take(size_of)[:left]):
        yield piece[: len(piece) - len(piece) % frame]
        left = None if left is None else left - len(piece)


def _mp3(facts: AudioFacts, backlog: Backlog) -> tuple[Form, Iterator[bytes]]:
    def first_frame(there: bytearray) -> AudioFacts | None:
        known = audio.facts_from_audio(there, facts)
        return known if known.sample_rate else None

    known = backlog.peek(first_frame)
    if known is None or known.sample_rate is None or known.channels is None:
        raise PlaybackError("What came is not mp3 audio: there is no frame of it.")
    form = Form(known.sample_rate, known.channels)
    return form, _decoded(form, backlog)


def _decoded(form: Form, backlog: Backlog) -> Iterator[bytes]:
    miniaudio = load_miniaudio()
    try:
        pieces = miniaudio.stream_any(
            _Mp3Source(backlog),
            source_format=miniaudio.FileFormat.MP3,
            nchannels=form.channels,
            sample_rate=form.sample_rate,
            frames_to_read=round(_PIECE * form.sample_rate),
        )
        with closing(pieces):
            for samples in pieces:
                yield samples.tobytes()
    except miniaudio.DecodeError as error:
        raise PlaybackError(f"The audio could not be decoded: {error}.") from error


class _Mp3Source:
    """Gives miniaudio's decoder one mp3 frame for each time it reads.

    It reads before each frame that it decodes, even where it has the next one already; it takes part of a frame for
    damage, and leaves it out; and it takes no bytes for the end. So whole frames, one at a time, are the one way in
    which sound comes out as soon as its bytes are in, and all of it.
    """

    ffi_handle: Any
    error_in_readcallback: Exception | None = None
    """Both are set by miniaudio."""

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog
        self._piece = backlog.take(audio.mp3_frame_end)
        self._position = 0  # in the piece
        self._passed = 0  # bytes before the piece

    def read(self, size: int) -> bytes:
        if self._position == len(self._piece):
            self._passed += self._position
            self._piece, self._position = self._backlog.take(audio.mp3_frame_end), 0
        start = self._position
        self._position = min(start + size, len(self._piece))
        return self._piece[start : self._position]

    def seek(self, offset: int, origin: Any) -> bool:
        """Go somewhere else in the piece. The decoder does that while it looks for a tag before the first frame.

        An exception tells it that it cannot go there.
        """
        target = offset + {"START": -self._passed, "CURRENT": self._position}[origin.name]
        if not 0 <= target <= len(self._piece):
            raise ValueError(offset)
        self._position = target
        return True
