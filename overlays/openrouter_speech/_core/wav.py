"""WAV: what the chunks before the samples say, and where the samples are. Pure: bytes in, info out.

A header is written before its audio, so a server that sends audio while it makes it cannot know the sizes in it: it
writes 0, 0xFFFFFFFF, 0x7FFFFFFF or any other number that is too large. And a server that makes a text sentence by
sentence may send a whole file for each, one after the other. Both are read here as one run of samples.

The format: https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html; RF64 and BW64, for more than 4 GiB:
EBU Tech 3306 and ITU-R BS.2088.
"""

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from mmap import mmap
from typing import NamedTuple

_LONG = (b"RF64", b"BW64")
"""Their sizes have 64 bits, and stand in a chunk `ds64`."""
MAGICS = (b"RIFF", b"RIFX", *_LONG)
"""RIFX has its numbers and its samples in big-endian order."""
UNKNOWN_SIZE = 0xFFFF_FFFF

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
HEADER_SIZE = _HEADER.size
_LARGEST = UNKNOWN_SIZE - HEADER_SIZE
_SAMPLE_WIDTH = 2
_INTEGERS, _EXTENSIBLE = 1, 0xFFFE
_UNCOMPRESSED = {_INTEGERS, 3, 6, 7}
"""Integers, floating point, A-law and u-law: a frame is one sample of each channel."""
_SIGNATURE = re.compile(rb"R(?:IFF|IFX|F64).{4}WAVE", re.DOTALL)
"""The beginning of a file that follows another."""
_SIGNATURE_SIZE = 12
"""Bytes."""
_MOST_CHUNKS = 1000
"""Before the samples. Files have a handful; a body of zeros has one in each eight bytes."""
_LARGEST_NOTE = 1 << 24
"""Bytes. What calls itself a chunk after the samples and is larger is taken for samples."""

Bytes = bytes | bytearray | mmap


class Layout(NamedTuple):
    """What the chunks before the samples of a WAV file tell."""

    encoding: int
    """1: integers, 3: floating point; others are compressed."""
    sample_rate: int
    """Hz."""
    channels: int
    frame_size: int
    """Bytes: one sample of each channel, or one block where they are compressed."""
    bytes_per_second: int
    byte_order: str
    """"<" for little-endian, ">" for big-endian."""
    data_start: int
    """Where the samples begin."""
    data_size: int
    """Bytes, by the header; not to be trusted where that was written before the audio was known."""

    @property
    def sample_width(self) -> int:
        """Bytes of one sample."""
        return self.frame_size // self.channels

    @property
    def kind(self) -> tuple[int, int, int, int, str]:
        """What has to be the same for samples to be put one after the other."""
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
    """Where they end, whatever the header says."""

    @property
    def size(self) -> int:
        """Bytes of whole frames."""
        return (self.end - self.start) // self.layout.frame_size * self.layout.frame_size


def header(data_size: int | None, sample_rate: int, channels: int) -> bytes:
    """The 44 bytes that make 16-bit pcm a WAV file.

    Args:
        data_size: Bytes of pcm; None if they are not known yet, and nobody can come back to write them.
        sample_rate: Hz.
        channels: How many.

    Raises:
        ValueError: The audio is larger than the 4 GiB that a WAV file can hold, or the header cannot hold the rate or
            the channels.
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
    """Refuse what is too large for a WAV file.

    Raises:
        ValueError: It is larger than 4 GiB.
    """
    if data_size > _LARGEST:
        raise ValueError(f"{data_size} bytes of audio do not fit into a WAV file (at most 4 GiB); save it as .pcm")


def is_wav(head: Bytes, start: int = 0) -> bool:
    """Whether a WAV file begins here."""
    return head[start : start + 4] in MAGICS and head[start + 8 : start + 12] == b"WAVE"


def layout(audio: Bytes, start: int = 0) -> Layout | None:
    """Read the header of a WAV file. None where there is none, or not all of it, or it has no channels or no rate."""
    if not is_wav(audio, start):
        return None
    order = ">" if audio[start : start + 4] == b"RIFX" else "<"
    position, form, data, long_size = start + 12, None, None, None
    for _ in range(_MOST_CHUNKS):
        if position + 8 > len(audio):
            break
        name, size = struct.unpack_from(order + "4sI", audio, position)
        position += 8
        if name == b"fmt ":
            form = _form(audio, position, order)
        elif name == b"ds64" and position + 16 <= len(audio):
            (long_size,) = struct.unpack_from("<Q", audio, position + 8)
        elif name == b"data":
            size = long_size if size == UNKNOWN_SIZE and long_size else size
            data = position, size
        if form and data:
            return Layout(*form, order, *data)
        position += size + size % 2  # chunks are padded to an even length
    return None


def _is_name(name: bytes) -> bool:
    return name.isascii() and name.decode("ascii").isprintable()


def _form(audio: Bytes, position: int, order: str) -> tuple[int, int, int, int, int] | None:
    if position + 16 > len(audio):
        return None
    encoding, channels, sample_rate, bytes_per_second, block, bits = struct.unpack_from(
        order + "HHIIHH", audio, position
    )
    if encoding == _EXTENSIBLE and position + 26 <= len(audio):  # then the encoding is further behind
        (encoding,) = struct.unpack_from(order + "H", audio, position + 24)
    if not channels or not sample_rate:
        return None
    if encoding not in _UNCOMPRESSED:
        return encoding, sample_rate, channels, block or 1, bytes_per_second
    # The other two follow from the bits, and some writers get them wrong.
    frame_size = (bits + 7) // 8 * channels or block or _SAMPLE_WIDTH * channels
    return encoding, sample_rate, channels, frame_size, sample_rate * frame_size


def spans(audio: Bytes) -> Iterator[Span]:
    """The samples of a whole body: of one WAV file, or of several, one after the other."""
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
    """How long all of the samples play, in seconds; None where there is no header, or it does not say how fast."""
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

    Otherwise the header was written before the audio was known. None where more bytes are needed to tell.
    """
    rest = len(audio) - end
    if rest < 0 or (rest < 9 and not complete):
        return False if complete else None
    # At most a byte that makes the length even; or a chunk, after such a byte or without it.
    return rest < 2 or any(_is_note(audio, position, order, complete=complete) for position in (end, end + 1))


