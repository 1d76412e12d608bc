"""MPEG audio: its frames, and how many samples a player makes of them. Pure: bytes in, info out.

A frame begins with eleven set bits, which are common in other data too. So a frame counts only if another of its kind,
a tag or the end of the data follows. Layers I, II and III are parsed; "free format" frames, which do not give their
length, are not. The format: https://www.datavoyage.com/mpgscript/mpeghdr.htm
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from mmap import mmap
from typing import NamedTuple

Bytes = bytes | bytearray | mmap

_VERSION_1, _LAYER_1, _LAYER_3 = 3, 3, 1
_SAMPLE_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_LOW_BITRATES = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_BITRATES = {
    (True, 3): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 3): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): _LOW_BITRATES,
    (False, 1): _LOW_BITRATES,
}
"""kbit/s, by (whether it is MPEG 1, the layer's two bits)."""
_SYNC = re.compile(
    rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][" + b"".join(b"\\x%x0-\\x%xb" % (n, n) for n in range(1, 15)) + b"]"
)
"""A possible frame header: version 1, layer 0, bit rate 15 and sample rate 3 are reserved."""
_DECODER_DELAY = 529
"""Samples by which a decoder lags. Players that trim the encoder's delay trim these too."""


class Header(NamedTuple):
    """A frame's four-byte header."""

    size: int
    """Bytes of the frame, including its header."""
    samples: int
    """Samples per channel."""
    sample_rate: int
    """Hz."""
    channels: int
    kind: tuple[int, int, int, int]
    """Version, layer, rate and channels. A decoder handles one kind; neighbouring frames share the first three."""
    note_at: int
    """Offset of an encoder's info tag in the frame, after the side information. 0 for layers that have none."""


class Note(NamedTuple):
    """An encoder's info tag, in a frame without sound: http://gabriel.mp3-tech.org/mp3infotag.html."""

    frames: int
    """How many frames follow; 0 if it does not say."""
    delay: int
    """Samples to trim at the start."""
    padding: int
    """Samples to trim at the end."""


class Frame(NamedTuple):
    """A frame, and its position."""

    start: int
    end: int
    header: Header
    note: Note | None
    begins: bool
    """Whether a decoder has to start afresh here, because a new file begins."""


class Segment(NamedTuple):
    """Frames that belong together, as in a file."""

    start: int
    end: int
    header: Header
    note: Note | None
    frames: int
    """How many frames have sound."""

    @property
    def samples(self) -> int:
        """Samples per channel that a player makes of the frames."""
        total = self.frames * self.header.samples
        if self.note is None:
            return total
        if self.note.frames:
            total = min(total, self.note.frames * self.header.samples - self.note.padding)
        return max(0, total - self.note.delay)


def segments(audio: Bytes) -> Iterator[Segment]:
    """Iterate over all frames, grouped by file: a body may be several concatenated files."""
    cutter, first, frames, end = Cutter(), None, 0, 0
    while frame := cutter.next(audio, end):
        if frame.begins:
            if first:
                yield Segment(first.start, end, first.header, first.note, frames)
            first, frames = frame, 0
        frames += frame.note is None
        end = frame.end
    if first:
        yield Segment(first.start, end, first.header, first.note, frames)


def duration(audio: Bytes) -> float | None:
    """Return the duration in seconds; None if there is no frame.

    If there is an info tag, the silence that the encoder added is subtracted, as players do.
    """
    samples: dict[int, int] = {}  # by sample rate, so that a sum is exact
    for segment in segments(audio):
        rate = segment.header.sample_rate
        samples[rate] = samples.get(rate, 0) + segment.samples
    return sum(count / rate for rate, count in samples.items()) if samples else None


def first_frame(audio: Bytes, *, complete: bool = True) -> Frame | None:
    """Return the first frame; None if there is none, or if more bytes are needed to be sure."""
    return Cutter().next(audio, complete=complete)


def has_sound(audio: Bytes) -> bool:
    """Whether there is a frame other than an info tag."""
    return any(segment.frames for segment in segments(audio))


def begins(audio: Bytes, start: int, *, frames: int, complete: bool) -> bool | None:
    """Whether this many consecutive frames begin exactly at `start`; None if more bytes are needed."""
    for _ in range(frames):
        if not (is_frame := _is_frame(audio, start, complete=complete)):
            return is_frame
        header = _header(int.from_bytes(audio[start : start + 4]))
        start += header.size if header else 0
    return True


class Cutter:
    """Cuts audio into frames."""

    def __init__(self) -> None:
        self._kind: tuple[int, int, int, int] | None = None
        """The previous frame's kind."""
        self._left = -1
        """Frames that are left of those the last info tag announced; negative if unknown."""

    def next(self, audio: Bytes, start: int = 0, *, complete: bool = True) -> Frame | None:
        """Return the next frame.

        Args:
            audio: The audio so far.
            start: Where the last frame ended.
            complete: Whether this is all of the audio.

        Returns:
            None if there is none, or if more bytes are needed; call again with more.
        """
        header = _header(int.from_bytes(audio[start : start + 4]))
        begins = header is None or header.kind != self._kind
        if begins:
            start = _find_frame(audio, start, complete=complete)
            header = _header(int.from_bytes(audio[start : start + 4])) if start >= 0 else None
        if header is None or (end := start + header.size) > len(audio):
            return None
        note = _note(audio, start, header)
        if note:
            begins, self._left = True, note.frames or -1
        else:
            begins = begins or self._left == 0
            self._left = -1 if begins else self._left - 1
        self._kind = header.kind
        return Frame(start, end, header, note, begins)


