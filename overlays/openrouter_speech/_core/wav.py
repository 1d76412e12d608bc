"""WAV: its header chunks, and where the samples are. Pure: bytes in, info out.

A server that streams audio writes the header before it knows the sizes, so it puts in 0, 0xFFFFFFFF, 0x7FFFFFFF or
some other number that is too large. A server that speaks sentence by sentence may send a complete file for each. This
module reads both as one run of samples.

The format: https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html; RF64 and BW64, for more than 4 GiB:
EBU Tech 3306 and ITU-R BS.2088.
"""

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from mmap import mmap
from typing import NamedTuple

_LONG = (b"RF64", b"BW64")
"""Their sizes have 64 bits, in a chunk `ds64`."""
MAGICS = (b"RIFF", b"RIFX", *_LONG)
"""RIFX has big-endian numbers and samples."""
UNKNOWN_SIZE = 0xFFFF_FFFF

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
HEADER_SIZE = _HEADER.size
_LARGEST = UNKNOWN_SIZE - HEADER_SIZE
_SAMPLE_WIDTH = 2
_INTEGERS, _EXTENSIBLE = 1, 0xFFFE
_UNCOMPRESSED = {_INTEGERS, 3, 6, 7}
"""Integers, floating point, A-law and u-law: a frame is one sample of each channel."""
_SIGNATURE = re.compile(rb"R(?:IFF|IFX|F64).{4}WAVE", re.DOTALL)
"""The start of a concatenated file."""
_SIGNATURE_SIZE = 12
"""Bytes."""
_MAX_CHUNKS = 1000
"""Chunks before the samples. Files have a handful; a body of zeros has one in every eight bytes."""
_MAX_TRAILING_CHUNK = 1 << 24
"""Bytes. An apparent chunk after the samples that is larger counts as samples."""

Bytes = bytes | bytearray | mmap


class Layout(NamedTuple):
    """A WAV file's header."""

    encoding: int
    """1: integers, 3: floating point; others are compressed."""
    sample_rate: int
    """Hz."""
    channels: int
    frame_size: int
    """Bytes of one sample of each channel, or of one compressed block."""
    bytes_per_second: int
    byte_order: str
    """"<" for little-endian, ">" for big-endian."""
    data_start: int
    """Where the samples begin."""
    data_size: int
    """Bytes, by the header, which may have been written before the size was known."""

    @property
    def sample_width(self) -> int:
        """Bytes of one sample."""
        return self.frame_size // self.channels

    @property
    def kind(self) -> tuple[int, int, int, int, str]:
        """The properties that must match for samples to be concatenated."""
        return self.encoding, self.sample_rate, self.channels, self.frame_size, self.byte_order

    def __str__(self) -> str:
        channels = f"{self.channels} channel{'s' if self.channels != 1 else ''}"
        order = ", big-endian" if self.byte_order == ">" else ""
        return f"{self.sample_rate} Hz, {channels}, {8 * self.sample_width} bits, encoding {self.encoding}{order}"


class Span(NamedTuple):
    """The samples of one file."""

    layout: Layout
    start: int
    end: int
    """Where they really end, whatever the header says."""

    @property
    def size(self) -> int:
        """Bytes of whole frames."""
        return (self.end - self.start) // self.layout.frame_size * self.layout.frame_size


def header(data_size: int | None, sample_rate: int, channels: int) -> bytes:
    """Return the 44-byte header that turns 16-bit pcm into a WAV file.

    Args:
        data_size: Bytes of pcm; None if unknown and impossible to fill in later.
        sample_rate: Hz.
        channels: How many.

    Raises:
        ValueError: The audio exceeds the 4 GiB of a WAV file, or the rate or the channels do not fit in the header.
    """
    if data_size is not None:
        check_size(data_size)
    frame_size = _SAMPLE_WIDTH * channels
    if not (channels > 0 and frame_size <= 0xFFFF and 0 < sample_rate * frame_size <= 0xFFFF_FFFF):
        raise ValueError(f"A WAV file cannot hold {channels} channels at {sample_rate} Hz")
    return _HEADER.pack(
        b"RIFF", UNKNOWN_SIZE if data_size is None else HEADER_SIZE - 8 + data_size, b"WAVE",
        b"fmt ", 16, 1, channels, sample_rate, sample_rate * frame_size, frame_size, _SAMPLE_WIDTH * 8,
        b"data", UNKNOWN_SIZE if data_size is None else data_size,
    )  # fmt: skip


def check_size(data_size: int) -> None:
    """Reject audio that is too large for a WAV file.

    Raises:
        ValueError: It is larger than 4 GiB.
    """
    if data_size > _LARGEST:
        raise ValueError(f"{data_size} bytes of audio do not fit into a WAV file (at most 4 GiB); save it as .pcm")


def is_wav(head: Bytes, start: int = 0) -> bool:
    """Whether a WAV file begins here."""
    return head[start : start + 4] in MAGICS and head[start + 8 : start + 12] == b"WAVE"


