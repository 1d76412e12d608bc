"""Write chapters as an ID3v2.4 tag, for the beginning of an mp3 file. Pure: numbers and strings in, bytes out.

The formats: https://id3.org/id3v2.4.0-structure and https://id3.org/id3v2-chapters-1.0. The packages that
write these frames, mutagen and eyeD3, are under the GPL.
"""

import struct
from collections.abc import Iterable, Sequence
from itertools import pairwise

from .results import Chapter

_UTF_8 = b"\x03"
_NO_OFFSET = 0xFFFF_FFFF
"""Bytes: the times count."""
_ORDERED, _TOP = 1, 2
_MOST = 255
"""Entries in a table of contents."""


def chapters_tag(chapters: Sequence[Chapter], duration_ms: int) -> bytes:
    """Return a tag with a frame for each chapter, and a table of contents. Empty without chapters.

    Args:
        chapters: The chapters, in order; each ends where the next begins.
        duration_ms: Length of the file.
    """
    if not chapters:
        return b""
    ends = [*(after.start_ms for _, after in pairwise(chapters)), duration_ms]
    names = [f"chp{number}" for number in range(len(chapters))]
    frames = [
        _frame(
            b"CHAP",
            _terminated(name)
            + struct.pack(">4I", chapter.start_ms, end, _NO_OFFSET, _NO_OFFSET)
            + _frame(b"TIT2", _UTF_8 + chapter.title.encode()),
        )
        for name, chapter, end in zip(names, chapters, ends, strict=True)
    ]
    content = b"".join([*_contents(names), *frames])
    return b"ID3\x04\x00\x00" + _seven_bits(len(content)) + content


def _contents(names: Sequence[str]) -> Iterable[bytes]:
    """Yield the table of contents: one frame, or one that lists others if there are too many entries."""
    if len(names) <= _MOST:
        yield _table("toc", _TOP | _ORDERED, names)
        return
    groups = [names[begin : begin + _MOST] for begin in range(0, len(names), _MOST)]
    yield _table("toc", _TOP | _ORDERED, [f"toc{number}" for number in range(len(groups))])
    for number, group in enumerate(groups):
        yield _table(f"toc{number}", _ORDERED, group)


def _table(name: str, flags: int, entries: Sequence[str]) -> bytes:
    return _frame(b"CTOC", _terminated(name) + bytes([flags, len(entries)]) + b"".join(map(_terminated, entries)))


def _frame(name: bytes, content: bytes) -> bytes:
    return name + _seven_bits(len(content)) + b"\x00\x00" + content


def _terminated(name: str) -> bytes:
    return name.encode("ascii") + b"\x00"


def _seven_bits(size: int) -> bytes:
    """Return a size as 4 bytes with 7 bits each."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