@lru_cache(maxsize=4096)
def _header(bits: int) -> Header | None:
    version, layer, has_checksum = bits >> 19 & 3, bits >> 17 & 3, not bits >> 16 & 1
    bitrate_index, rate_index = bits >> 12 & 15, bits >> 10 & 3
    if (
        bits >> 21 != 0x7FF
        or version == 1
        or layer == 0
        or bitrate_index in {0, 15}
        or rate_index == 3
        or bits & 3 == 2
    ):
        return None
    is_version_1 = version == _VERSION_1
    sample_rate = _SAMPLE_RATES[version][rate_index]
    bitrate, padding = _BITRATES[is_version_1, layer][bitrate_index - 1] * 1000, bits >> 9 & 1
    channels, note_at = 1 if bits >> 6 & 3 == 3 else 2, 0
    if layer == _LAYER_1:
        samples, size = 384, (12 * bitrate // sample_rate + padding) * 4
    else:
        samples = 1152 if is_version_1 or layer != _LAYER_3 else 576
        size = samples // 8 * bitrate // sample_rate + padding
    if layer == _LAYER_3:
        note_at = (
            4 + 2 * has_checksum + ((17 if channels == 1 else 32) if is_version_1 else (9 if channels == 1 else 17))
        )
    return Header(size, samples, sample_rate, channels, (version, layer, rate_index, channels), note_at)


def _find_frame(audio: Bytes, start: int, *, complete: bool) -> int:
    """Find the first frame at or after `start`; -1 if there is none, or if more bytes are needed to be sure."""
    while size := _tag_size(audio, start):
        start += size
    if (is_frame := _is_frame(audio, start, complete=complete)) is not False:
        return start if is_frame else -1
    # In damaged or other data, one frame may appear by chance, but not two in a row.
    for match in _SYNC.finditer(audio, start + 1):
        header = _header(int.from_bytes(audio[match.start() : match.start() + 4]))
        is_frame = header and _is_frame(audio, match.start(), complete=complete)
        if header and is_frame:
            is_frame = _is_frame(audio, match.start() + header.size, complete=complete)
        if is_frame is None and not complete:
            return -1
        if is_frame:
            return match.start()
    return -1


def _is_frame(audio: Bytes, start: int, *, complete: bool) -> bool | None:
    """Whether an apparent frame is real, judging by what follows; None if more bytes are needed."""
    if len(audio) < start + 4:
        return False if complete else None
    header = _header(int.from_bytes(audio[start : start + 4]))
    if header is None:
        return False
    end = start + header.size
    if len(audio) < end + 4 and not complete:
        return None
    if len(audio) <= end:
        return len(audio) == end
    following = _header(int.from_bytes(audio[end : end + 4]))
    if following is None:
        return audio[end : end + 3] in _TAGS
    return following.kind[:3] == header.kind[:3]


_TAGS = (b"ID3", b"TAG", b"APE")


def _tag_size(audio: Bytes, start: int) -> int:
    """Return the size of the tag at `start` in bytes; 0 if there is none."""
    name = audio[start : start + 3]
    if name == b"ID3":
        return id3_size(audio, start)
    if name == b"TAG":  # ID3v1
        return 128
    if name == b"APE" and audio[start : start + 8] == b"APETAGEX" and len(audio) >= start + 32:
        is_header = audio[start + 23] & 0x20  # otherwise it is the 32-byte footer of a tag
        return 32 + (int.from_bytes(audio[start + 12 : start + 16], "little") if is_header else 0)
    return 0


def id3_size(audio: Bytes, start: int = 0) -> int:
    """Return the size of the ID3v2 tag at `start` in bytes, or 0: https://id3.org/id3v2.4.0-structure."""
    head = audio[start : start + 10]
    if len(head) < 10 or head[:3] != b"ID3" or head[3] == 0xFF or head[4] == 0xFF or max(head[6:]) >= 0x80:
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]  # seven bits per byte
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _note(audio: Bytes, start: int, header: Header) -> Note | None:
    at = start + header.note_at
    if not header.note_at or audio[at : at + 4] not in _NOTES:
        return None
    note = audio[at : start + header.size]
    flags = int.from_bytes(note[4:8])
    frames = int.from_bytes(note[8:12]) if flags & 1 else 0
    lame = 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    delays = note[lame + 21 : lame + 24]
    if len(delays) < 3 or not note[lame : lame + 4].isalnum():
        return Note(frames, 0, 0)
    packed = int.from_bytes(delays)
    return Note(frames, (packed >> 12) + _DECODER_DELAY, max(0, (packed & 0xFFF) - _DECODER_DELAY))


_NOTES = (b"Xing", b"Info")