def layout(audio: Bytes, start: int = 0) -> Layout | None:
    """Parse a WAV header. None if it is missing or incomplete, or has no channels or no rate."""
    if not is_wav(audio, start):
        return None
    order = ">" if audio[start : start + 4] == b"RIFX" else "<"
    position, fields, data, long_size = start + 12, None, None, None
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(audio):
            break
        name, size = struct.unpack_from(order + "4sI", audio, position)
        position += 8
        if name == b"fmt ":
            fields = _format_fields(audio, position, order)
        elif name == b"ds64" and position + 16 <= len(audio):
            (long_size,) = struct.unpack_from("<Q", audio, position + 8)
        elif name == b"data":
            size = long_size if size == UNKNOWN_SIZE and long_size else size
            data = position, size
        if fields and data:
            return Layout(*fields, order, *data)
        position += size + size % 2  # chunks are padded to an even length
    return None


def _is_name(name: bytes) -> bool:
    return name.isascii() and name.decode("ascii").isprintable()


def _format_fields(audio: Bytes, position: int, order: str) -> tuple[int, int, int, int, int] | None:
    if position + 16 > len(audio):
        return None
    encoding, channels, sample_rate, bytes_per_second, block, bits = struct.unpack_from(
        order + "HHIIHH", audio, position
    )
    if encoding == _EXTENSIBLE and position + 26 <= len(audio):  # then the encoding comes later
        (encoding,) = struct.unpack_from(order + "H", audio, position + 24)
    if not channels or not sample_rate:
        return None
    if encoding not in _UNCOMPRESSED:
        return encoding, sample_rate, channels, block or 1, bytes_per_second
    # Computed from the bits, because some writers get the other two wrong.
    frame_size = (bits + 7) // 8 * channels or block or _SAMPLE_WIDTH * channels
    return encoding, sample_rate, channels, frame_size, sample_rate * frame_size


def spans(audio: Bytes) -> Iterator[Span]:
    """Find the samples in a whole body: one WAV file, or several concatenated ones."""
    start = 0
    while start >= 0 and (found := layout(audio, start)):
        begin, end = found.data_start, found.data_start + found.data_size
        if _ends_at(audio, end, found.byte_order, complete=True):
            start = _next_file(audio, end)
        else:
            start = _next_file(audio, begin)
            end = start if start >= 0 else len(audio)
        yield Span(found, begin, end)


def duration(audio: Bytes) -> float | None:
    """Return the duration in seconds; None if there is no header, or it has no byte rate."""
    found = list(spans(audio))
    if not found or not all(span.layout.bytes_per_second for span in found):
        return None
    sizes: dict[int, int] = {}  # by speed, so that a sum is exact
    for span in found:
        speed = span.layout.bytes_per_second
        sizes[speed] = sizes.get(speed, 0) + span.end - span.start
    return sum(size / speed for speed, size in sizes.items())


def _ends_at(audio: Bytes, end: int, order: str, *, complete: bool) -> bool | None:
    """Whether samples end where their header says: then nothing follows, or another chunk, or another file.

    If not, the header was written before the size was known. None if more bytes are needed.
    """
    rest = len(audio) - end
    if rest < 0 or (rest < 9 and not complete):
        return False if complete else None
    # At most a padding byte; or a chunk, with or without a padding byte before it.
    return rest < 2 or any(_is_chunk(audio, position, order, complete=complete) for position in (end, end + 1))


def _is_chunk(audio: Bytes, position: int, order: str, *, complete: bool) -> bool:
    if position + 8 > len(audio):
        return False
    name, size = struct.unpack_from(order + "4sI", audio, position)
    if name in MAGICS:
        return True
    if not _is_name(name) or size > _MAX_TRAILING_CHUNK:
        return False
    return not complete or position + 8 + size <= len(audio)


def _next_file(audio: Bytes, start: int) -> int:
    """Find the next WAV file at or after `start`; -1 if there is none."""
    match = _SIGNATURE.search(audio, start)
    return match.start() if match else -1


def check_kinds(found: Sequence[Span]) -> None:
    """Reject files whose samples cannot be concatenated.

    Raises:
        ValueError: They differ.
    """
    for span in found:
        _check_kind(found[0].layout, span.layout)


def _check_kind(first: Layout, other: Layout) -> None:
    if first.kind != other.kind:
        raise ValueError(
            f"The audio is several WAV files that do not fit together: one has {first}, another has {other}"
        )


class Repair(NamedTuple):
    """The changes that turn the received bytes into one correct file."""

    keep: tuple[tuple[int, int], ...]
    """(start, end) of the bytes to keep, in order; empty to keep all of them."""
    edits: tuple[tuple[int, bytes], ...]
    """(position, bytes) to write over them afterwards."""
    size: int
    """Bytes to keep; an edit may add to them."""