def _is_note(audio: Bytes, position: int, order: str, *, complete: bool) -> bool:
    if position + 8 > len(audio):
        return False
    name, size = struct.unpack_from(order + "4sI", audio, position)
    if name in MAGICS:
        return True
    if not _is_name(name) or size > _LARGEST_NOTE:
        return False
    return not complete or position + 8 + size <= len(audio)


def _next_file(audio: Bytes, start: int) -> int:
    """Where the next WAV file begins, at or after `start`; -1 where none does."""
    match = _SIGNATURE.search(audio, start)
    return match.start() if match else -1


def check_kinds(found: Sequence[Span]) -> None:
    """Refuse files whose samples cannot be put one after the other.

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
    """What makes one correct file of what was received."""

    keep: tuple[tuple[int, int], ...]
    """(start, end) of what stays, in this order; empty if all stays where it is."""
    edits: tuple[tuple[int, bytes], ...]
    """(where, what) is written over it after that."""
    size: int
    """Bytes that stay; an edit may be behind them."""


def repair(audio: Bytes) -> Repair | None:
    """Work out what a received WAV file lacks: its sizes, or that it is one file. None if it is correct, or no WAV.

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
    """The size fields of a header. A size that they cannot hold is marked as unknown: readers go on to the end."""
    pack = struct.Struct(first.byte_order + "I").pack
    is_long = head[:4] in _LONG and head[12:16] == b"ds64"  # its long sizes are wrong; without them, these count
    names = ((0, b"RIFF"), (12, b"JUNK")) if is_long else ()
    return (4, pack(size)), (first.data_start - 4, pack(data_size)), *names


class Reader:
    """Takes WAV files as they arrive, one after the other, and gives the samples of all.

    Attributes:
        layout: What the header of the first file says; None until all of it is there.
        head: The bytes before its samples.
    """

    def __init__(self) -> None:
        self.layout: Layout | None = None
        self.head = b""
        self._buffer = bytearray()
        self._step: Callable[[bool], bytes] = self._header
        self._left: int | None = None
        """Bytes of samples that the header still announces; None once that turned out to be wrong."""

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes.

        Returns:
            The samples that are complete with them, in whole frames.

        Raises:
            ValueError: Another file begins, of another kind.
        """
        self._buffer += chunk
        return self._read(complete=False)

    def end(self) -> bytes:
        """The samples that are left at the end. Half a frame is dropped."""
        return self._read(complete=True)

    @property
    def open_head(self) -> bytes:
        """The header, with sizes that are marked as unknown."""
        head = bytearray(self.head)
        for position, edit in _sizes(self.head, self.layout, UNKNOWN_SIZE, UNKNOWN_SIZE) if self.layout else ():
            head[position : position + len(edit)] = edit
        return bytes(head)

    @property
    def rest(self) -> bytes:
        """What came and was not given: all of it, where it is no WAV."""
        return bytes(self._buffer)

    def _read(self, *, complete: bool) -> bytes:
        samples, step = bytearray(), None
        while step != self._step:
            step = self._step
            samples += step(complete)
        return bytes(samples)

    def _header(self, _: bool) -> bytes:
        """Read a header, once all of it is there."""
        if found := layout(self._buffer):
            if self.layout is None:
                self.layout, self.head = found, bytes(self._buffer[: found.data_start])
            _check_kind(self.layout, found)
            del self._buffer[: found.data_start]
            self._left, self._step = found.data_size, self._samples
        return b""

    def _samples(self, complete: bool) -> bytes:
        """Give samples, up to where they end."""
        if self._left is not None and self._left <= len(self._buffer):
            ends = _ends_at(self._buffer, self._left, self._order, complete=complete)
            if ends is None:
                return self._take(self._left)
            if ends:
                self._step = self._notes
                return self._take(self._left, last=True)
            self._left = None
        following = _next_file(self._buffer, 0)
        if following >= 0:
            self._step = self._header
            return self._take(following, last=True)
        # The last few bytes may be the beginning of a signature.
        return self._take(max(0, len(self._buffer) - (0 if complete else _SIGNATURE_SIZE - 1)))

    def _notes(self, _: bool) -> bytes:
        """Pass over what stands behind the samples."""
        following = _next_file(self._buffer, 0)
        if following >= 0:
            self._step = self._header
        del self._buffer[: following if following >= 0 else max(0, len(self._buffer) - _SIGNATURE_SIZE + 1)]
        return b""

    @property
    def _order(self) -> str:
        return self.layout.byte_order if self.layout else "<"

    def _take(self, size: int, *, last: bool = False) -> bytes:
        """Take whole frames out of the buffer; with the `last` of a file, what is left of one goes too."""
        whole = size - size % self.layout.frame_size if self.layout else 0
        samples = bytes(self._buffer[:whole])
        gone = size if last else whole
        del self._buffer[:gone]
        if self._left is not None:
            self._left -= gone
        return samples