def repair(audio: Bytes) -> Repair | None:
    """Plan the repair of a received WAV file: missing sizes, or several files in one. None if it is correct or no WAV.

    Raises:
        ValueError: It is several files of different kinds.
    """
    found = list(spans(audio))
    if not found:
        return None
    check_kinds(found)
    first, size = found[0], len(audio)
    keep: tuple[tuple[int, int], ...] = ()
    if len(found) == 1:
        announced = int.from_bytes(audio[4:8], "big" if first.layout.byte_order == ">" else "little")
        is_long = audio[:4] in _LONG and announced == UNKNOWN_SIZE
        if first.end == first.start + first.layout.data_size and (0 < announced <= size - 8 or is_long):
            return None
        data = first.end - first.start
    else:
        keep = ((0, first.start), *((span.start, span.start + span.size) for span in found))
        data = sum(span.size for span in found)
        size = first.start + data
    edits = _sizes(audio, first.layout, min(size + size % 2 - 8, UNKNOWN_SIZE), min(data, UNKNOWN_SIZE))
    return Repair(keep, edits + (((size, b"\0"),) if size % 2 else ()), size)  # chunks are padded to an even length


def _sizes(head: Bytes, first: Layout, size: int, data_size: int) -> tuple[tuple[int, bytes], ...]:
    """Return the edits for a header's size fields. A size too large for them is marked unknown: read to the end."""
    pack = struct.Struct(first.byte_order + "I").pack
    is_long = head[:4] in _LONG and head[12:16] == b"ds64"  # remove its wrong long sizes, so that these count
    names = ((0, b"RIFF"), (12, b"JUNK")) if is_long else ()
    return (4, pack(size)), (first.data_start - 4, pack(data_size)), *names


class Reader:
    """Extracts the samples of one or more concatenated WAV files as they arrive.

    Attributes:
        layout: The first file's header; None until it is complete.
        head: The bytes before its samples.
    """

    def __init__(self) -> None:
        self.layout: Layout | None = None
        self.head = b""
        self._buffer = bytearray()
        self._step: Callable[[bool], bytes] = self._header
        self._left: int | None = None
        """Bytes of samples left by the header; None once that proved wrong."""

    def feed(self, chunk: bytes) -> bytes:
        """Add the next bytes.

        Returns:
            The samples that they complete, in whole frames.

        Raises:
            ValueError: Another file begins, of another kind.
        """
        self._buffer += chunk
        return self._read(complete=False)

    def end(self) -> bytes:
        """Return the remaining samples at the end. A partial frame is dropped."""
        return self._read(complete=True)

    @property
    def open_head(self) -> bytes:
        """The header, with its sizes marked unknown."""
        head = bytearray(self.head)
        for position, edit in _sizes(self.head, self.layout, UNKNOWN_SIZE, UNKNOWN_SIZE) if self.layout else ():
            head[position : position + len(edit)] = edit
        return bytes(head)

    @property
    def rest(self) -> bytes:
        """The bytes that were not returned: all of them if this is no WAV."""
        return bytes(self._buffer)

    def _read(self, *, complete: bool) -> bytes:
        samples, step = bytearray(), None
        while step != self._step:
            step = self._step
            samples += step(complete)
        return bytes(samples)

    def _header(self, _: bool) -> bytes:
        """Read a header, once it is complete."""
        if found := layout(self._buffer):
            if self.layout is None:
                self.layout, self.head = found, bytes(self._buffer[: found.data_start])
            _check_kind(self.layout, found)
            del self._buffer[: found.data_start]
            self._left, self._step = found.data_size, self._samples
        return b""

    def _samples(self, complete: bool) -> bytes:
        """Return samples, up to where they end."""
        if self._left is not None and self._left <= len(self._buffer):
            ends = _ends_at(self._buffer, self._left, self._order, complete=complete)
            if ends is None:
                return self._take(self._left)
            if ends:
                self._step = self._skip_chunks
                return self._take(self._left, last=True)
            self._left = None
        following = _next_file(self._buffer, 0)
        if following >= 0:
            self._step = self._header
            return self._take(following, last=True)
        # The last few bytes may be the start of a signature.
        return self._take(max(0, len(self._buffer) - (0 if complete else _SIGNATURE_SIZE - 1)))

    def _skip_chunks(self, _: bool) -> bytes:
        """Skip the chunks after the samples."""
        following = _next_file(self._buffer, 0)
        if following >= 0:
            self._step = self._header
        del self._buffer[: following if following >= 0 else max(0, len(self._buffer) - _SIGNATURE_SIZE + 1)]
        return b""

    @property
    def _order(self) -> str:
        return self.layout.byte_order if self.layout else "<"

    def _take(self, size: int, *, last: bool = False) -> bytes:
        """Take whole frames out of the buffer. At the end of a file (`last`), drop a partial frame too."""
        whole = size - size % self.layout.frame_size if self.layout else 0
        samples = bytes(self._buffer[:whole])
        gone = size if last else whole
        del self._buffer[:gone]
        if self._left is not None:
            self._left -= gone
        return samples
